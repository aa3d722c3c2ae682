"""The console script: `or-notebook sandbox` and `or-notebook demo`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from or_notebook import __version__
from or_notebook.sandbox.errors import SetupError

SANDBOX_PORT = 8808
LAB_PORT = 8888


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "sandbox":
            return _sandbox(options)
        return _demo(options)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="or-notebook", description="Talk to language models from a Jupyter cell."
    )
    parser.add_argument("--version", action="version", version=f"or-notebook {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    sandbox = commands.add_parser(
        "sandbox",
        help="serve pretended models on this machine",
        description="Serve an OpenRouter-compatible API on this machine: no key, no cost. "
        "Each model acts out one behaviour; GET / lists them.",
    )
    sandbox.add_argument(
        "--port",
        type=_port,
        default=SANDBOX_PORT,
        metavar="N",
        help="port to listen on, 0 for any free one (default: %(default)s)",
    )
    sandbox.add_argument(
        "--host", default="127.0.0.1", help="a loopback address (default: %(default)s)"
    )
    sandbox.add_argument(
        "--generation-delay",
        type=float,
        default=0.5,
        metavar="S",
        help="seconds until /generation knows an answer that has ended (default: %(default)s)",
    )

    sandbox.add_argument(
        "--catalogue",
        type=int,
        default=0,
        metavar="N",
        help="list N more models, made up, to try %%models and TAB on (default: %(default)s)",
    )

    demo = commands.add_parser(
        "demo",
        help="open the tour notebook in JupyterLab",
        description="Open the tour notebook in JupyterLab, with the sandbox as its endpoint.",
    )
    demo.add_argument(
        "--port",
        type=_port,
        default=LAB_PORT,
        metavar="N",
        help="port for JupyterLab; the next free one is used if it is taken (default: %(default)s)",
    )
    demo.add_argument("--no-browser", action="store_true", help="only print the address")
    demo.add_argument(
        "--live", action="store_true", help="talk to OpenRouter; needs OPENROUTER_API_KEY"
    )
    demo.add_argument(
        "--notebook",
        type=Path,
        default=Path("notebooks/quickstart.ipynb"),
        metavar="PATH",
        help="another notebook (default: %(default)s)",
    )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("must be 0 to 65535")
    return port


def _require(modules: Sequence[str], command: str, extra: str) -> None:
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise SetupError(
            f"or-notebook {command} needs {' and '.join(missing)}, not installed here.\n"
            f"Install with: pip install 'or-notebook[{extra}]'"
        )


def _sandbox(options: argparse.Namespace) -> int:
    _require(["starlette", "uvicorn"], "sandbox", "sandbox")
    from or_notebook.sandbox.server import running_sandbox
    from or_notebook.sandbox.terminal import StopSignal, say

    with StopSignal() as stop:
        try:
            running = running_sandbox(
                options.port,
                host=options.host,
                generation_delay=options.generation_delay,
                catalogue=options.catalogue,
            )
            with running as sandbox:
                say(f"Sandbox at {sandbox.base_url} (any key will do)")
                say(f"What it sees: {sandbox.url}/sandbox/requests")
                say("Press Ctrl-C to stop.")
                stop.wait(while_true=sandbox.is_alive)
        except ValueError as error:
            raise SetupError(str(error)) from None
        except OSError as error:
            raise SetupError(
                f"Port {options.port} cannot be used on {options.host}: {error.strerror}.\n"
                "Choose another one: or-notebook sandbox --port N (0 for any free one)"
            ) from None
    return 0


def _demo(options: argparse.Namespace) -> int:
    needed = ["jupyterlab"] if options.live else ["jupyterlab", "starlette", "uvicorn"]
    _require(needed, "demo", "lab" if options.live else "lab,sandbox")
    from or_notebook.sandbox.demo import run_demo

    return run_demo(
        options.notebook, port=options.port, browser=not options.no_browser, live=options.live
    )
