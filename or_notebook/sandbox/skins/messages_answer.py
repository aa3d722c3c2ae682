"""The messages skin: steps become events and one message (PROTOCOL.md, section 6.2).

A refusal is text that ends with the stop reason `refusal`. Pictures have no place here: they are
spent and not shown. Blocks follow one after the other, so the fragments of a second tool call wait
until the first one is whole.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, TypeAlias

from or_notebook.sandbox.envelope import Envelope, keepalive
from or_notebook.sandbox.routing import router_metadata
from or_notebook.sandbox.sse import event
from or_notebook.sandbox.steps import (
    Citation,
    Failure,
    Finish,
    KeepAlive,
    Reasoning,
    Refusal,
    Signature,
    Step,
    Text,
    ToolFragment,
)
from or_notebook.sandbox.usage import Tally, finish_reasons, messages_usage

Event: TypeAlias = dict[str, Any]

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    524: "timeout_error",
    529: "overloaded_error",
}
_DONE = b"event: data\ndata: [DONE]\n\n"


def error_envelope(
    status: int, message: str, error_type: str | None, request_id: str | None
) -> dict[str, Any]:
    """Return an error in this skin's form, as a body or as an event."""
    error = {"type": _ERRORS.get(status, "api_error"), "message": message}
    if error_type:
        error["error_type"] = error_type
    return {"type": "error", "error": error, "request_id": request_id}


