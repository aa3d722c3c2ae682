"""The dialects of one service: each turns a request into a body and events into deltas.

A skin is a module-level object with `encode` and `decoder`; `SKINS` names them all. Nothing
outside this package knows which one ran.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from or_notebook.wire.deltas import Delta
from or_notebook.wire.request import Request
from or_notebook.wire.skins.chat import ChatSkin
from or_notebook.wire.skins.completions import CompletionsSkin
from or_notebook.wire.skins.messages import MessagesSkin
from or_notebook.wire.skins.responses import ResponsesSkin
from or_notebook.wire.sse import Item


class EventDecoder(Protocol):
    """Turns the items of one response into deltas; it may remember what this response sent."""

    finished: bool
    """Whether a finish reason has come."""

    def decode(self, item: Item) -> list[Delta]:
        """Return the deltas of one event or comment."""

    def whole(self, body: dict[str, Any]) -> list[Delta] | None:
        """Return the deltas of an answer that came as one JSON body; None if it is no answer."""


class Skin(Protocol):
    """One dialect."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that this dialect needs beside those of the endpoint."""

    def encode(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Return the path below the base URL and the JSON body."""

    def decoder(self) -> EventDecoder:
        """Return a decoder for one response."""


SKINS: dict[str, Skin] = {
    "chat": ChatSkin(),
    "responses": ResponsesSkin(),
    "messages": MessagesSkin(),
    "completions": CompletionsSkin(),
}
"""Skins by the name that `api=` takes."""
