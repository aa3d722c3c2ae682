"""Parsing the lines of `%%chat` and `%chat`."""

from __future__ import annotations

import difflib
import shlex
from argparse import Namespace
from typing import Any

from IPython.core.error import UsageError

from or_notebook.magics.declared import parse_words
from or_notebook.magics.options import OPTIONS

_FLAGS = frozenset(
    flag for flags, settings in OPTIONS if settings.get("action") == "store_true" for flag in flags
)


def parse(function: Any, line: str) -> Namespace:
    """Return the options of a line; raises `UsageError` of two lines at most."""
    try:
        options = parse_words(function, line)
    except ValueError as error:
        raise UsageError(f"%%chat: {error}: {line!r}\nClose the quote.") from None
    except UsageError as error:
        advice = "%%chat? lists all options."
        if "invalid" not in str(error):
            advice = _suggestion(shlex.split(line))
        raise UsageError(f"%%chat: {error}\n{advice}") from None
    if options.name and options.model and options.name != options.model:
        raise UsageError(
            f"%%chat: two models are named, {options.name} and {options.model}.\n"
            'Name one. The prompt goes below the %%chat line; a system prompt goes in -s "…".'
        )
    options.model = options.model or options.name
    return options


def split_prompt(line: str) -> tuple[str, str]:
    """Split the line of `%chat` into its leading options and the prompt, which stays literal."""
    rest = line.strip()
    consumed: list[str] = []
    while rest.startswith("-"):
        word, _, rest = rest.partition(" ")
        rest = rest.lstrip()
        if word == "--":
            break
        consumed.append(word)
        if word in _FLAGS or "=" in word or _holds_its_value(word):
            continue
        value, rest = _first_word(rest)
        consumed.append(value)
    return " ".join(consumed), rest


def _holds_its_value(word: str) -> bool:
    """Tell whether a short option carries its value itself, like `-t0.2`."""
    return not word.startswith("--") and len(word) > 2


def _first_word(text: str) -> tuple[str, str]:
    """Return the first shell word of a text, as written, and the rest."""
    quote = text[:1] if text[:1] in {"'", '"'} else None
    if quote is None:
        word, _, rest = text.partition(" ")
        return word, rest.lstrip()
    end = text.find(quote, 1)
    if end < 0:
        return text, ""
    return text[: end + 1], text[end + 1 :].lstrip()


def _suggestion(words: list[str]) -> str:
    """Return what to type instead of an option that does not exist."""
    known = [flag for flags, _ in OPTIONS for flag in flags if flag.startswith("--")]
    for word in words:
        name = word.partition("=")[0]
        if name.startswith("-") and name not in known:
            near = difflib.get_close_matches("--" + name.lstrip("-"), known, n=1, cutoff=0.5)
            if near and len(name) > 2:
                return f"Did you mean {near[0]}? %%chat? lists all options."
            return "%%chat? lists all options."
    if len(words) > 1:
        return "Only MODEL and options stand on the %%chat line; the prompt goes below it."
    return "%%chat? lists all options."
