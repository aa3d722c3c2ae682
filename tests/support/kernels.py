"""Real kernels of several versions of ipykernel, driven through jupyter_client.

`python -m tests.support.kernels` downloads them beforehand; otherwise the first use does.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zmq
from jupyter_client.manager import KernelManager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_client.blocking.client import BlockingKernelClient

# ipykernel 7.4 needs Python 3.11.
VERSIONS = ("6.29", "6.31", "7.0", "7.3") + (("7.4",) if sys.version_info >= (3, 11) else ())
PROJECT = Path(__file__).parents[2]
DEADLINE = 20.0
"""Seconds after which a test that waits for a kernel gives up."""

Message = dict[str, Any]


def prepared(version: str) -> Path:
    """The folder with this ipykernel, to be put before the installed packages."""
    cache = Path(os.environ.get("OR_NOTEBOOK_TEST_CACHE", PROJECT / ".cache" / "kernels"))
    folder = cache / f"ipykernel-{version}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        # Moved into place when whole, so that an interrupted download is no half installation.
        with tempfile.TemporaryDirectory(dir=cache) as unfinished:
            target = Path(unfinished) / "packages"
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            command += ["--disable-pip-version-check", "--target", str(target)]
            subprocess.run([*command, f"ipykernel=={version}.*"], check=True)
            target.rename(folder)
    return folder


@dataclass
class LiveKernel:
    """A running kernel. `messages` holds all that it said, `answers` the same by request.

    Each message has `channel` (`iopub`, `shell`, `control`, `stdin`) and `at` (`time.monotonic`).
    """

    version: str
    manager: KernelManager
    client: BlockingKernelClient
    messages: list[Message] = field(default_factory=list)
    answers: dict[str | None, list[Message]] = field(default_factory=lambda: defaultdict(list))

    # -- saying things ------------------------------------------------------------------------

    def send(
        self,
        kind: str,
        content: dict[str, Any],
        *,
        metadata: dict[str, Any] | None = None,
        subshell_id: str | None = None,
        channel: str = "shell",
    ) -> str:
        """Send any message; returns its id."""
        message = self.client.session.msg(kind, content, metadata=metadata)
        if subshell_id is not None:
            message["header"]["subshell_id"] = subshell_id
        getattr(self.client, f"{channel}_channel").send(message)
        return str(message["header"]["msg_id"])

    def start_cell(
        self, code: str, *, cell_id: str | None = None, subshell_id: str | None = None
    ) -> str:
        """Ask for a cell to be run, without waiting; returns the request's id."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        metadata = {} if cell_id is None else {"cellId": cell_id}
        return self.send("execute_request", content, metadata=metadata, subshell_id=subshell_id)

    def run(self, code: str, **options: Any) -> str:
        """Run a cell that must succeed; returns what it printed."""
        request = self.start_cell(code, **options)
        reply = self.reply(request)
        while reply["content"]["status"] == "aborted":
            # For a moment after an interrupt the kernel aborts whatever it reads.
            request = self.start_cell(code, **options)
            reply = self.reply(request)
        assert reply["content"]["status"] == "ok", reply["content"]
        self.idle(request)
        return self.printed(request)

    def send_comm(self, comm_id: str, data: Any, *, subshell_id: str | None = None) -> str:
        """Send a comm message, as a widget in the front end does."""
        return self.send("comm_msg", {"comm_id": comm_id, "data": data}, subshell_id=subshell_id)

    # -- hearing things -----------------------------------------------------------------------

    def hear(self, timeout: float) -> None:
        """Take in what arrives, waiting at most `timeout` seconds for something."""
        channels = {
            getattr(self.client, f"{name}_channel").socket: name
            for name in ("iopub", "shell", "control")
        }
        poller = zmq.Poller()
        for socket in channels:
            poller.register(socket, zmq.POLLIN)
        for socket, _ in poller.poll(timeout * 1000):
            name = channels[socket]
            message = getattr(self.client, f"{name}_channel").get_msg(timeout=0)
            message |= {"channel": name, "at": time.monotonic()}
            self.messages.append(message)
            self.answers[parent_id(message)].append(message)

    def until(
        self, request: str, wanted: Callable[[Message], bool], deadline: float = DEADLINE
    ) -> Message:
        """The first answer to a request, heard already or to come, that is `wanted`."""
        end = time.monotonic() + deadline
        seen = 0
        while True:
            answers = self.answers[request]
            for message in answers[seen:]:
                if wanted(message):
                    return message
            seen = len(answers)
            left = end - time.monotonic()
            assert left > 0, f"not within {deadline} s; so far: {answers[-5:]}"
            assert self.manager.is_alive(), "the kernel died"
            self.hear(min(left, 1.0))

    def reply(self, request: str, deadline: float = DEADLINE) -> Message:
        """The reply to a request."""
        return self.until(request, lambda m: m["channel"] in ("shell", "control"), deadline)

    def idle(self, request: str) -> Message:
        """The status that says all output of the request has been sent."""
        return self.until(request, lambda m: state(m) == "idle")

    def published(self, request: str) -> list[Message]:
        """What was published for a request so far."""
        return [m for m in self.answers[request] if m["channel"] == "iopub"]

    def printed(self, request: str) -> str:
        """What a cell has printed so far."""
        texts = [m["content"]["text"] for m in self.answers[request] if m["msg_type"] == "stream"]
        return "".join(texts)

    def until_printed(self, request: str, text: str) -> None:
        """Wait until a cell has printed `text`."""
        self.until(request, lambda m: m["msg_type"] == "stream" and text in self.printed(request))


def parent_id(message: Message) -> str | None:
    """The id of the request that a message belongs to."""
    value = message["parent_header"].get("msg_id")
    return None if value is None else str(value)


def state(message: Message) -> str | None:
    """The execution state that a message reports, if it is a status."""
    return message["content"]["execution_state"] if message["msg_type"] == "status" else None


@contextlib.contextmanager
def live_kernel(version: str) -> Iterator[LiveKernel]:
    """A kernel of this version of ipykernel, shut down at the end."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(prepared(version)), str(PROJECT)]),
            "IPYTHONDIR": home,
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        # Over files, not ports: nothing else on the machine can take them.
        manager = KernelManager(kernel_name="python3", transport="ipc", ip=f"{home}/kernel")
        # Two subshells that end a cell at once confuse the history, and it says so in the output.
        no_history = ["--HistoryManager.enabled=False"]
        manager.start_kernel(extra_arguments=no_history, env=environment, cwd=home)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            yield LiveKernel(version, manager, client)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()
            client.context.destroy()


if __name__ == "__main__":
    for each in VERSIONS:
        print(prepared(each))  # noqa: T201
