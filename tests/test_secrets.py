"""A key is found nowhere: in no error, output, log or file, whatever an endpoint echoes."""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import pprint
import traceback
from pathlib import Path

import httpx
import msgspec
import nbformat
import pytest
from nbclient import NotebookClient
from rich.pretty import pretty_repr

import or_notebook
from or_notebook.api import prepare
from or_notebook.client.endpoints import resolve
from or_notebook.display import saved
from or_notebook.display.news import ending
from or_notebook.display.summary import state_line
from or_notebook.display.terminal import TerminalView
from or_notebook.sandbox.error_table import ERRORS
from or_notebook.wire.errors import ChatError, ConfigurationError
from tests.support.kernels import VERSIONS, live_kernel
from tests.support.replay import Answer, replaying
from tests.support.secrets import ECHOES, KEY, RANDOM_PART, Recorded, as_answer, assert_hidden

KERNEL = "7.4" if "7.4" in VERSIONS else "6.31"
SSE = {"content-type": "text/event-stream"}
TOKEN = b'data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'


@pytest.fixture(autouse=True)
def _key_in_the_environment(monkeypatch):
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)


@pytest.fixture(scope="module")
def failures(sandbox_server) -> dict[str, Recorded]:
    """What the sandbox answers for each error of its table."""
    found = {}
    for name in ERRORS:
        asked = {"error": name, "after": 2, "tokens_per_second": 100_000}
        body = {
            "model": "sandbox/hello",
            "messages": [{"role": "user", "content": name}],
            "stream": True,
            "sandbox": asked,
        }
        response = httpx.post(
            f"{sandbox_server.base_url}/chat/completions",
            json=body,
            headers={"Authorization": "Bearer recorder"},
        )
        headers = {key.lower(): value for key, value in response.headers.items()}
        found[name] = Recorded(response.status_code, headers, response.content)
    return found


def failed(base_url: str, **options) -> ChatError:
    """Ask, and return the error that must come of it."""
    with pytest.raises(ChatError) as caught:
        or_notebook.ask("hi", model="sandbox/hello", base_url=base_url, **{"retries": 0, **options})
    return caught.value


