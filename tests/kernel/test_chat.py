"""`%%chat` on every ipykernel of the matrix, driven without a browser: Cancel, Interrupt, order."""

from __future__ import annotations

import logging
import time

import pytest

from tests.test_front_ends import Page, wait_for_record

LOG = logging.getLogger(__name__)

BEGINNING = "How an answer"
MODELS = {"running": "sandbox/essay@40", "stalled": "sandbox/stall@400"}


@pytest.fixture(autouse=True)
def _endpoint(kernel, sandbox):
    """Point the kernel at the sandbox, with the extension loaded."""
    environment = {"OPENROUTER_BASE_URL": sandbox.base_url, "OPENROUTER_API_KEY": "sandbox-key"}
    kernel.run(f"import os; os.environ.update({environment!r})\n%load_ext or_notebook")


def streaming(kernel, model: str) -> tuple[str, Page]:
    """Start a cell, wait until its answer has begun; return the request and its page."""
    request = kernel.start_cell(f"%%chat {MODELS[model]}\nGo on.", cell_id="a-cell")
    page = Page(kernel, request)
    page.say("ready")
    page.until_text(BEGINNING)
    return request, page


def until_read(kernel, request: str, page: Page) -> None:
    """Wait until the kernel has read all that was sent: it answers in the order of arrival."""
    page.say("resync")
    kernel.until(request, lambda _: any(told["kind"] == "snapshot" for told in page.heard()))


@pytest.mark.parametrize("model", MODELS)
def test_cancel_ends_the_cell_keeps_the_text_and_lets_the_next_cell_run(kernel, sandbox, model):
    request, page = streaming(kernel, model)
    later = kernel.start_cell("print('later', _chat.status, bool(_chat.text))")
    page.say("cancel")
    assert kernel.reply(request)["content"]["status"] == "ok"
    kernel.idle(later)
    assert kernel.printed(later) == "later cancelled True\n"
    wait_for_record(sandbox, cancelled=True)
    kernel.idle(request)
    assert BEGINNING in page.replacements()[0]["data"]["text/plain"]


@pytest.mark.parametrize("model", MODELS)
def test_interrupt_raises_one_line_keeps_the_text_and_stops_the_queue(kernel, sandbox, model):
    request, page = streaming(kernel, model)
    later = kernel.start_cell("print('later')")
    until_read(kernel, request, page)
    kernel.manager.interrupt_kernel()
    reply = kernel.reply(request)["content"]
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
    assert len(reply["traceback"]) == 1
    assert kernel.reply(later)["content"]["status"] in {"aborted", "error"}
    wait_for_record(sandbox, cancelled=True)
    kernel.idle(request)
    assert BEGINNING in page.replacements()[0]["data"]["text/plain"]
    assert kernel.run("print(_chat.status, bool(_chat.text))") == "cancelled True\n"


def test_queued_answers_come_in_order(kernel):
    """Run All: each answer under its own cell, each cell after the one before it."""
    requests = [
        kernel.start_cell(f"%%chat sandbox/hello@2000\nNumber {n}.", cell_id=f"cell-{n}")
        for n in range(4)
    ]
    last = kernel.start_cell("print(_chat.status)")
    kernel.idle(last)
    for request in requests:
        kernel.idle(request)
        (answer,) = Page(kernel, request).replacements()
        assert answer["data"]["text/plain"].startswith("Hello")
    assert kernel.printed(last) == "complete\n"


def test_cancel_and_interrupt_are_prompt(kernel):
    """The times go into the log; what is asserted is only that nobody waits for seconds."""
    for how in ("cancel", "interrupt"):
        request, page = streaming(kernel, "stalled")
        began = time.monotonic()
        page.say("cancel") if how == "cancel" else kernel.manager.interrupt_kernel()
        kernel.reply(request)
        took = time.monotonic() - began
        LOG.info("ipykernel %s: %s after %.0f ms", kernel.version, how, took * 1000)
        assert took < 2
        kernel.idle(request)


def test_captured_cell_ends_and_keeps_the_answer(kernel):
    request = kernel.start_cell("%%capture kept\n%chat -m sandbox/hello@2000 hi", cell_id="a-cell")
    assert kernel.reply(request)["content"]["status"] == "ok"
    kernel.idle(request)
    assert kernel.run("print(kept.outputs[0].data['text/plain'][:5])") == "Hello\n"


def test_line_at_the_end_of_a_cell_shows_its_answer_once(kernel):
    request = kernel.start_cell("%chat -m sandbox/hello@2000 hi", cell_id="a-cell")
    kernel.reply(request)
    kernel.idle(request)
    assert [m["msg_type"] for m in kernel.published(request)].count("execute_result") == 0
    shown = kernel.start_cell("_chat", cell_id="b-cell")
    kernel.idle(shown)
    (result,) = [m for m in kernel.published(shown) if m["msg_type"] == "execute_result"]
    assert result["content"]["data"]["text/plain"].startswith("Hello")
