"""From what a person passes as a prompt to the messages of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from or_notebook.chat.reply import Reply
from or_notebook.wire.errors import ConfigurationError, ErrorDetail

Prompt: TypeAlias = "str | Iterable[Mapping[str, Any] | Reply]"


def to_messages(prompt: Prompt, system: str | None = None) -> list[dict[str, Any]]:
    """Return the messages to send: the system prompt first, the prompt's text untouched.

    A prompt is a string or a list of messages; a `Reply` in the list stands for its assistant
    message, reasoning and tool calls included. Raises `ConfigurationError` for an empty prompt or
    a message without a role.
    """
    messages: list[dict[str, Any]] = []
    if system:
        messages.append({"role": "system", "content": system})
    if isinstance(prompt, str):
        if not prompt.strip():
            raise _nothing_to_send(
                "The prompt is empty.", "Write the question below the %%chat line, or behind %chat."
            )
        messages.append({"role": "user", "content": prompt})
        return messages
    turns = [_message(turn, number) for number, turn in enumerate(prompt)]
    if not turns:
        raise _nothing_to_send("The list of messages is empty.", "Add at least one message.")
    return messages + turns


def _message(turn: object, number: int) -> dict[str, Any]:
    if isinstance(turn, Reply):
        return turn.to_message()
    if isinstance(turn, Mapping) and isinstance(turn.get("role"), str):
        return dict(turn)
    raise _nothing_to_send(
        f"Message {number} is no message: {type(turn).__name__} without a role.",
        'A message looks like {"role": "user", "content": "…"}.',
    )


def _nothing_to_send(message: str, hint: str) -> ConfigurationError:
    return ConfigurationError(
        ErrorDetail(kind="ConfigurationError", message=message, phase="connect", hint=hint)
    )
