"""OpenRouter's errors instead of an answer (PROTOCOL.md, 3.2), in the form of any skin."""

from __future__ import annotations

from typing import Any

from or_notebook.sandbox.steps import Reject

_DOCS = "https://openrouter.ai/docs/api-reference/errors"
_FAILED = "Provider returned error"


def _reject(
    status: int,
    message: str,
    error_type: str | None = None,
    *,
    headers: dict[str, str] | None = None,
    outer: dict[str, Any] | None = None,
    **metadata: Any,
) -> Reject:
    known = {"error_type": error_type} if error_type else {}
    error: dict[str, Any] = {"code": status, "message": message}
    if known or metadata:
        error["metadata"] = known | metadata
    return Reject(status, error, headers or {}, outer or {})


def _unavailable(status: int, code: str, message: str, *, after: int = 0, **more: Any) -> Reject:
    """Return an error with `availability`, in its printed form, which has no `code`."""
    availability = {"code": code, "retryable": after > 0, "requested_models": ["sandbox/hello"]}
    if after:
        availability["retry_after"] = after
    types = {400: "invalid_request", 403: "permission_denied", 404: "not_found"}
    types |= {429: "rate_limit_exceeded", 503: "provider_overloaded"}
    error = {
        "message": message,
        "error_type": types[status],
        "http_status": status,
        "availability": {**availability, **more, "docs_url": f"{_DOCS}#{code}"},
    }
    return Reject(status, error, {"Retry-After": str(after)} if after else {})


BEFORE: dict[str, Reject] = {
    "moderation": _reject(
        403,
        "sandbox/hello requires moderation on OpenAI. Your input was flagged.",
        "permission_denied",
        reasons=["violence", "harassment"],
        flagged_input="The first words of it...and the last ones",
        provider_name="OpenAI",
        model_slug="sandbox/hello",
    ),
    "guardrail": _reject(
        403,
        "Request blocked by a guardrail",
        "permission_denied",
        patterns=["credit card number"],
        outer={
            "openrouter_metadata": {
                "requested": "sandbox/hello",
                "pipeline": [{"type": "guardrail", "name": "content-filter", "action": "block"}],
            }
        },
    ),
    "provider": _reject(502, _FAILED, "provider_unavailable", provider_code="upstream_error"),
    "provider-masked": _reject(500, "Internal Server Error", "server"),
    "provider-legacy": _reject(
        502, _FAILED, provider_name="DeepInfra", raw='{"error":{"message":"CUDA out of memory"}}'
    ),
    "provider-legacy-object": _reject(
        400, _FAILED, provider_name="Together", raw={"error": {"message": "Bad image"}}
    ),
    "previous-errors": _reject(
        502,
        _FAILED,
        "provider_unavailable",
        previous_errors=[
            {"provider": "Azure", "code": "rate_limit_exceeded", "status": 429},
            {"provider": "OpenAI", "code": "server_error", "status": 500},
        ],
    ),
    "file-annotations": _reject(
        502,
        _FAILED,
        "provider_unavailable",
        file_annotations=[
            {"type": "file", "file": {"hash": "5a0d", "name": "a.pdf", "content": []}}
        ],
    ),
    "invalid-key": _reject(401, "User not found.", "authentication"),
    "no-credits": _reject(
        402,
        "Insufficient credits. Add more using https://openrouter.ai/credits",
        "payment_required",
        outer={"user_id": "user_sandbox"},
    ),
    "context-too-long": _reject(
        400,
        "This endpoint's maximum context length is 131072 tokens. However, you requested about "
        "150000 tokens (149000 of text input, 1000 in the output). Please reduce the length of "
        "either one, or use the context-compression plugin.",
        "context_length_exceeded",
    ),
    "request-timeout": _reject(408, "Request timed out"),
    "too-large": _reject(413, "Request entity too large", "payload_too_large"),
    "unprocessable": _reject(422, "Unprocessable entity", "unprocessable"),
    "rate-limit": _reject(
        429,
        "Rate limit exceeded: free-models-per-min.",
        "rate_limit_exceeded",
        headers={
            "X-RateLimit-Limit": "20",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": "4102444800000",
            "Retry-After": "30",
        },
    ),
    "overloaded": _reject(503, _FAILED, "provider_overloaded", headers={"Retry-After": "2"}),
    "provider-timeout": _reject(504, _FAILED, "timeout"),
    "edge-timeout": _reject(524, "Edge network timeout"),
    "overloaded-529": _reject(529, "Provider is overloaded"),
    "model-not-found": _unavailable(
        400,
        "model_not_found",
        "sandbox/esay is not a valid model ID",
        fallback_models=["sandbox/essay"],
    ),
    "wrong-endpoint": _unavailable(400, "wrong_endpoint", "Use /embeddings for this model"),
    "no-endpoints": _unavailable(404, "no_endpoints", "No endpoints found for sandbox/hello."),
    "model-deprecated": _unavailable(
        404,
        "model_deprecated",
        "sandbox/hello is deprecated",
        fallback_models=["sandbox/essay", "sandbox/reasoning"],
    ),
    "model-unavailable": _unavailable(
        404,
        "model_unavailable_upstream",
        "sandbox/hello was withdrawn by its provider",
        affected_providers=["OpenAI"],
    ),
    "privacy-restricted": _unavailable(
        404,
        "privacy_restricted",
        "No endpoints match your data policy",
        excluded_by="data_collection",
        affected_providers=["DeepSeek"],
    ),
    "constraint-filtered": _unavailable(
        404,
        "constraint_filtered",
        "No endpoints are left after your provider preferences",
        constraint={"field": "provider.max_price", "detail": "all endpoints cost more"},
    ),
    "free-variant-ended": _unavailable(
        404,
        "free_variant_ended",
        "The free period of sandbox/hello:free has ended",
        fallback_models=["sandbox/hello"],
    ),
    "region-restricted": _unavailable(403, "region_restricted", "Not available in your region"),
    "capacity-exhausted": _unavailable(
        429, "capacity_exhausted", "All providers are at capacity", after=2
    ),
    "temporarily-unavailable": _unavailable(
        503, "temporarily_unavailable", "sandbox/hello is temporarily unavailable", after=1
    ),
}
