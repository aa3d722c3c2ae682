"""What an answer is made of while it arrives: the vocabulary between the wire and everything else.

A skin turns wire events into these; `or_notebook.chat.reply.Reply` folds them. Every delta is
immutable and knows nothing of the skin that made it, so the fold cannot tell which one ran.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from or_notebook.wire.errors import ErrorDetail


class _Delta(msgspec.Struct, frozen=True, gc=False):
    """Base of all deltas; it only fixes the struct options."""


class Opened(_Delta, frozen=True):
    """The endpoint answered with a status line and headers; no token yet."""

    http_status: int
    generation_id: str | None = None
    request_id: str | None = None


class KeepAlive(_Delta, frozen=True):
    """A comment line of the stream: the endpoint is alive, the model has not answered yet."""

    comment: str


class Origin(_Delta, frozen=True):
    """Who answers: sent when a chunk names something for the first time or renames it."""

    id: str | None = None
    model: str | None = None
    provider: str | None = None


class TextDelta(_Delta, frozen=True):
    """A piece of the answer."""

    text: str
    choice: int = 0


class ReasoningDelta(_Delta, frozen=True):
    """A piece of the model's readable reasoning."""

    text: str
    choice: int = 0


class ReasoningDetail(_Delta, frozen=True):
    """A fragment of `reasoning_details`, kept to be sent back unmodified on the next turn."""

    detail: dict[str, Any]
    choice: int = 0


class RefusalDelta(_Delta, frozen=True):
    """A piece of a refusal."""

    text: str
    choice: int = 0


class ToolCallDelta(_Delta, frozen=True):
    """A fragment of one tool call; `index` is None where the server sends none."""

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    extra: dict[str, Any] | None = None
    choice: int = 0


class ImageDelta(_Delta, frozen=True):
    """A whole image, as a `data:` or `https:` URL."""

    url: str
    choice: int = 0


class AudioDelta(_Delta, frozen=True):
    """A piece of an audio answer: base64 text, transcript text, or both."""

    id: str | None = None
    data: str = ""
    transcript: str = ""
    expires_at: int | None = None
    choice: int = 0


class AnnotationDelta(_Delta, frozen=True):
    """A citation or a parsed file that belongs to the answer."""

    annotation: dict[str, Any]
    choice: int = 0


class UsageDelta(_Delta, frozen=True):
    """The endpoint's token and cost counts so far; it replaces any earlier one."""

    usage: dict[str, Any]


class Finish(_Delta, frozen=True):
    """Why the model stopped: the endpoint's word, and the provider's own where it is given."""

    reason: str | None
    native_reason: str | None = None
    choice: int = 0


class Malformed(_Delta, frozen=True):
    """A data payload that is not JSON; `snippet` holds its first 200 characters."""

    snippet: str


class Done(_Delta, frozen=True):
    """The `[DONE]` sentinel."""


class Failure(_Delta, frozen=True):
    """The request or the answer failed; the first failure counts."""

    error: ErrorDetail


class Retry(_Delta, frozen=True):
    """The request failed before its first token and will be sent again after `delay` seconds."""

    error: ErrorDetail
    attempt: int
    of: int
    delay: float


class Closed(_Delta, frozen=True):
    """The response is over: `events` data events were read; `reason` tells of an early end."""

    events: int = 0
    reason: str | None = None


Delta: TypeAlias = (
    Opened
    | KeepAlive
    | Origin
    | TextDelta
    | ReasoningDelta
    | ReasoningDetail
    | RefusalDelta
    | ToolCallDelta
    | ImageDelta
    | AudioDelta
    | AnnotationDelta
    | UsageDelta
    | Finish
    | Malformed
    | Done
    | Failure
    | Retry
    | Closed
)

TOKEN_DELTAS = (TextDelta, ReasoningDelta, RefusalDelta, ToolCallDelta, ImageDelta, AudioDelta)
"""Deltas that count as a first token: after one of them a request is never sent again."""
