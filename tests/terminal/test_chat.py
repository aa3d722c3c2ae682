"""`%%chat` in terminal IPython: it streams, Ctrl-C cancels, the prompt comes back."""

from __future__ import annotations

import pytest

from tests.support.answer import wait_for_record

pytestmark = pytest.mark.terminal

CTRL_C_DEADLINE = 2.0


@pytest.fixture
def loaded(ipython):
    ipython.type("%load_ext or_notebook")
    ipython.press("Enter")
    ipython.wait_for("In [2]:")
    return ipython


def ask(terminal, line, prompt="Go."):
    """Type a `%%chat` cell; Escape and Enter end it."""
    terminal.type(line)
    terminal.press("Enter")
    terminal.type(prompt)
    terminal.press("Escape", "Enter")


def test_answer_streams(loaded, sandbox):
    ask(loaded, "%%chat sandbox/essay -p sandbox.tokens_per_second=60 -p sandbox.tokens=240")
    loaded.wait_for("hand it over")
    assert "finished_at" not in sandbox.requests()[-1] or not sandbox.requests()[-1]["finished_at"]
    assert "In [3]:" not in loaded.history()
    loaded.wait_for("In [3]:")
    assert "sandbox/essay" in loaded.history().rpartition("In [2]:")[2].partition("\n")[2]
    loaded.type("_chat.status")
    loaded.press("Enter")
    loaded.wait_for("'complete'")


def test_ctrl_c_cancels_and_keeps_the_partial_answer(loaded, sandbox):
    ask(loaded, "%%chat sandbox/essay -p sandbox.tokens_per_second=60")
    loaded.wait_for("hand it over")
    loaded.press("C-c")
    assert loaded.wait_for("In [3]:") < CTRL_C_DEADLINE
    wait_for_record(sandbox, cancelled=True)
    assert "Traceback" not in loaded.history()
    loaded.type("_chat.status, 'hand it over' in _chat.text")
    loaded.press("Enter")
    loaded.wait_for("('cancelled', True)")


def test_ctrl_c_cancels_a_stalled_answer(loaded, sandbox):
    ask(loaded, "%%chat sandbox/stall")
    wait_for_record(sandbox, keepalives_sent=lambda count: count >= 1)
    loaded.press("C-c")
    assert loaded.wait_for("In [3]:") < CTRL_C_DEADLINE
    wait_for_record(sandbox, cancelled=True)


def test_failure_is_a_few_lines(loaded):
    ask(loaded, "%%chat sandbox/out-of-credits")
    loaded.wait_for("In [3]:")
    assert "credits" in loaded.history()
    assert "Traceback" not in loaded.history()
