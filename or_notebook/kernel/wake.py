"""A wake-up call from the engine's thread to the thread that waits in a cell."""

from __future__ import annotations

import threading
from contextlib import suppress


class Signal:
    """Set by any thread, waited for by one; several sets before a wait count as one.

    A bare lock, which is free while the signal is set: it waits in C, and on POSIX lets Ctrl-C
    through at once. On Windows Ctrl-C is seen when the timeout ends, so the timeout must be short
    there; `waiting.wait` uses 20 ms. What would not do:

    - `threading.Event`: Ctrl-C can strike inside its Python code and leave its inner lock held for
      ever, and then `set` hangs the engine.
    - `queue.SimpleQueue`: once it has been emptied without waiting, CPython 3.10 may count the
      timeout of the next `get` down to below zero, and takes that for no timeout at all.
    """

    def __init__(self) -> None:
        self._unset = threading.Lock()
        self._unset.acquire()

    def set(self) -> None:
        """Wake the waiting thread; never blocks."""
        # Refused when it is free: it is set already.
        with suppress(RuntimeError):
            self._unset.release()

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds; whether it was set."""
        return self._unset.acquire(timeout=max(timeout, 0.0))
