"""Waiting without a kernel: in plain Python, in a terminal, on a thread."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from or_notebook.kernel.interrupts import Interrupts
from or_notebook.kernel.waiting import FRAME, wait
from or_notebook.kernel.wake import Signal

PROJECT = Path(__file__).parents[2]
HANG_GUARD = 5.0


def no_comms() -> tuple[str, ...]:
    return ()


class TestSignal:
    """A wake-up call between two threads."""

    def test_it_wakes_a_waiting_thread(self) -> None:
        wake = Signal()
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(wake.wait, HANG_GUARD)
            wake.set()
            assert waiting.result(HANG_GUARD) is True

    def test_a_call_before_the_wait_is_not_lost(self) -> None:
        wake = Signal()
        wake.set()
        assert wake.wait(0) is True

    def test_several_calls_count_as_one(self) -> None:
        wake = Signal()
        wake.set()
        wake.set()
        assert [wake.wait(0), wake.wait(0)] == [True, False]

    def test_a_wait_of_no_time_ends_at_once_after_any_number_of_calls(self) -> None:
        wake = Signal()
        done = threading.Event()

        def call_and_wait() -> None:
            for _ in range(2000):
                wake.set()
                wake.wait(0.01)
                wake.wait(0)
            done.set()

        threading.Thread(target=call_and_wait, daemon=True).start()
        assert done.wait(HANG_GUARD)

    def test_without_a_call_it_ends_with_the_timeout(self) -> None:
        assert Signal().wait(0.001) is False
        assert Signal().wait(-1) is False


class TestPlainWaiting:
    """No kernel: nothing to pump, all else alike."""

    def test_it_ends_when_finished(self) -> None:
        frames = iter([False, False, True])
        wait(lambda: next(frames), lambda: None, Signal(), no_comms)

    def test_it_does_not_tick_when_there_is_nothing_to_wait_for(self) -> None:
        ticks: list[int] = []
        wait(lambda: True, lambda: ticks.append(1), Signal(), no_comms)
        assert ticks == []

    def test_it_ticks_again_and_again_without_being_woken(self) -> None:
        ticks: list[int] = []
        wait(lambda: len(ticks) == 3, lambda: ticks.append(1), Signal(), no_comms)

    def test_it_draws_at_most_thirty_frames_a_second_however_often_it_is_woken(self) -> None:
        ticks: list[float] = []
        wake = Signal()
        rounds = 0

        def finished() -> bool:
            nonlocal rounds
            rounds += 1
            wake.set()
            return len(ticks) == 4

        wait(finished, lambda: ticks.append(time.monotonic()), wake, no_comms)

        assert rounds > len(ticks)
        assert all(b - a >= FRAME for a, b in zip(ticks, ticks[1:], strict=False))

    def test_an_error_in_tick_comes_out_and_the_handler_is_restored(self) -> None:
        before = signal.getsignal(signal.SIGINT)
        with pytest.raises(ZeroDivisionError):
            wait(lambda: False, lambda: 1 // 0, Signal(), no_comms)  # type: ignore[arg-type,return-value]
        assert signal.getsignal(signal.SIGINT) is before

    def test_it_works_on_a_thread(self) -> None:
        wake = Signal()
        done = threading.Event()
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(wait, done.is_set, lambda: None, wake, no_comms)
            done.set()
            wake.set()
            waiting.result(HANG_GUARD)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no os.kill with SIGINT")
class TestInterrupts:
    """Ctrl-C gets through while waiting, and is held back everywhere else."""

    def test_ctrl_c_ends_the_wait(self) -> None:
        before = signal.getsignal(signal.SIGINT)
        waiting = threading.Event()

        def press() -> None:
            waiting.wait(HANG_GUARD)
            os.kill(os.getpid(), signal.SIGINT)

        with ThreadPoolExecutor() as pool, pytest.raises(KeyboardInterrupt):
            pool.submit(press)
            wait(lambda: False, waiting.set, Signal(), no_comms)

        assert signal.getsignal(signal.SIGINT) is before

    def test_it_never_cuts_a_tick_in_half(self) -> None:
        ticks: list[str] = []

        def tick() -> None:
            ticks.append("begun")
            signal.raise_signal(signal.SIGINT)
            ticks.append("ended")

        with pytest.raises(KeyboardInterrupt):
            wait(lambda: False, tick, Signal(), no_comms)

        assert ticks == ["begun", "ended"]

    def test_one_held_back_is_raised_even_if_the_wait_is_over(self) -> None:
        frames = iter([False, True])
        with pytest.raises(KeyboardInterrupt):
            wait(
                lambda: next(frames),
                lambda: signal.raise_signal(signal.SIGINT),
                Signal(),
                no_comms,
            )

    def test_an_error_is_not_hidden_by_one_held_back(self) -> None:
        with pytest.raises(ZeroDivisionError), Interrupts():
            signal.raise_signal(signal.SIGINT)
            _ = 1 // 0

    def test_a_second_ctrl_c_breaks_through_what_is_stuck(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("or_notebook.kernel.interrupts.STUCK_AFTER", 0.0)

        def stuck() -> None:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the second one was held back too")

        with pytest.raises(KeyboardInterrupt):
            wait(lambda: False, stuck, Signal(), no_comms)

    def test_an_ignored_ctrl_c_stays_ignored(self) -> None:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            ticks: list[int] = []

            def tick() -> None:
                signal.raise_signal(signal.SIGINT)
                ticks.append(1)

            wait(lambda: len(ticks) == 2, tick, Signal(), no_comms)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        finally:
            signal.signal(signal.SIGINT, before)


SCRIPT = """
import sys
from or_notebook.kernel.environment import environment
from or_notebook.kernel.waiting import wait
from or_notebook.kernel.wake import Signal

shown = []
def tick():
    if not shown:
        shown.append(print(environment(), "waits", flush=True))

try:
    wait(lambda: False, tick, Signal(), lambda: ())
except KeyboardInterrupt:
    print("interrupted", "zmq" in sys.modules, "nest_asyncio" in sys.modules, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no os.kill with SIGINT")
@pytest.mark.parametrize(
    ("command", "name"),
    [
        ([sys.executable, "-c", SCRIPT], "python"),
        ([sys.executable, "-m", "IPython", "--no-banner", "-c", SCRIPT], "terminal"),
    ],
)
def test_ctrl_c_ends_the_wait_in_a_process_of_its_own(
    command: list[str], name: str, tmp_path: Path
) -> None:
    environment = os.environ | {"IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        lines: queue.Queue[str] = queue.Queue()
        assert process.stdout is not None
        reader = threading.Thread(target=lambda: [lines.put(line) for line in process.stdout])
        reader.start()
        try:
            assert lines.get(timeout=30) == f"{name} waits\n"
            process.send_signal(signal.SIGINT)
            assert lines.get(timeout=HANG_GUARD) == "interrupted False False\n"
        finally:
            process.kill()
            reader.join()
