"""The tour notebook in JupyterLab, with the sandbox as its endpoint: one command, one Ctrl-C."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from jupyter_core.paths import jupyter_runtime_dir

from or_notebook.sandbox.errors import SetupError
from or_notebook.sandbox.terminal import StopSignal, say

START_TIMEOUT = 60.0
STOP_TIMEOUT = 15.0
"""Seconds that JupyterLab may take to start, and to stop its kernels and itself."""
SANDBOX_KEY = "sandbox-key"
ANNOUNCEMENTS = "@jupyterlab/apputils-extension:announcements"


def run_demo(notebook: Path, *, port: int, browser: bool, live: bool) -> int:
    """Run JupyterLab on a notebook until Ctrl-C; return the exit code.

    `live` leaves the sandbox out and talks to OpenRouter with the person's own key.
    """
    if not notebook.is_file():
        raise SetupError(
            f"There is no notebook at {notebook}.\n"
            "Run this in the project's folder, or name one: or-notebook demo --notebook PATH"
        )
    if live and not os.environ.get("OPENROUTER_API_KEY"):
        raise SetupError(
            "--live needs a key in OPENROUTER_API_KEY, and it is not set.\n"
            "Without --live the demo uses the sandbox, which needs no key."
        )
    with StopSignal() as stop, _endpoint(live=live) as environment, _log_file() as log:
        since = time.time()
        with _quiet(environment) as quiet, _running_lab(notebook, port, quiet, log) as lab:
            address = _wait_for_address(lab, notebook, since, stop)
            if address is not None:
                _announce(address, browser=browser)
                stop.wait(while_true=lambda: lab.poll() is None)
        if stop.asked or lab.returncode == 0:
            return 0
        log.seek(0)
        last_words = log.read().rstrip().rpartition("\n")[2]
        raise SetupError(f"JupyterLab ended with code {lab.returncode}:\n{last_words}")


def _endpoint(*, live: bool) -> AbstractContextManager[dict[str, str]]:
    """Return the environment for kernels, and serve the endpoint that it names."""
    return nullcontext(dict(os.environ)) if live else _sandbox_environment()


@contextmanager
def _sandbox_environment() -> Iterator[dict[str, str]]:
    from or_notebook.sandbox.server import running_sandbox

    with running_sandbox() as sandbox:
        say(f"Sandbox at {sandbox.base_url}: pretended models, no key, no cost.")
        # A proxy for the outside world must not see, or break, requests to this machine.
        exempt = [os.environ.get(name, "") for name in ("NO_PROXY", "no_proxy")]
        no_proxy = ",".join(filter(None, [*exempt, "127.0.0.1", "localhost"]))
        yield os.environ | {
            "OPENROUTER_BASE_URL": sandbox.base_url,
            "OPENROUTER_API_KEY": SANDBOX_KEY,
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }


@contextmanager
def _quiet(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Add settings to the person's own that keep JupyterLab from asking about its news."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "labconfig" / "page_config.json"
        settings.parent.mkdir()
        settings.write_text(json.dumps({"disabledExtensions": {ANNOUNCEMENTS: True}}))
        path = filter(None, [environment.get("JUPYTER_CONFIG_PATH"), folder])
        yield environment | {"JUPYTER_CONFIG_PATH": os.pathsep.join(path)}


@contextmanager
def _log_file() -> Iterator[IO[str]]:
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        yield log


@contextmanager
def _running_lab(
    notebook: Path, port: int, environment: Mapping[str, str], log: IO[str]
) -> Iterator[subprocess.Popen[bytes]]:
    say("JupyterLab is starting…")
    lab = subprocess.Popen(  # noqa: S603 - our own interpreter and options
        lab_command(notebook, port),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        # Ctrl-C reaches this process alone; JupyterLab would ask whether it is meant.
        start_new_session=True,
    )
    try:
        yield lab
    finally:
        _stop(lab)


def lab_command(notebook: Path, port: int) -> list[str]:
    """Return the command line of JupyterLab; it takes the next free port by itself."""
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.open_browser=False",
        f"--ServerApp.root_dir={notebook.resolve().parent}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def _wait_for_address(
    lab: subprocess.Popen[bytes], notebook: Path, since: float, stop: StopSignal
) -> str | None:
    """Return the notebook's address; None if JupyterLab ends or Ctrl-C comes before."""
    folder = notebook.resolve().parent
    stop.wait(
        while_true=lambda: lab.poll() is None and _server_info(folder, since) is None,
        timeout=START_TIMEOUT,
    )
    info = _server_info(folder, since)
    if lab.poll() is not None or stop.asked:
        return None
    if info is None:
        raise SetupError(f"JupyterLab did not start within {START_TIMEOUT:g} s.")
    return notebook_address(info, notebook)


def _server_info(folder: Path, since: float) -> dict[str, Any] | None:
    """Return what JupyterLab wrote about itself when it was ready; None before that.

    Not found by its process id: in a virtual environment that may be a launcher's.
    """
    for path in Path(jupyter_runtime_dir()).glob("jpserver-*.json"):
        try:
            if path.stat().st_mtime < since:
                continue
            info: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            # Another server has just ended, or this one is still writing.
            continue
        if info.get("root_dir") == str(folder):
            return info
    return None


def notebook_address(info: Mapping[str, Any], notebook: Path) -> str:
    """Return where a server opens a notebook; `info` is the server's own description."""
    token = f"?token={quote(info['token'])}" if info.get("token") else ""
    return f"{info['url']}lab/tree/{quote(notebook.name)}{token}"


def _announce(address: str, *, browser: bool) -> None:
    say(f"JupyterLab at {address}")
    say("Press Ctrl-C to stop both." if browser else "Open that address. Ctrl-C stops both.")
    if browser:
        webbrowser.open(address)


def _stop(lab: subprocess.Popen[bytes]) -> None:
    """End JupyterLab, which ends its kernels; a kernel without its parent ends by itself."""
    if lab.poll() is None:
        lab.terminate()
        try:
            lab.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            lab.kill()
            lab.wait()
