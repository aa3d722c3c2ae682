"""What the answers of all skins have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from or_notebook.sandbox.call import Call
from or_notebook.sandbox.settings import Settings
from or_notebook.sandbox.steps import Step
from or_notebook.sandbox.usage import Tally

_KEEPALIVES = {
    "comment": b": OPENROUTER PROCESSING\n\n",
    "data": b"data: : OPENROUTER PROCESSING\n\n",
}


class Stream(Protocol):
    """Encodes the steps of one streamed answer, in order."""

    def encode(self, step: Step, tally: Tally) -> bytes:
        """Return the bytes of one step; empty if it shows nothing."""


class Body(Protocol):
    """Collects the steps of one answer into a single response body."""

    def add(self, step: Step, tally: Tally) -> None:
        """Take in one step."""

    def payload(self, tally: Tally) -> dict[str, Any]:
        """Return the response body."""


@dataclass(frozen=True)
class Envelope:
    """What all parts of one answer have in common."""

    id: str
    call: Call
    created: int

    @property
    def settings(self) -> Settings:
        """How the answer shall be written."""
        return self.call.settings

    def head(self, kind: str) -> dict[str, Any]:
        """Return the members before `choices`."""
        return {
            "id": self.id,
            "provider": self.call.provider,
            "model": self.call.model.id,
            "object": kind,
            "created": self.created,
        }


def keepalive(settings: Settings) -> bytes:
    """Return a sign of life, in the wanted form."""
    return _KEEPALIVES[settings.keepalive_form]