def chain(error: BaseException | None) -> list[BaseException]:
    """Return the error and what is behind it."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def assert_error_hides_the_key(error: ChatError, where: str) -> None:
    for each in chain(error):
        assert_hidden(f"{each!s}\n{each!r}\n{each.args!r}", where)
    assert_hidden("".join(traceback.format_exception(error)), f"the traceback of {where}")
    assert_hidden("\n".join(error._render_traceback_()), f"IPython's words for {where}")
    assert_hidden(pickle.dumps(error), f"the pickle of {where}")
    assert_hidden(msgspec.json.encode(error.detail), f"the facts of {where}")
    assert_hidden(pretty_repr(vars(error)), f"the variables of {where}")


def assert_reply_hides_the_key(reply, where: str) -> None:
    terminal = io.StringIO()
    view = TerminalView(file=terminal)
    view.open(reply)
    view.finish()
    assert_hidden(terminal.getvalue(), f"the terminal for {where}")
    shown = [saved.bundle(reply), saved.bundle(reply, raised=True), saved.metadata(reply)]
    assert_hidden(json.dumps([*shown, ending(reply)], default=str), f"the output for {where}")
    assert_hidden(f"{state_line(reply, 1.0)} {reply!r}", f"the state of {where}")
    assert_hidden(pprint.pformat(vars(reply)), f"the variables of {where}")
    assert_hidden(pickle.dumps(reply), f"the pickle of {where}")


class TestEcho:
    """Whatever an endpoint says of the key, and wherever it says it."""

    @pytest.mark.parametrize("echo", ECHOES)
    def test_every_failure_hides_it(self, failures, echo):
        answers = [as_answer(recorded.saying(ECHOES[echo])) for recorded in failures.values()]
        with replaying(*answers) as server:
            for name in failures:
                error = failed(server.base_url)
                assert len(str(error).splitlines()) <= 3
                assert_error_hides_the_key(error, f"{name}, {echo}")
                assert_reply_hides_the_key(error.reply, f"{name}, {echo}")
            assert len(server.bodies) == len(failures)

    def test_reason_of_a_retry_hides_it(self, failures):
        refusal = as_answer(failures["openai-rate-limit"].saying(KEY))
        with replaying(refusal) as server:
            call = prepare("hi", model="m", base_url=server.base_url, retries=1).start()
            reply = call.wait()
        (retry,) = reply.retries
        assert_hidden("\n".join(retry.error.lines()), "the reason of a retry")
        assert_reply_hides_the_key(reply, "a reply after a retry")

    @pytest.mark.parametrize("echo", ECHOES)
    def test_redirect_that_holds_it(self, echo):
        headers = {"location": f"https://elsewhere.example/v1?key={ECHOES[echo]}"}
        with replaying(Answer([], 307, headers)) as server:
            assert_error_hides_the_key(failed(server.base_url), f"a redirect, {echo}")

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(Answer([b"data: " + KEY.encode() + b"\n\n"]), id="data that is not JSON"),
            pytest.param(
                Answer([TOKEN, b"data: no key " + KEY.encode() + b" here\n\n"]), id="later data"
            ),
            pytest.param(Answer([KEY.encode()], 200, {"content-type": "text/plain"}), id="text"),
            pytest.param(Answer([KEY.encode()], 401, {"content-type": "text/plain"}), id="401"),
            pytest.param(
                Answer([], 200, SSE | {"x-generation-id": KEY, "x-request-id": KEY}), id="ids"
            ),
            pytest.param(
                Answer([TOKEN], 200, SSE | {"x-generation-id": KEY}, abort=True), id="reset"
            ),
            pytest.param(Answer([TOKEN], 200, SSE | {f"bad {KEY}": "x"}), id="header's name"),
            pytest.param(Answer([TOKEN], 200, SSE | {"x-a": f"\x00{KEY}"}), id="header's value"),
        ],
    )
    def test_broken_answers_hide_it(self, answer):
        with replaying(answer) as server:
            error = failed(server.base_url)
        assert_error_hides_the_key(error, "a broken answer")
        assert_reply_hides_the_key(error.reply, "a broken answer")

    def test_bytes_that_are_no_http_hide_it(self, monkeypatch):
        broken = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        broken += b"Transfer-Encoding: chunked\r\n\r\n" + KEY.encode() + b"\r\n"
        with raw_server(broken) as base_url:
            error = failed(base_url)
        assert_error_hides_the_key(error, "a chunk that is none")
        assert_reply_hides_the_key(error.reply, "a chunk that is none")


def raw_server(answer: bytes):
    """Serve these very bytes to everybody who connects."""
    import contextlib
    import socketserver
    import threading

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            self.wfile.write(answer)

    @contextlib.contextmanager
    def serving():
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}/v1"
            finally:
                server.shutdown()
                thread.join()

    return serving()


class TestObjects:
    """What a person can print, inspect or store."""

    def own(self, **headers):
        return {"mine": {"base_url": "http://127.0.0.1:9/v1", "headers": headers}}

    def test_endpoint_shows_no_key_in_any_way_of_printing(self):
        endpoint = resolve("http://127.0.0.1:9/v1")
        assert endpoint.api_key == KEY
        for show in (repr, str, pretty_repr, pprint.pformat, "{}".format):
            assert_hidden(show(endpoint), f"the endpoint by {show}")
            assert_hidden(show([endpoint]), f"the endpoint in a list by {show}")

    def test_own_header_with_a_key_is_not_printed(self):
        endpoint = resolve(endpoint="mine", own=self.own(**{"X-Api-Key": KEY, "X-Team": "blue"}))
        for show in (repr, pretty_repr):
            assert_hidden(show(endpoint), f"the endpoint by {show}")
            assert_hidden(show(endpoint.known), f"what is known of it by {show}")

    def test_endpoint_is_not_pickled(self):
        with pytest.raises(TypeError, match="key"):
            pickle.dumps(resolve("http://127.0.0.1:9/v1"))

    def test_call_request_and_reply_show_no_key(self, sandbox):
        call = prepare("hi", model="sandbox/hello@5000", base_url=sandbox.base_url)
        reply = call.start().wait()
        for each in (call, call.request, call.policy, reply):
            assert_hidden(f"{each!r} {pretty_repr(each)}", type(each).__name__)
        assert_hidden(f"{vars(call)} {pretty_repr(vars(call))}", "the variables of the call")
        assert_hidden(pickle.dumps(reply) + pickle.dumps(call.request), "the pickles")
        assert_reply_hides_the_key(reply, "a good answer")

    @pytest.mark.parametrize("headers", [{"X-Team": "Müller"}, {"X-Team": "a\nb"}])
    def test_own_header_that_cannot_be_sent_is_named_in_three_lines(self, headers):
        with pytest.raises(ConfigurationError, match="X-Team") as caught:
            prepare("hi", model="m", endpoint="mine", own_endpoints=self.own(**headers))
        assert len(str(caught.value).splitlines()) <= 3
        assert_error_hides_the_key(caught.value, "a header that cannot be sent")


class TestMistakes:
    """A key in the wrong place is not shown either."""

    def test_key_as_base_url(self, monkeypatch):
        monkeypatch.setenv("OPENROUTER_BASE_URL", KEY)
        with pytest.raises(ConfigurationError) as caught:
            or_notebook.ask("hi", model="m")
        assert_error_hides_the_key(caught.value, "a key as base URL")

    def test_key_as_endpoint(self):
        with pytest.raises(ConfigurationError) as caught:
            or_notebook.ask("hi", model="m", endpoint=KEY)
        assert_error_hides_the_key(caught.value, "a key as endpoint")

    @pytest.mark.parametrize("key", [f"{KEY} {KEY}", f"{KEY}\n{KEY}", f"{KEY}é"])
    def test_key_that_is_none(self, monkeypatch, key):
        monkeypatch.setenv("OPENROUTER_API_KEY", key)
        with pytest.raises(ConfigurationError) as caught:
            or_notebook.ask("hi", model="m")
        assert_error_hides_the_key(caught.value, "a key that is none")

    @pytest.mark.parametrize("host", ["user:{}@127.0.0.1:9", "{}@127.0.0.1:9"])
    def test_key_in_the_address(self, host):
        with pytest.raises(ConfigurationError) as caught:
            or_notebook.ask("hi", model="m", base_url=f"http://{host.format(KEY)}/v1")
        assert_error_hides_the_key(caught.value, "a key in the address")


def test_logs_at_debug_level_hold_no_key(sandbox, caplog):
    """The libraries below log every step; httpcore tells of requests by method and address only."""
    with caplog.at_level(logging.DEBUG):
        or_notebook.ask("hi", model="sandbox/hello@5000", base_url=sandbox.base_url)
        failed(sandbox.base_url, sandbox={"error": "invalid-key"})
        failed("http://127.0.0.1:9/v1")
    assert {"httpx", "httpcore.http11"} <= {record.name for record in caplog.records}
    assert_hidden(caplog.text, "the logs")
    assert_hidden(repr([vars(record) for record in caplog.records]), "the log records")


VERBOSE = """
%load_ext or_notebook
%xmode Verbose
%config ChatMagics.model = "sandbox/hello"
%config ChatMagics.retries = 0
"""
LOOK = [
    "%%chat?",
    "%chat?",
    "%%chat --dry-run\nhi",
    "%%chat --dry-run --api messages\nhi",
    "%config ChatMagics",
    "%config ChatMagics.endpoints",
    "%tb",
    "_chat",
    "print(vars(_chat), _chat.error)",
    "%who_ls",
    "import or_notebook.api\ncall = or_notebook.api.prepare('hi')",
    "print(call, vars(call), call.endpoint, call.request)\ncall.endpoint",
    "import or_notebook\nor_notebook.ask('hi', x=object())",
    "or_notebook.ask('hi', schema=3)",
    "for _ in or_notebook.stream('hi', retries=0): pass",
    "await or_notebook.aask('hi', retries=0)",
]
ASK_SANDBOX = """
%config ChatMagics.endpoint = {url!r}
%key
%models
"""
LOGGED = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
print(or_notebook.ask("hi", model="sandbox/hello@5000", base_url={url!r}).status)
"""
INTERRUPTED = """
print("asked", flush=True)
or_notebook.ask("hi", model="sandbox/stall", base_url={url!r})
"""


