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
JUMP = 8
"""Pixels that nothing on the page may move when an answer becomes static."""


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


WATCH_LAYOUT = """
output => {
  const frames = (window.frames = []);
  const note = () => {
    const top = output.getBoundingClientRect().top;
    const answer = output.querySelector("[role=region]");
    const blocks = [...(answer?.children ?? [])].map(block => {
      const box = block.getBoundingClientRect();
      return [box.top - top, box.bottom - top];
    });
    if (answer) {
      const isLive = Boolean(output.querySelector("[role=status]"));
      frames.push({isLive, height: output.offsetHeight, blocks});
    }
    if (window.frames === frames) requestAnimationFrame(note);
  };
  note();
}
"""


@pytest.fixture
def wide_window(window):
    """A window so wide that the summary fits on its line."""
    usual = window.page.viewport_size
    window.page.set_viewport_size({"width": 1500, "height": 900})
    yield window
    window.page.set_viewport_size(usual)


def test_page_does_not_jump_when_the_answer_becomes_static(wide_window, open_notebook):
    cell = "%%chat sandbox/essay -p sandbox.tokens_per_second=400 -p sandbox.tokens=400\nGo."
    notebook = open_notebook(LOAD, cell, "'a cell below'")
    answer = ShownAnswer(notebook, 1)
    answer.output.evaluate(WATCH_LAYOUT)
    notebook.run_all()
    notebook.wait_until_done(2)
    # JupyterLab sets the formulas a moment later.
    expect(answer.text.locator("mjx-container[display]").first).to_be_visible()
    frames = notebook.page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => done(window.frames)))"
    )
    notebook.page.evaluate("() => { window.frames = null }")
    tallest = 0
    for frame in frames:
        assert frame["height"] > tallest * 0.95, "the output collapsed"
        tallest = max(tallest, frame["height"])
    live = [frame for frame in frames if frame["isLive"]][-1]
    static = frames[-1]
    assert not static["isLive"]
    # The last words come with the change, so the last block may have grown.
    *whole, (last_top, last_bottom) = live["blocks"]
    for before, after in zip([*whole, [last_top]], static["blocks"], strict=False):
        assert abs(after[0] - before[0]) < JUMP
    below = [live["height"] - last_bottom, static["height"] - static["blocks"][-1][1]]
    assert abs(below[1] - below[0]) < JUMP
