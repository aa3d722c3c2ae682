"""Handing comm messages to their widgets while the cell that waits for them still runs."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from inspect import isawaitable

from or_notebook.kernel.parent import Parent, output_belongs_to
from or_notebook.kernel.parts import Frames, Kernel, Message, Stream

COMM_MESSAGES = ("comm_msg", "comm_close")
NEEDED = (
    "session",
    "shell_handlers",
    "get_parent",
    "set_parent",
    "_parent_ident",
    "_publish_status",
)


class CommDesk:
    """Tells the messages for some comms from all others, and delivers those.

    Delivers as ipykernel would between two cells, with the status messages that front ends rely
    on: `busy` and `idle` for the message (`idle` lets a widget send its next one), then `busy` for
    the cell (else the front end would show an idle kernel).
    """

    def __init__(self, kernel: Kernel, comm_ids: Callable[[], Collection[str]]) -> None:
        self._kernel = kernel
        self._comm_ids = comm_ids

    @staticmethod
    def fits(kernel: Kernel) -> bool:
        """Whether this kernel has all that delivering needs.

        Under `%%capture` it has not: the publisher that captures knows no parent.
        """
        publisher = getattr(getattr(kernel, "shell", None), "display_pub", None)
        return hasattr(publisher, "set_parent") and all(hasattr(kernel, name) for name in NEEDED)

    def accepts(self, frames: Frames) -> bool:
        """Whether the message is for one of the comms; it can still be deserialized later."""
        session = self._kernel.session
        try:
            _, signed = session.feed_identities(frames, copy=False)
            # Only with content=False: a full deserialize remembers the signature, and a replay of
            # the message would be refused as a duplicate.
            message = session.deserialize(signed, content=False, copy=False)
            if message["header"]["msg_type"] not in COMM_MESSAGES:
                return False
            comm_id = session.unpack(message["content"])["comm_id"]
        except (ValueError, TypeError, LookupError):
            # ipykernel 7 also sends itself frames that are no Jupyter message ("stop aborting").
            return False
        return comm_id in self._comm_ids()

    def deliver(self, frames: Frames, stream: Stream) -> None:
        """Hand over one accepted message."""
        kernel = self._kernel
        idents, signed = kernel.session.feed_identities(frames, copy=False)
        message = kernel.session.deserialize(signed, content=True, copy=False)
        cell = Parent.current(kernel)
        handler = kernel.shell_handlers[message["header"]["msg_type"]]

        self._publish("busy", message)
        _flush_output()
        try:
            with output_belongs_to(kernel, Parent(message, idents)), _no_execute_hooks(kernel):
                start(handler(stream, idents, message))
                _flush_output()
        finally:
            self._publish("idle", message)
            self._publish("busy", cell.message)

    def _publish(self, state: str, parent: Message) -> None:
        publish_status = getattr(self._kernel, "_publish_status")  # noqa: B009
        publish_status(state, "shell", parent=parent)


def start(result: object) -> None:
    """Start what a handler returned: nothing in ipykernel 6, in 7 mostly a coroutine."""
    if isawaitable(result):
        asyncio.ensure_future(result)  # noqa: RUF006  (the loop's caller keeps it, as pyzmq does)


def _flush_output() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


@contextmanager
def _no_execute_hooks(kernel: Kernel) -> Iterator[None]:
    """Keep the hooks that a comm message fires from running in the middle of a cell.

    Matplotlib's would show the cell's figures as output of the message, where they get lost. Off
    the main thread the hooks stay: the main thread's cell may need them at this moment.
    """
    callbacks = getattr(getattr(kernel.shell, "events", None), "callbacks", None)
    if callbacks is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("pre_execute", "post_execute") if name in callbacks]
    kept = {name: callbacks[name] for name in names}
    callbacks.update({name: [] for name in names})
    try:
        yield
    finally:
        for name in names:
            callbacks[name] = kept[name] + callbacks[name]
