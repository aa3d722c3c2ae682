"""The end of an answer that was cut short, mended so that no half of a mark is left standing."""

from __future__ import annotations

import re

LIMIT = 4_000
"""Characters of the last paragraph or list item above which its marks are left as they are."""

_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})", re.MULTILINE)
_BARE_MARK = re.compile(r"(?:\n|\A)[ \t>]*(?:[-*+]|\d{1,9}[.)]|#{1,6}|`{1,2}|~{1,2})?\Z")
_OPEN_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*\Z")
_PARAGRAPH = re.compile(r"\n(?=[ \t]*(?:\n|\||>|(?:[-*+]|\d{1,9}[.)]|#{1,6})[ \t]))")
_PARTS = re.compile(
    r"\\."  # escaped, so no mark
    r"|(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)"
    r"|\$[^$\n]+\$|\\\(.+?\\\)"  # in a formula the same characters mean something else
    r"|(?P<code>`+)|(?P<mark>\*+|_+|~~)",
    re.DOTALL,
)


def mend(markdown: str) -> str:
    """Return the text with the marks open at its end closed, and those without a text left out.

    `**bold te` gets its `**`; a `**`, a `2.` or half the address of a link at the very end goes.
    Blocks of code and formulas are left as they are.
    """
    if _in_block(markdown):
        return markdown
    text = _BARE_MARK.sub("", markdown.rstrip()).rstrip()
    start = max((match.end() for match in _PARAGRAPH.finditer(text)), default=0)
    if len(text) - start > LIMIT:
        return text
    return text[:start] + _closed(_OPEN_LINK.sub(r"\1", text[start:]))


def _in_block(text: str) -> bool:
    """Tell whether the text ends inside a block of code or a formula."""
    fence = ""
    for match in _FENCE.finditer(text):
        if not fence:
            fence = match[1]
        elif match[1].startswith(fence):
            fence = ""
    return bool(fence) or text.count("$$") % 2 == 1


def _closed(paragraph: str) -> str:
    found: list[str] = []
    for match in _PARTS.finditer(paragraph):
        before, after = paragraph[: match.start()][-1:], paragraph[match.end() :][:1]
        mark = match["code"] or match["mark"]
        if match["code"] and after:
            found.append(mark)
            break
        if mark is None:
            continue
        if before.strip() and found and found[-1] == mark:
            found.pop()
        elif not after and (not before.strip() or any(mark[0] in one for one in found)):
            paragraph = paragraph[: match.start()].rstrip()
        elif after.strip() and not (mark[0] == "_" and before.isalnum()) and len(mark) <= 3:
            found.append(mark)
    return paragraph + "".join(reversed(found))
