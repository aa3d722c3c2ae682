"""What a chat-completions body must look like, and what it asks for (PROTOCOL.md, section 2.3).

Unknown fields pass, as they do at the service; a known field of the wrong type or range does not,
so that a client's mistake is seen. Each message names the field by its path.
"""

from __future__ import annotations

from typing import Any

from or_notebook.sandbox.errors import invalid
from or_notebook.sandbox.question import (
    Question,
    Tool,
    common,
    count_messages,
    reasoning_wish,
    stop_sequences,
    text_of,
)
from or_notebook.sandbox.rules import (
    Check,
    boolean,
    each,
    integer,
    one_of,
    record,
    text,
    text_or_list,
)
from or_notebook.sandbox.settings import settings_check
from or_notebook.sandbox.skins.chat_messages import check_messages
from or_notebook.sandbox.skins.fields import EFFORTS, REASONING, SAMPLING, SHARED, check_fields
from or_notebook.sandbox.texts import tokenize

_FUNCTION = record(
    {"name": text(64), "description": text(), "parameters": record({}), "strict": boolean},
    required=("name",),
)
_JSON_SCHEMA = record(
    {"name": text(64), "schema": record({}), "strict": boolean, "description": text()},
    required=("name", "schema"),
)

_FIELDS: dict[str, Check] = {
    **SHARED,
    **SAMPLING,
    "prompt": text(),
    "stream_options": record({"include_usage": boolean}),
    "usage": record({"include": boolean}),
    "max_tokens": integer(1),
    "max_completion_tokens": integer(1),
    "stop": text_or_list(4),
    "logprobs": boolean,
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
    "reasoning": REASONING,
    "reasoning_effort": one_of(*EFFORTS),
    "include_reasoning": boolean,
    "verbosity": one_of("low", "medium", "high", "xhigh", "max"),
    "modalities": each(one_of("text", "image", "audio")),
    "sandbox": settings_check(),
}


def read_chat(body: dict[str, Any]) -> Question:
    """Return what a body asks for; raise a 400 that names the first wrong field."""
    _check(body)
    hidden = body.get("include_reasoning") is False
    wish = reasoning_wish(body.get("reasoning") or {}, body.get("reasoning_effort"))
    return Question(
        **common(body),
        prompt_tokens=_prompt_tokens(body),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        stop=stop_sequences(body.get("stop")),
        seed=body.get("seed"),
        reasoning="hidden" if hidden and wish == "shown" else wish,
        tools=tuple(
            Tool(tool["function"]["name"], tool["function"].get("parameters") or {})
            for tool in body.get("tools") or ()
            if tool["type"] == "function"
        ),
        may_call_tools=body.get("tool_choice") != "none",
        parallel_tool_calls=body.get("parallel_tool_calls") is not False,
        tool_results=_tool_results(body.get("messages") or []),
    )


def _check(body: dict[str, Any]) -> None:
    if body.get("messages") is None and body.get("prompt") is None:
        raise invalid("messages: required")
    if body.get("messages") is not None:
        check_messages(body["messages"])
    check_fields(body, _FIELDS)
    for check_pair in (_tool_choice, _efforts, _function_tools, _schema_given):
        check_pair(body)


def _prompt_tokens(body: dict[str, Any]) -> int:
    if body.get("messages") is None:
        return len(tokenize(body["prompt"]))
    return count_messages(text_of(message.get("content"), "text") for message in body["messages"])


def _tool_results(messages: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return the results that end the conversation."""
    results: list[tuple[str, str]] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        results.insert(0, (message["tool_call_id"], text_of(message.get("content"), "text")))
    return tuple(results)


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
