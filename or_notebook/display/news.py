"""What is new in an answer since the page was last told, as parts of messages.

Pure over `Reply`: it knows neither widgets nor comms. A text is read only from where the last
reading ended, so the work and the bytes grow with the answer, not with its square.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from or_notebook.display.characters import one_line
from or_notebook.display.protocol import Ending, News, Piece, Snapshot, State, ToolPiece
from or_notebook.display.summary import state_line, summary_line

if TYPE_CHECKING:
    from or_notebook.chat.buffer import TextBuffer
    from or_notebook.chat.reply import Reply

PACE = 1.0
"""Seconds between two figures of the speed; everything else is told at once."""


class Cursor:
    """How far one growing text has been read, in characters here and in the page's units."""

    def __init__(self) -> None:
        self.characters = 0
        self.units = 0

    def take(self, fresh: str) -> Piece:
        """Return the next characters as a piece."""
        text = page_text(fresh)
        offset = self.units
        self.characters += len(fresh)
        self.units += utf16_length(text)
        return offset, text


class NewsDesk:
    """Collects what the page does not know yet of one reply."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._text, self._reasoning, self._refusal = Cursor(), Cursor(), Cursor()
        self._arguments: list[Cursor] = []
        self._names: list[str] = []
        self._images = 0
        self._state: State | None = None

    def collect(self, elapsed: float, *, final: bool = False) -> News:
        """Return what is new; empty when nothing is."""
        # Before the texts: a state is never told for text that the page does not have yet.
        state = self.state(elapsed)
        choice = self._reply.choices[0]
        news: News = {}
        if piece := _next_piece(choice.text, self._text):
            news["text"] = piece
        if piece := _next_piece(choice.reasoning, self._reasoning):
            news["reasoning"] = piece
        if piece := _next_piece(choice.refusal, self._refusal):
            news["refusal"] = piece
        if tools := self._next_tools():
            news["tools"] = tools
        if len(choice.images) > self._images:
            urls = [page_text(url) for url in choice.images[self._images :]]
            news["images"] = (self._images, urls)
            self._images += len(urls)
        if final or self._is_news(state):
            news["state"] = self._state = state
        return news

    def state(self, elapsed: float) -> State:
        """Return what the state line says `elapsed` seconds after the call began."""
        return _state(self._reply, elapsed)

    def _next_tools(self) -> list[ToolPiece]:
        pieces: list[ToolPiece] = []
        for index, call in enumerate(list(self._reply.tool_calls)):
            if index == len(self._arguments):
                self._arguments.append(Cursor())
                self._names.append("")
            cursor = self._arguments[index]
            fresh = call.arguments[cursor.characters :]
            name = page_text(call.name)
            if fresh or name != self._names[index]:
                self._names[index] = name
                pieces.append((index, name, *cursor.take(fresh)))
        return pieces

    def _is_news(self, state: State) -> bool:
        told = self._state
        if told is None:
            return True
        # The page counts the seconds by itself.
        lasting: State = {**state, "now": told["now"], "detail": told["detail"]}
        if lasting != told:
            return True
        return state["detail"] != told["detail"] and state["now"] - told["now"] >= PACE


def _state(reply: Reply, elapsed: float) -> State:
    phase = reply.phase
    label, detail = state_line(reply, elapsed), ""
    since: float | None = None
    # The line of a retry counts down by itself.
    if phase != "retrying" and "…" in label:
        head, _, rest = label.partition("…")
        label = f"{head}…"
        if phase == "streaming":
            detail = rest.strip()
        else:
            # What stands before the dot are the seconds, which the page counts by itself.
            since = (reply.timing.first_token or 0.0) if phase == "reasoning" else 0.0
            detail = rest.partition(" · ")[2]
    return {
        "phase": phase,
        "status": reply.status,
        "label": page_text(label),
        "detail": detail,
        "since": since,
        "now": round(elapsed, 3),
        "keepalives": reply.keepalives,
        "notices": _notices(reply),
    }


def ending(reply: Reply) -> Ending:
    """Return what is told once, at the end."""
    errors = reply.error.lines() if reply.error is not None else []
    note = reply.note
    if reply.status == "truncated" and note:
        errors, note = [note], None
    return {
        "summary": page_text(summary_line(reply)),
        "errors": [page_text(line) for line in errors],
        "note": page_text(note) if note else None,
    }


def snapshot(
    reply: Reply,
    state: State,
    *,
    seq: int,
    format: str,  # noqa: A002 - the name of the option
    finished: bool,
) -> Snapshot:
    """Return the whole answer; it holds at least all that messages up to `seq` have told."""
    return {
        "kind": "snapshot",
        "seq": seq,
        "format": format,
        "state": state,
        "text": page_text(reply.text),
        "reasoning": page_text(reply.reasoning),
        "refusal": page_text(reply.refusal),
        "tools": [
            (page_text(call.name), page_text(call.arguments)) for call in list(reply.tool_calls)
        ],
        "images": [page_text(url) for url in list(reply.images)],
        "ending": ending(reply) if finished else None,
    }


def page_text(text: str) -> str:
    """Return text that JSON can carry: halves of surrogate pairs become U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 code units, as the page counts it."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _next_piece(buffer: TextBuffer, cursor: Cursor) -> Piece | None:
    fresh = buffer.since(cursor.characters)
    return cursor.take(fresh) if fresh else None


def _notices(reply: Reply) -> list[str]:
    # While the last retry is under way, the state line tells of it.
    over = reply.retries[:-1] if reply.phase == "retrying" else reply.retries
    return [
        page_text(f"Retry {retry.attempt} of {retry.of}: {one_line(retry.error.lines()[0])}")
        for retry in over
    ]
