"""Checks for one JSON value each, built from smaller ones; all raise a 400 that names the path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from or_notebook.sandbox.errors import invalid

Check: TypeAlias = Callable[[str, Any], None]
"""Takes the path of a value and the value; returns nothing or raises."""


def kind_of(value: object) -> str:
    """Return the JSON name of a value's type."""
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    if value is None:
        return "null"
    return names.get(type(value), "an array" if isinstance(value, list) else "an object")


def wrong_type(path: str, expected: str, value: object) -> Exception:
    """Return the error for a value of the wrong type."""
    return invalid(f"{path}: must be {expected}, not {kind_of(value)}")


def boolean(path: str, value: Any) -> None:
    """Accept true and false."""
    if not isinstance(value, bool):
        raise wrong_type(path, "a boolean", value)


def text(longest: int | None = None) -> Check:
    """Accept a string of at most so many characters."""

    def check(path: str, value: Any) -> None:
        if not isinstance(value, str):
            raise wrong_type(path, "a string", value)
        if longest is not None and len(value) > longest:
            raise invalid(f"{path}: must be at most {longest} characters")

    return check


def one_of(*allowed: str) -> Check:
    """Accept one of a few words."""

    def check(path: str, value: Any) -> None:
        if value not in allowed:
            raise invalid(f"{path}: must be one of {', '.join(allowed)}")

    return check


def number(low: float, high: float, *, above: bool = False) -> Check:
    """Accept a number in a closed range; `above` leaves out the lower end."""

    def check(path: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise wrong_type(path, "a number", value)
        if not low <= value <= high or (above and value == low):
            bound = f"above {low:g} and at most {high:g}" if above else f"{low:g} to {high:g}"
            raise invalid(f"{path}: must be {bound}, not {value}")

    return check


def integer(low: int | None, high: int | None = None) -> Check:
    """Accept an integer, with optional bounds."""

    def check(path: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            if isinstance(value, float):
                raise invalid(f"{path}: must be an integer, not {value}")
            raise wrong_type(path, "an integer", value)
        if low is not None and value < low:
            raise invalid(f"{path}: must be at least {low}, not {value}")
        if high is not None and value > high:
            raise invalid(f"{path}: must be at most {high}, not {value}")

    return check


def each(item: Check) -> Check:
    """Accept an array whose every item passes."""

    def check(path: str, value: Any) -> None:
        if not isinstance(value, list):
            raise wrong_type(path, "an array", value)
        for index, member in enumerate(value):
            item(f"{path}[{index}]", member)

    return check


def text_or_list(most: int) -> Check:
    """Accept a string, or an array of at most so many strings."""

    def check(path: str, value: Any) -> None:
        if isinstance(value, str):
            return
        if not isinstance(value, list):
            raise wrong_type(path, "a string or an array of strings", value)
        if len(value) > most:
            raise invalid(f"{path}: must have at most {most} items, not {len(value)}")
        each(text())(path, value)

    return check


def record(
    fields: Mapping[str, Check], *, required: tuple[str, ...] = (), closed: bool = False
) -> Check:
    """Accept an object whose known fields pass; `closed` refuses unknown ones."""

    def check(path: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise wrong_type(path, "an object", value)
        for name in required:
            if value.get(name) is None:
                raise invalid(f"{path}.{name}: required")
        for name, member in value.items():
            if name in fields and member is not None:
                fields[name](f"{path}.{name}", member)
            elif closed and name not in fields:
                raise invalid(f"{path}.{name}: unknown; known are {', '.join(sorted(fields))}")

    return check
