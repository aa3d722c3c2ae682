"""Which message the kernel's output belongs to: its parent, mostly the cell that runs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from or_notebook.kernel.parts import Kernel, Message


@dataclass(frozen=True)
class Parent:
    """A message that output can belong to, and the route for questions to its sender."""

    message: Message
    ident: Any

    @classmethod
    def current(cls, kernel: Kernel) -> Parent:
        """The one that output belongs to now."""
        return cls(kernel.get_parent("shell"), getattr(kernel, "_parent_ident")["shell"])  # noqa: B009


@contextmanager
def output_belongs_to(kernel: Kernel, parent: Parent) -> Iterator[None]:
    """Make all output belong to another parent, then to the present one again."""
    present = Parent.current(kernel)
    try:
        # Inside: it may fail half-way, and the cell's own reply must not go to the wrong parent.
        kernel.set_parent(parent.ident, parent.message)
        yield
    finally:
        kernel.set_parent(present.ident, present.message)
