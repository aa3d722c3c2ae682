"""How long `%load_ext or_notebook` takes in a started kernel, and what an import in it costs.

Run by `make bench`. Bytecode is compiled first, as an installation does; each figure comes from a
kernel of its own.
"""

from __future__ import annotations

import compileall
import os
import platform
import statistics
from pathlib import Path

from jupyter_client.manager import start_new_kernel

import or_notebook

KERNELS = 9

TIMED = """
import sys, time
before = set(sys.modules)
began, cpu = time.perf_counter(), time.process_time()
get_ipython().run_line_magic("load_ext", "or_notebook")
took, used = time.perf_counter() - began, time.process_time() - cpu
print(took * 1000, used * 1000, len(set(sys.modules) - before))
"""


def measure() -> tuple[float, float, int]:
    """Return wall and CPU time in ms, and the number of modules loaded, of one fresh kernel."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    manager, client = start_new_kernel(env=environment)
    words: list[str] = []

    def keep(message: dict) -> None:
        if message["msg_type"] == "stream":
            words.append(message["content"]["text"])

    try:
        client.execute_interactive(TIMED, output_hook=keep, timeout=60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    wall, used, modules = "".join(words).split()
    return float(wall), float(used), int(modules)


def main() -> None:
    """Print a table of medians with their spread."""
    compileall.compile_dir(Path(or_notebook.__file__).parent, quiet=1)
    runs = [measure() for _ in range(KERNELS)]
    print(f"%load_ext or_notebook · Python {platform.python_version()} · {KERNELS} kernels")
    for name, values in (("wall", [run[0] for run in runs]), ("CPU", [run[1] for run in runs])):
        low, high = min(values), max(values)
        print(f"  {name:5} median {statistics.median(values):5.2f} ms  ({low:.2f} to {high:.2f})")
    print(f"  {runs[0][2]} modules loaded")


if __name__ == "__main__":
    main()
