"""How a request found its provider: `openrouter_metadata` (PROTOCOL.md, section 2.9)."""

from __future__ import annotations

from typing import Any

from or_notebook.sandbox.call import Call


def router_metadata(call: Call) -> dict[str, Any]:
    """Return the member `openrouter_metadata` if providers failed before this one, else nothing."""
    failed = call.settings.fallback
    if not failed:
        return {}
    tried = [*failed, call.provider]
    model = call.model.id
    return {
        "openrouter_metadata": {
            "requested": call.question.models[0] if call.question.models else model,
            "strategy": "fallback",
            "region": None,
            "summary": f"{call.provider} answered after {', '.join(failed)} failed",
            "attempt": len(tried),
            "is_byok": False,
            "endpoints": {
                "total": len(tried),
                "available": [
                    {"provider": name, "model": model, "selected": name == call.provider}
                    for name in tried
                ],
            },
            "attempts": [
                {"provider": name, "model": model, "status": 200 if name == call.provider else 502}
                for name in tried
            ],
        }
    }
