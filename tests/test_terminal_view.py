"""The answer in terminal IPython: streamed once, clean in the scrollback, harmless."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from or_notebook.chat.reply import Reply
from or_notebook.display.terminal import TerminalView
from or_notebook.wire import deltas as d
from or_notebook.wire.errors import ErrorDetail

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen(io.StringIO):
    """What a terminal receives."""

    def isatty(self) -> bool:
        return True

    def lines(self) -> list[str]:
        return [line.rstrip() for line in ANSI.sub("", self.getvalue()).splitlines()]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    return Screen()


def opened() -> Reply:
    reply = Reply(requested_model="openai/gpt-5.4-mini")
    reply.apply(d.Opened(200), 0.1)
    return reply


def shown(text: str, file: io.StringIO, *, format: str = "markdown", step: int = 7) -> Reply:  # noqa: A002
    reply = opened()
    view = TerminalView(format, file)
    view.open(reply)
    at = 1.0
    for start in range(0, len(text), step):
        reply.apply(d.TextDelta(text[start : start + step]), at)
        view.update(at)
        at += 0.2
    reply.apply(d.Finish("stop"), at)
    reply.apply(d.Closed(1), at)
    view.finish()
    return reply


def test_pipe_gets_the_text_as_written_and_the_summary() -> None:
    pipe = io.StringIO()
    shown("# Hi\n\n**you**", pipe)
    assert pipe.getvalue().startswith("# Hi\n\n**you**\nopenai/gpt-5.4-mini · cost unknown")
    assert "\x1b" not in pipe.getvalue()


def test_waiting_shows_the_state_line(screen: Screen) -> None:
    reply = opened()
    reply.apply(d.KeepAlive("OPENROUTER PROCESSING"), 1.0)
    view = TerminalView(file=screen)
    view.open(reply)
    view.update(3.1)
    assert "Waiting for the provider… 3 s · 1 keepalive" in screen.lines()
    view.finish()


def test_text_is_seen_before_its_block_is_complete(screen: Screen) -> None:
    reply = opened()
    view = TerminalView(file=screen)
    view.open(reply)
    reply.apply(d.TextDelta("half a sentence"), 1.0)
    view.update(1.1)
    assert "half a sentence" in screen.lines()
    view.finish()


def test_finished_block_is_drawn_once(screen: Screen) -> None:
    reply = opened()
    view = TerminalView(file=screen)
    view.open(reply)
    reply.apply(d.TextDelta("First paragraph.\n\nSecond"), 1.0)
    view.update(1.1)
    for number in range(20):
        reply.apply(d.TextDelta(f" word {number}"), 1.2 + number)
        view.update(1.3 + number)
    view.finish()
    assert screen.lines().count("First paragraph.") == 1


def test_markdown_is_rendered(screen: Screen) -> None:
    shown("# Title\n\nSome **bold** text.\n\n- one\n- two\n\n| a |\n|---|\n| 1 |\n", screen)
    lines = screen.lines()
    assert "Title" in lines
    assert "Some bold text." in lines
    assert " • one" in lines


@pytest.mark.parametrize(("columns", "used"), [(60, 60), (100, 100), (200, 100)])
def test_lines_use_the_terminal_but_stay_readable(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, columns: int, used: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown("word " * 100 + "\n\nend\n", screen, step=1000)
    words = [line for line in screen.lines() if line.startswith("word")]
    assert used - 5 <= max(map(len, words)) <= used


def test_html_and_tex_are_shown_as_text(screen: Screen) -> None:
    shown("Use <b>bold</b> and $a_b*c*d$.\n\n$$\nx_1\n$$\n", screen)
    assert "Use <b>bold</b> and $a_b*c*d$." in screen.lines()
    assert " x_1" in screen.lines()


def test_rich_markup_and_emoji_names_are_text(screen: Screen) -> None:
    shown("[red]not red[/red] :smiley:\n", screen)
    assert "[red]not red[/red] :smiley:" in screen.lines()


@pytest.mark.parametrize("format", ["markdown", "text"])
@pytest.mark.parametrize("step", [1, 1000])
def test_control_characters_of_the_model_never_arrive(
    screen: Screen,
    format: str,  # noqa: A002
    step: int,
) -> None:
    shown("a\x1b]0;title\x07b\x1b[2Jc\x9b5n\x07\x08 \u202ed\n", screen, format=format, step=step)
    got = screen.getvalue()
    assert "\x1b]" not in got
    assert "\x1b[2J" not in got
    assert not set(got) & {"\x07", "\x08", "\x9b", "\u202e"}


def test_no_terminal_hyperlinks(screen: Screen) -> None:
    shown("[a link](https://example.org)\n", screen)
    assert "\x1b]8" not in screen.getvalue()
    assert "a link (https://example.org)" in screen.lines()


def test_cancel_keeps_partial_text_and_the_cursor(screen: Screen) -> None:
    reply = opened()
    view = TerminalView(file=screen)
    view.open(reply)
    reply.apply(d.TextDelta("partial"), 1.0)
    reply.cancel(2.0)
    view.finish()
    got = screen.getvalue()
    assert "partial" in screen.lines()
    assert "Cancelled after 2.0 s: the answer is incomplete." in screen.lines()
    assert got.rfind("\x1b[?25h") > got.rfind("\x1b[?25l")


def test_failure_takes_one_line_where_an_exception_follows(screen: Screen) -> None:
    reply = opened()
    view = TerminalView(file=screen)
    view.open(reply)
    reply.apply(d.Failure(ErrorDetail(kind="ProviderFailed", message="Died")), 1.0)
    reply.apply(d.Closed(1), 1.0)
    view.finish(raised=True)
    assert "Failed after 1.0 s." in screen.lines()
    assert "Died" not in screen.getvalue()


def test_thinking_leaves_one_line(screen: Screen) -> None:
    reply = opened()
    view = TerminalView(file=screen)
    view.open(reply)
    reply.apply(d.ReasoningDelta("let me see"), 1.0)
    view.update(4.2)
    assert "Thinking… 3 s" in screen.lines()
    reply.apply(d.TextDelta("yes\n\nno"), 6.0)
    view.update(6.1)
    view.finish()
    assert screen.lines().count("Thought for 5.0 s.") == 1


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from(list("ab #-*>`$|\n\r\t\x0b\u2028\x1b")), max_size=60))
@pytest.mark.parametrize("format", ["markdown", "text"])
def test_every_character_is_printed_once_and_in_order(format: str, text: str) -> None:  # noqa: A002
    printed: list[str] = []
    view = TerminalView(format, Screen())
    view._print_block = printed.append  # type: ignore[method-assign]
    reply = opened()
    view.open(reply)
    for at, character in enumerate(text):
        reply.apply(d.TextDelta(character), at)
        view.update(at)
    view.finish()
    assert "".join(printed) == text
