"""A prompt that ends in a question mark is a question to the model, not to IPython."""

from __future__ import annotations

import re

# A text, not compiled here: the extension has to load quickly.
_QUESTION = r"\s*(?:[\w., \[\]]+=\s*)?%chat\s+\S.*\?\s*\Z"


def keep_questions(lines: list[str]) -> list[str]:
    """Keep IPython from reading `%chat how are you?` as a request for help on `you`.

    A space behind the question mark does it; `%chat` does not send it. `%chat?` stays what it is,
    and so does every line of a `%%` cell.
    """
    if not lines or lines[0].lstrip().startswith("%%"):
        return lines
    return [_keep(line) if "%chat" in line else line for line in lines]


def _keep(line: str) -> str:
    return f"{line.rstrip()} \n" if re.match(_QUESTION, line) else line
