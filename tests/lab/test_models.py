"""`%models` in JupyterLab: a table that can be searched and sorted, and stays readable when saved.

The output holds static HTML alone; what makes it live comes to the page by a widget without a view.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.lab

SETUP = "%load_ext or_notebook"


def names(output) -> list[str]:
    """Return the names of the visible models, in order."""
    return output.locator("tbody th:visible").all_inner_texts()


def test_table_is_searched_and_sorted_with_the_keyboard(open_notebook, kernel):
    notebook = open_notebook(SETUP, "%models", kernel=kernel)
    notebook.execute(0)
    output = notebook.execute(1)
    search = output.get_by_role("searchbox", name="Search models")
    search.fill("SANDBOX/ rea  $15")
    expect(output.get_by_role("status")).to_contain_text("1 of")
    assert names(output) == ["sandbox/reasoning"]
    search.fill("")

    price = output.get_by_role("columnheader", name="Prompt $/M")
    price.get_by_role("button").focus()
    notebook.page.keyboard.press("Enter")
    expect(price).to_have_attribute("aria-sort", "ascending")
    notebook.page.keyboard.press("Enter")
    expect(price).to_have_attribute("aria-sort", "descending")
    assert names(output)[0] == "sandbox/reasoning"
    assert notebook.window.console_errors == []


def test_letters_in_the_search_box_are_no_shortcuts(open_notebook):
    notebook = open_notebook(SETUP, "%models", "1 + 1")
    notebook.execute(0)
    output = notebook.execute(1)
    output.get_by_role("searchbox").press_sequentially("dda")
    expect(output.get_by_role("searchbox")).to_have_value("dda")
    expect(notebook.cell(3)).to_have_count(0)
    expect(notebook.cell(2)).to_be_visible()


def test_saved_notebook_shows_the_table_without_a_kernel(open_notebook):
    notebook = open_notebook(SETUP, "%models")
    notebook.execute(0)
    notebook.execute(1)
    saved = notebook.save()
    outputs = saved.cells[1].outputs
    assert [set(output.data) for output in outputs] == [{"text/html", "text/plain"}]
    assert "widgets" not in saved.metadata
    reopened = notebook.reopen(kernel=False)
    expect(reopened.output(1).locator("tbody tr").first).to_be_visible()
    expect(reopened.output(1)).not_to_contain_text("Error displaying widget")


def test_table_is_live_again_after_the_page_was_loaded_anew(open_notebook, window):
    notebook = open_notebook(SETUP, "%models")
    notebook.execute(0)
    notebook.execute(1)
    notebook.save()
    window.load()
    again = window.open(notebook.path)
    expect(again.output(1).get_by_role("searchbox", name="Search models")).to_be_visible()
