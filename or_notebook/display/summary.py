"""The words about an answer that every view uses: what it is doing now, and what it took.

Pure functions over `Reply`; a figure that the endpoint did not report is never made up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from or_notebook.chat.billing import billing_verdict
from or_notebook.chat.usage import Usage
from or_notebook.display.characters import one_line

if TYPE_CHECKING:
    from decimal import Decimal

    from or_notebook.chat.reply import Reply

QUIET = 2.0
"""Seconds without a token after which the state line tells of the silence."""

COST_DIGITS = 12
"""Significant digits kept of a cost: all that endpoints mean, none of the noise of floats."""

_ENDED = {
    "complete": "Done",
    "cancelled": "Cancelled",
    "truncated": "Broken off",
    "failed": "Failed",
}


def state_line(reply: Reply, elapsed: float) -> str:
    """Return what the answer is doing `elapsed` seconds after the call began, on one line."""
    if reply.status != "streaming":
        return _ENDED[reply.status]
    if reply.phase == "retrying" and reply.retries:
        retry = reply.retries[-1]
        cause = one_line(retry.error.lines()[0])
        rest = max(0.0, (reply.timing.retry_due or elapsed) - elapsed)
        when = f"in {whole_seconds(rest)}" if rest >= 1 else "now"
        return f"Retry {retry.attempt} of {retry.of} {when}: {cause}"
    if reply.phase == "connecting":
        return _join(f"Connecting to {_model(reply)}…", whole_seconds(elapsed))
    if reply.phase == "reasoning":
        return _join("Thinking…", whole_seconds(elapsed - (reply.timing.first_token or 0.0)))
    if reply.phase == "streaming":
        return _join("Streaming…", _pace(reply, elapsed))
    return _join("Waiting for the provider…", whole_seconds(elapsed)) + _keepalives(reply)


def summary_items(reply: Reply) -> list[tuple[str, str]]:
    """Return what the answer took, as (label, value) in reading order.

    What the endpoint did not report is left out, but an answer without a cost says `unknown`.
    """
    usage, timing = reply.usage or Usage(), reply.timing
    items: list[tuple[str, str | None]] = [
        ("model", _model(reply)),
        ("provider", one_line(reply.provider or "")),
        ("prompt tokens", _count(usage.prompt_tokens)),
        ("completion tokens", _count(usage.completion_tokens)),
        ("reasoning tokens", _count(usage.reasoning_tokens or None)),
        ("cached tokens", _count(usage.cached_tokens or None)),
        ("images", _count(len(reply.images) or None)),
        ("tool calls", _count(len(reply.tool_calls) or None)),
        ("cost", _cost(reply)),
        ("time to first token", _seconds(timing.time_to_first_token)),
        ("tokens/s", _rate(reply)),
        ("duration", _seconds(timing.duration)),
        ("finish reason", _finish_reason(reply)),
        ("status", None if reply.status in {"complete", "streaming"} else reply.status),
        ("billing", _billing(reply)),
    ]
    return [(label, value) for label, value in items if value]


def summary_line(reply: Reply) -> str:
    """Return what the answer took on one line, with ` · ` between the figures."""
    items = dict(summary_items(reply))
    cost = items.get("cost")
    parts = [
        items.get("model"),
        items.get("provider"),
        _token_phrase(items),
        _plural(len(reply.images), "image"),
        _plural(len(reply.tool_calls), "tool call"),
        "cost unknown" if cost == "unknown" else cost,
        _prefixed("first token", items.get("time to first token")),
        _suffixed(items.get("tokens/s"), "tok/s"),
        items.get("duration"),
        _prefixed("finish reason", items.get("finish reason")),
        items.get("status"),
        items.get("billing"),
    ]
    return " · ".join(part for part in parts if part)


def format_tokens(count: int) -> str:
    """Return a token count; from 10 000 on its thousands are set apart by a narrow space."""
    return f"{count:,}".replace(",", "\u202f") if abs(count) >= 10_000 else str(count)


def format_cost(cost: Decimal) -> str:
    """Return USD as reported, without exponent, float noise or superfluous zeros."""
    if cost and not -20 < cost.adjusted() < 20:
        return f"${cost}"  # no price, and written out it could fill the page
    digits = format(_without_noise(abs(cost)) if cost else cost, "f")
    whole, _, cents = digits.partition(".")
    cents = cents.rstrip("0")
    if cents or int(whole):
        cents = cents.ljust(2, "0")
    sign = "-" if cost < 0 else ""
    return f"{sign}${whole}.{cents}" if cents else f"{sign}${whole}"


def format_seconds(seconds: float) -> str:
    """Return a duration for people: `0.04 s`, `0.8 s`, `12 s`, `2 min 5 s`, `1 h 3 min`."""
    if seconds < 0.01:
        return "<0.01 s"
    if seconds < 0.095:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    return _clock(round(seconds))


def whole_seconds(seconds: float) -> str:
    """Return the full seconds gone by, or nothing within the first."""
    return _clock(int(seconds)) if seconds >= 1 else ""


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _without_noise(amount: Decimal) -> Decimal:
    return round(amount, COST_DIGITS - 1 - amount.adjusted())


def _model(reply: Reply) -> str:
    return one_line(reply.model or reply.requested_model or "") or "the model"


def _pace(reply: Reply, elapsed: float) -> str:
    quiet = elapsed - (reply.timing.last_token or elapsed)
    if quiet >= QUIET:
        return f"no token for {whole_seconds(quiet)}"
    rate = _rate(reply)
    return f"{rate} tokens/s" if rate else ""


def _keepalives(reply: Reply) -> str:
    phrase = _plural(reply.keepalives, "keepalive")
    return f" · {phrase}" if phrase else ""


def _count(count: int | None) -> str | None:
    return None if count is None else format_tokens(count)


def _seconds(seconds: float | None) -> str | None:
    return None if seconds is None else format_seconds(seconds)


def _rate(reply: Reply) -> str | None:
    rate = reply.tokens_per_second
    if rate is None:
        return None
    return f"{rate:.1f}" if rate < 9.95 else format_tokens(round(rate))


def _cost(reply: Reply) -> str | None:
    if reply.usage is not None and reply.usage.cost is not None:
        # With the person's own provider key the endpoint's figure is only its fee.
        own_key = " (own provider key)" if reply.usage.is_byok else ""
        return format_cost(reply.usage.cost) + own_key
    if reply.estimated_cost is not None:
        return f"≈ {format_cost(reply.estimated_cost)}"
    return "unknown" if reply.usage is not None or reply.token_events else None


def _finish_reason(reply: Reply) -> str | None:
    reason = reply.finish_reason
    # `error` says no more than the status `failed`.
    return None if reason in {None, "stop", "error"} else one_line(reason or "")


def _billing(reply: Reply) -> str | None:
    if reply.status != "cancelled":
        return None
    return billing_verdict(one_line(reply.provider or "") or None)


def _token_phrase(items: dict[str, str]) -> str | None:
    prompt, completion = items.get("prompt tokens"), items.get("completion tokens")
    if prompt is None and completion is None:
        return None
    details = [
        f"{items[label]} {word}"
        for label, word in (("reasoning tokens", "reasoning"), ("cached tokens", "cached"))
        if label in items
    ]
    phrase = f"{prompt or '?'} → {completion or '?'} tokens"
    return f"{phrase} ({', '.join(details)})" if details else phrase


def _join(*words: str) -> str:
    return " ".join(word for word in words if word)


def _plural(count: int, noun: str) -> str:
    if not count:
        return ""
    return f"1 {noun}" if count == 1 else f"{format_tokens(count)} {noun}s"


def _prefixed(word: str, value: str | None) -> str | None:
    return value and f"{word} {value}"


def _suffixed(value: str | None, word: str) -> str | None:
    return value and f"{value} {word}"
