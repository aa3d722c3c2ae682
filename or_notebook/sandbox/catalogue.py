"""Which models there are, who provides them, and what a token costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

PREFIX = "sandbox/"
DEFAULT_MODEL = "sandbox/hello"
CREATED = 1795132800
"""Unix seconds: all models of the sandbox appeared on the same day."""
UNKNOWN = Decimal(-1)
"""Price of a router: it is that of the model which it chooses."""
PARAMETERS = (
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "stop",
    "temperature",
    "top_p",
    "tools",
    "tool_choice",
    "reasoning",
    "include_reasoning",
)


@dataclass(frozen=True)
class Model:
    """One model; prices are USD per token, `behaviour` is what it does when asked."""

    name: str
    provider: str
    description: str
    prompt_price: Decimal = Decimal("0.0000004")
    completion_price: Decimal = Decimal("0.0000016")
    outputs: tuple[str, ...] = ("text",)
    inputs: tuple[str, ...] = ("text", "image")
    parameters: tuple[str, ...] = PARAMETERS
    context_length: int = 131072
    created: int = CREATED
    acts_like: str | None = None

    @property
    def id(self) -> str:
        """The name that requests use."""
        return self.name if "/" in self.name else PREFIX + self.name

    @property
    def behaviour(self) -> str:
        """The name of its behaviour; that of the sandbox's own models is their own."""
        return self.acts_like or self.name

    @property
    def is_router(self) -> bool:
        """Whether another model answers in its place."""
        return self.prompt_price == UNKNOWN

    @property
    def title(self) -> str:
        """The name for people."""
        author, _, rest = self.id.partition("/")
        return f"{author.capitalize()}: {rest.replace('-', ' ').capitalize()}"

    @property
    def cached_price(self) -> Decimal:
        """Price of a prompt token that the provider had in its cache."""
        return self.prompt_price / 4


MODELS = {
    model.id: model
    for model in (
        Model("hello", "OpenAI", "Says hello in a few words."),
        Model("essay", "Fireworks", "A long Markdown essay: lists, table, code and math."),
        Model(
            "reasoning",
            "Anthropic",
            "Thinks first, visibly, and then answers.",
            Decimal("0.000003"),
            Decimal("0.000015"),
        ),
        Model("slow", "Google", "Sends keepalives for five seconds, then answers."),
        Model("rate-limited", "Groq", "Status 429 for the first request of a prompt, then works."),
        Model("out-of-credits", "OpenAI", "Status 402: the account has no credit left."),
        Model("fails", "DeepInfra", "An error in the middle of the answer."),
        Model("truncated", "Novita", "The answer ends without a finish reason."),
        Model("reset", "Together", "The connection is reset in the middle of the answer."),
        Model("stall", "Mistral", "Falls silent in the middle of the answer."),
        Model("silent", "SambaNova", "Never answers, not even with headers."),
        Model("echo", "Cloudflare", "Answers with the request body that it received."),
        Model("tools", "OpenAI", "Calls two tools in parallel."),
        Model("refuses", "Anthropic", "Refuses to answer."),
        Model("length", "Cohere", "Stops in mid-sentence at its length limit."),
        Model("citations", "Perplexity", "Answers with numbered sources."),
        Model(
            "image",
            "Google AI Studio",
            "Draws a small picture.",
            outputs=("text", "image"),
        ),
    )
}


def near_spellings(model_id: str, models: Mapping[str, Model] = MODELS) -> list[str]:
    """Return up to three known models whose names look like this one."""
    author, _, name = model_id.lower().rpartition("/")
    names = {known.rpartition("/")[2]: known for known in models}
    near = get_close_matches(name, names, n=3)
    return [names[found] for found in near] or get_close_matches(f"{author}/{name}", models, n=3)


def cost_parts(
    model: Model, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0
) -> tuple[Decimal, Decimal]:
    """Return the price of the prompt and of the completion in USD."""
    prompt = (prompt_tokens - cached_tokens) * model.prompt_price
    cached = cached_tokens * model.cached_price
    return prompt + cached, completion_tokens * model.completion_price


def model_entry(model: Model) -> dict[str, Any]:
    """Return one entry of `GET /models` (PROTOCOL.md, section 5)."""
    inputs, outputs = list(model.inputs), list(model.outputs)
    entry: dict[str, Any] = {
        "id": model.id,
        "canonical_slug": model.id,
        "name": model.title,
        "created": model.created,
        "description": model.description,
        "context_length": model.context_length,
        "architecture": {
            "modality": f"{'+'.join(inputs)}->{'+'.join(outputs)}",
            "input_modalities": inputs,
            "output_modalities": outputs,
            "tokenizer": "Other",
            "instruct_type": None,
        },
        "pricing": {
            "prompt": _decimal(model.prompt_price),
            "completion": _decimal(model.completion_price),
            "request": "0",
            "image": "0",
            "input_cache_read": _decimal(model.cached_price),
        },
        "top_provider": {
            "context_length": model.context_length,
            "max_completion_tokens": 32768,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": list(model.parameters),
        "default_parameters": {},
        "knowledge_cutoff": None,
        "expiration_date": None,
        "hugging_face_id": None,
    }
    if model.behaviour == "reasoning":
        entry["reasoning"] = {
            "supported_efforts": ["high", "medium", "low", "none"],
            "default_effort": "medium",
            "default_enabled": True,
            "mandatory": False,
            "supports_max_tokens": False,
        }
    return entry


def _decimal(price: Decimal) -> str:
    return f"{price.normalize():f}"
