"""The fallback below ipykernel 7, when the pump finds no stream: the loop run inside itself.

Never in ipykernel 7: since 7.1 all messages run in one shared Context, entering it twice fails, and
every later cell hangs.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any

from or_notebook.kernel.comm_desk import CommDesk
from or_notebook.kernel.parts import Frames, Kernel

BATCH = 64
"""Messages read per poll at most."""


class NestedLoop:
    """Lets the loop read into the queue of ipykernel 6, and takes our messages out of that."""

    def __init__(self, kernel: Kernel, desk: CommDesk) -> None:
        self._kernel = kernel
        self._desk = desk
        self._loop = asyncio.get_running_loop()
        self._kept: list[Any] = []

    def __enter__(self) -> NestedLoop:
        # Imported only in need: applying it changes asyncio for the whole process.
        import nest_asyncio  # type: ignore[import-untyped]

        nest_asyncio.apply(self._loop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Those kept came first, but the queue may hold newer ones already.
        for item in self._kept + self._take_queued():
            self._kernel.msg_queue.put_nowait(item)

    def poll(self) -> bool:
        """Let the loop read what has arrived; whether a message was delivered."""
        delivered = False
        # One turn of the loop reads one message; the bound lets a flood of them not stop the cell.
        for _ in range(BATCH):
            self._loop.run_until_complete(asyncio.sleep(0))
            items = self._take_queued()
            if not items:
                break
            for item in items:
                delivered |= self._handle(item)
        return delivered

    def _handle(self, item: tuple[int, object, tuple[Frames, ...]]) -> bool:
        _number, _function, arguments = item
        if arguments and self._desk.accepts(arguments[0]):
            self._desk.deliver(arguments[0], self._kernel.shell_stream)
            return True
        self._kept.append(item)
        return False

    def _take_queued(self) -> list[Any]:
        queue = self._kernel.msg_queue
        return [queue.get_nowait() for _ in range(queue.qsize())]