def status(kernel, code: str) -> str:
    """Run a cell of a page and return how it ended; the kernel may abort it after a failed one."""
    while True:
        reply = kernel.reply(kernel.start_cell(code, cell_id="a-cell"))
        if reply["content"]["status"] != "aborted":
            return reply["content"]["status"]


@pytest.mark.kernel
def test_kernel_says_it_in_no_message(failures, sandbox, monkeypatch):
    """Widgets, tracebacks with all variables, help, dry runs, logs: every message of a kernel."""
    answers = [as_answer(recorded.saying(KEY)) for recorded in failures.values()]
    with replaying(*answers, answers[0]) as server:
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
        with live_kernel(KERNEL) as kernel:
            kernel.run(VERBOSE)
            for _ in answers:
                assert status(kernel, "%%chat\nhi") == "error"
            for code in LOOK:
                status(kernel, code)
            kernel.run(ASK_SANDBOX.format(url=sandbox.base_url), cell_id="a-cell")
            request = kernel.start_cell(INTERRUPTED.format(url=sandbox.base_url))
            kernel.until_printed(request, "asked")
            kernel.manager.interrupt_kernel()
            assert kernel.reply(request)["content"]["status"] == "error"
            assert "complete" in kernel.run(LOGGED.format(url=sandbox.base_url))
            said = kernel.messages
    kinds = {message["msg_type"] for message in said}
    assert {"comm_open", "comm_msg", "update_display_data", "error", "execute_reply"} <= kinds
    assert any("httpcore" in str(message["content"]) for message in said)
    for message in said:
        assert_hidden(json.dumps(message["content"], default=str), message["msg_type"])
        assert_hidden(repr(message["buffers"]), "the buffers of a message")
    assert_hidden(json.dumps(said, default=str), "any part of a message")