class MessagesAnswer:
    """Turns the steps of one answer into events; `message` is the answer so far."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._is_open = False
        self._call: int | None = None
        self._arguments: list[str] = []
        self._waiting: dict[int, list[ToolFragment]] = {}
        self._refused = False
        self.is_started = False
        self.error: dict[str, Any] | None = None
        self.message: dict[str, Any] = {
            "id": envelope.id,
            "type": "message",
            "role": "assistant",
            "container": None,
            "content": [],
            "model": envelope.call.model.id,
            "stop_reason": None,
            "stop_details": None,
            "stop_sequence": None,
        }
        if envelope.settings.is_openrouter:
            self.message["provider"] = envelope.call.provider

    def start(self, tally: Tally) -> list[Event]:
        """Return the event before all others, once."""
        if self.is_started:
            return []
        self.is_started = True
        counted = messages_usage(self._envelope.call, Tally(tally.prompt, tally.cached)) or {}
        tokens = {name: count for name, count in counted.items() if name.endswith("tokens")}
        self.message["usage"] = {"input_tokens": 0, "output_tokens": 0, **tokens}
        return [{"type": "message_start", "message": {**self.message, "content": []}}]

    def events(self, step: Step, tally: Tally) -> list[Event]:
        """Return the events of one step."""
        if isinstance(step, Finish):
            return self._finish(step, tally)
        if isinstance(step, Failure):
            self.error = error_envelope(step.code, step.message, step.error_type, self._envelope.id)
            return [self.error]
        if isinstance(step, (Text, Refusal)):
            self._refused = self._refused or isinstance(step, Refusal)
            return self._grow("text", "text_delta", step.text)
        if isinstance(step, Reasoning):
            return self._reasoning(step)
        if isinstance(step, Signature):
            return self._signature(step)
        if isinstance(step, Citation):
            return self._cite(step)
        return self._fragment(step) if isinstance(step, ToolFragment) else []

    # -- blocks --------------------------------------------------------------------------------

    def _block(self) -> dict[str, Any]:
        """Return the last block."""
        block: dict[str, Any] = self.message["content"][-1]
        return block

    def _opened(self, block: dict[str, Any]) -> list[Event]:
        closing = self._closed()
        content = self.message["content"]
        content.append(dict(block))
        self._is_open = True
        start = {"type": "content_block_start", "index": len(content) - 1, "content_block": block}
        return [*closing, start, *([{"type": "ping"}] if len(content) == 1 else [])]

    def _closed(self) -> list[Event]:
        if not self._is_open:
            return []
        self._is_open = False
        return [{"type": "content_block_stop", "index": len(self.message["content"]) - 1}]

    def _delta(self, kind: str, member: str, value: Any) -> Event:
        index = len(self.message["content"]) - 1
        return {
            "type": "content_block_delta",
            "index": index,
            "delta": {"type": kind, member: value},
        }

    def _grow(self, block: str, kind: str, piece: str) -> list[Event]:
        """Add a piece to a block of text or thinking, after opening one if need be."""
        opening: list[Event] = []
        if not (self._is_open and self._block()["type"] == block):
            empty = {"signature": ""} if block == "thinking" else {"citations": None}
            opening = self._opened({"type": block, block: "", **empty})
        self._block()[block] += piece
        return [*opening, self._delta(kind, block, piece)]

    def _reasoning(self, step: Reasoning) -> list[Event]:
        if not step.visible or self._envelope.settings.reasoning == "encrypted":
            return []
        return self._grow("thinking", "thinking_delta", step.text)

    def _signature(self, step: Signature) -> list[Event]:
        if self._envelope.settings.reasoning == "encrypted":
            return self._opened({"type": "redacted_thinking", "data": step.signature})
        self._block()["signature"] = step.signature
        return [self._delta("signature_delta", "signature", step.signature)]

    def _cite(self, step: Citation) -> list[Event]:
        citation = {
            "type": "web_search_result_location",
            "url": step.url,
            "title": step.title,
            "cited_text": step.content,
            "encrypted_index": "c2FuZGJveA==",
        }
        block = self._block()
        block["citations"] = [*(block["citations"] or []), citation]
        return [self._delta("citations_delta", "citation", citation)]

    # -- tool calls ----------------------------------------------------------------------------

    def _fragment(self, step: ToolFragment) -> list[Event]:
        if self._call is None:
            self._call = step.index
        if step.index != self._call:
            self._waiting.setdefault(step.index, []).append(step)
            return []
        if step.id is not None:
            head = {"type": "tool_use", "id": step.id, "name": step.name}
            return self._opened({**head, "input": {}})
        self._arguments.append(step.arguments)
        return [self._delta("input_json_delta", "partial_json", step.arguments)]

    def _waiting_calls(self) -> list[Event]:
        events: list[Event] = []
        for index, fragments in self._waiting.items():
            self._end_call()
            self._call = index
            for fragment in fragments:
                events += self._fragment(fragment)
        self._end_call()
        return events

    def _end_call(self) -> None:
        """Put the arguments into the block; those that a token limit has cut are no JSON."""
        arguments, self._arguments = "".join(self._arguments), []
        if arguments:
            with suppress(ValueError):
                self._block()["input"] = json.loads(arguments)

    # -- the end -------------------------------------------------------------------------------

    def _finish(self, step: Finish, tally: Tally) -> list[Event]:
        call = self._envelope.call
        events = [*self._waiting_calls(), *self._closed()]
        reason, _ = finish_reasons(call, step.reason)
        stop: dict[str, Any] = {
            "stop_reason": _STOP_REASONS.get(reason, reason) if call.settings.finish else None,
            "stop_details": None,
            "stop_sequence": None,
            "container": None,
        }
        if self._refused and reason == "stop":
            details = {"type": "refusal", "category": None, "explanation": None}
            stop |= {"stop_reason": "refusal", "stop_details": details}
        self.message |= stop
        last: Event = {"type": "message_delta", "delta": stop, **router_metadata(call)}
        counted = messages_usage(call, tally)
        if counted is not None:
            self.message["usage"] = counted
            # The count of the prompt stands in message_start; here it may be null.
            last["usage"] = {**counted, "input_tokens": None}
        return [*events, last, {"type": "message_stop"}]


class MessagesStream:
    """Encodes the steps of one streamed answer, in OpenRouter's form or in Anthropic's."""

    def __init__(self, envelope: Envelope) -> None:
        self._answer = MessagesAnswer(envelope)
        self._settings = envelope.settings

    def encode(self, step: Step, tally: Tally) -> bytes:
        """Return the bytes of one step; empty if it shows nothing."""
        if isinstance(step, KeepAlive):
            if self._settings.is_openrouter and not self._answer.is_started:
                return keepalive(self._settings)
            return _write([*self._answer.start(tally), {"type": "ping"}])
        encoded = _write([*self._answer.start(tally), *self._answer.events(step, tally)])
        has_sentinel = self._settings.is_openrouter and self._settings.done
        return encoded + (_DONE if isinstance(step, Finish) and has_sentinel else b"")


class MessagesBody:
    """Collects the steps of one answer into a single response body."""

    def __init__(self, envelope: Envelope) -> None:
        self._answer = MessagesAnswer(envelope)

    def add(self, step: Step, tally: Tally) -> None:
        """Take in one step."""
        self._answer.start(tally)
        self._answer.events(step, tally)

    def payload(self, tally: Tally) -> dict[str, Any]:  # noqa: ARG002 - it stands in the message
        """Return the response body; after a failure it is the error."""
        return self._answer.error or self._answer.message


def _write(events: list[Event]) -> bytes:
    return b"".join(event(one, one["type"]) for one in events)
