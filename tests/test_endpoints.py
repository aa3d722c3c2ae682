"""Known endpoints, the person's own, and whose key goes where."""

from __future__ import annotations

import json

import pytest

import or_notebook
from or_notebook.client.endpoints import resolve
from or_notebook.client.known_endpoints import KNOWN
from or_notebook.wire.errors import ConfigurationError
from tests.support.replay import replaying
from tests.test_client import GOOD, KEY


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    for endpoint in KNOWN.values():
        for variable in endpoint.key_variables:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("OPENROUTER_BASE_URL", raising=False)


class TestByName:
    @pytest.mark.parametrize("name", KNOWN)
    def test_every_name_resolves_with_its_own_key(self, monkeypatch, name):
        variable = KNOWN[name].key_variable
        if variable:
            monkeypatch.setenv(variable, KEY)
        endpoint = resolve(endpoint=name)
        assert endpoint.base_url == KNOWN[name].base_url
        assert endpoint.api_key == (KEY if variable else None)

    def test_the_key_of_another_service_is_not_used(self, monkeypatch):
        monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
        with pytest.raises(ConfigurationError, match="DEEPSEEK_API_KEY is not set"):
            resolve(endpoint="deepseek")

    def test_unknown_name_lists_the_known_ones(self):
        with pytest.raises(ConfigurationError, match="siliconflow"):
            resolve(endpoint="deepsek")

    def test_address_of_a_known_service_finds_its_key_and_quirks(self, monkeypatch):
        monkeypatch.setenv("MISTRAL_API_KEY", KEY)
        endpoint = resolve("https://api.mistral.ai/v1")
        assert endpoint.api_key == KEY
        assert endpoint.known.include_usage is False


class TestOwnEndpoints:
    OWN = {"work": {"base_url": "https://llm.work.example/v1", "key_variable": "WORK_KEY",
                    "headers": {"X-Team": "blue"}, "include_usage": False}}  # fmt: skip

    def test_a_name_of_ones_own(self, monkeypatch):
        monkeypatch.setenv("WORK_KEY", KEY)
        endpoint = resolve(endpoint="work", own=self.OWN)
        assert (endpoint.base_url, endpoint.api_key) == ("https://llm.work.example/v1", KEY)
        assert endpoint.headers()["X-Team"] == "blue"

    def test_a_wrong_field_is_named(self):
        with pytest.raises(ConfigurationError, match="base_ulr"):
            resolve(endpoint="work", own={"work": {"base_ulr": "https://x.example"}})


class TestQuirks:
    def send(self, own, **parameters):
        with replaying(GOOD) as server:
            settings = {"me": {"base_url": server.base_url, **own}}
            from or_notebook.api import prepare

            prepare(
                "hi", model="m", endpoint="me", own_endpoints=settings, parameters=parameters
            ).start().wait()
        return json.loads(server.bodies[0]), server.headers[0]

    def test_usage_is_not_asked_for_where_it_is_refused(self):
        body, _ = self.send({"include_usage": False})
        assert "stream_options" not in body

    def test_headers_of_ones_own_are_sent(self):
        _, headers = self.send({"headers": {"X-Team": "blue"}})
        assert headers["x-team"] == "blue"

    def test_efforts_are_translated(self):
        siliconflow = KNOWN["siliconflow"]
        assert siliconflow.translate({"reasoning_effort": "none", "top_k": 1}) == {
            "enable_thinking": False,
            "top_k": 1,
        }
        assert siliconflow.translate({"reasoning_effort": "max"})["thinking_budget"] == 32768
        assert KNOWN["openai"].translate({"reasoning_effort": "low"}) == {"reasoning_effort": "low"}


def test_system_trust_store_and_certifi_are_both_trusted():
    """A corporate authority in the system's store must do, and a bare system without one too."""
    from or_notebook.client.http import trust

    subjects = {str(entry["subject"]) for entry in trust().get_ca_certs()}
    assert any("ISRG" in subject or "DigiCert" in subject for subject in subjects)


def test_a_loopback_server_needs_no_key():
    with replaying(GOOD) as server:
        reply = or_notebook.ask("hi", model="m", base_url=server.base_url)
    assert reply.text == "Hello!"
    assert "authorization" not in server.headers[0]
