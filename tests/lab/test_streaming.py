"""An answer on its way: it streams into the cell and says what it is doing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.answer import LOAD, ShownAnswer

pytestmark = pytest.mark.lab


def test_answer_grows_while_the_cell_is_busy(open_notebook, window, kernel):
    cell = "%%chat sandbox/essay -p sandbox.tokens_per_second=200 -p sandbox.tokens=300\nGo."
    notebook = open_notebook(LOAD, cell, kernel=kernel)
    answer = ShownAnswer(notebook, 1)
    notebook.run_all()
    expect(answer.cancel).to_be_visible()
    seen = answer.wait_for_length(20)
    expect(answer.text).to_have_attribute("aria-busy", "true")
    grown = answer.wait_for_length(seen + 100)
    assert notebook.prompt(1).inner_text() == "[*]:"
    notebook.wait_until_done(1)
    expect(answer.summary).to_contain_text("sandbox/essay")
    assert answer.length() > grown
    expect(answer.text.get_by_role("heading", name="How an answer reaches")).to_be_visible()
    assert window.console_errors == []
    assert window.foreign_requests() == []


def test_finished_answer_is_static(open_notebook, kernel):
    notebook = open_notebook(LOAD, "%%chat sandbox/hello\nHello.", kernel=kernel)
    notebook.run_all()
    notebook.wait_until_done(1)
    expect(ShownAnswer(notebook, 1).summary).to_be_visible()
    (output,) = notebook.save().cells[1].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    assert output.metadata["or_notebook"]["status"] == "complete"


def test_state_line_moves_with_each_keepalive(open_notebook, kernel):
    cell = "%%chat sandbox/slow -p sandbox.wait=2 -p sandbox.keepalive_interval=0.4\nGo."
    notebook = open_notebook(LOAD, cell, kernel=kernel)
    answer = ShownAnswer(notebook, 1)
    answer.watch_states()
    notebook.run_all()
    notebook.wait_until_done(1)
    waiting = [state for state in answer.states() if "Waiting for the provider" in state]
    for seen in ("1 keepalive", "2 keepalives", "3 keepalives", "4 keepalives"):
        assert any(seen in state for state in waiting), waiting
    expect(answer.text).to_contain_text("Thank you for waiting")


def test_reasoning_is_collapsed_and_stays_open_once_opened(open_notebook):
    cell = "%%chat sandbox/reasoning -p sandbox.tokens_per_second=100\nThe bat and the ball?"
    notebook = open_notebook(LOAD, cell)
    answer = ShownAnswer(notebook, 1)
    notebook.run_all()
    expect(answer.state).to_contain_text("Thinking")
    details = answer.output.locator("details").first
    expect(details).not_to_have_attribute("open", "")
    details.locator("summary").click()
    expect(details).to_have_attribute("open", "")
    notebook.wait_until_done(1)
    expect(answer.text).to_contain_text("The ball costs $0.05")
    expect(answer.state).to_have_count(0)
    expect(answer.output.locator("details").first).to_have_attribute("open", "")
    notebook.execute(1)
    expect(answer.output.locator("details").first).not_to_have_attribute("open", "")


def test_failure_is_shown_in_few_lines_and_stops_run_all(open_notebook):
    notebook = open_notebook(LOAD, "%%chat sandbox/out-of-credits\nGo.", "print('never')")
    notebook.run_all()
    notebook.wait_until_done(1)
    expect(notebook.output(1)).to_contain_text(re.compile("credits", re.IGNORECASE))
    expect(notebook.output(1)).not_to_contain_text("Traceback")
    expect(notebook.prompt(2)).to_have_text("[ ]:")
    expect(notebook.output(2)).not_to_contain_text("never")


def test_retry_is_visible_while_it_waits(open_notebook):
    notebook = open_notebook(LOAD, "%%chat sandbox/rate-limited -p sandbox.retry_after=2\nGo.")
    answer = ShownAnswer(notebook, 1)
    notebook.run_all()
    expect(answer.state).to_contain_text("Retry 1 of 2")
    notebook.wait_until_done(1)
    expect(answer.text).to_contain_text("Now it works")
