"""The words about an answer: what it is doing, what it took, and nothing made up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from or_notebook.chat.reply import Reply
from or_notebook.display.summary import (
    format_cost,
    format_seconds,
    format_tokens,
    state_line,
    summary_items,
    summary_line,
)
from or_notebook.wire import deltas as d
from or_notebook.wire.errors import ErrorDetail

USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 340,
    "cost": 0.00042,
    "prompt_tokens_details": {"cached_tokens": 8},
    "completion_tokens_details": {"reasoning_tokens": 20},
}


def folded(*deltas: tuple[float, d.Delta]) -> Reply:
    reply = Reply(requested_model="openai/gpt-5.4-mini")
    for at, delta in deltas:
        reply.apply(delta, at)
    return reply


def finished(usage: dict[str, Any] | None, reason: str = "stop") -> Reply:
    return folded(
        (0.1, d.Opened(200)),
        (0.8, d.Origin(model="openai/gpt-5.4-mini", provider="OpenAI")),
        (0.8, d.TextDelta("one")),
        (8.87, d.TextDelta("two")),
        *([(8.9, d.UsageDelta(usage))] if usage else []),
        (9.0, d.Finish(reason)),
        (9.1, d.Closed(4)),
    )


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        ("0", "$0"),
        ("0.0", "$0"),
        ("0.00042", "$0.00042"),
        ("0.00042000000000000003", "$0.00042"),
        ("1E-7", "$0.0000001"),
        ("0.5", "$0.50"),
        ("1.23", "$1.23"),
        ("3", "$3.00"),
        ("1234.5", "$1234.50"),
        ("1E+999999", "$1E+999999"),
    ],
)
def test_cost_is_shown_as_reported_without_noise_or_exponent(cost: str, shown: str) -> None:
    assert format_cost(Decimal(cost)) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "<0.01 s"),
        (0.009, "<0.01 s"),
        (0.01, "0.01 s"),
        (0.04, "0.04 s"),
        (0.8, "0.8 s"),
        (9.96, "10 s"),
        (12.4, "12 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3780, "1 h 3 min"),
    ],
)
def test_seconds_are_for_people(seconds: float, shown: str) -> None:
    assert format_seconds(seconds) == shown


def test_thousands_are_set_apart_from_ten_thousand_on() -> None:
    assert [format_tokens(count) for count in (999, 9999, 10_000, 1_234_567)] == [
        "999",
        "9999",
        "10\u202f000",
        "1\u202f234\u202f567",
    ]


def test_state_line_follows_the_answer() -> None:
    reply = folded()
    assert state_line(reply, 0.2) == "Connecting to openai/gpt-5.4-mini…"
    reply.apply(d.Opened(200), 0.1)
    reply.apply(d.KeepAlive("OPENROUTER PROCESSING"), 1)
    reply.apply(d.KeepAlive("OPENROUTER PROCESSING"), 2)
    assert state_line(reply, 3.2) == "Waiting for the provider… 3 s · 2 keepalives"
    reply.apply(d.ReasoningDelta("hm"), 4)
    assert state_line(reply, 9.5) == "Thinking… 5 s"
    for number in range(43):
        reply.apply(d.TextDelta("word "), 4 + (number + 1) / 42)
    assert state_line(reply, 5.1) == "Streaming… 42 tokens/s"
    reply.apply(d.Finish("stop"), 6)
    reply.apply(d.Closed(50), 6)
    assert state_line(reply, 6) == "Done"


def test_state_line_tells_of_silence_between_tokens() -> None:
    reply = folded((0.1, d.Opened(200)), (1.0, d.TextDelta("one")))
    assert state_line(reply, 6.5) == "Streaming… no token for 5 s"


def test_state_line_names_the_cause_of_a_retry_on_one_line() -> None:
    error = ErrorDetail(kind="RateLimited", message="Too many\nrequests", http_status=429)
    reply = folded((1.0, d.Retry(error, attempt=1, of=2, delay=4.0)))
    cause = "Too many requests (HTTP 429)"
    assert state_line(reply, 1) == f"Retry 1 of 2 in 4 s: {cause}"
    assert state_line(reply, 3.5) == f"Retry 1 of 2 in 1 s: {cause}"
    assert state_line(reply, 4.9) == f"Retry 1 of 2 now: {cause}"


def test_summary_line_has_every_figure() -> None:
    assert summary_line(finished(USAGE)) == (
        "openai/gpt-5.4-mini · OpenAI · 12 → 340 tokens (20 reasoning, 8 cached) · $0.00042"
        " · first token 0.8 s · 42 tok/s · 9.1 s"
    )


def test_summary_items_are_labelled_and_in_order() -> None:
    assert [label for label, _ in summary_items(finished(USAGE, "length"))] == [
        "model",
        "provider",
        "prompt tokens",
        "completion tokens",
        "reasoning tokens",
        "cached tokens",
        "cost",
        "time to first token",
        "tokens/s",
        "duration",
        "finish reason",
    ]


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 12, "completion_tokens": 2}])
def test_cost_that_was_not_reported_is_unknown_not_zero(usage: dict[str, Any] | None) -> None:
    assert dict(summary_items(finished(usage)))["cost"] == "unknown"
    assert "cost unknown" in summary_line(finished(usage))


def test_computed_cost_is_marked_as_an_estimate() -> None:
    reply = finished({"prompt_tokens": 12, "completion_tokens": 2})
    reply.estimated_cost = Decimal("0.00042")
    assert dict(summary_items(reply))["cost"] == "≈ $0.00042"
    assert " · ≈ $0.00042 · " in summary_line(reply)


def test_reported_cost_wins_over_an_estimate() -> None:
    reply = finished(USAGE)
    reply.estimated_cost = Decimal("3")
    assert dict(summary_items(reply))["cost"] == "$0.00042"


def test_cost_is_zero_only_if_the_endpoint_said_so() -> None:
    assert dict(summary_items(finished({**USAGE, "cost": 0})))["cost"] == "$0"


def test_no_answer_has_no_cost() -> None:
    assert "cost" not in dict(summary_items(folded((0.1, d.Opened(200)))))


def test_own_provider_key_is_told_beside_the_cost() -> None:
    items = dict(summary_items(finished({**USAGE, "is_byok": True})))
    assert items["cost"] == "$0.00042 (own provider key)"


def test_cancelled_answer_tells_whether_billing_stopped() -> None:
    reply = folded((0.1, d.Opened(200)), (1.0, d.Origin(provider="OpenAI")))
    reply.cancel(2.0)
    items = dict(summary_items(reply))
    assert items["status"] == "cancelled"
    assert items["billing"] == "OpenAI stops billing on cancel"
    assert state_line(reply, 2.0) == "Cancelled"


def test_names_from_the_endpoint_cannot_act() -> None:
    reply = folded((0.1, d.Opened(200)), (0.2, d.Origin(model="a\x1b[2J\nb", provider="\u202eX")))
    assert dict(summary_items(reply)) == {"model": "a b", "provider": "⟨U+202E⟩X"}
