"""The browser harness itself, on plain ipywidgets and anywidget code."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.lab

BUTTON = """
import ipywidgets
button, label = ipywidgets.Button(description="Press"), ipywidgets.Label("not yet")
button.on_click(lambda _: setattr(label, "value", "pressed"))
ipywidgets.VBox([button, label])
"""

COUNTER = """
import anywidget, traitlets
class Counter(anywidget.AnyWidget):
    _esm = '''
    export default { render({model, el}) {
      const show = () => { el.textContent = `count ${model.get("value")}`; };
      model.on("change:value", show);
      show();
    } };
    '''
    value = traitlets.Int(0).tag(sync=True)
counter = Counter()
counter
"""


def test_button_click_reaches_an_idle_kernel(open_notebook, kernel):
    notebook = open_notebook(BUTTON, kernel=kernel)
    output = notebook.execute(0)
    output.get_by_role("button", name="Press").click()
    expect(output.get_by_text("pressed")).to_be_visible()


def test_anywidget_output_follows_its_trait(open_notebook, window, kernel):
    notebook = open_notebook(COUNTER, "counter.value = 41 + 1", kernel=kernel)
    output = notebook.execute(0)
    expect(output).to_contain_text("count 0")
    notebook.execute(1)
    expect(output).to_contain_text("count 42")
    assert window.console_errors == []
    assert window.foreign_requests() == []


def test_each_kernel_runs_its_ipykernel(open_notebook, kernel):
    notebook = open_notebook("import ipykernel; print(ipykernel.__version__)", kernel=kernel)
    expect(notebook.execute(0)).to_contain_text(kernel.removeprefix("ipykernel-"))


def test_interrupt_ends_a_busy_cell(open_notebook, kernel):
    notebook = open_notebook("import time; print('begun'); time.sleep(60)", kernel=kernel)
    notebook.run(0)
    expect(notebook.output(0)).to_contain_text("begun")
    with notebook.stopwatch(0) as seconds:
        notebook.interrupt()
    expect(notebook.output(0)).to_contain_text("KeyboardInterrupt")
    assert seconds[0] < 2.0


def test_reopened_notebook_shows_its_saved_output(open_notebook):
    notebook = open_notebook("from IPython.display import HTML; HTML('<b>kept</b>')")
    notebook.execute(0)
    reopened = notebook.reopen(kernel=False)
    expect(reopened.output(0).locator("b")).to_have_text("kept")


def test_themes_can_be_switched(open_notebook, window):
    open_notebook("1")
    window.change_theme("dark")
    window.change_theme("light")
