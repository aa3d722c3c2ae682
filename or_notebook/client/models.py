"""What is known of a model: its abilities and prices, and what an answer of it costs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from or_notebook.chat.usage import Usage

Prices = dict[str, Decimal]
"""USD per token (`request`: per request), by the names of PROTOCOL.md, section 5; -1: it varies."""

_CONTEXT_NAMES = ("context_length", "context_window", "max_context_length", "max_model_len")
"""OpenRouter and Together, Groq, Mistral, vLLM."""


class Override(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prices that replace others from a prompt of `min_prompt_tokens` on.

    `conditional` says that there are further conditions, which cannot be checked here.
    """

    prices: Prices
    min_prompt_tokens: int = 0
    conditional: bool = False


class Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model of an endpoint; what the endpoint does not tell is None or empty.

    Many servers tell nothing but the `id`. `reasoning` is the endpoint's own object.
    """

    id: str
    name: str = ""
    context_length: int | None = None
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    pricing: Prices = msgspec.field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    supported_parameters: tuple[str, ...] = ()
    reasoning: dict[str, Any] | None = None

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Model:
        """Read one entry of `GET /models`; ill-typed fields are left out. `id` must be there."""
        architecture = _object(raw.get("architecture"))
        pricing = _object(raw.get("pricing"))
        reasoning = raw.get("reasoning")
        return cls(
            id=str(raw["id"]),
            name=raw["name"] if isinstance(raw.get("name"), str) else "",
            context_length=next(filter(None, (_count(raw.get(n)) for n in _CONTEXT_NAMES)), None),
            input_modalities=_names(architecture.get("input_modalities")),
            output_modalities=_names(architecture.get("output_modalities")),
            pricing=_prices(pricing),
            overrides=_overrides(pricing.get("overrides")),
            supported_parameters=_names(raw.get("supported_parameters")),
            reasoning=reasoning if isinstance(reasoning, dict) else None,
        )

    @property
    def prompt_price(self) -> Decimal | None:
        """USD per token of the prompt; None if it is unknown or varies."""
        return _known(self.pricing.get("prompt"))

    @property
    def completion_price(self) -> Decimal | None:
        """USD per token of the answer; None if it is unknown or varies."""
        return _known(self.pricing.get("completion"))

    @property
    def varies(self) -> bool:
        """Whether the price depends on the model that a router picks."""
        return any(self.pricing.get(name, 0) < 0 for name in ("prompt", "completion"))

    @property
    def is_free(self) -> bool:
        """Whether neither tokens nor requests cost anything; unknown prices are not free."""
        priced = (self.prompt_price, self.completion_price, self.pricing.get("request", Decimal(0)))
        return all(price == 0 for price in priced)

    @property
    def takes_images(self) -> bool:
        """Whether a prompt may hold images."""
        return "image" in self.input_modalities

    @property
    def calls_tools(self) -> bool:
        """Whether tools can be offered to it."""
        return "tools" in self.supported_parameters

    @property
    def reasons(self) -> bool:
        """Whether it can think before it answers."""
        return self.reasoning is not None or "reasoning" in self.supported_parameters


def cost_of(model: Model, usage: Usage) -> Decimal | None:
    """Return what an answer costs by the catalogue, in USD; None if any price of it is unknown.

    An estimate: images in the prompt are priced apiece and not counted, and the provider that
    answered may charge other prices than those that the catalogue names.
    """
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    if prompt is None or completion is None or _has_other_charges(usage.raw):
        return None
    prices = _prices_for(model, prompt)
    if prices is None or (usage.reasoning_tokens and prices.get("internal_reasoning")):
        # How a separate price for reasoning goes together with that of the answer is not stated.
        return None
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    charges = {
        "prompt": max(prompt - cached - written, 0),
        "input_cache_read": cached,
        "input_cache_write": written,
        "completion": completion,
        "request": 1 if "request" in prices else 0,
    }
    total = Decimal(0)
    for name, count in charges.items():
        price = _known(prices.get(name))
        if count and price is None:
            return None
        total += count * (price or 0)
    return total if {"prompt", "completion"} <= prices.keys() else None


def _prices_for(model: Model, prompt_tokens: int) -> Prices | None:
    """Return the prices at this length of prompt; None if they depend on more than that."""
    prices = dict(model.pricing)
    for override in model.overrides:
        if prompt_tokens >= override.min_prompt_tokens:
            if override.conditional:
                return None
            prices |= override.prices
    return prices


def _has_other_charges(raw: Mapping[str, Any]) -> bool:
    """Tell whether sound, pictures or searches were used, which cost more than their tokens."""
    for details in ("prompt_tokens_details", "completion_tokens_details"):
        counts = _object(raw.get(details))
        if any(_count(counts.get(f"{kind}_tokens")) for kind in ("audio", "video", "image")):
            return True
    # Two sources name this object differently (PROTOCOL.md, section 2.8).
    return any(
        _count(_object(raw.get(name)).get("web_search_requests"))
        for name in ("server_tool_use_details", "server_tool_use")
    )


def _known(price: Decimal | None) -> Decimal | None:
    return price if price is not None and price >= 0 else None


def _prices(raw: Mapping[str, Any]) -> Prices:
    found = {name: _decimal(value) for name, value in raw.items() if name != "discount"}
    return {name: price for name, price in found.items() if price is not None}


def _overrides(raw: object) -> tuple[Override, ...]:
    entries = [entry for entry in raw if isinstance(entry, dict)] if isinstance(raw, list) else []
    return tuple(
        Override(
            prices=_prices({n: v for n, v in entry.items() if n != "min_prompt_tokens"}),
            min_prompt_tokens=_count(entry.get("min_prompt_tokens")) or 0,
            conditional=any(entry.get(name) is not None for name in ("utc_start", "utc_end")),
        )
        for entry in entries
    )


def _decimal(value: object) -> Decimal | None:
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _names(value: object) -> tuple[str, ...]:
    return tuple(n for n in value if isinstance(n, str)) if isinstance(value, list) else ()


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
