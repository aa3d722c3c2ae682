"""The console script: its words, its exit codes, and that nothing is left running."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from or_notebook import __version__, cli
from or_notebook.sandbox.demo import lab_command, notebook_address
from tests.support.sandbox import sandbox_process, until


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"or-notebook {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["sandbox", "--help"], ["demo", "--help"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith("usage: or-notebook")


def test_port_out_of_range_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["sandbox", "--port", "70000"])
    assert exit_.value.code == 2
    assert "must be 0 to 65535" in capsys.readouterr().err


def complaint(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that cannot start, and return what it says."""
    assert cli.main(arguments) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) <= 3
    return said.err


def test_taken_port_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = complaint(["sandbox", "--port", str(port)], capsys)
    assert said.startswith(f"Port {port} cannot be used on 127.0.0.1: ")


def test_foreign_host_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    said = complaint(["sandbox", "--port", "0", "--host", "0.0.0.0"], capsys)
    assert "loopback addresses only" in said


@pytest.mark.parametrize(
    ("arguments", "missing", "extra"),
    [
        (["sandbox"], "starlette", "[sandbox]"),
        (["sandbox"], "uvicorn", "[sandbox]"),
        (["demo"], "starlette", "[lab,sandbox]"),
        (["demo"], "jupyterlab", "[lab,sandbox]"),
        (["demo", "--live"], "jupyterlab", "[lab]"),
    ],
)
def test_missing_package_names_its_extra(
    arguments: list[str],
    missing: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == missing else name)
    said = complaint(arguments, capsys)
    assert missing in said
    assert f"pip install 'or-notebook{extra}'" in said


def test_sandbox_command_serves_and_ends_with_0() -> None:
    with sandbox_process() as server:
        with urllib.request.urlopen(f"{server.base_url}/models", timeout=5) as response:
            assert len(json.load(response)["data"]) > 10
        assert [record["path"] for record in server.requests()] == ["/api/v1/models"]
        server.clear()
        assert server.requests() == []
    assert server.process.returncode == 0


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "a tour.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": [], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


class TestDemo:
    """`or-notebook demo` starts both servers and leaves none behind."""

    @pytest.fixture(autouse=True)
    def _with_jupyterlab(self) -> None:
        if find_spec("jupyterlab") is None:
            pytest.skip("JupyterLab is not installed")

    def test_missing_notebook_is_explained(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        said = complaint(["demo", "--notebook", str(tmp_path / "none.ipynb")], capsys)
        assert "--notebook PATH" in said

    def test_live_needs_a_key(
        self, notebook: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
        said = complaint(["demo", "--live", "--notebook", str(notebook)], capsys)
        assert "OPENROUTER_API_KEY" in said

    def test_address_opens_the_notebook(self, notebook: Path) -> None:
        info = {"url": "http://127.0.0.1:8889/", "token": "a+b"}
        expected = "http://127.0.0.1:8889/lab/tree/a%20tour.ipynb?token=a%2Bb"
        assert notebook_address(info, notebook) == expected

    def test_lab_is_started_in_the_folder_of_the_notebook(self, notebook: Path) -> None:
        assert f"--ServerApp.root_dir={notebook.parent}" in lab_command(notebook, 8888)

    @pytest.mark.lab
    def test_one_interrupt_ends_everything(self, notebook: Path, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with demo(notebook, tmp_path, port) as process:
                address = wait_for_address(process)
                assert f":{port}/" not in address
                start_kernel(address)
                (lab,) = children(process.pid)
                started = [lab, *until(lambda: children(lab))]
                os.killpg(process.pid, signal.SIGINT)
                assert process.wait(30) == 0
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in started))


@contextmanager
def demo(notebook: Path, home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Start the demo as a shell would; it is ended with the block at the latest."""
    command = [sys.executable, "-m", "or_notebook", "demo", "--no-browser"]
    with subprocess.Popen(
        [*command, "--port", str(port), "--notebook", str(notebook)],
        env=os.environ | {"JUPYTER_CONFIG_DIR": str(home), "JUPYTER_RUNTIME_DIR": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def wait_for_address(process: subprocess.Popen[str]) -> str:
    """Return the address that the demo prints."""
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"JupyterLab at (\S+)", line)
        if found:
            return found.group(1)
    raise AssertionError("the demo ended without an address")


def start_kernel(address: str) -> None:
    """Start a kernel as the notebook page does."""
    base, _, token = re.sub(r"/lab/tree/.*\?token=", " ", address).partition(" ")
    request = urllib.request.Request(
        f"{base}/api/kernels", data=b"{}", headers={"Authorization": f"token {token}"}
    )
    urllib.request.urlopen(request, timeout=20).close()


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in found.split()]
