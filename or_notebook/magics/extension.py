"""Loading and unloading the extension; cheap, because everything heavy comes on first use."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any

from or_notebook.magics.chat_magics import ChatMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

WARM_UP_DELAY = 1.0
"""Seconds after loading; long enough not to compete with the cell that loads the extension."""

_HEAVY = ("or_notebook.client.exchange", "or_notebook.client.http", "or_notebook.api")


def load(shell: InteractiveShell) -> None:
    """Register the magics with a shell; a second load changes nothing."""
    if _loaded(shell) is not None:
        return
    magics = ChatMagics(shell=shell)
    shell.register_magics(magics)
    magics.enable()
    timer = threading.Timer(WARM_UP_DELAY, _warm_up)
    timer.daemon = True
    timer.start()


def unload(shell: InteractiveShell) -> None:
    """Take the magics, their configuration and their hooks away; harmless if not loaded."""
    magics = _loaded(shell)
    if magics is None:
        return
    magics.disable()
    _configurables(shell).remove(magics)
    registered = shell.magics_manager.magics
    for kind in ("line", "cell"):
        registered[kind].pop("chat", None)
    shell.magics_manager.registry.pop(type(magics).__name__, None)


def _loaded(shell: InteractiveShell) -> ChatMagics | None:
    # By name: `%reload_ext` makes a new class, and the old instance must still be found.
    for candidate in _configurables(shell):
        if type(candidate).__name__ == ChatMagics.__name__:
            found: ChatMagics = candidate
            return found
    return None


def _configurables(shell: InteractiveShell) -> list[Any]:
    found: list[Any] = shell.configurables
    return found


def _warm_up() -> None:
    """Import what the first `%%chat` needs, so that it starts at once."""
    for name in _HEAVY:
        importlib.import_module(name)
