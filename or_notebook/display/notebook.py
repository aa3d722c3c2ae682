"""One answer in a notebook cell: a live widget while it streams, static text afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import TYPE_CHECKING

from or_notebook.display.publish import replace, show
from or_notebook.display.saved import bundle, metadata

if TYPE_CHECKING:
    from or_notebook.display.live import LiveView
    from or_notebook.kernel.call import Call
    from or_notebook.kernel.cell import Cell


class StaticView:
    """No live view: the answer appears when it is complete."""

    def __init__(self, call: Call, format: str) -> None:  # noqa: A002 - the option's name
        self._output = _Output(call, format)

    def open(self) -> None:
        """Show nothing yet."""

    def update(self) -> None:
        """Show nothing yet."""

    def close(self, *, raised: bool) -> None:
        """Show the answer."""
        self._output.show(raised=raised)

    def refresh(self, *, raised: bool) -> None:
        """Show the answer anew, because something about it became known."""
        self._output.replace(raised=raised)

    def comm_ids(self) -> Collection[str]:
        """Return nothing: there are no clicks to hear."""
        return ()


class NotebookView:
    """The live widget of a call, and the static answer that takes its place under one display id.

    A saved notebook thus holds text and HTML, never a widget that can't be shown again.
    """

    def __init__(self, call: Call, format: str, cell: Cell) -> None:  # noqa: A002
        self._call = call
        self._format = format
        self._cell = cell
        self._output = _Output(call, format)
        self.widget: LiveView | None = None

    def open(self) -> None:
        """Show the widget."""
        from or_notebook.display.live import LiveView

        self.widget = LiveView(self._call.reply, on_cancel=self._call.cancel, format=self._format)
        show(self.widget.mimebundle(), display_id=self._output.display_id)

    def update(self) -> None:
        """Send the widget what is new."""
        if self.widget is not None:
            self.widget.update(self._call.elapsed)

    def close(self, *, raised: bool) -> None:
        """Put the static answer in the widget's place."""
        if self.widget is None:
            return
        self.widget.finish()
        self._output.reasoning_open = self.widget.reasoning_open
        self._output.replace(raised=raised)
        if self._needs_another_copy(self.widget):
            _Output(self._call, self._format).show(raised=raised)

    def refresh(self, *, raised: bool) -> None:
        """Show the finished answer anew, because something about it became known."""
        self._output.replace(raised=raised)

    @property
    def over(self) -> bool:
        """Whether the answer is over."""
        return self._call.finished

    def dispose(self) -> None:
        """Close the widget's comm; the static answer stays.

        A page that was reloaded in mid-stream has no static answer: there the widget goes on.
        """
        if self.widget is not None and not self.widget.returned:
            self.widget.close()
            self.widget = None

    def comm_ids(self) -> Collection[str]:
        """Return the comms of the widget."""
        return self.widget.comm_ids() if self.widget is not None else ()

    def _needs_another_copy(self, widget: LiveView) -> bool:
        """Tell whether a person sits at a front end that shows neither widgets nor updates.

        Jupyter console is one: it names no cell, lets the person type, and no page ever reported.
        """
        return not widget.ready and not self._cell.has_cell_id and self._cell.allow_stdin


class _Output:
    """The static answer of a call under a display id of its own."""

    def __init__(self, call: Call, format: str) -> None:  # noqa: A002
        self._call = call
        self._format = format
        self.display_id = uuid.uuid4().hex
        self.reasoning_open = False

    def show(self, *, raised: bool) -> None:
        data = self._bundle(raised)
        show(data, display_id=self.display_id, notes=metadata(self._call.reply))

    def replace(self, *, raised: bool) -> None:
        data = self._bundle(raised)
        replace(data, display_id=self.display_id, notes=metadata(self._call.reply))

    def _bundle(self, raised: bool) -> dict[str, str]:
        return bundle(
            self._call.reply,
            format=self._format,
            raised=raised,
            reasoning_open=self.reasoning_open,
        )
