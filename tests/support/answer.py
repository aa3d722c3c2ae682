"""What a person sees of an answer below its cell."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from or_notebook.sandbox.server import RunningSandbox
    from tests.support.notebook import Notebook

LOAD = "%load_ext or_notebook"
DEADLINE = 10.0


@dataclass(frozen=True)
class ShownAnswer:
    """The answer in the output of one cell, found by the roles and names that people use."""

    notebook: Notebook
    index: int

    @property
    def output(self) -> Locator:
        return self.notebook.output(self.index)

    @property
    def text(self) -> Locator:
        return self.output.get_by_role("region", name="Answer")

    @property
    def state(self) -> Locator:
        return self.output.get_by_role("status")

    @property
    def cancel(self) -> Locator:
        return self.output.get_by_role("button", name="Cancel")

    @property
    def summary(self) -> Locator:
        return self.output.get_by_label("Usage summary")

    def watch_states(self) -> None:
        """Begin to note every wording of the state line, for `states`."""
        self.output.evaluate(
            """output => {
              const states = (window.states = []);
              new MutationObserver(() => {
                const state = output.querySelector("[role=status]")?.textContent;
                if (state && state !== states.at(-1)) states.push(state);
              }).observe(output, {subtree: true, childList: true, characterData: true});
            }"""
        )

    def states(self) -> list[str]:
        """Return what the state line has said since `watch_states`, in order."""
        return list(self.notebook.page.evaluate("() => window.states"))

    def length(self) -> int:
        """Return how many characters of the answer are visible."""
        return len(self.text.inner_text())

    def wait_for_length(self, length: int) -> int:
        """Wait until so many characters are visible; return how many it then was."""
        deadline = time.monotonic() + DEADLINE
        expect(self.text).to_be_visible()
        while (seen := self.length()) < length:
            assert time.monotonic() < deadline, f"only {seen} of {length} characters came"
            self.notebook.page.wait_for_timeout(20)
        return seen


def wait_for_record(sandbox: RunningSandbox, **wanted: Any) -> dict[str, Any]:
    """Wait until the sandbox's latest request has these values, and return its record.

    A wanted value may be a function that tells whether the recorded one is right.
    """
    deadline = time.monotonic() + DEADLINE
    while True:
        record = (sandbox.requests() or [{}])[-1]
        if all(_fits(record.get(name), value) for name, value in wanted.items()):
            return record
        assert time.monotonic() < deadline, f"the latest request stayed {record}"
        time.sleep(0.01)


def _fits(value: Any, wanted: Any) -> bool:
    return value is not None and bool(wanted(value)) if callable(wanted) else value == wanted
