"""The four dialects of one service: what a body asks for, and how an answer is written.

Behaviours know none of them. What a dialect has no word for, it leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from or_notebook.sandbox.envelope import Body, Envelope, Stream
from or_notebook.sandbox.errors import ApiError
from or_notebook.sandbox.question import Question
from or_notebook.sandbox.skins.chat_body import ChatBody
from or_notebook.sandbox.skins.chat_request import read_chat
from or_notebook.sandbox.skins.chat_stream import ChatStream
from or_notebook.sandbox.skins.completions import (
    CompletionsBody,
    CompletionsStream,
    read_completions,
)
from or_notebook.sandbox.skins.messages_answer import MessagesBody, MessagesStream, error_envelope
from or_notebook.sandbox.skins.messages_request import read_messages
from or_notebook.sandbox.skins.responses_answer import ResponsesBody, ResponsesStream, error_code
from or_notebook.sandbox.skins.responses_request import read_responses


def _plain_error(error: ApiError, _generation_id: str | None) -> dict[str, Any]:
    return {"error": error.error, **error.outer}


def _responses_error(error: ApiError, _generation_id: str | None) -> dict[str, Any]:
    code = error_code(error.error_type)
    return {"error": {"code": code, "message": str(error)}, "metadata": None, **error.outer}


def _messages_error(error: ApiError, generation_id: str | None) -> dict[str, Any]:
    return error_envelope(error.status, str(error), error.error_type, generation_id)


@dataclass(frozen=True)
class Skin:
    """One dialect; `read` raises a 400 for a body that is malformed."""

    name: str
    path: str
    read: Callable[[dict[str, Any]], Question]
    stream: Callable[[Envelope], Stream]
    body: Callable[[Envelope], Body]
    error_body: Callable[[ApiError, str | None], dict[str, Any]] = _plain_error


CHAT = Skin("chat", "/chat/completions", read_chat, ChatStream, ChatBody)
SKINS = (
    CHAT,
    Skin(
        "responses",
        "/responses",
        read_responses,
        ResponsesStream,
        ResponsesBody,
        _responses_error,
    ),
    Skin("messages", "/messages", read_messages, MessagesStream, MessagesBody, _messages_error),
    Skin("completions", "/completions", read_completions, CompletionsStream, CompletionsBody),
)
