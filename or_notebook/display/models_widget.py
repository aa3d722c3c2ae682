"""Bringing the page the code that makes tables of models searchable and sortable.

A widget without a view: the output holds the static table only, so that a saved notebook has
nothing in it that needs a kernel. Importing this module imports anywidget.
"""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

_SOURCE = Path(__file__).parent / "static" / "models_table.js"


class TableScript(anywidget.AnyWidget):
    """The code for the tables; the page runs it when the widget is opened."""

    _esm = traitlets.Unicode().tag(sync=True)

    @traitlets.default("_esm")
    def _default_esm(self) -> str:
        return _SOURCE.read_text(encoding="utf-8")


_open: list[TableScript] = []


def enliven_tables() -> None:
    """Let the page make every table of models live; one widget does for a whole kernel."""
    # `Widget.close_all()` may have closed it.
    _open[:] = [widget for widget in _open if widget.comm is not None]
    if not _open:
        _open.append(TableScript())
