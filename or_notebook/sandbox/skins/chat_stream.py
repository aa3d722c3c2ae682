"""The chat-completions skin, streamed: steps become chunks (PROTOCOL.md, section 2.6)."""

from __future__ import annotations

from typing import Any

from or_notebook.sandbox.envelope import Envelope, keepalive
from or_notebook.sandbox.routing import router_metadata
from or_notebook.sandbox.skins.chat_delta import delta_of
from or_notebook.sandbox.sse import DONE, event
from or_notebook.sandbox.steps import Failure, Finish, KeepAlive, Step, Verbatim
from or_notebook.sandbox.usage import Tally, chat_usage, finish_reasons

_AZURE_FILTER = {
    "prompt_index": 0,
    "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}},
}
_OPENINGS: dict[str, dict[str, Any]] = {
    "azure": {
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": [_AZURE_FILTER],
    },
    "litellm": {
        "id": "litellm-fallback-metadata",
        "object": "chat.completion.chunk",
        "choices": [],
        "fallback_metadata": {"attempted_fallbacks": 1},
    },
    "ping": {"type": "ping"},
}


class ChatStream:
    """Encodes the steps of one streamed answer, in order."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._opening = envelope.settings.opening

    def encode(self, step: Step, tally: Tally) -> bytes:
        """Return the bytes of one step; empty if it shows nothing."""
        if isinstance(step, KeepAlive):
            return keepalive(self._envelope.settings)
        return self._opened() + self._encode(step, tally)

    def _encode(self, step: Step, tally: Tally) -> bytes:
        if isinstance(step, Finish):
            return self._finish(step, tally)
        if isinstance(step, Failure):
            return self._failure(step)
        if isinstance(step, Verbatim):
            return step.data
        delta = delta_of(step, self._envelope.settings.reasoning)
        return b"" if delta is None else self._chunk([self._choice(delta)], self._running(tally))

    def _opened(self) -> bytes:
        opening, self._opening = self._opening, None
        if opening is None:
            return b""
        if opening == "debug":
            body = {"model": self._envelope.call.model.name, "stream": True}
            return self._chunk([], {"debug": {"echo_upstream_body": body}})
        return event(_OPENINGS[opening])

    def _chunk(self, choices: list[dict[str, Any]], more: dict[str, Any]) -> bytes:
        head = self._envelope.head("chat.completion.chunk")
        return event({**head, "choices": choices, **more})

    def _choice(self, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        shown, native = finish_reasons(self._envelope.call, reason) if reason else (None, None)
        return {
            "index": 0,
            "delta": {"role": "assistant", "content": "", **delta},
            "finish_reason": shown,
            "native_finish_reason": native,
            "logprobs": None,
        }

    def _running(self, tally: Tally) -> dict[str, Any]:
        """Return the usage so far, for servers that tell it in every chunk."""
        if self._envelope.settings.usage != "every_chunk":
            return {}
        return {"usage": chat_usage(self._envelope.call, tally)}

    def _finish(self, step: Finish, tally: Tally) -> bytes:
        settings, call = self._envelope.settings, self._envelope.call
        reason = step.reason if settings.finish else None
        last = router_metadata(call)
        counted = chat_usage(call, tally)
        if counted is not None:
            last["usage"] = counted
        finish = self._choice({}, reason)
        if settings.usage in ("on_finish", "every_chunk") or counted is None:
            chunks = self._chunk([finish], last)
        else:
            closing = {
                "empty_choices": [],
                "repeated_finish": [finish],
            }.get(settings.usage, [self._choice({})])
            chunks = (self._chunk([finish], {}) if reason else b"") + self._chunk(closing, last)
        return chunks + (DONE if settings.done else b"")

    def _failure(self, step: Failure) -> bytes:
        choice = {
            "index": 0,
            "delta": {"content": ""},
            "finish_reason": "error",
            "native_finish_reason": None,
        }
        head = self._envelope.head("chat.completion.chunk")
        return event({**head, "error": failure_error(step), "choices": [choice]})


def failure_error(step: Failure) -> dict[str, Any]:
    """Return the `error` object of a failure after the answer has begun."""
    metadata = {"error_type": step.error_type}
    if step.provider_code:
        metadata["provider_code"] = step.provider_code
    return {"code": step.code, "message": step.message, "metadata": metadata}
