"""What a chat-completions body must look like (PROTOCOL.md, section 2.3).

Unknown fields pass, as they do at the service; a known field of the wrong type or range does not,
so that a client's mistake is seen. Each message names the field by its path.
"""

from __future__ import annotations

import json
from typing import Any

from or_notebook.sandbox.errors import invalid
from or_notebook.sandbox.messages import check_messages
from or_notebook.sandbox.rules import (
    Check,
    boolean,
    each,
    integer,
    number,
    one_of,
    record,
    text,
    text_or_list,
)

EFFORTS = ("max", "xhigh", "high", "medium", "low", "minimal", "none")

_REASONING = record(
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
_FUNCTION = record(
    {"name": text(64), "description": text(), "parameters": record({}), "strict": boolean},
    required=("name",),
)
_JSON_SCHEMA = record(
    {"name": text(64), "schema": record({}), "strict": boolean, "description": text()},
    required=("name", "schema"),
)

_FIELDS: dict[str, Check] = {
    "prompt": text(),
    "model": text(),
    "models": each(text()),
    "stream": boolean,
    "stream_options": record({"include_usage": boolean}),
    "usage": record({"include": boolean}),
    "max_tokens": integer(1),
    "max_completion_tokens": integer(1),
    "temperature": number(0, 2),
    "top_p": number(0, 1, above=True),
    "top_k": integer(0),
    "min_p": number(0, 1),
    "top_a": number(0, 1),
    "frequency_penalty": number(-2, 2),
    "presence_penalty": number(-2, 2),
    "repetition_penalty": number(0, 2, above=True),
    "seed": integer(None),
    "stop": text_or_list(4),
    "logit_bias": record({}),
    "logprobs": boolean,
    "top_logprobs": integer(0, 20),
    "response_format": record(
        {
            "type": one_of("text", "json_object", "json_schema", "grammar", "python"),
            "json_schema": _JSON_SCHEMA,
        },
        required=("type",),
    ),
    "structured_outputs": boolean,
    "tools": each(record({"type": text(), "function": _FUNCTION}, required=("type",))),
    "parallel_tool_calls": boolean,
    "reasoning": _REASONING,
    "reasoning_effort": one_of(*EFFORTS),
    "include_reasoning": boolean,
    "verbosity": one_of("low", "medium", "high", "xhigh", "max"),
    "provider": _PROVIDER,
    "plugins": each(record({"id": text(), "enabled": boolean}, required=("id",))),
    "user": text(),
    "session_id": text(256),
    "metadata": record({}),
    "service_tier": text(),
    "modalities": each(one_of("text", "image", "audio")),
    "sandbox": record(
        {
            "tokens_per_second": number(0, 100_000, above=True),
            "tokens": integer(0, 500_000),
            "after": integer(0, 500_000),
            "wait": number(0, 3600),
            "keepalives": boolean,
            "keepalive_interval": number(0.005, 3600),
            "provider": text(),
            "times": integer(0, 1000),
            "retry_after": number(0, 86_400),
            "cached_tokens": integer(0),
        },
        closed=True,
    ),
}


def parse(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in a request body."""
    try:
        body = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
        json.dumps(body, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise invalid("Request body is not valid UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise invalid(f"Request body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise invalid("Request body must be a JSON object")
    return body


def check_chat(body: dict[str, Any]) -> None:
    """Raise a 400 that names the first wrong field."""
    if body.get("messages") is None and body.get("prompt") is None:
        raise invalid("messages: required")
    if body.get("messages") is not None:
        check_messages(body["messages"])
    for name, check in _FIELDS.items():
        if body.get(name) is not None:
            check(name, body[name])
    for check_pair in (_tool_choice, _efforts, _metadata, _function_tools, _schema_given):
        check_pair(body)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _tool_choice(body: dict[str, Any]) -> None:
    choice = body.get("tool_choice")
    if choice is None or choice in ("none", "auto", "required"):
        return
    named = record(
        {"type": one_of("function"), "function": record({"name": text()}, required=("name",))},
        required=("type", "function"),
    )
    if isinstance(choice, str):
        raise invalid('tool_choice: must be "none", "auto", "required" or a function')
    named("tool_choice", choice)


def _efforts(body: dict[str, Any]) -> None:
    short = body.get("reasoning_effort")
    long = (body.get("reasoning") or {}).get("effort")
    if short is not None and long is not None and short != long:
        raise invalid("reasoning_effort: contradicts reasoning.effort")


def _metadata(body: dict[str, Any]) -> None:
    metadata = body.get("metadata") or {}
    if len(metadata) > 16:
        raise invalid("metadata: at most 16 pairs")
    for key, value in metadata.items():
        text(64)(f"metadata key {key[:20]!r}", key)
        text(512)(f"metadata.{key}", value)


def _function_tools(body: dict[str, Any]) -> None:
    for index, tool in enumerate(body.get("tools") or []):
        if tool["type"] == "function" and tool.get("function") is None:
            raise invalid(f"tools[{index}].function: required")
        if tool["type"] != "function" and not tool["type"].startswith("openrouter:"):
            raise invalid(f'tools[{index}].type: must be "function" or "openrouter:…"')


def _schema_given(body: dict[str, Any]) -> None:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema" and wanted.get("json_schema") is None:
        raise invalid("response_format.json_schema: required")
