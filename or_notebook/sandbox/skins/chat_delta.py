"""What one step adds to a chat message: the `delta` of a chunk (PROTOCOL.md, section 2.6)."""

from __future__ import annotations

from typing import Any

from or_notebook.sandbox.steps import (
    Citation,
    Image,
    Reasoning,
    Refusal,
    Signature,
    Step,
    Text,
    ToolFragment,
)

_TEXT = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
_SUMMARY = {"type": "reasoning.summary", "format": "openai-responses-v1", "index": 0}
_ENCRYPTED = {"type": "reasoning.encrypted", "format": "openai-responses-v1", "index": 1}


def delta_of(step: Step, spelling: str) -> dict[str, Any] | None:
    """Return the delta of a step; None if it shows nothing. `spelling` is that of reasoning."""
    if isinstance(step, Text):
        return {"content": step.text}
    if isinstance(step, Reasoning):
        return _reasoning(step.text, spelling) if step.visible else None
    if isinstance(step, Signature):
        return _signature(step.signature, spelling)
    if isinstance(step, Refusal):
        return {"content": None, "refusal": step.text}
    if isinstance(step, ToolFragment):
        return {"content": None, "tool_calls": [_tool_fragment(step)]}
    if isinstance(step, Image):
        return {"images": [{"type": "image_url", "image_url": {"url": step.url}}]}
    if isinstance(step, Citation):
        return {"annotations": [_annotation(step)]}
    return None


def _reasoning(text: str, spelling: str) -> dict[str, Any] | None:
    if spelling == "encrypted":
        return None
    if spelling == "reasoning_content":
        return {"content": None, "reasoning_content": text}
    plain = {} if spelling == "details" else {"reasoning": text}
    if spelling == "reasoning":
        return plain
    detail = {**_SUMMARY, "summary": text} if spelling == "summary" else {**_TEXT, "text": text}
    return {**plain, "reasoning_details": [detail]}


def _signature(signature: str, spelling: str) -> dict[str, Any] | None:
    if spelling in ("reasoning", "reasoning_content"):
        return None
    if spelling in ("summary", "encrypted"):
        return {"reasoning_details": [{**_ENCRYPTED, "data": signature}]}
    return {"reasoning_details": [{**_TEXT, "signature": signature}]}


def _tool_fragment(step: ToolFragment) -> dict[str, Any]:
    if step.id is None:
        return {"index": step.index, "function": {"arguments": step.arguments}}
    function = {"name": step.name, "arguments": step.arguments}
    return {"index": step.index, "id": step.id, "type": "function", "function": function}


def _annotation(step: Citation) -> dict[str, Any]:
    citation = {
        "url": step.url,
        "title": step.title,
        "content": step.content,
        "start_index": step.start,
        "end_index": step.end,
    }
    return {"type": "url_citation", "url_citation": citation}
