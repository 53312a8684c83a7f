"""Text formats: whatever the words are, each is read back by a reader that is not ours."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn import formats

words = st.text(max_size=6) | st.sampled_from(
    ["NA", "None", "On", "01", "[red]", "=1+1", "a,b", '"', "|", "\x1b[0m", "- x", "·"]
)
cells = words | st.none() | st.integers(0, 10**9) | st.floats(0, 1)
tables = st.lists(st.fixed_dictionaries({"state": words, "rows": cells}), max_size=4)
COLUMNS = ["state", "rows"]
encodable = st.text(alphabet=st.characters(codec="utf-8"), max_size=6)


@given(st.lists(st.lists(words, min_size=2, max_size=2)))
def test_csv_lines_are_read_back_word_for_word(rows: list[list[str]]) -> None:
    text = "".join(formats.csv_line(row) for row in rows)
    assert list(csv.reader(io.StringIO(text, newline=""))) == rows


@given(tables)
def test_csv_never_starts_a_formula_unless_it_must_be_exact(rows: list[dict[str, formats.Cell]]) -> None:
    guarded = list(csv.reader(io.StringIO("".join(formats.csv(COLUMNS, rows)), newline="")))
    exact = list(csv.reader(io.StringIO("".join(formats.csv(COLUMNS, rows, exact=True)), newline="")))
    for safe, row, original in zip(guarded[1:], exact[1:], rows, strict=True):
        assert row == [formats.plain(original[c]) for c in COLUMNS]
        for word, plain in zip(safe, row, strict=True):
            assert not re.match(r"[=@\t\r]|[+-].*[^0-9.]", word) or isinstance(original["rows"], float)
            assert word in (plain, "'" + plain)


@pytest.mark.parametrize(
    ("word", "shown"), [("=A1", "'=A1"), ("-5", "-5"), ("+1.5", "+1.5"), ("-x", "'-x"), ("@a", "'@a")]
)
def test_formulas_and_numbers(word: str, shown: str) -> None:
    assert list(formats.csv(["a"], [{"a": word}])) == ["a\n", shown + "\n"]


@given(tables)
def test_json_and_yaml_are_read_back(rows: list[dict[str, formats.Cell]]) -> None:
    text = formats.json_text(rows)
    assert json.loads(text) == rows
    assert all(c.isprintable() or c == "\n" for c in text)


@given(st.lists(st.fixed_dictionaries({"state": encodable, "rows": encodable | st.integers()}), max_size=4))
def test_yaml_is_read_back(rows: list[dict[str, formats.Cell]]) -> None:
    # YAML reads JSON's surrogate pairs one by one: unprintable characters beyond U+FFFF come back as two.
    text = "".join(formats.yaml(COLUMNS, rows))
    read = yaml.safe_load(text)
    assert [{c: _joined(row[c]) for c in COLUMNS} for row in read] == rows


def _joined(cell: object) -> object:
    return cell.encode("utf-16", "surrogatepass").decode("utf-16") if isinstance(cell, str) else cell


def test_yaml_keeps_words_that_yaml_takes_for_something_else() -> None:
    rows = [{"state": word, "rows": 1} for word in ("On", "off", "01", "null", "~", "1e3", "a: b", "#")]
    assert yaml.safe_load("".join(formats.yaml(COLUMNS, rows))) == rows


@given(tables)
def test_markdown_stays_one_table(rows: list[dict[str, formats.Cell]]) -> None:
    lines = list(formats.markdown(COLUMNS, rows))
    assert len(lines) == len(rows) + 2
    for line in lines:
        assert line.count("\n") == 1
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3
        assert not re.search(r"(?<!\\)(?:\\\\)*<", line)


@given(st.text())
def test_printable_text_is_printable_and_printable_text_is_unchanged(text: str) -> None:
    assert formats.printable(text).isprintable()
    assert formats.printable(formats.printable(text)) == formats.printable(text)
    assert formats.printable("a\x1b[31m\u202eb\n") == r"a\x1b[31m\u202eb\n"
