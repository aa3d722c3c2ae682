"""Markdown of a model as HTML that cannot act: no script, no style sheet, no request to anywhere.

Raw HTML stays text, links lead to http, https and mailto only, images become links. What is safe is
decided by what this renderer can write at all, not by cleaning up afterwards.
"""

from __future__ import annotations

import re
import time
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from or_notebook.display.characters import harmless
from or_notebook.display.highlight import highlight
from or_notebook.display.tex import add_tex, escape_tex, escape_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType

LIMIT = 600_000
"""Characters above which an answer is shown as plain text."""

PATIENCE = 1.5
"""Seconds after which an answer is shown as plain text; only hostile ones take that long."""

GROWTH = 50
"""Characters of HTML for each of Markdown above which an answer is shown as plain text."""

_STYLES = {
    # Smaller than the page's own headings, which belong to the notebook and not to an answer.
    **{
        f"h{level}": f"margin:1em 0 .4em;font-size:{size};font-weight:600;line-height:1.3"
        for level, size in enumerate(("1.5em", "1.3em", "1.15em", "1em", "1em", "1em"), 1)
    },
    "blockquote": (
        "margin:1em 0;padding:0 1em;border-left:3px solid rgba(128,128,128,.4);opacity:.85"
    ),
}

_LINK = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x1f]+\Z", re.IGNORECASE)
_TASK = re.compile(r"\A\[([ xX])\](?= )")


def to_html(markdown: str) -> str:
    """Return the HTML of CommonMark with tables, strikethrough, task lists and TeX.

    Text that is too long, takes too long or swells too much comes back as `plain_html`.
    """
    source = harmless(markdown)
    if len(source) > LIMIT:
        return plain_html(source)
    try:
        html = str(_parser().render(source, _environment()))
    except TooSlowError:
        return plain_html(source)
    return html if len(html) <= GROWTH * len(source) + 10_000 else plain_html(source)


def parse(source: str) -> list[Token]:
    """Return the tokens of a text that is harmless already. Raises `TooSlowError`."""
    return _parser().parse(source, _environment())


def plain_html(text: str) -> str:
    """Return text as HTML that keeps its line breaks and wraps long lines."""
    inner = escape(harmless(text), quote=False)
    return f'<pre style="white-space:pre-wrap">{inner}</pre>\n'


def is_safe_link(url: str) -> bool:
    """Tell whether a link may lead there: http, https and mailto only."""
    return _LINK.match(url) is not None


def link(url: str, label: str) -> str:
    """Return a link that names its target to nobody, or only the label if it may not lead there."""
    if not is_safe_link(url):
        return escape_text(label)
    return f'<a href="{escape(url)}" rel="noopener noreferrer">{escape_text(label)}</a>'


class TooSlowError(Exception):
    """The text takes longer than a person waits."""


class _Parser(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - the name that markdown-it calls
        return is_safe_link(url)


def _environment() -> dict[str, float]:
    return {"deadline": time.monotonic() + PATIENCE}


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    md = _Parser("commonmark", {"html": False})
    md.enable(["table", "strikethrough"])
    add_tex(md)
    for kind, rule in _RULES.items():
        md.add_render_rule(kind, rule)
    md.core.ruler.push("finish", _finish)
    md.block.ruler.before("table", "check_time", _check_time)
    md.inline.ruler.before("text", "check_time", _check_time)
    return md


def _finish(state: StateCore) -> None:
    """Adapt the tokens that need to know their neighbours."""
    for index, token in enumerate(state.tokens):
        if token.nesting == 1 and token.tag in _STYLES:
            top = "margin:.3em " if index == 0 else "margin:1em "
            token.attrSet("style", _STYLES[token.tag].replace("margin:1em ", top))
        if token.type in {"th_open", "td_open"} and not token.attrs:
            # JupyterLab aligns the tables of HTML outputs to the right, as data frames need it.
            token.attrSet("style", "text-align:left")
        elif token.type == "inline" and token.children:
            _finish_links(token.children)
            if index > 1 and state.tokens[index - 2].type == "list_item_open":
                _tick(token.children[0])


def _finish_links(children: Sequence[Token]) -> None:
    """A link must not hold another one, so an image inside a link is only named."""
    depth = 0
    for child in children:
        if child.type == "link_open":
            child.attrSet("rel", "noopener noreferrer")
        depth += child.nesting if child.type in {"link_open", "link_close"} else 0
        child.meta["linked"] = depth > 0


def _tick(first: Token) -> None:
    """Show the `[x]` of a task list as a box."""
    if first.type == "text":
        first.content = _TASK.sub(lambda box: "☐" if box[1] == " " else "☑", first.content)


def _check_time(state: StateBlock | StateInline, *_: object) -> bool:
    if time.monotonic() > state.env["deadline"]:
        raise TooSlowError
    return False


def _text(_: object, tokens: Sequence[Token], index: int, *_options: object) -> str:
    return escape_text(tokens[index].content)


def _fence(_: object, tokens: Sequence[Token], index: int, _options: object, env: EnvType) -> str:
    words = tokens[index].info.split()
    return highlight(tokens[index].content, words[0] if words else "", env["deadline"])


def _code_block(_: object, tokens: Sequence[Token], index: int, *_options: object) -> str:
    return highlight(tokens[index].content)


def _image(_: object, tokens: Sequence[Token], index: int, *_options: object) -> str:
    token = tokens[index]
    url = str(token.attrs["src"])
    label = f"image: {token.content or url}"
    return escape_text(label) if token.meta.get("linked") else link(url, label)


def _tex_inline(_: object, tokens: Sequence[Token], index: int, *_options: object) -> str:
    return escape_tex(tokens[index].content)


def _tex_block(_: object, tokens: Sequence[Token], index: int, *_options: object) -> str:
    return f"<p>{escape_tex(tokens[index].content)}</p>\n"


_RULES: dict[str, Callable[..., str]] = {
    "text": _text,
    "fence": _fence,
    "code_block": _code_block,
    "image": _image,
    "tex_inline": _tex_inline,
    "tex_block": _tex_block,
}
