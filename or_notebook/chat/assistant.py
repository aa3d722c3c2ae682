"""From a finished answer back to a message of the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from or_notebook.chat.reply import Reply


def assistant_message(reply: Reply) -> dict[str, Any]:
    """Return what the next turn sends back (PROTOCOL.md, section 2.3).

    Reasoning goes back unmodified and in order, else its signatures break.
    """
    choice = reply.choices[0]
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if choice.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
                **call.extra,
            }
            for call in choice.tool_calls
        ]
    if choice.reasoning_details:
        message["reasoning_details"] = choice.reasoning_details
    elif choice.reasoning:
        message["reasoning"] = reply.reasoning
    if choice.refusal:
        message["refusal"] = reply.refusal
    if choice.images:
        message["images"] = [
            {"type": "image_url", "image_url": {"url": url}} for url in choice.images
        ]
    if choice.audio and choice.audio.id:
        message["audio"] = {"id": choice.audio.id}
    if choice.annotations:
        message["annotations"] = choice.annotations
    return message
