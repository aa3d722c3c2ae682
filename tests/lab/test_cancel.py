"""Cancel and Interrupt while the cell still blocks, and the order of Run All."""

from __future__ import annotations

import logging
import time

import pytest
from playwright.sync_api import expect

from tests.support.answer import LOAD, ShownAnswer, wait_for_record

pytestmark = pytest.mark.lab

LOG = logging.getLogger(__name__)
"""The measured times; `pytest --log-cli-level=info` shows them."""

DEADLINE = 2.0
"""Seconds from the click to a free cell; a quarter of a second is usual on a quiet machine."""

STALLED = "%%chat sandbox/stall\nGo."
RUNNING = "%%chat sandbox/essay -p sandbox.tokens_per_second=60\nGo."
NEXT = "print('next sees', _chat.status, len(_chat.text) > 0)"
BEGINNING = "How an answer reaches your notebook"
LEFT = {"cancelled": True, "disconnected_monotonic": lambda moment: moment > 0}


@pytest.fixture(params=[STALLED, RUNNING], ids=["stalled", "running"])
def begun(request, open_notebook, sandbox, kernel):
    """An answer that has streamed for about a second, with another cell waiting behind it."""
    notebook = open_notebook(LOAD, request.param, NEXT, kernel=kernel)
    answer = ShownAnswer(notebook, 1)
    notebook.run_all()
    expect(answer.text).to_contain_text(BEGINNING)
    if request.param == STALLED:
        wait_for_record(sandbox, keepalives_sent=lambda count: count >= 1)
    else:
        wait_for_record(sandbox, tokens_sent=lambda count: count >= 60)
    return answer


def test_cancel_ends_the_cell_and_the_next_one_runs(begun, sandbox):
    notebook = begun.notebook
    with notebook.stopwatch(1) as seconds:
        begun.cancel.click()
        clicked = time.monotonic()
    LOG.info("click to free cell: %.3f s", seconds[0])
    assert seconds[0] < DEADLINE
    record = wait_for_record(sandbox, **LEFT)
    assert record["disconnected_monotonic"] - clicked < DEADLINE
    notebook.wait_until_done(2)
    expect(notebook.output(2)).to_contain_text("next sees cancelled True")
    expect(begun.text).to_contain_text(BEGINNING)
    expect(begun.summary).to_contain_text("cancelled")
    expect(begun.cancel).to_have_count(0)


def test_interrupt_ends_the_cell_and_stops_run_all(begun, sandbox):
    notebook = begun.notebook
    with notebook.stopwatch(1) as seconds:
        notebook.interrupt()
        clicked = time.monotonic()
    LOG.info("click to free cell: %.3f s", seconds[0])
    assert seconds[0] < DEADLINE
    record = wait_for_record(sandbox, **LEFT)
    assert record["disconnected_monotonic"] - clicked < DEADLINE
    expect(notebook.prompt(2)).to_have_text("[ ]:")
    expect(notebook.output(2)).not_to_contain_text("next sees")
    expect(begun.text).to_contain_text(BEGINNING)
    expect(begun.summary).to_contain_text("cancelled")
    expect(begun.output).to_contain_text("KeyboardInterrupt")
    expect(begun.output).not_to_contain_text("Traceback")
    expect(notebook.execute(2)).to_contain_text("next sees cancelled True")


def test_cancel_before_the_first_token(open_notebook, sandbox, kernel):
    notebook = open_notebook(LOAD, "%%chat sandbox/silent\nGo.", "'next'", kernel=kernel)
    answer = ShownAnswer(notebook, 1)
    notebook.run_all()
    wait_for_record(sandbox, model="sandbox/silent")
    with notebook.stopwatch(1) as seconds:
        answer.cancel.click()
    assert seconds[0] < DEADLINE
    wait_for_record(sandbox, disconnected_monotonic=lambda moment: moment > 0)
    notebook.wait_until_done(2)


def test_run_all_keeps_its_order(open_notebook, kernel):
    hello = "%%chat sandbox/hello -p sandbox.tokens_per_second=60\nHello."
    notebook = open_notebook(
        LOAD + "\norder = []",
        "order.append('before')",
        hello,
        "order.append(_chat.status + ' ' + _chat.text)",
        "%%chat sandbox/essay -p sandbox.tokens_per_second=500 -p sandbox.tokens=200\nGo.",
        "order.append(_chat.model)",
        "print(order[0], order[1][:14], order[2], sep='|')",
        kernel=kernel,
    )
    notebook.run_all()
    notebook.wait_until_done(6)
    expect(notebook.output(6)).to_have_text("before|complete Hello|sandbox/essay")


def test_cancel_button_acts_from_the_keyboard(open_notebook, sandbox):
    notebook = open_notebook(LOAD, RUNNING)
    answer = ShownAnswer(notebook, 1)
    notebook.run_all()
    expect(answer.text).to_contain_text(BEGINNING)
    answer.cancel.press("Enter")
    notebook.wait_until_done(1, timeout=DEADLINE * 1000)
    wait_for_record(sandbox, **LEFT)
    expect(answer.summary).to_contain_text("cancelled")
