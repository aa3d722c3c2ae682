"""From the options of a line to the fields of the request body, in chat's words."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from IPython.core.error import UsageError


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
    if options.json:
        fields["response_format"] = {"type": "json_object"}
    fields |= _routing(options)
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


def _routing(options: Namespace) -> dict[str, Any]:
    """Return OpenRouter's own fields (PROTOCOL.md, sections 2.3 to 2.5)."""
    fields: dict[str, Any] = {}
    if options.fallback:
        fields["models"] = [*([options.model] if options.model else []), *_list(options.fallback)]
    lists = {"order": options.provider, "only": options.only, "ignore": options.ignore}
    provider: dict[str, Any] = {name: _list(value) for name, value in lists.items() if value}
    if options.sort:
        provider["sort"] = options.sort
    if options.max_price:
        provider["max_price"] = _max_price(options.max_price)
    if provider:
        fields["provider"] = provider
    plugins: list[dict[str, Any]] = [{"id": "web"}] if options.web else []
    if options.pdf_engine:
        plugins.append({"id": "file-parser", "pdf": {"engine": options.pdf_engine}})
    if plugins:
        fields["plugins"] = plugins
    return fields


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _max_price(text: str) -> dict[str, float]:
    """Return numbers rather than strings: the prose documents print them so (section 2.4)."""
    try:
        prices = [float(part) for part in _list(text)]
    except ValueError:
        prices = []
    if not 1 <= len(prices) <= 2:
        raise UsageError(
            f"%%chat: --max-price takes one or two prices, not {text!r}.\n"
            "In USD per million tokens, for prompt and answer: --max-price 1,5"
        )
    return dict(zip(("prompt", "completion"), prices, strict=False))
