"""TAB completion of model names, from the catalogue that this machine already has.

Never waits for the network: a catalogue that is missing or stale is fetched in the background, for
the next TAB.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, cast

from IPython.core.completer import SimpleCompletion, context_matcher

from or_notebook.magics.options import OPTIONS

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

# IPython's decorator carries no types.
_context_matcher: Any = context_matcher

IDENTIFIER = "or_notebook.models"
BEFORE_OTHERS = 100
"""Priority; IPython's own matchers have 0 to 50."""

BETWEEN_TRIES = 30.0
"""Seconds between two background refreshes of one endpoint, so that TAB cannot flood it."""

# A text, not compiled here: the extension has to load quickly.
_MAGIC = r"(?:[\w., \[\]]+=\s*)?(%%?)(chat|compare|models)\s(.*)\Z"
_MODEL_OPTIONS = frozenset({"-m", "--model", "--fallback"})
_VALUE_OPTIONS = frozenset(
    flag for flags, settings in OPTIONS if settings.get("action") != "store_true" for flag in flags
)

_tried: dict[str, float] = {}


def enable(shell: Any) -> None:
    """Complete model names in a shell."""
    disable(shell)

    def match_models(context: CompletionContext) -> SimpleMatcherResult:
        return _matches(shell, context)

    as_matcher = _context_matcher(priority=BEFORE_OTHERS, identifier=IDENTIFIER)
    shell.Completer.custom_matchers.append(as_matcher(match_models))


def disable(shell: Any) -> None:
    """Undo `enable`."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", "") != IDENTIFIER]


def fragment_of_model(text: str) -> str | None:
    """Return the beginning of a model's name at the end of a cell's text; None if none goes there.

    Names go to `-m`, `--model` and `--fallback`, and stand as words of their own on the lines of
    `%%chat`, `%%compare` and `%models`. In `%chat` a word of its own begins the prompt.
    """
    *above, line = text.lstrip().split("\n")
    match = re.match(_MAGIC, line.lstrip())
    if match is None or (match[1] == "%%" and above):
        return None
    *words, last = re.split(r"\s+", match[3].lstrip())
    option, equals, value = last.partition("=")
    if equals and option in _MODEL_OPTIONS:
        return _after_comma(value)
    if words and words[-1] in _MODEL_OPTIONS:
        return _after_comma(last)
    if last.startswith("-") or (words and words[-1] in _VALUE_OPTIONS):
        return None
    if match[2] == "chat" and (match[1] == "%" or _has_model(words)):
        return None
    return last.lstrip("'\"")


def candidates(fragment: str, ids: list[str]) -> list[str]:
    """Return the names that `fragment` may stand for, in any case of letters.

    Those that begin with it; if there are none, those whose part after `/` does; else those that
    hold it anywhere.
    """
    wanted = fragment.casefold()
    folded = [(name.casefold(), name) for name in ids]
    return (
        [name for fold, name in folded if fold.startswith(wanted)]
        or [name for fold, name in folded if fold.partition("/")[2].startswith(wanted)]
        or [name for fold, name in folded if wanted in fold]
    )


def _matches(shell: Any, context: CompletionContext) -> SimpleMatcherResult:
    lines = context.full_text.split("\n")[: context.cursor_line + 1]
    lines[-1] = lines[-1][: context.cursor_position]
    fragment = fragment_of_model("\n".join(lines))
    if fragment is None:
        return cast("SimpleMatcherResult", {"completions": []})
    names = candidates(fragment, _known_ids(shell, "\n".join(lines)))
    result = {
        "completions": [SimpleCompletion(text=name, type="model") for name in names],
        "matched_fragment": fragment,
        "suppress": True,
        "ordered": True,
    }
    return cast("SimpleMatcherResult", result)


def _known_ids(shell: Any, text: str) -> list[str]:
    from or_notebook.client.catalogue_cache import is_fresh, remembered
    from or_notebook.magics.metadata import address
    from or_notebook.wire.errors import ConfigurationError

    named = re.search(r"--endpoint(?:=|\s+)(\S+)\s", text.rpartition("\n")[2])
    name = named[1] if named else None
    try:
        base_url = address(shell, name)
    except ConfigurationError:
        return []  # running the cell will tell what is wrong with it
    known = remembered(base_url)
    if known is None or not is_fresh(base_url, known):
        _refresh(shell, name, base_url)
    return known.ids if known is not None else []


def _refresh(shell: Any, name: str | None, base_url: str) -> None:
    """Fetch the catalogue in the background; the next TAB will find it."""
    from or_notebook.kernel.engine import engine
    from or_notebook.magics.metadata import on_engine

    now = time.monotonic()
    if now - _tried.get(base_url, -BETWEEN_TRIES) < BETWEEN_TRIES:
        return
    _tried[base_url] = now
    engine().submit(on_engine(lambda client: _fetch(client, shell, name)))


async def _fetch(client: Any, shell: Any, name: str | None) -> None:
    import asyncio

    from or_notebook.client.catalogue import listing
    from or_notebook.magics.metadata import with_key
    from or_notebook.wire.errors import ChatError

    # The keyring may ask the person to unlock it, while the engine has answers to stream.
    endpoint = await asyncio.to_thread(with_key, shell, name)
    try:
        await listing(client, endpoint)
    except ChatError:
        return  # nobody asked for it; `%models` tells what is wrong


def _after_comma(value: str) -> str:
    return value.lstrip("'\"").rpartition(",")[2]


def _has_model(words: list[str]) -> bool:
    """Tell whether a word before the cursor is the model already."""
    before = ["", *words]
    return any(
        word.partition("=")[0] in _MODEL_OPTIONS - {"--fallback"}
        or (not word.startswith("-") and before[place] not in _VALUE_OPTIONS)
        for place, word in enumerate(words)
    )
