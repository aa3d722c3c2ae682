"""A cell knows which cell it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from or_notebook.kernel.cell import current_cell

if TYPE_CHECKING:
    import pytest

    from tests.support.kernels import LiveKernel

SHOW = (
    "from or_notebook.kernel.cell import current_cell\n"
    "cell = current_cell()\n"
    "print(cell.id, cell.has_cell_id, cell.parent_message_id, cell.allow_stdin)"
)


def test_the_notebooks_cell_id(kernel: LiveKernel) -> None:
    request = kernel.start_cell(SHOW, cell_id="d4c3-b2a1")
    kernel.idle(request)

    assert kernel.printed(request).split() == ["d4c3-b2a1", "True", request, "False"]


def test_without_a_cell_id(kernel: LiveKernel) -> None:
    request = kernel.start_cell(SHOW)
    kernel.idle(request)

    assert kernel.printed(request).split() == ["None", "False", request, "False"]


def test_it_is_still_known_while_a_click_has_been_handled(kernel: LiveKernel, button: str) -> None:
    request = kernel.start_cell(f"chat(button)\n{SHOW}", cell_id="mine")
    kernel.until_printed(request, "waits")
    kernel.send_comm(button, "cancel")
    kernel.idle(request)

    assert kernel.printed(request).split()[-4:] == ["mine", "True", request, "False"]


def test_it_never_raises_on_a_thread(kernel: LiveKernel) -> None:
    printed = kernel.run(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor() as pool:\n"
        "    print(type(pool.submit(current_cell).result()).__name__)"
    )

    assert printed == "Cell\n"


def test_outside_of_a_kernel_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)

    cell = current_cell()

    assert (cell.id, cell.parent_message_id, cell.allow_stdin) == (None, None, False)
