"""A terminal program under tmux: keys in, screen out."""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

POLL_INTERVAL = 0.02
DEADLINE = 20.0


@dataclass(frozen=True)
class Terminal:
    """One tmux session with a server of its own; ``socket`` is how to reach that server."""

    socket: Path

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self.socket), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def type(self, text: str) -> None:
        """Type ``text`` literally."""
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names, for example ``Enter``, ``C-c`` or ``Escape``."""
        self._tmux("send-keys", *keys)

    def screen(self) -> str:
        """Return what is visible now."""
        return self._tmux("capture-pane", "-p")

    def history(self) -> str:
        """Return the screen and what has scrolled off it; wrapped lines are joined again."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-")

    def wait_for(self, text: str, deadline: float = DEADLINE, times: int = 1) -> float:
        """Return the seconds until ``text`` stands in the history ``times`` times.

        Raises AssertionError with the screen after ``deadline`` seconds.
        """
        start = time.monotonic()
        while time.monotonic() - start < deadline:
            if self.history().count(text) >= times:
                return time.monotonic() - start
            time.sleep(POLL_INTERVAL)
        raise AssertionError(f"{text!r} did not appear in {deadline} s:\n{self.screen()}")


@contextlib.contextmanager
def running_terminal(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    columns: int = 100,
    lines: int = 40,
) -> Iterator[Terminal]:
    """Run ``command`` in a terminal of ``columns`` by ``lines`` until the block ends.

    ``directory`` holds tmux's socket and is where the command starts.
    """
    terminal = Terminal(directory / "tmux.sock")
    settings = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
    size = ["-x", str(columns), "-y", str(lines)]
    start = ["-f", "/dev/null", "new-session", "-d", *size, "-c", str(directory), *settings]
    terminal._tmux(*start, "--", *command)
    try:
        yield terminal
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            # The server ends by itself, and kill-server fails, once the command has ended.
            terminal._tmux("kill-server")
