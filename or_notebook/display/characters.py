"""Characters of a model's text that would act instead of being read, and their removal."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movement, erasing
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC: window title, links, clipboard
)
_LINE_END = re.compile(r"\r\n?")
_ACTIVE = {
    **dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)], ""),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
    **{code: f"⟨U+{code:04X}⟩" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
    ord("\n"): "\n",
    ord("\t"): "\t",
}


def harmless(text: str) -> str:
    r"""Return `text` without what a terminal obeys or a reader cannot see.

    Escape sequences and control characters go, line ends become `\n`, lone surrogates become
    U+FFFD (they cannot be saved as UTF-8), and the characters that reorder text from right to left
    are spelled out, because they let code look like other code (CVE-2021-42574).
    """
    if "\x1b" in text or "\x9b" in text or "\x9d" in text:
        text = _SEQUENCE.sub("", text)
    return _LINE_END.sub("\n", text).translate(_ACTIVE)


def one_line(text: str) -> str:
    """Return `text` made harmless, on a single line."""
    return " ".join(harmless(text).split())
