"""IPython in a terminal of its own, talking to a sandbox."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from or_notebook.sandbox.server import running_sandbox
from tests.support.tmux import running_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from or_notebook.sandbox.server import RunningSandbox
    from tests.support.tmux import Terminal

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as server:
        yield server


@pytest.fixture
def ipython(tmp_path: Path, sandbox: RunningSandbox) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.fail("These tests need tmux.")
    environment = {
        "PYTHONPATH": str(PROJECT),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "OPENROUTER_BASE_URL": sandbox.base_url,
        "OPENROUTER_API_KEY": "dummy",
    }
    command = [sys.executable, "-m", "IPython", "--no-banner", "--no-autoindent"]
    with running_terminal(command, tmp_path, environment) as terminal:
        terminal.wait_for("In [1]:")
        yield terminal
