"""Token counts and cost of one answer, as the endpoint reported them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens (ints) and cost (USD); None where the endpoint said nothing, never a guess.

    `prompt_tokens` includes the cached ones, `completion_tokens` the reasoning ones; a Messages
    endpoint counts cached tokens beside its input tokens, so they are added here (PROTOCOL.md,
    sections 2.8 and 6). `raw` is the endpoint's own object.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: Decimal | None = None
    is_byok: bool | None = None
    raw: dict[str, Any] = msgspec.field(default_factory=dict)

    @classmethod
    def from_wire(cls, raw: dict[str, Any]) -> Usage:
        """Read any endpoint's usage object; unknown or ill-typed fields are left out."""
        prompt_details = _object(raw, "prompt_tokens_details", "input_tokens_details")
        completion_details = _object(raw, "completion_tokens_details", "output_tokens_details")
        prompt = _count(raw, "prompt_tokens", "input_tokens")
        cached = _count(prompt_details, "cached_tokens")
        if cached is None:
            cached = _count(raw, "prompt_cache_hit_tokens", "cache_read_input_tokens")
        written = _count(prompt_details, "cache_write_tokens")
        if "cache_read_input_tokens" in raw or "cache_creation_input_tokens" in raw:
            written = _count(raw, "cache_creation_input_tokens")
            prompt = None if prompt is None else prompt + (cached or 0) + (written or 0)
        completion = _count(raw, "completion_tokens", "output_tokens")
        total = _count(raw, "total_tokens")
        if total is None and prompt is not None and completion is not None:
            total = prompt + completion
        byok = raw.get("is_byok")
        return cls(
            prompt_tokens=prompt,
            completion_tokens=completion,
            total_tokens=total,
            cached_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=_count(completion_details, "reasoning_tokens", "thinking_tokens"),
            cost=_money(raw.get("cost")),
            is_byok=byok if isinstance(byok, bool) else None,
            raw=raw,
        )


def usage_of_generation(record: dict[str, Any]) -> dict[str, Any]:
    """Return a generation record as a usage object (PROTOCOL.md, section 4).

    Billing is by native token counts; what the plain ones count is not documented.
    """
    return {
        "prompt_tokens": record.get("native_tokens_prompt"),
        "completion_tokens": record.get("native_tokens_completion"),
        "prompt_tokens_details": {"cached_tokens": record.get("native_tokens_cached")},
        "completion_tokens_details": {"reasoning_tokens": record.get("native_tokens_reasoning")},
        "cost": record.get("total_cost"),
        "is_byok": record.get("is_byok"),
    }


def _object(raw: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        value = raw.get(name)
        if isinstance(value, dict):
            return value
    return {}


def _count(raw: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = raw.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return int(value)
    return None


def _money(value: object) -> Decimal | None:
    if isinstance(value, dict):
        value = value.get("total_cost")
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None
