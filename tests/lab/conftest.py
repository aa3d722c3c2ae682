"""One sandbox, one JupyterLab and one browser window for all tests in this folder."""

from __future__ import annotations

import os
import shutil
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from or_notebook.sandbox.server import running_sandbox
from tests.support.kernels import prepared
from tests.support.lab import running_lab
from tests.support.notebook import LabPage, launch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

    from or_notebook.sandbox.server import RunningSandbox
    from tests.support.lab import Lab
    from tests.support.notebook import Notebook

PROJECT = Path(__file__).parents[2]
VERSIONS = ("7.4", "6.31")


@pytest.fixture(scope="package")
def sandbox_server() -> Iterator[RunningSandbox]:
    with running_sandbox() as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server: RunningSandbox) -> RunningSandbox:
    """The sandbox, which has seen nothing yet."""
    sandbox_server.clear()
    return sandbox_server


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory, sandbox_server: RunningSandbox) -> Iterator[Lab]:
    kernels = {f"ipykernel-{version}": prepared(version) for version in VERSIONS}
    kernel_environment = {
        "PYTHONPATH": str(PROJECT),
        "OPENROUTER_BASE_URL": sandbox_server.base_url,
        "OPENROUTER_API_KEY": "dummy",
    }
    directory = tmp_path_factory.mktemp("notebooks")
    home = tmp_path_factory.mktemp("jupyter")
    with running_lab(directory, home, kernels, kernel_environment) as server:
        yield server


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if executable is None:
        pytest.fail("These tests need Chromium: install it, or set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        browser = launch(playwright, executable)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shared_window(lab: Lab, browser: Browser) -> LabPage:
    window = LabPage(lab, browser.new_page(viewport={"width": 1100, "height": 900}))
    window.load()
    return window


@pytest.fixture
def window(shared_window: LabPage) -> LabPage:
    """The JupyterLab window, with nothing noted yet."""
    shared_window.console_errors.clear()
    shared_window.requests.clear()
    return shared_window


@pytest.fixture(params=[f"ipykernel-{version}" for version in VERSIONS])
def kernel(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def open_notebook(
    window: LabPage, sandbox: RunningSandbox, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Notebook]]:
    """Write a notebook with these cells, open it on this kernel, and tidy up after the test."""
    number = count(1)

    def open_(*cells: str, kernel: str = "ipykernel-7.4") -> Notebook:
        name = f"{request.node.name}-{next(number)}.ipynb".replace("[", "-").replace("]", "")
        return window.open(window.write(name, cells, kernel))

    yield open_
    window.close_all()
