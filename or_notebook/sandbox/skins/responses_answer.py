"""The responses skin: steps become events and, at the end, one response (PROTOCOL.md, 6.1)."""

from __future__ import annotations

from typing import Any, TypeAlias

from or_notebook.sandbox.envelope import Envelope, keepalive
from or_notebook.sandbox.routing import router_metadata
from or_notebook.sandbox.skins.responses_items import (
    Event,
    FunctionCall,
    Message,
    Picture,
    Reasoning,
    ReasoningForm,
)
from or_notebook.sandbox.sse import DONE, event
from or_notebook.sandbox.steps import (
    Citation,
    Failure,
    Finish,
    Image,
    KeepAlive,
    Refusal,
    Signature,
    Step,
    Text,
    ToolFragment,
    Verbatim,
)
from or_notebook.sandbox.steps import Reasoning as ReasoningStep
from or_notebook.sandbox.usage import Tally, finish_reasons, responses_usage

Item: TypeAlias = Message | Reasoning | FunctionCall | Picture

_CODES = {
    "rate_limit_exceeded": "rate_limit_exceeded",
    "invalid_request": "invalid_prompt",
    "context_length_exceeded": "invalid_prompt",
    "content_policy_violation": "image_content_policy_violation",
}
"""The few codes of this skin for OpenRouter's error types; all others are `server_error`."""
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def error_code(error_type: str | None) -> str:
    """Return this skin's code for one of OpenRouter's error types."""
    return _CODES.get(error_type or "", "server_error")


