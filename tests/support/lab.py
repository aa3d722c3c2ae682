"""A private JupyterLab on loopback: own configuration, own kernels, nothing left running."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

START_DEADLINE = 60.0
STOP_DEADLINE = 15.0

SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/extensionmanager-extension:plugin": {"enabled": False},
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab server."""

    url: str
    directory: Path
    log: Path
    environment: Mapping[str, str]


@contextlib.contextmanager
def running_lab(
    directory: Path,
    home: Path,
    kernels: Mapping[str, Path | None],
    kernel_environment: Mapping[str, str],
) -> Iterator[Lab]:
    """Serve ``directory`` with JupyterLab until the block ends; ``home`` holds its private state.

    ``kernels`` names each kernelspec and the folder whose packages win over the installed ones
    (None: the installed ipykernel). ``kernel_environment`` is set in every kernel.
    """
    environment = private_environment(home)
    write_settings(home)
    for name, override in kernels.items():
        write_kernelspec(home, name, override, kernel_environment)
    log = home / "jupyterlab.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            lab_command(directory),
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Lab(wait_for_server(process, home, log), directory, log, environment)
        finally:
            stop(process)


def lab_command(directory: Path) -> list[str]:
    """Return the command that serves ``directory`` without a token, on a port the server picks."""
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--expose-app-in-browser",
        "--LabApp.extension_manager=readonly",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        "--ServerApp.password=",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={directory}",
    ]


def private_environment(home: Path) -> dict[str, str]:
    """Return this process's environment with every Jupyter and IPython folder moved to ``home``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    return kept | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "IPYTHONDIR": str(home / "ipython"),
        "NO_PROXY": "127.0.0.1,localhost",
    }


def write_settings(home: Path) -> None:
    """Turn off what would disturb a test: news, notifications, automatic saving, extensions."""
    folder = home / "config" / "labconfig"
    folder.mkdir(parents=True)
    (folder / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))


def write_kernelspec(
    home: Path, name: str, override: Path | None, kernel_environment: Mapping[str, str]
) -> None:
    """Add a kernelspec for this interpreter, with the packages in ``override`` first."""
    inherited = kernel_environment.get("PYTHONPATH", "")
    paths = [str(override or ""), inherited]
    specification = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "env": dict(kernel_environment) | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
    }
    folder = home / "data" / "kernels" / name
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(specification))


def wait_for_server(process: subprocess.Popen[bytes], home: Path, log: Path) -> str:
    """Return the server's address once it answers; raise RuntimeError with its log otherwise."""
    information = home / "runtime" / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        if information.exists():
            url = str(json.loads(information.read_text())["url"])
            with contextlib.suppress(urllib.error.URLError), urllib.request.urlopen(url + "api"):
                return url
        time.sleep(0.05)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-4000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Let the server shut its kernels down and end; kill its process group if it does not."""
    process.terminate()
    try:
        process.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
