r"""TeX in Markdown: kept as the model wrote it, so that the page's own MathJax can set it.

JupyterLab and nbconvert search the text of an HTML output for `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and
`\begin{…}…\end{…}`. What this module takes for mathematics reaches them untouched; every other
dollar sign and backslash is set apart by a `<span>`, because no formula reaches over the edge of an
element. So "$5 or $6" stays money.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

LIMIT = 4_000
"""Characters that one formula may have; a bound keeps the search for its end linear."""

_ACTING = re.compile(r"[$\\]")
_DOLLAR = re.compile(rf"(?:[^$\\]|\\.){{1,{LIMIT}}}?\$", re.DOTALL)
_BEGIN = re.compile(r"\\begin\{([a-zA-Z]{1,30}\*?)\}")
_UNSAFE = re.compile(
    # These write HTML attributes or load something,
    r"\\(?:href|url|style|class|cssId|html[a-zA-Z]*|data|bbox|mmlToken|includegraphics|require"
    # and these change the formulas of all other cells, or build the name of one of the former.
    r"|[gex]?def|let|futurelet|(?:re)?newcommand|providecommand|(?:re)?newenvironment"
    r"|Declare[a-zA-Z]+|csname|catcode)(?![a-zA-Z])"
)


def escape_text(text: str) -> str:
    """Return prose as HTML text in which MathJax finds nothing to set."""
    return _ACTING.sub(r"<span>\g<0></span>", escape(text, quote=False))


def escape_tex(source: str) -> str:
    """Return a formula with its delimiters as HTML text, or as code if its TeX could do harm."""
    if _UNSAFE.search(source):
        return f"<code>{escape(source, quote=False)}</code>"
    return escape(source, quote=False)


def add_tex(md: MarkdownIt) -> None:
    """Teach `md` the tokens `tex_inline` and `tex_block`."""
    md.inline.ruler.before("escape", "tex_inline", _inline)
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    md.block.ruler.before("fence", "tex_block", _block, interrupts)


def _inline(state: StateInline, silent: bool) -> bool:
    end = _formula_end(state.src, state.pos, state.posMax)
    if end is None:
        return False
    if not silent:
        state.push("tex_inline", "", 0).content = state.src[state.pos : end]
    state.pos = end
    return True


def _formula_end(source: str, start: int, limit: int) -> int | None:
    """Return where the formula that begins at `start` ends, or None if none begins there."""
    close = _closing(source, start)
    if close is None:
        return _dollar_end(source, start, limit) if source[start] == "$" else None
    found = source.find(close, start + 2, min(limit, start + LIMIT))
    return None if found <= start + 2 else found + len(close)


def _closing(source: str, start: int) -> str | None:
    pair = source[start : start + 2]
    if pair in _PAIRS:
        return _PAIRS[pair]
    begin = _BEGIN.match(source, start) if pair == "\\b" else None
    return f"\\end{{{begin[1]}}}" if begin else None


_PAIRS = {"$$": "$$", "\\(": "\\)", "\\[": "\\]"}


def _dollar_end(source: str, start: int, limit: int) -> int | None:
    """Apply Pandoc's rule to a single dollar, so that prices stay prices."""
    match = _DOLLAR.match(source, start + 1, limit)
    if match is None:
        return None
    inside, after = match.group()[:-1], source[match.end() : match.end() + 1]
    if inside[0].isspace() or inside[-1].isspace() or after.isdigit() or after == "$":
        return None
    return match.end()


def _block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Take the lines of a formula that begins and ends a line, without a blank line inside."""
    start = state.bMarks[first] + state.tShift[first]
    if state.is_code_block(first) or start >= state.eMarks[first]:
        return False
    close = _closing(state.src, start)
    if close is None or close == "\\)" or state.src.find(close, start + 2, start + LIMIT) < 0:
        return False
    line, offset = first, start + 2
    while True:
        found = state.src.find(close, offset, state.eMarks[line])
        if found >= 0:
            break
        line += 1
        if line >= last or state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return False
        offset = state.bMarks[line]
        if offset - start > LIMIT:
            return False
    if state.src[found + len(close) : state.eMarks[line]].strip():
        return False
    if not silent:
        token = state.push("tex_block", "", 0)
        token.content = state.getLines(first, line + 1, state.sCount[first], False).strip()
        token.map = [first, line + 1]
        state.line = line + 1
    return True
