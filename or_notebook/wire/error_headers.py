"""What the headers of an error say: when to try again, and what support asks for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from or_notebook.wire.json_values import number

SECONDS_PER_DAY = 86_400


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait: `retry-after-ms`, else `Retry-After` in seconds or as a date."""
    milliseconds = number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = number(value)
    if seconds is not None or not value:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def reset_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until `X-RateLimit-Reset`, a Unix time in seconds or milliseconds."""
    moment = number(headers.get("x-ratelimit-reset"))
    if moment is None:
        return None
    # The unit is not documented; a time in seconds beyond this would be the year 5138.
    moment = moment / 1000 if moment > 1e11 else moment
    rest = moment - time.time()
    return rest if 0 < rest < SECONDS_PER_DAY else None


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the identifier that the endpoint's support asks for, if it sent one."""
    names = ("x-siliconcloud-trace-id", "x-generation-id", "x-request-id", "x-litellm-call-id")
    return next((headers[name] for name in names if headers.get(name)), None)
