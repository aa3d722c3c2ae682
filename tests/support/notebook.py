"""What a person does with a notebook in JupyterLab, and what they see, through Playwright."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import (
        Browser,
        ConsoleMessage,
        Locator,
        Page,
        Playwright,
        Request,
        WebSocket,
    )

    from tests.support.lab import Lab

SCREENSHOTS = Path(__file__).parents[2] / ".screenshots"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
KERNEL_DEADLINE = 60_000.0
CELL_DEADLINE = 30_000.0

LOAD_HELPERS = """
() => {
  const app = window.jupyterapp;
  const panels = () => [...app.shell.widgets('main')].filter(widget => widget.context);
  const panel = path => panels().find(widget => widget.context.path === path);
  const registry = app.docRegistry;
  const kernelPreference = registry.getKernelPreference.bind(registry);
  const frame = () => new Promise(requestAnimationFrame);
  const prompt = (path, index) =>
    panel(path).content.widgets[index].node.querySelector('.jp-InputPrompt').textContent;

  window.lab = {
    panel,
    run(command, options = {}) { void app.commands.execute(command, options); },
    async open(path, startKernel) {
      registry.getKernelPreference = (...options) => ({
        ...kernelPreference(...options), shouldStart: startKernel, canStart: startKernel,
      });
      await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
      await panel(path).revealed;
    },
    select(path, index) {
      app.shell.activateById(panel(path).id);
      panel(path).content.activeCellIndex = index;
      panel(path).content.deselectAll();
    },
    async closeAll() {
      for (const each of panels()) {
        await each.sessionContext?.shutdown();
        each.context.model.dirty = false;
        each.close();
      }
    },
    // From the next click anywhere to the moment at which the cell's prompt no longer says busy.
    startStopwatch(path, index) {
      const clicked = new Promise(resolve => document.addEventListener(
        'click', () => resolve(performance.now()), {capture: true, once: true}));
      window.lab.stopwatch = clicked.then(async start => {
        while (prompt(path, index).includes('*')) await frame();
        return performance.now() - start;
      });
    },
  };
}
"""


@dataclass
class LabPage:
    """One JupyterLab window, and everything that it said and asked for."""

    lab: Lab
    page: Page
    console_errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        self.page.on("request", self._note_request)
        self.page.on("websocket", self._note_request)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console_errors.append(message.text)

    def _note_request(self, request: Request | WebSocket) -> None:
        self.requests.append(request.url)

    def load(self) -> None:
        """Open JupyterLab and wait until it takes commands."""
        self.page.goto(f"{self.lab.url}lab")
        self.page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)")
        self.page.evaluate(LOAD_HELPERS)

    def foreign_requests(self) -> list[str]:
        """Return the addresses asked for that are not on this machine."""
        local = {"127.0.0.1", "localhost", None}
        return [url for url in self.requests if urlsplit(url).hostname not in local]

    def write(self, name: str, cells: Sequence[str], kernel: str) -> Path:
        """Save a new notebook with these code cells and return its file."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": kernel, "display_name": kernel}},
        )
        path = self.lab.directory / name
        nbformat.write(notebook, path)
        return path

    def open(self, path: Path, *, kernel: bool = True) -> Notebook:
        """Open a notebook and, unless told not to start one, wait for its kernel."""
        name = path.relative_to(self.lab.directory).as_posix()
        self.page.evaluate("([name, kernel]) => lab.open(name, kernel)", [name, kernel])
        notebook = Notebook(self, path, name)
        if kernel:
            notebook.wait_for_kernel("idle")
        return notebook

    def close_all(self) -> None:
        """Close every notebook without saving, and end its kernel."""
        self.page.evaluate("() => lab.closeAll()")
        expect(self.page.locator(".jp-NotebookPanel")).to_have_count(0)

    def change_theme(self, theme: str) -> None:
        """Switch to the ``light`` or the ``dark`` theme."""
        self.page.evaluate("theme => lab.run('apputils:change-theme', {theme})", THEMES[theme])
        self.page.locator(f"body[data-jp-theme-name='{THEMES[theme]}']").wait_for(state="attached")


