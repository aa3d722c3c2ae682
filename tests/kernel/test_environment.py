"""Where the code runs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from or_notebook.kernel.environment import environment, ipykernel_version

if TYPE_CHECKING:
    from tests.support.kernels import LiveKernel


def test_plain_python() -> None:
    assert environment() == "python"
    assert ipykernel_version() is None


def test_a_kernel_and_its_version(kernel: LiveKernel) -> None:
    printed = kernel.run(
        "from or_notebook.kernel.environment import environment, ipykernel_version\n"
        "print(environment(), '%s.%s' % ipykernel_version())"
    )
    assert printed.split() == ["kernel", kernel.version]


def test_the_kernel_is_the_one_asked_for(kernel: LiveKernel) -> None:
    printed = kernel.run("import ipykernel; print(ipykernel.__version__)")
    assert printed.startswith(f"{kernel.version}.")


def test_asking_imports_nothing() -> None:
    code = (
        "import sys\n"
        "from or_notebook.kernel import cell, engine, environment, waiting\n"
        "environment.environment(); cell.current_cell()\n"
        "heavy = {'IPython', 'ipykernel', 'zmq', 'tornado', 'httpx', 'ipywidgets'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
