"""Which models there are, who provides them, and what a token costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

PREFIX = "sandbox/"
DEFAULT_MODEL = "sandbox/hello"
CREATED = 1795132800
"""Unix seconds: all models of the sandbox appeared on the same day."""
PARAMETERS = [
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
]


@dataclass(frozen=True)
class Model:
    """One model of the sandbox; prices are USD per token."""

    name: str
    provider: str
    description: str
    prompt_price: Decimal = Decimal("0.0000004")
    completion_price: Decimal = Decimal("0.0000016")
    outputs: tuple[str, ...] = ("text",)

    @property
    def id(self) -> str:
        """The name that requests use."""
        return PREFIX + self.name

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


def near_spellings(model_id: str) -> list[str]:
    """Return up to three known models whose names look like this one."""
    names = [model.name for model in MODELS.values()]
    name = model_id.rpartition("/")[2].lower()
    return [PREFIX + near for near in get_close_matches(name, names, n=3)]


def cost_parts(
    model: Model, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0
) -> tuple[Decimal, Decimal]:
    """Return the price of the prompt and of the completion in USD."""
    prompt = (prompt_tokens - cached_tokens) * model.prompt_price
    cached = cached_tokens * model.cached_price
    return prompt + cached, completion_tokens * model.completion_price


def model_entry(model: Model) -> dict[str, Any]:
    """Return one entry of `GET /models` (PROTOCOL.md, section 5)."""
    outputs = list(model.outputs)
    entry: dict[str, Any] = {
        "id": model.id,
        "canonical_slug": model.id,
        "name": f"Sandbox: {model.name.replace('-', ' ').capitalize()}",
        "created": CREATED,
        "description": model.description,
        "context_length": 131072,
        "architecture": {
            "modality": f"text+image->{'+'.join(outputs)}",
            "input_modalities": ["text", "image"],
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
            "context_length": 131072,
            "max_completion_tokens": 32768,
            "is_moderated": False,
        },
        "per_request_limits": None,
        "supported_parameters": PARAMETERS,
        "default_parameters": {},
        "knowledge_cutoff": None,
        "expiration_date": None,
        "hugging_face_id": None,
    }
    if model.name == "reasoning":
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
