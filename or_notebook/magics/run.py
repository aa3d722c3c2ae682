"""Running one call in a cell: send, draw, wait, and end the way a notebook expects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from or_notebook.client.known_endpoints import is_secret
from or_notebook.kernel.background import every
from or_notebook.kernel.environment import environment
from or_notebook.kernel.waiting import FRAME, wait
from or_notebook.magics.interrupt import in_one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from or_notebook.kernel.call import Call


BILL_INTERVAL = 0.25
"""Seconds between two looks whether the bill has come."""


class View(Protocol):
    """What shows a call while it runs and after it."""

    def open(self) -> None:
        """Show that something was sent."""

    def update(self) -> None:
        """Draw what is new."""

    def close(self, *, raised: bool) -> None:
        """Leave the finished answer in place of the live view.

        With `raised` an exception follows that explains a failure.
        """

    def refresh(self, *, raised: bool) -> None:
        """Show a closed view anew, because the bill became known."""

    def comm_ids(self) -> Collection[str]:
        """Return the comms through which the person's clicks arrive."""


def run(call: Call, view: View) -> None:
    """Run a call to its end while the cell blocks.

    Cancel returns quietly, and later cells run on. Interrupt raises `KeyboardInterrupt`, a failed
    or broken answer its `ChatError`, so that Run All, papermill and nbconvert notice. In every case
    what has arrived is shown and kept first.
    """
    interrupt: KeyboardInterrupt | None = None
    try:
        view.open()
        call.start()
        wait(lambda: call.finished, view.update, call.wake, view.comm_ids)
    except KeyboardInterrupt as error:
        call.cancel_and_settle("Interrupted.")
        interrupt = error
    finally:
        call.cancel()
        _close(call, view, raised=True)
    if interrupt is not None:
        raise in_one_line(interrupt)
    reply = call.result()
    if reply.status != "cancelled":
        reply.raise_for_status()


def run_in_background(call: Call, view: View, closed: Callable[[View], None]) -> None:
    """Start a call and return; the answer goes on growing while the kernel is idle.

    A failure is shown in the view; there is no cell left in which to raise it. `closed` is called
    when the view shows the finished answer.
    """
    view.open()
    call.start()

    def tick() -> bool:
        if call.finished:
            call.result()
            _close(call, view, raised=False)
            closed(view)
            return False
        view.update()
        return True

    every(FRAME, tick)


def _close(call: Call, view: View, *, raised: bool) -> None:
    """Close the view; complete its summary when the service tells what the answer cost.

    The cell does not wait for it. In a terminal no loop runs between two inputs, and what is
    printed stands; the reply itself is completed there too.
    """
    # Asked before: the bill may come while the view closes, too late to be in it.
    bill_pending = call.bill_pending
    view.close(raised=raised)
    if not bill_pending or environment() != "kernel":
        return

    def tick() -> bool:
        if call.bill_pending:
            return True
        if call.reply.usage is not None:
            # Figures have come, or an estimate of what they cost.
            view.refresh(raised=raised)
        return False

    every(BILL_INTERVAL, tick)


def dry_run(call: Call) -> str:
    """Return exactly what would be sent, the key left out."""
    path, body = call.skin.encode(call.request)
    headers = {**call.endpoint.headers(), **call.skin.headers}
    lines = [f"POST {call.endpoint.base_url}{path}"]
    for name, value in headers.items():
        hidden = "[key left out]" if is_secret(name) else value
        lines.append(f"{name}: {hidden}")
    return "\n".join([*lines, "", json.dumps(body, indent=2, ensure_ascii=False)])