class ResponsesAnswer:
    """Turns the steps of one answer into events; `response` is the answer so far."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._items: list[Item] = []
        self._open: Message | Reasoning | None = None
        self._calls: dict[int, FunctionCall] = {}
        self.response = _new_response(envelope)
        self.is_started = False

    def start(self) -> list[Event]:
        """Return the events before all others, once."""
        if self.is_started:
            return []
        self.is_started = True
        return [
            {"type": f"response.{name}", "response": self.response}
            for name in ("created", "in_progress")
        ]

    def events(self, step: Step, tally: Tally) -> list[Event]:
        """Return the events of one step."""
        if isinstance(step, Finish):
            return self._finish(step, tally)
        if isinstance(step, Failure):
            return [self._failed(step)]
        if isinstance(step, Text):
            return self._grow("output_text", step.text)
        if isinstance(step, Refusal):
            return self._grow("refusal", step.text)
        if isinstance(step, ReasoningStep):
            return self._grow("reasoning", step.text) if step.visible else []
        if isinstance(step, Signature) and isinstance(self._open, Reasoning):
            self._open.sign(step.signature)
        if isinstance(step, Citation) and isinstance(self._open, Message):
            return self._open.cite(_annotation(step))
        if isinstance(step, ToolFragment):
            return self._tool_fragment(step)
        if isinstance(step, Image):
            picture = Picture(self._new_id("ig"), len(self._items), step.url)
            return [*self._close(), *self._add(picture), *picture.closed()]
        return []

    def _grow(self, kind: str, text: str) -> list[Event]:
        """Add a piece to the open item, after opening another if this one is of another kind."""
        if self._open is not None and self._open.kind == kind:
            return self._open.grow(text)
        closing, index = self._close(), len(self._items)
        if kind == "reasoning":
            self._open = Reasoning(self._new_id("rs"), index, self._reasoning_form())
        else:
            self._open = Message(self._new_id("msg"), index, kind)
        return [*closing, *self._add(self._open), *self._open.grow(text)]

    def _tool_fragment(self, step: ToolFragment) -> list[Event]:
        call = self._calls.get(step.index)
        if call is not None:
            return call.grow(step.arguments)
        index = len(self._items)
        call = FunctionCall(self._new_id("fc"), index, step.id or "", step.name or "")
        self._calls[step.index] = call
        first = call.grow(step.arguments) if step.arguments else []
        return [*self._close(), *self._add(call), *first]

    def _add(self, item: Item) -> list[Event]:
        self._items.append(item)
        return item.opened()

    def _close(self) -> list[Event]:
        closing, self._open = self._open, None
        return [] if closing is None else closing.closed()

    def _finish(self, step: Finish, tally: Tally) -> list[Event]:
        closing = [*self._close(), *(e for call in self._calls.values() for e in call.closed())]
        call = self._envelope.call
        reason = _INCOMPLETE.get(finish_reasons(call, step.reason)[0])
        status = "incomplete" if reason else "completed"
        self.response = {
            **self.response,
            "status": status,
            "completed_at": None if reason else self._envelope.created + 1,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": [item.item for item in self._items],
            **router_metadata(call),
        }
        counted = responses_usage(call, tally)
        if counted is not None:
            self.response["usage"] = counted
        if not call.settings.finish:
            return closing
        return [*closing, {"type": f"response.{status}", "response": self.response}]

    def _failed(self, step: Failure) -> Event:
        error = {"code": error_code(step.error_type), "message": step.message}
        self.response = {**self.response, "status": "failed", "error": error}
        if self._envelope.settings.is_openrouter:
            self.response["error_type"] = step.error_type
        return {"type": "response.failed", "response": self.response}

    def _reasoning_form(self) -> ReasoningForm:
        wanted = self._envelope.settings.reasoning
        if wanted == "summary":
            return "summary"
        return "encrypted" if wanted == "encrypted" else "text"

    def _new_id(self, prefix: str) -> str:
        return f"{prefix}_{self._envelope.id[-8:]}{len(self._items)}"


class ResponsesStream:
    """Encodes the steps of one streamed answer, in OpenRouter's form or in OpenAI's."""

    def __init__(self, envelope: Envelope) -> None:
        self._answer = ResponsesAnswer(envelope)
        self._settings = envelope.settings
        self._number = 0

    def encode(self, step: Step, tally: Tally) -> bytes:
        """Return the bytes of one step; empty if it shows nothing."""
        if isinstance(step, KeepAlive):
            # OpenAI sends no comments; its first events come at once.
            started = b"" if self._settings.is_openrouter else self._write(self._answer.start())
            return keepalive(self._settings) if self._settings.is_openrouter else started
        if isinstance(step, Verbatim):
            return self._write(self._answer.start()) + step.data
        encoded = self._write([*self._answer.start(), *self._answer.events(step, tally)])
        has_sentinel = self._settings.is_openrouter and self._settings.done
        over = isinstance(step, (Finish, Failure))
        return encoded + (DONE if over and has_sentinel else b"")

    def _write(self, events: list[Event]) -> bytes:
        return b"".join(self._write_one(one) for one in events)

    def _write_one(self, one: Event) -> bytes:
        number, self._number = self._number, self._number + 1
        name = None if self._settings.is_openrouter else one["type"]
        return event({**one, "sequence_number": number}, name)


class ResponsesBody:
    """Collects the steps of one answer into a single response body."""

    def __init__(self, envelope: Envelope) -> None:
        self._answer = ResponsesAnswer(envelope)

    def add(self, step: Step, tally: Tally) -> None:
        """Take in one step."""
        self._answer.events(step, tally)

    def payload(self, tally: Tally) -> dict[str, Any]:  # noqa: ARG002 - it stands in the response
        """Return the response body."""
        return self._answer.response


def _new_response(envelope: Envelope) -> dict[str, Any]:
    asked = envelope.call.body
    return {
        "id": envelope.id,
        "object": "response",
        "created_at": envelope.created,
        "completed_at": None,
        "model": envelope.call.model.id,
        "status": "in_progress",
        "output": [],
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": envelope.call.question.parallel_tool_calls,
        "tool_choice": asked.get("tool_choice") or "auto",
        "tools": asked.get("tools") or [],
        **{
            name: asked.get(name)
            for name in (
                "instructions",
                "max_output_tokens",
                "metadata",
                "frequency_penalty",
                "presence_penalty",
                "temperature",
                "top_p",
            )
        },
    }


def _annotation(step: Citation) -> dict[str, Any]:
    return {
        "type": "url_citation",
        "url": step.url,
        "title": step.title,
        "start_index": step.start,
        "end_index": step.end,
    }
