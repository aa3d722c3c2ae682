"""One request as the models see it: whom it asks, for what, and how the model shall act."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from or_notebook.sandbox.catalogue import DEFAULT_MODEL, MODELS, PREFIX, Model, near_spellings
from or_notebook.sandbox.error_table import ERRORS
from or_notebook.sandbox.errors import invalid, model_not_found
from or_notebook.sandbox.question import Question
from or_notebook.sandbox.settings import Settings, read_settings
from or_notebook.sandbox.steps import Verbatim

_ASKED = ("model", "messages", "prompt", "system", "input", "instructions")
"""Body fields that make a request and its retry the same."""


@dataclass(frozen=True)
class Call:
    """One valid request; `attempt` counts equal ones of the same key from 1."""

    model: Model
    provider: str
    settings: Settings
    question: Question
    body: dict[str, Any] = field(repr=False)
    attempt: int = 1

    @property
    def streamed(self) -> bool:
        """Whether the answer is wanted piece by piece."""
        return self.question.streamed

    @property
    def cached_tokens(self) -> int:
        """Prompt tokens that the provider claims to have had in its cache."""
        return min(self.settings.cached_tokens, self.question.prompt_tokens)


def fingerprint(skin: str, body: dict[str, Any]) -> str:
    """Return a digest of what is asked, equal for a request and its retry."""
    asked = [skin, *(body.get(name) for name in _ASKED)]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def build_call(
    question: Question,
    body: dict[str, Any],
    *,
    skin: str = "chat",
    attempt: int = 1,
    models: Mapping[str, Model] = MODELS,
) -> Call:
    """Return the call that a question makes; raise a 400 if it names no model of ours."""
    model, speed = _choose(question, models)
    settings = read_settings(question.sandbox, speed)
    error = ERRORS[settings.error] if settings.error else None
    if isinstance(error, Verbatim) and (error.skin != skin or not question.streamed):
        raise invalid(f"sandbox.error: {settings.error} is for a stream of {error.skin} only")
    return Call(
        model=model,
        provider=settings.provider or model.provider,
        settings=settings,
        question=question,
        body=body,
        attempt=attempt,
    )


def _choose(question: Question, models: Mapping[str, Model]) -> tuple[Model, float | None]:
    """Return the first requested model that exists, and the speed in its name."""
    for name in question.models or [DEFAULT_MODEL]:
        base, _, speed = name.partition("@")
        if base in models:
            model = models[base]
            chosen = MODELS[PREFIX + model.behaviour] if model.is_router else model
            return chosen, _speed(name, speed)
    bare = [name.partition("@")[0] for name in question.models]
    suggestions = [near for name in bare for near in near_spellings(name, models)]
    raise model_not_found(list(question.models), list(dict.fromkeys(suggestions)))


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
