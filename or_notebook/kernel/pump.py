"""The pump: reading the front end's messages while a cell blocks the kernel's loop.

The stream is asked now and then to hand over what has arrived. Messages for our comms are
delivered; all others are kept, and given to ipykernel in their order when the wait ends.
"""

from __future__ import annotations

from types import TracebackType

import zmq

from or_notebook.kernel.comm_desk import CommDesk, start
from or_notebook.kernel.parts import Frames
from or_notebook.kernel.shell_stream import ShellStream

BATCH = 64
"""Messages read per poll at most, so that a flood of them cannot stop the drawing."""


class Pump:
    """Takes a shell stream over from ipykernel while it is entered."""

    def __init__(self, shell: ShellStream, desk: CommDesk) -> None:
        self._shell = shell
        self._desk = desk
        self._kept: list[Frames] = []
        self._delivered = False

    def __enter__(self) -> Pump:
        self._shell.stream.on_recv(self._received, copy=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shell.stream.on_recv(self._shell.callback, copy=self._shell.copy)
        # Called here rather than scheduled: the loop may already have a read of a newer message
        # scheduled, which would then come first.
        for frames in self._kept:
            as_before = [frame.bytes for frame in frames] if self._shell.copy else frames
            start(self._shell.callback(as_before))

    def poll(self) -> bool:
        """Read what has arrived; whether a message was delivered."""
        self._delivered = False
        self._shell.stream.flush(zmq.POLLIN, limit=BATCH)
        return self._delivered

    def _received(self, frames: Frames) -> None:
        if self._desk.accepts(frames):
            self._desk.deliver(frames, self._shell.stream)
            self._delivered = True
        else:
            self._kept.append(frames)
