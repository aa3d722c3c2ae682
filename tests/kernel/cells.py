"""What the cells of the tests call in the kernel: a button, a stalled stream, a wait for both."""

# ruff: noqa: T201  (a cell tells the test by printing)

from __future__ import annotations

import asyncio
import threading
from itertools import count
from typing import Any

import comm

from or_notebook.kernel.engine import engine
from or_notebook.kernel.waiting import wait
from or_notebook.kernel.wake import Signal


class Button:
    """The kernel's side of a widget with one button, over a bare comm."""

    def __init__(self) -> None:
        self.wake = Signal()
        self.clicks: list[Any] = []
        self.comm = comm.create_comm(target_name="button", data={})
        self.comm.on_msg(self._clicked)

    def _clicked(self, message: dict[str, Any]) -> None:
        self.clicks.append(message["content"]["data"])
        self.wake.set()


class Stream:
    """A stalled stream on the engine; `closed` is set when its cancellation reaches it there."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.future = engine().submit(self._stall())

    async def _stall(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.closed.set()


_streams: list[Stream] = []


def last_stream() -> Stream:
    """The stream of the latest chat."""
    return _streams[-1]


def chat(button: Button, name: str = "chat", until: str = "cancel") -> None:
    """Wait for a stalled stream until the button says so from now on; tell what happened."""
    clicks_before = len(button.clicks)
    stream = Stream()
    _streams.append(stream)
    drawn = False

    def tick() -> None:
        nonlocal drawn
        if not drawn:
            drawn = True
            print(f"{name} waits", flush=True)

    try:
        wait(
            lambda: until in button.clicks[clicks_before:],
            tick,
            button.wake,
            lambda: {button.comm.comm_id},
        )
        print(f"{name} cancelled")
    except KeyboardInterrupt:
        print(f"{name} interrupted")
        raise
    finally:
        stream.future.cancel()


def chat_through_interrupts(button: Button) -> None:
    """Chat until the button says `stop`, whatever interrupts."""
    for number in count():
        try:
            chat(button, name=str(number), until="stop")
        except KeyboardInterrupt:
            continue
        return
