"""From chat messages to the body of a Messages request (PROTOCOL.md, section 6.2)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from or_notebook.wire.request import Request
from or_notebook.wire.skins.completions import text_of

DEFAULT_MAX_TOKENS = 4096
"""The dialect requires a limit; this one holds where none was given."""

_THINKING_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768}
"""Tokens for thinking by effort; 1,024 is the least that Anthropic takes (section 2.3)."""

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)


def encode(request: Request) -> dict[str, Any]:
    """Return the body; `parameters` in chat's words are translated, all others pass through."""
    parameters = dict(request.parameters)
    body: dict[str, Any] = {"model": request.model} if request.model else {}
    system = [
        text_of(message.get("content"))
        for message in request.messages
        if message["role"] in {"system", "developer"}
    ]
    if system:
        body["system"] = "\n\n".join(system)
    body["messages"] = _messages(request.messages)
    body["max_tokens"] = parameters.pop("max_completion_tokens", None) or parameters.pop(
        "max_tokens", DEFAULT_MAX_TOKENS
    )
    body["stream"] = True
    stop = parameters.pop("stop", None)
    if stop:
        body["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    _set_thinking(body, parameters.pop("reasoning_effort", None))
    tools = parameters.pop("tools", None)
    if tools:
        body["tools"] = [_tool(tool) for tool in tools]
    choice = parameters.pop("tool_choice", None)
    if choice is not None:
        body["tool_choice"] = _tool_choice(choice)
    body.update(parameters)
    return body


def _set_thinking(body: dict[str, Any], effort: str | None) -> None:
    budget = _THINKING_BUDGETS.get(effort or "", 32768 if effort == "max" else 0)
    if budget:
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
        # The limit counts thinking too, and must be larger than the budget for it.
        body["max_tokens"] = max(body["max_tokens"], budget + DEFAULT_MAX_TOKENS)


def _messages(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for message in messages:
        role = message["role"]
        if role == "tool":
            # Results of parallel calls belong into one message of the user.
            if not results:
                out.append({"role": "user", "content": results})
            results.append(_tool_result(message))
            continue
        results = []
        if role == "assistant":
            out.append({"role": role, "content": _assistant(message)})
        elif role not in {"system", "developer"}:
            content = message.get("content")
            parts = content if isinstance(content, str) else _parts(content)
            out.append({"role": role, "content": parts})
    return out


def _assistant(message: dict[str, Any]) -> Any:
    """Return the blocks of an answer; thinking goes back first and unmodified."""
    blocks = [
        block
        for block in map(_thinking_block, message.get("reasoning_details") or ())
        if block is not None
    ]
    text = text_of(message.get("content"))
    if text:
        blocks.append({"type": "text", "text": text})
    blocks += [_tool_use(call) for call in message.get("tool_calls") or ()]
    return blocks or text


def _thinking_block(detail: dict[str, Any]) -> dict[str, Any] | None:
    kind = detail.get("type")
    if kind == "thinking" and detail.get("signature"):
        return {
            "type": "thinking",
            "thinking": detail.get("text", ""),
            "signature": detail["signature"],
        }
    if kind == "redacted_thinking":
        return {"type": kind, "data": detail.get("data", "")}
    return None


def _tool_use(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {}
    try:
        arguments = msgspec.json.decode(function.get("arguments") or "{}")
    except msgspec.MsgspecError:
        arguments = {}
    return {
        "type": "tool_use",
        "id": call.get("id", ""),
        "name": function.get("name", ""),
        "input": arguments,
    }


def _tool_result(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    return {
        "type": "tool_result",
        "tool_use_id": message.get("tool_call_id", ""),
        "content": content if isinstance(content, str) else _parts(content),
    }


def _parts(content: Any) -> list[dict[str, Any]]:
    parts = content if isinstance(content, list) else []
    return [_part(part) for part in parts if isinstance(part, dict)]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    """Translate an image part; all others, text among them, look the same in both dialects."""
    if part.get("type") != "image_url":
        return part
    image = part.get("image_url")
    url = image.get("url", "") if isinstance(image, dict) else str(image)
    data = _DATA_URL.fullmatch(url)
    if data is None:
        return {"type": "image", "source": {"type": "url", "url": url}}
    source = {"type": "base64", "media_type": data.group(1), "data": data.group(2)}
    return {"type": "image", "source": source}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool.get("function")
    if not isinstance(function, dict):
        return tool
    translated = {
        "name": function.get("name", ""),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
    if function.get("description"):
        translated["description"] = function["description"]
    return translated


def _tool_choice(choice: Any) -> Any:
    if isinstance(choice, dict):
        function = choice.get("function")
        return {"type": "tool", "name": function["name"]} if function else choice
    return {"type": {"required": "any"}.get(choice, choice)}
