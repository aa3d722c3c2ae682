"""Notebooks that run without a person: nbclient, papermill, nbconvert, and the committed tour."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from markdown_it import MarkdownIt
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

pytestmark = pytest.mark.kernel

PROJECT = Path(__file__).parents[1]
QUICKSTART = PROJECT / "notebooks" / "quickstart.ipynb"
HEADING = "How an answer reaches your notebook"
LOAD = "%load_ext or_notebook"
KEY = "sk-or-v1-0Zr8WqLxT3vB6nYp2MdK9cHsJ5gE7aFu"


@pytest.fixture(scope="module", autouse=True)
def _environment(sandbox_server, tmp_path_factory):
    """What every kernel of this module inherits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(PROJECT))
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setenv("OPENROUTER_BASE_URL", sandbox_server.base_url)
        patch.setenv("OPENROUTER_API_KEY", KEY)
        patch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        yield


def execute(notebook: nbformat.NotebookNode, **options) -> nbformat.NotebookNode:
    NotebookClient(notebook, kernel_name="python3", timeout=60, **options).execute()
    return notebook


def written(path: Path, *cells: str) -> Path:
    """Save a notebook with these code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, path)
    return path


def run_module(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a Python module as a program."""
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def answers(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return the outputs of a cell that are answers of a model."""
    return [output for output in cell.outputs if "or_notebook" in output.get("metadata", {})]


def asks(cell: nbformat.NotebookNode) -> bool:
    return bool(re.search(r"^(\w+ = )?%%?chat\b(?!.*--dry-run)", cell.source))


def may_fail(cell: nbformat.NotebookNode) -> bool:
    return "raises-exception" in cell.metadata.get("tags", [])


# -- the tour -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The tour, run by nbclient and saved; its models speak faster than a person reads."""
    notebook = nbformat.read(QUICKSTART, as_version=4)
    for cell in code_cells(notebook):
        cell.outputs = []
        cell.source = cell.source.replace('f"sandbox/{name}"', 'f"sandbox/{name}@2000"')
    path = tmp_path_factory.mktemp("executed") / "quickstart.ipynb"
    nbformat.write(execute(notebook), path)
    return path


@pytest.fixture(scope="module")
def tour(executed):
    return nbformat.read(executed, as_version=4)


def test_quickstart_runs_and_fails_only_where_it_says_so(tour):
    for cell in code_cells(tour):
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == may_fail(cell), cell.source
    assert sum(map(may_fail, code_cells(tour))) >= 3


def test_every_answer_of_the_tour_is_kept_as_html_and_text(tour):
    asking = [cell for cell in code_cells(tour) if asks(cell)]
    assert len(asking) >= 6
    for cell in asking:
        (answer,) = answers(cell)
        assert set(answer.data) == {"text/html", "text/plain"}, cell.source
        notes = answer.metadata["or_notebook"]
        assert notes["status"] == "complete" or may_fail(cell)
        assert notes["model"].startswith("sandbox/")
    assert HEADING in answers(asking[0])[0].data["text/plain"]


def test_failures_of_the_tour_take_three_lines(tour):
    for cell in filter(may_fail, code_cells(tour)):
        (error,) = [output for output in cell.outputs if output.output_type == "error"]
        assert 1 <= len("\n".join(error.traceback).splitlines()) <= 3, cell.source


def test_saved_tour_holds_no_widget_and_no_key(executed, tour):
    content = executed.read_text("utf-8")
    assert "widgets" not in tour.metadata
    assert "vnd.jupyter.widget" not in content
    assert KEY not in content


def test_committed_tour_has_its_outputs(tour):
    committed = nbformat.read(QUICKSTART, as_version=4)
    nbformat.validate(committed)
    for cell, run in zip(code_cells(committed), code_cells(tour), strict=True):
        kinds = [output.output_type for output in cell.outputs]
        assert set(kinds) == {output.output_type for output in run.outputs}, cell.source
        assert len(answers(cell)) == len(answers(run)), cell.source
        assert cell.execution_count is not None, cell.source


def test_committed_tour_tells_nothing_of_the_machine_it_ran_on():
    content = QUICKSTART.read_text("utf-8")
    assert "vnd.jupyter.widget" not in content
    assert "widgets" not in nbformat.reads(content, as_version=4).metadata
    for private in (str(PROJECT), str(Path.home()), "/home/", "/Users/", "/tmp/", "sk-or-v1"):
        assert private not in content


# -- nbconvert ------------------------------------------------------------------------------------


def converted(path: Path, to: str) -> str:
    finished = run_module("nbconvert", "--stdout", "--to", to, path)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_nbconvert_to_html_shows_formatted_answers(executed):
    page = converted(executed, "html")
    assert re.search(rf"<h1[^>]*>{HEADING}", page)
    assert page.count('aria-label="Usage summary"') == page.count('class="or-notebook"') >= 6
    assert "<table" in page
    assert r"\frac{e^{z_i / T}}" in page
    assert "vnd.jupyter.widget" not in page


def test_nbconvert_to_markdown_is_readable(executed):
    source = converted(executed, "markdown")
    assert "vnd.jupyter.widget" not in source
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(source)
    assert re.search(rf"<h1[^>]*>{HEADING}", page)
    assert "<table" in page
    # An answer that the Markdown reader took for code would show its tags.
    assert "&lt;div" not in page
    assert "&lt;p" not in page


# -- failures are noticed -------------------------------------------------------------------------


def test_papermill_runs_a_notebook_with_an_answer(tmp_path):
    source = written(
        tmp_path / "in.ipynb",
        LOAD,
        "%%chat sandbox/hello@2000 -o answer\nHello.",
        "assert answer.status == 'complete'",
    )
    finished = run_module("papermill", "-k", "python3", source, tmp_path / "out.ipynb")
    assert finished.returncode == 0, finished.stderr
    notebook = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    (answer,) = answers(notebook.cells[1])
    assert set(answer.data) == {"text/html", "text/plain"}
    assert "widgets" not in notebook.metadata


def test_papermill_stops_at_a_failed_answer_and_keeps_what_had_come(tmp_path):
    source = written(
        tmp_path / "in.ipynb", LOAD, "%%chat sandbox/fails@2000\nGo.", "print('never' + ' run')"
    )
    finished = run_module("papermill", "-k", "python3", source, tmp_path / "out.ipynb")
    assert finished.returncode != 0
    assert "ProviderFailed" in finished.stderr
    content = (tmp_path / "out.ipynb").read_text("utf-8")
    assert HEADING in content
    assert "never run" not in content


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("%%chat sandbox/truncated@2000\nGo.", "TruncatedError"),
        ("%chat -m sandbox/out-of-credits Go.", "OutOfCredits"),
        ("%%chat sandbox/hallo\nGo.", "NotFound"),
        ("%%chat sandbox/hello --no-such-option\nGo.", "UsageError"),
    ],
)
def test_nbclient_raises_for_a_failed_answer(cell, name, tmp_path):
    path = written(tmp_path / "failing.ipynb", LOAD, cell, "print('never' + ' run')")
    notebook = nbformat.read(path, as_version=4)
    with pytest.raises(CellExecutionError, match=name):
        execute(notebook)
    assert notebook.cells[2].outputs == []
