"""What an endpoint adds to its message, in one line."""

from __future__ import annotations

import re
from typing import Any, TypeGuard

import msgspec

from or_notebook.wire.json_values import as_object, first

_CONTEXT_LENGTH = re.compile(
    r"maximum context length (?:is|of) ([\d,]+) tokens.{0,80}?"
    r"(?:requested|resulted in|sent|contains?|has)[^\d]{0,20}([\d,]+)",
    re.IGNORECASE | re.DOTALL,
)


def meaning_of(metadata: dict[str, Any], error: dict[str, Any]) -> str | None:
    """Return what the endpoint adds to its message, in one line."""
    excluded = _exclusion(as_object(error.get("availability")))
    if excluded:
        return excluded
    reasons = metadata.get("reasons")
    if isinstance(reasons, list) and reasons:
        flagged = metadata.get("flagged_input")
        words = ", ".join(str(reason) for reason in reasons)
        return f"Flagged for {words}" + (f": “{flagged}”" if flagged else "")
    prompt, context = error.get("n_prompt_tokens"), error.get("n_ctx")
    if isinstance(prompt, int) and isinstance(context, int):
        return _too_long(prompt, context)
    counts = _CONTEXT_LENGTH.search(str(error.get("message")))
    if counts:
        context, prompt = (int(count.replace(",", "")) for count in counts.groups())
        return _too_long(prompt, context)
    patterns = metadata.get("patterns")
    if isinstance(patterns, list) and patterns:
        return f"A guardrail matched {', '.join(str(pattern) for pattern in patterns)}."
    previous = _previous_errors(metadata.get("previous_errors"))
    if previous:
        return f"Tried before: {previous}."
    raw = raw_text(metadata.get("raw"))
    return f"The provider said: {raw}" if raw else None


def _exclusion(availability: dict[str, Any]) -> str | None:
    """Say which setting left no provider for a model that exists."""
    constraint = as_object(availability.get("constraint"))
    if constraint.get("field"):
        detail = constraint.get("detail")
        return f"Ruled out by {constraint['field']}" + (f": {detail}" if detail else ".")
    excluded = availability.get("excluded_by")
    if not excluded:
        return None
    words = excluded if isinstance(excluded, list) else [excluded]
    return f"Ruled out by {', '.join(str(word) for word in words)}."


def _too_long(prompt: int, context: int) -> str:
    over = f"{prompt - context:,} too many"
    return f"The request has {prompt:,} tokens, the context holds {context:,}: {over}."


def _previous_errors(value: object) -> str:
    """Return the providers that failed before this one, with their codes."""
    entries = [entry for entry in value if isinstance(entry, dict)] if _is_list(value) else []
    return ", ".join(
        f"{entry.get('provider')} ({first(entry.get('code'), entry.get('status'))})"
        for entry in entries
    )


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def raw_text(value: object) -> str | None:
    """Return a provider's own words, which may be text or any JSON."""
    if isinstance(value, str):
        return value or None
    return msgspec.json.encode(value).decode() if value else None


def reset_words(seconds: float | None) -> str | None:
    """Say when a rate limit is renewed."""
    return f"The limit is renewed in {seconds:.0f} s." if seconds else None
