"""How an interrupt looks in a cell: one line, as people know it from IPython."""

from __future__ import annotations


def in_one_line(interrupt: KeyboardInterrupt) -> KeyboardInterrupt:
    """Return the interrupt without the traceback of our own frames."""
    interrupt._render_traceback_ = lambda: ["KeyboardInterrupt"]  # type: ignore[attr-defined]
    return interrupt.with_traceback(None)
