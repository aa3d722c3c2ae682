"""Servers that we did not write, each started once; `make test-servers` installs and runs them.

Without it this folder has no tests: the servers take minutes to install, one has to be compiled.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from or_notebook.sandbox.server import running_sandbox
from tests.servers.programs import Server, litellm_proxy, llama_cpp_python_server, llama_server
from tests.support.kernels import VERSIONS, LiveKernel, live_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from or_notebook.sandbox.server import RunningSandbox

collect_ignore_glob = [] if os.environ.get("OR_NOTEBOOK_SERVERS") else ["test_*.py"]


@pytest.fixture(autouse=True)
def _no_key_of_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    monkeypatch.delenv("OPENROUTER_BASE_URL", raising=False)


@pytest.fixture(scope="session")
def backend() -> Iterator[RunningSandbox]:
    """The sandbox, as the provider behind the LiteLLM proxy."""
    with running_sandbox(generation_delay=0.0) as server:
        yield server


@pytest.fixture(scope="session")
def litellm(backend: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A LiteLLM proxy with mock models, and the sandbox's models as `sandbox/…`."""
    with litellm_proxy(tmp_path_factory.mktemp("litellm"), backend) as server:
        yield server


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny model and the logs of llama.cpp lie."""
    return tmp_path_factory.mktemp("llama")


@pytest.fixture(scope="session")
def llama(llama_folder: Path) -> Iterator[Server]:
    """llama.cpp's own server."""
    with llama_server(llama_folder) as server:
        yield server


@pytest.fixture(scope="session")
def llama_python(llama_folder: Path) -> Iterator[Server]:
    """The server of llama-cpp-python."""
    with llama_cpp_python_server(llama_folder) as server:
        yield server


@pytest.fixture(scope="session")
def kernel() -> Iterator[LiveKernel]:
    """A kernel with the extension loaded."""
    with live_kernel(VERSIONS[-1]) as running:
        running.run("%load_ext or_notebook")
        yield running
