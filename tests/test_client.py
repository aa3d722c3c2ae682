"""Errors, retries, clocks, keys: the client over real HTTP on loopback."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys

import pytest

import or_notebook
from or_notebook.client.endpoints import resolve
from or_notebook.client.redaction import redact
from or_notebook.wire.errors import (
    AuthenticationFailed,
    ChatError,
    ConfigurationError,
    ConnectionFailed,
    NotFound,
    OutOfCredits,
    ProtocolError,
    ProviderFailed,
    RateLimited,
    TimedOut,
    TruncatedError,
)
from tests.support.replay import Answer, replaying

KEY = "sk-or-v1-canary0123456789abcdef"
JSON = {"Content-Type": "application/json"}


def chunk(**fields) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def text(content: str, finish: str | None = None) -> bytes:
    return chunk(choices=[{"index": 0, "delta": {"content": content}, "finish_reason": finish}])


GOOD = Answer([text("Hello"), text("!", "stop"), b"data: [DONE]\n\n"])


def ask(server, **options):
    options = {"model": "m", "api_key": KEY, "retries": 0, **options}
    return or_notebook.ask("hi", base_url=server.base_url, **options)


def failure(kind: type[ChatError], *answers: Answer, **options) -> ChatError:
    with replaying(*answers) as server, pytest.raises(kind) as caught:
        ask(server, **options)
    error = caught.value
    assert type(error) is kind
    assert 1 <= len(str(error).splitlines()) <= 3
    assert KEY[9:] not in repr(error.detail)
    return error


class TestRequest:
    """What leaves this machine."""

    def test_prompt_system_and_parameters_are_sent_as_given(self):
        prompt = "braces {x} $y %d \\n “quotes” \U0001f600\r\n\ttab"
        with replaying(GOOD) as server:
            ask_options = {"system": "be {brief}", "temperature": 0.5, "top_k": 3}
            or_notebook.ask(
                prompt, model="a/b", base_url=server.base_url, api_key=KEY, **ask_options
            )
        body = json.loads(server.bodies[0])
        assert body["messages"] == [
            {"role": "system", "content": "be {brief}"},
            {"role": "user", "content": prompt},
        ]
        assert (body["model"], body["stream"]) == ("a/b", True)
        assert body["stream_options"] == {"include_usage": True}
        assert (body["temperature"], body["top_k"]) == (0.5, 3)
        headers = server.headers[0]
        assert headers["authorization"] == f"bearer {KEY}"
        assert headers["accept"] == "text/event-stream"
        assert headers["accept-encoding"] == "identity"

    def test_a_reply_in_the_messages_goes_back_whole(self):
        details = [{"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}]
        thought = chunk(
            choices=[{"index": 0, "delta": {"reasoning": "hm", "reasoning_details": details}}]
        )
        with replaying(Answer([thought, *GOOD.chunks]), GOOD) as server:
            first = ask(server)
            second = [{"role": "user", "content": "a"}, first, {"role": "user", "content": "b"}]
            or_notebook.ask(second, model="m", base_url=server.base_url, api_key=KEY)
        assert json.loads(server.bodies[1])["messages"][1] == {
            "role": "assistant",
            "content": "Hello!",
            "reasoning_details": details,
        }

    def test_connection_is_kept_for_the_next_request(self):
        with replaying(GOOD) as server:
            for _ in range(5):
                ask(server)
            assert (len(server.bodies), server.connections) == (5, 1)

    @pytest.mark.parametrize("prompt", ["", "  \n", [], [{"content": "no role"}], ["text"]])
    def test_nothing_is_sent_without_a_prompt(self, prompt):
        with replaying(GOOD) as server:
            with pytest.raises(ConfigurationError):
                or_notebook.ask(prompt, model="m", base_url=server.base_url, api_key=KEY)
            assert server.bodies == []


class TestWhatIsNoJson:
    """An object or half a character in the request: said plainly, nothing sent."""

    @pytest.mark.parametrize(
        ("options", "word"), [({"x": object()}, "JSON"), ({"system": "half \ud800"}, "surrogate")]
    )
    def test_is_refused(self, options, word):
        with replaying(GOOD) as server:
            with pytest.raises(ConfigurationError, match=word) as caught:
                ask(server, **options)
            assert len(str(caught.value).splitlines()) <= 3
            assert server.bodies == []


class TestEndpointAndKey:
    """Explicit arguments win over the environment, and a key goes only where it belongs."""

    @pytest.fixture(autouse=True)
    def _environment(self, monkeypatch):
        monkeypatch.delenv("OPENROUTER_BASE_URL", raising=False)
        monkeypatch.setenv("OPENROUTER_API_KEY", KEY)

    def test_environment_is_the_default(self, monkeypatch):
        assert resolve().base_url == "https://openrouter.ai/api/v1"
        monkeypatch.setenv("OPENROUTER_BASE_URL", "https://proxy.example/v1/")
        assert (resolve().base_url, resolve().api_key) == ("https://proxy.example/v1", KEY)

    def test_arguments_win(self, monkeypatch):
        monkeypatch.setenv("OPENROUTER_BASE_URL", "https://proxy.example/v1")
        endpoint = resolve("https://other.example/v1", "mine")
        assert (endpoint.base_url, endpoint.api_key) == ("https://other.example/v1", "mine")

    def test_key_of_the_environment_is_not_sent_to_a_foreign_address(self):
        with pytest.raises(ConfigurationError, match="sent to OpenRouter only"):
            resolve("https://collector.example/v1")

    def test_this_machine_gets_the_key_and_needs_none(self, monkeypatch):
        assert resolve("http://127.0.0.1:1/v1").api_key == KEY
        monkeypatch.delenv("OPENROUTER_API_KEY")
        assert resolve("http://localhost:11434/v1").api_key is None

    def test_missing_key_says_what_to_set(self, monkeypatch):
        monkeypatch.delenv("OPENROUTER_API_KEY")
        with pytest.raises(ConfigurationError, match="OPENROUTER_API_KEY") as caught:
            resolve()
        assert len(str(caught.value).splitlines()) <= 3

    @pytest.mark.parametrize("url", ["openrouter.ai", "ftp://x/v1", "http://", "http://a:b@c/v1"])
    def test_address_that_is_none(self, url):
        with pytest.raises(ConfigurationError):
            resolve(url, KEY)

    def test_key_with_a_line_break_is_refused_without_showing_it(self):
        with pytest.raises(ConfigurationError) as caught:
            resolve(None, f"{KEY[:12]}\n{KEY[12:]}")
        assert KEY[:12] not in str(caught.value)

    def test_repr_of_an_endpoint_holds_no_key(self):
        assert KEY not in repr(resolve())


class TestFailuresBeforeTheFirstByte:
    """No answer at all: what happened, what it means, what to do next."""

    def test_connection_refused(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(ConnectionFailed, match="refused") as caught:
            or_notebook.ask("hi", model="m", base_url=url, api_key=KEY, retries=0)
        assert caught.value.reply.status == "failed"
        assert caught.value.detail.retry_safe

    def test_unknown_host(self):
        with pytest.raises(ConnectionFailed, match="was not found"):
            or_notebook.ask(
                "hi", model="m", base_url="https://nowhere.invalid/v1", api_key=KEY, retries=0
            )

    def test_plain_http_behind_an_https_address(self):
        with replaying(GOOD) as server, pytest.raises(ConnectionFailed, match="secure"):
            url = server.base_url.replace("http:", "https:")
            or_notebook.ask("hi", model="m", base_url=url, api_key=KEY, retries=0)

    def test_certificate_that_is_not_trusted(self, tmp_path):
        context = self_signed(tmp_path)
        with replaying(GOOD, tls=context) as server, pytest.raises(ConnectionFailed) as caught:
            ask(server)
        assert "certificate" in str(caught.value)
        assert "SSL_CERT_FILE" in str(caught.value)
        assert not caught.value.detail.retry_safe

    def test_authority_in_ssl_cert_file_is_trusted(self, tmp_path):
        with replaying(GOOD, tls=self_signed(tmp_path)) as server:
            words = ask_in_a_process(server.base_url, SSL_CERT_FILE=str(tmp_path / "c.pem"))
        assert words == "Hello!\n"

    def test_no_proxy_spares_an_address_the_proxy(self):
        refusing = Answer([b"no"], status=407, headers={"Content-Type": "text/plain"})
        with replaying(refusing) as proxy, replaying(GOOD) as server:
            address = proxy.base_url.removesuffix("/v1")
            words = ask_in_a_process(server.base_url, HTTP_PROXY=address, NO_PROXY="127.0.0.1")
            assert (words, proxy.connections) == ("Hello!\n", 0)

    def test_proxy_that_refuses(self):
        refusing = Answer([b"no"], status=407, headers={"Content-Type": "text/plain"})
        with replaying(refusing) as proxy:
            address = proxy.base_url.removesuffix("/v1")
            words = ask_in_a_process("https://api.example/v1", HTTPS_PROXY=address)
        assert words.startswith("ConnectionFailed The proxy")
        assert "NO_PROXY" in words

    def test_reset_before_headers(self):
        failure(ConnectionFailed, Answer([], abort=True, before_headers=True))


class TestRefusals:
    """The endpoint says no."""

    def test_wrong_key_names_where_the_key_came_from(self):
        body = {"error": {"code": 401, "message": f"Incorrect API key provided: {KEY[:8]}***cdef"}}
        error = failure(AuthenticationFailed, refusal(401, body))
        assert "api_key=" in str(error)
        assert KEY[:8] not in str(error)
        assert "cdef" not in str(error)

    def test_out_of_credits(self):
        error = failure(OutOfCredits, refusal(402, {"error": {"code": 402, "message": "No"}}))
        assert "credit" in str(error)

    def test_rate_limit_says_when_to_try_again(self):
        answer = refusal(
            429, {"error": {"code": 429, "message": "Slow down"}}, {"Retry-After": "9"}
        )
        assert "in 9 s" in str(failure(RateLimited, answer))

    def test_long_wait_is_not_waited_for(self):
        answer = refusal(429, {"error": {"code": 429, "message": "x"}}, {"Retry-After": "3600"})
        assert "in 3600 s" in str(failure(RateLimited, answer, retries=2))

    def test_model_that_does_not_exist_as_the_endpoint_explains_it(self):
        availability = {"code": "model_not_found", "retryable": False, "fallback_models": ["a/b"]}
        body = {"error": {"message": "No endpoints", "http_status": 404,
                          "availability": availability}}  # fmt: skip
        assert "a/b" in str(failure(NotFound, refusal(404, body), retries=2))

    def test_html_page_with_status_200(self):
        page = [b"<!doctype html><title>Sign in</title>"]
        error = failure(ProtocolError, Answer(page, headers={"Content-Type": "text/html"}))
        assert "Sign in" in str(error)

    def test_redirect_is_not_followed(self):
        headers = {"Location": "https://elsewhere.example/v1"}
        error = failure(ProtocolError, Answer([], status=307, headers=headers))
        assert "elsewhere.example" in str(error)

    def test_whole_answer_although_a_stream_was_asked_for(self):
        body = {"id": "gen-1", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
        with replaying(Answer([json.dumps(body).encode()], headers=JSON)) as server:
            reply = ask(server)
        assert (reply.text, reply.status, reply.generation_id) == ("Hi", "complete", "gen-1")

    def test_whole_answer_that_calls_itself_an_event_stream(self):
        body = {"id": "gen-1", "choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
        with replaying(Answer([json.dumps(body).encode()])) as server:
            assert ask(server).text == "Hi"
        error = {"error": {"code": 402, "message": "No credit"}}
        failure(OutOfCredits, Answer([json.dumps(error, indent=1).encode()]))

    def test_event_stream_without_a_content_type(self):
        with replaying(Answer(GOOD.chunks, headers={})) as server:
            assert ask(server).text == "Hello!"

    def test_endless_error_body_is_not_read_to_its_end(self):
        error = failure(ProviderFailed, Answer([b"x" * 50_000] * 40, status=500, headers={}))
        assert len(str(error)) < 1000


class TestBrokenAnswers:
    """Partial text is never lost."""

    def test_truncated_answer_raises_and_keeps_its_text(self):
        error = failure(TruncatedError, Answer([text("Half")]), retries=2)
        assert (error.reply.text, error.reply.status) == ("Half", "truncated")

    def test_reset_in_the_middle(self):
        error = failure(TruncatedError, Answer([text("Half")], abort=True), retries=2)
        assert error.reply.text == "Half"
        assert "broke" in str(error)

    def test_error_in_the_middle(self):
        broken = chunk(error={"code": 502, "message": "upstream"}, choices=[])
        error = failure(ProviderFailed, Answer([text("Half"), broken]), retries=2)
        assert (error.reply.text, error.reply.finish_reason) == ("Half", "error")
        assert not error.detail.retry_safe

    def test_later_stop_does_not_undo_an_error(self):
        broken = chunk(error={"message": "upstream"}, choices=[])
        error = failure(ProviderFailed, Answer([text("a"), broken, *GOOD.chunks]))
        assert error.reply.finish_reason == "error"

    def test_event_beyond_the_cap(self):
        flood = [b"data: " + b"x" * 2**20] + [b"x" * 2**20] * 16
        error = failure(ProtocolError, Answer([text("Half"), *flood]))
        assert error.reply.text == "Half"

    def test_data_that_is_not_json_is_named_if_the_answer_breaks_off(self):
        error = failure(TruncatedError, Answer([text("a"), b"data: <oops>\n\n"]))
        assert "<oops>" in str(error)

    def test_half_a_character_and_nan_lose_no_token(self):
        half = b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"},"logprobs":NaN}]}\n\n'
        with replaying(Answer([half, *GOOD.chunks])) as server:
            assert ask(server).text == "a\ufffdHello!"

    def test_absurd_nesting_is_malformed_and_no_more(self):
        deep = b'data: {"choices":' + b"[" * 200_000 + b"\n\n"
        with replaying(Answer([deep, *GOOD.chunks])) as server:
            assert ask(server).text == "Hello!"

    def test_old_llamacpp_error_field(self):
        field = b'error: {"code":500,"message":"out of memory","type":"server_error"}\n\n'
        error = failure(ProviderFailed, Answer([text("a"), field, b"data: [DONE]\n\n"]))
        assert "out of memory" in str(error)

    def test_done_without_finish_reason_is_complete_with_a_hint(self):
        with replaying(Answer([text("a"), b"data: [DONE]\n\n"])) as server:
            reply = ask(server)
        assert reply.status == "complete"
        assert "incomplete" in reply.note


class TestRetries:
    """Only before the first token, visible while they happen (PROTOCOL.md, section 3.6)."""

    BUSY = Answer([b'{"error":{"code":503,"message":"busy"}}'], 503, {**JSON, "Retry-After": "0"})

    def test_succeeds_after_failures(self):
        with replaying(self.BUSY, self.BUSY, GOOD) as server:
            reply = ask(server, retries=2)
        assert reply.text == "Hello!"
        assert [(retry.attempt, retry.of) for retry in reply.retries] == [(1, 2), (2, 2)]
        assert reply.retries[0].error.message == "busy"

    def test_gives_up_after_the_last_try(self):
        with replaying(self.BUSY) as server:
            with pytest.raises(ProviderFailed):
                ask(server, retries=2)
            assert len(server.bodies) == 3

    def test_stream_error_before_any_token_is_tried_again(self):
        keepalive = b": OPENROUTER PROCESSING\n\n"
        error = {"code": 429, "message": "x", "metadata": {"error_type": "rate_limit_exceeded"}}
        with replaying(Answer([keepalive, chunk(choices=[], error=error)]), GOOD) as server:
            reply = ask(server, retries=1)
        assert (reply.text, reply.error, len(reply.retries)) == ("Hello!", None, 1)

    def test_empty_stream_is_tried_again(self):
        with replaying(Answer([b": hello\n\n"]), GOOD) as server:
            assert ask(server, retries=1).text == "Hello!"

    @pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
    def test_what_cannot_pass_by_itself_is_not_tried_again(self, status):
        with replaying(refusal(status, {"error": {"code": status, "message": "no"}})) as server:
            with pytest.raises(ChatError):
                ask(server, retries=2)
            assert len(server.bodies) == 1

    def test_availability_decides_over_the_status(self):
        body = {"error": {"message": "x", "availability": {"code": "c", "retryable": False}}}
        with replaying(refusal(503, body)) as server:
            with pytest.raises(ChatError):
                ask(server, retries=2)
            assert len(server.bodies) == 1

    def test_nothing_is_sent_again_after_a_token(self):
        with replaying(Answer([text("a")], abort=True), GOOD) as server:
            with pytest.raises(TruncatedError):
                ask(server, retries=2)
            assert len(server.bodies) == 1


class TestClocks:
    """A hung generation ends although keepalives flow."""

    KEEPALIVES = [b": ping\n\n"] * 50

    def test_first_token(self):
        error = failure(
            TimedOut, Answer(self.KEEPALIVES, hold=True), first_token_timeout=0.2, retries=2
        )
        assert "no first token within 0.2 s" in str(error)
        assert error.reply.keepalives == 50

    def test_headers_count_as_nothing(self):
        failure(TimedOut, Answer([], hold=True), first_token_timeout=0.1)

    def test_between_tokens(self):
        error = failure(
            TimedOut, Answer([text("Half"), *self.KEEPALIVES], hold=True),
            between_tokens_timeout=0.2,
        )  # fmt: skip
        assert (error.reply.text, error.reply.status) == ("Half", "failed")

    def test_expiry_closes_the_connection(self):
        with replaying(Answer([text("a")], hold=True)) as server:
            with pytest.raises(TimedOut):
                ask(server, between_tokens_timeout=0.1)
            assert server.disconnected.wait(5)


class TestRedaction:
    """Endpoints echo keys whole, masked and in part."""

    @pytest.mark.parametrize(
        "echo",
        [
            KEY,
            KEY[:14],
            KEY[-9:],
            f"'{KEY[3:20]}…'",
            "sk-proj-****abcd",
            "Bearer abc.def",
            f"({KEY})",
        ],
    )
    def test_every_form_is_taken_out(self, echo):
        words = redact(f"Incorrect key {echo} was given", KEY)
        assert echo.strip("'(…)") not in words
        assert words.startswith("Incorrect key ")
        assert words.endswith(" was given")

    @pytest.mark.parametrize("key", ["gsk_abc***xyz", "hf_0123456789abcdefgh", "xai-****abcd"])
    def test_keys_of_other_services(self, key):
        assert key not in redact(f"Incorrect key {key}", None)

    @pytest.mark.parametrize("model", ["xai-grok-4", "x-ai/grok-4", "hf_model", "pkg/sketch-1"])
    def test_names_of_models_stay(self, model):
        assert redact(f"no model {model}", KEY) == f"no model {model}"

    def test_other_words_stay(self):
        assert redact("Please check model sandbox/essay", "sandbox-key") == (
            "Please check model sandbox/essay"
        )


ASK_AND_PRINT = """
import sys, or_notebook
try:
    print(or_notebook.ask("hi", model="m", base_url=sys.argv[1], api_key="k", retries=0))
except or_notebook.ChatError as error:
    print(type(error).__name__, error)
"""


def ask_in_a_process(base_url: str, **environment: str) -> str:
    """Ask in a fresh process, because the shared client reads the environment once."""
    inherited = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
    done = subprocess.run(
        [sys.executable, "-c", ASK_AND_PRINT, base_url],
        env={**inherited, **environment},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def self_signed(folder) -> ssl.SSLContext:
    """Return the context of a server whose certificate in `c.pem` nobody else has signed."""
    certificate, key = folder / "c.pem", folder / "k.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", names, "-keyout", str(key), "-out",
         str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def refusal(status: int, body: object, headers: dict[str, str] | None = None) -> Answer:
    return Answer([json.dumps(body).encode()], status, {**JSON, **(headers or {})})
