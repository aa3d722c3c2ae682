"""The truth about money: replaced usage, asked-for bills, verdicts on cancelling."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from or_notebook.api import prepare
from or_notebook.chat.billing import BILLS_IN_FULL, STOPS_BILLING, billing_verdict, stops_billing
from or_notebook.chat.usage import Usage

TEN_SECONDS = 10.0


def started(sandbox, model, **parameters):
    return prepare(
        "hi", model=model, base_url=sandbox.base_url, api_key="k", parameters=parameters
    ).start()


def until(condition):
    deadline = time.monotonic() + TEN_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class TestVerdict:
    """Two lists of PROTOCOL.md, section 4; anybody else is unknown."""

    @pytest.mark.parametrize("name", [name.strip() for name in STOPS_BILLING.split(",")])
    def test_stops(self, name):
        assert stops_billing(name) is True
        assert stops_billing(name.upper().replace(" ", "")) is True
        assert billing_verdict(name) == f"{name} stops billing on cancel"

    @pytest.mark.parametrize("name", [name.strip() for name in BILLS_IN_FULL.split(",")])
    def test_bills_in_full(self, name):
        assert stops_billing(name.lower()) is False
        assert "bills the full answer" in billing_verdict(name)

    @pytest.mark.parametrize("name", ["Somebody", None, ""])
    def test_unknown(self, name):
        assert stops_billing(name) is None
        assert "nknown" in billing_verdict(name)


class TestBillAfterwards:
    """`GET /generation` completes what the stream did not tell."""

    @pytest.mark.parametrize("model", ["sandbox/essay@100", "sandbox/stall@100"])
    def test_cancelled_answer_gets_its_true_cost(self, sandbox, model):
        call = started(sandbox, model)
        until(lambda: call.reply.token_events > 5)
        call.cancel_and_settle()
        assert call.reply.usage is None
        assert call.bill_pending
        until(lambda: not call.bill_pending)
        usage = call.reply.usage
        assert usage.cost > 0
        in_full = stops_billing(call.reply.provider) is False
        assert (usage.completion_tokens > 100) is in_full

    def test_broken_answer_gets_its_true_cost(self, sandbox):
        call = started(sandbox, "sandbox/truncated@1000")
        assert call.wait().status == "truncated"
        until(lambda: not call.bill_pending)
        assert call.reply.usage.cost > 0

    def test_complete_answer_is_not_asked_about(self, sandbox):
        call = started(sandbox, "sandbox/hello@1000")
        call.wait()
        assert not call.bill_pending

    def test_the_caller_does_not_wait_for_it(self, sandbox):
        call = started(sandbox, "sandbox/truncated@1000")
        call.wait()
        assert call.bill_pending


class TestUsage:
    """What the endpoint says, never more."""

    def test_no_cost_is_none_and_zero_is_zero(self):
        assert Usage.from_wire({"prompt_tokens": 1}).cost is None
        assert Usage.from_wire({"cost": 0}).cost == Decimal(0)

    def test_float_noise_does_not_reach_the_decimal(self):
        assert Usage.from_wire({"cost": 4e-05}).cost == Decimal("0.00004")

    @pytest.mark.parametrize("cost", ["free", [], True, float("nan"), {"total": 1}])
    def test_nonsense_is_none(self, cost):
        assert Usage.from_wire({"cost": cost}).cost is None

    def test_every_dialect_counts_alike(self):
        chat = {"prompt_tokens": 16, "completion_tokens": 9,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 3}}  # fmt: skip
        responses = {"input_tokens": 16, "output_tokens": 9,
                     "input_tokens_details": {"cached_tokens": 4},
                     "output_tokens_details": {"reasoning_tokens": 3}}  # fmt: skip
        deepseek = {"prompt_tokens": 16, "completion_tokens": 9, "prompt_cache_hit_tokens": 4,
                    "completion_tokens_details": {"reasoning_tokens": 3}}  # fmt: skip
        figures = [Usage.from_wire(raw) for raw in (chat, responses, deepseek)]
        assert {(u.prompt_tokens, u.completion_tokens, u.cached_tokens, u.reasoning_tokens)
                for u in figures} == {(16, 9, 4, 3)}  # fmt: skip

    def test_messages_counts_cached_tokens_beside_the_input(self):
        usage = Usage.from_wire(
            {"input_tokens": 12, "cache_read_input_tokens": 4, "output_tokens": 9}
        )
        assert (usage.prompt_tokens, usage.cached_tokens, usage.total_tokens) == (16, 4, 25)
