"""What all skins share about a payload before its JSON means anything (PROTOCOL.md, 1.2, 1.3)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from or_notebook.wire import deltas as d
from or_notebook.wire.sse import Comment, ErrorField, Item

T = TypeVar("T")

SNIPPET = 200
"""Characters of an undecodable payload that are kept for the error report."""


class ErrorPayload(msgspec.Struct, frozen=True):
    """An error that came outside the skin's own events."""

    error: Any


def deltas_of(
    item: Item,
    decode: Callable[[bytes | str], T],
    on_frame: Callable[[T], list[d.Delta]],
    on_error: Callable[[Any], d.Delta],
) -> list[d.Delta]:
    """Return the deltas of an item: of a JSON object by `on_frame`, of an error by `on_error`."""
    frame = unframe(item, decode)
    if isinstance(frame, list):
        return frame
    if isinstance(frame, ErrorPayload):
        return [on_error(frame.error)]
    return on_frame(frame)


def unframe(item: Item, decode: Callable[[bytes | str], T]) -> list[d.Delta] | ErrorPayload | T:
    """Return the deltas of an item that is no JSON object, else what `decode` makes of it."""
    if isinstance(item, Comment):
        return [d.KeepAlive(item.text)]
    if isinstance(item, ErrorField):
        return _error_field(item.raw)
    raw = item.raw
    if raw[:1] != b"{":
        return _other_payload(raw, decode)
    try:
        return decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _decode_text(raw.decode("utf-8", "replace"), decode)


def _other_payload(raw: bytes, decode: Callable[[bytes | str], T]) -> list[d.Delta] | T:
    text = raw.decode("utf-8", "replace").strip()
    if text == "[DONE]":
        return [d.Done()]
    if text.startswith(":"):
        # A proxy that wraps comments as data.
        return [d.KeepAlive(text[1:].strip())]
    if text.startswith("{"):
        return _decode_text(text, decode)
    return [] if not text or _is_json(text) else [d.Malformed(text[:SNIPPET])]


def _decode_text(text: str, decode: Callable[[bytes | str], T]) -> list[d.Delta] | T:
    """Decode from text, repaired if that is what it takes."""
    for readable in (str, _repaired):
        try:
            return decode(readable(text))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue
    return [d.Malformed(text[:SNIPPET])]


def _repaired(text: str) -> str:
    """Return JSON without what Python servers let slip into it: NaN, and half of an emoji.

    A tokenizer may cut a character in two; its halves are U+FFFD then. Raises ValueError.
    """
    value = json.loads(text, parse_constant=lambda _: None)
    plain = json.dumps(value, ensure_ascii=False)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _error_field(raw: bytes) -> list[d.Delta] | ErrorPayload:
    try:
        error = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return []
    return ErrorPayload(error) if error else []


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
