"""The sandbox over real HTTP: what each model does, and what the sandbox remembers."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from or_notebook.sandbox.server import RunningSandbox, running_sandbox

FAST = 100_000


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer test-key"}
    with httpx.Client(base_url=sandbox.base_url, headers=headers, timeout=20) as client:
        yield client


def body_for(model: str, *, stream: bool = True, **fields: Any) -> dict[str, Any]:
    settings = {"tokens_per_second": FAST, **fields.pop("sandbox", {})}
    messages = [{"role": "user", "content": "Tell me."}]
    fields = {"messages": messages, **fields}
    return {"model": f"sandbox/{model}", "stream": stream, "sandbox": settings, **fields}


def chunks_of(response: httpx.Response) -> list[dict[str, Any]]:
    events = [line.removeprefix("data: ") for line in response.text.split("\n") if "data" in line]
    return [json.loads(data) for data in events if data != "[DONE]"]


def stream(client: httpx.Client, model: str, **fields: Any) -> list[dict[str, Any]]:
    response = client.post("/chat/completions", json=body_for(model, **fields))
    assert response.status_code == 200, response.text
    return chunks_of(response)


def ask(client: httpx.Client, model: str, **fields: Any) -> dict[str, Any]:
    response = client.post("/chat/completions", json=body_for(model, stream=False, **fields))
    assert response.status_code == 200, response.text
    return response.json()


def joined(chunks: list[dict[str, Any]], field: str = "content") -> str:
    return "".join(chunk["choices"][0]["delta"].get(field) or "" for chunk in chunks)


def finish_of(chunks: list[dict[str, Any]]) -> list[str]:
    return [c["choices"][0]["finish_reason"] for c in chunks if c["choices"][0]["finish_reason"]]


def test_stream_has_the_shape_of_the_protocol(client: httpx.Client) -> None:
    response = client.post("/chat/completions", json=body_for("hello"))
    generation_id = response.headers["X-Generation-Id"]
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.text.startswith(": OPENROUTER PROCESSING\n\ndata: {")
    assert response.text.endswith("\n\ndata: [DONE]\n\n")

    *tokens, finish, usage = chunks_of(response)
    first = tokens[0]
    assert list(first) == ["id", "provider", "model", "object", "created", "choices"]
    assert first["choices"] == [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": "Hello"},
            "finish_reason": None,
            "native_finish_reason": None,
            "logprobs": None,
        }
    ]
    assert {chunk["id"] for chunk in [*tokens, finish, usage]} == {generation_id}
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert usage["choices"][0]["finish_reason"] is None
    assert usage["usage"]["completion_tokens"] == len(tokens)


def test_each_token_is_one_event(client: httpx.Client) -> None:
    chunks = stream(client, "essay", sandbox={"tokens": 2500})
    assert len(chunks) == 2500 + 2
    assert chunks[-1]["usage"]["completion_tokens"] == 2500


def test_cost_follows_the_price_list(client: httpx.Client) -> None:
    prices = {m["id"]: m["pricing"] for m in client.get("/models").json()["data"]}
    price = prices["sandbox/reasoning"]
    usage = ask(client, "reasoning", sandbox={"cached_tokens": 4})["usage"]
    fresh = usage["prompt_tokens"] - 4
    expected = (
        fresh * Decimal(price["prompt"])
        + 4 * Decimal(price["input_cache_read"])
        + usage["completion_tokens"] * Decimal(price["completion"])
    )
    assert Decimal(str(usage["cost"])) == expected
    assert usage["prompt_tokens_details"]["cached_tokens"] == 4


def test_body_says_the_same_as_the_stream(client: httpx.Client) -> None:
    for model in ("hello", "essay", "reasoning", "refuses", "citations"):
        chunks = stream(client, model, seed=7)
        body = ask(client, model, seed=7)
        message = body["choices"][0]["message"]
        for field in ("content", "reasoning", "refusal"):
            assert (message[field] or "") == joined(chunks, field)
        assert [body["choices"][0]["finish_reason"]] == finish_of(chunks)
        assert body["usage"] == chunks[-1]["usage"]


def test_seed_fixes_the_text(client: httpx.Client) -> None:
    texts = {seed: joined(stream(client, "hello", seed=seed)) for seed in range(12)}
    assert len(set(texts.values())) > 1
    assert all(joined(stream(client, "hello", seed=seed)) == texts[seed] for seed in texts)


def test_max_tokens_ends_with_length(client: httpx.Client) -> None:
    chunks = stream(client, "essay", max_tokens=5)
    assert finish_of(chunks) == ["length"]
    assert chunks[-1]["usage"]["completion_tokens"] == 5


def test_reasoning_counts_towards_max_tokens(client: httpx.Client) -> None:
    chunks = stream(client, "reasoning", max_completion_tokens=5)
    assert joined(chunks) == ""
    assert chunks[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5
    assert chunks[-3]["choices"][0]["delta"]["reasoning"]
    assert chunks[-2]["choices"][0]["native_finish_reason"] == "max_tokens"


def test_stop_sequence_ends_the_text_before_it(client: httpx.Client) -> None:
    chunks = stream(client, "essay", stop=["## On the wire", "never there"])
    assert joined(chunks).endswith("already committed to.\n\n")
    assert finish_of(chunks) == ["stop"]


def test_echo_repeats_the_request_byte_for_byte(client: httpx.Client) -> None:
    text = '{x} $1 %y ``` "q" \\n \u2028\u0085\u000b\x00 Zürich 😀 \ufeff'
    messages = [{"role": "user", "content": text}]
    answer = joined(stream(client, "echo", messages=messages, made_up={"a": 1}))
    opening, *lines, closing = answer.split("\n")
    assert (opening, closing) == ("````json", "````")
    received = json.loads("\n".join(lines))
    assert received["messages"] == messages
    assert received["made_up"] == {"a": 1}


def test_reasoning_is_signed_late_and_told_twice_per_chunk(client: httpx.Client) -> None:
    chunks = stream(client, "reasoning")
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    details = [delta["reasoning_details"][0] for delta in deltas if "reasoning_details" in delta]
    assert "".join(detail.get("text", "") for detail in details) == joined(chunks, "reasoning")
    assert list(details[-1]) == ["type", "format", "index", "signature"]
    reasoning_tokens = chunks[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"]
    assert reasoning_tokens == len(details) - 1


def test_hidden_reasoning_is_billed_but_not_shown(client: httpx.Client) -> None:
    chunks = stream(client, "reasoning", reasoning={"exclude": True})
    assert joined(chunks, "reasoning") == ""
    assert chunks[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] > 100


def test_no_reasoning_with_effort_none(client: httpx.Client) -> None:
    usage = stream(client, "reasoning", reasoning_effort="none")[-1]["usage"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 0


def test_image_is_a_png(client: httpx.Client) -> None:
    deltas = [chunk["choices"][0]["delta"] for chunk in stream(client, "image")]
    (image,) = [delta["images"][0] for delta in deltas if "images" in delta]
    head, _, data = image["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data).startswith(b"\x89PNG\r\n\x1a\n")


def test_citations_point_into_the_text(client: httpx.Client) -> None:
    message = ask(client, "citations")["choices"][0]["message"]
    for annotation in message["annotations"]:
        source = annotation["url_citation"]
        cited = message["content"][source["start_index"] : source["end_index"]]
        assert cited == f"[{source['title']}]({source['url']})"


def test_refusal_is_not_text(client: httpx.Client) -> None:
    chunks = stream(client, "refuses")
    assert joined(chunks) == ""
    assert joined(chunks, "refusal").startswith("I can't help with that.")
    assert chunks[-2]["choices"][0]["native_finish_reason"] == "end_turn"


def test_length_stops_in_mid_sentence(client: httpx.Client) -> None:
    assert finish_of(stream(client, "length")) == ["length"]


def test_slow_sends_keepalives_first(client: httpx.Client) -> None:
    settings = {"wait": 0.2, "keepalive_interval": 0.02}
    response = client.post("/chat/completions", json=body_for("slow", sandbox=settings))
    before, _, _ = response.text.partition("data: ")
    assert 3 <= before.count(": OPENROUTER PROCESSING\n\n") <= 11


def test_keepalives_can_be_switched_off(client: httpx.Client) -> None:
    settings = {"wait": 0.05, "keepalive_interval": 0.01, "keepalives": False}
    response = client.post("/chat/completions", json=body_for("slow", sandbox=settings))
    assert response.text.startswith("data: ")


def test_rate_limited_once_per_key_and_prompt(client: httpx.Client) -> None:
    def status(**fields: Any) -> int:
        body = body_for("rate-limited", **fields.pop("body", {}))
        return client.post("/chat/completions", json=body, **fields).status_code

    first = client.post("/chat/completions", json=body_for("rate-limited"))
    assert first.status_code == 429
    assert first.headers["Retry-After"] == "1"
    assert first.json()["error"]["metadata"]["error_type"] == "rate_limit_exceeded"
    assert status() == 200
    assert status(headers={"Authorization": "Bearer another"}) == 429
    assert status(body={"messages": [{"role": "user", "content": "Other."}]}) == 429


def test_out_of_credits(client: httpx.Client) -> None:
    response = client.post("/chat/completions", json=body_for("out-of-credits"))
    assert response.status_code == 402
    assert response.json()["error"]["code"] == 402
    assert response.headers["X-Generation-Id"]


def test_failure_ends_the_stream_and_is_free(client: httpx.Client) -> None:
    response = client.post("/chat/completions", json=body_for("fails", sandbox={"after": 3}))
    *tokens, last = chunks_of(response)
    assert len(tokens) == 3
    assert last["error"]["code"] == 502
    assert last["choices"][0]["finish_reason"] == "error"
    assert "[DONE]" not in response.text
    bill = client.get("/generation", params={"id": last["id"]}).json()["data"]
    assert (bill["finish_reason"], bill["total_cost"]) == ("error", 0)


def test_failure_in_a_body_has_status_200(client: httpx.Client) -> None:
    choice = ask(client, "fails")["choices"][0]
    assert choice["finish_reason"] == "error"
    assert choice["error"]["metadata"]["error_type"] == "provider_unavailable"
    assert choice["message"]["content"]


def test_truncation_is_a_clean_end_without_finish(client: httpx.Client) -> None:
    response = client.post("/chat/completions", json=body_for("truncated", sandbox={"after": 4}))
    chunks = chunks_of(response)
    assert (len(chunks), finish_of(chunks)) == (4, [])
    assert "[DONE]" not in response.text


@pytest.mark.parametrize("streamed", [True, False])
def test_reset_breaks_the_connection(
    client: httpx.Client,
    sandbox: RunningSandbox,
    streamed: bool,
) -> None:
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.post("/chat/completions", json=body_for("reset", stream=streamed))
    (record,) = sandbox.requests()
    assert (record["cancelled"], record["tokens_sent"]) == (False, 20)


def test_key_is_required(sandbox: RunningSandbox) -> None:
    with httpx.Client(base_url=sandbox.base_url) as client:
        for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Basic x"}):
            response = client.post("/chat/completions", json=body_for("hello"), headers=headers)
            assert response.status_code == 401
            expected = {"error": {"code": 401, "message": "Missing Authentication header"}}
            assert response.json() == expected
        assert client.get("/models").status_code == 200
        assert client.get("/key").status_code == 401


def test_unknown_model_names_near_spellings(client: httpx.Client) -> None:
    response = client.post("/chat/completions", json=body_for("esay@200"))
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["message"] == "sandbox/esay@200 is not a valid model ID"
    assert error["availability"]["code"] == "model_not_found"
    assert error["availability"]["retryable"] is False
    assert error["availability"]["fallback_models"][0] == "sandbox/essay"


def test_first_known_model_of_a_fallback_list_answers(client: httpx.Client) -> None:
    body = body_for("gone") | {"models": ["sandbox/also-gone", "sandbox/hello@5000"]}
    chunks = chunks_of(client.post("/chat/completions", json=body))
    assert {chunk["model"] for chunk in chunks} == {"sandbox/hello"}


def test_provider_can_be_chosen(client: httpx.Client) -> None:
    assert ask(client, "hello", sandbox={"provider": "Groq"})["provider"] == "Groq"


def test_models_are_paged(client: httpx.Client) -> None:
    first = client.get("/models", params={"limit": 10}).json()
    rest = client.get(first["links"]["next"]).json()
    ids = [model["id"] for model in first["data"] + rest["data"]]
    assert len(ids) == len(set(ids)) == first["total_count"]
    assert "links" not in rest


def test_key_and_credits_know_what_was_spent(client: httpx.Client) -> None:
    cost = ask(client, "hello")["usage"]["cost"]
    key = client.get("/key").json()["data"]
    assert (key["usage"], key["limit_remaining"]) == (cost, pytest.approx(10 - cost))
    assert "test-key" not in json.dumps(key)
    other = client.get("/key", headers={"Authorization": "Bearer another"}).json()["data"]
    assert other["usage"] == 0
    assert client.get("/credits").json() == {"data": {"total_credits": 10, "total_usage": cost}}


def test_requests_are_remembered_without_keys(client: httpx.Client) -> None:
    body = body_for("hello")
    client.post("/chat/completions", json=body, headers={"X-Title": "tour", "X-Api-Key": "hush"})
    root = str(client.base_url).removesuffix("/api/v1/")
    seen = client.get(f"{root}/sandbox/requests")
    (record,) = seen.json()["requests"]
    assert (record["method"], record["path"]) == ("POST", "/api/v1/chat/completions")
    assert (record["status"], record["body"]) == (200, body)
    assert record["headers"]["x-title"] == "tour"
    assert record["key"] == {"present": True, "sha256": record["key"]["sha256"]}
    assert len(record["key"]["sha256"]) == 12
    assert "test-key" not in seen.text
    assert "hush" not in seen.text
    assert client.delete(f"{root}/sandbox/requests").status_code == 204
    assert client.get(f"{root}/sandbox/requests").json() == {"requests": []}


def test_home_tells_what_it_is(sandbox: RunningSandbox) -> None:
    with httpx.Client(base_url=sandbox.url) as client:
        assert client.get("/").json()["base_url"] == sandbox.base_url
        page = client.get("/", headers={"Accept": "text/html"}).text
    assert sandbox.base_url in page
    assert "sandbox/essay" in page


def test_unknown_address_is_a_json_error(client: httpx.Client) -> None:
    assert client.get("/nowhere").json() == {"error": {"code": 404, "message": "Not Found"}}
    assert client.get("/chat/completions").json()["error"]["code"] == 405


def test_foreign_host_is_refused(client: httpx.Client) -> None:
    response = client.get("/models", headers={"Host": "evil.example:80"})
    assert response.status_code == 403


def test_tokens_do_not_wait_for_acknowledgements() -> None:
    with running_sandbox() as server, httpx.Client(base_url=server.base_url) as client:
        client.get("/models")
        (connection,) = server._server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_only_loopback_can_be_listened_on() -> None:
    with pytest.raises(ValueError, match="loopback"), running_sandbox(host="0.0.0.0"):
        pass


def test_invalid_bodies_are_explained(client: httpx.Client) -> None:
    def explain(content: bytes) -> str:
        response = client.post("/chat/completions", content=content)
        assert response.status_code == 400
        return response.json()["error"]["message"]

    assert explain(b"{").startswith("Request body is not valid JSON: ")
    assert explain(b"\xff") == "Request body is not valid UTF-8 text"
    assert explain(b'{"a": "\\ud800"}') == "Request body is not valid UTF-8 text"
    assert explain(b"[" * 100_000).startswith("Request body is not valid JSON")
    assert explain(b"[]") == "Request body must be a JSON object"
    assert explain(b"{}") == "messages: required"
