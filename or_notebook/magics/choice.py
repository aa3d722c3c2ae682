"""Choosing models by the options of `%models`."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from fnmatch import translate
from typing import NamedTuple

from IPython.core.error import UsageError

from or_notebook.client.models import Model

MILLION = 1_000_000

Test = Callable[[Model], bool]


class Wishes(NamedTuple):
    """What a model must fulfil, and the order."""

    tests: list[Test]
    sort: str | None


def wishes(options: Namespace) -> Wishes:
    """Return the tests that the options ask for; raises `UsageError` for a price that is none."""
    tests: list[Test] = [_named(word) for word in options.pattern]
    if options.free:
        tests.append(lambda model: model.is_free)
    if options.vision:
        tests.append(lambda model: model.takes_images)
    if options.tools:
        tests.append(lambda model: model.calls_tools)
    if options.reasoning:
        tests.append(lambda model: model.reasons)
    if options.max_price is not None:
        tests.append(_at_most(options.max_price))
    return Wishes(tests, options.sort)


def choose(models: Iterable[Model], wanted: Wishes) -> list[Model]:
    """Return the models that pass every test, in the order that is wanted."""
    chosen = [model for model in models if all(test(model) for test in wanted.tests)]
    if wanted.sort == "name":
        chosen.sort(key=lambda model: model.id.casefold())
    elif wanted.sort == "context":
        chosen.sort(key=lambda model: -(model.context_length or 0))
    elif wanted.sort == "price":
        chosen.sort(key=_price)
    return chosen


def _named(word: str) -> Test:
    folded = word.casefold()
    if "*" not in folded and "?" not in folded:
        return lambda model: folded in model.id.casefold() or folded in model.name.casefold()
    # Only * and ? mean more than themselves.
    whole = re.compile(translate(folded.replace("[", "[[]")))

    def fits(model: Model) -> bool:
        names = (model.id, model.id.partition("/")[2], model.name)
        return any(whole.match(name.casefold()) for name in names)

    return fits


def _at_most(text: str) -> Test:
    try:
        limit = Decimal(text.lstrip("$")) / MILLION
        valid = limit.is_finite() and limit >= 0
    except InvalidOperation:
        valid = False
    if not valid:
        raise UsageError(
            f"%models: --max-price takes USD per million tokens, not {text!r}.\n"
            "For instance: --max-price 2.50"
        )

    def affordable(model: Model) -> bool:
        prices = (model.prompt_price, model.completion_price)
        return all(price is not None and price <= limit for price in prices)

    return affordable


def _price(model: Model) -> tuple[bool, Decimal, Decimal]:
    """Order by the price of the answer, then of the prompt; what is unknown comes last."""
    prompt, completion = model.prompt_price, model.completion_price
    if prompt is None or completion is None:
        return True, Decimal(0), Decimal(0)
    return False, completion, prompt
