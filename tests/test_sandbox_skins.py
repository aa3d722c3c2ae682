"""The sandbox's four dialects over real HTTP: one behaviour, written four ways."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from or_notebook.sandbox.server import RunningSandbox

FAST = 100_000
PROMPT = "Tell me."
PATHS = {
    "chat": "/chat/completions",
    "responses": "/responses",
    "messages": "/messages",
    "completions": "/completions",
}


@pytest.fixture
def client(sandbox_client: httpx.Client) -> httpx.Client:
    return sandbox_client


def body_for(skin: str, model: str, *, stream: bool = True, **fields: Any) -> dict[str, Any]:
    settings = {"tokens_per_second": FAST, **fields.pop("sandbox", {})}
    asked = {
        "chat": {"messages": [{"role": "user", "content": PROMPT}]},
        "responses": {"input": PROMPT},
        "messages": {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 4096},
        "completions": {"prompt": PROMPT},
    }[skin]
    return {
        "model": f"sandbox/{model}",
        "stream": stream,
        "temperature": 0,
        "sandbox": settings,
        **asked,
        **fields,
    }


def post(client: httpx.Client, skin: str, model: str, **fields: Any) -> httpx.Response:
    return client.post(PATHS[skin], json=body_for(skin, model, **fields))


def events_of(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    lines = [line.removeprefix("data: ") for line in response.text.split("\n") if "data: " in line]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def stream(client: httpx.Client, skin: str, model: str, **fields: Any) -> list[dict[str, Any]]:
    return events_of(post(client, skin, model, **fields))


def body(client: httpx.Client, skin: str, model: str, **fields: Any) -> dict[str, Any]:
    response = post(client, skin, model, stream=False, **fields)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """The types of events, each run of equal ones once."""
    types = [event["type"].removeprefix("response.") for event in events]
    return [name for i, name in enumerate(types) if i == 0 or types[i - 1] != name]


# -- responses ---------------------------------------------------------------------------------


def test_responses_tell_the_life_of_a_message(client: httpx.Client) -> None:
    events = stream(client, "responses", "hello")
    assert kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    text = "".join(event.get("delta", "") for event in events)
    assert events[-4]["text"] == text
    assert events[-3]["part"]["text"] == text
    response = events[-1]["response"]
    assert response["output"] == [events[-2]["item"]]
    assert response["status"] == "completed"
    assert response["usage"]["output_tokens"] == kinds_count(events, "response.output_text.delta")
    assert response["usage"]["cost"] > 0


def kinds_count(events: list[dict[str, Any]], kind: str) -> int:
    return sum(event["type"] == kind for event in events)


def test_responses_end_as_the_flavour_wants(client: httpx.Client) -> None:
    response = post(client, "responses", "hello")
    assert response.text.startswith(": OPENROUTER PROCESSING\n\ndata: {")
    assert response.text.endswith("}\n\ndata: [DONE]\n\n")
    assert "event: " not in response.text

    own = post(client, "responses", "hello", sandbox={"flavour": "openai"})
    assert own.text.startswith("event: response.created\ndata: {")
    assert "[DONE]" not in own.text
    assert "cost" not in events_of(own)[-1]["response"]["usage"]


@pytest.mark.parametrize("model", ["hello", "reasoning", "tools", "refuses", "citations", "image"])
def test_responses_body_is_what_the_stream_ends_with(client: httpx.Client, model: str) -> None:
    streamed = stream(client, "responses", model)[-1]["response"]
    whole = body(client, "responses", model)
    for item in (*streamed["output"], *whole["output"]):
        item.pop("id")
    for name in ("output", "usage", "status", "model"):
        assert whole[name] == streamed[name]


@pytest.mark.parametrize(
    ("spelling", "between"),
    [
        (
            "text",
            [
                "content_part.added",
                "reasoning_text.delta",
                "reasoning_text.done",
                "content_part.done",
            ],
        ),
        (
            "summary",
            [
                "reasoning_summary_part.added",
                "reasoning_summary_text.delta",
                "reasoning_summary_text.done",
                "reasoning_summary_part.done",
            ],
        ),
        ("encrypted", []),
    ],
)
def test_responses_spell_reasoning_in_three_ways(
    client: httpx.Client, spelling: str, between: list[str]
) -> None:
    events = stream(client, "responses", "reasoning", sandbox={"reasoning": spelling})
    expected = ["output_item.added", *between, "output_item.done", "output_item.added"]
    assert kinds(events)[2 : 2 + len(expected)] == expected
    item, message = events[-1]["response"]["output"]
    assert message["content"][0]["text"].startswith("**The ball costs")
    seal = "signature" if spelling == "text" else "encrypted_content"
    assert item[seal] == "c2FuZGJveC1zaWduYXR1cmU="
    told = {"text": item.get("content"), "summary": item["summary"]}.get(spelling)
    assert (told[0]["text"][:14] if told else None) == ((between and "The user wants") or None)


def test_responses_stream_parallel_calls_side_by_side(client: httpx.Client) -> None:
    events = stream(client, "responses", "tools")
    deltas = [e["output_index"] for e in events if e["type"].endswith("arguments.delta")]
    assert deltas[:4] == [0, 1, 0, 1]
    calls = [item for item in events[-1]["response"]["output"] if item["type"] == "function_call"]
    assert [(call["name"], json.loads(call["arguments"])) for call in calls] == [
        ("get_weather", {"city": "Zürich", "unit": "celsius"}),
        ("get_time", {"timezone": "Europe/Zurich"}),
    ]


def test_responses_refuse_cite_draw_and_stop_short(client: httpx.Client) -> None:
    assert "refusal.delta" in kinds(stream(client, "responses", "refuses"))
    assert "output_text.annotation.added" in kinds(stream(client, "responses", "citations"))
    picture = body(client, "responses", "image")["output"][-1]
    assert (picture["type"], picture["result"][:5]) == ("image_generation_call", "iVBOR")
    last = stream(client, "responses", "length")[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_responses_failure_is_a_failed_response(client: httpx.Client) -> None:
    last = stream(client, "responses", "fails")[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["error"]["code"] == "server_error"
    assert last["response"]["error_type"] == "provider_unavailable"
    assert body(client, "responses", "fails")["status"] == "failed"


def test_responses_are_not_kept(client: httpx.Client) -> None:
    for fields in ({"store": True}, {"previous_response_id": "resp_1"}):
        response = post(client, "responses", "hello", **fields)
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "invalid_prompt"


# -- messages ----------------------------------------------------------------------------------


def test_messages_tell_the_life_of_a_block(client: httpx.Client) -> None:
    response = post(client, "messages", "hello", sandbox={"cached_tokens": 3})
    events = events_of(response)
    assert kinds(events) == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert response.text.startswith(": OPENROUTER PROCESSING\n\nevent: message_start\ndata: {")
    assert response.text.endswith("event: data\ndata: [DONE]\n\n")
    message = events[0]["message"]
    assert (message["provider"], message["content"]) == ("OpenAI", [])
    assert message["usage"]["cache_read_input_tokens"] == 3
    delta = events[-2]
    assert delta["delta"]["stop_reason"] == "end_turn"
    assert delta["usage"]["input_tokens"] is None
    assert delta["usage"]["output_tokens"] == kinds_count(events, "content_block_delta")
    assert delta["usage"]["cost"] > 0


def test_messages_have_anthropics_own_flavour(client: httpx.Client) -> None:
    settings = {"flavour": "anthropic", "wait": 0.03, "keepalive_interval": 0.01}
    response = post(client, "messages", "hello", sandbox=settings)
    assert response.text.startswith("event: message_start\n")
    assert kinds(events_of(response))[:3] == ["message_start", "ping", "content_block_start"]
    assert ": OPENROUTER" not in response.text
    assert "[DONE]" not in response.text
    assert "provider" not in events_of(response)[0]["message"]
    missing = body_for("messages", "hello", sandbox={"flavour": "anthropic"})
    del missing["max_tokens"]
    refused = client.post("/messages", json=missing)
    assert refused.json()["error"]["message"] == "max_tokens: required"


def test_messages_sign_a_thinking_block(client: httpx.Client) -> None:
    events = stream(client, "messages", "reasoning")
    deltas = [event["delta"]["type"] for event in events if event["type"].endswith("block_delta")]
    runs = [name for i, name in enumerate(deltas) if i == 0 or deltas[i - 1] != name]
    assert runs == ["thinking_delta", "signature_delta", "text_delta"]
    thinking, text = body(client, "messages", "reasoning")["content"]
    assert thinking["signature"] == "c2FuZGJveC1zaWduYXR1cmU="
    assert (thinking["type"], text["type"]) == ("thinking", "text")
    hidden = body(client, "messages", "reasoning", sandbox={"reasoning": "encrypted"})["content"]
    assert [block["type"] for block in hidden] == ["redacted_thinking", "text"]


def test_messages_stream_one_block_after_the_other(client: httpx.Client) -> None:
    events = stream(client, "messages", "tools")
    indices = [event["index"] for event in events if "index" in event]
    assert indices == sorted(indices)
    blocks = body(client, "messages", "tools")["content"]
    assert [(block["name"], block["input"]) for block in blocks] == [
        ("get_weather", {"city": "Zürich", "unit": "celsius"}),
        ("get_time", {"timezone": "Europe/Zurich"}),
    ]
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


@pytest.mark.parametrize("limit", [1, 2, 5, 12, 21])
def test_messages_survive_a_limit_inside_a_call(client: httpx.Client, limit: int) -> None:
    events = stream(client, "messages", "tools", max_tokens=limit)
    assert events[-2]["delta"]["stop_reason"] == "max_tokens"
    blocks = body(client, "messages", "tools", max_tokens=limit)["content"]
    assert {block["type"] for block in blocks} == {"tool_use"}


def test_messages_refuse_and_cite(client: httpx.Client) -> None:
    refusal = body(client, "messages", "refuses")
    assert (refusal["stop_reason"], refusal["stop_details"]["type"]) == ("refusal", "refusal")
    (block,) = body(client, "messages", "citations")["content"]
    assert [c["type"] for c in block["citations"]] == ["web_search_result_location"] * 2


def test_messages_failure_is_an_error_event(client: httpx.Client) -> None:
    last = stream(client, "messages", "fails", sandbox={"error": "mid-overloaded"})[-1]
    assert last["type"] == "error"
    assert last["error"]["type"] == "overloaded_error"
    assert last["error"]["error_type"] == "provider_overloaded"
    assert body(client, "messages", "fails")["type"] == "error"


def test_messages_take_the_key_in_its_own_header(sandbox: RunningSandbox) -> None:
    with httpx.Client(base_url=sandbox.base_url, headers={"x-api-key": "mine"}) as client:
        assert post(client, "messages", "hello").status_code == 200
        assert post(client, "chat", "hello").status_code == 401
    assert "mine" not in json.dumps(sandbox.requests())


# -- completions -------------------------------------------------------------------------------


def test_completions_stream_text(client: httpx.Client) -> None:
    response = post(client, "completions", "hello")
    *tokens, finish, usage = events_of(response)
    assert tokens[0]["object"] == "chat.completion.chunk"
    choice = {"index": 0, "text": "Hello", "finish_reason": None, "logprobs": None}
    assert tokens[0]["choices"] == [choice]
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"][0]["text"] == ""
    assert usage["usage"]["completion_tokens"] == len(tokens)
    assert response.text.endswith("data: [DONE]\n\n")


def test_completions_have_openais_own_flavour(client: httpx.Client) -> None:
    *tokens, finish, usage = stream(client, "completions", "hello", sandbox={"flavour": "openai"})
    assert {chunk["object"] for chunk in tokens} == {"text_completion"}
    assert [chunk["usage"] for chunk in (*tokens, finish)] == [None] * (len(tokens) + 1)
    assert (usage["choices"], usage["usage"]["completion_tokens"]) == ([], len(tokens))
    assert "cost" not in usage["usage"]


def test_completions_body_says_the_same_as_the_stream(client: httpx.Client) -> None:
    for model in ("hello", "reasoning", "length", "refuses"):
        events = stream(client, "completions", model)
        whole = body(client, "completions", model)
        streamed = "".join(chunk["choices"][0]["text"] for chunk in events)
        assert whole["choices"][0]["text"] == streamed
        assert whole["usage"] == events[-1]["usage"]


# -- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("skin", ["responses", "messages"])
def test_same_prompt_costs_the_same_on_each_skin(client: httpx.Client, skin: str) -> None:
    def bill(answer: dict[str, Any]) -> tuple[int, int, float]:
        generation = client.get("/generation", params={"id": answer["id"]}).json()["data"]
        return (
            generation["native_tokens_prompt"],
            generation["native_tokens_completion"],
            generation["total_cost"],
        )

    assert bill(body(client, skin, "reasoning")) == bill(body(client, "chat", "reasoning"))


@pytest.mark.parametrize("skin", PATHS)
def test_truncation_and_reset_are_the_same_everywhere(client: httpx.Client, skin: str) -> None:
    text = post(client, skin, "truncated", sandbox={"after": 2}).text
    for word in ("[DONE]", "response.completed", "message_stop", '"finish_reason":"'):
        assert word not in text
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        post(client, skin, "reset")


@pytest.mark.parametrize("skin", PATHS)
def test_stop_and_limit_hold_everywhere(client: httpx.Client, skin: str) -> None:
    limit = "max_output_tokens" if skin == "responses" else "max_tokens"
    answer = json.dumps(body(client, skin, "essay", **{limit: 5}))
    assert any(word in answer for word in ('"length"', '"max_output_tokens"}', '"max_tokens"'))


@pytest.mark.parametrize(
    ("skin", "results"),
    [
        (
            "responses",
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_text", "text": PROMPT}]},
                    {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "c1", "output": "12 °C"},
                ]
            },
        ),
        (
            "messages",
            {
                "messages": [
                    {"role": "user", "content": PROMPT},
                    {
                        "role": "assistant",
                        "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}],
                    },
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "tool_use_id": "c1",
                                "content": [{"type": "text", "text": "12 °C"}],
                            }
                        ],
                    },
                ]
            },
        ),
    ],
)
def test_tool_results_are_answered_with_text(
    client: httpx.Client, skin: str, results: dict[str, Any]
) -> None:
    answer = body(client, skin, "tools", **results)
    assert "- `c1`: 12 °C" in json.dumps(answer, ensure_ascii=False)


@pytest.mark.parametrize(
    ("skin", "fields", "complaint"),
    [
        ("responses", {"input": None}, "input: required"),
        ("responses", {"input": []}, "input: must not be empty"),
        ("responses", {"input": [{"role": "user"}]}, "input[0].content: required"),
        (
            "responses",
            {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
            "input[0].content[0].type: must be one of input_text, output_text",
        ),
        ("responses", {"input": [{"type": "tool"}]}, "input[0].type: must be one of message, "),
        (
            "responses",
            {"input": [{"type": "function_call_output", "output": "x"}]},
            "input[0].call_id: required",
        ),
        ("responses", {"max_output_tokens": "9"}, "max_output_tokens: must be an integer"),
        ("responses", {"tools": [{"type": "function"}]}, "tools[0].name: required"),
        ("responses", {"tool_choice": "any"}, "tool_choice: must be"),
        ("responses", {"sandbox": {"flavour": "anthropic"}}, "sandbox.flavour: must be one of"),
        ("messages", {"messages": None}, "messages: required"),
        ("messages", {"messages": [{"role": "user"}]}, "messages[0].content: required"),
        (
            "messages",
            {"messages": [{"role": "tool", "content": "x"}]},
            "messages[0].role: must be one of user, assistant",
        ),
        (
            "messages",
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].type: must be one of text, image",
        ),
        (
            "messages",
            {"messages": [{"role": "assistant", "content": [{"type": "thinking"}]}]},
            "messages[0].content[0].signature: required",
        ),
        ("messages", {"system": 3}, "system: must be a string or an array"),
        ("messages", {"stop_sequences": "x"}, "stop_sequences: must be an array"),
        ("messages", {"tools": [{"name": "f"}]}, "tools[0]: name and input_schema"),
        ("messages", {"tool_choice": "auto"}, "tool_choice: must be an object"),
        ("completions", {"prompt": None}, "prompt: required"),
        ("completions", {"prompt": 3}, "prompt: must be a string or an array"),
        ("completions", {"max_tokens": 0}, "max_tokens: must be at least 1"),
    ],
)
def test_wrong_bodies_get_the_skins_own_error(
    client: httpx.Client, skin: str, fields: dict[str, Any], complaint: str
) -> None:
    response = post(client, skin, "hello", **fields)
    assert response.status_code == 400, response.text
    generation_id = response.headers["X-Generation-Id"]
    error = response.json()["error"]
    assert error.pop("message").startswith(complaint)
    assert {**response.json(), "error": error} == {
        "responses": {"error": {"code": "invalid_prompt"}, "metadata": None},
        "messages": {
            "type": "error",
            "error": {"type": "invalid_request_error", "error_type": "invalid_request"},
            "request_id": generation_id,
        },
        "completions": {"error": {"code": 400, "metadata": {"error_type": "invalid_request"}}},
    }[skin]
