"""Where the pump cannot attach: nest_asyncio below ipykernel 7, plain waiting from 7 on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.kernels import LiveKernel


@pytest.fixture(autouse=True)
def _no_stream(kernel: LiveKernel) -> None:
    kernel.run(
        "from or_notebook.kernel import shell_stream\nshell_stream.find = lambda kernel: None"
    )


def nests(kernel: LiveKernel) -> bool:
    return kernel.version < "7"


def test_a_nested_loop_hears_the_click_and_keeps_the_order(kernel: LiveKernel, button: str) -> None:
    if not nests(kernel):
        pytest.skip("a nested loop would hang ipykernel 7")
    cell = kernel.start_cell("chat(button)")
    kernel.until_printed(cell, "waits")
    cells = [kernel.start_cell(f"print({number})") for number in range(5)]

    kernel.send_comm(button, "cancel")

    assert kernel.reply(cell)["content"]["status"] == "ok"
    for number, later in enumerate(cells):
        kernel.idle(later)
        assert kernel.printed(later) == f"{number}\n"


def test_without_a_pump_a_click_waits_for_the_cell_and_interrupt_ends_it(
    kernel: LiveKernel, button: str
) -> None:
    if nests(kernel):
        pytest.skip("ipykernel 6 has the nested loop")
    cell = kernel.start_cell("chat(button)")
    kernel.until_printed(cell, "waits")
    click = kernel.send_comm(button, "cancel")

    kernel.manager.interrupt_kernel()

    assert kernel.reply(cell)["content"]["ename"] == "KeyboardInterrupt"
    kernel.idle(click)
    assert kernel.run("print(button.clicks)").strip() == "['cancel']"


def test_interrupt_ends_the_cell(kernel: LiveKernel, button: str) -> None:
    cell = kernel.start_cell("chat(button)")
    kernel.until_printed(cell, "waits")

    kernel.manager.interrupt_kernel()

    assert kernel.reply(cell)["content"]["ename"] == "KeyboardInterrupt"
    assert kernel.run("print('fine')") == "fine\n"


def test_nest_asyncio_is_imported_only_where_it_is_needed(kernel: LiveKernel) -> None:
    printed = kernel.run("import sys; print('or_notebook.kernel.nested_loop' in sys.modules)")

    assert printed.strip() == str(nests(kernel))
