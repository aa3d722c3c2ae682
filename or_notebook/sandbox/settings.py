"""How a model shall act: the request field `sandbox`, the same on every skin."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from or_notebook.sandbox.error_table import ERRORS
from or_notebook.sandbox.rules import Check, boolean, each, integer, number, one_of, record, text

TOKENS_PER_SECOND = 60.0
KEEPALIVE_INTERVAL = 1.0
"""Seconds between two keepalive comments while a model waits."""
USAGES = ("last", "empty_choices", "repeated_finish", "on_finish", "every_chunk", "zero", "none")
SPELLINGS = ("text", "reasoning", "reasoning_content", "details", "summary", "encrypted")
OPENINGS = ("azure", "debug", "litellm", "ping")


@dataclass(frozen=True)
class Settings:
    """What a request may ask of the sandbox itself, all of it optional.

    Pace: `tokens_per_second`; `wait` seconds before the first token with keepalives every
    `keepalive_interval`; `keepalives: false` sends none, `keepalive_form: "data"` wraps them as a
    proxy does.

    Content: `tokens` is the length of the answer, `after` the tokens before it breaks off (both
    None where the model's own default holds); `provider` signs it; `cached_tokens` of the prompt
    count as cached; `fallback` names providers that failed before this one.

    Errors: `error` is a name from `error_table`; `times` requests of the same prompt get it (None:
    all; 1 for `sandbox/rate-limited`, which tells `retry_after` seconds).

    Form: `flavour` is the dialect's own vendor instead of OpenRouter; `reasoning` the spelling of
    reasoning; `usage` where the usage stands (chat and completions; "zero" and "none" everywhere)
    and `cost: false` leaves the money out; `finish: false` sends no finish reason, `done: false` no
    `[DONE]`; `finish_reason` and `native_finish_reason` replace the model's own words; `opening`
    is a chunk that some servers send before all others (chat).
    """

    tokens_per_second: float = TOKENS_PER_SECOND
    tokens: int | None = None
    after: int | None = None
    wait: float | None = None
    keepalives: bool | None = None
    keepalive_interval: float = KEEPALIVE_INTERVAL
    keepalive_form: str = "comment"
    provider: str | None = None
    fallback: tuple[str, ...] = ()
    times: int | None = None
    retry_after: float = 1
    cached_tokens: int = 0
    error: str | None = None
    flavour: str = "openrouter"
    reasoning: str = "text"
    usage: str = "last"
    cost: bool = True
    finish: bool = True
    done: bool = True
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    opening: str | None = None

    @property
    def is_openrouter(self) -> bool:
        """Whether the answer has OpenRouter's own form."""
        return self.flavour == "openrouter"


CHECKS: dict[str, Check] = {
    "tokens_per_second": number(0, 100_000, above=True),
    "tokens": integer(0, 500_000),
    "after": integer(0, 500_000),
    "wait": number(0, 3600),
    "keepalives": boolean,
    "keepalive_interval": number(0.005, 3600),
    "keepalive_form": one_of("comment", "data"),
    "provider": text(),
    "fallback": each(text()),
    "times": integer(0, 1000),
    "retry_after": number(0, 86_400),
    "cached_tokens": integer(0),
    "error": one_of(*ERRORS),
    "reasoning": one_of(*SPELLINGS),
    "usage": one_of(*USAGES),
    "cost": boolean,
    "finish": boolean,
    "done": boolean,
    "finish_reason": text(),
    "native_finish_reason": text(),
    "opening": one_of(*OPENINGS),
}
NAMES = tuple(field.name for field in fields(Settings))


def settings_check(*flavours: str) -> Check:
    """Return the check of the field `sandbox` for a skin that knows these other flavours."""
    return record({**CHECKS, "flavour": one_of("openrouter", *flavours)}, closed=True)


def read_settings(given: dict[str, Any], speed: float | None) -> Settings:
    """Return the settings of a checked field `sandbox`; `speed` comes from the model's name."""
    values = {name: value for name, value in given.items() if value is not None}
    if speed is not None:
        values.setdefault("tokens_per_second", speed)
    return Settings(**values | {"fallback": tuple(values.get("fallback") or ())})
