"""The dialects of one service: each turns a request into a body and events into deltas.

A skin is a module-level object with `encode` and `decoder`; `SKINS` names them all. Nothing
outside this package knows which one ran.
"""

from __future__ import annotations

from typing import Any, Protocol

from or_notebook.wire.deltas import Delta
from or_notebook.wire.request import Request
from or_notebook.wire.skins.chat import ChatSkin
from or_notebook.wire.sse import Item


class EventDecoder(Protocol):
    """Turns the items of one response into deltas; it may remember what this response sent."""

    finished: bool
    """Whether a finish reason has come."""

    def decode(self, item: Item) -> list[Delta]:
        """Return the deltas of one event or comment."""

    def whole(self, body: dict[str, Any]) -> list[Delta]:
        """Return the deltas of an answer that came as one JSON body."""


class Skin(Protocol):
    """One dialect."""

    def encode(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Return the path below the base URL and the JSON body."""

    def decoder(self) -> EventDecoder:
        """Return a decoder for one response."""


SKINS: dict[str, Skin] = {"chat": ChatSkin()}
"""Skins by the name that `api=` takes."""
