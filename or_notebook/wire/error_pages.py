"""Pages in place of answers: gateways and log-in walls send HTML."""

from __future__ import annotations

import html
import re


def words(text: str) -> str:
    """Return the words of a body that is not JSON; of an HTML page its title."""
    if "<" not in text:
        return text[:300]
    title = re.search(r"<title[^>]*>(.*?)</title>", text[:65536], re.IGNORECASE | re.DOTALL)
    found = title.group(1) if title else re.sub(r"<[^>]*>", " ", text[:4096])
    return " ".join(html.unescape(found).split())[:300]


def is_html(body: bytes) -> bool:
    """Tell whether a body is an HTML page, whatever its content type claims."""
    return body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))


def page_title(body: bytes) -> str:
    """Return the title of an HTML page, or its first words."""
    return words(body.decode("utf-8", "replace"))
