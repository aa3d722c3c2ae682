"""Legacy completions: a prompt instead of messages (PROTOCOL.md, section 6.3)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from or_notebook.wire.request import Request
from or_notebook.wire.skins.chat import ChatDecoder

_ROLES = {"system": "System", "developer": "System", "user": "User", "assistant": "Assistant"}


class CompletionsSkin:
    """`POST /completions`."""

    headers: Mapping[str, str] = MappingProxyType({})

    def encode(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Return path and body; `parameters` win over the fields set here."""
        body: dict[str, Any] = {"model": request.model} if request.model else {}
        body["prompt"] = prompt_of(request.messages)
        body["stream"] = True
        if request.include_usage:
            body["stream_options"] = {"include_usage": True}
        body.update(request.parameters)
        return "/completions", body

    def decoder(self) -> ChatDecoder:
        """Return a decoder for one response; its chunks differ from chat's by `text` alone."""
        return ChatDecoder()


def prompt_of(messages: list[dict[str, Any]]) -> str:
    """Return a lone prompt as it is; anything longer as a transcript that the model continues."""
    if len(messages) == 1 and messages[0]["role"] == "user":
        return text_of(messages[0].get("content"))
    turns = [
        f"{_ROLES.get(message['role'], message['role'])}: {text_of(message.get('content'))}"
        for message in messages
    ]
    return "\n\n".join([*turns, "Assistant:"])


def text_of(content: Any) -> str:
    """Return the text of a message's content; parts of other kinds have no place in a prompt."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))
