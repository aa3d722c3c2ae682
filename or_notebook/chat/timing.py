"""When things happened to one answer; all figures are seconds since the request began."""

from __future__ import annotations

import msgspec


class Timing(msgspec.Struct, kw_only=True):
    """Marks on one time axis that starts with the call; `started_at` is a Unix time."""

    started_at: float = 0.0
    opened: float | None = None
    last_keepalive: float | None = None
    retry_due: float | None = None
    first_token: float | None = None
    first_text: float | None = None
    last_token: float | None = None
    finished: float | None = None

    @property
    def time_to_first_token(self) -> float | None:
        """Seconds from the call to the first token of any kind, reasoning included."""
        return self.first_token

    @property
    def duration(self) -> float | None:
        """Seconds from the call to its end; None while it runs."""
        return self.finished

    def rate(self, tokens: int) -> float | None:
        """Return tokens per second between the first and the last token, or None if too short."""
        if self.first_token is None or self.last_token is None:
            return None
        span = self.last_token - self.first_token
        return (tokens - 1) / span if span > 0.05 and tokens > 1 else None
