"""The bill of one answer, as `GET /generation` tells it (PROTOCOL.md, section 4)."""

from __future__ import annotations

import random
import string
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from or_notebook.chat.billing import stops_billing
from or_notebook.sandbox.call import Call
from or_notebook.sandbox.steps import Step
from or_notebook.sandbox.usage import Tally, finish_reasons, total_cost

_ALPHABET = string.ascii_letters + string.digits


def new_generation_id() -> str:
    """Return an id in the form that the service uses."""
    tail = "".join(random.choice(_ALPHABET) for _ in range(20))
    return f"gen-{int(time.time())}-{tail}"


@dataclass
class Generation:
    """One answer in the making: what it used up, how long it took, how it ended."""

    id: str
    call: Call
    tally: Tally
    headers: dict[str, str]
    started: float = field(default_factory=time.monotonic)
    first_token: float | None = None
    finish_reason: str | None = None
    failed: bool = False
    cancelled: bool = False

    def cancel(self, steps: Sequence[Step]) -> None:
        """Note that the client left; count the whole answer if it is generated all the same.

        Only streams can be cancelled, and only at some providers. The service would know the full
        bill when the answer would have ended; here it is known at once, so that nobody waits.
        """
        self.cancelled = True
        if self.call.streamed and stops_billing(self.call.provider) is not False:
            return
        self.tally = Tally(self.tally.prompt, self.tally.cached)
        for step in steps:
            self.tally.add(step)

    def data(self) -> dict[str, Any]:
        """Return the `data` object; times in it are milliseconds, money is USD."""
        tally, call = self.tally, self.call
        # Zero completion insurance: an error finish, or no token at all, is not charged.
        free = self.failed or tally.completion == 0
        cost = 0.0 if free else total_cost(call, tally)
        now = time.monotonic()
        reason = self.finish_reason
        native = finish_reasons(call, reason)[1] if reason else None
        return {
            "id": self.id,
            "upstream_id": None,
            "request_id": None,
            "session_id": call.body.get("session_id"),
            "model": call.model.id,
            "provider_name": call.provider,
            "provider_responses": None,
            "router": None,
            "preset_id": None,
            "api_type": "completions",
            "created_at": datetime.now(timezone.utc).isoformat(),
            "streamed": call.streamed,
            "cancelled": self.cancelled,
            "finish_reason": reason,
            "native_finish_reason": native,
            "latency": round(((self.first_token or now) - self.started) * 1000),
            "moderation_latency": None,
            "generation_time": round((now - self.started) * 1000),
            "tokens_prompt": tally.prompt,
            "tokens_completion": tally.completion,
            "native_tokens_prompt": tally.prompt,
            "native_tokens_completion": tally.completion,
            "native_tokens_reasoning": tally.reasoning,
            "native_tokens_cached": tally.cached,
            "native_tokens_completion_images": 0,
            "num_media_prompt": 0,
            "num_media_completion": 0,
            "num_input_audio_prompt": 0,
            "num_search_results": 0,
            "num_fetches": 0,
            "web_search_engine": None,
            "total_cost": cost,
            "usage": cost,
            "cache_discount": None,
            "upstream_inference_cost": None,
            "is_byok": False,
            "service_tier": None,
            "data_region": None,
            "app_id": None,
            "origin": self.headers.get("http-referer", ""),
            "http_referer": self.headers.get("http-referer"),
            "user_agent": self.headers.get("user-agent"),
            "external_user": call.body.get("user"),
            "workspace_id": None,
            "response_cache_source_id": None,
        }
