"""Legacy completions: a prompt in, plain text out (PROTOCOL.md, section 6.3).

The dialect has no place for reasoning, tool calls, pictures or sources: they are spent and billed,
but not shown; a refusal is text like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from or_notebook.sandbox.envelope import Envelope, keepalive
from or_notebook.sandbox.question import Question, common, stop_sequences
from or_notebook.sandbox.rules import Check, boolean, integer, record, text, text_or_list
from or_notebook.sandbox.settings import settings_check
from or_notebook.sandbox.skins.chat_stream import failure_error
from or_notebook.sandbox.skins.fields import SAMPLING, SHARED, check_fields, require
from or_notebook.sandbox.sse import DONE, event
from or_notebook.sandbox.steps import Failure, Finish, KeepAlive, Refusal, Step, Text
from or_notebook.sandbox.texts import tokenize
from or_notebook.sandbox.usage import Tally, chat_usage, finish_reasons

_FIELDS: dict[str, Check] = {
    **SHARED,
    **SAMPLING,
    "prompt": text_or_list(1),
    "max_tokens": integer(1),
    "stop": text_or_list(4),
    "stream_options": record({"include_usage": boolean}),
    "suffix": text(),
    "logprobs": integer(0, 5),
    "n": integer(1, 1),
    "sandbox": settings_check("openai"),
}


def read_completions(body: dict[str, Any]) -> Question:
    """Return what a body asks for; raise a 400 that names the first wrong field."""
    require(body, "prompt")
    check_fields(body, _FIELDS)
    prompt = body["prompt"]
    return Question(
        **common(body),
        prompt_tokens=len(tokenize(prompt if isinstance(prompt, str) else "".join(prompt))),
        max_tokens=body.get("max_tokens"),
        stop=stop_sequences(body.get("stop")),
        seed=body.get("seed"),
    )


class CompletionsStream:
    """Encodes the steps of one streamed answer, in OpenRouter's form or in OpenAI's."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    def encode(self, step: Step, tally: Tally) -> bytes:
        """Return the bytes of one step; empty if it shows nothing."""
        settings = self._envelope.settings
        if isinstance(step, KeepAlive):
            return keepalive(settings) if settings.is_openrouter else b""
        if isinstance(step, (Text, Refusal)):
            return self._chunk([_choice(step.text)], self._usage("every_chunk", tally))
        if isinstance(step, Failure):
            return self._chunk([_choice("", "error")], {"error": failure_error(step)})
        return self._finish(step, tally) if isinstance(step, Finish) else b""

    def _chunk(self, choices: list[dict[str, Any]], more: dict[str, Any]) -> bytes:
        kind = "chat.completion.chunk"
        nothing: dict[str, Any] = {}
        if not self._envelope.settings.is_openrouter:
            kind, nothing = "text_completion", {"usage": None}
        return event({**_head(self._envelope, kind), "choices": choices, **nothing, **more})

    def _usage(self, where: str, tally: Tally) -> dict[str, Any]:
        """Return the usage if this is one of the places where it shall stand."""
        if self._envelope.settings.usage != where:
            return {}
        return {"usage": chat_usage(self._envelope.call, tally)}

    def _finish(self, step: Finish, tally: Tally) -> bytes:
        settings, call = self._envelope.settings, self._envelope.call
        reason, native = finish_reasons(call, step.reason) if settings.finish else (None, None)
        finish = _choice("", reason)
        if settings.is_openrouter:
            finish["native_finish_reason"] = native
        counted = chat_usage(call, tally)
        end = DONE if settings.done else b""
        if settings.usage in ("on_finish", "every_chunk", "none"):
            more = {} if counted is None else {"usage": counted}
            return self._chunk([finish], more) + end
        empty = settings.usage == "empty_choices" or not settings.is_openrouter
        repeated = settings.usage == "repeated_finish"
        closing = [] if empty else [finish] if repeated else [_choice("")]
        chunks = self._chunk([finish], {}) if reason else b""
        return chunks + self._chunk(closing, {"usage": counted}) + end


@dataclass
class CompletionsBody:
    """Collects the steps of one answer into a single response body."""

    envelope: Envelope
    _pieces: list[str] = field(default_factory=list)
    _end: Finish | Failure | None = None

    def add(self, step: Step, tally: Tally) -> None:  # noqa: ARG002 - the bill comes last
        """Take in one step."""
        if isinstance(step, (Text, Refusal)):
            self._pieces.append(step.text)
        elif isinstance(step, (Finish, Failure)):
            self._end = step

    def payload(self, tally: Tally) -> dict[str, Any]:
        """Return the response body; without a regular end its finish reason is null."""
        call = self.envelope.call
        choice = _choice("".join(self._pieces))
        if isinstance(self._end, Finish) and call.settings.finish:
            choice["finish_reason"] = finish_reasons(call, self._end.reason)[0]
        elif isinstance(self._end, Failure):
            choice |= {"finish_reason": "error", "error": failure_error(self._end)}
        counted = chat_usage(call, tally)
        body = {**_head(self.envelope, "text_completion"), "choices": [choice]}
        return body if counted is None else {**body, "usage": counted}


def _head(envelope: Envelope, kind: str) -> dict[str, Any]:
    head = envelope.head(kind)
    if not envelope.settings.is_openrouter:
        del head["provider"]
    return head


def _choice(text_: str, reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "text": text_, "finish_reason": reason, "logprobs": None}
