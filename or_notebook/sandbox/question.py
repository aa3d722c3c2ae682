"""What a request asks for, whichever skin it came in: the view that behaviours have of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from or_notebook.sandbox.texts import tokenize

FRAME_TOKENS = 4
"""Tokens that a message costs beside its text."""


@dataclass(frozen=True)
class Tool:
    """A function that the model may call; `parameters` is a JSON schema."""

    name: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Question:
    """One request; `models` in order of preference, `tool_results` as pairs of id and text."""

    models: tuple[str, ...]
    prompt_tokens: int
    streamed: bool = False
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    temperature: float | None = None
    reasoning: Literal["shown", "hidden", "off"] = "shown"
    tools: tuple[Tool, ...] = ()
    may_call_tools: bool = True
    parallel_tool_calls: bool = True
    tool_results: tuple[tuple[str, str], ...] = ()
    sandbox: dict[str, Any] = field(default_factory=dict)


def common(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that all skins write alike."""
    return {
        "models": tuple(n for n in (body.get("model"), *(body.get("models") or ())) if n),
        "streamed": bool(body.get("stream")),
        "temperature": body.get("temperature"),
        "sandbox": body.get("sandbox") or {},
    }


def stop_sequences(stop: str | list[str] | None) -> tuple[str, ...]:
    """Return the stop sequences, empty ones left out."""
    return tuple(text for text in ([stop] if isinstance(stop, str) else stop or ()) if text)


def text_of(content: Any, *kinds: str) -> str:
    """Return the text of a message's content, of all its parts of these types if it has parts."""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content or () if part.get("type") in kinds)


def count_messages(texts: Iterable[str]) -> int:
    """Count the tokens of all messages, frames included."""
    return sum(FRAME_TOKENS + len(tokenize(text)) for text in texts)


def reasoning_wish(wanted: dict[str, Any], effort: str | None) -> Literal["shown", "hidden", "off"]:
    """Return what a `reasoning` object in OpenRouter's form asks for."""
    if (wanted.get("effort") or effort) == "none" or wanted.get("enabled") is False:
        return "off"
    return "hidden" if wanted.get("exclude") is True else "shown"
