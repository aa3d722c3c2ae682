"""Starting LiteLLM and llama.cpp's servers, as `.ci/test-servers` has installed them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.sandbox import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from or_notebook.sandbox.server import RunningSandbox

ENVIRONMENTS = Path(__file__).parents[2] / ".venvs"
START_TIMEOUT = 120.0
STOP_TIMEOUT = 20.0
LITELLM_KEY = "sk-litellm-for-tests"
CONTEXT = 32768
"""Tokens that llama.cpp's servers hold; an endless answer takes some seconds to fill them."""
KEEPALIVE_INTERVAL = 0.2
MOCK_ANSWER = "Hello from a mock: no model is behind these words."
MOCK_MODELS = {
    "mock": MOCK_ANSWER,
    "mock-internal-error": "litellm.InternalServerError",
    "mock-rate-limit": "litellm.RateLimitError",
    "mock-context": "litellm.ContextWindowExceededError",
}


@dataclass(frozen=True)
class Server:
    """A server that runs; `base_url` is what clients need.

    `abandoned` counts the answers that it stopped because the client had gone.
    """

    name: str
    url: str
    log_file: Path
    model: str
    endless_model: str
    abandoned: Callable[[], int]
    key: str | None = None

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def log(self) -> str:
        """What it has said so far."""
        return self.log_file.read_text(errors="replace")

    def get(self, path: str) -> Any:
        """The JSON below a path."""
        with urllib.request.urlopen(self.url + path, timeout=5) as response:
            return json.load(response)


@contextlib.contextmanager
def litellm_proxy(folder: Path, backend: RunningSandbox) -> Iterator[Server]:
    """Run a LiteLLM proxy without database; `sandbox/…` goes to the backend."""
    port = free_port()
    config = folder / "config.json"
    config.write_text(json.dumps(_litellm_config(backend.base_url)))
    server = Server(
        name="litellm",
        url=f"http://127.0.0.1:{port}",
        log_file=folder / "log.txt",
        model="mock",
        endless_model="sandbox/essay@20",
        # What it does when the client goes shows at the provider behind it.
        abandoned=lambda: sum(bool(seen["disconnected_at"]) for seen in backend.requests()),
        key=LITELLM_KEY,
    )
    command = [str(ENVIRONMENTS / "litellm/bin/litellm"), "--config", str(config)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    # Else it asks the internet for a list of prices while it starts.
    with _running(server, command, {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}, "/health/readiness"):
        yield server


def _litellm_config(backend_url: str) -> dict[str, Any]:
    models = [
        {
            "model_name": name,
            "litellm_params": {"model": f"openai/{name}", "api_key": "none", "mock_response": mock},
        }
        for name, mock in MOCK_MODELS.items()
    ]
    # A provider that it knows to speak chat completions only: it translates the other three.
    chained = {"model": "custom_openai/sandbox/*", "api_key": "none", "api_base": backend_url}
    return {
        "model_list": [*models, {"model_name": "sandbox/*", "litellm_params": chained}],
        "litellm_settings": {
            "num_retries": 0,
            "sse_keepalive_ping_interval_seconds": KEEPALIVE_INTERVAL,
        },
        "general_settings": {"master_key": LITELLM_KEY},
    }


@contextlib.contextmanager
def llama_server(folder: Path) -> Iterator[Server]:
    """Run llama.cpp's own server with the tiny model."""
    server = _llama("llama-server", folder, "cancel task")
    command = [str(ENVIRONMENTS / "llamacpp/llama.cpp/bin/llama-server")]
    command += ["--model", str(tiny_model(folder)), "--alias", server.model]
    command += ["--host", "127.0.0.1", "--port", server.url.rpartition(":")[2]]
    command += ["--ctx-size", str(CONTEXT), "--parallel", "1", "--threads", "1", "--slots"]
    # It looks for cancelled requests between two batches of the prompt.
    command += ["--batch-size", "128"]
    with _running(server, command, {}, "/health"):
        yield server


@contextlib.contextmanager
def llama_cpp_python_server(folder: Path) -> Iterator[Server]:
    """Run llama-cpp-python's server with the tiny model."""
    server = _llama("llama-cpp-python", folder, "Disconnected from client")
    command = [str(ENVIRONMENTS / "llamacpp/bin/python"), "-u", "-m", "llama_cpp.server"]
    command += ["--model", str(tiny_model(folder)), "--model_alias", server.model]
    command += ["--host", "127.0.0.1", "--port", server.url.rpartition(":")[2]]
    command += ["--n_ctx", str(CONTEXT), "--n_threads", "1", "--n_threads_batch", "1"]
    libraries = {"LLAMA_CPP_LIB_PATH": str(ENVIRONMENTS / "llamacpp/llama.cpp/bin")}
    with _running(server, command, libraries, "/v1/models"):
        yield server


def _llama(name: str, folder: Path, abandoned: str) -> Server:
    """Describe a server that logs the words `abandoned` when a client has gone."""
    log = folder / f"{name}.txt"
    return Server(
        name=name,
        url=f"http://127.0.0.1:{free_port()}",
        log_file=log,
        model="tiny",
        endless_model="tiny",
        abandoned=lambda: log.read_text(errors="replace").count(abandoned),
    )


def tiny_model(folder: Path) -> Path:
    """The tiny model, written if it is not there."""
    model = folder / "tiny.gguf"
    if not model.exists():
        script = Path(__file__).with_name("tiny_model.py")
        subprocess.run([ENVIRONMENTS / "llamacpp/bin/python", script, model], check=True)
    return model


@contextlib.contextmanager
def _running(
    server: Server, command: list[str], environment: dict[str, str], ready: str
) -> Iterator[None]:
    """Run a program until the block ends, from when it answers."""
    with (
        server.log_file.open("w") as log,
        subprocess.Popen(
            command,
            env=os.environ | {"NO_COLOR": "1", "PYTHONUNBUFFERED": "1"} | environment,
            cwd=server.log_file.parent,
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            until(lambda: _answers(server, process, ready), START_TIMEOUT)
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(server: Server, process: subprocess.Popen[bytes], path: str) -> bool:
    assert process.poll() is None, f"{server.name} ended:\n{server.log()[-3000:]}"
    try:
        server.get(path)
    except (urllib.error.URLError, OSError):
        return False
    return True


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
