"""The options of `%%chat` and `%chat`: declared once, parsed into plain values."""

from __future__ import annotations

import difflib
import json
import shlex
from argparse import Namespace
from collections.abc import Callable
from typing import Any, TypeVar, cast

from IPython.core import magic_arguments as declarations
from IPython.core.error import UsageError

F = TypeVar("F", bound=Callable[..., Any])

# IPython's decorators carry no types.
_argument: Any = declarations.argument
_magic_arguments: Any = declarations.magic_arguments

FORMATS = ("markdown", "text", "code", "json")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-m", "--model"), {"help": "The model, e.g. anthropic/claude-sonnet-5."}),
    (("-s", "--system"), {"metavar": "TEXT", "help": "The system prompt, in quotes."}),
    (("-t", "--temperature"), {"type": float, "metavar": "T", "help": "0 to 2; low is sober."}),
    (("--top-p",), {"type": float, "metavar": "P", "help": "Nucleus sampling, above 0 to 1."}),
    (("--max-tokens",), {"type": int, "metavar": "N", "help": "Stop after N tokens."}),
    (("--seed",), {"type": int, "metavar": "N", "help": "Ask for a repeatable answer."}),
    (
        ("--stop",),
        {"action": "append", "metavar": "TEXT", "help": "Stop before TEXT; up to four times."},
    ),
    (
        ("-r", "--reasoning"),
        {"choices": EFFORTS, "metavar": "EFFORT", "help": f"Thinking: {'|'.join(EFFORTS)}."},
    ),
    (("-o", "--output"), {"metavar": "NAME", "help": "Put the Reply into the variable NAME."}),
    (
        ("-b", "--background"),
        {
            "action": "store_true",
            "help": "Let the cell end at once; the answer goes on below it. While a later cell "
            "runs, its Cancel button may have to wait for that cell.",
        },
    ),
    (
        ("--format",),
        {"choices": FORMATS, "help": f"How to show the answer: {'|'.join(FORMATS)}."},
    ),
    (
        ("-p", "--param"),
        {
            "action": "append",
            "metavar": "KEY=VALUE",
            "help": "Any other field of the request; VALUE is JSON or text, dots in KEY nest: "
            "-p provider.sort=price.",
        },
    ),
    (
        ("--dry-run",),
        {"action": "store_true", "help": "Show what would be sent, and send nothing."},
    ),
)

_FLAGS = frozenset({"-b", "--background", "--dry-run"})


def chat_arguments(function: F) -> F:
    """Declare the options on a magic, with IPython's `magic_arguments`, for `%%chat?`."""
    decorated: Any = function
    for flags, settings in reversed(_OPTIONS):
        decorated = _argument(*flags, **settings)(decorated)
    model = _argument("name", nargs="?", metavar="MODEL", help="The model, like -m.")
    # IPython puts one percent sign before the name.
    return cast("F", _magic_arguments("%chat")(model(decorated)))


def parse(function: Any, line: str) -> Namespace:
    """Return the options of a line; raises `UsageError` of two lines at most."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"%%chat: {error}: {line!r}\nClose the quote.") from None
    try:
        options: Namespace = function.parser.parse_args(words)
    except UsageError as error:
        raise UsageError(f"%%chat: {error}\n{_suggestion(words)}") from None
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


def body_fields(options: Namespace) -> dict[str, Any]:
    """Return the fields of the request body that the options ask for."""
    fields: dict[str, Any] = {}
    for name in ("temperature", "top_p", "max_tokens", "seed", "stop"):
        value = getattr(options, name)
        if value is not None:
            fields[name] = value
    if options.reasoning is not None:
        # The shorthand that OpenRouter shares with OpenAI and others (PROTOCOL.md, section 2.3).
        fields["reasoning_effort"] = options.reasoning
    for assignment in options.param or ():
        _assign(fields, assignment)
    return fields


def _assign(fields: dict[str, Any], assignment: str) -> None:
    key, equals, text = assignment.partition("=")
    path = key.split(".")
    if not equals or not all(path):
        raise UsageError(
            f"%%chat: -p takes KEY=VALUE, not {assignment!r}.\n"
            "For instance: -p top_k=40, -p provider.sort=price, -p 'stop=[\"END\"]'"
        )
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    target = fields
    for step in path[:-1]:
        inner = target.setdefault(step, {})
        if not isinstance(inner, dict):
            raise UsageError(
                f"%%chat: -p {key} goes into {step!r}, which is set to {inner!r} already.\n"
                "Set one or the other."
            )
        target = inner
    target[path[-1]] = value


def _suggestion(words: list[str]) -> str:
    """Return what to type instead of an option that does not exist."""
    known = [flag for flags, _ in _OPTIONS for flag in flags if flag.startswith("--")]
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
