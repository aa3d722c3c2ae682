"""Errors in the forms of other servers, and in the middle of an answer (PROTOCOL.md, 3.4 and 7).

`Foreign` is a whole response and `Verbatim` the end of a stream, sent as they are; `Failure` takes
the form of the skin that it is asked on.
"""

from __future__ import annotations

import json
from typing import Any

from or_notebook.sandbox.sse import DONE, event
from or_notebook.sandbox.steps import Failure, Foreign, Verbatim

_TRACE = {"x-siliconcloud-trace-id": "ti_sandbox0123456789"}
_FAILED = "Provider returned error"


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> Foreign:
    return Foreign(status, json.dumps(body).encode(), headers=headers or {})


def _page(status: int, title: str) -> Foreign:
    page = (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n<body><center>"
        f"<h1>{title}</h1></center><hr><center>nginx</center></body></html>\n"
    )
    return Foreign(status, page.encode(), "text/html; charset=utf-8")


def _events(*payloads: Any, done: bool = False, skin: str = "chat") -> Verbatim:
    data = b"".join(event(payload) for payload in payloads)
    return Verbatim(data + (DONE if done else b""), skin)


def _chunk(**members: Any) -> dict[str, Any]:
    head = {"id": "gen-sandbox", "object": "chat.completion.chunk", "created": 1795132800}
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    return {**head, "model": "sandbox/hello", "provider": "OpenAI", "choices": [choice], **members}


_QUOTA = "You exceeded your current quota, please check your plan and billing details."
ELSEWHERE: dict[str, Foreign] = {
    "openai-quota": _json(
        429,
        {
            "error": {
                "message": _QUOTA,
                "type": "insufficient_quota",
                "param": None,
                "code": "insufficient_quota",
            }
        },
    ),
    "openai-rate-limit": _json(
        429,
        {
            "error": {
                "message": "Rate limit reached for requests",
                "type": "requests",
                "param": None,
                "code": "rate_limit_exceeded",
            }
        },
        {"retry-after-ms": "20", "x-request-id": "req_sandbox"},
    ),
    "siliconflow-400": _json(
        400, {"code": 20012, "message": "Model does not exist.", "data": None}, _TRACE
    ),
    "siliconflow-401": _json(401, "Invalid token", _TRACE),
    "siliconflow-403": _json(403, "Sorry, your account balance is insufficient", _TRACE),
    "siliconflow-404": _json(404, "404 page not found", _TRACE),
    "siliconflow-429": _json(
        429, {"message": "Request was rejected due to rate limiting.", "data": ""}, _TRACE
    ),
    "siliconflow-503": _json(
        503, {"code": 50505, "message": "Model service overloaded.", "data": None}, _TRACE
    ),
    "siliconflow-504": _json(504, "Gateway Timeout", _TRACE),
    "siliconflow-200": _json(
        200, {"code": 20012, "message": "Model does not exist.", "data": None}, _TRACE
    ),
    "ollama-404": _json(
        404,
        {
            "error": {
                "message": 'model "tiny" not found, try pulling it first',
                "type": "not_found_error",
                "param": None,
                "code": None,
            }
        },
    ),
    "llamacpp-loading": _json(
        503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}
    ),
    "llamacpp-context": _json(
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 4500,
                "n_ctx": 4096,
            }
        },
    ),
    "litellm-string-code": _json(
        401,
        {
            "error": {
                "message": "Authentication Error",
                "type": "auth_error",
                "param": "None",
                "code": "401",
            }
        },
        {"x-litellm-call-id": "sandbox-call"},
    ),
    "groq-capacity": _json(
        498,
        {"error": {"message": "Flex tier capacity exceeded", "type": "capacity_exceeded"}},
    ),
    "gemini-list": _json(
        400,
        [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}],
    ),
    "gateway-false": _json(
        502, {"success": False, "error": {"code": "upstream", "message": "Upstream failed"}}
    ),
    "html-502": _page(502, "502 Bad Gateway"),
    "html-504": _page(504, "504 Gateway Time-out"),
    "html-524": _page(524, "api.example.com | 524: A timeout occurred"),
    "html-200": _page(200, "Sign in to the network"),
    "json-200": _json(
        200,
        {"error": {"code": 502, "message": _FAILED, "metadata": {"error_type": "server"}}},
    ),
    "empty-200": Foreign(200, b"", "text/event-stream"),
    "empty-500": Foreign(500, b"", "text/plain"),
}
_RATE_LIMITED = {"code": 429, "message": "Rate limit exceeded"}
_TYPED = {"code": 429, "message": _FAILED, "metadata": {"error_type": "rate_limit_exceeded"}}
_PLAIN = {"message": "EngineCore failed", "type": "InternalServerError", "param": None, "code": 500}
_USAGE = {"prompt_tokens": 5, "completion_tokens": 20, "total_tokens": 25, "cost": 0}
DURING: dict[str, Failure | Verbatim] = {
    "mid-failure": Failure(502, _FAILED, "provider_unavailable", "upstream_disconnect"),
    "mid-rate-limit": Failure(429, _FAILED, "rate_limit_exceeded"),
    "mid-overloaded": Failure(503, "Provider is overloaded", "provider_overloaded"),
    "mid-string-code": _events(
        _chunk(id="cmpl-sandbox", error={"code": "server_error", "message": "Disconnected"})
    ),
    "mid-bare-code": _events(_chunk(error=_RATE_LIMITED)),
    "mid-no-choices": _events(_chunk(choices=[], error=_TYPED)),
    "mid-in-choice": _events(
        _chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "error", "error": _TYPED}])
    ),
    "mid-no-object": _events(_chunk(), done=True),
    "mid-then-usage": _events(_chunk(error=_TYPED), _chunk(choices=[], usage=_USAGE), done=True),
    "mid-vllm": _events({"error": _PLAIN}, done=True),
    "mid-litellm": _events({"error": {**_PLAIN, "code": "500"}}, done=True),
    "mid-llamacpp": _events({"error": {**_PLAIN, "type": "server_error"}}),
    "mid-llamacpp-field": Verbatim(f"error: {json.dumps(_PLAIN)}\n\n".encode() + DONE),
    "mid-groq": _events(_chunk(choices=[], x_groq={"error": "over capacity"})),
    "mid-siliconflow": _events({"code": 50505, "message": "Model service overloaded."}),
    "mid-ollama": _events(
        _chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}}])
    ),
    "mid-not-json": Verbatim(b"data: upstream connect error or disconnect\n\n"),
    "responses-error": _events(
        {"type": "response.error", "error": {"code": "server_error", "message": _FAILED}},
        done=True,
        skin="responses",
    ),
    "responses-error-nested": _events(
        {"type": "error", "error": {"code": "server_error", "message": _FAILED}},
        done=True,
        skin="responses",
    ),
    "responses-error-flat": _events(
        {
            "type": "error",
            "code": "rate_limit_exceeded",
            "message": "Rate limit exceeded",
            "param": None,
            "sequence_number": 9,
        },
        skin="responses",
    ),
}
