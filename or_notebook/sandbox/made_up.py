"""Models that are made up to fill a long catalogue: names, prices and abilities like real ones.

The same number gives the same models everywhere. They all say hello; those that reason do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count, islice

from or_notebook.sandbox.catalogue import CREATED, PARAMETERS, UNKNOWN, Model

_MILLION = Decimal(1_000_000)
_DAY = 86_400
_THINKING = ("reasoning", "include_reasoning")
_TOOLS = ("tools", "tool_choice")
_CONTEXTS = (8_192, 32_768, 131_072, 200_000, 262_144, 1_048_576)


@dataclass(frozen=True)
class _Family:
    """A line of models; `price` is USD per million prompt tokens of its smallest one."""

    author: str
    stem: str
    sizes: tuple[str, ...]
    provider: str
    price: str
    sees: bool = False
    thinks: bool = False
    calls_tools: bool = True
    is_open: bool = False


_FAMILIES = (
    _Family("openai", "gpt-{}", ("nano", "mini", "", "pro"), "OpenAI", "0.05", True, True),
    _Family("anthropic", "claude-{}", ("haiku", "sonnet", "opus"), "Anthropic", "1", True, True),
    _Family("google", "gemini-{}", ("flash-lite", "flash", "pro"), "Google", "0.1", True, True),
    _Family("meta-llama", "llama-{}", ("8b", "70b", "405b"), "Together", "0.02", is_open=True),
    _Family(
        "mistralai", "mistral-{}", ("small", "medium", "large"), "Mistral", "0.1", is_open=True
    ),
    _Family("deepseek", "deepseek-v{}", ("", "r"), "DeepSeek", "0.27", thinks=True, is_open=True),
    _Family(
        "qwen",
        "qwen-{}",
        ("4b", "14b", "32b", "235b-a22b", "max"),
        "Alibaba",
        "0.03",
        thinks=True,
        is_open=True,
    ),
    _Family("x-ai", "grok-{}", ("fast", ""), "XAI", "0.2", True, True),
    _Family("cohere", "command-{}", ("r", "a"), "Cohere", "0.15"),
    _Family("microsoft", "phi-{}", ("mini", ""), "Azure", "0.06", calls_tools=False, is_open=True),
)


def made_up_models(number: int) -> dict[str, Model]:
    """Return so many models by their ids, among them free ones and a router."""
    return {model.id: model for model in islice(_models(), number)}


def _models() -> Iterator[Model]:
    about = "Chooses a model for each prompt."
    yield Model("openrouter/auto", "OpenAI", about, UNKNOWN, UNKNOWN, acts_like="hello")
    for generation in count(3):
        for family in _FAMILIES:
            yield from _generation(family, generation)


def _generation(family: _Family, generation: int) -> Iterator[Model]:
    for rank, size in enumerate(family.sizes):
        price = Decimal(family.price) * 3**rank / _MILLION
        name = "-".join(part for part in (family.stem.format(generation), size) if part)
        thinks = family.thinks and (generation + rank) % 2 == 1
        left_out = (() if thinks else _THINKING) + (() if family.calls_tools else _TOOLS)
        model = Model(
            name=f"{family.author}/{name}",
            provider=family.provider,
            description=f"Made up: as if it were number {rank + 1} of its generation.",
            prompt_price=price,
            completion_price=4 * price,
            inputs=("text", "image") if family.sees else ("text",),
            parameters=tuple(known for known in PARAMETERS if known not in left_out),
            context_length=_CONTEXTS[(generation + rank) % len(_CONTEXTS)],
            created=CREATED - 30 * _DAY * generation - _DAY * rank,
            acts_like="reasoning" if thinks else "hello",
        )
        yield model
        if family.is_open and rank == 0:
            zero = Decimal(0)
            yield replace(
                model, name=f"{model.name}:free", prompt_price=zero, completion_price=zero
            )
