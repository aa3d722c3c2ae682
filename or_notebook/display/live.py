"""The live view of an answer in the page: a widget that is sent only what is new.

Importing this module imports ipywidgets and anywidget, so it is imported on first use.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from or_notebook.chat.reply import Reply
from or_notebook.display.news import NewsDesk, ending, snapshot
from or_notebook.display.protocol import Snapshot

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
STATIC = Path(__file__).parent / "static"


@lru_cache(maxsize=2)
def _source(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


class Runtime(anywidget.AnyWidget):
    """The hidden widget that brings the page the one copy of the code that all views share."""

    _esm = traitlets.Unicode().tag(sync=True)

    @traitlets.default("_esm")
    def _default_esm(self) -> str:
        return _source("widget.js")


_runtimes: list[Runtime] = []


def _runtime() -> Runtime:
    """Return the open runtime of this kernel; `Widget.close_all()` may have closed the last one."""
    _runtimes[:] = [one for one in _runtimes if one.comm is not None]
    if not _runtimes:
        _runtimes.append(Runtime())
    return _runtimes[0]


class LiveView(anywidget.AnyWidget):
    """A view of one `Reply` while it grows.

    `update` and `finish` are called by the main thread only, since nothing else may publish.
    `on_cancel` is called on whatever thread the click arrives, so it must only set a flag.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    runtime_id = traitlets.Unicode().tag(sync=True)
    # Serialized anew for each page that asks, so that a late page starts with the whole text.
    snapshot = traitlets.Dict().tag(sync=True, to_json=lambda _, view: view.whole())

    def __init__(
        self,
        reply: Reply,
        *,
        on_cancel: Callable[[], None],
        format: str = "markdown",  # noqa: A002 - the name of the option
    ) -> None:
        self._reply = reply
        self._on_cancel = on_cancel
        self._format = format
        self._desk = NewsDesk(reply)
        self._elapsed, self._told_at = 0.0, time.monotonic()
        self._seq = 0
        self._finished = False
        self._owed: set[str] = set()
        self._ready = False
        self._returned = False
        self._reasoning_open = False
        self._publisher = threading.current_thread()
        self._runtime = _runtime()
        super().__init__(key=uuid.uuid4().hex, runtime_id=self._runtime.model_id)
        self.on_msg(self._hear)

    @traitlets.default("_esm")
    def _default_esm(self) -> str:
        return _source("loader.js")

    @property
    def ready(self) -> bool:
        """Whether any page has shown this view."""
        return self._ready

    @property
    def returned(self) -> bool:
        """Whether a page has shown this view only after its end: one that was reloaded."""
        return self._returned

    @property
    def reasoning_open(self) -> bool:
        """Whether a person has the reasoning open."""
        return self._reasoning_open

    def comm_ids(self) -> frozenset[str]:
        """Return the open comms that the page talks to: this view's and the runtime's."""
        widgets = (self, self._runtime)
        return frozenset(widget.model_id for widget in widgets if widget.comm is not None)

    def mimebundle(self) -> dict[str, Any]:
        """Return what to display: the widget, and a line of text where there are no widgets."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        model = self._reply.model or self._reply.requested_model or "the model"
        return {WIDGET_VIEW: view, "text/plain": f"Waiting for {model}… (_chat holds the answer)"}

    def update(self, elapsed: float) -> None:
        """Send what is new `elapsed` seconds after the call began; nothing new sends nothing."""
        self._tell_time(elapsed)
        self._pay()
        news = self._desk.collect(elapsed)
        if news:
            self._post("frame", news)

    def finish(self) -> None:
        """Send the rest, the final state and the figures."""
        finished = self._reply.timing.finished
        self._tell_time(self._elapsed if finished is None else finished)
        self._pay()
        news = self._desk.collect(self._elapsed, final=True)
        self._finished = True
        self._post("final", news, ending(self._reply))

    def whole(self) -> Snapshot:
        """Return the whole answer so far, for a page that comes late or missed something."""
        now = self._elapsed
        if not self._finished:
            now += time.monotonic() - self._told_at
        state = self._desk.state(now)
        return snapshot(
            self._reply, state, seq=self._seq, format=self._format, finished=self._finished
        )

    def _tell_time(self, elapsed: float) -> None:
        self._elapsed, self._told_at = elapsed, time.monotonic()

    def _post(self, kind: str, *parts: Any) -> None:
        self._seq += 1
        message: dict[str, Any] = {"kind": kind, "seq": self._seq}
        for part in parts:
            message.update(part)
        self.send(message)

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        """Note what the page asks for.

        ipykernel 7 may run this on a thread of its own, where publishing would change the cell that
        messages belong to; the answer then waits for the next frame.
        """
        if not isinstance(content, dict):
            return
        kind = content.get("kind")
        if kind == "ready":
            self._ready = True
            self._returned = self._returned or self._finished
        elif kind == "cancel":
            self._on_cancel()
            self._owed.add("ack")
        elif kind == "resync" and content.get("seq") != self._seq:
            self._owed.add("snapshot")
        elif kind == "runtime":
            self._owed.add("runtime")
        elif kind == "reasoning":
            self._reasoning_open = content.get("open") is True
        if self._finished or threading.current_thread() is self._publisher:
            self._pay()

    def _pay(self) -> None:
        """Send the answers that the page waits for."""
        while self._owed:
            kind = self._owed.pop()
            if kind == "snapshot":
                self.send(self.whole())
            elif kind == "runtime":
                self.send({"kind": "runtime", "source": _source("widget.js")})
            else:
                self.send({"kind": "ack"})
