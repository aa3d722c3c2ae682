"""Finding the stream on which the kernel hears from the front end, per version of ipykernel.

All of this is private to ipykernel and pyzmq, so whatever is missing makes `find` return None: then
nobody reads messages while a cell waits, and Interrupt still works.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from or_notebook.kernel.parts import Frames, Kernel, Stream


@dataclass(frozen=True)
class ShellStream:
    """A ZMQStream of the running thread's loop, and what ipykernel had it call."""

    stream: Stream
    callback: Callable[[Frames], object]
    copy: bool


def find(kernel: Kernel) -> ShellStream | None:
    """The stream whose messages wait behind the running cell, or None if it cannot be had."""
    try:
        stream = _stream(kernel)
        callback = getattr(stream, "_recv_callback", None)
        copy = getattr(stream, "_recv_copy", None)
        same_loop = stream.io_loop.asyncio_loop is asyncio.get_running_loop()
    except (AttributeError, LookupError, RuntimeError, TypeError):
        return None
    if not same_loop or not callable(callback) or not isinstance(copy, bool):
        return None
    return ShellStream(stream, callback, copy)


def _stream(kernel: Kernel) -> Stream:
    thread = getattr(kernel, "shell_channel_thread", None)
    if thread is None:
        return kernel.shell_stream
    # ipykernel 7 reads the shell socket on a thread of its own, which hands each message over an
    # in-process socket to the main thread or to the subshell that it is for.
    subshell_id = kernel.get_parent("shell")["header"].get("subshell_id")
    pair = thread.manager.get_shell_channel_to_subshell_pair(subshell_id)
    return cast("Stream", pair.to_stream)
