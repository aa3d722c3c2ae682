"""Two parallel tool calls, made of the tools that the request offers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from or_notebook.sandbox.call import text_of
from or_notebook.sandbox.steps import ToolFragment
from or_notebook.sandbox.texts import tokenize

_DEFAULT_CALLS = (
    ("get_weather", {"city": "Zürich", "unit": "celsius"}),
    ("get_time", {"timezone": "Europe/Zurich"}),
)
_SAMPLES = {
    "string": "Zürich",
    "integer": 3,
    "number": 1.5,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}


def call_tools(body: dict[str, Any]) -> Iterator[ToolFragment]:
    """Yield two calls, their fragments taking turns as they do on the wire.

    One call if `parallel_tool_calls` is false.
    """
    calls = _offered(body) or list(_DEFAULT_CALLS)
    if body.get("parallel_tool_calls") is False:
        calls = calls[:1]
    for index, (name, _) in enumerate(calls):
        yield ToolFragment(index, id=f"call_{'ABCDEFGH'[index]}1b2c3d4", name=name)
    pieces = [
        [ToolFragment(index, piece) for piece in tokenize(json.dumps(given, ensure_ascii=False))]
        for index, (_, given) in enumerate(calls)
    ]
    for turn in zip_longest(*pieces):
        yield from (piece for piece in turn if piece is not None)


def tool_results(body: dict[str, Any]) -> str:
    """Return a sentence on the results that end the conversation; empty if there are none."""
    lines: list[str] = []
    for message in reversed(body.get("messages") or []):
        if message["role"] != "tool":
            break
        lines.insert(0, f"- `{message['tool_call_id']}`: {text_of(message)}")
    return "\n".join(["The tools answered:", "", *lines]) if lines else ""


def _offered(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    functions = [tool["function"] for tool in body.get("tools") or [] if tool["type"] == "function"]
    if len(functions) == 1:
        functions *= 2
    return [(function["name"], _arguments(function)) for function in functions[:2]]


def _arguments(function: dict[str, Any]) -> dict[str, Any]:
    properties = (function.get("parameters") or {}).get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: _sample(schema) for name, schema in properties.items()}


def _sample(schema: Any) -> Any:
    """Return a value that fits a simple JSON schema."""
    if not isinstance(schema, dict):
        return _SAMPLES["string"]
    if schema.get("enum"):
        return schema["enum"][0]
    return _SAMPLES.get(str(schema.get("type")), _SAMPLES["string"])
