"""Every shape of an endpoint's error, normalised (PROTOCOL.md, sections 3.2 to 3.6 and 7)."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard

import msgspec

from or_notebook.wire.errors import ErrorDetail, Phase
from or_notebook.wire.sse import Decoder, Event

RETRYABLE_STATUS = frozenset({408, 429, 498, 500, 502, 503, 504, 529, *range(520, 528)})
"""Statuses that may pass by themselves; 498 is Groq's capacity status."""

RETRYABLE_TYPES = frozenset(
    {
        "rate_limit_exceeded",
        "rate_limit_error",
        "provider_overloaded",
        "provider_unavailable",
        "overloaded_error",
        "timeout",
        "timeout_error",
        "server",
        "server_error",
        "unmapped",
        "unavailable_error",
        "internalservererror",
        "api_error",
    }
)

SECONDS_PER_DAY = 86_400

_STATUS_OF_TYPE = {
    "authentication": 401,
    "authentication_error": 401,
    "payment_required": 402,
    "billing_error": 402,
    "insufficient_quota": 402,
    "permission_denied": 403,
    "permission_error": 403,
    "not_found": 404,
    "not_found_error": 404,
    "model_not_found": 404,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "invalid_request": 400,
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
    "exceed_context_size_error": 400,
}

_KINDS = {
    400: "InvalidRequest",
    401: "AuthenticationFailed",
    402: "OutOfCredits",
    403: "PermissionDenied",
    404: "NotFound",
    412: "InvalidRequest",
    413: "InvalidRequest",
    422: "InvalidRequest",
    429: "RateLimited",
}

_MODEL_MISSING = re.compile(
    r"model\b.{0,80}(does not exist|not found|not a valid model)|not a valid model|"
    r"no such model|model_not_found|unknown model|no healthy deployments for this model",
    re.IGNORECASE | re.DOTALL,
)


_CONTEXT_LENGTH = re.compile(
    r"maximum context length (?:is|of) ([\d,]+) tokens.{0,80}?"
    r"(?:requested|resulted in|sent|contains?|has)[^\d]{0,20}([\d,]+)",
    re.IGNORECASE | re.DOTALL,
)


def detail_from_body(status: int, headers: Mapping[str, str], body: bytes) -> ErrorDetail:
    """Normalise an error response; `headers` must look names up without case."""
    value = _value_of(body)
    if value is None:
        value = f"HTTP {status} without an explanation"
    return detail_from_object(
        value,
        phase="pre_stream",
        http_status=status,
        retry_after=retry_after(headers),
        request_id=request_id(headers),
        reset_after=reset_after(headers) if status == 429 else None,
    )


