"""Structured answers: what is sent for each kind of type, and what comes back."""

from __future__ import annotations

import dataclasses
import json
from typing import TypedDict

import msgspec
import pytest

import or_notebook
from or_notebook.chat.schema import Schema, strict
from or_notebook.wire.errors import ConfigurationError, InvalidAnswer
from tests.support.replay import Answer, replaying


@dataclasses.dataclass
class City:
    name: str
    people: int = 0


class CityDict(TypedDict):
    name: str
    people: int


class CityStruct(msgspec.Struct):
    name: str
    people: int


CITY_SCHEMA = {
    "title": "City",
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
    "required": ["name", "people"],
}

TARGETS = [City, CityDict, CityStruct, CITY_SCHEMA]


def answering(text: str) -> Answer:
    content = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
    return Answer([b"data: " + json.dumps(content).encode() + b"\n\n", b"data: [DONE]\n\n"])


def ask(server, schema, **options):
    return or_notebook.ask(
        "hi", model="m", base_url=server.base_url, api_key="k", schema=schema, **options
    )


@pytest.mark.parametrize("target", TARGETS, ids=["dataclass", "TypedDict", "Struct", "dict"])
class TestEveryKindOfType:
    def test_a_strict_schema_is_sent(self, target):
        with replaying(answering('{"name": "Bern", "people": 1}')) as server:
            ask(server, target)
        sent = json.loads(server.bodies[0])["response_format"]
        assert sent["type"] == "json_schema"
        assert sent["json_schema"]["strict"] is True
        schema = sent["json_schema"]["schema"]
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        assert schema["required"] == ["name", "people"]

    def test_the_object_comes_back(self, target):
        with replaying(answering('{"name": "Bern", "people": 134000}')) as server:
            parsed = ask(server, target).parsed
        name = parsed["name"] if isinstance(parsed, dict) else parsed.name
        assert name == "Bern"
        if isinstance(target, type) and target is not CityDict:
            assert isinstance(parsed, target)

    def test_an_answer_that_does_not_fit_is_explained_and_kept(self, target):
        with replaying(answering('{"name": "Bern", "people": "many"}')) as server:
            with pytest.raises(InvalidAnswer) as caught:
                ask(server, target)
        assert caught.value.reply.text == '{"name": "Bern", "people": "many"}'
        assert caught.value.reply.parsed is None
        assert "int" in str(caught.value)
        assert len(str(caught.value).splitlines()) <= 3


class Model:
    """Stands for a Pydantic model: the same three members, so that no test needs Pydantic."""

    @classmethod
    def model_json_schema(cls):
        return CITY_SCHEMA

    @classmethod
    def model_validate_json(cls, text):
        value = json.loads(text)
        if not isinstance(value["people"], int):
            raise ValueError("people: should be an integer")
        return value


def test_pydantic_models_validate_themselves():
    with replaying(answering('{"name": "B", "people": 1}'), answering('{"people": "x"}')) as server:
        assert ask(server, Model).parsed == {"name": "B", "people": 1}
        with pytest.raises(InvalidAnswer, match="should be an integer"):
            ask(server, Model)


def test_a_fenced_answer_is_read_too():
    with replaying(answering('```json\n{"name": "Bern", "people": 1}\n```')) as server:
        assert ask(server, City).parsed == City("Bern", 1)


def test_what_is_no_schema_is_refused_before_anything_is_sent():
    with pytest.raises(ConfigurationError, match="int is no schema"):
        Schema.of(3)


def test_strict_reaches_nested_objects_and_resolves_the_root():
    class Outer(msgspec.Struct):
        cities: list[CityStruct]

    schema = strict(msgspec.json.schema(Outer))
    assert schema["type"] == "object"
    inner = schema["$defs"]["CityStruct"]
    assert inner["additionalProperties"] is False
    assert inner["required"] == ["name", "people"]


def test_the_responses_skin_nests_it_differently():
    with replaying(answering("{}")) as server, pytest.raises(or_notebook.ChatError):
        ask(server, City, api="responses", retries=0)
    format_ = json.loads(server.bodies[0])["text"]["format"]
    assert (format_["type"], format_["name"], format_["strict"]) == ("json_schema", "City", True)
