"""llama.cpp with a tiny model: its own server, and the one of llama-cpp-python."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from or_notebook import ask, stream
from or_notebook.wire.errors import InvalidRequest, TruncatedError
from tests.servers.programs import CONTEXT, Server
from tests.support.sandbox import until

SERVERS = ("llama", "llama_python")
CANCEL_DEADLINE = 2.0
LONG, TOO_LONG = "q" * (CONTEXT // 2), "q" * (CONTEXT + 1000)
"""The tiny model's tokenizer spells: one token for each letter."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    """The server that a test names."""
    found: Server = request.getfixturevalue(request.param)
    return found


def options(server: Server, **more: Any) -> dict[str, Any]:
    return {"base_url": server.base_url, "model": server.model, "retries": 0} | more


class TestAnswers:
    """Text, figures and the reason of the end, in each dialect that a server speaks."""

    @pytest.mark.parametrize(
        ("server", "api"),
        [
            ("llama", "chat"),
            ("llama", "responses"),
            ("llama", "messages"),
            ("llama", "completions"),
            ("llama_python", "chat"),
            ("llama_python", "completions"),
        ],
        indirect=["server"],
    )
    def test_streamed_piece_by_piece(self, server: Server, api: str) -> None:
        answer = stream("Hi", **options(server, api=api, max_tokens=50))
        pieces = list(answer)

        reply = answer.reply
        assert len(pieces) > 50
        assert len(reply.text.split()) == 50
        assert reply.status == "complete"
        assert reply.timing.first_text is not None

    @pytest.mark.parametrize("api", ["chat", "messages", "completions"])
    def test_stopped_at_the_token_limit(self, llama: Server, api: str) -> None:
        assert ask("Hi", **options(llama, api=api, max_tokens=3)).finish_reason == "length"

    @pytest.mark.parametrize("api", ["chat", "responses", "messages", "completions"])
    def test_usage(self, llama: Server, api: str) -> None:
        usage = ask("Hi", **options(llama, api=api, max_tokens=20)).usage
        assert usage is not None
        assert usage.completion_tokens == 20
        assert (usage.prompt_tokens or 0) >= 2
        assert usage.cost is None

    def test_without_usage_nothing_is_made_up(self, llama_python: Server) -> None:
        """llama-cpp-python does not know `stream_options`."""
        reply = ask("Hi", **options(llama_python, max_tokens=20))
        assert (reply.usage, reply.finish_reason) == (None, "length")

    @pytest.mark.parametrize("server", SERVERS, indirect=True)
    def test_a_conversation(self, server: Server) -> None:
        first = ask("Hi", **options(server, max_tokens=5))
        messages: list[Any] = [
            {"role": "user", "content": "Hi"},
            first,
            {"role": "user", "content": "And?"},
        ]
        assert ask(messages, **options(server, max_tokens=5)).text

    @pytest.mark.parametrize("server", SERVERS, indirect=True)
    def test_another_model_name_is_answered_by_the_only_model(self, server: Server) -> None:
        assert ask("Hi", **options(server, model="no-such-model", max_tokens=5)).text


class TestFailures:
    """What goes wrong is told in three lines."""

    @pytest.mark.parametrize("api", ["chat", "responses", "messages", "completions"])
    def test_prompt_too_long_says_by_how_much(self, llama: Server, api: str) -> None:
        with pytest.raises(InvalidRequest) as caught:
            ask(TOO_LONG, **options(llama, api=api))
        lines = str(caught.value).splitlines()
        assert len(lines) <= 3
        assert "32,768" in lines[1]
        assert "too many" in lines[1]
        assert caught.value.detail.type == "exceed_context_size_error"

    def test_success_without_an_answer_is_found(self, llama_python: Server) -> None:
        """llama-cpp-python says 200 to a prompt that is too long, and then nothing."""
        with pytest.raises(TruncatedError) as caught:
            ask(TOO_LONG, **options(llama_python))
        assert "without an answer" in str(caught.value)
        assert len(str(caught.value).splitlines()) <= 3


class TestCancel:
    """The server stops to compute."""

    @pytest.mark.parametrize("server", SERVERS, indirect=True)
    def test_the_server_sees_it(self, server: Server) -> None:
        before = server.abandoned()
        answer = stream("Hi", **options(server))
        for _ in answer:
            if answer.reply.token_events > 20:
                answer.cancel()

        assert answer.reply.status == "cancelled"
        assert answer.reply.text
        until(lambda: server.abandoned() > before)

    def test_the_slot_is_free_again(self, llama: Server) -> None:
        for _ in stream("Hi", **options(llama)):
            if working(llama):
                break
        until(lambda: not working(llama), 2.0)

    def test_while_the_prompt_is_read(self, llama: Server) -> None:
        """Before the first token, when no byte of the answer has come."""
        before = llama.abandoned()
        answer = stream(LONG, **options(llama))
        with ThreadPoolExecutor() as pool:
            pieces = pool.submit(list, answer)
            until(lambda: working(llama))
            answer.cancel()
            pieces.result(CANCEL_DEADLINE)

        assert (answer.reply.status, answer.reply.text) == ("cancelled", "")
        # It looks for the client once a second, and each other request puts that off: ask the log.
        until(lambda: llama.abandoned() > before)
        until(lambda: not working(llama))


def working(server: Server) -> bool:
    """Whether the server computes an answer."""
    return any(slot["is_processing"] for slot in server.get("/slots"))
