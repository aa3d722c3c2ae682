"""What is asked of a model, before a skin turns it into a path and a JSON body."""

from __future__ import annotations

from typing import Any

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request: the messages, the model, and any further body field in `parameters`."""

    messages: list[dict[str, Any]]
    model: str | None = None
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    include_usage: bool = True
