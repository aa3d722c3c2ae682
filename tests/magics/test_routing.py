"""The service's own knobs: fallbacks, routing, plugins, structured output, endpoints."""

from __future__ import annotations

import dataclasses
import json

import pytest
from IPython.core.error import UsageError

from or_notebook.wire.errors import ConfigurationError, InvalidAnswer
from tests.magics.test_chat import chat
from tests.support.replay import Answer, replaying


def sent(shell, capsys, line: str) -> dict:
    """Return the body that a line would send."""
    capsys.readouterr()
    shell.run_cell(f"%%chat {line} --dry-run\nhi").raise_error()
    return json.loads(capsys.readouterr().out.partition("\n\n")[2])


class TestRouting:
    def test_fallbacks_follow_the_model(self, shell, capsys):
        body = sent(shell, capsys, "a/one --fallback a/two,b/three")
        assert (body["model"], body["models"]) == ("a/one", ["a/one", "a/two", "b/three"])

    def test_provider_preferences(self, shell, capsys):
        line = "a/b --provider x,y --only x,y,z --ignore w --sort throughput --max-price 1,5.5"
        assert sent(shell, capsys, line)["provider"] == {
            "order": ["x", "y"],
            "only": ["x", "y", "z"],
            "ignore": ["w"],
            "sort": "throughput",
            "max_price": {"prompt": 1.0, "completion": 5.5},
        }

    def test_params_add_to_the_options(self, shell, capsys):
        body = sent(shell, capsys, "a/b --sort price -p provider.data_collection=deny")
        assert body["provider"] == {"sort": "price", "data_collection": "deny"}

    def test_plugins(self, shell, capsys):
        assert sent(shell, capsys, "a/b --web --pdf-engine native")["plugins"] == [
            {"id": "web"},
            {"id": "file-parser", "pdf": {"engine": "native"}},
        ]

    def test_price_that_is_none(self, shell):
        with pytest.raises(UsageError, match="1,5"):
            chat(shell, "a/b --max-price cheap")


class TestEndpointAndApi:
    def test_dialect(self, shell, capsys):
        capsys.readouterr()
        shell.run_cell("%%chat a/b --api messages --dry-run\nhi").raise_error()
        shown = capsys.readouterr().out
        assert "/messages\n" in shown
        assert "anthropic-version: 2023-06-01" in shown
        assert '"max_tokens": 4096' in shown

    def test_endpoint_by_name(self, shell, capsys):
        capsys.readouterr()
        shell.run_cell("%%chat a/b --endpoint ollama --dry-run\nhi").raise_error()
        assert "POST http://127.0.0.1:11434/v1/chat/completions" in capsys.readouterr().out

    def test_own_endpoint_from_config(self, shell, capsys):
        shell.run_line_magic(
            "config", "ChatMagics.endpoints = {'me': {'base_url': 'http://localhost:9/v1'}}"
        )
        shell.run_line_magic("config", "ChatMagics.endpoint = 'me'")
        capsys.readouterr()
        shell.run_cell("%%chat a/b --dry-run\nhi").raise_error()
        assert "POST http://localhost:9/v1/chat/completions" in capsys.readouterr().out

    def test_unknown_endpoint(self, shell):
        with pytest.raises(ConfigurationError, match="siliconflow"):
            chat(shell, "a/b --endpoint nowhere")


@dataclasses.dataclass
class City:
    name: str
    people: int


class TestStructuredOutput:
    def answering(self, text: str) -> Answer:
        content = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
        return Answer([b"data: " + json.dumps(content).encode() + b"\n\n", b"data: [DONE]\n\n"])

    def test_schema_from_the_namespace(self, shell):
        shell.user_ns["City"] = City
        with replaying(self.answering('{"name": "Bern", "people": 1}')) as server:
            chat(shell, f"a/b --schema City --endpoint {server.base_url}")
        assert shell.user_ns["_chat"].parsed == City("Bern", 1)
        assert json.loads(server.bodies[0])["response_format"]["json_schema"]["name"] == "City"

    def test_answer_that_does_not_fit(self, shell, capsys):
        shell.user_ns["City"] = City
        with replaying(self.answering('{"name": 3}')) as server:
            with pytest.raises(InvalidAnswer, match="City"):
                chat(shell, f"a/b --schema City --endpoint {server.base_url}")
        assert '"name": 3' in capsys.readouterr().out

    def test_missing_name(self, shell):
        with pytest.raises(UsageError, match="no variable 'Town'"):
            chat(shell, "a/b --schema Town")

    def test_json(self, shell, capsys):
        assert sent(shell, capsys, "a/b --json")["response_format"] == {"type": "json_object"}


class TestSecrets:
    def test_a_header_of_ones_own_that_holds_a_key_is_not_shown(self, shell, capsys):
        own = {"me": {"base_url": "http://localhost:9/v1",
                      "headers": {"X-Api-Key": "canary-0123456789", "X-Team": "blue"}}}  # fmt: skip
        shell.run_line_magic("config", f"ChatMagics.endpoints = {own!r}")
        capsys.readouterr()
        shell.run_cell("%%chat a/b --endpoint me --dry-run\nhi").raise_error()
        shown = capsys.readouterr().out
        assert "X-Team: blue" in shown
        assert "canary" not in shown

    def test_it_is_taken_out_of_errors_too(self):
        from or_notebook.client.redaction import redact_detail
        from or_notebook.wire.errors import ErrorDetail

        detail = ErrorDetail(kind="ChatError", message="bad key canary-0123456789 sent")
        assert "canary" not in redact_detail(detail, ["canary-0123456789"]).message
