"""The parts of IPython, ipykernel and pyzmq that this layer touches, as types.

None of those packages is imported for it: outside of a kernel they may be missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

Message = dict[str, Any]
"""A Jupyter message: `header`, `parent_header`, `metadata`, `content`."""
Frames = list[Any]
"""A message as it came over the socket: a list of `zmq.Frame`."""
Handler = Callable[[Any, Any, Message], object]


class Events(Protocol):
    """IPython's hooks."""

    callbacks: dict[str, list[Callable[..., object]]]

    def register(self, event: str, function: Callable[..., object]) -> None:
        """Call `function` on each `event`."""

    def unregister(self, event: str, function: Callable[..., object]) -> None:
        """Stop calling it."""


class Shell(Protocol):
    """IPython's InteractiveShell."""

    events: Events


class Session(Protocol):
    """jupyter_client's Session."""

    def feed_identities(self, msg_list: Frames, copy: bool) -> tuple[Any, Frames]:
        """Split the routing frames off."""

    def deserialize(self, msg_list: Frames, content: bool, copy: bool) -> Message:
        """Check the signature and unpack."""

    def unpack(self, packed: Any) -> Any:
        """Unpack one part of a message."""


class Stream(Protocol):
    """A ZMQStream."""

    io_loop: Any

    def on_recv(self, callback: Callable[[Frames], object], copy: bool) -> None:
        """Call `callback` with each message."""

    def flush(self, flag: int, limit: int) -> int:
        """Handle what has arrived, now."""


class Kernel(Protocol):
    """ipykernel's Kernel. Also used, with getattr: `_publish_status`, `_parent_ident`."""

    session: Session
    shell: Shell
    shell_handlers: dict[str, Handler]
    shell_stream: Stream
    msg_queue: Any  # ipykernel 6 only

    def get_parent(self, channel: str) -> Message:
        """The message being handled: the cell that runs."""

    def set_parent(self, ident: Any, parent: Message) -> None:
        """Make it another: all output belongs to it."""
