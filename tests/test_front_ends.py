"""Front ends other than JupyterLab: Jupyter console, programs that drive a kernel, and `-b`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from or_notebook.api import prepare
from or_notebook.magics import run as run_module
from or_notebook.sandbox.server import running_sandbox
from tests.support.answer import wait_for_record
from tests.support.kernels import VERSIONS, live_kernel
from tests.support.sandbox import until
from tests.support.tmux import running_terminal

PROJECT = Path(__file__).parents[1]
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
CTRL_C_DEADLINE = 3.0
HELLO = "%%chat sandbox/hello@2000\nHello."
ESSAY = "%%chat sandbox/essay -p sandbox.tokens_per_second=60"
STALL = "%%chat sandbox/stall -p sandbox.tokens_per_second=500"
BEGINNING = "How an answer reaches your notebook"
LEFT = {"cancelled": True, "disconnected_monotonic": lambda moment: moment > 0}


@pytest.fixture(scope="module")
def module_environment(sandbox_server):
    """What every kernel and terminal of this module inherits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(PROJECT))
        patch.setenv("OPENROUTER_BASE_URL", sandbox_server.base_url)
        patch.setenv("OPENROUTER_API_KEY", "dummy")
        yield patch


# -- Jupyter console ------------------------------------------------------------------------------


@pytest.fixture
def terminal(module_environment, tmp_path):
    """Start a program in a terminal of its own."""
    if shutil.which("tmux") is None:
        pytest.fail("These tests need tmux.")
    names = ("PYTHONPATH", "OPENROUTER_BASE_URL", "OPENROUTER_API_KEY")
    environment = {name: os.environ[name] for name in names}
    environment |= {
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }

    def start(*module: str):
        return running_terminal([sys.executable, "-m", *module], tmp_path, environment)

    return start


def enter(terminal, text: str) -> None:
    terminal.type(text)
    terminal.press("Enter")


@pytest.mark.terminal
def test_console_shows_the_answer_and_ctrl_c_ends_a_stall(terminal, sandbox):
    with terminal("jupyter_console", "--kernel=python3") as console:
        console.wait_for("In [1]:", deadline=60)
        enter(console, "%load_ext or_notebook")
        console.wait_for("In [2]:")

        enter(console, "%chat -m sandbox/hello@2000 Hi")
        console.wait_for("In [3]:")
        history = console.history()
        assert "\nHello" in history
        assert history.count("sandbox/hello · OpenAI") == 1, history
        assert "widget" not in history.lower()

        enter(console, "%chat -m sandbox/stall@500 Hi")
        wait_for_record(sandbox, model="sandbox/stall", tokens_sent=20)
        console.press("C-c")
        assert console.wait_for("In [4]:") < CTRL_C_DEADLINE
        wait_for_record(sandbox, **LEFT)
        history = console.history()
        assert BEGINNING in history
        assert "KeyboardInterrupt" in history
        assert "Traceback" not in history

        enter(console, "_chat.status, 40 + 2")
        console.wait_for("('cancelled', 42)")


# -- without a person -----------------------------------------------------------------------------


@pytest.mark.kernel
def test_nbclient_gets_the_static_answer_only(module_environment, sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    cells = ["%load_ext or_notebook", HELLO, "%chat -m sandbox/hello@2000 Hello."]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, kernel_name="python3").execute()
    for cell in notebook.cells[1:]:
        shown = [output for output in cell.outputs if "text/html" in output.get("data", {})]
        assert len(shown) == 1
        assert set(shown[0].data) == {"text/html", "text/plain"}
        assert shown[0].metadata["or_notebook"]["status"] == "complete"
    assert "widgets" not in notebook.metadata


