"""When the next token is due: absolute deadlines, so that lateness never adds up."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable

from or_notebook.sandbox.steps import TOKENS, KeepAlive, Step, Wait

TICK = 0.002
"""Shortest sleep in seconds; tokens that fall due within one are sent together."""


class Pace:
    """The timetable of one answer: token `i` is due `i / tokens_per_second` after the start.

    Times are seconds of any monotonic clock; the caller passes the present one in.
    """

    def __init__(self, tokens_per_second: float, now: float) -> None:
        self._interval = 1 / tokens_per_second
        self._start = now
        self._sent = 0

    def delay(self, now: float) -> float:
        """Return how long to sleep before the next token; 0 if it is due."""
        ahead = self._start + self._sent * self._interval - now
        return max(ahead, TICK) if ahead > 0 else 0.0

    def advance(self) -> None:
        """Count one token as sent."""
        self._sent += 1

    def restart(self, now: float) -> None:
        """Begin a new timetable after a pause, which is not to be caught up."""
        self._start = now
        self._sent = 0


async def paced(
    steps: Iterable[Step], tokens_per_second: float, keepalive_interval: float
) -> AsyncGenerator[list[Step], None]:
    """Yield the steps when they are due; those that are due together in one list."""
    pace = Pace(tokens_per_second, time.monotonic())
    batch: list[Step] = []
    for step in steps:
        if isinstance(step, Wait):
            yield batch
            batch = []
            async for keepalive in _waiting(step, keepalive_interval):
                yield [keepalive]
            pace.restart(time.monotonic())
            continue
        if isinstance(step, TOKENS):
            delay = pace.delay(time.monotonic())
            if delay:
                yield batch
                batch = []
                await asyncio.sleep(delay)
            pace.advance()
        batch.append(step)
    yield batch


async def _waiting(wait: Wait, interval: float) -> AsyncIterator[KeepAlive]:
    start = time.monotonic()
    end = math.inf if wait.seconds is None else start + wait.seconds
    if not wait.keepalives:
        interval = math.inf
    for due in itertools.count(start + interval, interval):
        await asyncio.sleep(min(due, end) - time.monotonic())
        if due >= end:
            return
        yield KeepAlive()
