"""The chat-completions skin, not streamed: steps become one response body."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from or_notebook.sandbox.chunks import (
    REASONING_FORMAT,
    Envelope,
    annotation,
    failure_error,
    image_part,
)
from or_notebook.sandbox.steps import (
    Citation,
    Failure,
    Finish,
    Image,
    Reasoning,
    Refusal,
    Signature,
    Step,
    Text,
    ToolFragment,
)
from or_notebook.sandbox.usage import Tally, native_finish_reason, usage


@dataclass
class ChatBody:
    """Collects the steps of one answer into a single response body."""

    envelope: Envelope
    _text: dict[type, list[str]] = field(
        default_factory=lambda: {Text: [], Reasoning: [], Refusal: []}
    )
    _signature: str | None = None
    _tool_calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    _images: list[dict[str, Any]] = field(default_factory=list)
    _annotations: list[dict[str, Any]] = field(default_factory=list)
    _end: Finish | Failure | None = None

    def add(self, step: Step) -> None:
        """Take in one step."""
        if isinstance(step, (Text, Refusal)) or (isinstance(step, Reasoning) and step.visible):
            self._text[type(step)].append(step.text)
        elif isinstance(step, Signature):
            self._signature = step.signature
        elif isinstance(step, ToolFragment):
            self._add_fragment(step)
        elif isinstance(step, Image):
            self._images.append(image_part(step))
        elif isinstance(step, Citation):
            self._annotations.append(annotation(step))
        elif isinstance(step, (Finish, Failure)):
            self._end = step

    def payload(self, tally: Tally) -> dict[str, Any]:
        """Return the response body; without a regular end its finish reason is null."""
        reason = self._end.reason if isinstance(self._end, Finish) else None
        choice: dict[str, Any] = {
            "index": 0,
            "message": self._message(),
            "finish_reason": reason,
            "native_finish_reason": reason and native_finish_reason(self.envelope.provider, reason),
            "logprobs": None,
        }
        if isinstance(self._end, Failure):
            choice |= {"finish_reason": "error", "error": failure_error(self._end)}
        head = self.envelope.head("chat.completion")
        return {**head, "choices": [choice], "usage": usage(self.envelope.model, tally)}

    def _add_fragment(self, step: ToolFragment) -> None:
        if step.id is not None:
            function = {"name": step.name, "arguments": ""}
            called = {"id": step.id, "type": "function", "index": step.index, "function": function}
            self._tool_calls[step.index] = called
        self._tool_calls[step.index]["function"]["arguments"] += step.arguments

    def _message(self) -> dict[str, Any]:
        text, reasoning, refusal = ("".join(pieces) for pieces in self._text.values())
        no_text = self._tool_calls or refusal
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if no_text else text,
            "refusal": refusal or None,
            "reasoning": reasoning or None,
        }
        if reasoning:
            detail = {**REASONING_FORMAT, "text": reasoning, "signature": self._signature}
            message["reasoning_details"] = [detail]
        extras = {
            "tool_calls": list(self._tool_calls.values()),
            "images": self._images,
            "annotations": self._annotations,
        }
        return message | {name: members for name, members in extras.items() if members}
