"""The official `openai` SDK talks to the sandbox: the shapes are checked by a client not ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from or_notebook.sandbox.server import RunningSandbox
from tests.support.sandbox import until

openai = pytest.importorskip("openai")

FAST = {"sandbox": {"tokens_per_second": 100_000}}
PROMPT = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[Any]:
    with openai.OpenAI(base_url=sandbox.base_url, api_key="any", max_retries=0) as client:
        yield client


def streamed(client: Any, model: str, **fields: Any) -> list[Any]:
    with client.chat.completions.create(
        model=f"sandbox/{model}", messages=PROMPT, stream=True, extra_body=FAST, **fields
    ) as stream:
        return list(stream)


def test_sdk_streams_text_and_usage(client: Any) -> None:
    chunks = streamed(client, "essay", stream_options={"include_usage": True})
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text.startswith("# How an answer reaches your notebook")
    assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]
    usage = chunks[-1].usage
    assert usage.completion_tokens == len(chunks) - 2
    assert usage.cost > 0


def test_sdk_reads_a_body(client: Any) -> None:
    completion = client.chat.completions.create(
        model="sandbox/reasoning", messages=PROMPT, extra_body=FAST
    )
    assert completion.choices[0].message.content.startswith("**The ball costs")
    assert completion.choices[0].message.reasoning.startswith("The user wants")
    assert completion.usage.completion_tokens_details.reasoning_tokens > 100
    assert completion.provider == "Anthropic"


def test_sdk_assembles_tool_calls(client: Any) -> None:
    with client.chat.completions.stream(
        model="sandbox/tools", messages=PROMPT, extra_body=FAST
    ) as stream:
        message = stream.get_final_completion().choices[0].message
    assert [(call.function.name, call.function.arguments) for call in message.tool_calls] == [
        ("get_weather", '{"city": "Zürich", "unit": "celsius"}'),
        ("get_time", '{"timezone": "Europe/Zurich"}'),
    ]


def test_sdk_reads_a_refusal(client: Any) -> None:
    chunks = streamed(client, "refuses")
    refusal = "".join(c.choices[0].delta.refusal or "" for c in chunks)
    assert refusal.startswith("I can't help")


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("rate-limited", "RateLimitError"),
        ("out-of-credits", "APIStatusError"),
        ("esay", "BadRequestError"),
    ],
)
def test_sdk_raises_for_a_refused_request(client: Any, model: str, error: str) -> None:
    with pytest.raises(getattr(openai, error)) as caught:
        streamed(client, model)
    assert caught.value.status_code in (400, 402, 429)


def test_sdk_raises_in_the_middle_of_a_stream(client: Any) -> None:
    with pytest.raises(openai.APIError, match="Provider returned error"):
        streamed(client, "fails")


def test_sdk_retries_after_a_rate_limit(sandbox: RunningSandbox) -> None:
    body = {"sandbox": {"retry_after": 0.01, "tokens_per_second": 100_000}}
    with openai.OpenAI(base_url=sandbox.base_url, api_key="any", max_retries=1) as client:
        completion = client.chat.completions.create(
            model="sandbox/rate-limited", messages=PROMPT, extra_body=body
        )
    assert completion.choices[0].message.content.startswith("Now it works")
    assert [record["status"] for record in sandbox.requests()] == [429, 200]


def test_sdk_cancels(client: Any, sandbox: RunningSandbox) -> None:
    stream = client.chat.completions.create(model="sandbox/essay", messages=PROMPT, stream=True)
    next(stream)
    stream.close()
    assert until(lambda: sandbox.requests()[-1]["cancelled"])


def test_sdk_lists_models(client: Any) -> None:
    assert "sandbox/essay" in [model.id for model in client.models.list()]
