"""A real kernel of each version of ipykernel, one per test module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.kernels import VERSIONS, LiveKernel, live_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPORTS = """
import asyncio
from tests.kernel.cells import *
"""

# Until 7.4, ipykernel 7 may stop hearing its front end for good when a request arrives just while
# it sends a reply, with plain cells too (it sends behind its stream's back, see the comment in
# 7.4's SubshellManager._send_on_shell_channel). These tests do both at once all the time.
DEAF = ("7.0", "7.3")
LISTEN = """
import zmq

def listen(kernel=get_ipython().kernel):
    kernel.shell_stream.flush(zmq.POLLIN)
    kernel.shell_channel_thread.io_loop.call_later(0.05, listen)

get_ipython().kernel.shell_channel_thread.io_loop.add_callback(listen)
"""


@pytest.fixture(
    scope="module", params=[pytest.param(v, marks=pytest.mark.kernel) for v in VERSIONS]
)
def kernel(request: pytest.FixtureRequest) -> Iterator[LiveKernel]:
    """A kernel in which the names of `tests.kernel.cells` are defined."""
    with live_kernel(request.param) as running:
        running.run(IMPORTS)
        if running.version in DEAF:
            running.run(LISTEN)
        yield running


@pytest.fixture
def button(kernel: LiveKernel) -> str:
    """The comm id of a new button, which is `button` in the kernel."""
    return kernel.run("button = Button(); print(button.comm.comm_id)").strip()


@pytest.fixture
def subshell(kernel: LiveKernel) -> str:
    """The id of a new subshell; skips below ipykernel 7."""
    if kernel.version < "7":
        pytest.skip("subshells came with ipykernel 7")
    request = kernel.send("create_subshell_request", {}, channel="control")
    return str(kernel.reply(request)["content"]["subshell_id"])
