"""The engine: a loop on a thread that starts on first use and never keeps anything from ending."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from or_notebook.kernel.engine import engine

HANG_GUARD = 5.0


def run_script(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_there_is_one() -> None:
    assert engine() is engine()


def test_it_runs_a_coroutine_on_its_own_daemon_thread() -> None:
    async def thread() -> threading.Thread:
        return threading.current_thread()

    found = engine().submit(thread()).result(HANG_GUARD)

    assert found is not threading.main_thread()
    assert found.daemon


def test_an_error_comes_back() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        engine().submit(fail()).result(HANG_GUARD)


def test_cancelling_the_future_cancels_the_coroutine() -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def stall() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    future = engine().submit(stall())
    assert started.wait(HANG_GUARD)
    future.cancel()

    assert cancelled.wait(HANG_GUARD)


def test_local_makes_each_thing_once() -> None:
    async def get() -> list[int]:
        return engine().local(test_local_makes_each_thing_once, list)

    first = engine().submit(get()).result(HANG_GUARD)

    assert engine().submit(get()).result(HANG_GUARD) is first


def test_local_refuses_other_threads() -> None:
    with pytest.raises(RuntimeError, match="own thread"):
        engine().local("key", list)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_fork_gets_an_engine_of_its_own_and_leaves_the_parents_alone() -> None:
    code = """
import asyncio, gc, os
from or_notebook.kernel.engine import engine

async def pid():
    await asyncio.sleep(0.01)
    return os.getpid()

before = engine()
assert before.submit(pid()).result(5) == os.getpid()
child = os.fork()
if child == 0:
    gc.collect()
    ok = engine() is not before and engine().submit(pid()).result(5) == os.getpid()
    os._exit(0 if ok else 1)
assert os.waitpid(child, 0)[1] == 0
assert engine() is before
assert before.submit(pid()).result(5) == os.getpid()
print("fine")
"""
    done = run_script(code)

    assert done.stdout == "fine\n", done.stderr


def test_the_interpreter_ends_silently_with_work_under_way() -> None:
    code = """
import asyncio, logging
from or_notebook.kernel.engine import engine

logging.basicConfig()

async def stall():
    await asyncio.Event().wait()

async def nothing():
    pass

kept = [engine().submit(stall()) for _ in range(3)]
engine().submit(nothing()).result(5)
"""
    done = run_script(code, "-W", "error")

    assert (done.returncode, done.stderr) == (0, "")


def test_importing_it_starts_nothing() -> None:
    code = "import or_notebook.kernel.engine, threading; print(threading.active_count())"

    assert run_script(code).stdout == "1\n"
