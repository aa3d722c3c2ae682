"""What stays in the file: it reads well without a kernel, and in nbconvert's output."""

from __future__ import annotations

import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.support.answer import LOAD, ShownAnswer

pytestmark = pytest.mark.lab

ESSAY = "%%chat sandbox/essay -p sandbox.tokens_per_second=3000\nGo."
HEADING = "How an answer reaches your notebook"
WIDGET_ERROR = "Error displaying widget"


def nbconvert(notebook, to):
    """Return the saved notebook as nbconvert renders it in the format ``to``."""
    command = [sys.executable, "-m", "nbconvert", "--stdout", "--to", to, str(notebook.path)]
    environment = notebook.window.lab.environment
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return finished.stdout


@pytest.fixture
def saved(open_notebook):
    """A notebook with a complete essay and a cancelled answer, saved."""
    notebook = open_notebook(LOAD, ESSAY, "%%chat sandbox/stall\nGo.")
    notebook.run_all()
    stalled = ShownAnswer(notebook, 2)
    expect(stalled.text).to_contain_text(HEADING)
    stalled.cancel.click()
    notebook.wait_until_done(2)
    expect(stalled.summary).to_be_visible()
    notebook.save()
    return notebook


def test_reopened_without_kernel_it_reads_as_formatted_text(saved, window):
    reopened = saved.reopen(kernel=False)
    essay, cancelled = ShownAnswer(reopened, 1), ShownAnswer(reopened, 2)
    for shown in (essay, cancelled):
        expect(shown.text.get_by_role("heading", name=HEADING)).to_be_visible()
        expect(shown.summary).to_be_visible()
        expect(shown.cancel).to_have_count(0)
        expect(shown.output).not_to_contain_text(WIDGET_ERROR)
    expect(essay.text.locator("table").first).to_be_visible()
    expect(essay.text.locator("pre").first).to_be_visible()
    expect(essay.text.locator("math").first).to_be_attached()
    expect(cancelled.summary).to_contain_text("cancelled")
    assert window.foreign_requests() == []


def test_nbconvert_html_and_markdown_hold_the_text(saved):
    for to, heading in (("html", f"{HEADING}</h"), ("markdown", HEADING)):
        converted = nbconvert(saved, to)
        assert heading in converted
        assert "sandbox/essay" in converted
        assert "widget-view" not in converted
        assert WIDGET_ERROR not in converted


def test_page_does_not_jump_when_the_answer_becomes_static(open_notebook):
    cell = "%%chat sandbox/essay -p sandbox.tokens_per_second=400 -p sandbox.tokens=200\nGo."
    notebook = open_notebook(LOAD, cell, "'a cell below'")
    answer = ShownAnswer(notebook, 1)
    notebook.run_all()
    expect(answer.cancel).to_be_visible()
    answer.output.evaluate(
        """output => {
          const heights = [];
          window.heights = heights;
          const note = () => {
            const answer = output.querySelector("[role=region]");
            heights.push([output.offsetHeight, Boolean(answer)]);
            if (window.heights === heights) requestAnimationFrame(note);
          };
          note();
        }"""
    )
    notebook.wait_until_done(2)
    expect(answer.summary).to_be_visible()
    heights = notebook.page.evaluate(
        "() => { const h = window.heights; window.heights = 0; return h }"
    )
    tallest = 0
    for height, _ in heights:
        assert height > tallest * 0.8, f"the output collapsed from {tallest} to {height} pixels"
        tallest = max(tallest, height)
