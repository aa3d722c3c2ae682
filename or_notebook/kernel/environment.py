"""Where the code runs: a terminal, a kernel, or plain Python. Imports nothing that is not there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    from or_notebook.kernel.parts import Kernel, Shell

Environment = Literal["terminal", "kernel", "python"]


def shell() -> Shell | None:
    """The running IPython shell, or None."""
    ipython = sys.modules.get("IPython")
    get_ipython = getattr(ipython, "get_ipython", None)
    return cast("Shell | None", get_ipython()) if get_ipython is not None else None


def kernel() -> Kernel | None:
    """The kernel that runs this code, or None."""
    return getattr(shell(), "kernel", None)


def environment() -> Environment:
    """`kernel` if a kernel runs this code, `terminal` in any other IPython, else `python`."""
    if shell() is None:
        return "python"
    return "terminal" if kernel() is None else "kernel"


def ipykernel_version() -> tuple[int, int] | None:
    """The version of the running ipykernel, like `(7, 4)`; None outside of one."""
    module = sys.modules.get("ipykernel")
    version = getattr(module, "version_info", None)
    if kernel() is None or version is None:
        return None
    return int(version[0]), int(version[1])
