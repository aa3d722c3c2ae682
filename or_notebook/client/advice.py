"""What to do next: the hint that closes an error message, and the removal of keys from it."""

from __future__ import annotations

import math

import httpx
import msgspec

from or_notebook.client.catalogue import model_ids, near_spellings
from or_notebook.client.endpoints import Endpoint
from or_notebook.client.redaction import redact_detail
from or_notebook.wire.errors import ErrorDetail
from or_notebook.wire.request import Request

CREDITS_PAGE = "https://openrouter.ai/settings/credits"


def advise(detail: ErrorDetail, endpoint: Endpoint, request: Request) -> ErrorDetail:
    """Return the failure with its hint filled in and every trace of the key removed."""
    if detail.hint is None:
        detail = msgspec.structs.replace(detail, hint=_hint(detail, endpoint, request))
    return redact_detail(detail, endpoint.secrets)


async def advise_with_catalogue(
    detail: ErrorDetail, endpoint: Endpoint, request: Request, client: httpx.AsyncClient
) -> ErrorDetail:
    """Like `advise`; for a model that does not exist, names those that look like it."""
    if detail.kind == "NotFound" and not _named_by_endpoint(detail) and request.model:
        known = await model_ids(client, endpoint)
        near = near_spellings(request.model, known)
        if request.model in known:
            hint = "The model exists, but no provider is left for it: change the routing options."
            detail = msgspec.structs.replace(detail, hint=hint)
        elif near:
            detail = msgspec.structs.replace(detail, hint=f"Did you mean {_or(near)}?")
    return advise(detail, endpoint, request)


def _hint(detail: ErrorDetail, endpoint: Endpoint, request: Request) -> str:
    hint = _HINTS.get(detail.kind)
    if detail.kind == "AuthenticationFailed":
        return _key_hint(endpoint)
    if detail.kind == "OutOfCredits":
        where = f"at {CREDITS_PAGE}" if endpoint.is_openrouter else "where the key comes from"
        return f"Add credit {where}, or choose a free model (a name that ends in :free)."
    if detail.kind == "NotFound":
        named = _named_by_endpoint(detail)
        if named:
            return f"The endpoint suggests {_or(named)}."
        return f"Check the model's name{f' ({request.model})' if request.model else ''}."
    if detail.kind == "RateLimited" and detail.retry_after:
        return f"Try again in {math.ceil(detail.retry_after)} s."
    if detail.meaning and "too many" in detail.meaning:
        return "Shorten the prompt, or choose a model with a longer context."
    return hint or "Run the cell again, or choose another model or provider."


_HINTS = {
    "RateLimited": "Wait a little and run the cell again, or choose another model.",
    "InvalidRequest": "Change what the message names; --dry-run shows what is sent.",
    "PermissionDenied": "Change the prompt, the model, or the rights of the key.",
}


def _key_hint(endpoint: Endpoint) -> str:
    if endpoint.key_source == "argument":
        return "The key came from api_key=…: check it, or leave it out to use the environment."
    if endpoint.key_source == "environment":
        return f"The key came from {endpoint.key_variable}: check it where you created it."
    if endpoint.key_source == "keyring":
        return "The key came from the keyring: %key set stores another one."
    variable = endpoint.key_variable or "api_key=… in Python"
    return f"No key was sent: set {variable}, or run %key set."


def _named_by_endpoint(detail: ErrorDetail) -> list[str]:
    names = (detail.availability or {}).get("fallback_models")
    return [str(name) for name in names][:3] if isinstance(names, list) else []


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
