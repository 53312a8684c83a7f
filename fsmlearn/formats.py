"""Tables, shares and numbers as text, written by hand so that a light command loads nothing for them.

Tables are CSV, JSON, Markdown or YAML. Words are data: whatever a log calls its states, the text stays one well-formed
table. Rows are mappings whose keys are the columns; a cell is a word, a number or None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Cell = str | int | float | None
Row = Mapping[str, Cell]


def csv(columns: Sequence[str], rows: Iterable[Row], *, exact: bool = False) -> Iterator[str]:
    """Lines of RFC 4180. A spreadsheet would calculate a word such as =1+1: unless `exact`, it gets an apostrophe."""
    yield csv_line(columns)
    for row in rows:
        yield csv_line([cell if exact else _no_formula(cell) for cell in (row[column] for column in columns)])


def csv_line(cells: Iterable[Cell]) -> str:
    """One record and its newline, every word as it is."""
    return ",".join(_quoted(plain(cell)) for cell in cells) + "\n"


def listed(text: str) -> list[str]:
    """`Power,"Program 1, 2"` -> its words."""
    from csv import reader

    return [word.strip() for word in next(reader([text], skipinitialspace=True), []) if word.strip()]


def json_text(value: Any) -> str:
    """JSON in UTF-8 whose strings hold nothing that a terminal would obey."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    return re.sub(r"[^\n -~]", lambda c: c[0] if c[0].isprintable() else json.dumps(c[0])[1:-1], text) + "\n"


def markdown(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Lines of a pipe table; numbers stand on the right."""
    rows = list(rows)
    numeric = [any(isinstance(row[c], int | float) for row in rows) for c in columns]
    yield "| " + " | ".join(columns) + " |\n"
    yield "|" + "|".join(" ---: " if right else " --- " for right in numeric) + "|\n"
    for row in rows:
        yield "| " + " | ".join(_escaped(plain(row[column])) for column in columns) + " |\n"


def yaml(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """A list of mappings. Every word is quoted, as YAML takes On and 01 for something else."""
    empty = True
    for row in rows:
        empty = False
        for i, column in enumerate(columns):
            yield f"{'  ' if i else '- '}{column}: {json_text(row[column])}"
    if empty:
        yield "[]\n"


def plain(cell: Cell) -> str:
    """A cell as a word: numbers with six significant digits at most, None as nothing."""
    if cell is None:
        return ""
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def printable(text: str) -> str:
    """The text on one line, control characters (a terminal would obey them) and their like spelt out."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _spelt(c) for c in text)


def percent(share: float) -> str:
    """A share for people: never 0 or 100 % unless it is."""
    if 0 < share < 0.001:
        return "<0.1 %"
    if 0.999 < share < 1:
        return ">99.9 %"
    return f"{share:.0%}".replace("%", " %") if share in (0, 1) else f"{100 * share:.1f} %"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 row`, `1,204 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def traces(number: int, pieces: int) -> str:
    """`3 traces`, of which so many are pieces of longer ones."""
    return counted(number, "trace") + (", or pieces of them," if pieces else "")


def _spelt(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"' if any(c in word for c in ',"\r\n') else word


def _no_formula(cell: Cell) -> Cell:
    if not isinstance(cell, str) or not cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return cell
    return cell if re.fullmatch(r"[+-]?\d*\.?\d*", cell) else "'" + cell


def _escaped(word: str) -> str:
    """A word in Markdown that is neither markup nor HTML."""
    return re.sub(r"([\\`*_{}\[\]<>&#|~$!])", r"\\\1", printable(word))
