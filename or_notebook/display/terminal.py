"""An answer in terminal IPython: finished blocks scroll by, the unfinished one stays live below.

A block is printed once and never touched again, so that the scrollback holds a clean answer however
long it gets. The model's text reaches the terminal without control characters and is never read as
rich's markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.markdown import Heading, Markdown
from rich.segment import Segment, Segments
from rich.text import Text
from rich.theme import Theme

from or_notebook.display.characters import harmless
from or_notebook.display.markdown import TooSlowError, parse
from or_notebook.display.saved import ending_lines, extras
from or_notebook.display.summary import format_seconds, state_line, summary_line

if TYPE_CHECKING:
    from markdown_it.token import Token
    from rich.console import ConsoleOptions, RenderableType, RenderResult

    from or_notebook.chat.reply import Reply

INTERVAL = 0.1
"""Seconds between two frames; a terminal needs no more."""

WIDEST = 100
"""Columns of a block at most: longer lines are hard to read."""

REASONING_LINES = 3
"""Lines of the reasoning that are seen while the model thinks."""

_THEME = Theme({"markdown.code": "cyan", "markdown.code_block": "cyan"})


class TerminalView:
    """Shows one answer while it grows. Where nobody looks (a pipe) its text is written as it is.

    `format` is the magic's: Markdown is rendered, anything else is printed as the model wrote it.
    """

    def __init__(self, format: str = "markdown", file: TextIO | None = None) -> None:  # noqa: A002
        self._console = Console(
            file=file, theme=_THEME, markup=False, highlight=False, emoji=False, soft_wrap=False
        )
        self._markdown = format == "markdown"
        self._live: Live | None = None
        self._printed = 0
        self._parsed = 0
        self._drawn = -INTERVAL
        self._thought = False

    def open(self, reply: Reply) -> None:
        """Begin to show `reply`; must be followed by `finish`."""
        self._reply = reply
        if self._console.is_terminal:
            self._live = Live(
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
            # Nothing then needs restoring, whatever ends the cell.
            self._console.show_cursor(True)

    def update(self, elapsed: float) -> None:
        """Draw what is new, `elapsed` seconds after the call began."""
        if self._live is None:
            self._write(harmless(self._take(len(self._reply.text))))
        elif elapsed - self._drawn >= INTERVAL:
            self._drawn = elapsed
            self._print_finished_blocks()
            self._live.update(self._tail(elapsed), refresh=True)

    def finish(self, *, raised: bool = False) -> None:
        """Print the rest, how the answer ended, and what it took.

        With `raised` an exception with the same words follows, so that one line is enough.
        """
        if self._live is not None:
            self._live.stop()
            self._live = None
            self._print_thought()
            self._print_block(self._take(len(self._reply.text)))
        else:
            self._write(harmless(self._take(len(self._reply.text))))
            self._end_line()
        for part in extras(self._reply):
            self._console.print(Text(harmless(part)))
        lines = ending_lines(self._reply, raised=raised)
        for line in lines:
            self._console.print(Text(line, style="bold"))
        self._console.print(Text(summary_line(self._reply), style="dim"))

    def _take(self, end: int) -> str:
        """Return the answer's text from what was printed last up to `end`."""
        piece = self._reply.text[self._printed : end]
        self._printed = end
        return piece

    def _write(self, text: str) -> None:
        if text:
            self._console.file.write(text)
            self._console.file.flush()

    def _end_line(self) -> None:
        if self._reply.text and not self._reply.text.endswith("\n"):
            self._write("\n")

    def _print_finished_blocks(self) -> None:
        rest = self._reply.choices[0].text.since(self._printed)
        if not rest.strip():
            return
        self._print_thought()
        # A parse only after each eighth of growth: linear work, however long one block gets.
        if len(rest) * 8 < self._parsed * 9:
            return
        self._parsed = len(rest)
        finished = self._finished(rest)
        if finished:
            self._parsed = 0
            self._print_block(self._take(self._printed + finished))

    def _finished(self, rest: str) -> int:
        """Return how many characters of `rest` no further text can change."""
        if not self._markdown:
            return rest.rfind("\n") + 1
        # The parser takes a lone CR for a line end; the offsets must stay.
        lines = rest.replace("\r", " ").split("\n")
        before = lines[: _last_block("\n".join(lines))]
        return sum(map(len, before)) + len(before)

    def _print_block(self, text: str) -> None:
        text = harmless(text).strip("\n")
        if not text.strip():
            return
        if not self._markdown:
            self._console.print(Text(text))
            return
        # rich puts blank lines around some kinds of block; here each gets one below it.
        options = self._console.options.update_width(min(self._console.width, WIDEST))
        lines = self._console.render_lines(_rendered(text), options, pad=False, new_lines=True)
        while lines and _is_blank(lines[0]):
            lines.pop(0)
        while lines and _is_blank(lines[-1]):
            lines.pop()
        for line in lines:
            self._console.print(Segments(line))
        self._console.print()

    def _print_thought(self) -> None:
        timing = self._reply.timing
        if self._thought or not self._reply.reasoning:
            return
        self._thought = True
        end = timing.first_text if timing.first_text is not None else timing.last_token
        if timing.first_token is not None and end is not None:
            spent = format_seconds(end - timing.first_token)
            self._console.print(Text(f"Thought for {spent}.", style="dim"))

    def _tail(self, elapsed: float) -> RenderableType:
        """Return the unfinished block, as far as it fits, and the state line."""
        state = Text(
            state_line(self._reply, elapsed), style="dim", no_wrap=True, overflow="ellipsis"
        )
        rest = self._reply.choices[0].text.since(self._printed)
        if rest.strip():
            return Group(self._last_lines(rest, self._console.height - 3), state)
        if self._reply.phase == "reasoning":
            thoughts = self._last_lines(self._reply.reasoning, REASONING_LINES)
            thoughts.stylize("dim italic")
            return Group(thoughts, state)
        return state

    def _last_lines(self, text: str, count: int) -> Text:
        count, width = max(count, 1), self._console.width
        visible = Text(harmless(text[-count * width :]).strip("\n"))
        return Text("\n").join(visible.wrap(self._console, width)[-count:])


def _is_blank(line: list[Segment]) -> bool:
    return not "".join(segment.text for segment in line).strip()


class _PlainHeading(Heading):
    """A heading at the left edge, without a box around the first level."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        self.text.stylize("bold")
        yield self.text


class _Markdown(Markdown):
    elements = {**Markdown.elements, "heading_open": _PlainHeading}  # noqa: RUF012 - rich's own way


def _rendered(text: str) -> RenderableType:
    try:
        tokens = parse(text)
    except TooSlowError:
        return Text(text)
    # rich's own parser leaves out HTML; ours has it as text.
    rendered = _Markdown("", code_theme="ansi_dark", hyperlinks=False)
    rendered.parsed = [_known(token) for token in tokens]
    return rendered


def _known(token: Token) -> Token:
    """Turn the kinds of token that rich does not show in full into those that it does."""
    for child in token.children or []:
        if child.type == "tex_inline":
            child.type = "text"
        elif child.type == "image":
            child.type, child.content = "text", f"image: {child.content} ({child.attrs['src']})"
            child.children = None
    if token.type == "tex_block":
        token.type, token.info = "fence", "text"
    return token


def _last_block(text: str) -> int:
    """Return the line at which the last block of the answer begins: it may still grow."""
    try:
        starts = [token.map[0] for token in parse(text) if token.level == 0 and token.map]
    except TooSlowError:
        return 0
    return starts[-1] if starts else 0
