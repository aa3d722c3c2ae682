"""What an answer cost is completed in the page, and in the file, after its cell has ended."""

from __future__ import annotations

import html
import re
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.support.answer import LOAD, ShownAnswer

pytestmark = pytest.mark.lab

BILLED_WITHIN = 10_000.0
"""Milliseconds from the end of the cell to the true cost, as promised."""

BEGINNING = "How an answer reaches your notebook"
ESSAY = "%%chat sandbox/essay -p sandbox.tokens_per_second=60"
STALL = "%%chat sandbox/stall -p sandbox.tokens_per_second=200"
STOPS = (ESSAY, "Fireworks stops billing on cancel", False)
IN_FULL = (
    f"{ESSAY} -p sandbox.provider=Google",
    "Google bills the full answer even though it was cancelled",
    True,
)
STALLED = (STALL, "Mistral bills the full answer even though it was cancelled", True)
CANCELLED = [
    pytest.param("ipykernel-7.4", *STOPS, id="7.4-stops"),
    pytest.param("ipykernel-7.4", *IN_FULL, id="7.4-in-full"),
    pytest.param("ipykernel-6.31", *STOPS, id="6.31-stops"),
    pytest.param("ipykernel-6.31", *STALLED, id="6.31-stalled"),
]
COST = re.compile(r"(?<!≈ )\$(\d+\.\d+)")
TAG = re.compile("<[^>]+>")
TOKENS = re.compile(r"→ ([\d\u202f]+) tokens")


def cancelled(open_notebook, cell, **options):
    """Return the answer of a cell whose Cancel was pressed when some of it was visible."""
    notebook = open_notebook(LOAD, f"{cell}\nGo.", "'the next cell'", **options)
    answer = ShownAnswer(notebook, 1)
    notebook.run_all()
    expect(answer.text).to_contain_text(BEGINNING)
    answer.cancel.click()
    notebook.wait_until_done(1)
    return answer


def words(text):
    """Return the text with single blanks: on the page some of them are unbreakable."""
    return " ".join(text.split())


def saved_summary(answer):
    """Return the saved output of the answer's cell and the last line of its text."""
    (output,) = answer.notebook.save().cells[answer.index].outputs
    return output, output.data["text/plain"].splitlines()[-1]


@pytest.mark.parametrize(("kernel", "cell", "verdict", "in_full"), CANCELLED)
def test_cancelled_answer_gains_its_true_cost(open_notebook, kernel, cell, verdict, in_full):
    answer = cancelled(open_notebook, cell, kernel=kernel)
    expect(answer.summary).to_contain_text(verdict)
    expect(answer.summary).to_contain_text(COST, timeout=BILLED_WITHIN)
    line = answer.summary.inner_text()
    assert "cost unknown" not in line
    assert verdict in line

    output, saved_line = saved_summary(answer)
    assert words(saved_line) == words(line)
    assert set(output.data) == {"text/html", "text/plain"}
    assert words(line) in words(html.unescape(TAG.sub("", output.data["text/html"])))
    usage = output.metadata["or_notebook"]["usage"]
    assert Decimal(str(usage["cost"])) == Decimal(COST.search(line)[1]) > 0
    assert (int(TOKENS.search(line)[1].replace("\u202f", "")) > 500) is in_full


def test_cell_is_free_before_the_bill_comes(open_notebook):
    answer = cancelled(open_notebook, ESSAY)
    answer.notebook.wait_until_done(2)
    expect(answer.notebook.output(2)).to_contain_text("the next cell")
    expect(answer.summary).to_contain_text(COST, timeout=BILLED_WITHIN)
    expect(answer.notebook.output(2).get_by_role("region", name="Answer")).to_have_count(0)
    expect(answer.output.get_by_role("region", name="Answer")).to_have_count(1)


def test_cost_that_nobody_reported_is_estimated_from_the_catalogue(open_notebook):
    cell = "%%chat sandbox/hello -p sandbox.cost=false\nHello."
    notebook = open_notebook(LOAD, cell)
    answer = ShownAnswer(notebook, 1)
    notebook.run_all()
    notebook.wait_until_done(1)
    expect(answer.summary).to_contain_text("≈ $", timeout=BILLED_WITHIN)
    output, saved_line = saved_summary(answer)
    assert "≈ $" in saved_line
    assert output.metadata["or_notebook"]["status"] == "complete"
