"""Which kind of failure it is, and whether another try may help (PROTOCOL.md, 3.3 and 3.6)."""

from __future__ import annotations

import re
from typing import Any

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
    "max_tokens_exceeded": 400,
    "token_limit_exceeded": 400,
    "string_too_long": 400,
    "content_policy_violation": 400,
    "refusal": 400,
    "invalid_image": 400,
    "unsupported_image_format": 400,
    "image_not_found": 404,
    "precondition_failed": 412,
    "payload_too_large": 413,
    "unprocessable": 422,
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

_NO_BALANCE = re.compile(r"balance|insufficient (credit|fund)", re.IGNORECASE)
"""SiliconFlow's 403 is about money or about the person's papers (section 7)."""


def status_of(
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
        status = _status_of_word(word.casefold()) if isinstance(word, str) else None
        if status is not None:
            return status
    return None


def _status_of_word(word: str) -> int | None:
    """Return the status that a type stands for; all `image_…` but one are about the request."""
    return _STATUS_OF_TYPE.get(word, 400 if word.startswith("image_") else None)


def kind_of(status: int | None, code: object, kind_word: object, message: str) -> str:
    """Return the name of the member of the error tree."""
    if "insufficient_quota" in (code, kind_word):
        return "OutOfCredits"
    if status == 403 and _NO_BALANCE.search(message):
        return "OutOfCredits"
    if status in (400, 404, None) and (code == "model_not_found" or _MODEL_MISSING.search(message)):
        return "NotFound"
    return _KINDS.get(status or 0, "ProviderFailed")


def retryable(
    status: int | None, code: object, kind_word: object, availability: dict[str, Any] | None
) -> bool:
    """Tell whether the same request may succeed later; the endpoint's own word counts most."""
    if "insufficient_quota" in (code, kind_word):
        return False
    if availability is not None and isinstance(availability.get("retryable"), bool):
        return bool(availability["retryable"])
    if status is not None:
        return status in RETRYABLE_STATUS
    words = {str(word).casefold() for word in (code, kind_word) if word}
    return bool(words & RETRYABLE_TYPES)
