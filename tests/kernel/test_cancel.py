"""A click on Cancel ends the cell that waits, and disturbs nothing else."""

from __future__ import annotations

import pytest

from tests.support.kernels import LiveKernel, parent_id, state

HANG_GUARD = 2.0


def waiting_cell(kernel: LiveKernel, code: str = "chat(button)", **options: str) -> str:
    request = kernel.start_cell(code, **options)
    kernel.until_printed(request, "waits")
    return request


def test_cancel_ends_the_cell_while_it_blocks(kernel: LiveKernel, button: str) -> None:
    cell = waiting_cell(kernel)

    kernel.send_comm(button, "cancel")

    assert kernel.reply(cell, HANG_GUARD)["content"]["status"] == "ok"
    kernel.idle(cell)
    assert "chat cancelled" in kernel.printed(cell)


def test_cancel_reaches_the_stream(kernel: LiveKernel, button: str) -> None:
    cell = waiting_cell(kernel)
    kernel.send_comm(button, "cancel")
    kernel.reply(cell, HANG_GUARD)
    kernel.idle(cell)

    assert kernel.run("print(last_stream().closed.wait(2))").strip() == "True"


def test_cancel_works_in_a_cell_with_await(kernel: LiveKernel, button: str) -> None:
    cell = waiting_cell(kernel, "await asyncio.sleep(0)\nchat(button)")

    kernel.send_comm(button, "cancel")

    assert kernel.reply(cell, HANG_GUARD)["content"]["status"] == "ok"


def test_every_click_arrives_once_and_in_order(kernel: LiveKernel, button: str) -> None:
    cell = waiting_cell(kernel)

    for number in range(200):
        kernel.send_comm(button, number)
    kernel.send_comm(button, "cancel")

    kernel.reply(cell)
    kernel.idle(cell)
    assert kernel.run("print(button.clicks == [*range(200), 'cancel'])").strip() == "True"


def test_a_click_is_reported_busy_then_idle_then_the_cell_is_busy_again(
    kernel: LiveKernel, button: str
) -> None:
    cell = waiting_cell(kernel)
    click = kernel.send_comm(button, "hello")
    kernel.idle(click)
    kernel.send_comm(button, "cancel")
    kernel.idle(cell)

    states = [
        (parent_id(message), state(message))
        for message in kernel.messages
        if state(message) is not None and parent_id(message) in (cell, click)
    ]
    assert states[:4] == [(cell, "busy"), (click, "busy"), (click, "idle"), (cell, "busy")]
    assert states[-1] == (cell, "idle")


def test_what_a_click_prints_belongs_to_the_click(kernel: LiveKernel, button: str) -> None:
    kernel.run("button.comm.on_msg(lambda message: (print('clicked'), button._clicked(message)))")
    cell = waiting_cell(kernel)

    click = kernel.send_comm(button, "cancel")

    kernel.idle(cell)
    kernel.idle(click)
    assert kernel.printed(click) == "clicked\n"
    assert kernel.printed(cell) == "chat waits\nchat cancelled\n"


def test_a_click_runs_no_hook_of_the_cell(kernel: LiveKernel, button: str) -> None:
    """Matplotlib's hook would show the cell's unfinished figures as output of the click."""
    kernel.run(
        "hooks = []\n"
        "note = lambda: hooks.append(len(button.clicks))\n"
        "get_ipython().events.register('post_execute', note)"
    )
    cell = waiting_cell(kernel)
    kernel.send_comm(button, "cancel")
    kernel.idle(cell)

    printed = kernel.run("get_ipython().events.unregister('post_execute', note); print(hooks)")

    # Once for the cell that registered it, once for the cell that was cancelled.
    assert printed.strip() == "[0, 1]"


def test_run_all_keeps_its_order(kernel: LiveKernel, button: str) -> None:
    first = waiting_cell(kernel, "seen = []; chat(button)")
    cells = [kernel.start_cell(f"seen.append({n}); print('cell', {n})") for n in range(5)]

    kernel.send_comm(button, "cancel")

    for number, cell in enumerate(cells):
        assert kernel.reply(cell)["content"]["status"] == "ok"
        kernel.idle(cell)
        assert kernel.printed(cell) == f"cell {number}\n"
    assert kernel.printed(first) == "chat waits\nchat cancelled\n"
    assert kernel.run("print(seen)").strip() == "[0, 1, 2, 3, 4]"


