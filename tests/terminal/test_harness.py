"""The terminal harness itself, on plain IPython."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.terminal


def test_ctrl_c_interrupts_and_the_next_line_runs(ipython):
    ipython.type("import time; print('be' + 'gun'); time.sleep(60)")
    ipython.press("Enter")
    ipython.wait_for("begun")
    ipython.press("C-c")
    ipython.wait_for("KeyboardInterrupt")
    ipython.wait_for("In [2]:")
    ipython.type("6 * 7")
    ipython.press("Enter")
    ipython.wait_for("Out[2]: 42")
