"""The engine: one daemon thread per process with its own asyncio loop, where all HTTP happens.

It is never joined: a stuck connection must not keep a kernel or a script from ending. Work is
cancelled through the future that `submit` returns; that reaches the coroutine in about a
millisecond.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Engine:
    """An asyncio loop on a daemon thread. Use `engine()` to get the one of this process."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._locals: dict[Hashable, Any] = {}
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="or_notebook engine", daemon=True
        )
        self._thread.start()
        atexit.register(self._quieten)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, for those who already run on it."""
        return self._loop

    @property
    def owned(self) -> bool:
        """Whether this process started the engine (false in a fork: threads do not survive it)."""
        return self._pid == os.getpid()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the engine; `cancel()` of the future cancels it there."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def local(self, key: Hashable, factory: Callable[[], T]) -> T:
        """The one object of this loop under `key`, made by `factory` on first use.

        Call it on the engine's thread only: that is what makes it safe without a lock.
        """
        if threading.get_ident() != self._thread.ident:
            raise RuntimeError("Engine.local belongs to the engine's own thread")
        if key not in self._locals:
            self._locals[key] = factory()
        return cast("T", self._locals[key])

    def _quieten(self) -> None:
        """Keep asyncio from reporting tasks that the end of the interpreter cuts short."""
        if self.owned:
            self._loop.set_exception_handler(lambda _loop, _context: None)


class _Current:
    """The engine of this process, and those that forks inherited."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.lock = threading.Lock()
        # Kept unused for good: dropping an inherited loop warns of an unclosed one, and closing it
        # would take the parent's own wake-up out of the epoll set that both processes share.
        self.inherited: list[Engine] = []

    def forked(self) -> None:
        """Start afresh in a child; the lock may have been held by a thread that is gone."""
        self.lock = threading.Lock()
        if self.engine is not None:
            self.inherited.append(self.engine)
            self.engine = None


_current = _Current()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_current.forked)


def engine() -> Engine:
    """The engine of this process, started on first use."""
    with _current.lock:
        if _current.engine is None:
            _current.engine = Engine()
        return _current.engine