def test_a_second_chat_in_run_all_waits_for_its_own_button(kernel: LiveKernel, button: str) -> None:
    second_button = kernel.run("second = Button(); print(second.comm.comm_id)").strip()
    first = waiting_cell(kernel)
    second = kernel.start_cell("chat(second, 'second')")
    third = kernel.start_cell("print('third')")

    kernel.send_comm(button, "cancel")
    kernel.until_printed(second, "second waits")
    assert kernel.printed(first) == "chat waits\nchat cancelled\n"
    assert kernel.printed(third) == ""
    kernel.send_comm(second_button, "cancel")

    kernel.idle(third)
    assert kernel.printed(second) == "second waits\nsecond cancelled\n"
    assert kernel.printed(third) == "third\n"


def test_messages_for_others_come_after_the_cell_in_their_order(
    kernel: LiveKernel, button: str
) -> None:
    other = kernel.run("other = Button(); print(other.comm.comm_id)").strip()
    cell = waiting_cell(kernel)
    before = kernel.start_cell("print(other.clicks)")
    kernel.send_comm(other, "for the other")
    after = kernel.start_cell("print(other.clicks)")

    kernel.send_comm(button, "cancel")

    kernel.idle(cell)
    kernel.idle(before)
    kernel.idle(after)
    assert kernel.printed(before) == "[]\n"
    assert kernel.printed(after) == "['for the other']\n"


def test_questions_to_the_kernel_are_answered_after_the_cell(
    kernel: LiveKernel, button: str
) -> None:
    waiting_cell(kernel)
    information = kernel.send("kernel_info_request", {})
    completion = kernel.send("complete_request", {"code": "last_st", "cursor_pos": 7})

    kernel.send_comm(button, "cancel")

    assert kernel.reply(information)["content"]["status"] == "ok"
    assert "last_stream" in kernel.reply(completion)["content"]["matches"]


def test_the_kernel_works_as_before_afterwards(kernel: LiveKernel, button: str) -> None:
    waiting_cell(kernel)
    kernel.send_comm(button, "cancel")

    kernel.idle(kernel.send_comm(button, "late"))

    assert kernel.run("print(button.clicks)").strip() == "['cancel', 'late']"
    information = kernel.send("kernel_info_request", {})
    assert kernel.reply(information)["content"]["status"] == "ok"


def test_an_error_while_drawing_ends_the_wait_and_later_cells_run(
    kernel: LiveKernel, button: str
) -> None:
    cell = kernel.start_cell("wait(lambda: False, lambda: 1 / 0, button.wake, lambda: ())")
    assert kernel.reply(cell)["content"]["ename"] == "ZeroDivisionError"

    assert kernel.run("print('fine')") == "fine\n"
    kernel.idle(kernel.send_comm(button, "late"))
    assert kernel.run("print(button.clicks)").strip() == "['late']"


class TestSubshells:
    """ipykernel 7: messages may name a thread of their own, and JupyterLab uses that."""

    def test_a_click_sent_to_a_subshell_ends_the_cell(
        self, kernel: LiveKernel, subshell: str, button: str
    ) -> None:
        cell = waiting_cell(kernel)

        kernel.send_comm(button, "cancel", subshell_id=subshell)

        assert kernel.reply(cell, HANG_GUARD)["content"]["status"] == "ok"

    def test_a_cell_in_a_subshell_is_cancelled(self, kernel: LiveKernel, subshell: str) -> None:
        made = kernel.start_cell(
            "inner = Button(); print(inner.comm.comm_id)", subshell_id=subshell
        )
        kernel.idle(made)
        cell = waiting_cell(kernel, "chat(inner)", subshell_id=subshell)
        later = kernel.start_cell("print('later')", subshell_id=subshell)
        assert kernel.run("print('the main thread is free')") == "the main thread is free\n"

        kernel.send_comm(kernel.printed(made).strip(), "cancel", subshell_id=subshell)

        assert kernel.reply(cell, HANG_GUARD)["content"]["status"] == "ok"
        kernel.idle(later)
        assert kernel.printed(later) == "later\n"


@pytest.mark.parametrize("code", ["chat(button)", "await asyncio.sleep(0)\nchat(button)"])
def test_two_chats_in_a_row_each_need_their_own_click(
    kernel: LiveKernel, button: str, code: str
) -> None:
    for _ in range(2):
        cell = waiting_cell(kernel, code)
        kernel.send_comm(button, "cancel")
        assert kernel.reply(cell, HANG_GUARD)["content"]["status"] == "ok"
        kernel.idle(cell)
