"""Messages, Anthropic's dialect, streamed or whole (PROTOCOL.md, section 6.2)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from or_notebook.wire import deltas as d
from or_notebook.wire.error_bodies import detail_from_object
from or_notebook.wire.request import Request
from or_notebook.wire.skins.frames import deltas_of
from or_notebook.wire.skins.messages_request import encode
from or_notebook.wire.sse import Item

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Finish reasons in the words of chat completions; others pass through."""

_decode_event = msgspec.json.Decoder(dict[str, Any]).decode


class MessagesSkin:
    """`POST /messages`."""

    headers: Mapping[str, str] = MappingProxyType({"anthropic-version": "2023-06-01"})

    def encode(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Return path and body; fields that only chat completions know are translated."""
        return "/messages", encode(request)

    def decoder(self) -> MessagesDecoder:
        """Return a decoder for one response."""
        return MessagesDecoder()


class MessagesDecoder:
    """Decodes one response; overlays the usage figures, which come in two parts.

    The input of a tool call comes whole with its block or in pieces after it: the block's own,
    mostly an empty object, waits in `_inputs` until the first piece or the end of the block.
    """

    def __init__(self) -> None:
        self.finished = False
        self._usage: dict[str, Any] = {}
        self._inputs: dict[int, Any] = {}
        self._calls: set[int] = set()
        self._tokens_seen = False

    def decode(self, item: Item) -> list[d.Delta]:
        """Return the deltas of one event or comment."""
        return deltas_of(item, _decode_event, self._deltas, self._failure)

    def whole(self, body: dict[str, Any]) -> list[d.Delta] | None:
        """Return the deltas of a non-streamed message; None if the body is none."""
        if not isinstance(body.get("content"), list):
            return None
        out: list[d.Delta] = []
        self._start(body, out)
        for index, block in enumerate(body["content"]):
            if isinstance(block, dict):
                self._block(index, block, out)
        self._finish(body, out)
        return out

    def _deltas(self, event: dict[str, Any]) -> list[d.Delta]:
        out: list[d.Delta] = []
        self._event(event, out)
        if any(isinstance(delta, d.TOKEN_DELTAS) for delta in out):
            self._tokens_seen = True
        return out

    def _event(self, event: dict[str, Any], out: list[d.Delta]) -> None:
        kind, index = event.get("type"), event.get("index")
        number = index if isinstance(index, int) else 0
        if kind == "message_start":
            self._start(_object(event.get("message")), out)
        elif kind == "content_block_start":
            self._block(number, _object(event.get("content_block")), out)
        elif kind == "content_block_delta":
            self._delta(number, _object(event.get("delta")), out)
        elif kind == "content_block_stop":
            self._end_block(number, out)
        elif kind == "message_delta":
            self._overlay(event.get("usage"), out)
            self._finish(_object(event.get("delta")), out)
        elif kind == "error" or event.get("error"):
            out.append(self._failure(event))

    def _start(self, message: dict[str, Any], out: list[d.Delta]) -> None:
        names = (_text(message.get(name)) for name in ("id", "model", "provider"))
        out.append(d.Origin(*(name or None for name in names)))
        usage = message.get("usage")
        if isinstance(usage, dict):
            self._usage = dict(usage)
            out.append(d.UsageDelta(usage))

    def _overlay(self, usage: object, out: list[d.Delta]) -> None:
        """Lay the non-null figures over those known: the later ones are cumulative."""
        if isinstance(usage, dict):
            self._usage |= {name: value for name, value in usage.items() if value is not None}
            out.append(d.UsageDelta(dict(self._usage)))

    def _block(self, index: int, block: dict[str, Any], out: list[d.Delta]) -> None:
        kind = block.get("type")
        if kind == "text":
            if _text(block.get("text")):
                out.append(d.TextDelta(block["text"]))
            for citation in block.get("citations") or ():
                self._citation(citation, out)
        elif kind == "thinking":
            self._thinking(index, block, out)
        elif kind == "redacted_thinking":
            out.append(d.ReasoningDetail({**block, "index": index}))
        elif kind == "tool_use":
            self._calls.add(index)
            self._inputs[index] = block.get("input") or {}
            id_, name = _text(block.get("id")), _text(block.get("name"))
            out.append(d.ToolCallDelta(index, id_ or None, name or None))

    def _end_block(self, index: int, out: list[d.Delta]) -> None:
        """Deliver the input of a tool call that came without pieces; empty is `{}`."""
        if index in self._inputs:
            arguments = msgspec.json.encode(self._inputs.pop(index)).decode()
            out.append(d.ToolCallDelta(index, arguments=arguments))

    def _thinking(self, index: int, block: dict[str, Any], out: list[d.Delta]) -> None:
        """Keep a thinking block or a piece of one, and show its text."""
        thinking, signature = _text(block.get("thinking")), _text(block.get("signature"))
        if thinking:
            out.append(d.ReasoningDelta(thinking))
        fragment = {"type": "thinking", "index": index, "text": thinking}
        if signature:
            fragment["signature"] = signature
        out.append(d.ReasoningDetail(fragment))

    def _delta(self, index: int, delta: dict[str, Any], out: list[d.Delta]) -> None:
        kind = delta.get("type")
        if kind == "text_delta" and _text(delta.get("text")):
            out.append(d.TextDelta(delta["text"]))
        elif kind in {"thinking_delta", "signature_delta"}:
            self._thinking(index, delta, out)
        elif kind == "input_json_delta" and _text(delta.get("partial_json")):
            self._inputs.pop(index, None)
            # The endpoint's own tools send such pieces too; nobody here is to call those.
            if index in self._calls:
                out.append(d.ToolCallDelta(index, arguments=delta["partial_json"]))
        elif kind == "citations_delta":
            self._citation(delta.get("citation"), out)

    def _citation(self, citation: object, out: list[d.Delta]) -> None:
        found = _object(citation)
        if _text(found.get("url")):
            source = {
                "url": found["url"],
                "title": found.get("title") or found["url"],
                "content": found.get("cited_text"),
            }
            out.append(d.AnnotationDelta({"type": "url_citation", "url_citation": source}))
        elif found:
            out.append(d.AnnotationDelta(found))

    def _finish(self, delta: dict[str, Any], out: list[d.Delta]) -> None:
        reason = _text(delta.get("stop_reason"))
        if reason:
            for index in list(self._inputs):
                self._end_block(index, out)
            self.finished = True
            out.append(d.Finish(_FINISH.get(reason, reason), reason))

    def _failure(self, value: Any) -> d.Failure:
        return d.Failure(
            detail_from_object(value, phase="mid_stream", tokens_seen=self._tokens_seen)
        )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
