"""From the bytes of a request to its JSON object."""

from __future__ import annotations

import json
from typing import Any

from or_notebook.sandbox.errors import invalid


def parse(raw: bytes) -> dict[str, Any]:
    """Return the JSON object in a request body."""
    try:
        body = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
        json.dumps(body, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise invalid("Request body is not valid UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise invalid(f"Request body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise invalid("Request body must be a JSON object")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
