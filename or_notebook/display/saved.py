"""What stays in the notebook: an answer as static HTML that cannot act, and as plain text.

The HTML must read well wherever notebooks are read: with and without JupyterLab's style sheets,
after its sanitizer (which drops `aria-*`, `role` and colour variables), and on sites that keep
nothing but the elements. So it is semantic, carries few styles and has no style sheet of its own.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec

from or_notebook.display.characters import harmless, one_line
from or_notebook.display.highlight import COLOURS, highlight
from or_notebook.display.markdown import is_safe_link, link, plain_html, to_html
from or_notebook.display.summary import format_seconds, format_tokens, summary_line
from or_notebook.display.tex import escape_text
from or_notebook.display.unfinished import mend

if TYPE_CHECKING:
    from or_notebook.chat.choice import Choice, ToolCall
    from or_notebook.chat.reply import Reply

MUTED = "opacity:.75;font-size:.93em"
"""Style of what stands beside the answer; opacity, because every theme and sanitizer keeps it."""

THOUGHTS = (
    f"{MUTED};margin:.3em 0 .8em;padding-left:.9em;border-left:2px solid rgba(128,128,128,.4);"
    "max-height:24em;overflow-y:auto"
)
"""Style of the reasoning, once it is opened."""

TOP = "24px"
"""Height of the live view's state line, with the space below it."""

_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}\Z")
_FENCED = re.compile(r"\s*(`{3,}|~{3,})[ \t]*([^\s`]*)[^\n`]*\n(.*?)\n?\1\s*\Z", re.DOTALL)
_BLANK_LINE = re.compile(r"\n(?=[ \t]*\n)")


def bundle(
    reply: Reply,
    *,
    format: str = "markdown",  # noqa: A002
    raised: bool = False,
    reasoning_open: bool = False,
) -> dict[str, str]:
    """Return the MIME bundle of an answer: `text/html` and `text/plain`.

    `format` says how to show its text: `markdown`, `text`, `code` or `json`. With `raised` the
    cell's own error follows and explains a failure, so that only the fact is told here. With
    `reasoning_open` the reasoning can be read without opening it.
    """
    lines = ending_lines(reply, raised=raised)
    return {
        "text/html": to_page(reply, format, lines, reasoning_open=reasoning_open),
        "text/plain": plain_text(reply, lines),
    }


def metadata(reply: Reply) -> dict[str, Any]:
    """Return the output metadata that goes with the bundle."""
    return {"or_notebook": reply.metadata()}


def plain_text(reply: Reply, ending: list[str]) -> str:
    """Return the answer's own text, a blank line and the summary; without control characters."""
    parts = [reply.text, *extras(reply), "\n".join(ending), summary_line(reply)]
    return "\n\n".join(harmless(part).rstrip() for part in parts if part.strip())


def extras(reply: Reply) -> list[str]:
    """Return as plain text what an answer has beside its text; not yet made harmless."""
    parts: list[str] = []
    for number, choice in enumerate(_choices(reply)):
        parts += [f"Alternative {number + 1}:", str(choice.text)] if number else []
        parts += [_transcript(choice)]
        parts += [f"Refused: {choice.refusal}"] if choice.refusal else []
        parts += [f"Tool call: {call.name}({call.arguments})" for call in choice.tool_calls]
        parts += [
            f"Image {count}: {_image_words(url)}" for count, url in enumerate(choice.images, 1)
        ]
    parts += [
        "\n".join(f"[{n}] {title}: {url}" for n, (url, title) in enumerate(_sources(reply), 1))
    ]
    return [part for part in parts if part.strip()]


def ending_lines(reply: Reply, *, raised: bool = False) -> list[str]:
    """Return how the answer ended, unless it simply ended well; at most four lines.

    With `raised` an exception with the same words follows: then one line is enough.
    """
    after = reply.timing.duration
    when = f" after {format_seconds(after)}" if after is not None else ""
    if reply.status == "cancelled":
        lines = [f"Cancelled{when}: the answer is incomplete.", reply.note or ""]
    elif reply.status == "truncated":
        lines = [f"Broken off{when}.", reply.note or ""]
    elif reply.status == "failed":
        lines = [f"Failed{when}.", *(reply.error.lines() if reply.error else [])]
    else:
        lines = [reply.note or ""]
    told = lines[:1] if raised and reply.status in {"failed", "truncated"} else lines
    return [one_line(line) for line in told if line]


def to_page(
    reply: Reply,
    format: str,  # noqa: A002
    ending: list[str],
    *,
    reasoning_open: bool = False,
) -> str:
    """Return the `<div class="or-notebook">` that shows one finished answer."""
    reasoning = _reasoning(reply, reasoning_open)
    whole = reply.status == "complete"
    choices = [
        _choice(choice, number, format, whole=whole)
        for number, choice in enumerate(_choices(reply))
    ]
    parts = [
        reasoning,
        *choices,
        _source_list(reply),
        _ending(reply, ending),
        _footer(reply),
    ]
    inner = "".join(parts)
    styles = [COLOURS] if 'style="color:' in inner else []
    # Where the reasoning's line is missing, its place: the text stays where the live view had it.
    styles += [f"padding-top:{TOP}"] if any(choices) and not reasoning else []
    style = f' style="{";".join(styles)}"' if styles else ""
    # A blank line would end the HTML where nbconvert puts it into a Markdown file.
    return _BLANK_LINE.sub("&#10;", f'<div class="or-notebook"{style}>\n{inner}</div>')


