"""`%%chat` in a real kernel, with servers that we did not write behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.sandbox import until

if TYPE_CHECKING:
    from tests.servers.programs import Server
    from tests.support.kernels import LiveKernel, Message

CANCEL_DEADLINE = 2.0
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(params=["litellm", "llama", "llama_python"])
def server(request: pytest.FixtureRequest, kernel: LiveKernel) -> Server:
    """Each server in turn, as the endpoint of the kernel."""
    found: Server = request.getfixturevalue(request.param)
    kernel.run(
        "import os\n"
        f"os.environ['OPENROUTER_BASE_URL'] = {found.base_url!r}\n"
        f"os.environ['OPENROUTER_API_KEY'] = {found.key or ''!r}"
    )
    return found


def test_streams_and_leaves_the_answer_in_the_cell(server: Server, kernel: LiveKernel) -> None:
    cell = kernel.start_cell(f"%%chat {server.model} --max-tokens 40\nHi", cell_id="streams")

    assert kernel.reply(cell)["content"]["status"] == "ok"
    kernel.idle(cell)
    text = kernel.run("print(_chat.text)").strip()
    assert text
    assert "".join(streamed(kernel, cell)).strip() == text
    assert text.split()[-1] in final_text(kernel, cell)
    assert kernel.run("print(_chat.status)").strip() == "complete"


def test_cancel_ends_the_cell_and_the_servers_work(server: Server, kernel: LiveKernel) -> None:
    before = server.abandoned()
    cell = kernel.start_cell(f"%%chat {server.endless_model}\nHi", cell_id="cancels")
    kernel.until(cell, lambda message: "text" in news(message))

    kernel.send_comm(live_view(kernel, cell), {"method": "custom", "content": {"kind": "cancel"}})

    assert kernel.reply(cell, CANCEL_DEADLINE)["content"]["status"] == "ok"
    kernel.idle(cell)
    assert kernel.run("print(_chat.status, bool(_chat.text))").strip() == "cancelled True"
    until(lambda: server.abandoned() > before)


def test_the_next_cell_works(server: Server, kernel: LiveKernel) -> None:
    for _ in range(2):
        cell = kernel.start_cell(f"%%chat {server.model} --max-tokens 10\nHi", cell_id="next")
        assert kernel.reply(cell)["content"]["status"] == "ok"
        kernel.idle(cell)
    assert kernel.run("print(_chat.status)").strip() == "complete"


def news(message: Message) -> dict[str, Any]:
    """What a message tells the page's view; empty if it is none of its."""
    if message["msg_type"] != "comm_msg":
        return {}
    data = message["content"]["data"]
    content: dict[str, Any] = data["content"] if data.get("method") == "custom" else {}
    return content


def streamed(kernel: LiveKernel, cell: str) -> list[str]:
    """The pieces of text that the view was sent."""
    return [news(m)["text"][1] for m in kernel.published(cell) if "text" in news(m)]


def live_view(kernel: LiveKernel, cell: str) -> str:
    """The comm id of the view that the cell shows."""
    shown = kernel.until(cell, lambda m: WIDGET_VIEW in m["content"].get("data", {}))
    model_id: str = shown["content"]["data"][WIDGET_VIEW]["model_id"]
    return model_id


def final_text(kernel: LiveKernel, cell: str) -> str:
    """The static answer that took the view's place."""
    updates = [m for m in kernel.published(cell) if m["msg_type"] == "update_display_data"]
    text: str = updates[-1]["content"]["data"]["text/plain"]
    return text
