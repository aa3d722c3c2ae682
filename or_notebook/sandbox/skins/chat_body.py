"""The chat-completions skin, not streamed: the deltas of all steps merged into one message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from or_notebook.sandbox.envelope import Envelope
from or_notebook.sandbox.routing import router_metadata
from or_notebook.sandbox.skins.chat_delta import delta_of
from or_notebook.sandbox.skins.chat_stream import failure_error
from or_notebook.sandbox.steps import Failure, Finish, Step
from or_notebook.sandbox.usage import Tally, chat_usage, finish_reasons

_STRINGS = ("content", "refusal", "reasoning", "reasoning_content")
_GROWING = ("text", "summary", "data")
"""Members of a reasoning detail whose fragments are joined."""


@dataclass
class ChatBody:
    """Collects the steps of one answer into a single response body."""

    envelope: Envelope
    _strings: dict[str, list[str]] = field(default_factory=dict)
    _details: dict[int, dict[str, Any]] = field(default_factory=dict)
    _tool_calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    _lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _end: Finish | Failure | None = None

    def add(self, step: Step, tally: Tally) -> None:  # noqa: ARG002 - the bill comes last
        """Take in one step."""
        if isinstance(step, (Finish, Failure)):
            self._end = step
        for name, value in (delta_of(step, self.envelope.settings.reasoning) or {}).items():
            if name in _STRINGS:
                self._strings.setdefault(name, []).append(value or "")
            elif name == "reasoning_details":
                self._add_detail(value[0])
            elif name == "tool_calls":
                self._add_fragment(value[0])
            else:
                self._lists.setdefault(name, []).extend(value)

    def payload(self, tally: Tally) -> dict[str, Any]:
        """Return the response body; without a regular end its finish reason is null."""
        call = self.envelope.call
        shown = native = None
        if isinstance(self._end, Finish) and call.settings.finish:
            shown, native = finish_reasons(call, self._end.reason)
        choice: dict[str, Any] = {
            "index": 0,
            "message": self._message(),
            "finish_reason": shown,
            "native_finish_reason": native,
            "logprobs": None,
        }
        if isinstance(self._end, Failure):
            choice |= {"finish_reason": "error", "error": failure_error(self._end)}
        head = {**self.envelope.head("chat.completion"), "system_fingerprint": None}
        body = {**head, "choices": [choice]}
        counted = chat_usage(call, tally)
        return body | ({} if counted is None else {"usage": counted}) | router_metadata(call)

    def _add_detail(self, detail: dict[str, Any]) -> None:
        known = self._details.setdefault(detail["index"], {})
        grown = {n: known.get(n, "") + detail[n] for n in _GROWING if n in detail}
        known.update({**detail, **grown})

    def _add_fragment(self, fragment: dict[str, Any]) -> None:
        known = self._tool_calls.get(fragment["index"])
        if known is None:
            self._tool_calls[fragment["index"]] = fragment
        else:
            known["function"]["arguments"] += fragment["function"]["arguments"]

    def _message(self) -> dict[str, Any]:
        joined = {name: "".join(pieces) for name, pieces in self._strings.items()}
        no_text = self._tool_calls or joined.get("refusal")
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if no_text else joined.get("content", ""),
            "refusal": joined.get("refusal"),
            "reasoning": joined.get("reasoning"),
        }
        extras = {
            "reasoning_content": joined.get("reasoning_content"),
            "reasoning_details": list(self._details.values()),
            "tool_calls": list(self._tool_calls.values()),
            **self._lists,
        }
        return message | {name: members for name, members in extras.items() if members}
