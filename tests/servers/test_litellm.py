"""A LiteLLM proxy: answers in all four dialects, its errors, and what it sees of a cancel."""

from __future__ import annotations

from typing import Any

import pytest

from or_notebook import ask, stream
from or_notebook.wire.errors import (
    AuthenticationFailed,
    ChatError,
    InvalidRequest,
    NotFound,
    ProviderFailed,
    RateLimited,
)
from tests.servers.programs import LITELLM_KEY, MOCK_ANSWER, Server
from tests.support.sandbox import until

APIS = ("chat", "responses", "messages", "completions")


def options(server: Server, model: str, **more: Any) -> dict[str, Any]:
    settings = {"base_url": server.base_url, "api_key": LITELLM_KEY, "retries": 0}
    return settings | {"model": model} | more


class TestAnswers:
    """Each dialect, as LiteLLM writes it, becomes the same reply."""

    @pytest.mark.parametrize("api", APIS)
    def test_streamed_with_usage_and_finish_reason(self, litellm: Server, api: str) -> None:
        answer = stream("Hi", **options(litellm, "sandbox/hello@5000", api=api))
        pieces = list(answer)

        reply = answer.reply
        assert len(pieces) > 5
        assert reply.text.startswith("Hello")
        assert (reply.status, reply.finish_reason) == ("complete", "stop")
        assert reply.model == "sandbox/hello@5000"
        assert reply.usage is not None
        assert (reply.usage.prompt_tokens or 0) > 0
        assert (reply.usage.completion_tokens or 0) > 10

    @pytest.mark.parametrize("api", APIS)
    def test_stopped_at_the_token_limit(self, litellm: Server, api: str) -> None:
        reply = ask("Hi", **options(litellm, "sandbox/essay@5000", api=api, max_tokens=7))
        assert reply.finish_reason == "length"

    @pytest.mark.parametrize("api", ["chat", "completions"])
    def test_mock_streamed(self, litellm: Server, api: str) -> None:
        reply = ask("Hi", **options(litellm, "mock", api=api))
        assert reply.text == MOCK_ANSWER
        assert reply.token_events > 1

    def test_whole_answer_although_a_stream_was_asked_for(self, litellm: Server) -> None:
        """LiteLLM's mocks ignore `stream` in the Messages dialect."""
        reply = ask("Hi", **options(litellm, "mock", api="messages"))
        assert (reply.text, reply.finish_reason) == (MOCK_ANSWER, "stop")

    @pytest.mark.parametrize("api", ["chat", "messages"])
    def test_reasoning_is_told_apart_and_shown_once(self, litellm: Server, api: str) -> None:
        reply = ask("Hi", **options(litellm, "sandbox/reasoning@5000", api=api))
        assert reply.reasoning
        assert reply.text
        half = reply.reasoning[: len(reply.reasoning) // 2]
        assert reply.reasoning.count(half) == 1

    @pytest.mark.parametrize("api", ["chat", "responses"])
    def test_parallel_tool_calls(self, litellm: Server, api: str) -> None:
        """Not as Messages: LiteLLM mixes the arguments of calls that come interleaved."""
        tools = [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": name,
                    "parameters": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                        "required": ["city"],
                    },
                },
            }
            for name in ("get_weather", "get_time")
        ]
        reply = ask("Hi", **options(litellm, "sandbox/tools@5000", api=api, tools=tools))
        assert [call.name for call in reply.tool_calls] == ["get_weather", "get_time"]
        assert all("city" in call.arguments for call in reply.tool_calls)
        assert reply.finish_reason == "tool_calls"

    def test_pings_are_keepalives(self, litellm: Server) -> None:
        reply = ask("Hi", **options(litellm, "sandbox/slow@5000"))
        assert reply.keepalives >= 5
        assert reply.text


class TestFailures:
    """What goes wrong is told in three lines, by the right exception."""

    @pytest.mark.parametrize(
        ("model", "expected", "status"),
        [
            ("mock-internal-error", ProviderFailed, 500),
            ("mock-rate-limit", RateLimited, 429),
            ("mock-context", InvalidRequest, 400),
            ("no-such-model", NotFound, 400),
        ],
    )
    def test_before_the_stream(
        self, litellm: Server, model: str, expected: type[ChatError], status: int
    ) -> None:
        error = failure(expected, "Hi", **options(litellm, model))
        assert (error.detail.http_status, error.detail.phase) == (status, "pre_stream")
        assert error.detail.request_id

    @pytest.mark.parametrize(
        ("model", "status"), [("mock-internal-error", 500), ("mock-context", 400)]
    )
    def test_status_and_request_are_told_once(
        self, litellm: Server, model: str, status: int
    ) -> None:
        """LiteLLM's code is the status again, as a string; its messages can be long."""
        error = failure(ChatError, "Hi", **options(litellm, model))
        assert f"HTTP {status}" in str(error)
        assert f"code {status}" not in str(error)
        assert str(error.detail.request_id) in str(error)

    def test_missing_key(self, litellm: Server) -> None:
        error = failure(AuthenticationFailed, "Hi", **options(litellm, "mock", api_key=None))
        assert "OPENROUTER_API_KEY" in str(error)

    def test_wrong_key(self, litellm: Server) -> None:
        """LiteLLM without a database calls it a bad request."""
        wrong = "sk-wrong-0123456789"
        error = failure(ChatError, "Hi", **options(litellm, "mock", api_key=wrong))
        assert wrong[3:] not in str(error)

    def test_in_the_middle_keeps_what_had_arrived(self, litellm: Server) -> None:
        error = failure(ProviderFailed, "Hi", **options(litellm, "sandbox/fails@100"))
        assert error.detail.phase == "mid_stream"
        assert error.detail.code == "500"
        assert error.reply is not None
        assert error.reply.text

    @pytest.mark.parametrize("api", ["responses", "messages", "completions"])
    def test_in_the_middle_of_every_dialect(self, litellm: Server, api: str) -> None:
        error = failure(ChatError, "Hi", **options(litellm, "sandbox/fails@100", api=api))
        assert error.reply is not None
        assert error.reply.text
        assert error.reply.status in ("failed", "truncated")

    def test_error_status_with_an_event_stream_as_its_body(self, litellm: Server) -> None:
        """LiteLLM's mocks fail so in the Responses dialect: HTTP 500, then `data: {"error": …}`."""
        error = failure(ProviderFailed, "Hi", **options(litellm, "mock", api="responses"))
        assert error.detail.message == "Error processing stream start"


def failure(expected: type[ChatError], prompt: str, **settings: Any) -> ChatError:
    """The error of a request that must fail, in three lines without a key."""
    with pytest.raises(expected) as caught:
        ask(prompt, **settings)
    assert len(str(caught.value).splitlines()) <= 3
    assert LITELLM_KEY not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("api", APIS)
def test_cancel_reaches_the_provider_behind_it(litellm: Server, api: str) -> None:
    before = litellm.abandoned()
    answer = stream("Hi", **options(litellm, litellm.endless_model, api=api))
    for _ in answer:
        if answer.reply.token_events > 3:
            answer.cancel()

    assert answer.reply.status == "cancelled"
    assert answer.reply.text
    until(lambda: litellm.abandoned() > before, 5.0)
