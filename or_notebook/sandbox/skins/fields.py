"""Body fields that several skins share, and the checks on them (PROTOCOL.md, section 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from or_notebook.sandbox.errors import invalid
from or_notebook.sandbox.rules import Check, boolean, each, integer, number, one_of, record, text

EFFORTS = ("max", "xhigh", "high", "medium", "low", "minimal", "none")

REASONING = record(
    {
        "effort": one_of(*EFFORTS),
        "summary": one_of("auto", "concise", "detailed"),
        "max_tokens": integer(1),
        "exclude": boolean,
        "enabled": boolean,
    }
)
_PROVIDER = record(
    {
        "order": each(text()),
        "only": each(text()),
        "ignore": each(text()),
        "allow_fallbacks": boolean,
        "require_parameters": boolean,
        "data_collection": one_of("allow", "deny"),
        "zdr": boolean,
        "quantizations": each(text()),
        "max_price": record({}),
    }
)
SHARED: dict[str, Check] = {
    "model": text(),
    "models": each(text()),
    "stream": boolean,
    "temperature": number(0, 2),
    "top_p": number(0, 1, above=True),
    "top_k": integer(0),
    "provider": _PROVIDER,
    "plugins": each(record({"id": text(), "enabled": boolean}, required=("id",))),
    "user": text(),
    "session_id": text(256),
    "metadata": record({}),
    "service_tier": text(),
}
SAMPLING: dict[str, Check] = {
    "min_p": number(0, 1),
    "top_a": number(0, 1),
    "frequency_penalty": number(-2, 2),
    "presence_penalty": number(-2, 2),
    "repetition_penalty": number(0, 2, above=True),
    "seed": integer(None),
    "logit_bias": record({}),
    "top_logprobs": integer(0, 20),
}


def check_fields(body: dict[str, Any], fields: Mapping[str, Check]) -> None:
    """Raise a 400 that names the first wrong field; unknown ones pass, as at the service."""
    for name, check in fields.items():
        if body.get(name) is not None:
            check(name, body[name])
    for key, value in (body.get("metadata") or {}).items():
        text(64)(f"metadata key {key[:20]!r}", key)
        text(512)(f"metadata.{key}", value)
    if len(body.get("metadata") or {}) > 16:
        raise invalid("metadata: at most 16 pairs")


def require(body: dict[str, Any], name: str) -> None:
    """Raise a 400 if a field is missing."""
    if body.get(name) is None:
        raise invalid(f"{name}: required")
