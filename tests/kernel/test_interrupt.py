"""Interrupt raises KeyboardInterrupt in the cell at once, and Run All stops as Jupyter does."""

from __future__ import annotations

import pytest

from tests.support.kernels import LiveKernel

HANG_GUARD = 2.0
CELLS = ["chat(button)", "await asyncio.sleep(0)\nchat(button)"]


def waiting_cell(kernel: LiveKernel, code: str = "chat(button)") -> str:
    request = kernel.start_cell(code)
    kernel.until_printed(request, "waits")
    return request


@pytest.mark.parametrize("code", CELLS)
def test_interrupt_raises_in_a_stalled_cell(kernel: LiveKernel, button: str, code: str) -> None:
    cell = waiting_cell(kernel, code)

    kernel.manager.interrupt_kernel()

    assert kernel.reply(cell, HANG_GUARD)["content"]["ename"] == "KeyboardInterrupt"
    kernel.idle(cell)
    assert "chat interrupted" in kernel.printed(cell)


def test_interrupt_reaches_the_stream(kernel: LiveKernel, button: str) -> None:
    cell = waiting_cell(kernel)
    kernel.manager.interrupt_kernel()
    kernel.reply(cell, HANG_GUARD)
    kernel.idle(cell)

    assert kernel.run("print(last_stream().closed.wait(2))").strip() == "True"


@pytest.mark.parametrize("code", CELLS)
def test_interrupt_aborts_the_cells_queued_behind(
    kernel: LiveKernel, button: str, code: str
) -> None:
    cell = waiting_cell(kernel, code)
    queued = [kernel.start_cell(f"print({number})") for number in range(5)]
    # The messages come in order: once the click is handled, the cells have been read as well.
    kernel.idle(kernel.send_comm(button, "hello"))

    kernel.manager.interrupt_kernel()

    assert kernel.reply(cell, HANG_GUARD)["content"]["status"] == "error"
    assert [kernel.reply(each)["content"]["status"] for each in queued] == ["aborted"] * 5
    assert kernel.run("print('new')") == "new\n"


def test_a_cell_may_catch_the_interrupt_and_go_on(kernel: LiveKernel, button: str) -> None:
    cell = waiting_cell(
        kernel, "try:\n    chat(button)\nexcept KeyboardInterrupt:\n    print('went on')"
    )

    kernel.manager.interrupt_kernel()

    assert kernel.reply(cell, HANG_GUARD)["content"]["status"] == "ok"
    kernel.idle(cell)
    assert kernel.printed(cell).endswith("went on\n")


def test_the_kernel_works_as_before_afterwards(kernel: LiveKernel, button: str) -> None:
    cell = waiting_cell(kernel)
    kernel.manager.interrupt_kernel()
    kernel.idle(cell)

    kernel.idle(kernel.send_comm(button, "late"))

    assert kernel.run("print(button.clicks)").strip() == "['late']"
    endless = kernel.start_cell("print('endless', flush=True)\nwhile True: pass")
    kernel.until_printed(endless, "endless")
    kernel.manager.interrupt_kernel()
    assert kernel.reply(endless, HANG_GUARD)["content"]["ename"] == "KeyboardInterrupt"
