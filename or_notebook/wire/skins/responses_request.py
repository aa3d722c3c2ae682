"""From chat messages to the body of a Responses request (PROTOCOL.md, section 6.1).

The dialect is stateless here: the whole conversation goes along each time, because
`previous_response_id` and `store` are refused by OpenRouter.
"""

from __future__ import annotations

from typing import Any

from or_notebook.wire.request import Request
from or_notebook.wire.skins.completions import text_of


def encode(request: Request) -> dict[str, Any]:
    """Return the body; `parameters` in chat's words are translated, all others pass through."""
    parameters = dict(request.parameters)
    body: dict[str, Any] = {"model": request.model} if request.model else {}
    body["input"] = [
        item for number, message in enumerate(request.messages) for item in _items(message, number)
    ]
    body["stream"] = True
    limit = parameters.pop("max_completion_tokens", None) or parameters.pop("max_tokens", None)
    if limit is not None:
        body["max_output_tokens"] = limit
    effort = parameters.pop("reasoning_effort", None)
    if effort is not None:
        body["reasoning"] = {"effort": effort}
    tools = parameters.pop("tools", None)
    if tools:
        body["tools"] = [_tool(tool) for tool in tools]
    choice = parameters.pop("tool_choice", None)
    if choice is not None:
        body["tool_choice"] = _tool_choice(choice)
    format_ = parameters.pop("response_format", None)
    if format_ is not None:
        body["text"] = {"format": _format(format_)}
    body.update(parameters)
    return body


def _items(message: dict[str, Any], number: int) -> list[dict[str, Any]]:
    role = message["role"]
    if role == "tool":
        output = text_of(message.get("content"))
        call_id = message.get("tool_call_id", "")
        return [{"type": "function_call_output", "call_id": call_id, "output": output}]
    if role == "assistant":
        return _assistant(message, number)
    content = message.get("content")
    parts = (
        [{"type": "input_text", "text": content}] if isinstance(content, str) else _parts(content)
    )
    return [{"type": "message", "role": role, "content": parts}]


def _assistant(message: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Return an answer's items; reasoning goes back first and unmodified."""
    details = message.get("reasoning_details") or ()
    items = [dict(detail) for detail in details if detail.get("type") == "reasoning"]
    text = text_of(message.get("content"))
    if text:
        items.append(
            {
                "type": "message",
                "role": "assistant",
                "id": f"msg_{number}",
                "status": "completed",
                "content": [{"type": "output_text", "text": text, "annotations": []}],
            }
        )
    for position, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function") or {}
        items.append(
            {
                "type": "function_call",
                "id": f"fc_{number}_{position}",
                "call_id": call.get("id", ""),
                "name": function.get("name", ""),
                "arguments": function.get("arguments") or "{}",
            }
        )
    return items


def _parts(content: Any) -> list[dict[str, Any]]:
    parts = content if isinstance(content, list) else []
    return [_part(part) for part in parts if isinstance(part, dict)]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "text":
        return {"type": "input_text", "text": part.get("text", "")}
    if kind == "image_url":
        image = part.get("image_url")
        found = image if isinstance(image, dict) else {"url": image}
        return {
            "type": "input_image",
            "image_url": found.get("url"),
            "detail": found.get("detail", "auto"),
        }
    if kind == "file":
        return {"type": "input_file", **(part.get("file") or {})}
    return part


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool.get("function")
    return {"type": "function", **function} if isinstance(function, dict) else tool


def _tool_choice(choice: Any) -> Any:
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        return {"type": "function", "name": choice["function"].get("name", "")}
    return choice


def _format(format_: Any) -> Any:
    """Flatten a schema: chat nests it under `json_schema`."""
    if isinstance(format_, dict) and isinstance(format_.get("json_schema"), dict):
        return {"type": "json_schema", **format_["json_schema"]}
    return format_
