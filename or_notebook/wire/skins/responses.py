"""Responses, streamed or whole (PROTOCOL.md, section 6.1).

OpenAI names each event in an `event:` line too; OpenRouter does not. So the `type` in the JSON
decides. Unknown types are ignored: OpenRouter adds its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from or_notebook.wire import deltas as d
from or_notebook.wire.error_bodies import detail_from_object
from or_notebook.wire.request import Request
from or_notebook.wire.skins.frames import deltas_of
from or_notebook.wire.skins.responses_request import encode
from or_notebook.wire.sse import Item

_INCOMPLETE = {"max_output_tokens": "length"}
"""Finish reasons in the words of chat completions; `content_filter` is the same in both."""

_TEXT_DELTAS = frozenset({"response.output_text.delta", "response.content_part.delta"})
_UNPLACED = -1
"""The place of a piece that names neither its item nor its item's place in the output."""

_ENDS = frozenset({"response.completed", "response.done", "response.incomplete"})

_decode_event = msgspec.json.Decoder(dict[str, Any]).decode


class ResponsesSkin:
    """`POST /responses`."""

    headers: Mapping[str, str] = MappingProxyType({})

    def encode(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Return path and body; fields that only chat completions know are translated."""
        return "/responses", encode(request)

    def decoder(self) -> ResponsesDecoder:
        """Return a decoder for one response."""
        return ResponsesDecoder()


class ResponsesDecoder:
    """Decodes one response; remembers which items have been delivered piece by piece.

    Servers may send a text in deltas, only whole at its end, or only with the final object. Each
    item counts once, from the first place where it appears.
    """

    def __init__(self) -> None:
        self.finished = False
        self._tokens_seen = False
        self._streamed: set[tuple[str, int]] = set()
        self._places: dict[str, int] = {}
        self._summary_part: tuple[int, int] | None = None
        self._kept: set[int] = set()
        self._called = False

    def decode(self, item: Item) -> list[d.Delta]:
        """Return the deltas of one event or comment."""
        return deltas_of(item, _decode_event, self._deltas, self._failure)

    def whole(self, body: dict[str, Any]) -> list[d.Delta] | None:
        """Return the deltas of a non-streamed response; None if the body is none."""
        if not isinstance(body.get("output"), list):
            return None
        out: list[d.Delta] = []
        self._end(body, out)
        return out

    # -- events --------------------------------------------------------------------------------

    def _deltas(self, event: dict[str, Any]) -> list[d.Delta]:
        out: list[d.Delta] = []
        self._event(event, out)
        self._note_tokens(out)
        return out

    def _note_tokens(self, out: list[d.Delta]) -> None:
        if any(isinstance(delta, d.TOKEN_DELTAS) for delta in out):
            self._tokens_seen = True

    def _event(self, event: dict[str, Any], out: list[d.Delta]) -> None:
        kind = event.get("type")
        index = self._place(event)
        piece = event.get("delta")
        text = piece if isinstance(piece, str) else ""
        if kind in _TEXT_DELTAS and text:
            self._streamed.add(("text", index))
            out.append(d.TextDelta(text))
        elif kind == "response.reasoning_text.delta" and text:
            self._streamed.add(("reasoning", index))
            out.append(d.ReasoningDelta(text))
        elif kind == "response.reasoning_summary_text.delta" and text:
            self._summary(index, _int(event.get("summary_index")), text, out)
        elif kind == "response.refusal.delta" and text:
            self._streamed.add(("refusal", index))
            out.append(d.RefusalDelta(text))
        elif kind == "response.function_call_arguments.delta" and text:
            self._streamed.add(("arguments", index))
            out.append(d.ToolCallDelta(index, arguments=text))
        elif kind == "response.output_text.annotation.added":
            self._streamed.add(("annotations", index))
            out.append(_annotation(_object(event.get("annotation"))))
        elif kind == "response.output_item.added":
            self._added(index, _object(event.get("item")), out)
        elif kind == "response.output_item.done":
            self._item(index, _object(event.get("item")), out)
        elif kind in {"response.created", "response.in_progress"}:
            self._origin(_object(event.get("response")), out)
        elif kind in _ENDS:
            response = _object(event.get("response"))
            self._end(response, out, cut_short=kind == "response.incomplete")
        elif kind == "response.failed":
            self._failed(_object(event.get("response")), out)
        elif kind in {"error", "response.error"} or event.get("error"):
            # The flat form has its own `type`, which says only that it is an error.
            out.append(self._failure({name: event[name] for name in event if name != "type"}))

    def _place(self, event: dict[str, Any]) -> int:
        """Return an item's place in the output, from the event or from what its id is known for."""
        index = event.get("output_index")
        id_ = event.get("item_id") or _object(event.get("item")).get("id")
        if not isinstance(id_, str) or not id_:
            return index if isinstance(index, int) else _UNPLACED
        if isinstance(index, int):
            self._places[id_] = index
        return self._places.setdefault(id_, len(self._places))

    def _came(self, what: str, index: int) -> bool:
        """Tell whether an item's text, refusal… has been delivered in pieces."""
        return not {(what, index), (what, _UNPLACED)}.isdisjoint(self._streamed)

    def _origin(self, response: dict[str, Any], out: list[d.Delta]) -> None:
        names = [response.get(name) for name in ("id", "model", "provider")]
        id_, model, provider = (name if isinstance(name, str) else None for name in names)
        if id_ or model or provider:
            out.append(d.Origin(id_ or None, model or None, provider or None))

    def _summary(self, index: int, part: int, text: str, out: list[d.Delta]) -> None:
        """Show a summary where the reasoning itself is not shown; a blank line between parts."""
        if self._came("reasoning", index):
            return
        self._streamed.add(("summary", index))
        if self._summary_part not in (None, (index, part)):
            text = f"\n\n{text}"
        self._summary_part = (index, part)
        out.append(d.ReasoningDelta(text))

    def _added(self, index: int, item: dict[str, Any], out: list[d.Delta]) -> None:
        if item.get("type") == "function_call":
            out.append(self._call(index, item, arguments=False))

    def _call(self, index: int, item: dict[str, Any], *, arguments: bool) -> d.ToolCallDelta:
        self._called = True
        given = item.get("arguments") if arguments else ""
        id_, name = item.get("call_id") or item.get("id"), item.get("name")
        return d.ToolCallDelta(
            index,
            id_ if isinstance(id_, str) else None,
            name if isinstance(name, str) else None,
            given if isinstance(given, str) else "",
        )

    # -- whole items ---------------------------------------------------------------------------

    def _item(self, index: int, item: dict[str, Any], out: list[d.Delta]) -> None:
        """Deliver what of a finished item did not come in pieces, once."""
        if index in self._kept:
            return
        self._kept.add(index)
        kind = item.get("type")
        if kind == "message":
            self._message(index, item, out)
        elif kind == "reasoning":
            self._reasoning(index, item, out)
        elif kind == "function_call":
            out.append(self._call(index, item, arguments=not self._came("arguments", index)))
        elif kind == "image_generation_call" and isinstance(item.get("result"), str):
            format_ = item.get("output_format") or "png"
            out.append(d.ImageDelta(f"data:image/{format_};base64,{item['result']}"))

    def _message(self, index: int, item: dict[str, Any], out: list[d.Delta]) -> None:
        for part in item.get("content") or ():
            found = _object(part)
            text, refusal = found.get("text"), found.get("refusal")
            if isinstance(text, str) and text and not self._came("text", index):
                out.append(d.TextDelta(text))
            if isinstance(refusal, str) and refusal and not self._came("refusal", index):
                out.append(d.RefusalDelta(refusal))
            if not self._came("annotations", index):
                annotations = found.get("annotations") or ()
                out += [_annotation(entry) for entry in annotations if isinstance(entry, dict)]

    def _reasoning(self, index: int, item: dict[str, Any], out: list[d.Delta]) -> None:
        if not self._came("reasoning", index) and not self._came("summary", index):
            parts = item.get("content") or item.get("summary") or ()
            texts = [_object(part).get("text") for part in parts]
            text = "\n\n".join(text for text in texts if isinstance(text, str) and text)
            if text:
                out.append(d.ReasoningDelta(text))
        out.append(d.ReasoningDetail(item))

    # -- ends ----------------------------------------------------------------------------------

    def _end(
        self, response: dict[str, Any], out: list[d.Delta], *, cut_short: bool = False
    ) -> None:
        self._origin(response, out)
        for position, entry in enumerate(response.get("output") or ()):
            item = _object(entry)
            # Not every endpoint lists each item here that it has streamed.
            self._item(self._places.get(str(item.get("id")), position), item, out)
        usage = response.get("usage")
        if isinstance(usage, dict):
            out.append(d.UsageDelta(usage))
        if response.get("status") == "failed" or response.get("error"):
            self._note_tokens(out)
            out.append(self._failure(response))
            return
        self.finished = True
        reason = _object(response.get("incomplete_details")).get("reason")
        if isinstance(reason, str) and reason:
            out.append(d.Finish(_INCOMPLETE.get(reason, reason), reason))
        elif cut_short or response.get("status") == "incomplete":
            out.append(d.Finish("length"))
        else:
            out.append(d.Finish("tool_calls" if self._called else "stop"))

    def _failed(self, response: dict[str, Any], out: list[d.Delta]) -> None:
        self._origin(response, out)
        usage = response.get("usage")
        if isinstance(usage, dict):
            out.append(d.UsageDelta(usage))
        out.append(self._failure(response))

    def _failure(self, value: Any) -> d.Failure:
        return d.Failure(
            detail_from_object(value, phase="mid_stream", tokens_seen=self._tokens_seen)
        )


def _annotation(annotation: dict[str, Any]) -> d.AnnotationDelta:
    """Nest a citation as chat completions do, so that views know one form."""
    if annotation.get("type") != "url_citation" or "url_citation" in annotation:
        return d.AnnotationDelta(annotation)
    inner = {name: value for name, value in annotation.items() if name != "type"}
    return d.AnnotationDelta({"type": "url_citation", "url_citation": inner})


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