@pytest.mark.kernel
def test_nbclient_waits_for_an_answer_in_the_background(module_environment, tmp_path, monkeypatch):
    """What a cell shows after its end would never get into the notebook."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    cells = ["%load_ext or_notebook", "%%chat sandbox/hello@100 -b\nHello."]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, kernel_name="python3").execute()
    (output,) = notebook.cells[1].outputs
    assert output.metadata["or_notebook"]["status"] == "complete"


# -- a program that drives a kernel ---------------------------------------------------------------


@pytest.fixture(scope="module", params=[v for v in VERSIONS if v in {"6.31", "7.4"}])
def kernel(request, module_environment):
    """A kernel with the extension loaded, of the latest ipykernel 6 and 7."""
    with live_kernel(request.param) as running:
        running.run("%load_ext or_notebook")
        yield running


class Page:
    """As much of a page with widgets as one cell needs."""

    def __init__(self, kernel, request: str) -> None:
        self.kernel = kernel
        self.request = request
        kernel.until(request, self._shows_a_widget)

    def _shows_a_widget(self, message) -> bool:
        return message["msg_type"] == "display_data" and WIDGET_VIEW in message["content"]["data"]

    @property
    def display(self):
        (found,) = filter(self._shows_a_widget, self.kernel.published(self.request))
        return found["content"]

    @property
    def comm_id(self) -> str:
        return self.display["data"][WIDGET_VIEW]["model_id"]

    def say(self, kind: str) -> None:
        """Send a custom message of the widget."""
        content = {"method": "custom", "content": {"kind": kind}}
        self.kernel.send_comm(self.comm_id, content)

    def heard(self) -> list[dict]:
        """Return the widget's custom messages so far."""
        return [
            message["content"]["data"]["content"]
            for message in self.kernel.messages
            if message["channel"] == "iopub"
            and message["msg_type"] == "comm_msg"
            and message["content"]["comm_id"] == self.comm_id
            and message["content"]["data"]["method"] == "custom"
        ]

    def until_text(self, text: str) -> None:
        """Wait until the widget was sent `text`."""
        self.kernel.until(self.request, lambda _: text in self._text())

    def _text(self) -> str:
        return "".join(message["text"][1] for message in self.heard() if "text" in message)

    def replacements(self) -> list[dict]:
        """Return what took the widget's place, in order."""
        display_id = self.display["transient"]["display_id"]
        return [
            message["content"]
            for message in self.kernel.published(self.request)
            if message["msg_type"] == "update_display_data"
            and message["content"]["transient"]["display_id"] == display_id
        ]

    def until_replaced(self, text: str) -> dict:
        """Wait until an answer with this text stands in the widget's place; return the message."""
        found = self.kernel.until(
            self.request,
            lambda message: (
                message["msg_type"] == "update_display_data"
                and text in message["content"]["data"].get("text/plain", "")
            ),
        )
        return found["content"]


def widgets_opened(kernel, request: str) -> int:
    """Return how many views of answers a cell has opened; the shared runtime does not count."""
    opened = [m for m in kernel.published(request) if m["msg_type"] == "comm_open"]
    return sum("snapshot" in m["content"]["data"]["state"] for m in opened)


@pytest.mark.kernel
def test_cell_of_a_page_gets_one_widget_and_then_the_answer(kernel):
    request = kernel.start_cell(HELLO, cell_id="a-cell")
    page = Page(kernel, request)
    kernel.reply(request)
    kernel.idle(request)
    assert widgets_opened(kernel, request) == 1
    assert page.heard()[-1]["kind"] == "final"
    (replacement,) = page.replacements()
    assert set(replacement["data"]) == {"text/html", "text/plain"}
    assert replacement["data"]["text/plain"].startswith("Hello")
    assert replacement["metadata"]["or_notebook"]["status"] == "complete"


@pytest.mark.kernel
def test_cancel_of_a_page_ends_the_cell(kernel, sandbox):
    request = kernel.start_cell(f"{STALL}\nGo.", cell_id="a-cell")
    page = Page(kernel, request)
    page.say("ready")
    page.until_text(BEGINNING)
    page.say("cancel")
    assert kernel.reply(request)["content"]["status"] == "ok"
    kernel.idle(request)
    wait_for_record(sandbox, **LEFT)
    assert {"kind": "ack"} in page.heard()
    assert BEGINNING in page.replacements()[0]["data"]["text/plain"]
    assert kernel.run("print(_chat.status)") == "cancelled\n"


