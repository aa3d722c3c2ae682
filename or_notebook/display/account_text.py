"""What `%key` prints: where the key comes from and what is left on it, never the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from or_notebook.display.characters import one_line
from or_notebook.display.summary import format_cost

if TYPE_CHECKING:
    from decimal import Decimal

    from or_notebook.client.account import Account


def aligned(items: list[tuple[str, str | None]]) -> str:
    """Return labels and values as lines in two columns; items without a value are left out."""
    shown = [(label, one_line(value)) for label, value in items if value]
    width = max((len(label) for label, _ in shown), default=0)
    return "\n".join(f"{label.ljust(width)}  {value}" for label, value in shown)


def account_items(account: Account) -> list[tuple[str, str | None]]:
    """Return what the endpoint tells about a key, as (label, value)."""
    return [
        ("Label", account.label),
        ("Limit", _limit(account)),
        ("Remaining", _usd(account.limit_remaining)),
        ("Used", _used(account)),
        ("Credits left", _usd(account.credits_left)),
        ("Free tier", "yes: the limits for free models apply" if account.is_free_tier else None),
        ("Expires", account.expires_at),
    ]


def _limit(account: Account) -> str:
    if account.limit is None:
        return "none on this key"
    per = f", reset {account.limit_reset}" if account.limit_reset else ""
    return f"{format_cost(account.limit)}{per}"


def _used(account: Account) -> str | None:
    if account.usage is None:
        return None
    parts = [
        f"{_usd(amount)} {when}"
        for amount, when in ((account.usage_daily, "today"), (account.usage_monthly, "this month"))
        if amount is not None
    ]
    return _usd(account.usage) + (f" ({', '.join(parts)})" if parts else "")


def _usd(amount: Decimal | None) -> str:
    return "" if amount is None else format_cost(amount)
