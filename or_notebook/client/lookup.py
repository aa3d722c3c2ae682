"""Asking an endpoint about itself: the `GET` addresses of PROTOCOL.md, section 5."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec

from or_notebook.client.endpoints import Endpoint
from or_notebook.client.redaction import redact_detail
from or_notebook.client.transport_errors import describe
from or_notebook.wire.error_bodies import detail_from_body, detail_from_object
from or_notebook.wire.errors import ErrorDetail, to_exception

TIMEOUT = 10.0


async def get_json(
    client: httpx.AsyncClient, endpoint: Endpoint, url: str, *, timeout: float = TIMEOUT
) -> Any:
    """Return the JSON value at an address of the endpoint; raises a `ChatError` without a key.

    `timeout` is in seconds, for each step of the exchange.
    """
    headers = {**endpoint.headers(), "Accept": "application/json"}
    try:
        response = await client.get(url, headers=headers, timeout=httpx.Timeout(timeout))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise to_exception(redact_detail(describe(error, endpoint), endpoint.secrets)) from None
    detail = _failure(response)
    if detail is not None:
        raise to_exception(redact_detail(detail, endpoint.secrets))
    return msgspec.json.decode(response.content)


def _failure(response: httpx.Response) -> ErrorDetail | None:
    """Return the failure that a response stands for; a body that is no JSON is one too."""
    status, path = response.status_code, response.url.path
    if status >= 400:
        detail = detail_from_body(status, response.headers, response.content)
        if detail.kind == "NotFound":
            hint = f"The endpoint has no {path}: check the base URL, which usually ends in /v1."
            return msgspec.structs.replace(detail, hint=hint)
        return detail
    try:
        value = msgspec.json.decode(response.content)
    except msgspec.MsgspecError:
        value = None
    if status < 300 and isinstance(value, dict) and value.get("error"):
        return detail_from_object(value, phase="pre_stream", http_status=status)
    if status < 300 and value is not None:
        return None
    return ErrorDetail(
        kind="ProtocolError",
        message=f"The endpoint's answer to {path} is no JSON (HTTP {status}).",
        hint="Check the base URL: it usually ends in /v1.",
        http_status=status,
    )
