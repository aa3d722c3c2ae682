"""Ctrl-C and the Interrupt button, let through only where nothing can be cut in half.

A KeyboardInterrupt can strike between any two bytecodes. While a message from the front end is in
hand it would lose that message (up to 50 of 38,000 in a fuzz run); while a frame is drawn it would
leave the view half drawn; during clean-up it would leave the kernel without its own callback. So an
interrupt is remembered there and raised at the next wait, at most a few milliseconds later.
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from or_notebook.kernel.wake import Signal

STUCK_AFTER = 1.0
"""Seconds after which a second Ctrl-C breaks through: whatever holds the first one is stuck."""


class Interrupts:
    """Holds SIGINT back, except inside `wait`. Does nothing off the main thread."""

    def __init__(self) -> None:
        self._open = False
        self._held_since: float | None = None
        self._previous: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            previous = signal.getsignal(signal.SIGINT)
            # Not callable: ignored, left to the system, or set outside of Python. Leave it so.
            if callable(previous):
                self._previous = previous
                signal.signal(signal.SIGINT, self._arrived)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
        if self._held_since is not None and kind is None:
            raise KeyboardInterrupt

    def wait(self, wake: Signal, timeout: float) -> None:
        """Wait for `wake`, letting interrupts through: one held back is raised now."""
        # Opened before the check, so that one arriving between the two is raised as well.
        self._open = True
        if self._held_since is not None:
            self._raise()
        wake.wait(timeout)
        self._open = False

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._open:
            self._raise()
        if self._held_since is None:
            self._held_since = now
        elif now - self._held_since > STUCK_AFTER:
            self._raise()

    def _raise(self) -> None:
        self._open = False
        self._held_since = None
        # Not the previous handler: in an async cell ipykernel's own would only cancel the cell's
        # task later, while this thread blocks the loop that would do so.
        raise KeyboardInterrupt
