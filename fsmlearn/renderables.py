"""What pages are made of: words, titled lines, tables and curves, as Rich renderables.

Words of a log become `Text`, never markup, and what a terminal would obey is spelt out. Knows nothing of machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from fsmlearn.formats import Cell, Row, percent, plain, printable


def word(text: str | None, style: str = "") -> Text:
    """A word of the log, safe to show."""
    return Text(printable(text or ""), style)


def titled(*groups: tuple[str, list[str]]) -> Table:
    """Titles on the left, lines on the right."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, min_width=9)
    grid.add_column(overflow="fold")
    for title, lines in groups:
        for i, line in enumerate(lines):
            grid.add_row(Text("" if i else title, "bold"), word(line))
    return grid


def empty_table(*words: str, right: Sequence[str] = (), last: str | None = None) -> Table:
    """A table without rows: columns of words, then others that are never folded, those on the `right` being numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in words:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    if last:
        table.add_column(last, no_wrap=True)
    return table


def rows_table(columns: Sequence[str], rows: Iterable[Row]) -> Table:
    """Any rows as a table; probabilities as shares, other fractions with one digit."""
    rows = list(rows)

    def text(column: str, cell: Cell) -> Text:
        if isinstance(cell, float):
            return Text(percent(cell) if column in ("probability", "network") else f"{cell:,.1f}")
        return word(plain(cell))

    numbers = [c for c in columns if any(isinstance(row[c], int | float) for row in rows)]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(text(column, row[column]) for column in columns))
    return table


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """A curve in one line, high to low; values that are none are left out."""
    finite = [value for value in values if value == value]
    if not finite:
        return ""
    picked = [finite[i * len(finite) // width] for i in range(width)] if len(finite) > width else finite
    low, high = min(picked), max(picked)
    bars = "▁▂▃▄▅▆▇█"
    return "".join(bars[round((value - low) / (high - low) * 7)] if high > low else bars[0] for value in picked)


def natural_width(table: Table) -> int:
    """Cells that a table takes when nothing is folded."""
    width = 0
    for column in table.columns:
        texts = [column.header, *column.cells]
        width += 2 + max(cell_len(line) for text in texts for line in str(text).split("\n"))
    return width
