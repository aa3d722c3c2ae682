"""Routes: what each address of the sandbox answers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from or_notebook.sandbox.behaviours import steps_of
from or_notebook.sandbox.body import parse
from or_notebook.sandbox.call import build_call, fingerprint
from or_notebook.sandbox.catalogue import MODELS, Model, model_entry
from or_notebook.sandbox.error_table import ERRORS
from or_notebook.sandbox.errors import ApiError, invalid
from or_notebook.sandbox.generation import Generation, new_generation_id
from or_notebook.sandbox.guard import LoopbackOnly, Recorder
from or_notebook.sandbox.made_up import made_up_models
from or_notebook.sandbox.performance import Performance
from or_notebook.sandbox.records import Records, RequestRecord
from or_notebook.sandbox.skins import CHAT, SKINS, Skin
from or_notebook.sandbox.steps import Foreign, Reject
from or_notebook.sandbox.usage import Tally

GENERATION_DELAY = 0.5
"""Seconds between the end of an answer and its bill at `/generation`."""
CREDITS = Decimal(10)
"""USD of play money that every account and every key start with."""
MAX_BODY = 32 * 1024 * 1024
"""Bytes of a request body; images travel inside it."""


class Sandbox:
    """The endpoints of one sandbox, and its memory."""

    def __init__(
        self, records: Records, generation_delay: float, models: Mapping[str, Model]
    ) -> None:
        self._records = records
        self._generation_delay = generation_delay
        self._models = models

    def answer_in(self, skin: Skin) -> Callable[[Request], Awaitable[Any]]:
        """Return the endpoint that answers in one dialect."""

        async def endpoint(request: Request) -> Performance | Response:
            request.scope["sandbox.skin"] = skin
            return await self._answer(skin, request)

        return endpoint

    async def _answer(self, skin: Skin, request: Request) -> Performance | Response:
        record = _record(request)
        record.generation_id = new_generation_id()
        key = _require_key(request)
        body = parse(await _read(request))
        record.body = body
        question = skin.read(body)
        attempt = self._records.attempt(f"{key} {fingerprint(skin.name, body)}")
        call = build_call(question, body, skin=skin.name, attempt=attempt, models=self._models)
        record.model = call.model.id
        steps = steps_of(call)
        if isinstance(steps[0], Reject):
            raise _rejection(steps[0])
        if isinstance(steps[0], Foreign):
            return _foreign(steps[0])
        tally = Tally(question.prompt_tokens, call.cached_tokens)
        generation = Generation(record.generation_id, call, tally, record.headers)

        def ended(generation: Generation) -> None:
            ready_at = time.monotonic() + self._generation_delay
            self._records.add_generation(generation.data(), key, ready_at)

        return Performance(skin, generation, steps, record, ended)

    async def models(self, request: Request) -> Response:
        """`GET /models`, with paging."""
        entries = [model_entry(model) for model in self._models.values()]
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
            {
                "name": "or-notebook sandbox",
                "base_url": base_url,
                "paths": [skin.path for skin in SKINS],
                "models": list(MODELS),
                "errors": list(ERRORS),
            }
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
    records: Records | None = None,
    *,
    generation_delay: float = GENERATION_DELAY,
    catalogue: int = 0,
) -> Starlette:
    """Return the ASGI application; `generation_delay` is in seconds.

    `catalogue` is the number of further models that are made up, to fill a long list.
    """
    records = Records() if records is None else records
    models = {**MODELS, **made_up_models(catalogue)}
    sandbox = Sandbox(records, generation_delay, models)
    api: list[tuple[str, str, Callable[[Request], Awaitable[Any]]]] = [
        *(("POST", f"/api/v1{skin.path}", sandbox.answer_in(skin)) for skin in SKINS),
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
    error = ApiError(
        step.status, step.error["message"], headers=step.headers, outer=step.outer, **members
    )
    if "code" not in step.error:
        del error.error["code"]
    return error


def _foreign(step: Foreign) -> Response:
    """Return another server's response, which knows nothing of our ids."""
    headers = {"Content-Type": step.content_type, **step.headers}
    return Response(step.body, step.status, headers)


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
    skin: Skin = request.scope.get("sandbox.skin", CHAT)
    body = skin.error_body(error, generation_id)
    return JSONResponse(body, error.status, headers | error.headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    body = {"error": {"code": error.status_code, "message": error.detail}}
    return JSONResponse(body, error.status_code, error.headers)
