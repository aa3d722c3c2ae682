"""The request field `sandbox`: other servers' habits and errors, and a long catalogue."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from or_notebook.sandbox.error_table import ERRORS
from or_notebook.sandbox.made_up import made_up_models
from or_notebook.sandbox.server import running_sandbox
from or_notebook.sandbox.settings import CHECKS, NAMES
from or_notebook.sandbox.steps import Failure, Foreign, Reject, Verbatim

FAST = 100_000


@pytest.fixture
def client(sandbox_client: httpx.Client) -> httpx.Client:
    return sandbox_client


def post(
    client: httpx.Client, model: str = "hello", *, stream: bool = True, **settings: Any
) -> httpx.Response:
    body = {
        "model": f"sandbox/{model}",
        "messages": [{"role": "user", "content": "Tell me."}],
        "stream": stream,
        "temperature": 0,
        "sandbox": {"tokens_per_second": FAST, **settings},
    }
    return client.post("/chat/completions", json=body)


def chunks(client: httpx.Client, model: str = "hello", **settings: Any) -> list[dict[str, Any]]:
    response = post(client, model, **settings)
    assert response.status_code == 200, response.text
    lines = [line.removeprefix("data: ") for line in response.text.split("\n") if "data: {" in line]
    return [json.loads(line) for line in lines]


def message(client: httpx.Client, model: str, **settings: Any) -> dict[str, Any]:
    answer = post(client, model, stream=False, **settings).json()["choices"][0]["message"]
    assert isinstance(answer, dict)
    return answer


def test_every_setting_is_checked() -> None:
    assert {*CHECKS, "flavour"} == set(NAMES)


# -- usage, finish, keepalives -----------------------------------------------------------------


def test_usage_chunk_without_choices(client: httpx.Client) -> None:
    *_, finish, usage = chunks(client, usage="empty_choices")
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] > 0


def test_usage_chunk_that_repeats_the_finish_reason(client: httpx.Client) -> None:
    *_, finish, usage = chunks(client, usage="repeated_finish")
    assert usage["choices"] == finish["choices"]
    assert "usage" in usage


def test_usage_on_the_finish_chunk(client: httpx.Client) -> None:
    *tokens, finish = chunks(client, usage="on_finish")
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert finish["usage"]["completion_tokens"] == len(tokens)


def test_usage_that_grows_on_every_chunk(client: httpx.Client) -> None:
    *tokens, finish = chunks(client, usage="every_chunk")
    counts = [chunk["usage"]["completion_tokens"] for chunk in tokens]
    assert counts == list(range(1, len(tokens) + 1))
    assert finish["usage"]["completion_tokens"] == len(tokens)


def test_no_usage_but_a_bill(client: httpx.Client) -> None:
    *_, finish = answer = chunks(client, usage="none")
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in chunk for chunk in answer)
    bill = client.get("/generation", params={"id": finish["id"]}).json()["data"]
    assert bill["total_cost"] > 0


def test_zero_usage(client: httpx.Client) -> None:
    usage = chunks(client, usage="zero")[-1]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["cost"]) == (0, 0, 0)


def test_usage_without_money(client: httpx.Client) -> None:
    usage = chunks(client, cost=False)[-1]["usage"]
    assert usage["completion_tokens"] > 0
    assert not {"cost", "cost_details", "is_byok"} & set(usage)


def test_no_finish_reason(client: httpx.Client) -> None:
    response = post(client, finish=False)
    assert '"finish_reason":"' not in response.text
    assert response.text.endswith("data: [DONE]\n\n")
    assert "[DONE]" not in post(client, done=False).text


def test_finish_reason_of_another_server(client: httpx.Client) -> None:
    settings = {"finish_reason": "insufficient_system_resource", "native_finish_reason": "error"}
    finish = chunks(client, **settings)[-2]["choices"][0]
    assert {name: finish[name] for name in settings} == settings


def test_keepalives_that_a_proxy_wraps_as_data(client: httpx.Client) -> None:
    assert post(client, keepalive_form="data").text.startswith("data: : OPENROUTER PROCESSING\n\n")


@pytest.mark.parametrize("opening", ["azure", "litellm", "debug", "ping"])
def test_chunk_before_all_others(client: httpx.Client, opening: str) -> None:
    first, second, *_ = chunks(client, opening=opening)
    assert not first.get("choices")
    assert second["choices"][0]["delta"]["content"] == "Hello"


# -- reasoning and routing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelling", "plain", "details"),
    [
        ("text", "reasoning", ["reasoning.text"]),
        ("reasoning", "reasoning", []),
        ("reasoning_content", "reasoning_content", []),
        ("details", None, ["reasoning.text"]),
        ("summary", "reasoning", ["reasoning.summary", "reasoning.encrypted"]),
        ("encrypted", None, ["reasoning.encrypted"]),
    ],
)
def test_reasoning_in_every_spelling(
    client: httpx.Client, spelling: str, plain: str | None, details: list[str]
) -> None:
    answer = chunks(client, "reasoning", reasoning=spelling)
    deltas = [chunk["choices"][0]["delta"] for chunk in answer]
    whole = message(client, "reasoning", reasoning=spelling)
    for name in ("reasoning", "reasoning_content"):
        text = "".join(delta.get(name) or "" for delta in deltas)
        assert text == (whole.get(name) or "")
        assert text.startswith("The user wants" if name == plain else "")
        assert bool(text) == (name == plain)
    streamed = [detail for delta in deltas for detail in delta.get("reasoning_details", ())]
    assert list(dict.fromkeys(detail["type"] for detail in streamed)) == details
    assert [detail["type"] for detail in whole.get("reasoning_details", ())] == details
    assert whole["content"].startswith("**The ball costs")


def test_fallback_is_told_on_the_last_chunk(client: httpx.Client) -> None:
    *others, last = chunks(client, fallback=["Azure", "Fireworks"])
    assert not any("openrouter_metadata" in chunk for chunk in others)
    metadata = last["openrouter_metadata"]
    assert metadata["attempt"] == 3
    assert [(a["provider"], a["status"]) for a in metadata["attempts"]] == [
        ("Azure", 502),
        ("Fireworks", 502),
        ("OpenAI", 200),
    ]


# -- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n, e in ERRORS.items() if isinstance(e, Reject)])
def test_own_error_takes_the_form_of_its_skin(client: httpx.Client, name: str) -> None:
    error = ERRORS[name]
    assert isinstance(error, Reject)
    response = post(client, error=name)
    assert response.status_code == error.status
    assert response.json() == {"error": error.error, **error.outer}
    assert response.headers["X-Generation-Id"]
    assert all(response.headers[header] == value for header, value in error.headers.items())
    body = {"model": "sandbox/hello", "messages": [{"role": "user", "content": "x"}]}
    envelope = client.post("/messages", json={**body, "sandbox": {"error": name}})
    assert envelope.status_code == error.status
    assert envelope.json()["type"] == "error"
    assert envelope.json()["error"]["message"] == error.error["message"]


@pytest.mark.parametrize("name", [n for n, e in ERRORS.items() if isinstance(e, Foreign)])
def test_foreign_error_is_served_as_it_is(client: httpx.Client, name: str) -> None:
    error = ERRORS[name]
    assert isinstance(error, Foreign)
    response = post(client, error=name)
    assert (response.status_code, response.content) == (error.status, error.body)
    assert response.headers["Content-Type"] == error.content_type
    assert "X-Generation-Id" not in response.headers


def test_errors_in_the_middle_end_the_stream(client: httpx.Client) -> None:
    for name, error in ERRORS.items():
        if isinstance(error, Failure):
            *tokens, last = chunks(client, error=name, after=3)
            assert (len(tokens), last["error"]["code"]) == (3, error.code)
        if isinstance(error, Verbatim) and error.skin == "chat":
            response = post(client, error=name, after=3)
            assert response.text.count('"content":"') >= 3
            assert response.content.endswith(error.data)


def test_error_before_the_first_token_of_a_stream(client: httpx.Client) -> None:
    (only,) = chunks(client, error="mid-no-choices", after=0)
    assert (only["choices"], only["error"]["code"]) == ([], 429)


def test_error_goes_away_after_some_times(client: httpx.Client) -> None:
    statuses = [post(client, error="overloaded", times=2).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]


def test_error_in_a_streams_own_form_needs_that_stream(client: httpx.Client) -> None:
    complaint = "sandbox.error: mid-vllm is for a stream of chat only"
    refused = post(client, stream=False, error="mid-vllm")
    assert refused.json()["error"]["message"] == complaint
    body = {"input": "x", "stream": True, "sandbox": {"error": "mid-vllm"}}
    assert client.post("/responses", json=body).json()["error"]["message"] == complaint


# -- the long catalogue ------------------------------------------------------------------------


def test_made_up_models_are_always_the_same_and_distinct() -> None:
    models = made_up_models(1000)
    assert len(models) == 1000
    assert list(made_up_models(400).items()) == list(models.items())[:400]


def test_long_catalogue_has_every_kind_of_model() -> None:
    with running_sandbox(catalogue=400) as server, httpx.Client(base_url=server.base_url) as client:
        entries = client.get("/models").json()["data"]
        models = {entry["id"]: entry for entry in entries}
        assert len(models) == 400 + 17
        prices = [(e["pricing"]["prompt"], e["pricing"]["completion"]) for e in entries]
        assert all(isinstance(price, str) for pair in prices for price in pair)
        free = [name for name in models if name.endswith(":free")]
        assert free
        assert all(models[name]["pricing"]["prompt"] == "0" for name in free)
        assert models["openrouter/auto"]["pricing"]["prompt"] == "-1"
        assert all(Decimal(one) >= -1 for pair in prices for one in pair)
        for ability in ("tools", "reasoning"):
            able = [e for e in entries if ability in e["supported_parameters"]]
            assert 0 < len(able) < len(entries)
        assert 0 < sum("image" in e["architecture"]["input_modalities"] for e in entries) < 417


def test_made_up_models_answer() -> None:
    key = {"Authorization": "Bearer k"}
    with (
        running_sandbox(catalogue=40) as server,
        httpx.Client(base_url=server.base_url, headers=key) as client,
    ):
        body = {"model": "openai/gpt-3-mini@5000", "prompt": "Hello"}
        answer = client.post("/chat/completions", json=body).json()
        assert (answer["model"], answer["provider"]) == ("openai/gpt-3-mini", "OpenAI")
        routed = client.post("/chat/completions", json={**body, "model": "openrouter/auto@5000"})
        assert routed.json()["model"] == "sandbox/hello"
        assert routed.json()["usage"]["cost"] > 0
        wrong = client.post("/chat/completions", json={**body, "model": "openai/gpt-3-mni"})
        near = wrong.json()["error"]["availability"]["fallback_models"]
        assert near[0] == "openai/gpt-3-mini"