@pytest.mark.kernel
def test_cell_without_a_name_gets_the_answer_alone(kernel):
    request = kernel.start_cell(HELLO)
    kernel.reply(request)
    kernel.idle(request)
    kinds = [message["msg_type"] for message in kernel.published(request)]
    assert widgets_opened(kernel, request) == 0
    assert kinds.count("display_data") == 1
    assert "update_display_data" not in kinds


def start_where_a_person_types(kernel, code: str) -> str:
    """Start a cell as a console does: it has no name, but a person can be asked."""
    content = {"code": code, "allow_stdin": True, "stop_on_error": True, "silent": False}
    return kernel.send("execute_request", {**content, "user_expressions": {}})


@pytest.mark.kernel
def test_person_without_widgets_gets_the_answer_as_one_more_output(kernel):
    request = start_where_a_person_types(kernel, HELLO)
    page = Page(kernel, request)
    kernel.idle(request)
    shown = [m for m in kernel.published(request) if m["msg_type"] == "display_data"]
    assert [WIDGET_VIEW in message["content"]["data"] for message in shown] == [True, False]
    assert set(shown[1]["content"]["data"]) == {"text/html", "text/plain"}
    assert len(page.replacements()) == 1


@pytest.mark.kernel
def test_person_whose_page_has_reported_gets_it_once(kernel):
    request = start_where_a_person_types(kernel, f"{STALL}\nGo.")
    page = Page(kernel, request)
    page.say("ready")
    page.until_text(BEGINNING)
    page.say("cancel")
    kernel.reply(request)
    kernel.idle(request)
    kinds = [message["msg_type"] for message in kernel.published(request)]
    assert kinds.count("display_data") == 1


# -- in the background ----------------------------------------------------------------------------


def stray(kernel, page: Page, *later: str) -> list[str]:
    """Return what later cells were sent that belongs to the answer in the background."""
    display_id, comm_id = page.display["transient"]["display_id"], page.comm_id
    return [
        message["msg_type"]
        for request in later
        for message in kernel.published(request)
        if message["content"].get("transient", {}).get("display_id") == display_id
        or message["content"].get("comm_id") == comm_id
    ]


@pytest.mark.kernel
def test_background_answer_grows_under_its_own_cell(kernel, sandbox):
    started = kernel.start_cell(f"{ESSAY} -p sandbox.tokens=60 -b\nGo.", cell_id="a-cell")
    kernel.reply(started)
    assert sandbox.requests() == [] or not sandbox.requests()[-1]["finished_at"]
    page = Page(kernel, started)
    first = kernel.start_cell("print('mine', _chat.status)", cell_id="b-cell")
    kernel.idle(first)
    busy = kernel.start_cell(
        "import asyncio\nfor n in range(5):\n    print(n)\n    await asyncio.sleep(0.05)",
        cell_id="c-cell",
    )
    kernel.idle(busy)
    page.until_text(BEGINNING)
    page.until_replaced(BEGINNING)
    assert kernel.printed(first) == "mine streaming\n"
    assert kernel.printed(busy) == "0\n1\n2\n3\n4\n"
    assert stray(kernel, page, first, busy) == []
    assert kernel.run("print(_chat.status, _chat.usage.completion_tokens)") == "complete 60\n"
    assert len(page.replacements()) == 1


@pytest.mark.kernel
def test_background_answer_that_ends_while_cells_queue_is_kept(kernel):
    """As in Run All: the next cell may begin before anything else gets its turn."""
    started = kernel.start_cell("%%chat sandbox/hello@2000 -b\nHello.", cell_id="a-cell")
    wait = "import time\nwhile _chat.status == 'streaming':\n    time.sleep(0.01)\ntime.sleep(0.1)"
    queued = [kernel.start_cell(wait, cell_id="b-cell")]
    queued += [kernel.start_cell("time.sleep(0.05)", cell_id=f"c-{n}") for n in range(5)]
    page = Page(kernel, started)
    kernel.reply(queued[-1])
    replacement = page.until_replaced("sandbox/hello")
    assert replacement["data"]["text/plain"].startswith("Hello")
    # The widget may be closed by a later cell, but only after the answer took its place.
    assert "update_display_data" not in stray(kernel, page, *queued)


