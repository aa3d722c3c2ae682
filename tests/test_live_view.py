"""The live view sends the page only what is new, and answers what the page asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import comm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("anywidget")

from or_notebook.chat.reply import Reply
from or_notebook.display.live import WIDGET_VIEW, LiveView
from or_notebook.wire import deltas as d
from or_notebook.wire.errors import ErrorDetail


class FakeComm(comm.base_comm.BaseComm):
    """A comm without a kernel that keeps what is sent."""

    messages: list[tuple[str, dict[str, Any]]]

    def publish_msg(self, msg_type: str, data: Any = None, **_: Any) -> None:
        self.__dict__.setdefault("messages", []).append((msg_type, data))


@pytest.fixture(autouse=True)
def _fake_comms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("or_notebook.display.live._runtimes", [])
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    yield
    LiveView.close_all()


class Page:
    """What a page would make of the messages to one view."""

    def __init__(self, view: LiveView) -> None:
        self.view = view
        self.read = 0

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [
            data["content"]
            for kind, data in self.view.comm.messages
            if kind == "comm_msg" and data.get("method") == "custom"
        ]

    def news(self) -> list[dict[str, Any]]:
        """Return what was sent since the last look."""
        fresh = self.sent[self.read :]
        self.read += len(fresh)
        return fresh

    def say(self, **content: Any) -> None:
        data = {"method": "custom", "content": content}
        self.view.comm.handle_msg({"content": {"data": data}, "buffers": []})

    def text(self, part: str = "text") -> str:
        """Return a text, put together as the page does it: in UTF-16 code units."""
        units = b""
        for message in self.sent:
            if part in message:
                offset, piece = message[part]
                assert offset * 2 == len(units), "a gap, or something sent twice"
                units += piece.encode("utf-16-le")
        return units.decode("utf-16-le")


def open_view(reply: Reply | None = None, **options: Any) -> tuple[Reply, LiveView, Page]:
    reply = reply or Reply(requested_model="test/model")
    options.setdefault("on_cancel", lambda: None)
    view = LiveView(reply, **options)
    return reply, view, Page(view)


def put(reply: Reply, *deltas: d.Delta, at: float = 1.0) -> None:
    for delta in deltas:
        reply.apply(delta, at)


class TestText:
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.text(max_size=20), max_size=20),
        st.lists(st.booleans(), min_size=20, max_size=20),
    )
    def test_frames_rebuild_any_text_exactly(self, pieces: list[str], frames: list[bool]) -> None:
        reply, view, page = open_view()
        for piece, frame in zip(pieces, frames, strict=False):
            put(reply, d.TextDelta(piece), d.ReasoningDelta(piece[::-1]))
            if frame:
                view.update(1.0)
        view.finish()
        assert page.text() == "".join(pieces)
        assert page.text("reasoning") == reply.reasoning

    def test_offsets_count_utf16_code_units(self) -> None:
        reply, view, page = open_view()
        put(reply, d.TextDelta("a😀"))
        view.update(1.0)
        put(reply, d.TextDelta("b"))
        view.update(1.1)
        assert [message["text"] for message in page.news()] == [(0, "a😀"), (3, "b")]

    def test_half_of_a_surrogate_pair_keeps_the_offsets(self) -> None:
        reply, view, page = open_view()
        for piece in ("x\ud83d", "\ude00y", "\udc00z\ud800"):
            put(reply, d.TextDelta(piece))
            view.update(1.0)
        assert page.text() == "x\ufffd\ufffdy\ufffdz\ufffd"
        assert json.dumps(page.sent).encode()

    def test_bytes_grow_with_the_text_not_with_its_square(self) -> None:
        reply, view, page = open_view()
        for _ in range(2000):
            put(reply, d.TextDelta("word "))
            view.update(1.0)
        size = sum(len(json.dumps(message)) for message in page.sent)
        assert size < 2000 * 80

    def test_tool_calls_are_sent_in_pieces(self) -> None:
        reply, view, page = open_view()
        put(reply, d.ToolCallDelta(0, "call_1", "weather", '{"city":'))
        view.update(1.0)
        put(reply, d.ToolCallDelta(0, None, None, ' "Ü"}'), d.ToolCallDelta(1, "call_2", "time"))
        view.update(1.1)
        assert [message.get("tools") for message in page.news()] == [
            [(0, "weather", 0, '{"city":')],
            [(0, "weather", 8, ' "Ü"}'), (1, "time", 0, "")],
        ]

    def test_images_are_sent_once(self) -> None:
        reply, view, page = open_view()
        for number in range(2):
            put(reply, d.ImageDelta(f"https://example.org/{number}.png"))
            view.update(1.0)
        assert [message.get("images") for message in page.news()] == [
            (0, ["https://example.org/0.png"]),
            (1, ["https://example.org/1.png"]),
        ]


class TestState:
    def test_waiting_sends_nothing_because_the_page_counts_the_seconds(self) -> None:
        reply, view, page = open_view()
        put(reply, d.Opened(200))
        view.update(0.1)
        page.news()
        for tick in range(300):
            view.update(0.1 + tick / 30)
        assert page.news() == []

    def test_each_keepalive_sends_a_frame(self) -> None:
        reply, view, page = open_view()
        put(reply, d.Opened(200))
        for count in range(1, 4):
            put(reply, d.KeepAlive("OPENROUTER PROCESSING"))
            view.update(float(count))
            (message,) = page.news()
            state = message["state"]
            assert state["keepalives"] == count
            assert state["label"] == "Waiting for the provider…"
            assert state["since"] == 0.0
            assert "keepalive" in state["detail"]

    def test_speed_is_told_once_a_second(self) -> None:
        reply, view, page = open_view()
        for tick in range(90):
            put(reply, d.TextDelta("x"), at=tick / 30)
            view.update(tick / 30)
        told = [message["state"]["detail"] for message in page.sent if "state" in message]
        assert len(told) <= 4
        assert told[-1].endswith("tokens/s")

    def test_retry_counts_down_and_stays_visible(self) -> None:
        reply, view, page = open_view()
        error = ErrorDetail(kind="RateLimited", message="Too many requests", http_status=429)
        put(reply, d.Retry(error, 1, 2, 4.0), at=1.0)
        view.update(1.0)
        (message,) = page.news()
        assert message["state"]["label"].startswith("Retry 1 of 2 in 4 s")
        assert message["state"]["since"] is None
        assert message["state"]["notices"] == []
        view.update(2.1)
        (message,) = page.news()
        assert message["state"]["label"].startswith("Retry 1 of 2 in 2 s")
        put(reply, d.Opened(200))
        view.update(5.5)
        (message,) = page.news()
        assert message["state"]["notices"] == ["Retry 1 of 2: Too many requests (HTTP 429)"]

    def test_final_brings_the_figures(self) -> None:
        reply, view, page = open_view()
        put(reply, d.TextDelta("Hi"), d.UsageDelta({"prompt_tokens": 3, "cost": 0.1}))
        put(reply, d.Finish("stop"), d.Done(), d.Closed(), at=2.5)
        view.finish()
        (message,) = page.news()
        assert message["kind"] == "final"
        assert message["text"] == (0, "Hi")
        assert message["state"]["status"] == "complete"
        assert message["state"]["now"] == 2.5
        assert message["summary"].startswith("test/model · 3 → ? tokens · $0.10")
        assert message["errors"] == []

    def test_failure_brings_its_lines(self) -> None:
        reply, view, page = open_view()
        error = ErrorDetail(kind="OutOfCredits", message="No credit", hint="Add credits.")
        put(reply, d.Failure(error), d.Closed())
        view.finish()
        assert page.news()[-1]["errors"] == ["No credit", "Add credits."]

    def test_broken_off_answer_says_so_as_an_error(self) -> None:
        reply, view, page = open_view()
        put(reply, d.TextDelta("Hal"), d.Closed())
        view.finish()
        (line,) = page.news()[-1]["errors"]
        assert "broke off" in line


class TestRequests:
    def test_cancel_calls_back_once_and_is_acknowledged_at_once(self) -> None:
        clicks: list[int] = []
        _, _, page = open_view(on_cancel=lambda: clicks.append(1))
        page.say(kind="cancel")
        assert clicks == [1]
        assert page.news() == [{"kind": "ack"}]

    def test_cancel_on_another_thread_is_acknowledged_with_the_next_frame(self) -> None:
        clicked_on: list[threading.Thread] = []
        _, view, page = open_view(on_cancel=lambda: clicked_on.append(threading.current_thread()))
        thread = threading.Thread(target=lambda: page.say(kind="cancel"))
        thread.start()
        thread.join()
        assert clicked_on == [thread]
        assert page.news() == []
        view.update(1.0)
        assert {"kind": "ack"} in page.news()

    def test_resync_is_answered_with_the_whole_text(self) -> None:
        reply, view, page = open_view(format="text")
        put(reply, d.TextDelta("one 😀 "), d.ReasoningDelta("why"))
        view.update(1.0)
        put(reply, d.TextDelta("two"))
        view.update(1.1)
        page.news()
        page.say(kind="resync", seq=1)
        (message,) = page.news()
        assert message["kind"] == "snapshot"
        assert message["seq"] == 2
        assert message["text"] == "one 😀 two"
        assert message["reasoning"] == "why"
        assert message["format"] == "text"
        assert message["ending"] is None

    def test_resync_of_a_page_that_missed_nothing_is_silent(self) -> None:
        _, view, page = open_view()
        view.update(1.0)
        page.news()
        page.say(kind="resync", seq=1)
        assert page.news() == []

    def test_late_page_gets_the_whole_answer_with_the_widget(self) -> None:
        reply, view, _ = open_view()
        put(reply, d.TextDelta("all of it"), d.Finish("stop"), d.Done(), d.Closed())
        view.finish()
        state = view.get_state()["snapshot"]
        assert state["text"] == "all of it"
        assert state["ending"]["summary"]
        assert json.dumps(state)

    def test_page_without_the_runtime_gets_it_as_a_message(self) -> None:
        _, _, page = open_view()
        page.say(kind="runtime")
        (message,) = page.news()
        assert message["kind"] == "runtime"
        assert "export" in message["source"]

    def test_ready_tells_that_a_page_shows_the_view(self) -> None:
        _, view, page = open_view()
        assert not view.ready
        page.say(kind="ready")
        assert view.ready
        assert page.news() == []

    def test_page_tells_whether_the_reasoning_is_open(self) -> None:
        _, view, page = open_view()
        assert not view.reasoning_open
        page.say(kind="reasoning", open=True)
        assert view.reasoning_open
        page.say(kind="reasoning", open=False)
        assert not view.reasoning_open
        assert page.news() == []

    def test_nonsense_is_ignored(self) -> None:
        _, view, page = open_view()
        for content in (None, "cancel", {"kind": "launch"}, {}):
            view.comm.handle_msg(
                {"content": {"data": {"method": "custom", "content": content}}, "buffers": []}
            )
        assert page.news() == []


class TestWidget:
    def test_twenty_views_share_one_runtime(self) -> None:
        views = [open_view()[1] for _ in range(20)]
        runtimes = frozenset.intersection(*(view.comm_ids() for view in views))
        assert len(runtimes) == 1
        # What opens a view is small; the runtime is not in it.
        (opened, state), *_ = views[0].comm.messages
        assert opened == "comm_open"
        assert len(json.dumps(state)) < 5_000

    def test_runtime_that_was_closed_is_opened_again(self) -> None:
        _, first, _ = open_view()
        old = first.comm_ids()
        first.close_all()
        assert first.comm_ids() == frozenset()
        _, second, _ = open_view()
        assert len(second.comm_ids() - old) == 2

    def test_display_names_the_widget_and_falls_back_to_text(self) -> None:
        _, view, _ = open_view()
        bundle = view.mimebundle()
        assert bundle[WIDGET_VIEW]["model_id"] in view.comm_ids()
        assert bundle["text/plain"] == "Waiting for test/model… (_chat holds the answer)"

    def test_closing_the_view_leaves_the_runtime(self) -> None:
        _, first, _ = open_view()
        _, second, _ = open_view()
        shared = first.comm_ids() & second.comm_ids()
        first.close()
        assert shared <= second.comm_ids()
