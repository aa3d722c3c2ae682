"""The messages between the kernel and the page, as custom messages of the widget.

The same types in TypeScript: `frontend/src/protocol.ts`. Offsets are absolute and count UTF-16 code
units, as the page's strings do, so a lost or doubled message shows at once. Times are seconds since
the call began.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

Piece: TypeAlias = tuple[int, str]
"""(offset, text): a piece of text and where it belongs."""

ToolPiece: TypeAlias = tuple[int, str, int, str]
"""(index, name, offset, arguments): a piece of the arguments of one tool call."""


class State(TypedDict):
    """What the state line says.

    The page shows `label`, the seconds since `since` (none if it is None), and `detail`; `now` is
    when this was told.
    """

    phase: str
    status: str
    label: str
    detail: str
    since: float | None
    now: float
    keepalives: int
    notices: list[str]


class News(TypedDict, total=False):
    """What is new in the answer; a part without news is left out."""

    text: Piece
    reasoning: Piece
    refusal: Piece
    tools: list[ToolPiece]
    images: tuple[int, list[str]]
    state: State


class Ending(TypedDict):
    """What is told only once: figures on one line, at most three lines about a failure, a hint."""

    summary: str
    errors: list[str]
    note: str | None


class Frame(News):
    """Kernel to page: what is new; `seq` counts the messages that bring news."""

    kind: Literal["frame"]
    seq: int


class Final(News, Ending):
    """Kernel to page: the last news, and the ending."""

    kind: Literal["final"]
    seq: int


class Snapshot(TypedDict):
    """Kernel to page: the whole answer up to message `seq`."""

    kind: Literal["snapshot"]
    seq: int
    format: str
    text: str
    reasoning: str
    refusal: str
    tools: list[tuple[str, str]]
    images: list[str]
    state: State
    ending: Ending | None


class Ack(TypedDict):
    """Kernel to page: the click on Cancel has arrived."""

    kind: Literal["ack"]


class RuntimeSource(TypedDict):
    """Kernel to page: the runtime, for a page that found it nowhere else."""

    kind: Literal["runtime"]
    source: str


Request: TypeAlias = Literal["ready", "cancel", "resync", "runtime", "reasoning"]
"""Page to kernel, as `kind`: the page shows the view; Cancel; a gap (with the last whole `seq`);
the runtime is missing; the reasoning was opened or closed (with `open`)."""
