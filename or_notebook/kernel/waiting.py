"""Waiting in a cell: draw, hear the widget's buttons, and let Ctrl-C through."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from or_notebook.kernel import environment
from or_notebook.kernel.interrupts import Interrupts
from or_notebook.kernel.wake import Signal

POLL = 0.02
"""Seconds between two looks for messages of the front end."""
FRAME = 1 / 30
"""Seconds between two ticks."""


class Source(Protocol):
    """Where messages of the front end come from while a cell waits."""

    def poll(self) -> bool:
        """Read what has arrived; whether a message was delivered."""


class NoMessages:
    """The source where nothing can be read: a terminal, plain Python, an unknown kernel."""

    def poll(self) -> bool:
        """Deliver nothing."""
        return False


def wait(
    finished: Callable[[], bool],
    tick: Callable[[], None],
    wake: Signal,
    comm_ids: Callable[[], Collection[str]],
) -> None:
    """Block until `finished()`, calling `tick()` about 30 times a second.

    A set `wake` ends the pause early, so that something new is drawn at once unless a frame was
    drawn just before. Meanwhile messages for the comms named by `comm_ids()` reach their widgets;
    all other messages are handled after the cell, in order. The last state is the caller's to draw.
    Raises KeyboardInterrupt on Ctrl-C and Interrupt, and whatever `tick` raises; in each case the
    kernel is as before. `tick` is never cut in half by an interrupt.
    """
    with Interrupts() as interrupts, _source(comm_ids) as source:
        next_frame = time.monotonic()
        while not finished():
            interrupts.wait(wake, min(POLL, next_frame - time.monotonic()))
            delivered = source.poll()
            if delivered or time.monotonic() >= next_frame:
                tick()
                next_frame = time.monotonic() + FRAME


def _source(comm_ids: Callable[[], Collection[str]]) -> AbstractContextManager[Source]:
    kernel = environment.kernel()
    if kernel is None:
        return nullcontext(NoMessages())

    from or_notebook.kernel import shell_stream
    from or_notebook.kernel.comm_desk import CommDesk

    if not CommDesk.fits(kernel):
        return nullcontext(NoMessages())
    desk = CommDesk(kernel, comm_ids)
    shell = shell_stream.find(kernel)
    if shell is not None:
        from or_notebook.kernel.pump import Pump

        return Pump(shell, desk)
    version = environment.ipykernel_version()
    if version is not None and version < (7, 0) and _in_running_loop():
        from or_notebook.kernel.nested_loop import NestedLoop

        return NestedLoop(kernel, desk)
    return nullcontext(NoMessages())


def _in_running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
