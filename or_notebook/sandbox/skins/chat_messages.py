"""What the `messages` of a request must look like (PROTOCOL.md, section 2.3)."""

from __future__ import annotations

from typing import Any

from or_notebook.sandbox.errors import invalid
from or_notebook.sandbox.rules import Check, each, kind_of, one_of, record, text, wrong_type

ROLES = ("system", "developer", "user", "assistant", "tool")

_PARTS: dict[str, Check] = {
    "text": record({"text": text()}, required=("text",)),
    "image_url": record(
        {
            "image_url": record(
                {"url": text(), "detail": one_of("auto", "low", "high", "original")},
                required=("url",),
            )
        },
        required=("image_url",),
    ),
    "input_audio": record(
        {"input_audio": record({"data": text(), "format": text()}, required=("data", "format"))},
        required=("input_audio",),
    ),
    "file": record(
        {"file": record({"filename": text(), "file_data": text(), "file_id": text()})},
        required=("file",),
    ),
    "video_url": record(
        {"video_url": record({"url": text()}, required=("url",))}, required=("video_url",)
    ),
}
_TOOL_CALL = record(
    {
        "id": text(),
        "type": one_of("function"),
        "function": record({"name": text(), "arguments": text()}, required=("name", "arguments")),
    },
    required=("id", "function"),
)
_ASSISTANT = record(
    {
        "tool_calls": each(_TOOL_CALL),
        "reasoning": text(),
        "reasoning_details": each(record({"type": text()}, required=("type",))),
        "refusal": text(),
    }
)


def check_messages(messages: Any) -> None:
    """Raise a 400 that names the first wrong message."""
    each(_message)("messages", messages)
    if not messages:
        raise invalid("messages: must not be empty")


def _message(path: str, message: Any) -> None:
    record({"role": text(), "name": text()}, required=("role",))(path, message)
    role = message["role"]
    one_of(*ROLES)(f"{path}.role", role)
    if role == "assistant":
        _ASSISTANT(path, message)
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise invalid(f"{path}.tool_call_id: required")
    if message.get("content") is None and role == "assistant":
        return
    _content(f"{path}.content", message.get("content"), role)


def _content(path: str, content: Any, role: str) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong_type(path, "a string or an array of parts", content)
    for index, part in enumerate(content):
        _part(f"{path}[{index}]", part, role)


def _part(path: str, part: Any, role: str) -> None:
    if not isinstance(part, dict):
        raise wrong_type(path, "an object", part)
    kind = part.get("type")
    if not isinstance(kind, str):
        raise invalid(f"{path}.type: must be a string, not {kind_of(kind)}")
    one_of(*_PARTS)(f"{path}.type", kind)
    if kind != "text" and role not in ("user", "tool"):
        raise invalid(f"{path}.type: a message of role {role} holds text only")
    _PARTS[kind](path, part)
