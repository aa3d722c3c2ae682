"""The clocks of one answer: time allowed to the first token, and between tokens.

The read timeout of an HTTP library cannot do this: keepalive comments re-arm it, so that a hung
generation never ends (PROTOCOL.md, section 3.6). Only tokens re-arm these clocks.
"""

from __future__ import annotations

import asyncio

FIRST_TOKEN_TIMEOUT = 300.0
BETWEEN_TOKENS_TIMEOUT = 120.0


class TokenClock:
    """Cancels the current task when no token comes in time; `expired` then tells so.

    A token only stores the time. The timer looks at it when it fires and sleeps on for the rest,
    so that a token costs one attribute.
    """

    def __init__(self, first: float, between: float) -> None:
        self.expired = False
        self._first = first
        self._between = between
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._last_token: float | None = None
        self._handle = self._loop.call_later(first, self._fire)

    def token(self) -> None:
        """Note that a token came."""
        if self._last_token is None:
            # The first timer may run far beyond the shorter allowance between tokens.
            self._handle.cancel()
            self._handle = self._loop.call_later(self._between, self._fire)
        self._last_token = self._loop.time()

    def stop(self) -> None:
        """Stop watching."""
        self._handle.cancel()

    @property
    def waiting_for(self) -> str:
        """What did not come, with the time allowed, for the message."""
        if self._last_token is None:
            return f"no first token within {self._first:g} s"
        return f"no further token within {self._between:g} s"

    def _fire(self) -> None:
        if self._last_token is not None:
            rest = self._last_token + self._between - self._loop.time()
            if rest > 0:
                self._handle = self._loop.call_later(rest, self._fire)
                return
        self.expired = True
        if self._task is not None:
            self._task.cancel()
