"""How an answer can end other than well, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from or_notebook.wire.errors import ErrorDetail

if TYPE_CHECKING:
    from or_notebook.chat.reply import Reply

_NATIVE_FAILURES = frozenset(
    {
        "BLOCKLIST",
        "CANCELLED",
        "ERROR",
        "FAILED",
        "IMAGE_SAFETY",
        "INCOMPLETE",
        "LANGUAGE",
        "MALFORMED_FUNCTION_CALL",
        "OTHER",
        "PROHIBITED_CONTENT",
        "RECITATION",
        "SAFETY",
        "SPII",
        "UNEXPECTED_TOOL_CALL",
    }
)
"""Provider's own words for an answer that is not whole, although the endpoint says `stop`."""


def truncation(reply: Reply) -> ErrorDetail:
    """Describe an answer whose stream ended without a finish reason and without `[DONE]`."""
    return ErrorDetail(
        kind="TruncatedError",
        message=reply.note or "The answer broke off: the stream ended without a finish reason.",
        phase="mid_stream" if reply.token_events else "pre_stream",
        provider=reply.provider,
        request_id=reply.generation_id,
        meaning="What had arrived is kept in the reply's text." if reply.token_events else None,
        hint="Run the cell again; no retry was made, because it would be billed twice."
        if reply.token_events
        else "Run the cell again, or choose another model.",
    )


def nameless_error(reply: Reply) -> ErrorDetail:
    """Name the failure of an answer that ends with finish_reason `error` and no error object."""
    return ErrorDetail(
        kind="ProviderFailed",
        message="The provider ended the answer with an error that it did not describe.",
        phase="mid_stream",
        provider=reply.provider,
        request_id=reply.generation_id,
        hint="Run the cell again, or choose another model or provider.",
    )


def suspicion(reply: Reply) -> str | None:
    """Find a failure that is dressed as success.

    A `[DONE]` without a finish reason is how old llama.cpp hides errors (section 8).
    """
    choice = reply.choices[0]
    native = (choice.native_finish_reason or "").upper()
    if choice.finish_reason == "stop" and native in _NATIVE_FAILURES:
        return f"The provider says {choice.native_finish_reason}; the answer may be incomplete."
    if choice.finish_reason == "stop" and not reply.token_events:
        why = f" ({choice.native_finish_reason})" if choice.native_finish_reason else ""
        return f"The model stopped without an answer{why}."
    if choice.finish_reason is not None:
        return None
    if reply.malformed:
        return f"The endpoint sent data that is not JSON: {reply.malformed[0]!r}"
    if not reply.token_events:
        return "The endpoint sent an empty answer without saying why."
    return "The endpoint gave no finish reason; the answer may be incomplete."


def broken_off(reply: Reply) -> str:
    """Say how a stream ended that gave neither a finish reason nor `[DONE]`."""
    if reply.malformed:
        return f"The answer broke off after data that is not JSON: {reply.malformed[0]!r}"
    if not reply.token_events:
        return "The endpoint closed the stream without an answer."
    return "The answer broke off: the stream ended without a finish reason and without [DONE]."
