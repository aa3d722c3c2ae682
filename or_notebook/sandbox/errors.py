"""What goes wrong: before a command starts, and before an answer begins (PROTOCOL.md, 3.2)."""

from __future__ import annotations

from typing import Any


class SetupError(Exception):
    """What keeps a command from starting; for the person at the terminal, at most three lines."""


class ApiError(Exception):
    """A status and an `error` object instead of an answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        headers: dict[str, str] | None = None,
        outer: dict[str, Any] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.outer = outer or {}
        self.error: dict[str, Any] = {"code": status, "message": message, **members}

    @property
    def error_type(self) -> str | None:
        """OpenRouter's own word for the kind of error, if it says one."""
        found = (self.error.get("metadata") or {}).get("error_type") or self.error.get("error_type")
        return None if found is None else str(found)


def invalid(message: str) -> ApiError:
    """Return a 400 for a request that is malformed."""
    return ApiError(400, message, metadata={"error_type": "invalid_request"})


def model_not_found(requested: list[str], suggestions: list[str]) -> ApiError:
    """Return a 400 for names that are no model, with the near spellings as fallbacks."""
    names = ", ".join(requested)
    availability: dict[str, Any] = {
        "code": "model_not_found",
        "retryable": False,
        "requested_models": requested,
        "docs_url": "https://openrouter.ai/docs/api-reference/errors",
    }
    if suggestions:
        availability["fallback_models"] = suggestions
    return ApiError(
        400,
        f"{names} is not a valid model ID",
        error_type="invalid_request",
        http_status=400,
        availability=availability,
    )
