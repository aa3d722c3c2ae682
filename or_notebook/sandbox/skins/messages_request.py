"""What a messages body must look like, and what it asks for (PROTOCOL.md, section 6.2)."""

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
from or_notebook.sandbox.rules import Check, boolean, each, integer, one_of, record, text
from or_notebook.sandbox.rules import wrong_type as wrong
from or_notebook.sandbox.settings import settings_check
from or_notebook.sandbox.skins.fields import SHARED, check_fields, require

_BLOCKS: dict[str, Check] = {
    "text": record({"text": text()}, required=("text",)),
    "image": record({"source": record({"type": text()}, required=("type",))}, required=("source",)),
    "document": record(
        {"source": record({"type": text()}, required=("type",))}, required=("source",)
    ),
    "thinking": record({"thinking": text(), "signature": text()}, required=("signature",)),
    "redacted_thinking": record({"data": text()}, required=("data",)),
    "tool_use": record(
        {"id": text(), "name": text(), "input": record({})}, required=("id", "name", "input")
    ),
    "tool_result": record({"tool_use_id": text()}, required=("tool_use_id",)),
}
_FIELDS: dict[str, Check] = {
    **SHARED,
    "max_tokens": integer(1),
    "stop_sequences": each(text()),
    "thinking": record(
        {
            "type": one_of("enabled", "disabled", "adaptive"),
            "budget_tokens": integer(1024),
            "display": one_of("summarized", "omitted"),
        },
        required=("type",),
    ),
    "tools": each(record({"name": text(), "type": text(), "input_schema": record({})})),
    "tool_choice": record(
        {
            "type": one_of("auto", "any", "tool", "none"),
            "name": text(),
            "disable_parallel_tool_use": boolean,
        },
        required=("type",),
    ),
    "output_config": record({}),
    "sandbox": settings_check("anthropic"),
}


def read_messages(body: dict[str, Any]) -> Question:
    """Return what a body asks for; raise a 400 that names the first wrong field."""
    _check(body)
    messages = body["messages"]
    choice = body.get("tool_choice") or {}
    thinking = body.get("thinking") or {}
    wanted = {"enabled": thinking.get("type") != "disabled"}
    wanted["exclude"] = thinking.get("display") == "omitted"
    return Question(
        **common(body),
        prompt_tokens=count_messages(_texts(body.get("system"), messages)),
        max_tokens=body.get("max_tokens"),
        stop=stop_sequences(body.get("stop_sequences")),
        reasoning=reasoning_wish(wanted, None),
        tools=tuple(
            Tool(tool["name"], tool["input_schema"])
            for tool in body.get("tools") or ()
            if tool.get("input_schema")
        ),
        may_call_tools=choice.get("type") != "none",
        parallel_tool_calls=choice.get("disable_parallel_tool_use") is not True,
        tool_results=_tool_results(messages[-1]),
    )


def _check(body: dict[str, Any]) -> None:
    require(body, "messages")
    each(_message)("messages", body["messages"])
    if not body["messages"]:
        raise invalid("messages: must not be empty")
    if body.get("system") is not None:
        _content("system", body["system"], ("text",))
    check_fields(body, _FIELDS)
    if (body.get("sandbox") or {}).get("flavour") == "anthropic":
        require(body, "model")
        require(body, "max_tokens")
    for index, tool in enumerate(body.get("tools") or []):
        if tool.get("type") in (None, "custom") and not (
            tool.get("name") and tool.get("input_schema") is not None
        ):
            raise invalid(f"tools[{index}]: name and input_schema are required")


def _message(path: str, message: Any) -> None:
    record({"role": text()}, required=("role", "content"))(path, message)
    one_of("user", "assistant", "system")(f"{path}.role", message["role"])
    _content(f"{path}.content", message["content"], tuple(_BLOCKS))


def _content(path: str, content: Any, kinds: tuple[str, ...]) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong(path, "a string or an array of blocks", content)
    for index, block in enumerate(content):
        here = f"{path}[{index}]"
        record({"type": text()}, required=("type",))(here, block)
        one_of(*kinds)(f"{here}.type", block["type"])
        _BLOCKS[block["type"]](here, block)


def _texts(system: Any, messages: list[dict[str, Any]]) -> list[str]:
    """Return the text of each message as chat would have it: each tool result is one."""
    texts = [text_of(system, "text")] if system else []
    for message in messages:
        results = _results(message)
        texts += [found for _, found in results]
        if not results:
            texts.append(text_of(message["content"], "text"))
    return texts


def _tool_results(message: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the results that end the conversation."""
    return tuple(_results(message)) if message["role"] == "user" else ()


def _results(message: dict[str, Any]) -> list[tuple[str, str]]:
    content = message["content"]
    blocks = [] if isinstance(content, str) else content
    return [
        (block["tool_use_id"], text_of(block.get("content"), "text"))
        for block in blocks
        if block["type"] == "tool_result"
    ]
