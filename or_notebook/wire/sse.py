"""Server-sent events without I/O: bytes in, events and comments out.

What this module guarantees, for every way in which the bytes may be cut into chunks:

1. The result conforms to the WHATWG HTML standard, sections 9.2.5 (parsing) and 9.2.6
   (interpretation). The same bytes give the same items under every chunking.
2. A line is handled as soon as its end is seen; a CR ends its line at once, without waiting for
   the LF that may follow.
3. Time is linear in the bytes fed. Memory is bounded by `max_event_bytes` beyond the chunk in hand.
4. Comments, which the standard drops, are reported: they carry the endpoint's liveness.

The work is done on bytes. CR, LF and the colon are single bytes that never occur inside a UTF-8
sequence, so that splitting first and decoding later gives what the standard's decode-first gives,
and an event's payload can go to the JSON decoder without ever becoming a `str`.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Default cap on one event; enough for an inline image (PROTOCOL.md, section 1.3)."""

_BOM = b"\xef\xbb\xbf"
_COLON = 0x3A
_JSON_STARTS = (b"{", b"[", b'"')


class Event(msgspec.Struct, frozen=True, gc=False):
    """A dispatched event; `raw` is its payload as UTF-8 bytes, possibly invalid."""

    raw: bytes
    type: str = "message"
    last_event_id: str = ""

    @property
    def data(self) -> str:
        """The payload as text; invalid bytes become U+FFFD."""
        return self.raw.decode("utf-8", "replace")


class Comment(msgspec.Struct, frozen=True, gc=False):
    """A comment line without its colon and without one leading space."""

    text: str


class ErrorField(msgspec.Struct, frozen=True, gc=False):
    """A field named `error`, which the standard ignores.

    llama.cpp reported failures this way until September 2025 (its pull request 16109).
    """

    raw: bytes


Item: TypeAlias = Event | Comment | ErrorField


class EventTooLargeError(ValueError):
    """One event exceeds the cap; `items` holds what was decoded before it in the same call."""

    def __init__(self, limit: int, items: list[Item]) -> None:
        self.limit = limit
        self.items = items
        super().__init__(f"one server-sent event exceeds {limit:,} bytes")


class Decoder:
    """Decode one response body incrementally.

    Attributes
    ----------
    retry : int or None
        Last reconnection time in milliseconds; reported, never acted upon (section 1.1, rule 9).
    last_event_id : str
        The identifier in force.

    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self.retry: int | None = None
        self.last_event_id = ""
        self._limit = max_event_bytes
        self._head: bytes | None = b""
        self._skip_lf = False
        self._partial: list[bytes] = []
        self._partial_size = 0
        self._data: list[bytes] = []
        self._data_size = 0
        self._type = ""
        self._id = ""

    def feed(self, chunk: bytes) -> list[Item]:
        """Return the items that `chunk` completes.

        Raises `EventTooLargeError` once an event exceeds the cap; the decoder is then of no
        further use. At the end of the stream nothing needs to be called: the standard discards
        an unfinished line and an undispatched block.
        """
        if self._head is not None:
            chunk = self._strip_bom(chunk)
        if self._skip_lf and chunk:
            self._skip_lf = False
            if chunk[:1] == b"\n":
                chunk = chunk[1:]
        items: list[Item] = []
        if not chunk:
            return items
        if b"\r" in chunk:
            self._skip_lf = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines and self._partial:
            self._partial.append(lines[0])
            lines[0] = b"".join(self._partial)
            self._partial = []
            self._partial_size = 0
        for line in lines:
            self._line(line, items)
        if rest:
            self._partial.append(rest)
            self._partial_size += len(rest)
            self._check(self._partial_size, items)
        return items

    def _strip_bom(self, chunk: bytes) -> bytes:
        """Drop one leading U+FEFF of the stream, even if its bytes arrive one by one."""
        head = (self._head or b"") + chunk
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head[len(_BOM) :] if head.startswith(_BOM) else head

    def _check(self, line_size: int, items: list[Item]) -> None:
        if self._data_size + line_size > self._limit:
            raise EventTooLargeError(self._limit, items)

    def _line(self, line: bytes, items: list[Item]) -> None:
        if not line:
            self._dispatch(items)
            return
        self._check(len(line), items)
        if line[:5] == b"data:":
            value = line[6:] if line[5:6] == b" " else line[5:]
            self._data.append(value)
            self._data_size += len(value) + 1
        elif line[0] == _COLON:
            text = line[2:] if line[1:2] == b" " else line[1:]
            items.append(Comment(text.decode("utf-8", "replace")))
        else:
            self._field(line, items)

    def _field(self, line: bytes, items: list[Item]) -> None:
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._data.append(value)
            self._data_size += len(value) + 1
        elif name == b"event":
            self._type = value.decode("utf-8", "replace")
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif name == b"retry":
            # Only ASCII digits count; `bytes.isdigit` knows no others, `int` would accept 1_000.
            if value.isdigit():
                self.retry = int(value[:18])
        elif name == b"error" and value[:1] in _JSON_STARTS:
            items.append(ErrorField(value))

    def _dispatch(self, items: list[Item]) -> None:
        self.last_event_id = self._id
        if self._data:
            raw = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            items.append(Event(raw, self._type or "message", self._id))
            self._data = []
            self._data_size = 0
        self._type = ""
