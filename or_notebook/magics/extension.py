"""Loading and unloading the extension; cheap, because everything heavy comes on first use."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any

from or_notebook.magics import completion
from or_notebook.magics.chat_magics import ChatMagics
from or_notebook.magics.models_magics import ModelsMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

WARM_UP_DELAY = 1.0
"""Seconds after loading; long enough not to compete with the cell that loads the extension."""

_HEAVY = (
    "or_notebook.client.catalogue_cache",
    "or_notebook.magics.metadata",
    "or_notebook.client.exchange",
    "or_notebook.client.http",
    "or_notebook.api",
)
"""What the first TAB and the first cell need, in this order."""

_NAMES = {"line": ("chat", "models", "key"), "cell": ("chat",)}


def load(shell: InteractiveShell) -> None:
    """Register the magics with a shell; a second load changes nothing."""
    if _loaded(shell) is not None:
        return
    magics = ChatMagics(shell=shell)
    shell.register_magics(magics)
    shell.register_magics(ModelsMagics(shell=shell))
    magics.enable()
    completion.enable(shell)
    timer = threading.Timer(WARM_UP_DELAY, _warm_up)
    timer.daemon = True
    timer.start()


def unload(shell: InteractiveShell) -> None:
    """Take the magics, their configuration and their hooks away; harmless if not loaded."""
    magics = _loaded(shell)
    if magics is None:
        return
    magics.disable()
    completion.disable(shell)
    ours = (ChatMagics.__name__, ModelsMagics.__name__)
    for entry in [entry for entry in _configurables(shell) if type(entry).__name__ in ours]:
        _configurables(shell).remove(entry)
    for kind, names in _NAMES.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    for name in ours:
        shell.magics_manager.registry.pop(name, None)


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
