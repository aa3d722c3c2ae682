"""Every shape of an endpoint's error, normalised (PROTOCOL.md, sections 3.2 to 3.5 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from or_notebook.wire import error_headers
from or_notebook.wire.error_kinds import kind_of, retryable, status_of
from or_notebook.wire.error_meanings import meaning_of, raw_text, reset_words
from or_notebook.wire.error_pages import words
from or_notebook.wire.errors import ErrorDetail, Phase
from or_notebook.wire.json_values import as_object, first, number
from or_notebook.wire.sse import Decoder, Event


def detail_from_body(status: int, headers: Mapping[str, str], body: bytes) -> ErrorDetail:
    """Normalise an error response; `headers` must look names up without case."""
    value = _value_of(body)
    if value is None:
        value = f"HTTP {status} without an explanation"
    return detail_from_object(
        value,
        phase="pre_stream",
        http_status=status,
        retry_after=error_headers.retry_after(headers),
        request_id=error_headers.request_id(headers),
        reset_after=error_headers.reset_after(headers) if status == 429 else None,
    )


def _value_of(body: bytes) -> Any:
    """Return the JSON of a body, of the first event in it, or its words; None if it is empty."""
    text = body.decode("utf-8", "replace").strip()
    # LiteLLM sends an event stream under an error status.
    events = [item.data for item in Decoder().feed(body + b"\n\n") if isinstance(item, Event)]
    for candidate in (text, *events[:1]):
        try:
            return msgspec.json.decode(candidate)
        except (msgspec.MsgspecError, RecursionError):
            continue
    return words(text) or None


def detail_from_object(
    value: Any,
    *,
    phase: Phase,
    http_status: int | None = None,
    tokens_seen: bool = False,
    retry_after: float | None = None,
    request_id: str | None = None,
    reset_after: float | None = None,
) -> ErrorDetail:
    """Normalise an error value: an object, a list around one, or a bare string."""
    outer, error = _unwrap(value)
    metadata = as_object(error.get("metadata"))
    availability = as_object(error.get("availability")) or None
    code = first(error.get("code"), outer.get("code"))
    if code is None and phase == "pre_stream":
        code = first(error.get("http_status"), http_status)
    kind_word = first(
        metadata.get("error_type"),
        error.get("error_type"),
        outer.get("error_type"),
        error.get("type"),
    )
    status = status_of(http_status, code, kind_word, error)
    wait = first(number((availability or {}).get("retry_after")), retry_after)
    message = _message(error, status)
    may_pass = retryable(status, code, kind_word, availability)
    return ErrorDetail(
        kind=kind_of(status, code, kind_word, message),
        message=message,
        phase=phase,
        code=code,
        type=kind_word,
        http_status=http_status,
        provider=first(metadata.get("provider_name"), error.get("provider")),
        provider_code=metadata.get("provider_code"),
        request_id=first(request_id, outer.get("request_id"), error.get("request_id")),
        retry_safe=may_pass and not tokens_seen,
        retry_after=wait,
        meaning=meaning_of(metadata, error) or reset_words(reset_after),
        metadata=metadata,
        availability=availability,
        raw=raw_text(metadata.get("raw")),
    )


def _unwrap(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the outer object and the error object in it."""
    if isinstance(value, list):
        value = next((entry for entry in value if isinstance(entry, dict)), {})
    if not isinstance(value, dict):
        return {}, {"message": str(value)}
    inner = value.get("error")
    if isinstance(inner, list):
        inner = next((entry for entry in inner if isinstance(entry, dict)), None)
    if isinstance(inner, dict):
        return value, inner
    if isinstance(inner, str) and inner:
        return value, {**value, "message": value.get("message") or inner}
    return {}, value


def _message(error: dict[str, Any], status: int | None) -> str:
    for name in ("message", "detail", "msg", "error_msg"):
        found = error.get(name)
        if isinstance(found, str) and found.strip():
            return found.strip()
        if isinstance(found, (dict, list)) and found:
            return msgspec.json.encode(found).decode()
    return f"HTTP {status} without an explanation" if status else "an error without a message"
