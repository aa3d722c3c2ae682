"""Two parallel tool calls, made of the tools that the request offers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from or_notebook.sandbox.question import Question, Tool
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


def call_tools(question: Question) -> Iterator[ToolFragment]:
    """Yield two calls, their fragments taking turns as they do on the wire.

    One call if the request wants none in parallel.
    """
    calls = _offered(question.tools) or list(_DEFAULT_CALLS)
    if not question.parallel_tool_calls:
        calls = calls[:1]
    for index, (name, _) in enumerate(calls):
        yield ToolFragment(index, id=f"call_{'ABCDEFGH'[index]}1b2c3d4", name=name)
    pieces = [
        [ToolFragment(index, piece) for piece in tokenize(json.dumps(given, ensure_ascii=False))]
        for index, (_, given) in enumerate(calls)
    ]
    for turn in zip_longest(*pieces):
        yield from (piece for piece in turn if piece is not None)


def tool_results(question: Question) -> str:
    """Return a sentence on the results that end the conversation; empty if there are none."""
    lines = [f"- `{call_id}`: {text}" for call_id, text in question.tool_results]
    return "\n".join(["The tools answered:", "", *lines]) if lines else ""


def _offered(tools: tuple[Tool, ...]) -> list[tuple[str, dict[str, Any]]]:
    if len(tools) == 1:
        tools *= 2
    return [(tool.name, _arguments(tool)) for tool in tools[:2]]


def _arguments(tool: Tool) -> dict[str, Any]:
    properties = tool.parameters.get("properties")
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
