"""Source code as HTML, coloured in every theme.

Each coloured word carries Pygments' short class, which JupyterLab and nbconvert have style sheets
for (also after JupyterLab's sanitizer has removed the styles of a notebook that it does not trust),
and a colour variable for front ends that have none, such as VS Code.
"""

from __future__ import annotations

import math
import time
from html import escape

from pygments.lexer import Lexer  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.token import Token, _TokenType  # type: ignore[import-untyped]

from or_notebook.display.tex import escape_text

PATIENCE = 0.3
"""Seconds for one block of code; what is not coloured by then stays plain."""

_NAMES = """
bash c c++ cpp cs csharp css console cython diff docker dockerfile go haskell html ini java
javascript js json julia kotlin latex lua make makefile markdown matlab md objective-c perl php
powershell ps1 py pycon python python3 r rb rs ruby rust scala sh shell sql swift tex toml ts tsx
typescript xml yaml yml zsh
"""
LANGUAGES = frozenset(_NAMES.split())
"""Names of languages that are highlighted; a short list, because Pygments looks up any other name
among the installed plug-ins and would run their code."""

_COLOURS = {
    "k": (Token.Keyword, "keyword", "debugTokenExpression-name", "#a03ab3"),
    "s": (Token.Literal.String, "string", "debugTokenExpression-string", "#b3542e"),
    "m": (Token.Literal.Number, "number", "debugTokenExpression-number", "#28834f"),
    "c": (Token.Comment, "comment", "descriptionForeground", "#6f7f7f"),
    "nf": (Token.Name.Function, "def", "symbolIcon-functionForeground", "#3b73c5"),
    "nc": (Token.Name.Class, "def", "symbolIcon-functionForeground", "#3b73c5"),
    "nt": (Token.Name.Tag, "tag", "debugTokenExpression-name", "#a03ab3"),
    "na": (Token.Name.Attribute, "attribute", "debugTokenExpression-type", "#3b73c5"),
    "nb": (Token.Name.Builtin, "builtin", "debugTokenExpression-boolean", "#28834f"),
    "ow": (Token.Operator.Word, "keyword", "debugTokenExpression-name", "#a03ab3"),
}
_CLASS_OF = {token: name for name, (token, *_) in _COLOURS.items()}

COLOURS = ";".join(
    f"--or-{name}:color-mix(in srgb,var(--jp-mirror-editor-{jupyter}-color,"
    f"var(--vscode-{vscode},{plain})) 80%,currentcolor)"
    for name, (_, jupyter, vscode, plain) in _COLOURS.items()
)
"""The style that an element around highlighted code must have. A part of each colour is the text's,
because some of JupyterLab's have too little contrast with the shade behind code."""


BOX = "margin:0 0 1em;padding:.5em .8em;border-radius:4px;background-color:rgba(128,128,128,.1)"
"""Style of the box around code; literal values, because sanitizers drop variables."""

LABEL = "opacity:.75;font-size:.85em;line-height:1.5"

CODE = (
    "margin:0;padding:0;background-color:transparent;overflow-x:auto;white-space:pre;"
    "word-break:normal;overflow-wrap:normal;line-height:1.3;"
    "font-family:var(--jp-code-font-family,ui-monospace,monospace)"
)
"""Style of the code: long lines scroll, where JupyterLab would break them in mid-word. nbconvert's
page has the variable of the font, but does not use it here."""


def highlight(code: str, language: str = "", deadline: float = math.inf) -> str:
    """Return a `<div class="highlight">` with the code; coloured if the language is known.

    `deadline` is a time of `time.monotonic()`. Some of Pygments' lexers take quadratic time.
    """
    name = language.lower()
    if name in LANGUAGES:
        lexer = get_lexer_by_name(name, stripnl=False, ensurenl=False)
        inner = _coloured(code, lexer, min(deadline, time.monotonic() + PATIENCE))
    else:
        inner = escape(code, quote=False)
    label = f'<div style="{LABEL}">{escape_text(language[:40])}</div>' if language else ""
    # No `<code>` inside, as in Pygments' own HTML: JupyterLab gives it yet another background.
    pre = f'<pre tabindex="0" style="{CODE}">{inner}</pre>'
    return f'<div class="highlight" style="{BOX}">{label}{pre}</div>\n'


def _coloured(code: str, lexer: Lexer, deadline: float) -> str:
    runs: list[tuple[str | None, list[str]]] = []
    done = 0
    for token, text in lexer.get_tokens(code):
        name = None if text.isspace() else _class_of(token)
        if runs and runs[-1][0] == name:
            runs[-1][1].append(text)
        else:
            runs.append((name, [text]))
        done += len(text)
        if time.monotonic() > deadline:
            break
    runs.append((None, [code[done:]]))
    return "".join(_span(name, escape("".join(texts), quote=False)) for name, texts in runs)


def _class_of(token: _TokenType | None) -> str | None:
    while token is not None:
        if token in _CLASS_OF:
            return _CLASS_OF[token]
        token = token.parent
    return None


def _span(name: str | None, inner: str) -> str:
    return f'<span class="{name}" style="color:var(--or-{name})">{inner}</span>' if name else inner
