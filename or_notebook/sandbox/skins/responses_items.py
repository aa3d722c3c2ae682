"""The output items of one response, and the events of each one's life (PROTOCOL.md, 6.1)."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

Event: TypeAlias = dict[str, Any]
"""One event without its sequence number."""
ReasoningForm: TypeAlias = Literal["text", "summary", "encrypted"]

_PARTS: dict[str, dict[str, Any]] = {
    "output_text": {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
    "refusal": {"type": "refusal", "refusal": ""},
    "reasoning_text": {"type": "reasoning_text", "text": ""},
}
_DONE_TEXT = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text"}
"""The member that carries the whole text of a part, in the part and in its `done` event."""


class Message:
    """A message item with one part, of text or of a refusal."""

    def __init__(self, item_id: str, index: int, part: str) -> None:
        self.kind = part
        self.item: dict[str, Any] = {
            "type": "message",
            "id": item_id,
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        self._index = index
        self._place = {"item_id": item_id, "output_index": index, "content_index": 0}
        self._part: dict[str, Any] = {**_PARTS[part]}
        self._pieces: list[str] = []
        self._annotations: list[dict[str, Any]] = []

    def opened(self) -> list[Event]:
        """Return the events of a new item."""
        return [
            {"type": "response.output_item.added", "output_index": self._index, "item": self.item},
            {"type": "response.content_part.added", **self._place, "part": self._part},
        ]

    def grow(self, text: str) -> list[Event]:
        """Return the events of one more piece."""
        self._pieces.append(text)
        event = {"type": f"response.{self.kind}.delta", **self._place, "delta": text}
        return [event | ({"logprobs": []} if self.kind == "output_text" else {})]

    def cite(self, annotation: dict[str, Any]) -> list[Event]:
        """Return the events of one more source."""
        number = len(self._annotations)
        self._annotations.append(annotation)
        event = {"type": "response.output_text.annotation.added", **self._place}
        return [{**event, "annotation_index": number, "annotation": annotation}]

    def closed(self) -> list[Event]:
        """Return the events of the whole item."""
        member, text = _DONE_TEXT[self.kind], "".join(self._pieces)
        part = {**self._part, member: text}
        done: Event = {"type": f"response.{self.kind}.done", **self._place, member: text}
        if self.kind == "output_text":
            part["annotations"] = self._annotations
            done["logprobs"] = []
        self.item = {**self.item, "status": "completed", "content": [part]}
        return [
            done,
            {"type": "response.content_part.done", **self._place, "part": part},
            {"type": "response.output_item.done", "output_index": self._index, "item": self.item},
        ]


class Reasoning:
    """A reasoning item: its text, a summary of it, or only what nobody can read."""

    kind = "reasoning"

    def __init__(self, item_id: str, index: int, form: ReasoningForm) -> None:
        self.item: dict[str, Any] = {"type": "reasoning", "id": item_id, "summary": []}
        if form == "text":
            self.item["content"] = []
        self._form = form
        self._index = index
        counted = "summary_index" if form == "summary" else "content_index"
        self._place = {"item_id": item_id, "output_index": index, counted: 0}
        self._pieces: list[str] = []

    def opened(self) -> list[Event]:
        """Return the events of a new item."""
        added = {"type": "response.output_item.added", "output_index": self._index}
        events: list[Event] = [{**added, "item": self.item}]
        if self._form == "summary":
            kind = "response.reasoning_summary_part.added"
            events.append({"type": kind, **self._place, "part": self._part("")})
        elif self._form == "text":
            kind = "response.content_part.added"
            events.append({"type": kind, **self._place, "part": self._part("")})
        return events

    def grow(self, text: str) -> list[Event]:
        """Return the events of one more piece."""
        if self._form == "encrypted":
            return []
        self._pieces.append(text)
        return [{"type": f"{self._text_event}.delta", **self._place, "delta": text}]

    def sign(self, signature: str) -> None:
        """Seal the item; the seal shows when it is done."""
        if self._form == "text":
            self.item |= {"signature": signature, "format": "anthropic-claude-v1"}
        else:
            self.item |= {"encrypted_content": signature, "format": "openai-responses-v1"}

    def closed(self) -> list[Event]:
        """Return the events of the whole item."""
        events: list[Event] = []
        if self._form != "encrypted":
            text = "".join(self._pieces)
            part = self._part(text)
            is_summary = self._form == "summary"
            self.item["summary" if is_summary else "content"] = [part]
            kind = "reasoning_summary_part" if is_summary else "content_part"
            events = [
                {"type": f"{self._text_event}.done", **self._place, "text": text},
                {"type": f"response.{kind}.done", **self._place, "part": part},
            ]
        done = {"type": "response.output_item.done", "output_index": self._index}
        return [*events, {**done, "item": self.item}]

    @property
    def _text_event(self) -> str:
        form = "reasoning_summary_text" if self._form == "summary" else "reasoning_text"
        return f"response.{form}"

    def _part(self, text: str) -> dict[str, Any]:
        kind = "summary_text" if self._form == "summary" else "reasoning_text"
        return {"type": kind, "text": text}


class FunctionCall:
    """A function call; several of them can be open at a time."""

    kind = "function_call"

    def __init__(self, item_id: str, index: int, call_id: str, name: str) -> None:
        self.item: dict[str, Any] = {
            "type": "function_call",
            "id": item_id,
            "call_id": call_id,
            "name": name,
            "arguments": "",
            "status": "in_progress",
        }
        self._place = {"item_id": item_id, "output_index": index}
        self._index = index
        self._pieces: list[str] = []

    def opened(self) -> list[Event]:
        """Return the events of a new item."""
        added = {"type": "response.output_item.added", "output_index": self._index}
        return [{**added, "item": self.item}]

    def grow(self, text: str) -> list[Event]:
        """Return the events of one more piece."""
        self._pieces.append(text)
        kind = "response.function_call_arguments.delta"
        return [{"type": kind, **self._place, "delta": text}]

    def closed(self) -> list[Event]:
        """Return the events of the whole item."""
        arguments = "".join(self._pieces)
        self.item = {**self.item, "arguments": arguments, "status": "completed"}
        done = {"type": "response.function_call_arguments.done", **self._place}
        return [
            {**done, "name": self.item["name"], "arguments": arguments},
            {"type": "response.output_item.done", "output_index": self._index, "item": self.item},
        ]


class Picture:
    """An image that the model drew; it comes in one piece."""

    kind = "image_generation_call"

    def __init__(self, item_id: str, index: int, url: str) -> None:
        head = {"type": "image_generation_call", "id": item_id}
        self._begun = {**head, "status": "in_progress", "result": None}
        self.item = {**head, "status": "completed", "result": url.partition(",")[2]}
        self._place = {"item_id": item_id, "output_index": index}

    def opened(self) -> list[Event]:
        """Return the events of a new item."""
        index = self._place["output_index"]
        return [
            {"type": "response.output_item.added", "output_index": index, "item": self._begun},
            {"type": "response.image_generation_call.in_progress", **self._place},
        ]

    def closed(self) -> list[Event]:
        """Return the events of the whole item."""
        index = self._place["output_index"]
        return [
            {"type": "response.image_generation_call.completed", **self._place},
            {"type": "response.output_item.done", "output_index": index, "item": self.item},
        ]
