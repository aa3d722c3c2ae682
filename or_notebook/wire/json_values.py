"""Reading JSON values that may be of any type: what does not fit says nothing."""

from __future__ import annotations

from typing import Any


def as_object(value: object) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def first(*values: Any) -> Any:
    """Return the first value that is neither None nor empty text."""
    return next((value for value in values if value not in (None, "")), None)


def number(value: object) -> float | None:
    """Return a finite number that is not negative, also from text; else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
