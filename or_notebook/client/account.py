"""What an endpoint tells about a key: `GET /key` and `GET /credits` (PROTOCOL.md, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx
import msgspec

from or_notebook.client.endpoints import Endpoint
from or_notebook.client.lookup import get_json
from or_notebook.client.redaction import redact
from or_notebook.wire.errors import ChatError, InvalidRequest, NotFound, ProtocolError

_MASKS = ("...", "…", "**", "xxx")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The facts about a key, in USD; None where the endpoint said nothing, or sets no limit.

    `label` is left out where it shows parts of the key, as OpenRouter's default label does.
    """

    label: str | None = None
    limit: Decimal | None = None
    limit_remaining: Decimal | None = None
    limit_reset: str | None = None
    usage: Decimal | None = None
    usage_daily: Decimal | None = None
    usage_monthly: Decimal | None = None
    is_free_tier: bool = False
    expires_at: str | None = None
    credits: Decimal | None = None
    credits_used: Decimal | None = None

    @property
    def credits_left(self) -> Decimal | None:
        """What is left of the credits of the whole account."""
        if self.credits is None or self.credits_used is None:
            return None
        return self.credits - self.credits_used


async def account(client: httpx.AsyncClient, endpoint: Endpoint) -> Account | None:
    """Return what the endpoint tells about the key; None if it has no such address.

    Raises a `ChatError` if the key is refused or the endpoint is out of reach.
    """
    try:
        key = await _data(client, endpoint, "/key")
    except (NotFound, InvalidRequest, ProtocolError):
        return None
    try:
        funds = await _data(client, endpoint, "/credits")
    except ChatError:
        # 403 to all but management keys; in any case the rest is worth showing without it.
        funds = {}
    return Account(
        label=_label(key.get("label"), endpoint.secrets),
        limit=_usd(key.get("limit")),
        limit_remaining=_usd(key.get("limit_remaining")),
        limit_reset=_text(key.get("limit_reset")),
        usage=_usd(key.get("usage")),
        usage_daily=_usd(key.get("usage_daily")),
        usage_monthly=_usd(key.get("usage_monthly")),
        is_free_tier=key.get("is_free_tier") is True,
        expires_at=_text(key.get("expires_at")),
        credits=_usd(funds.get("total_credits")),
        credits_used=_usd(funds.get("total_usage")),
    )


async def _data(client: httpx.AsyncClient, endpoint: Endpoint, path: str) -> Mapping[str, Any]:
    answer = await get_json(client, endpoint, endpoint.base_url + path)
    data = answer.get("data") if isinstance(answer, dict) else None
    return data if isinstance(data, dict) else {}


def _label(value: object, secrets: list[str]) -> str | None:
    """Return a label that a person gave; none that shows the key, whole, masked or in part."""
    if not isinstance(value, str) or any(mask in value for mask in _MASKS):
        return None
    shown = value
    for secret in secrets:
        shown = redact(shown, secret)
    return value if value and shown == value else None


def _usd(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
