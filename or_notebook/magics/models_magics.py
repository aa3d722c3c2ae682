"""`%models` and `%key`: what an endpoint offers, and what is left on the key."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from IPython.core import magic
from IPython.core.error import UsageError
from IPython.core.magic import Magics, magics_class, no_var_expand

from or_notebook.magics.declared import Option, declared, parse_words

if TYPE_CHECKING:
    from or_notebook.client.catalogue_cache import Catalogue, Listing
    from or_notebook.client.models import Model

F = TypeVar("F", bound=Callable[..., Any])


class _Decorator(Protocol):
    def __call__(self, function: F) -> F: ...


# IPython's decorators carry no types that fit methods.
_line_magic = cast("Callable[[str], _Decorator]", magic.line_magic)

SORTS = ("price", "context", "name")

MODELS_OPTIONS: tuple[Option, ...] = (
    (
        ("pattern",),
        {
            "nargs": "*",
            "metavar": "PATTERN",
            "help": "Words that the name must hold, in any case of letters; "
            "with * or ? for any text: the whole name.",
        },
    ),
    (("--free",), {"action": "store_true", "help": "Only models that cost nothing."}),
    (("--vision",), {"action": "store_true", "help": "Only models that take images."}),
    (("--tools",), {"action": "store_true", "help": "Only models that can call tools."}),
    (("--reasoning",), {"action": "store_true", "help": "Only models that can think first."}),
    (
        ("--max-price",),
        {
            "metavar": "USD_PER_MILLION",
            "help": "Only models that cost at most this per million tokens, "
            "prompt and answer alike.",
        },
    ),
    (("--sort",), {"choices": SORTS, "help": f"{'|'.join(SORTS)}; else in the endpoint's order."}),
    (("--refresh",), {"action": "store_true", "help": "Ask the endpoint, not the day's cache."}),
    (("--endpoint",), {"metavar": "NAME|URL", "help": "Another endpoint than the configured one."}),
    (
        (
            "-o",
            "--output",
        ),
        {"metavar": "NAME", "help": "Put the list into the variable NAME."},
    ),
)

KEY_OPTIONS: tuple[Option, ...] = (
    (
        ("action",),
        {"nargs": "?", "choices": ("set", "forget"), "help": "Store a key, or remove it."},
    ),
    (("--endpoint",), {"metavar": "NAME|URL", "help": "Another endpoint than the configured one."}),
)


@magics_class
class ModelsMagics(Magics):
    """List the models of an endpoint, and look after the key."""

    @no_var_expand
    @declared("models", MODELS_OPTIONS)
    @_line_magic("models")
    def models(self, line: str) -> None:
        """Show the models of the endpoint: prices per million tokens, context, modalities.

        The list is kept for a day, so that it also works without a network.
        """
        from or_notebook.magics.choice import choose, wishes

        options = _parse("models", self.models, line)
        if options.output is not None and not options.output.isidentifier():
            raise UsageError(
                f"%models: -o takes the name of a variable, not {options.output!r}.\n"
                "For instance: -o found"
            )
        wanted = wishes(options)
        host, found = _listing(self.shell, options)
        chosen = choose(found.catalogue.models, wanted)
        if options.output is not None:
            cast("Any", self.shell).user_ns[options.output] = chosen
        caption = _caption(chosen, found, host)
        if chosen:
            _show(chosen, caption)
        else:
            print(_nothing_found(caption, options.pattern, found.catalogue))  # noqa: T201

    @no_var_expand
    @declared("key", KEY_OPTIONS)
    @_line_magic("key")
    def key(self, line: str) -> None:
        """Show where the key comes from and what is left on it; never the key.

        `%key set` asks for a key without showing it, and stores it in the OS keyring if there is
        one, else for this kernel only. `%key forget` removes it.
        """
        from or_notebook.magics import key_actions

        options = _parse("key", self.key, line)
        action = {None: "show", "set": "set_key", "forget": "forget"}[options.action]
        getattr(key_actions, action)(self.shell, options.endpoint)


def _parse(name: str, function: Any, line: str) -> Namespace:
    """Return the options of a line; raises `UsageError` of two lines."""
    try:
        return parse_words(function, line)
    except (ValueError, UsageError) as error:
        raise UsageError(f"%{name}: {error}\n%{name}? lists all options.") from None


def _listing(shell: Any, options: Namespace) -> tuple[str, Listing]:
    """Return where the models are and what they are; asks the endpoint only if it must."""
    from or_notebook.client.catalogue_cache import Listing, fresh
    from or_notebook.magics.metadata import ask, with_key, without_key

    bare = without_key(shell, options.endpoint)
    # With its port: several servers may run on this machine.
    host = urlsplit(bare.base_url).netloc
    known = None if options.refresh else fresh(bare.base_url)
    if known is not None:
        return host, Listing(known)
    from or_notebook.client.catalogue import listing

    endpoint = with_key(shell, options.endpoint)
    return host, ask(endpoint, lambda client: listing(client, endpoint, refresh=options.refresh))


def _caption(chosen: list[Model], found: Listing, host: str) -> str:
    """Say how many models are shown, and how old the catalogue is."""
    from or_notebook.display.models_table import format_age

    catalogue = found.catalogue
    count = len(catalogue.models)
    shown = f"{len(chosen)} of {count}" if len(chosen) != count else str(count)
    words = f"{shown} models of {host}"
    age = format_age(catalogue.age)
    if found.problem is not None:
        return f"{words}. Stale catalogue, {age} old: {found.problem.lines()[0]}"
    if catalogue.age >= 60:
        return f"{words}, as of {age} ago; --refresh asks again."
    return f"{words}."


def _nothing_found(caption: str, pattern: list[str], catalogue: Catalogue) -> str:
    """Say that no model fits, and which names look like the one that was wanted."""
    from or_notebook.client.catalogue import near_spellings

    near = near_spellings(pattern[0], catalogue.ids) if len(pattern) == 1 else []
    return f"{caption}\nDid you mean {', '.join(near)}?" if near else caption


def _show(chosen: list[Model], caption: str) -> None:
    from or_notebook.display.models_table import bundle, for_terminal, table
    from or_notebook.kernel.cell import current_cell
    from or_notebook.kernel.environment import environment

    shown = table(chosen, caption)
    if environment() != "kernel":
        print(for_terminal(shown))  # noqa: T201
        return
    from or_notebook.display.publish import show

    show(bundle(shown))
    if current_cell().has_cell_id:
        # A front end with a page; nbclient would save the widget's state into the notebook.
        from or_notebook.display.models_widget import enliven_tables

        enliven_tables()
