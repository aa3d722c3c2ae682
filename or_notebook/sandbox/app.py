"""Routes: what each address of the sandbox answers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from or_notebook.sandbox.behaviours import steps_of
from or_notebook.sandbox.call import build_call, fingerprint
from or_notebook.sandbox.catalogue import MODELS, model_entry
from or_notebook.sandbox.errors import ApiError, invalid
from or_notebook.sandbox.generation import Generation, new_generation_id
from or_notebook.sandbox.guard import LoopbackOnly, Recorder
from or_notebook.sandbox.performance import Performance
from or_notebook.sandbox.records import Records, RequestRecord
from or_notebook.sandbox.steps import Reject
from or_notebook.sandbox.usage import Tally
from or_notebook.sandbox.validation import check_chat, parse

GENERATION_DELAY = 0.5
"""Seconds between the end of an answer and its bill at `/generation`."""
CREDITS = Decimal(10)
"""USD of play money that every account and every key start with."""
MAX_BODY = 32 * 1024 * 1024
"""Bytes of a request body; images travel inside it."""


class Sandbox:
    """The endpoints of one sandbox, and its memory."""

    def __init__(self, records: Records, generation_delay: float) -> None:
        self._records = records
        self._generation_delay = generation_delay

    async def chat_completions(self, request: Request) -> Performance:
        """`POST /chat/completions`."""
        record = _record(request)
        record.generation_id = new_generation_id()
        key = _require_key(request)
        body = parse(await _read(request))
        record.body = body
        check_chat(body)
        attempt = self._records.attempt(f"{key} {fingerprint(body)}")
        call = build_call(body, attempt)
        record.model = call.model.id
        steps = steps_of(call)
        if isinstance(steps[0], Reject):
            raise _rejection(steps[0])
        tally = Tally(call.prompt_tokens, call.cached_tokens)
        generation = Generation(record.generation_id, call, tally, record.headers)

        def ended(generation: Generation) -> None:
            ready_at = time.monotonic() + self._generation_delay
            self._records.add_generation(generation.data(), key, ready_at)

        return Performance(generation, steps, record, ended)

    async def models(self, request: Request) -> Response:
        """`GET /models`, with paging."""
        entries = [model_entry(model) for model in MODELS.values()]
        offset, limit = _count_of(request, "offset", 0), _count_of(request, "limit", 500)
        page: dict[str, Any] = {
            "data": entries[offset : offset + limit],
            "total_count": len(entries),
        }
        if limit and offset + limit < len(entries):
            more = request.url.include_query_params(offset=offset + limit, limit=limit)
            page["links"] = {"next": str(more)}
        return JSONResponse(page)

    async def generation(self, request: Request) -> Response:
        """`GET /generation?id=`: 404 until the bill is written."""
        _require_key(request)
        wanted = request.query_params.get("id")
        if not wanted:
            raise invalid("id: required")
        data = self._records.generation(wanted)
        if data is None:
            raise ApiError(404, f"Generation {wanted} not found")
        return JSONResponse({"data": data})

    async def key(self, request: Request) -> Response:
        """`GET /key`: limit and usage of the key."""
        key = _require_key(request)
        spent = self._records.spent(key)
        return JSONResponse(
            {
                "data": {
                    "label": f"sandbox key {key}",
                    "limit": float(CREDITS),
                    "limit_remaining": float(CREDITS - spent),
                    "limit_reset": None,
                    "usage": float(spent),
                    "usage_daily": float(spent),
                    "usage_weekly": float(spent),
                    "usage_monthly": float(spent),
                    "byok_usage": 0,
                    "byok_usage_daily": 0,
                    "byok_usage_weekly": 0,
                    "byok_usage_monthly": 0,
                    "include_byok_in_limit": False,
                    "is_free_tier": False,
                    "is_management_key": False,
                    "is_provisioning_key": False,
                    "expires_at": None,
                    "creator_user_id": None,
                    "rate_limit": {"requests": -1, "interval": "10s", "note": "Not in use."},
                }
            }
        )

    async def credits(self, request: Request) -> Response:
        """`GET /credits`: the play money of the account."""
        _require_key(request)
        spent = self._records.spent()
        return JSONResponse(
            {"data": {"total_credits": float(CREDITS), "total_usage": float(spent)}}
        )

    async def requests(self, _request: Request) -> Response:
        """`GET /sandbox/requests`: what the sandbox saw."""
        return JSONResponse({"requests": self._records.requests()})

    async def forget(self, _request: Request) -> Response:
        """`DELETE /sandbox/requests`: forget it."""
        self._records.clear()
        return Response(status_code=204)


async def home(request: Request) -> Response:
    """`GET /`: what this is, for people and for programs."""
    base_url = f"{request.url.scheme}://{request.url.netloc}/api/v1"
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse(
            {"name": "or-notebook sandbox", "base_url": base_url, "models": list(MODELS)}
        )
    rows = "".join(f"<dt><code>{m.id}</code></dt><dd>{m.description}</dd>" for m in MODELS.values())
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>or-notebook sandbox</title>"
        "<style>body{font:16px/1.5 system-ui;max-width:40rem;margin:2rem auto;padding:0 1rem}"
        "</style><h1>or-notebook sandbox</h1><p>A server that answers like OpenRouter, on this"
        f" machine only. Base URL: <code>{base_url}</code>, with any key.</p><dl>{rows}</dl>"
        '<p><a href="/sandbox/requests">What it saw</a></p></html>'
    )


def create_app(
    records: Records | None = None, *, generation_delay: float = GENERATION_DELAY
) -> Starlette:
    """Return the ASGI application; `generation_delay` is in seconds."""
    records = Records() if records is None else records
    sandbox = Sandbox(records, generation_delay)
    api: list[tuple[str, str, Callable[[Request], Awaitable[Any]]]] = [
        ("POST", "/api/v1/chat/completions", sandbox.chat_completions),
        ("GET", "/api/v1/models", sandbox.models),
        ("GET", "/api/v1/generation", sandbox.generation),
        ("GET", "/api/v1/key", sandbox.key),
        ("GET", "/api/v1/credits", sandbox.credits),
        ("GET", "/sandbox/requests", sandbox.requests),
        ("DELETE", "/sandbox/requests", sandbox.forget),
        ("GET", "/", home),
    ]
    app = Starlette(
        routes=[Route(path, endpoint, methods=[method]) for method, path, endpoint in api],
        exception_handlers={ApiError: _api_error, HTTPException: _http_error},
    )
    app.add_middleware(Recorder, records=records)
    app.add_middleware(LoopbackOnly)
    return app


def _record(request: Request) -> RequestRecord:
    record: RequestRecord = request.scope["sandbox.record"]
    return record


def _require_key(request: Request) -> str:
    """Return the digest of the request's key."""
    digest = _record(request).key["sha256"]
    if digest is None:
        raise ApiError(401, "Missing Authentication header")
    return str(digest)


def _rejection(step: Reject) -> ApiError:
    members = {name: step.error[name] for name in step.error if name not in ("code", "message")}
    return ApiError(step.status, step.error["message"], headers=step.headers, **members)


async def _read(request: Request) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BODY:
            raise ApiError(413, "Request body is larger than 32 MiB")
    return b"".join(pieces)


def _count_of(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise invalid(f"{name}: must be a whole number, not {value!r}")
    return int(value)


async def _api_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    generation_id = _record(request).generation_id
    headers = {"X-Generation-Id": generation_id} if generation_id else {}
    return JSONResponse(error.body(), error.status, headers | error.headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    body = {"error": {"code": error.status_code, "message": error.detail}}
    return JSONResponse(body, error.status_code, error.headers)
