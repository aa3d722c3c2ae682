"""Importing and loading stay cheap: what is heavy comes on first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ["httpx", "ipywidgets", "anywidget", "starlette", "rich", "markdown_it", "pandas"]


def modules_after(script: str) -> set[str]:
    """Return the heavy modules that a fresh process has loaded after the script, and not before."""
    words = subprocess.run(
        [sys.executable, "-c", f"{script}\nimport sys; print('\\n' + ' '.join(sys.modules))"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    return set(words.splitlines()[-1].split()) & set(HEAVY)


@pytest.mark.parametrize(
    "script",
    [
        "import or_notebook",
        "import or_notebook, or_notebook.chat.reply",
        """
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_line_magic('load_ext', 'or_notebook')""",
    ],
    ids=["import", "reply", "load_ext"],
)
def test_nothing_heavy_is_imported(script):
    assert modules_after(script) == set()


def test_layers_import_only_those_above_them():
    """design: wire, client, chat, kernel, display, magics; the sandbox stands apart."""
    forbidden = {
        "wire": {"httpx", "IPython", "ipywidgets", "or_notebook.client", "or_notebook.chat",
                 "or_notebook.kernel", "or_notebook.display", "or_notebook.magics"},
        "client": {"IPython", "ipywidgets", "or_notebook.chat", "or_notebook.kernel",
                   "or_notebook.display", "or_notebook.magics"},
        "chat": {"httpx", "IPython", "ipywidgets", "or_notebook.kernel", "or_notebook.display",
                 "or_notebook.magics"},
        "kernel": {"or_notebook.display", "or_notebook.magics"},
        "display": {"or_notebook.magics"},
        "sandbox": {"or_notebook.display", "or_notebook.magics", "or_notebook.client"},
    }  # fmt: skip
    assert violations(forbidden) == []


def violations(forbidden: dict[str, set[str]]) -> list[str]:
    import ast
    from pathlib import Path

    import or_notebook

    root = Path(or_notebook.__file__).parent
    found = []
    for layer, names in forbidden.items():
        for path in sorted((root / layer).rglob("*.py")):
            for node in executed_imports(ast.parse(path.read_text("utf-8"))):
                found += [
                    f"{path.relative_to(root)} imports {name}"
                    for name in imported(node)
                    if any(name == bad or name.startswith(bad + ".") for bad in names)
                ]
    return found


def executed_imports(tree):
    """Yield the imports that run; those for type checkers alone bind no layers."""
    import ast

    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        pending += ast.iter_child_nodes(node)


def imported(node) -> list[str]:
    import ast

    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""]
