"""What a model does, one step at a time: the vocabulary between behaviours and skins.

A behaviour yields steps and knows nothing of JSON; a skin encodes them and knows nothing of models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Text:
    """One token of the answer."""

    text: str


@dataclass(frozen=True)
class Reasoning:
    """One token of reasoning; it is spent, but not shown, when `visible` is False."""

    text: str
    visible: bool = True


@dataclass(frozen=True)
class Refusal:
    """One token of a refusal."""

    text: str


@dataclass(frozen=True)
class ToolFragment:
    """One token of a tool call; only the first fragment of a call carries `id` and `name`."""

    index: int
    arguments: str = ""
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Signature:
    """The provider's seal on the reasoning before it; not a token."""

    signature: str


@dataclass(frozen=True)
class Image:
    """A whole picture as a `data:` URL."""

    url: str


@dataclass(frozen=True)
class Citation:
    """A source of the answer; `start` and `end` count characters of the answer."""

    url: str
    title: str
    content: str
    start: int
    end: int


@dataclass(frozen=True)
class Wait:
    """Silence for so many seconds (None: for ever), with or without keepalive comments."""

    seconds: float | None
    keepalives: bool = True


@dataclass(frozen=True)
class KeepAlive:
    """A sign of life during a wait; the timetable makes these, behaviours do not."""


@dataclass(frozen=True)
class Finish:
    """The regular end: `stop`, `length` or `tool_calls`."""

    reason: str


@dataclass(frozen=True)
class Failure:
    """An error after the answer has begun, as the endpoint words it."""

    code: int
    message: str
    error_type: str
    provider_code: str | None = None


@dataclass(frozen=True)
class CutOff:
    """The body ends cleanly, but without a finish reason."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset in the middle of the body."""


@dataclass(frozen=True)
class Reject:
    """An error status instead of an answer; only as the first step."""

    status: int
    error: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    outer: dict[str, Any] = field(default_factory=dict)
    """Members of the body beside `error`."""


@dataclass(frozen=True)
class Foreign:
    """Another server's whole response instead of an answer; only as the first step."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verbatim:
    """Bytes of an event stream that end it, in the form of one skin."""

    data: bytes
    skin: str = "chat"


@dataclass(frozen=True)
class Silence:
    """Not even headers, for ever; only as the first step."""


Token: TypeAlias = Text | Reasoning | Refusal | ToolFragment
Step: TypeAlias = (
    Token
    | Signature
    | Image
    | Citation
    | Wait
    | KeepAlive
    | Finish
    | Failure
    | CutOff
    | Reset
    | Reject
    | Foreign
    | Verbatim
    | Silence
)

TOKENS = (Text, Reasoning, Refusal, ToolFragment)
"""Steps that take time and are billed."""
ENDS = (Finish, Failure, CutOff, Reset, Verbatim)
"""Steps after which nothing comes; every answer has exactly one of them."""
REFUSALS = (Reject, Foreign)
"""Steps that come alone, instead of an answer."""
