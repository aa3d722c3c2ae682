"""One alternative of an answer; a reply has more than one only where `n` was asked for."""

from __future__ import annotations

from typing import Any

import msgspec

from or_notebook.chat.buffer import TextBuffer
from or_notebook.wire.deltas import AudioDelta, ToolCallDelta


class ToolCall(msgspec.Struct, kw_only=True):
    """A function that the model wants called; `arguments` is JSON text as the model wrote it."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    index: int | None = None
    extra: dict[str, Any] = msgspec.field(default_factory=dict)

    def parsed_arguments(self) -> Any:
        """Return the decoded arguments; empty text means `{}`. Raises `msgspec.DecodeError`."""
        return msgspec.json.decode(self.arguments or "{}")


class Audio(msgspec.Struct, kw_only=True):
    """An audio answer: base64 text in `data`, its transcript, its id for the next turn."""

    id: str | None = None
    data: str = ""
    transcript: str = ""
    expires_at: int | None = None


class Choice:
    """The folded state of one alternative."""

    def __init__(self) -> None:
        self.text = TextBuffer()
        self.reasoning = TextBuffer()
        self.refusal = TextBuffer()
        self.reasoning_details: list[dict[str, Any]] = []
        self.tool_calls: list[ToolCall] = []
        self.images: list[str] = []
        self.audio: Audio | None = None
        self.annotations: list[dict[str, Any]] = []
        self.finish_reason: str | None = None
        self.native_finish_reason: str | None = None

    def finish(self, reason: str | None, native_reason: str | None) -> None:
        """Keep the last non-empty reason; `error` stays (PROTOCOL.md, section 2.6)."""
        if reason and self.finish_reason != "error":
            self.finish_reason = reason
        if native_reason:
            self.native_finish_reason = native_reason

    def add_tool_call(self, delta: ToolCallDelta) -> None:
        """Assemble calls by index, else by id (PROTOCOL.md, section 2.7)."""
        if self.finish_reason is not None:
            return
        call = self._call_for(delta)
        call.id = call.id or delta.id or ""
        call.name = call.name or delta.name or ""
        call.arguments += delta.arguments
        if delta.extra:
            call.extra.update(delta.extra)

    def _call_for(self, delta: ToolCallDelta) -> ToolCall:
        if delta.index is not None:
            for call in self.tool_calls:
                if call.index == delta.index:
                    return call
        elif self.tool_calls:
            last = self.tool_calls[-1]
            another_id = bool(delta.id) and delta.id != last.id
            another_name = not delta.id and bool(delta.name) and delta.name != last.name
            if not another_id and not another_name:
                return last
        call = ToolCall(index=delta.index)
        self.tool_calls.append(call)
        return call

    def add_audio(self, delta: AudioDelta) -> None:
        """Join the base64 text and the transcript; decode only when whole (section 2.6)."""
        audio = self.audio = self.audio or Audio()
        audio.id = audio.id or delta.id
        audio.data += delta.data
        audio.transcript += delta.transcript
        audio.expires_at = delta.expires_at or audio.expires_at

    def add_reasoning_detail(self, fragment: dict[str, Any]) -> None:
        """Merge fragments of one block: texts are joined, the last signature wins (section 2.6)."""
        block = self._block_for(fragment)
        if block is None:
            self.reasoning_details.append(dict(fragment))
            return
        for name, value in fragment.items():
            if name in {"text", "summary", "data"} and isinstance(value, str):
                block[name] = (block.get(name) or "") + value
            elif value not in (None, ""):
                block[name] = value

    def _block_for(self, fragment: dict[str, Any]) -> dict[str, Any] | None:
        kind, index = fragment.get("type"), fragment.get("index")
        if index is not None:
            for block in self.reasoning_details:
                if block.get("index") == index and block.get("type") == kind:
                    return block
            return None
        if not self.reasoning_details or kind not in {"reasoning.text", "reasoning.summary"}:
            return None
        last = self.reasoning_details[-1]
        same = last.get("type") == kind and last.get("index") is None
        return last if same and fragment.get("id") in (None, last.get("id")) else None
