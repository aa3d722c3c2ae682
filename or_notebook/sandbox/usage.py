"""Counting: what an answer uses up, and how each skin words it (PROTOCOL.md, 2.8 and 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from or_notebook.sandbox.call import Call
from or_notebook.sandbox.catalogue import cost_parts
from or_notebook.sandbox.steps import TOKENS, Citation, Reasoning, Step

_NATIVE = {
    "Anthropic": {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"},
    "Google": {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"},
    "Google AI Studio": {"stop": "STOP", "length": "MAX_TOKENS", "tool_calls": "STOP"},
}


@dataclass
class Tally:
    """What an answer has used up so far, in tokens."""

    prompt: int
    cached: int = 0
    completion: int = 0
    reasoning: int = 0
    searches: int = 0

    def add(self, step: Step) -> None:
        """Count one step."""
        if isinstance(step, TOKENS):
            self.completion += 1
            self.reasoning += isinstance(step, Reasoning)
        elif isinstance(step, Citation):
            self.searches = 1


def finish_reasons(call: Call, reason: str) -> tuple[str, str]:
    """Return the finish reason and the provider's own word for it."""
    native = _NATIVE.get(call.provider, {}).get(reason, reason)
    settings = call.settings
    return settings.finish_reason or reason, settings.native_finish_reason or native


def total_cost(call: Call, tally: Tally) -> float:
    """Return the price of the whole answer in USD."""
    return float(sum(cost_parts(call.model, tally.prompt, tally.completion, tally.cached)))


def chat_usage(call: Call, tally: Tally) -> dict[str, Any] | None:
    """Return the usage object of chat and completions; None if there shall be none."""
    told = _told(call, tally)
    if told is None:
        return None
    counted: dict[str, Any] = {
        "prompt_tokens": told.prompt,
        "completion_tokens": told.completion,
        "total_tokens": told.prompt + told.completion,
        **_money(call, told, "prompt", "completions"),
        "prompt_tokens_details": {
            "cached_tokens": told.cached,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "completion_tokens_details": {"reasoning_tokens": told.reasoning, "image_tokens": 0},
    }
    if told.searches:
        counted["server_tool_use_details"] = {"web_search_requests": told.searches}
    return counted


def responses_usage(call: Call, tally: Tally) -> dict[str, Any] | None:
    """Return the usage object of the responses skin; None if there shall be none."""
    told = _told(call, tally)
    if told is None:
        return None
    return {
        "input_tokens": told.prompt,
        "input_tokens_details": {"cached_tokens": told.cached, "cache_write_tokens": 0},
        "output_tokens": told.completion,
        "output_tokens_details": {"reasoning_tokens": told.reasoning},
        "total_tokens": told.prompt + told.completion,
        **_money(call, told, "input", "output"),
    }


def messages_usage(call: Call, tally: Tally) -> dict[str, Any] | None:
    """Return the usage object of the messages skin, which counts cached tokens by themselves."""
    told = _told(call, tally)
    if told is None:
        return None
    return {
        "input_tokens": told.prompt - told.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": told.cached,
        "output_tokens": told.completion,
        "output_tokens_details": {"thinking_tokens": told.reasoning},
        **_money(call, told, "input", "output"),
    }


def _told(call: Call, tally: Tally) -> Tally | None:
    """Return what the usage object shall tell of a tally."""
    wanted = call.settings.usage
    return None if wanted == "none" else Tally(0) if wanted == "zero" else tally


def _money(call: Call, tally: Tally, prompt: str, completion: str) -> dict[str, Any]:
    """Return OpenRouter's additions; other vendors count tokens only."""
    if not (call.settings.cost and call.settings.is_openrouter):
        return {}
    parts = cost_parts(call.model, tally.prompt, tally.completion, tally.cached)
    return {
        "cost": float(sum(parts)),
        "is_byok": False,
        "cost_details": {
            "upstream_inference_cost": None,
            f"upstream_inference_{prompt}_cost": float(parts[0]),
            f"upstream_inference_{completion}_cost": float(parts[1]),
        },
    }
