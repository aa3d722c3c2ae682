"""What the commands share: a line of output, and the one Ctrl-C that ends everything."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_POLL = 0.2
"""Seconds between two looks at what has to stay alive."""


class StopSignal:
    """Turns Ctrl-C, SIGTERM and a closed terminal into a request to stop, inside a `with` block."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignal:
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)

    @property
    def asked(self) -> bool:
        """Whether it is time to stop."""
        return self._asked.is_set()

    def wait(self, *, while_true: Callable[[], bool], timeout: float | None = None) -> None:
        """Return when asked to stop, when `while_true` turns false, or after `timeout` seconds."""
        left = float("inf") if timeout is None else timeout
        while left > 0 and while_true() and not self._asked.wait(min(_POLL, left)):
            left -= _POLL

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked.set()


def say(line: str) -> None:
    """Show one line at once, also where the output is a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
