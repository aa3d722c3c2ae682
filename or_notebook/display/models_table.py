"""Models as a table: static HTML that stays readable in a saved notebook, plain text, a terminal's.

The HTML holds no script and no style sheet. Where a page is alive, `models_widget` adds searching
and sorting to it; a saved notebook never holds a widget.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING

import msgspec

from or_notebook.display.characters import one_line

if TYPE_CHECKING:
    from or_notebook.client.models import Model

MILLION = 1_000_000
UNKNOWN = "–"
VARIES = "varies"

_GAP = "  "
_MUTED = "opacity:.75;font-size:.87em"
_FRAME = "max-height:32em;overflow:auto"


class Column(msgspec.Struct, frozen=True):
    """One column: its title, its cell for a model, and whether its cells are numbers."""

    title: str
    cell: Callable[[Model], str]
    number: bool = False


class Table(msgspec.Struct, frozen=True):
    """Columns, rows of one-line texts, and the sentence that goes with them."""

    columns: list[Column]
    rows: list[list[str]]
    caption: str


def table(models: Sequence[Model], caption: str) -> Table:
    """Return the table of some models, without the columns that none of them fills."""
    filled = [
        column
        for column in _COLUMNS
        if column is _COLUMNS[0] or any(column.cell(model) != UNKNOWN for model in models)
    ]
    rows = [[one_line(column.cell(model)) for column in filled] for model in models]
    return Table(filled, rows, one_line(caption))


def bundle(shown: Table) -> dict[str, str]:
    """Return the MIME bundle: `text/html` and `text/plain`."""
    return {"text/html": to_html(shown), "text/plain": to_text(shown)}


def to_html(shown: Table) -> str:
    """Return one `<div>` with the table; every text in it is escaped."""
    heads = "".join(
        f'<th scope="col"{_side(column)}>{escape(column.title)}</th>' for column in shown.columns
    )
    rows = "\n".join(_html_row(shown.columns, row) for row in shown.rows)
    return (
        '<div class="or-notebook or-notebook-models">\n'
        f'<p style="{_MUTED}">{escape(shown.caption)}</p>\n'
        f'<div role="region" aria-label="Models" tabindex="0" style="{_FRAME}">\n'
        f'<table style="white-space:nowrap">\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n"
        "</div>\n</div>"
    )


def to_text(shown: Table) -> str:
    """Return the table in columns of spaces, its caption below it."""
    lines = [[column.title for column in shown.columns], *shown.rows]
    widths = _widths(shown)
    laid_out = [
        _GAP.join(
            cell.rjust(width) if column.number else cell.ljust(width)
            for cell, width, column in zip(line, widths, shown.columns, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*laid_out, "", shown.caption])


def for_terminal(shown: Table) -> str:
    """Return the table as plain text, without the last columns where they would not fit.

    Not by rich: it would take half a second for 400 models.
    """
    # What is written to a file or a pipe has all the width it needs.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    columns = shown.columns
    while len(columns) > 1 and _width(shown, len(columns)) > width:
        columns = columns[:-1]
    return to_text(Table(columns, [row[: len(columns)] for row in shown.rows], shown.caption))


def format_age(seconds: float) -> str:
    """Return an age in one unit: `40 s`, `5 min`, `3 h`, `2 days`."""
    for unit, length in (("day", 86_400), ("h", 3600), ("min", 60)):
        count = int(seconds // length)
        if count:
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
    return f"{int(seconds)} s"


def _widths(shown: Table) -> list[int]:
    lines = [[column.title for column in shown.columns], *shown.rows]
    return [max(map(len, cells)) for cells in zip(*lines, strict=True)]


def _width(shown: Table, columns: int) -> int:
    return sum(_widths(shown)[:columns]) + len(_GAP) * (columns - 1)


def _side(column: Column) -> str:
    """Return the style of a cell; JupyterLab sets all cells of output tables to the right."""
    return "" if column.number else ' style="text-align:left"'


def _html_row(columns: list[Column], row: list[str]) -> str:
    cells = []
    for place, (column, text) in enumerate(zip(columns, row, strict=True)):
        style = _side(column)
        if place == 0:
            cells.append(f'<th scope="row"{style}><code>{escape(text)}</code></th>')
        else:
            cells.append(f"<td{style}>{escape(text)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _price(price: Decimal | None, model: Model) -> str:
    if price is None:
        return VARIES if model.varies else UNKNOWN
    if price == 0:
        return "free" if model.is_free else "$0"
    digits = format((price * MILLION).normalize(), "f")
    whole, _, cents = digits.partition(".")
    return f"${int(whole):,}.{cents.ljust(2, '0')}"


def _context(model: Model) -> str:
    return UNKNOWN if model.context_length is None else f"{model.context_length:,}"


def _modalities(model: Model) -> str:
    if not model.input_modalities and not model.output_modalities:
        return UNKNOWN
    return f"{'+'.join(model.input_modalities)} → {'+'.join(model.output_modalities)}"


def _abilities(model: Model) -> str:
    abilities = {"tools": model.calls_tools, "reasoning": model.reasons}
    return ", ".join(name for name, able in abilities.items() if able) or UNKNOWN


_COLUMNS = (
    Column("Model", lambda model: model.id),
    Column("Prompt $/M", lambda model: _price(model.prompt_price, model), number=True),
    Column("Answer $/M", lambda model: _price(model.completion_price, model), number=True),
    Column("Context", _context, number=True),
    Column("Modalities", _modalities),
    Column("Abilities", _abilities),
)