def _value_of(body: bytes) -> Any:
    """Return the JSON of a body, of the first event in it, or its words; None if it is empty."""
    text = body.decode("utf-8", "replace").strip()
    # LiteLLM sends an event stream under an error status.
    events = [item.data for item in Decoder().feed(body + b"\n\n") if isinstance(item, Event)]
    for candidate in (text, *events[:1]):
        try:
            return msgspec.json.decode(candidate)
        except msgspec.MsgspecError:
            continue
    return _words(text) or None


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
    metadata = _dict(error.get("metadata"))
    availability = _dict(error.get("availability")) or None
    code = _first(error.get("code"), outer.get("code"))
    if code is None and phase == "pre_stream":
        code = _first(error.get("http_status"), http_status)
    kind_word = _first(
        metadata.get("error_type"),
        error.get("error_type"),
        outer.get("error_type"),
        error.get("type"),
    )
    status = _status(http_status, code, kind_word, error)
    wait = _first(_number((availability or {}).get("retry_after")), retry_after)
    message = _message(error, status)
    retryable = _retryable(status, code, kind_word, availability)
    return ErrorDetail(
        kind=_kind(status, code, kind_word, message),
        message=message,
        phase=phase,
        code=code,
        type=kind_word,
        http_status=http_status,
        provider=_first(metadata.get("provider_name"), error.get("provider")),
        provider_code=metadata.get("provider_code"),
        request_id=_first(request_id, outer.get("request_id"), error.get("request_id")),
        retry_safe=retryable and not tokens_seen,
        retry_after=wait,
        meaning=_meaning(metadata, error) or _reset(reset_after),
        metadata=metadata,
        availability=availability,
        raw=_raw(metadata.get("raw")),
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


def _status(
    http_status: int | None, code: object, kind_word: object, error: dict[str, Any]
) -> int | None:
    """Return the status that tells most: the response's own, else one that the body names."""
    if http_status is not None and http_status >= 400:
        return http_status
    for value in (code, error.get("http_status")):
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if isinstance(number, int) and 400 <= number < 600:
            return number
    for word in (kind_word, code):
        if isinstance(word, str) and word.casefold() in _STATUS_OF_TYPE:
            return _STATUS_OF_TYPE[word.casefold()]
    return None


def _kind(status: int | None, code: object, kind_word: object, message: str) -> str:
    if "insufficient_quota" in (code, kind_word):
        return "OutOfCredits"
    if status == 403 and _NO_BALANCE.search(message):
        return "OutOfCredits"
    if status in (400, 404, None) and (code == "model_not_found" or _MODEL_MISSING.search(message)):
        return "NotFound"
    return _KINDS.get(status or 0, "ProviderFailed")


_NO_BALANCE = re.compile(r"balance|insufficient (credit|fund)", re.IGNORECASE)
"""SiliconFlow's 403 is about money or about the person's papers (section 7)."""


def _retryable(
    status: int | None, code: object, kind_word: object, availability: dict[str, Any] | None
) -> bool:
    if "insufficient_quota" in (code, kind_word):
        return False
    if availability is not None and isinstance(availability.get("retryable"), bool):
        return bool(availability["retryable"])
    if status is not None:
        return status in RETRYABLE_STATUS
    words = {str(word).casefold() for word in (code, kind_word) if word}
    return bool(words & RETRYABLE_TYPES)


def _meaning(metadata: dict[str, Any], error: dict[str, Any]) -> str | None:
    """Return what the endpoint adds to its message, in one line."""
    excluded = _exclusion(_dict(error.get("availability")))
    if excluded:
        return excluded
    reasons = metadata.get("reasons")
    if isinstance(reasons, list) and reasons:
        flagged = metadata.get("flagged_input")
        words = ", ".join(str(reason) for reason in reasons)
        return f"Flagged for {words}" + (f": “{flagged}”" if flagged else "")
    prompt, context = error.get("n_prompt_tokens"), error.get("n_ctx")
    if isinstance(prompt, int) and isinstance(context, int):
        return _too_long(prompt, context)
    counts = _CONTEXT_LENGTH.search(str(error.get("message")))
    if counts:
        context, prompt = (int(count.replace(",", "")) for count in counts.groups())
        return _too_long(prompt, context)
    patterns = metadata.get("patterns")
    if isinstance(patterns, list) and patterns:
        return f"A guardrail matched {', '.join(str(pattern) for pattern in patterns)}."
    previous = _previous_errors(metadata.get("previous_errors"))
    if previous:
        return f"Tried before: {previous}."
    raw = _raw(metadata.get("raw"))
    return f"The provider said: {raw}" if raw else None


def _exclusion(availability: dict[str, Any]) -> str | None:
    """Say which setting left no provider for a model that exists."""
    constraint = _dict(availability.get("constraint"))
    if constraint.get("field"):
        detail = constraint.get("detail")
        return f"Ruled out by {constraint['field']}" + (f": {detail}" if detail else ".")
    excluded = availability.get("excluded_by")
    if not excluded:
        return None
    words = excluded if isinstance(excluded, list) else [excluded]
    return f"Ruled out by {', '.join(str(word) for word in words)}."


def _too_long(prompt: int, context: int) -> str:
    over = f"{prompt - context:,} too many"
    return f"The request has {prompt:,} tokens, the context holds {context:,}: {over}."


def _previous_errors(value: object) -> str:
    """Return the providers that failed before this one, with their codes."""
    entries = [entry for entry in value if isinstance(entry, dict)] if _is_list(value) else []
    return ", ".join(
        f"{entry.get('provider')} ({_first(entry.get('code'), entry.get('status'))})"
        for entry in entries
    )


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _raw(value: object) -> str | None:
    if isinstance(value, str):
        return value or None
    return msgspec.json.encode(value).decode() if value else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait: `retry-after-ms`, else `Retry-After` in seconds or as a date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def reset_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until `X-RateLimit-Reset`, a Unix time in seconds or milliseconds."""
    moment = _number(headers.get("x-ratelimit-reset"))
    if moment is None:
        return None
    # The unit is not documented; a time in seconds beyond this would be the year 5138.
    moment = moment / 1000 if moment > 1e11 else moment
    rest = moment - time.time()
    return rest if 0 < rest < SECONDS_PER_DAY else None


def _reset(seconds: float | None) -> str | None:
    return f"The limit is renewed in {seconds:.0f} s." if seconds else None


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the identifier that the endpoint's support asks for, if it sent one."""
    names = ("x-siliconcloud-trace-id", "x-generation-id", "x-request-id", "x-litellm-call-id")
    return next((headers[name] for name in names if headers.get(name)), None)


def _words(text: str) -> str:
    """Return the words of a body that is not JSON; of an HTML page its title."""
    if "<" not in text:
        return text[:300]
    title = re.search(r"<title[^>]*>(.*?)</title>", text[:65536], re.IGNORECASE | re.DOTALL)
    found = title.group(1) if title else re.sub(r"<[^>]*>", " ", text[:4096])
    return " ".join(html.unescape(found).split())[:300]


def is_html(body: bytes) -> bool:
    """Tell whether a body is an HTML page, whatever its content type claims."""
    return body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))


def page_title(body: bytes) -> str:
    """Return the title of an HTML page, or its first words."""
    return _words(body.decode("utf-8", "replace"))


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _first(*values: Any) -> Any:
    return next((value for value in values if value not in (None, "")), None)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
