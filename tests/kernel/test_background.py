"""Work in the background publishes as part of the cell that started it, and disturbs no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from or_notebook.kernel import background

if TYPE_CHECKING:
    import pytest

    from tests.support.kernels import LiveKernel

START = """
from IPython.display import display
from or_notebook.kernel.background import every

shown = display('start', display_id=True)
button = Button()
count = 0

def tick():
    global count
    count += 1
    shown.update(count)
    button.comm.send(count)
    print('tick', count, flush=True)
    return count < 12

every(0.03, tick)
"""
SLOW = "for _ in range(6):\n    print('mine', flush=True)\n    await asyncio.sleep(0.03)"


def kinds(kernel: LiveKernel, request: str) -> set[str]:
    return {message["msg_type"] for message in kernel.published(request)}


def test_all_output_belongs_to_the_cell_that_started_it(kernel: LiveKernel) -> None:
    started = kernel.start_cell(START)
    kernel.idle(started)
    short = kernel.start_cell("print('short')")
    slow = kernel.start_cell(SLOW)
    kernel.idle(slow)
    kernel.until_printed(started, "tick 12")
    kernel.run("pass")

    assert kernel.printed(started) == "".join(f"tick {n}\n" for n in range(1, 13))
    assert {"update_display_data", "comm_msg", "stream"} <= kinds(kernel, started)
    assert kernel.printed(short) == "short\n"
    assert kernel.printed(slow) == "mine\n" * 6
    assert kinds(kernel, slow) == {"status", "execute_input", "stream"}


def test_it_stops_when_tick_returns_false(kernel: LiveKernel) -> None:
    kernel.run("count = 0\ndef tick():\n    global count\n    count += 1\n    return count < 3")
    kernel.run("from or_notebook.kernel.background import every\nevery(0.001, tick)")

    assert kernel.run("await asyncio.sleep(0.1)\nprint(count)") == "3\n"


def test_an_error_in_tick_ends_it_and_harms_nothing(kernel: LiveKernel) -> None:
    kernel.run("from or_notebook.kernel.background import every\nevery(0.001, lambda: 1 / 0)")

    assert kernel.run("await asyncio.sleep(0.05)\nprint('fine')").endswith("fine\n")


class Shell:
    """As much of terminal IPython as `every` needs."""

    def __init__(self) -> None:
        self.hooks: list[object] = []
        self.events = self

    def register(self, event: str, function: object) -> None:
        assert event == "post_run_cell"
        self.hooks.append(function)

    def unregister(self, event: str, function: object) -> None:
        self.hooks.remove(function)

    def run_cell(self) -> None:
        for hook in list(self.hooks):
            hook("result")  # type: ignore[operator]


def test_in_a_terminal_it_ticks_after_each_input(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell()
    monkeypatch.setattr(background.environment, "shell", lambda: shell)
    answers = [False, True]

    background.every(0.01, answers.pop)
    shell.run_cell()
    assert answers == [False]
    shell.run_cell()

    assert answers == []
    assert shell.hooks == []