@pytest.mark.kernel
def test_background_answer_is_cancelled_while_the_kernel_is_idle(kernel, sandbox):
    started = kernel.start_cell(f"{STALL} -b\nGo.", cell_id="a-cell")
    kernel.idle(started)
    page = Page(kernel, started)
    page.until_text(BEGINNING)
    page.say("cancel")
    page.until_replaced(BEGINNING)
    wait_for_record(sandbox, **LEFT)
    assert kernel.run("print(_chat.status)") == "cancelled\n"
    page.until_replaced("Mistral bills the full answer")
    page.until_replaced(" tokens · $")


@pytest.mark.kernel
def test_background_failure_is_shown_under_its_cell_and_fails_no_other(kernel):
    started = kernel.start_cell("%%chat sandbox/out-of-credits -b\nGo.", cell_id="a-cell")
    assert kernel.reply(started)["content"]["status"] == "ok"
    page = Page(kernel, started)
    page.until_replaced("Insufficient credits")
    assert kernel.run("print(_chat.status)") == "failed\n"


@pytest.mark.kernel
def test_two_background_answers_do_not_mix(kernel):
    cell = "%%chat sandbox/{}@200 -b -o {}\nGo."
    started = [
        kernel.start_cell(cell.format(model, model), cell_id=model) for model in ("hello", "length")
    ]
    pages = [Page(kernel, request) for request in started]
    texts = [
        page.until_replaced(f"sandbox/{model}")["data"]["text/plain"]
        for page, model in zip(pages, ("hello", "length"), strict=True)
    ]
    assert texts[0].startswith("Hello")
    assert "sandbox/hello" not in texts[1]
    assert stray(kernel, pages[0], started[1]) == []
    assert stray(kernel, pages[1], started[0]) == []
    assert kernel.run("print(hello.status, length.finish_reason)") == "complete length\n"


class SlowView:
    """A view that takes so long to close that the bill comes meanwhile."""

    def __init__(self, call) -> None:
        self.call = call
        self.refreshed = False

    def open(self) -> None: ...

    def update(self) -> None: ...

    def comm_ids(self):
        return ()

    def close(self, *, raised: bool) -> None:
        assert self.call.bill_pending
        until(lambda: not self.call.bill_pending)

    def refresh(self, *, raised: bool) -> None:
        self.refreshed = True


def test_bill_that_comes_while_the_view_closes_is_shown(monkeypatch):
    ticks = []
    monkeypatch.setattr(run_module, "environment", lambda: "kernel")
    monkeypatch.setattr(run_module, "every", lambda _, tick: ticks.append(tick))
    with running_sandbox() as server:
        parameters = {"sandbox": {"cost": False}}
        options = {"base_url": server.base_url, "api_key": "k", "parameters": parameters}
        call = prepare("hi", model="sandbox/hello@2000", **options)
        view = SlowView(call)
        run_module.run(call, view)
    (tick,) = ticks
    assert tick() is False
    assert view.refreshed


@pytest.mark.terminal
def test_background_answer_in_a_terminal_is_printed_after_an_input(terminal, sandbox):
    with terminal("IPython", "--no-banner", "--no-autoindent") as ipython:
        ipython.wait_for("In [1]:")
        enter(ipython, "%load_ext or_notebook")
        ipython.wait_for("In [2]:")
        enter(ipython, "%chat -b -m sandbox/essay@60 -p sandbox.tokens=90 Hi")
        ipython.wait_for("In [3]:")
        for number in range(3, 6):
            enter(ipython, f"print('{number}-first\\n{number}-last')")
            ipython.wait_for(f"In [{number + 1}]:")
        assert BEGINNING not in ipython.history()
        enter(ipython, "[_ for _ in iter(lambda: _chat.status, 'complete') if 0]")
        ipython.wait_for("In [7]:")
        enter(ipython, "_chat.status")
        ipython.wait_for("'complete'")
        ipython.wait_for("In [8]:")
        history = ipython.history()
    assert history.count(BEGINNING) == 1
    assert history.count("sandbox/essay · Fireworks") == 1
    for number in range(3, 6):
        # What later inputs printed is not painted over.
        assert f"\n{number}-first\n{number}-last\n" in history
    assert "Traceback" not in history
