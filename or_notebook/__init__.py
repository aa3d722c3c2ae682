"""Talk to language models from a Jupyter cell, or from plain Python.

In a notebook: `%load_ext or_notebook`, then `%%chat`. In a script: `ask`, `stream` and their async
twins `aask` and `astream`. Importing this package is cheap: everything else comes on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from or_notebook.api import aask, ask, astream, stream
    from or_notebook.chat.reply import Reply
    from or_notebook.chat.usage import Usage
    from or_notebook.wire.errors import ChatError

__version__ = "0.1.0"

__all__ = ["ChatError", "Reply", "Usage", "aask", "ask", "astream", "stream"]

_HOMES = {
    "aask": "or_notebook.api",
    "ask": "or_notebook.api",
    "astream": "or_notebook.api",
    "stream": "or_notebook.api",
    "Reply": "or_notebook.chat.reply",
    "Usage": "or_notebook.chat.usage",
    **dict.fromkeys(
        (
            "AuthenticationFailed",
            "ChatError",
            "ConfigurationError",
            "ConnectionFailed",
            "EndpointError",
            "InvalidAnswer",
            "InvalidRequest",
            "NotFound",
            "OutOfCredits",
            "PermissionDenied",
            "ProtocolError",
            "ProviderFailed",
            "RateLimited",
            "TimedOut",
            "TruncatedError",
        ),
        "or_notebook.wire.errors",
    ),
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register `%%chat` and `%chat`; a second load changes nothing."""
    from or_notebook.magics.extension import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again."""
    from or_notebook.magics.extension import unload

    unload(shell)
