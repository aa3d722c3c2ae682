"""One request as the models see it: whom it asks, for what, and how the model shall act."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from or_notebook.sandbox.catalogue import DEFAULT_MODEL, MODELS, Model, near_spellings
from or_notebook.sandbox.errors import invalid, model_not_found
from or_notebook.sandbox.texts import tokenize

TOKENS_PER_SECOND = 60.0
KEEPALIVE_INTERVAL = 1.0
"""Seconds between two keepalive comments while a model waits."""


@dataclass(frozen=True)
class Settings:
    """How a model shall act: the request field `sandbox`, all of it optional.

    `wait` (seconds), `after` and `tokens` (counts of tokens) are None where the model's own
    default holds.
    """

    tokens_per_second: float = TOKENS_PER_SECOND
    tokens: int | None = None
    after: int | None = None
    wait: float | None = None
    keepalives: bool | None = None
    keepalive_interval: float = KEEPALIVE_INTERVAL
    provider: str | None = None
    times: int = 1
    retry_after: float = 1
    cached_tokens: int = 0


@dataclass(frozen=True)
class Call:
    """One valid request; `attempt` counts equal ones of the same key from 1."""

    model: Model
    provider: str
    settings: Settings
    body: dict[str, Any] = field(repr=False)
    prompt_tokens: int
    attempt: int = 1

    @property
    def streamed(self) -> bool:
        """Whether the answer is wanted piece by piece."""
        return bool(self.body.get("stream"))

    @property
    def cached_tokens(self) -> int:
        """Prompt tokens that the provider claims to have had in its cache."""
        return min(self.settings.cached_tokens, self.prompt_tokens)

    @property
    def max_tokens(self) -> int | None:
        """The limit on completion tokens, by either of its names."""
        limit = self.body.get("max_completion_tokens") or self.body.get("max_tokens")
        return None if limit is None else int(limit)

    @property
    def stop(self) -> list[str]:
        """The stop sequences, empty ones left out."""
        stop = self.body.get("stop") or []
        return [text for text in ([stop] if isinstance(stop, str) else stop) if text]


def fingerprint(body: dict[str, Any]) -> str:
    """Return a digest of what is asked, equal for a request and its retry."""
    asked = [body.get("model"), body.get("messages"), body.get("prompt")]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def build_call(body: dict[str, Any], attempt: int) -> Call:
    """Return the call that a valid body makes; raise a 400 if it names no model of ours."""
    model, speed = _choose(body)
    given = {k: v for k, v in (body.get("sandbox") or {}).items() if v is not None}
    settings = Settings(**({"tokens_per_second": speed} if speed else {}) | given)
    return Call(
        model=model,
        provider=settings.provider or model.provider,
        settings=settings,
        body=body,
        prompt_tokens=count_prompt_tokens(body),
        attempt=attempt,
    )


def count_prompt_tokens(body: dict[str, Any]) -> int:
    """Count the tokens of all text in the prompt, and four for each message's frame."""
    if body.get("messages") is None:
        return len(tokenize(body.get("prompt") or ""))
    return sum(4 + len(tokenize(text_of(message))) for message in body["messages"])


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message, of all its text parts if it has parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part["type"] == "text")


def _choose(body: dict[str, Any]) -> tuple[Model, float | None]:
    """Return the first requested model that exists, and the speed in its name."""
    requested = [name for name in [body.get("model"), *(body.get("models") or [])] if name]
    for name in requested or [DEFAULT_MODEL]:
        base, _, speed = name.partition("@")
        if base in MODELS:
            return MODELS[base], _speed(name, speed)
    suggestions = [near for name in requested for near in near_spellings(name.partition("@")[0])]
    raise model_not_found(requested, list(dict.fromkeys(suggestions)))


def _speed(name: str, speed: str) -> float | None:
    if not speed:
        return None
    try:
        value = float(speed)
    except ValueError:
        value = 0.0
    if not 0 < value <= 100_000:
        raise invalid(f"{name}: what follows @ is the speed in tokens per second, 1 to 100000")
    return value