def _choices(reply: Reply) -> list[Choice]:
    return [reply.choices[index] for index in sorted(reply.choices)]


def _reasoning(reply: Reply, is_open: bool) -> str:
    if not reply.reasoning.strip():
        return ""
    timing = reply.timing
    figures = ["Reasoning"]
    if timing.first_token is not None and timing.first_text is not None:
        figures.append(format_seconds(timing.first_text - timing.first_token))
    if reply.usage and reply.usage.reasoning_tokens:
        figures.append(f"{format_tokens(reply.usage.reasoning_tokens)} tokens")
    summary = escape_text(" · ".join(figures))
    return (
        f'<details{" open" if is_open else ""} style="margin-bottom:2px">\n'
        f'<summary style="{MUTED};line-height:22px">{summary}</summary>\n'
        f'<div style="{THOUGHTS}">\n{to_html(reply.reasoning)}</div>\n</details>\n'
    )


def _choice(choice: Choice, number: int, format: str, *, whole: bool) -> str:  # noqa: A002
    label = f"Alternative {number + 1}" if number else "Answer"
    parts = [f"<p><strong>{label}</strong></p>\n"] if number else []
    parts += [_formatted(str(choice.text), format, whole=whole)] if choice.text else []
    transcript = _transcript(choice)
    parts += [f"<blockquote>\n{to_html(transcript)}</blockquote>\n"] if transcript else []
    if choice.refusal:
        refusal = escape_text(harmless(str(choice.refusal)))
        parts.append(f"<p><strong>Refused:</strong> {refusal}</p>\n")
    parts += [_image(url, count) for count, url in enumerate(choice.images, 1)]
    parts += [_tool_call(call) for call in choice.tool_calls]
    inner = "".join(parts)
    return f'<div role="region" aria-label="{label}">\n{inner}</div>\n' if inner else ""


def _formatted(text: str, format: str, *, whole: bool) -> str:  # noqa: A002
    if format == "text":
        return plain_html(text)
    if format == "markdown":
        return to_html(text if whole else mend(text))
    code, language = _unfenced(harmless(text))
    if format == "json":
        return highlight(_pretty(code), "json")
    return highlight(code, language)


def _unfenced(text: str) -> tuple[str, str]:
    """Return code and language of an answer that is one fenced block, else the text itself."""
    match = _FENCED.match(text)
    return (match[3], match[2]) if match else (text, "")


def _pretty(text: str) -> str:
    try:
        return msgspec.json.format(text, indent=2)
    except (msgspec.DecodeError, RecursionError):
        return text


def _transcript(choice: Choice) -> str:
    return choice.audio.transcript if choice.audio else ""


def _image(url: str, count: int) -> str:
    if _IMAGE.match(url):
        return (
            f'<p><img src="{url}" alt="Image {count} of the answer" style="max-width:100%"></p>\n'
        )
    return f"<p>{link(url, f'image: {_image_words(url)}')}</p>\n"


def _image_words(url: str) -> str:
    """Name an image in a few words: its address, or its kind and size where it is inline."""
    kind, comma, data = url.partition(",")
    if not url.startswith("data:") or not comma:
        return one_line(url[:500])
    return f"{one_line(kind[5:60])}, {len(data) * 3 // 4000 + 1} kB"


def _tool_call(call: ToolCall) -> str:
    name = escape(one_line(call.name), quote=False)
    arguments = harmless(call.arguments).strip()
    shown = highlight(_pretty(arguments), "json") if arguments else ""
    return f"<p>Tool call: <code>{name}</code></p>\n{shown}"


def _sources(reply: Reply) -> list[tuple[str, str]]:
    """Return (url, title) of the citations, each address once."""
    found: dict[str, str] = {}
    for annotation in reply.annotations:
        nested = annotation.get("url_citation")
        citation = nested if isinstance(nested, dict) else annotation
        url, title = citation.get("url"), citation.get("title")
        if isinstance(url, str) and is_safe_link(url) and not url.lower().startswith("mailto:"):
            found.setdefault(url, one_line(title) if isinstance(title, str) and title else url)
    return list(found.items())


def _source_list(reply: Reply) -> str:
    items = [f"<li>{link(url, title)}</li>\n" for url, title in _sources(reply)]
    return f'<ol aria-label="Sources" style="{MUTED}">\n{"".join(items)}</ol>\n' if items else ""


def _ending(reply: Reply, ending: list[str]) -> str:
    lines = [escape_text(line) for line in ending]
    if not lines:
        return ""
    if reply.status != "complete":
        lines[0] = f"<strong>{lines[0]}</strong>"
    return f"<p>{'<br>'.join(lines)}</p>\n"


def _footer(reply: Reply) -> str:
    # No line begins with the dot between two figures.
    line = escape_text(summary_line(reply)).replace(" · ", "&nbsp;· ")
    style = f"{MUTED};margin:0"
    return f'<p role="note" aria-label="Usage summary" style="{style}">{line}</p>\n'
