"""Clicks, interrupts and queued cells at random moments: nothing is lost, doubled or reordered."""

from __future__ import annotations

import random

from tests.support.kernels import LiveKernel, parent_id


class Fuzz:
    """A random user: remembers what it did, and checks what came of it."""

    def __init__(self, kernel: LiveKernel, button: str) -> None:
        kernel.run("ran = []")
        self.kernel = kernel
        self.button = button
        self.dice = random.Random(kernel.version)
        self.clicks: list[object] = []
        self.cells: list[str] = []

    def click(self, what: object = None) -> None:
        self.clicks.append(len(self.clicks) if what is None else what)
        self.kernel.send_comm(self.button, self.clicks[-1])

    def queue_a_cell(self) -> None:
        self.cells.append(self.kernel.start_cell(f"ran.append({len(self.cells)})"))

    def act(self, steps: int) -> None:
        for _ in range(steps):
            if self.dice.random() < 0.3:
                self.queue_a_cell()
            self.click()
            if self.dice.random() < 0.3:
                self.kernel.hear(self.dice.random() * 0.02)

    def check(self) -> None:
        """Every cell was answered once and in order; every click was heard once and in order."""
        statuses = [self.kernel.reply(cell)["content"]["status"] for cell in self.cells]
        assert set(statuses) <= {"ok", "aborted"}
        replies = [parent_id(m) for m in self.kernel.messages if m["msg_type"] == "execute_reply"]
        assert [each for each in replies if each in set(self.cells)] == self.cells
        ran = [number for number, status in enumerate(statuses) if status == "ok"]
        assert self.kernel.run("print(ran)").strip() == str(ran)
        assert self.kernel.run("print(button.clicks)").strip() == str(self.clicks)


def test_nothing_is_lost_while_a_cell_shrugs_interrupts_off(
    kernel: LiveKernel, button: str
) -> None:
    fuzz = Fuzz(kernel, button)
    for _ in range(5):
        cell = kernel.start_cell("chat_through_interrupts(button)")
        for interrupts in range(8):
            kernel.until_printed(cell, f"{interrupts} waits")
            fuzz.act(fuzz.dice.randrange(8))
            kernel.manager.interrupt_kernel()
            fuzz.act(fuzz.dice.randrange(8))
        kernel.until_printed(cell, "8 waits")
        fuzz.click("stop")
        assert kernel.reply(cell)["content"]["status"] == "ok"
        fuzz.check()


def test_nothing_is_lost_while_cells_end(kernel: LiveKernel, button: str) -> None:
    fuzz = Fuzz(kernel, button)
    for _ in range(30):
        kernel.run("pass")
        cell = kernel.start_cell("chat(button, until='stop')")
        kernel.until_printed(cell, "waits")
        fuzz.act(fuzz.dice.randrange(8))
        if fuzz.dice.random() < 0.5:
            kernel.manager.interrupt_kernel()
        else:
            fuzz.click("stop")
        fuzz.act(fuzz.dice.randrange(8))
        kernel.reply(cell)
    fuzz.check()
