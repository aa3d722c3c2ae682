"""An IPython shell with the extension loaded and the sandbox as its endpoint."""

from __future__ import annotations

import atexit

import pytest
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def shell(sandbox, monkeypatch):
    monkeypatch.setenv("OPENROUTER_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("OPENROUTER_API_KEY", "sandbox-key")
    InteractiveShell.clear_instance()
    # No history database: a test leaves nothing in the person's profile.
    shell = InteractiveShell.instance(history_length=0)
    shell.history_manager.enabled = False
    shell.run_line_magic("load_ext", "or_notebook")
    yield shell
    shell.run_line_magic("unload_ext", "or_notebook")
    shell.history_manager.end_session()
    # Every shell collects garbage at exit; with one a test that takes a minute.
    atexit.unregister(shell.atexit_operations)
    InteractiveShell.clear_instance()