@pytest.mark.kernel
def test_saved_notebook_holds_no_key(failures, monkeypatch, tmp_path):
    wanted = ["invalid-key", "html-502", "mid-failure", "mid-not-json", "siliconflow-401"]
    answers = [as_answer(failures[name].saying(KEY)) for name in wanted]
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    notebook = nbformat.v4.new_notebook()
    cells = [VERBOSE.strip(), *["%%chat\nhi"] * len(wanted), "%%chat --dry-run\nhi", "_chat"]
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]
    with replaying(*answers) as server:
        monkeypatch.setenv("OPENROUTER_BASE_URL", server.base_url)
        NotebookClient(notebook, kernel_name="python3", allow_errors=True).execute()
    assert all(cell.outputs for cell in notebook.cells[1:])
    assert_hidden(nbformat.writes(notebook), "the saved notebook")


def test_cached_catalogue_holds_no_key(sandbox, tmp_path, monkeypatch):
    import asyncio

    from or_notebook.client.catalogue import listing
    from or_notebook.client.http import new_client

    async def fetched():
        async with new_client() as client:
            return await listing(client, resolve(sandbox.base_url), refresh=True)

    asyncio.run(fetched())
    files = [
        path for path in Path(os.environ["XDG_CACHE_HOME"]).rglob("*") if path.suffix == ".json"
    ]
    assert files
    for path in files:
        assert_hidden(str(path), "the name of a cached file")
        assert_hidden(path.read_bytes(), "a cached file")


def test_the_key_of_these_tests_would_be_seen():
    with pytest.raises(AssertionError, match="seen in"):
        assert_hidden(f"… {RANDOM_PART[5:13]} …", "a text")
