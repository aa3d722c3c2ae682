"""What a responses body must look like, and what it asks for (PROTOCOL.md, section 6.1)."""

from __future__ import annotations

from typing import Any

from or_notebook.sandbox.errors import invalid
from or_notebook.sandbox.question import (
    Question,
    Tool,
    common,
    count_messages,
    reasoning_wish,
    text_of,
)
from or_notebook.sandbox.rules import Check, boolean, each, integer, one_of, record, text
from or_notebook.sandbox.rules import wrong_type as wrong
from or_notebook.sandbox.settings import settings_check
from or_notebook.sandbox.skins.fields import REASONING, SAMPLING, SHARED, check_fields, require

_TEXTS = ("input_text", "output_text", "text")
_PARTS: dict[str, Check] = {
    "input_text": record({"text": text()}, required=("text",)),
    "output_text": record({"text": text()}, required=("text",)),
    "refusal": record({"refusal": text()}, required=("refusal",)),
    "input_image": record({"image_url": text(), "detail": text(), "file_id": text()}),
    "input_file": record({"filename": text(), "file_data": text(), "file_url": text()}),
    "input_audio": record({"input_audio": record({})}, required=("input_audio",)),
    "input_video": record({"video_url": text()}, required=("video_url",)),
}
_ITEMS: dict[str, Check] = {
    "function_call": record(
        {"call_id": text(), "name": text(), "arguments": text()},
        required=("call_id", "name", "arguments"),
    ),
    "function_call_output": record({"call_id": text()}, required=("call_id", "output")),
    "reasoning": record(
        {
            "id": text(),
            "summary": each(record({"text": text()}, required=("text",))),
            "content": each(record({"text": text()}, required=("text",))),
            "encrypted_content": text(),
            "signature": text(),
        },
        required=("id", "summary"),
    ),
    "image_generation_call": record({"id": text()}, required=("id",)),
}
_FUNCTION = record(
    {"type": text(), "name": text(64), "description": text(), "parameters": record({})},
    required=("type",),
)
_FIELDS: dict[str, Check] = {
    **SHARED,
    **SAMPLING,
    "instructions": text(),
    "max_output_tokens": integer(1),
    "reasoning": REASONING,
    "tools": each(_FUNCTION),
    "parallel_tool_calls": boolean,
    "text": record(
        {
            "format": record(
                {
                    "type": one_of("text", "json_object", "json_schema"),
                    "name": text(64),
                    "schema": record({}),
                },
                required=("type",),
            ),
            "verbosity": one_of("low", "medium", "high", "xhigh", "max"),
        }
    ),
    "include": each(text()),
    "modalities": each(one_of("text", "image")),
    "sandbox": settings_check("openai"),
}


def read_responses(body: dict[str, Any]) -> Question:
    """Return what a body asks for; raise a 400 that names the first wrong field."""
    _check(body)
    items = body["input"]
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    return Question(
        **common(body),
        prompt_tokens=count_messages(_texts(body.get("instructions"), items)),
        max_tokens=body.get("max_output_tokens"),
        seed=body.get("seed"),
        reasoning=reasoning_wish(body.get("reasoning") or {}, None),
        tools=tuple(
            Tool(tool["name"], tool.get("parameters") or {})
            for tool in body.get("tools") or ()
            if tool["type"] == "function"
        ),
        may_call_tools=body.get("tool_choice") != "none",
        parallel_tool_calls=body.get("parallel_tool_calls") is not False,
        tool_results=_tool_results(items),
    )


def _check(body: dict[str, Any]) -> None:
    require(body, "input")
    if not isinstance(body["input"], str):
        each(_item)("input", body["input"])
        if not body["input"]:
            raise invalid("input: must not be empty")
    check_fields(body, _FIELDS)
    for index, tool in enumerate(body.get("tools") or []):
        if tool["type"] == "function" and not tool.get("name"):
            raise invalid(f"tools[{index}].name: required")
    choice = body.get("tool_choice")
    if not isinstance(choice, dict) and choice not in (None, "none", "auto", "required"):
        raise invalid('tool_choice: must be "none", "auto", "required" or a function')
    if body.get("store") is True or body.get("previous_response_id") is not None:
        raise invalid("store and previous_response_id: this API keeps no responses")


def _item(path: str, item: Any) -> None:
    record({"type": text(), "role": text()})(path, item)
    kind = item.get("type") or "message"
    if kind == "message":
        _message(path, item)
    else:
        one_of("message", *_ITEMS)(f"{path}.type", kind)
        _ITEMS[kind](path, item)


def _message(path: str, item: dict[str, Any]) -> None:
    record({}, required=("role", "content"))(path, item)
    one_of("system", "developer", "user", "assistant")(f"{path}.role", item["role"])
    content = item["content"]
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong(f"{path}.content", "a string or an array of parts", content)
    for index, part in enumerate(content):
        here = f"{path}.content[{index}]"
        record({"type": text()}, required=("type",))(here, part)
        one_of(*_PARTS)(f"{here}.type", part["type"])
        _PARTS[part["type"]](here, part)


def _texts(instructions: str | None, items: list[dict[str, Any]]) -> list[str]:
    texts = [instructions] if instructions else []
    for item in items:
        kind = item.get("type") or "message"
        if kind in ("message", "function_call_output"):
            texts.append(text_of(item["content" if kind == "message" else "output"], *_TEXTS))
    return texts


def _tool_results(items: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return the results that end the conversation."""
    results: list[tuple[str, str]] = []
    for item in reversed(items):
        if item.get("type") != "function_call_output":
            break
        results.insert(0, (item["call_id"], text_of(item["output"], *_TEXTS)))
    return tuple(results)