@dataclass(frozen=True)
class Notebook:
    """An open notebook; cells are counted from 0."""

    window: LabPage
    path: Path
    name: str

    @property
    def page(self) -> Page:
        return self.window.page

    def _call(self, expression: str, *arguments: object) -> Any:
        """Evaluate ``expression`` in the page with ``panel`` (this notebook) and ``options``."""
        return self.page.evaluate(
            f"async ([name, ...options]) => {{ const panel = lab.panel(name); {expression} }}",
            [self.name, *arguments],
        )

    def wait_for_kernel(self, status: str) -> None:
        """Wait until the kernel reports ``status``, for example ``idle``."""
        self.page.wait_for_function(
            "([name, status]) => lab.panel(name).sessionContext.session?.kernel?.status === status",
            arg=[self.name, status],
            timeout=KERNEL_DEADLINE,
        )

    def cell(self, index: int) -> Locator:
        """Return the cell at ``index``."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """Return the output area of the cell at ``index``."""
        return self.cell(index).locator(".jp-Cell-outputWrapper")

    def prompt(self, index: int) -> Locator:
        """Return the cell's prompt: ``[*]:`` while it runs, ``[3]:`` afterwards."""
        return self.cell(index).locator(".jp-InputPrompt")

    def run(self, index: int) -> None:
        """Start the cell at ``index`` and return at once."""
        self._call("lab.select(name, options[0]); lab.run('notebook:run-cell')", index)

    def run_all(self) -> None:
        """Start every cell in order and return at once."""
        self._call("lab.select(name, 0); lab.run('notebook:run-all-cells')")

    def wait_until_busy(self, index: int) -> None:
        """Wait until the cell's prompt shows that it runs or waits for its turn."""
        expect(self.prompt(index)).to_have_text("[*]:")

    def wait_until_done(self, index: int, timeout: float = CELL_DEADLINE) -> None:
        """Wait until the cell has run; ``timeout`` is in milliseconds."""
        expect(self.prompt(index)).to_have_text(re.compile(r"\[\d+\]:"), timeout=timeout)

    def execute(self, index: int) -> Locator:
        """Run the cell at ``index`` to its end and return its output area."""
        self.run(index)
        self.wait_until_done(index)
        return self.output(index)

    def interrupt(self) -> None:
        """Press the toolbar's Interrupt button."""
        self.page.locator(
            ".jp-NotebookPanel:not(.lm-mod-hidden) [data-command='notebook:interrupt-kernel']"
        ).click()

    @contextlib.contextmanager
    def stopwatch(self, index: int) -> Iterator[list[float]]:
        """Time the cell at ``index`` from the click inside the block until its prompt is free.

        The list that is yielded holds the seconds after the block.
        """
        self._call("lab.startStopwatch(name, options[0])", index)
        seconds: list[float] = []
        yield seconds
        seconds.append(self.page.evaluate("() => lab.stopwatch") / 1000)

    def save(self) -> nbformat.NotebookNode:
        """Save the notebook and return what is in the file."""
        self._call("await panel.context.save()")
        return nbformat.read(self.path, as_version=4)

    def shut_down_kernel(self) -> None:
        """End the kernel; the notebook stays open."""
        self._call("await panel.sessionContext.shutdown()")

    def close(self) -> None:
        """Close the notebook without saving."""
        self._call("panel.context.model.dirty = false; panel.close(); await panel.context.disposed")
        expect(self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")).to_have_count(0)

    def reopen(self, *, kernel: bool) -> Notebook:
        """Save, end the kernel, close, and open the file again."""
        self.save()
        self.shut_down_kernel()
        self.close()
        return self.window.open(self.path, kernel=kernel)

    def screenshot(self, name: str, index: int | None = None) -> Path:
        """Picture the cell at ``index``, or the window, as ``.screenshots/NAME.png``."""
        path = SCREENSHOTS / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        target = self.page if index is None else self.cell(index)
        target.screenshot(path=path, animations="disabled")
        return path


def launch(playwright: Playwright, executable: str) -> Browser:
    """Start headless Chromium that can reach nothing but this machine."""
    return playwright.chromium.launch(
        executable_path=executable,
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ],
    )
