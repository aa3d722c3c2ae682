"""The sandbox for tests: in a thread of the test's own process, or as a process of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import pytest

from or_notebook.sandbox.server import RunningSandbox, running_sandbox

T = TypeVar("T")
STOP_TIMEOUT = 10.0


@pytest.fixture(scope="module")
def sandbox_server() -> Iterator[RunningSandbox]:
    """One sandbox for a module; its bills are written at once."""
    with running_sandbox(generation_delay=0.0) as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server: RunningSandbox) -> RunningSandbox:
    """The module's sandbox with an empty memory."""
    sandbox_server.clear()
    return sandbox_server


@pytest.fixture(scope="module")
def _http(sandbox_server: RunningSandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer test-key"}
    with httpx.Client(base_url=sandbox_server.base_url, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def sandbox_client(sandbox: RunningSandbox, _http: httpx.Client) -> httpx.Client:
    """A client of the module's sandbox, whose memory is empty; it has a key."""
    return _http


@dataclass(frozen=True)
class SandboxProcess:
    """A sandbox in a process of its own, for tests that must not share an interpreter with it."""

    process: subprocess.Popen[str]
    base_url: str

    @property
    def url(self) -> str:
        return self.base_url.removesuffix("/api/v1")

    def requests(self) -> list[dict[str, Any]]:
        """What it saw, oldest first."""
        with urllib.request.urlopen(f"{self.url}/sandbox/requests", timeout=5) as response:
            seen: list[dict[str, Any]] = json.load(response)["requests"]
            return seen

    def clear(self) -> None:
        """Let it forget what it saw."""
        request = urllib.request.Request(f"{self.url}/sandbox/requests", method="DELETE")
        urllib.request.urlopen(request, timeout=5).close()


@contextmanager
def sandbox_process(*options: str) -> Iterator[SandboxProcess]:
    """Run `or-notebook sandbox` on a free port until the block ends."""
    command = [sys.executable, "-m", "or_notebook", "sandbox", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first_line = process.stdout.readline()
            found = re.search(r"http://\S+/api/v1", first_line)
            assert found, f"no address in {first_line!r}"
            yield SandboxProcess(process, found.group())
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(STOP_TIMEOUT)


def until(condition: Callable[[], T], timeout: float = 5.0) -> T:
    """Return the first true value of `condition`; fail if there is none in time (seconds)."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"still {value!r} after {timeout} s"
        time.sleep(0.005)
