"""Counting: what an answer uses up, and how the service words it (PROTOCOL.md, section 2.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from or_notebook.sandbox.catalogue import Model, cost_parts
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


def native_finish_reason(provider: str, reason: str) -> str:
    """Return the provider's own word for a finish reason."""
    return _NATIVE.get(provider, {}).get(reason, reason)


def usage(model: Model, tally: Tally) -> dict[str, Any]:
    """Return the usage object; `cost` is in USD."""
    prompt_cost, completion_cost = cost_parts(model, tally.prompt, tally.completion, tally.cached)
    counted: dict[str, Any] = {
        "prompt_tokens": tally.prompt,
        "completion_tokens": tally.completion,
        "total_tokens": tally.prompt + tally.completion,
        "cost": float(prompt_cost + completion_cost),
        "is_byok": False,
        "prompt_tokens_details": {
            "cached_tokens": tally.cached,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": None,
            "upstream_inference_prompt_cost": float(prompt_cost),
            "upstream_inference_completions_cost": float(completion_cost),
        },
        "completion_tokens_details": {"reasoning_tokens": tally.reasoning, "image_tokens": 0},
    }
    if tally.searches:
        counted["server_tool_use_details"] = {"web_search_requests": tally.searches}
    return counted
