"""Structured answers: the schema that is sent, and the object that comes back.

Each kind of type is described and validated by the library it belongs to: Pydantic models by
Pydantic, dataclasses, TypedDicts and Structs by msgspec, JSON schemas by jsonschema.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Callable
from typing import Any, is_typeddict

import msgspec

from or_notebook.chat.reply import Reply
from or_notebook.wire.errors import ConfigurationError, ErrorDetail

_FENCE = re.compile(r"\s*```[^\n]*\n(.*)\n```\s*\Z", re.DOTALL)
NAME_LENGTH = 64
"""Characters that a schema's name may have (PROTOCOL.md, section 2.3)."""


class MisfitError(ValueError):
    """An answer does not fit its schema; the message is the validator's own."""


class Schema:
    """What an answer must look like."""

    def __init__(self, name: str, schema: dict[str, Any], parse: Callable[[str], Any]) -> None:
        self.name = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:NAME_LENGTH] or "answer"
        self.schema = strict(schema)
        self._parse = parse

    @classmethod
    def of(cls, target: Any) -> Schema:
        """Return the schema of a type or of a JSON schema dict.

        Raises `ConfigurationError` for anything else.
        """
        if isinstance(target, dict):
            return cls(str(target.get("title") or "answer"), target, _json_parser(target))
        if isinstance(target, type) and hasattr(target, "model_validate_json"):
            model: Any = target
            return cls(model.__name__, model.model_json_schema(), _pydantic_parser(model))
        if isinstance(target, type) and (
            dataclasses.is_dataclass(target)
            or is_typeddict(target)
            or issubclass(target, msgspec.Struct)
        ):
            return cls(target.__name__, msgspec.json.schema(target), _msgspec_parser(target))
        raise ConfigurationError(
            ErrorDetail(
                kind="ConfigurationError",
                message=f"A {type(target).__name__} is no schema for an answer.",
                phase="connect",
                hint="Use a Pydantic model, dataclass, TypedDict, msgspec Struct or JSON schema.",
            )
        )

    def fields(self) -> dict[str, Any]:
        """Return the field of the request body that asks for it (PROTOCOL.md, section 2.3)."""
        inner = {"name": self.name, "strict": True, "schema": self.schema}
        return {"response_format": {"type": "json_schema", "json_schema": inner}}

    def validate(self, reply: Reply) -> None:
        """Set `reply.parsed`, or `reply.misfit` to what the validator says."""
        fenced = _FENCE.match(reply.text)
        try:
            reply.parsed = self._parse(fenced.group(1) if fenced else reply.text)
        except MisfitError as error:
            reply.misfit = ErrorDetail(
                kind="InvalidAnswer",
                message=f"The answer does not fit {self.name}.",
                phase="mid_stream",
                provider=reply.provider,
                meaning=str(error),
                hint="Run the cell again, or choose a model that supports structured output.",
            )


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema as strict endpoints want it.

    The root is an object rather than a reference, objects allow no further properties, and all
    their properties are required.
    """
    root: dict[str, Any] = _strict(schema)
    name = root.get("$ref", "").rpartition("/")[2]
    definitions = root.get("$defs", {})
    if name in definitions:
        root = {**definitions[name], "$defs": definitions}
    return root


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    out = {name: _strict(value) for name, value in node.items()}
    properties = out.get("properties")
    if out.get("type") == "object" and isinstance(properties, dict):
        out["additionalProperties"] = False
        out["required"] = list(properties)
    return out


def _msgspec_parser(target: type) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return msgspec.json.decode(text, type=target)
        except msgspec.MsgspecError as error:
            raise MisfitError(str(error)) from error

    return parse


def _pydantic_parser(target: Any) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return target.model_validate_json(text)
        except ValueError as error:
            # Pydantic's ValidationError is a ValueError, and so is what a validator raises.
            raise MisfitError(_pydantic_words(error)) from error

    return parse


def _pydantic_words(error: ValueError) -> str:
    details = getattr(error, "errors", None)
    if details is None:
        return str(error)
    found = details(include_url=False)
    words = [f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}" for one in found]
    return "; ".join(words).lstrip(": ")


def _json_parser(schema: dict[str, Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = msgspec.json.decode(text)
        except msgspec.MsgspecError as error:
            raise MisfitError(str(error)) from error
        try:
            jsonschema = importlib.import_module("jsonschema")
        except ModuleNotFoundError:
            raise MisfitError("It cannot be validated: pip install jsonschema") from None
        try:
            jsonschema.validate(value, schema)
        except jsonschema.ValidationError as error:
            raise MisfitError(error.message) from error
        return value

    return parse
