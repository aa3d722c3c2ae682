"""Choosing how an answer is shown, and tidying up after it."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from or_notebook.kernel.environment import environment

if TYPE_CHECKING:
    from or_notebook.chat.reply import Reply
    from or_notebook.display.notebook import NotebookView
    from or_notebook.display.terminal import TerminalView
    from or_notebook.kernel.call import Call
    from or_notebook.magics.run import View

_REPLY = ("or_notebook.chat.reply", "Reply")


class Outputs:
    """The outputs of one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._finished: list[NotebookView] = []
        self._shown: tuple[int, int] | None = None

    def enable(self) -> None:
        """Make a `Reply` at the end of a cell show as an answer; close widgets no longer needed."""
        formats = self._shell.display_formatter
        formats.mimebundle_formatter.for_type_by_name(*_REPLY, self._mimebundle)
        if environment() == "kernel":
            formats.ipython_display_formatter.for_type_by_name(*_REPLY, self._only_once)
        self._shell.events.register("pre_run_cell", self._close_finished)

    def disable(self) -> None:
        """Undo `enable`."""
        formats = self._shell.display_formatter
        for formatter in (formats.mimebundle_formatter, formats.ipython_display_formatter):
            formatter.pop(".".join(_REPLY), None)
        self._shell.events.unregister("pre_run_cell", self._close_finished)
        self._close_finished()

    def unattended(self) -> bool:
        """Tell whether nobody watches: nbclient, papermill and nbconvert.

        They name no cell and let nobody type. They would save the state of every widget into the
        notebook, and what a cell shows after its end never gets there.
        """
        from or_notebook.kernel.cell import current_cell

        cell = current_cell()
        return environment() == "kernel" and not cell.has_cell_id and not cell.allow_stdin

    def _captured(self) -> bool:
        """Tell whether `%%capture` keeps what is displayed: a live view would be kept dead."""
        return not hasattr(self._shell.display_pub, "set_parent")

    def view(
        self,
        call: Call,
        format: str,  # noqa: A002 - the option's name
        *,
        live: bool,
        background: bool = False,
    ) -> View:
        """Return the view that fits the front end."""
        if environment() == "terminal":
            from or_notebook.display.terminal import TerminalView

            fitting = _InTerminalLater if background else _InTerminal
            return fitting(call, TerminalView(format))
        from or_notebook.display.notebook import NotebookView, StaticView
        from or_notebook.kernel.cell import current_cell

        if self.unattended() or self._captured() or not live:
            return StaticView(call, format)
        view = NotebookView(call, format, current_cell())
        if not background:
            self._finished.append(view)
        return view

    def closed(self, view: View) -> None:
        """Note that a view in the background shows its finished answer.

        Only now may its widget be closed: several cells may begin between the end of an answer and
        the moment at which it takes the widget's place.
        """
        from or_notebook.display.notebook import NotebookView

        if isinstance(view, NotebookView):
            self._finished.append(view)

    def shown(self, reply: Reply) -> None:
        """Note that this execution has shown the reply, so that its value is not shown again."""
        self._shown = (id(reply), self._shell.execution_count)

    def _only_once(self, reply: Reply) -> None:
        """Show nothing for the value of a `%chat` whose answer stands above it already."""
        if not self._is_shown(reply):
            # IPython's word for: go on with the other formats.
            raise NotImplementedError

    def _is_shown(self, reply: Reply) -> bool:
        return self._shown == (id(reply), self._shell.execution_count)

    def _mimebundle(self, reply: Reply) -> Any:
        if self._is_shown(reply):
            return {"text/plain": repr(reply)}
        saved = importlib.import_module("or_notebook.display.saved")
        return saved.bundle(reply), saved.metadata(reply)

    def _close_finished(self, *_: object) -> None:
        """Close widgets whose answers are over, when a later cell runs.

        Not at once: left open, a page that was reloaded in mid-stream still gets the whole text.
        """
        still: list[NotebookView] = []
        for view in self._finished:
            if view.over:
                view.dispose()
            else:
                still.append(view)
        self._finished = still


class _InTerminal:
    """A call in terminal IPython."""

    def __init__(self, call: Call, terminal: TerminalView) -> None:
        self._call = call
        self._terminal = terminal

    def open(self) -> None:
        """Show that something was sent."""
        self._terminal.open(self._call.reply)

    def update(self) -> None:
        """Print what is new."""
        self._terminal.update(self._call.elapsed)

    def close(self, *, raised: bool) -> None:
        """Print the rest and the summary."""
        self._terminal.finish(raised=raised)

    def refresh(self, *, raised: bool) -> None:
        """Print nothing: what a terminal has shown stands."""

    def comm_ids(self) -> Collection[str]:
        """Return nothing: a terminal has no buttons."""
        return ()


class _InTerminalLater(_InTerminal):
    """A call in the background in terminal IPython: printed after an input, when it is over.

    A live view would redraw itself over what later inputs have printed.
    """

    def open(self) -> None:
        """Print nothing yet."""

    def update(self) -> None:
        """Print nothing yet."""

    def close(self, *, raised: bool) -> None:
        """Print the answer and the summary."""
        self._terminal.open(self._call.reply)
        self._terminal.finish(raised=raised)
