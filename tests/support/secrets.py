"""A key that must never be seen, all the forms in which endpoints echo one, and how to look for it.

The random part of the key is like no other text, so that any eight characters of it in a row can
only come from it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.replay import Answer

RANDOM_PART = "CANARYq7ZpW3mKv9RtY2nLb5HcD8fGs4JxE6uTzX0wQ1yP"
KEY = f"sk-or-v1-{RANDOM_PART}"
FRAGMENT = 8
"""Characters in a row that nobody may see."""

FRAGMENTS = frozenset(
    RANDOM_PART[start : start + FRAGMENT] for start in range(len(RANDOM_PART) - FRAGMENT + 1)
)

ECHOES: dict[str, str] = {
    "whole": KEY,
    "bearer": f"Authorization: Bearer {KEY}",
    "quoted": f"'{KEY}'",
    "in brackets": f"(key={KEY};)",
    "without its prefix": RANDOM_PART,
    "its beginning": KEY[:24],
    "its end": KEY[-12:],
    "its middle": RANDOM_PART[10:22],
    "masked in the middle": f"{KEY[:18]}********{KEY[-4:]}",
    "masked with dots": f"{KEY[:12]}...{KEY[-9:]}",
    "in an address": f"https://api.example.com/v1?key={quote(KEY)}&x=1",
    "as JSON in a string": json.dumps({"headers": {"authorization": f"Bearer {KEY}"}}),
    "glued to words": f"invalid{KEY}key",
}
"""What an endpoint may say of a key, by how it says it."""


def seen_in(text: str | bytes) -> list[str]:
    """Return the parts of the key, eight characters long, that can be read in a text."""
    shown = text.decode("latin-1") if isinstance(text, bytes) else text
    encoded = base64.b64encode(KEY.encode()).decode()
    spellings = {encoded[start : start + 12] for start in range(len(encoded) - 12)}
    return sorted(part for part in FRAGMENTS | spellings if part in shown)


def assert_hidden(text: str | bytes, where: str) -> None:
    """Fail if any part of the key can be read in what was shown or stored there."""
    found = seen_in(text)
    if not found:
        return
    shown = text.decode("latin-1") if isinstance(text, bytes) else text
    at = shown.index(found[0])
    raise AssertionError(f"the key is seen in {where}: …{shown[max(at - 80, 0) : at + 80]!r}…")


@dataclass(frozen=True)
class Recorded:
    """A whole response: status, headers and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def saying(self, echo: str) -> Recorded:
        """Return the same response with the echo in each text for people, and in each header."""
        headers = {name: value for name, value in self.headers.items() if name in _KEPT}
        telling = {"x-request-id": echo, "x-generation-id": echo, "server": echo, "via": echo}
        body = self.body.decode("utf-8")
        if headers.get("content-type", "").startswith("text/event-stream"):
            said = "\n".join(_line_saying(line, echo) for line in body.split("\n"))
        else:
            said = _body_saying(body, echo)
        return replace(self, headers={**headers, **telling}, body=said.encode())


_KEPT = frozenset({"content-type", "retry-after", "retry-after-ms"})
_FIXED = frozenset({"object", "content", "model", "role", "finish_reason", "code", "type", "id"})
"""Members of a JSON object that a client reads by their value, or that are the answer itself."""


def _line_saying(line: str, echo: str) -> str:
    """Return one line of an event stream with the echo in its JSON, or after what is no JSON."""
    name, colon, value = line.partition(": ")
    if not colon or value == "[DONE]":
        return line
    return f"{name}: {_body_saying(value, echo)}" if name in {"data", "error"} else line


def _body_saying(body: str, echo: str) -> str:
    try:
        value = json.loads(body)
    except ValueError:
        return body.replace("</title>", f" {echo}</title>") + f" {echo}"
    return json.dumps(_walk(value, lambda text: f"{text} {echo}"))


def _walk(value: Any, change: Callable[[str], str], name: str = "") -> Any:
    if isinstance(value, str):
        return value if name in _FIXED else change(value)
    if isinstance(value, dict):
        return {key: _walk(entry, change, key) for key, entry in value.items()}
    if isinstance(value, list):
        return [_walk(entry, change, name) for entry in value]
    return value


def as_answer(recorded: Recorded) -> Answer:
    """Return the response for the replay server."""
    from tests.support.replay import Answer

    return Answer([recorded.body] if recorded.body else [], recorded.status, recorded.headers)
