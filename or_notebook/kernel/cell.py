"""Which cell is this: the identity of the cell that runs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from or_notebook.kernel.environment import kernel


@dataclass(frozen=True)
class Cell:
    """The cell that runs now.

    `id` is the notebook's cell id, stable on re-run (VS Code sends an opaque URI), or None where
    the front end sends none: terminals, nbclient. `parent_message_id` is new on every run.
    """

    id: str | None
    parent_message_id: str | None
    allow_stdin: bool

    @property
    def has_cell_id(self) -> bool:
        """Whether the front end told which cell this is."""
        return self.id is not None


def current_cell() -> Cell:
    """The cell that runs now; never raises. Fields nobody told are None."""
    running = kernel()
    if running is None:
        return Cell(None, None, allow_stdin=sys.stdin is not None and sys.stdin.isatty())
    try:
        parent = running.get_parent("shell")
    except (AttributeError, LookupError, TypeError):
        # ipykernel 7.0 knows no parent on a thread of our own; other kernels may lack the method.
        parent = {}
    return Cell(
        id=_text(parent, "metadata", "cellId"),
        parent_message_id=_text(parent, "header", "msg_id"),
        allow_stdin=_field(parent, "content", "allow_stdin") is True,
    )


def _field(parent: object, section: str, name: str) -> object:
    for key in (section, name):
        if not isinstance(parent, Mapping):
            return None
        parent = parent.get(key)
    return parent


def _text(parent: object, section: str, name: str) -> str | None:
    value = _field(parent, section, name)
    return value if isinstance(value, str) and value else None
