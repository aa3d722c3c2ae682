"""Keeping keys out of messages: endpoints echo them, whole, masked or in part."""

from __future__ import annotations

import re

import msgspec

from or_notebook.wire.deltas import Closed, Delta, Malformed, Opened, Origin
from or_notebook.wire.errors import ErrorDetail

FRAGMENT = 8
"""A word that shares this many characters in a row with the key is taken out."""

SHORTEST_SECRET = 16
"""Below this a key is a placeholder such as `ollama`; only the whole of it is taken out."""

# Keys of the common services, masked ones too; `xai-grok-4` is a model and must stay.
_KEY_LIKE = re.compile(
    r"\b(?:(?:sk|pk|rk)-[A-Za-z0-9_\-*.…]{4,}"
    r"|(?:gsk_|hf_|xai-|nvapi-)(?:[A-Za-z0-9_\-]{16,}|[A-Za-z0-9_\-]*[*…][A-Za-z0-9_\-*…]*))"
)
_BEARER = re.compile(r"\bBearer\s+[^\s\"',;]+", re.IGNORECASE)
_MASK = "[key]"
_OF_THE_RESPONSE = (Opened, Origin, Malformed, Closed)


def redact(text: str, key: str | None) -> str:
    """Return `text` without the key, without parts of it, and without anything like a key."""
    text = _BEARER.sub(f"Bearer {_MASK}", text)
    text = _KEY_LIKE.sub(_MASK, text)
    if not key or len(key) < FRAGMENT:
        return text
    text = text.replace(key, _MASK)
    if len(key) < SHORTEST_SECRET:
        return text
    parts = {key[start : start + FRAGMENT] for start in range(len(key) - FRAGMENT + 1)}
    pieces = re.split(r"(\s+)", text)
    return "".join(_MASK if any(part in piece for part in parts) else piece for piece in pieces)


def redact_detail(detail: ErrorDetail, secrets: list[str]) -> ErrorDetail:
    """Return the facts of a failure with every text in them redacted."""
    raw = msgspec.to_builtins(detail)
    return msgspec.convert(_walk(raw, secrets), ErrorDetail)


def redact_delta(delta: Delta, secrets: list[str]) -> Delta:
    """Return a delta that tells of the response with its words redacted; the answer as it is."""
    if not isinstance(delta, _OF_THE_RESPONSE):
        return delta
    # The name of a model may look like a key: `xai-grok-4`.
    names = [name for name in delta.__struct_fields__ if name != "model"]
    fields = {name: _walk(getattr(delta, name), secrets) for name in names}
    return msgspec.structs.replace(delta, **fields)


def _walk(value: object, secrets: list[str]) -> object:
    if isinstance(value, str):
        for secret in secrets or [""]:
            value = redact(value, secret)
        return value
    if isinstance(value, dict):
        return {name: _walk(entry, secrets) for name, entry in value.items()}
    if isinstance(value, list):
        return [_walk(entry, secrets) for entry in value]
    return value
