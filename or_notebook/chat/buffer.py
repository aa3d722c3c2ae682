"""Text that one thread appends to and others read while it grows."""

from __future__ import annotations

import threading


class TextBuffer:
    """Growing text: appending is O(1), and reading joins only what is new since the last read."""

    __slots__ = ("_fresh", "_joined", "_lock")

    def __init__(self, text: str = "") -> None:
        self._joined = text
        self._fresh: list[str] = []
        self._lock = threading.Lock()

    def append(self, piece: str) -> None:
        """Add a piece; `list.append` is atomic, so the writer never waits for a reader."""
        self._fresh.append(piece)

    def __str__(self) -> str:
        with self._lock:
            count = len(self._fresh)
            if count:
                self._joined += "".join(self._fresh[:count])
                del self._fresh[:count]
            return self._joined

    def __bool__(self) -> bool:
        return bool(self._joined or self._fresh)

    def __reduce__(self) -> tuple[type[TextBuffer], tuple[str]]:
        """Pickle and copy the text; a lock can do neither."""
        return TextBuffer, (str(self),)

    def since(self, offset: int) -> str:
        """Return what follows the first `offset` characters."""
        return str(self)[offset:]
