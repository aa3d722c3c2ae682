"""The chat-completions skin, streamed: steps become chunks (PROTOCOL.md, section 2.6)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from or_notebook.sandbox.catalogue import Model
from or_notebook.sandbox.steps import (
    Citation,
    Failure,
    Finish,
    Image,
    KeepAlive,
    Reasoning,
    Refusal,
    Signature,
    Step,
    Text,
    ToolFragment,
)
from or_notebook.sandbox.usage import Tally, native_finish_reason, usage

KEEPALIVE = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"
REASONING_FORMAT = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}


def event(payload: dict[str, Any]) -> bytes:
    """Return one server-sent event with a JSON payload."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return f"data: {text}\n\n".encode()


@dataclass(frozen=True)
class Envelope:
    """What all chunks of one answer have in common."""

    id: str
    provider: str
    model: Model
    created: int

    def head(self, kind: str) -> dict[str, Any]:
        """Return the members before `choices`."""
        return {
            "id": self.id,
            "provider": self.provider,
            "model": self.model.id,
            "object": kind,
            "created": self.created,
        }


class ChatStream:
    """Encodes the steps of one streamed answer, in order."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    def encode(self, step: Step, tally: Tally) -> bytes:
        """Return the bytes of one step; empty if it shows nothing."""
        if isinstance(step, Finish):
            return self._finish(step, tally)
        if isinstance(step, Failure):
            return self._failure(step)
        if isinstance(step, KeepAlive):
            return KEEPALIVE
        delta = _delta(step)
        return b"" if delta is None else self._chunk(delta)

    def _chunk(self, delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
        provider = self._envelope.provider
        choice = {
            "index": 0,
            "delta": {"role": "assistant", "content": "", **delta},
            "finish_reason": reason,
            "native_finish_reason": reason and native_finish_reason(provider, reason),
            "logprobs": None,
        }
        head = self._envelope.head("chat.completion.chunk")
        return event({**head, "choices": [choice], **more})

    def _finish(self, step: Finish, tally: Tally) -> bytes:
        counted = usage(self._envelope.model, tally)
        return self._chunk({}, step.reason) + self._chunk({}, usage=counted) + DONE

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


def _delta(step: Step) -> dict[str, Any] | None:
    if isinstance(step, Text):
        return {"content": step.text}
    if isinstance(step, Reasoning):
        if not step.visible:
            return None
        details = [{**REASONING_FORMAT, "text": step.text}]
        return {"reasoning": step.text, "reasoning_details": details}
    if isinstance(step, Signature):
        return {"reasoning_details": [{**REASONING_FORMAT, "signature": step.signature}]}
    if isinstance(step, Refusal):
        return {"content": None, "refusal": step.text}
    if isinstance(step, ToolFragment):
        return {"content": None, "tool_calls": [_tool_fragment(step)]}
    if isinstance(step, Image):
        return {"images": [image_part(step)]}
    if isinstance(step, Citation):
        return {"annotations": [annotation(step)]}
    return None


def _tool_fragment(step: ToolFragment) -> dict[str, Any]:
    if step.id is None:
        return {"index": step.index, "function": {"arguments": step.arguments}}
    function = {"name": step.name, "arguments": step.arguments}
    return {"index": step.index, "id": step.id, "type": "function", "function": function}


def image_part(step: Image) -> dict[str, Any]:
    """Return a picture as it stands in `images`."""
    return {"type": "image_url", "image_url": {"url": step.url}}


def annotation(step: Citation) -> dict[str, Any]:
    """Return a source as it stands in `annotations`."""
    citation = {
        "url": step.url,
        "title": step.title,
        "content": step.content,
        "start_index": step.start,
        "end_index": step.end,
    }
    return {"type": "url_citation", "url_citation": citation}
