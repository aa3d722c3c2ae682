"""Publishing one output and replacing it later; typed, because IPython's `display` is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import IPython.display

_display: Any = IPython.display.display


def show(data: Mapping[str, Any], *, display_id: str | None = None, notes: Any = None) -> None:
    """Display a bundle of representations, with output metadata in `notes`."""
    if display_id is None:
        _display(data, raw=True, metadata=notes)
    else:
        _display(data, raw=True, metadata=notes, display_id=display_id)


def replace(data: Mapping[str, Any], *, display_id: str, notes: Any = None) -> None:
    """Replace what was shown under a display id."""
    _display(data, raw=True, metadata=notes, display_id=display_id, update=True)
