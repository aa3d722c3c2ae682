"""The error tree: what can go wrong between a prompt and its answer.

ChatError                   anything below; `.reply` holds what had arrived, `.detail` the facts
├── ConfigurationError      no key, no model, an address that is none: nothing was sent
├── ConnectionFailed        refused, unknown host, TLS, proxy, reset before the first byte
├── TimedOut                a clock of ours ran out: first token, or between tokens
├── TruncatedError          the stream ended without a finish reason and without [DONE]
├── ProtocolError           bytes that are no answer: HTML, an endless event, not JSON
├── InvalidAnswer           the answer is whole but does not fit the schema that was asked for
└── EndpointError           the endpoint itself said no
    ├── AuthenticationFailed    401: key missing, wrong, disabled
    ├── OutOfCredits            402, or a quota that is used up
    ├── PermissionDenied        403: moderation, guardrail, region
    ├── NotFound                404, or a model that does not exist
    ├── RateLimited             429
    ├── InvalidRequest          400, 413, 422: parameters, context too long
    └── ProviderFailed          5xx, 408, and failures in the middle of an answer

`str(error)` is at most three lines: what happened, what it means, what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from or_notebook.chat.reply import Reply

Phase = Literal["connect", "pre_stream", "mid_stream"]

LINE_LENGTH = 300
"""Characters kept of one line of an error message."""


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one failure, normalised over all endpoints (PROTOCOL.md, section 3.2).

    `retry_safe` says whether sending the request again can help and costs nothing twice; times are
    seconds. `hint` is what the person can do next.
    """

    kind: str
    message: str
    phase: Phase = "pre_stream"
    code: int | str | None = None
    type: str | None = None
    http_status: int | None = None
    provider: str | None = None
    provider_code: int | str | None = None
    request_id: str | None = None
    retry_safe: bool = False
    retry_after: float | None = None
    meaning: str | None = None
    hint: str | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    availability: dict[str, Any] | None = None
    raw: str | None = None

    def lines(self) -> list[str]:
        """Return one to three lines: what happened, what it means, what to do next."""
        known = self._facts()
        # A long message is cut, never the facts behind it: support asks for them.
        head = _one_line(self.message, LINE_LENGTH - len(known)) + known
        return [head, *(_one_line(line) for line in (self.meaning, self.hint) if line)]

    def _facts(self) -> str:
        """Return status, type, code, provider and request in brackets, each told once."""
        failed = self.http_status is not None and self.http_status >= 400
        coded = self.code not in (None, "") and str(self.code) != str(self.http_status)
        facts = [
            f"HTTP {self.http_status}" if failed else "",
            str(self.type or ""),
            f"code {self.code}" if coded and self.code != self.type else "",
            f"provider {self.provider}" if self.provider else "",
            f"request {self.request_id}" if self.request_id else "",
        ]
        known = ", ".join(fact for fact in facts if fact)
        return _one_line(f" ({known})", LINE_LENGTH // 2, lead=" ") if known else ""


def _one_line(text: str, limit: int = LINE_LENGTH, *, lead: str = "") -> str:
    flat = " ".join(text.split())
    return lead + (flat if len(flat) <= limit else flat[: limit - 1] + "…")


class ChatError(Exception):
    """A request or its answer failed; `.reply` holds what had arrived."""

    def __init__(self, detail: ErrorDetail | str, reply: Reply | None = None) -> None:
        self.detail = (
            detail
            if isinstance(detail, ErrorDetail)
            else ErrorDetail(kind=type(self).__name__, message=detail)
        )
        self.reply = reply
        super().__init__("\n".join(self.detail.lines()))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the facts, so that process pools can carry the error."""
        return type(self), (self.detail, self.reply)

    def _render_traceback_(self) -> list[str]:
        """Render in IPython without a traceback: the cause lies outside the person's code."""
        first, *rest = self.detail.lines()
        return [f"{type(self).__name__}: {first}", *rest]


class ConfigurationError(ChatError):
    """Nothing was sent, because the key, the model or the address is missing or wrong."""


class ConnectionFailed(ChatError):
    """No connection: refused, unknown host, TLS, proxy, or reset before the first byte."""


class TimedOut(ChatError):
    """No first token, or no further token, within the time allowed."""


class TruncatedError(ChatError):
    """The stream ended without a finish reason and without `[DONE]`."""


class ProtocolError(ChatError):
    """The endpoint sent bytes that are no answer."""


class InvalidAnswer(ChatError):
    """The answer does not fit the schema that was asked for."""


class EndpointError(ChatError):
    """The endpoint itself reported a failure."""


class AuthenticationFailed(EndpointError):
    """The key is missing, wrong or disabled."""


class OutOfCredits(EndpointError):
    """The account, the key or its quota has no credit left."""


class PermissionDenied(EndpointError):
    """Moderation, a guardrail, the region or missing rights forbid the request."""


class NotFound(EndpointError):
    """The model or the address does not exist, or routing left no provider for it."""


class RateLimited(EndpointError):
    """Too many requests, or every provider is at capacity."""


class InvalidRequest(EndpointError):
    """The endpoint refuses these parameters or this much context."""


class ProviderFailed(EndpointError):
    """The service or the model's provider failed."""


_CLASSES: dict[str, type[ChatError]] = {
    cls.__name__: cls
    for cls in (
        ConfigurationError,
        ConnectionFailed,
        TimedOut,
        TruncatedError,
        ProtocolError,
        InvalidAnswer,
        EndpointError,
        AuthenticationFailed,
        OutOfCredits,
        PermissionDenied,
        NotFound,
        RateLimited,
        InvalidRequest,
        ProviderFailed,
    )
}


def to_exception(detail: ErrorDetail, reply: Reply | None = None) -> ChatError:
    """Return the member of the tree that `detail.kind` names."""
    return _CLASSES.get(detail.kind, ChatError)(detail, reply)
