"""What the models say, and how it falls into tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

_TOKEN = re.compile(r" ?\w{1,10}| ?[^\w\s]{1,4}|\n\s*|[^\S\n]+")
"""About four characters each, like the tokens of real models; nothing is lost between them."""


def tokenize(text: str) -> list[str]:
    """Split a text into tokens that join to exactly the same text."""
    return _TOKEN.findall(text)


@cache
def load(name: str) -> str:
    """Return one of the Markdown files in `texts/`, without its final line end."""
    path = files(__package__) / "texts" / f"{name}.md"
    return path.read_text(encoding="utf-8").rstrip("\n")


def before_stop(text: str, stop: Iterable[str]) -> str:
    """Return the text up to the earliest of the stop sequences."""
    ends = [text.find(sequence) for sequence in stop if sequence in text]
    return text[: min(ends)] if ends else text


def fit(tokens: list[str], length: int) -> list[str]:
    """Repeat or cut a text to exactly so many tokens."""
    if not tokens or length <= 0:
        return []
    unit = [*tokens, "\n\n"]
    return (unit * (length // len(unit) + 1))[:length]
