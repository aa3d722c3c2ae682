"""Work that goes on after its cell has ended, on the thread of the kernel's own event loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable

from or_notebook.kernel import environment
from or_notebook.kernel.parent import Parent, output_belongs_to


def every(interval: float, tick: Callable[[], bool]) -> None:
    """Call `tick` every `interval` seconds until it returns False. Returns at once.

    In a kernel it runs on the kernel's loop, between cells: a later cell that is busy delays it.
    What it publishes belongs to the cell that called `every`. In terminal IPython, where no loop
    runs between two inputs, it runs after each input instead; in plain Python on a daemon thread.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _without_loop(interval, tick)
        return
    _OnLoop(loop, interval, tick).schedule()


class _OnLoop:
    """One repeated tick, run as part of the cell that started it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, interval: float, tick: Callable[[], bool]
    ) -> None:
        self._loop = loop
        self._interval = interval
        self._tick = tick
        # In ipykernel 7 the cell that output belongs to is kept in context variables.
        self._context = contextvars.copy_context()
        self._kernel = environment.kernel()
        self._cell = None if self._kernel is None else Parent.current(self._kernel)

    def schedule(self) -> None:
        self._loop.call_later(self._interval, self._run, context=self._context)

    def _run(self) -> None:
        if self._as_cell():
            self.schedule()

    def _as_cell(self) -> bool:
        if self._kernel is None or self._cell is None:
            return self._tick()
        if self._kernel.get_parent("shell") is self._cell.message:
            return self._tick()
        # ipykernel 6 knows one current cell only: the latest.
        with output_belongs_to(self._kernel, self._cell):
            return self._tick()


def _without_loop(interval: float, tick: Callable[[], bool]) -> None:
    shell = environment.shell()
    if shell is None:
        threading.Thread(target=_repeat, args=(interval, tick), daemon=True).start()
        return

    def after_input(*_: object) -> None:
        again = False
        try:
            again = tick()
        finally:
            if not again:
                shell.events.unregister("post_run_cell", after_input)

    shell.events.register("post_run_cell", after_input)


def _repeat(interval: float, tick: Callable[[], bool]) -> None:
    while tick():
        time.sleep(interval)
