"""Options of a magic, declared with IPython's `magic_arguments` when they are first needed.

Building a parser and its help takes milliseconds, which loading the extension must not cost.
"""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
Option = tuple[tuple[str, ...], dict[str, Any]]


def declared(name: str, options: Sequence[Option]) -> Callable[[F], F]:
    """Give a magic its options: `?` shows them, and `parse_words` reads them.

    `name` is what the usage line calls it, without the first percent sign, which IPython adds.
    """

    def decorate(function: F) -> F:
        @cache
        def built() -> Any:
            from IPython.core import magic_arguments

            # IPython's decorators carry no types.
            arguments: Any = magic_arguments

            def documented() -> None: ...

            documented.__doc__ = function.__doc__
            target: Any = documented
            for flags, settings in reversed(options):
                target = arguments.argument(*flags, **settings)(target)
            return arguments.magic_arguments(name)(target)

        late = cast("Any", function)
        # IPython's inspector asks an object for its own documentation first.
        late.getdoc = lambda: built().__doc__
        late.parser = lambda: built().parser
        return function

    return decorate


def parse_words(function: Callable[..., Any], line: str) -> Namespace:
    """Return the options of a line; raises `UsageError`, or `ValueError` for an open quote."""
    parser = cast("Any", function).parser()
    return cast("Namespace", parser.parse_args(shlex.split(line)))
