"""Checked records -> codes: words get their codes as they come, the same for all files of a log.

Most blocks go through `fields`. The others, with quotes, or with columns that hardly ever repeat themselves, go through
the C parser of pandas, which this module alone imports, and not before it is needed. Order, traces and what is odd are
not judged here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.columns import Layout
from fsmlearn.errors import LogError
from fsmlearn.fields import Spans, Text, numbers, same_as_before
from fsmlearn.records import Block
from fsmlearn.runs import Numerals, Runs
from fsmlearn.traces import FILE

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
Codes = NDArray[np.signedinteger[Any]]

WORDS_OF = {"next_state": "state", "event": "trigger"}  # roles that take their words from another's
COLUMN_OF = {"event": "trigger"}  # roles that are kept as another's column


def narrow(codes: NDArray[Any], words: int) -> Codes:
    """Codes of so many words in the smallest type that holds them and -1."""
    return codes.astype(np.min_scalar_type(-max(words, 1)), copy=False)


@dataclass(frozen=True, eq=False)
class Raw:
    """N rows as read, in codes of their own."""

    layout: Layout
    words: dict[str, list[str]]  # role (state, trigger, output) -> words by their codes
    columns: dict[str, Codes]  # role -> (N,), as far as the log has it
    places: Runs  # (N,) file and line as one number
    steps: Runs | None  # (N,)
    # rows on which stretches of one trace begin, the code of each stretch's trace, the names of the traces by their
    # codes; None where the log has no column of traces
    stretches: tuple[Ints, Ints, Sequence[str]] | None
    # the first step of the trace that the first row goes on with, or how many rows it has so far where no steps are
    # given; None where the first row begins a trace
    since: int | None = None
    goes_on: bool = False  # the last row's trace goes on in the next part

    def __len__(self) -> int:
        return len(self.places)


class Cells:
    """The rows read so far, in the order of the files, as columns of codes (steps as numbers)."""

    def __init__(self) -> None:
        self.rows = 0
        self._codes: dict[str, dict[str, int]] = {"state": {}, "trigger": {}, "output": {}}
        self._names = _Names()
        self._columns: dict[str, list[Codes]] = {}
        self._places: list[Runs] = []
        self._steps: list[Runs] = []
        self._begins: list[Ints] = []  # rows on which stretches of one trace begin
        self._traces: list[Ints] = []  # and which trace each is
        self._since: int | None = None
        self._plain: tuple[Layout, _Plain] | None = None

    def add(self, block: Block, layout: Layout, file: int) -> None:
        """Add the records of one block. LogError where a trigger, event or trace is empty or a step is no number."""
        if not len(block.line):
            return
        if self._plain is None or self._plain[0] is not layout:
            self._plain = layout, _Plain(layout, self._codes)
        found = self._plain[1].read(block) or _parsed(block, layout, self._codes)
        for role, codes in found.columns.items():
            self._columns.setdefault(COLUMN_OF.get(role, role), []).append(codes)
        if found.steps is not None:
            self._steps.append(found.steps)
        if found.names is not None:
            self._begins.append(found.begins + self.rows)
            self._traces.append(self._names.codes(found.names))
        line = block.line
        self._places.append(Runs(line.starts, line.values + (file << FILE), line.size))
        self.rows += len(line)

    def raw(self, layout: Layout) -> Raw:
        """All rows, as a log with the columns of this layout; they are let go."""
        words = {role: list(codes) for role, codes in self._codes.items()}
        columns = {}
        for role in list(self._columns):
            columns[role] = narrow(np.concatenate(self._columns.pop(role)), len(words[WORDS_OF.get(role, role)]))
        stretches = None
        if self._traces:
            begins, traces = np.concatenate(self._begins), np.concatenate(self._traces)
            fresh = np.append(True, np.diff(traces) != 0)
            stretches = begins[fresh], traces[fresh], self._names.all()
        steps = Runs.join(self._steps) if self._steps else None
        return Raw(layout, words, columns, Runs.join(self._places), steps, stretches, self._since)

    def put(self, rows: Raw) -> None:
        """Have these rows, of those that `raw` gave, instead of all before; the words are still known."""
        self.rows = len(rows)
        self._columns = {role: [column] for role, column in rows.columns.items()}
        self._places, self._steps = [rows.places], [] if rows.steps is None else [rows.steps]
        self._since = rows.since
        if rows.stretches is not None:
            begins, traces, names = rows.stretches
            self._begins, self._traces, self._names = [begins], [traces], _Names(names)


class _Names:
    """The names of traces, in order of first appearance: as long as they are rising numbers nothing else is kept."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._numbers = [np.zeros(0, np.int64)]
        self._last = -1
        self._count = 0
        self._words: dict[str, int] | None = None
        if isinstance(names, Numerals):
            self.codes(names.numbers.array())
        elif names:
            self._words = {name: code for code, name in enumerate(names)}

    def codes(self, names: list[str] | Ints) -> Ints:
        """The code of each."""
        if self._words is None:
            if not isinstance(names, list) and names[0] >= self._last and (np.diff(names) > 0).all():
                known = int(names[0] == self._last)
                code = np.arange(len(names)) + self._count - known
                self._numbers.append(names[known:])
                self._last, self._count = int(names[-1]), self._count + len(names) - known
                return code
            self._words = {name: code for code, name in enumerate(map(str, np.concatenate(self._numbers).tolist()))}
        words = self._words
        return np.array([words.setdefault(name, len(words)) for name in map(str, names)])

    def all(self) -> Sequence[str]:
        """The names by their codes."""
        return Numerals(Runs.of(np.concatenate(self._numbers))) if self._words is None else tuple(self._words)


class _Found:
    """What a block holds."""

    def __init__(self) -> None:
        self.columns: dict[str, Codes] = {}  # role -> (n,)
        self.steps: Runs | None = None  # (n,)
        self.begins: Ints = np.zeros(0, np.int64)  # rows of the block on which stretches of one trace begin
        self.names: list[str] | Ints | None = None  # and the trace of each


class _Plain:
    """The fast way for the blocks of one file: neighbouring columns of words are one span."""

    def __init__(self, layout: Layout, codes: dict[str, dict[str, int]]) -> None:
        self._layout, self._codes, self._given_up = layout, codes, False
        at = {column: role for role, column in layout.position.items() if role not in ("trace", "step")}
        self._groups = []
        for _, each in groupby(enumerate(sorted(at)), lambda pair: pair[1] - pair[0]):
            columns = [column for _, column in each]
            self._groups.append(_Group(columns[0], [at[column] for column in columns], layout, codes))

    def read(self, block: Block) -> _Found | None:
        """The cells of a block, None where it has to go the long way."""
        if block.marks is None or self._given_up:
            return None
        text, ends = Text(block.text), block.marks.T  # (F, N)
        begin = np.append(0, ends[-1, :-1] + 1)

        def field(column: int) -> tuple[Ints, Ints]:
            return begin if column == 0 else ends[column - 1] + 1, np.ascontiguousarray(ends[column])

        found = _Found()
        position = self._layout.position
        if "step" in position:
            steps = numbers(text, *field(position["step"]))
            if steps is None:
                return None
            found.steps = Runs.of(steps)
        for group in self._groups:
            span = field(group.first)[0], field(group.first + len(group.roles) - 1)[1]
            columns = group.columns(text, *span, block)
            if columns is None:
                self._given_up = True
                return None
            found.columns |= columns
        if "trace" in position:
            begin, end = field(position["trace"])
            found.begins = np.flatnonzero(~same_as_before(text, begin, end))
            begin, end = begin[found.begins], end[found.begins]
            number = numbers(text, begin, end)
            if number is not None and not text.zero(begin[end - begin > 1]):
                found.names = number
                return found
            found.names = [text.cut(*span).decode().strip() for span in zip(begin.tolist(), end.tolist(), strict=True)]
            if "" in found.names:
                raise _empty("trace", int(found.begins[found.names.index("")]), block, self._layout)
        return found


class _Group:
    """Neighbouring columns of words, and the words of every span that was met in them."""

    def __init__(self, first: int, roles: list[str], layout: Layout, codes: dict[str, dict[str, int]]) -> None:
        self.first, self.roles = first, roles
        self._layout, self._codes = layout, codes
        self._spans = Spans(self._learn)
        self._fresh: list[list[int]] = []  # codes of spans that are not in the table yet
        self._table: dict[str, Codes] = {role: np.zeros(0, np.int8) for role in roles}  # (K,) by the code of the span
        self._block: Block | None = None

    def columns(self, text: Text, begin: Ints, end: Ints, block: Block) -> dict[str, Codes] | None:
        """Role -> codes (n,), None where the spans are too many."""
        self._block = block
        span = self._spans.codes(text, begin, end)
        if span is None:
            return None
        if self._fresh:
            for role, codes in zip(self.roles, np.array(self._fresh).T, strict=True):
                words = len(self._codes[WORDS_OF.get(role, role)])
                self._table[role] = narrow(np.append(self._table[role], codes), words)
            self._fresh = []
        return {role: table[span] for role, table in self._table.items()}

    def _learn(self, span: bytes, row: int) -> None:
        found = []
        for role, cell in zip(self.roles, span.decode().split(self._layout.delimiter), strict=True):
            word = cell.strip()
            if not word and role in ("trigger", "event"):
                assert self._block is not None
                raise _empty(role, row, self._block, self._layout)
            codes = self._codes[WORDS_OF.get(role, role)]
            found.append(codes.setdefault(word, len(codes)))
        self._fresh.append(found)


def _empty(role: str, row: int, block: Block, layout: Layout) -> LogError:
    return LogError(
        f"{block.name}:{block.line.at(np.array([row]))[0]}: {role} is empty; fill in column {layout.columns[role]!r}, "
        "or delete the row"
    )


def _parsed(block: Block, layout: Layout, words: dict[str, dict[str, int]]) -> _Found:
    """The long way, for every block."""
    frame = _parse(block, layout)
    found = _Found()
    for role, column in layout.position.items():
        if role == "step":
            found.steps = Runs.of(_steps(frame[column], block, layout))
            continue
        cells = frame[column].cat
        names, coded = [word.strip() for word in cells.categories.tolist()], cells.codes.to_numpy()[1:]
        if role == "trace":
            found.begins = np.flatnonzero(np.append(True, coded[1:] != coded[:-1]))
            found.names = [names[code] for code in coded[found.begins].tolist()]
            if "" in found.names:
                raise _empty(role, int(found.begins[found.names.index("")]), block, layout)
            continue
        codes = words[WORDS_OF.get(role, role)]
        code = [codes.setdefault(name, len(codes)) for name in names]
        found.columns[role] = narrow(np.array(code), len(codes))[coded]
        if role in ("trigger", "event") and "" in codes:
            raise _empty(role, int(np.argmax(found.columns[role] == codes[""])), block, layout)
    return found


def _parse(block: Block, layout: Layout) -> pd.DataFrame:
    """The cells of a block as categories of strings, and the steps as integers where they all are.

    pandas turns the categories of a column into numbers where all look like numbers, so that 1 and 01 would be
    one word. A first row of words, which belongs to no record, keeps them strings.
    """
    kinds = dict.fromkeys(layout.position.values(), "category")
    words = ["x"] * len(layout.headers)
    if "step" in layout.position:
        kinds[layout.position["step"]] = "int64"
        words[layout.position["step"]] = "0"
    text = (layout.delimiter.join(words) + "\n").encode() + block.text
    try:
        frame = _read_csv(text, layout, kinds)
    except (ValueError, OverflowError):  # some step is no integer: `_steps` finds out which
        kinds[layout.position["step"]] = "str"
        frame = _read_csv(text, layout, kinds)
    assert len(frame) == len(block.line) + 1, "pandas and _records disagree on where records end"
    return frame


def _read_csv(text: bytes, layout: Layout, kinds: dict[int, str]) -> pd.DataFrame:
    import pandas as pd

    with np.errstate(invalid="ignore"):  # pandas casts infinite steps before it refuses them
        return pd.read_csv(
            io.BytesIO(text),
            sep=layout.delimiter,
            header=None,
            names=list(range(len(layout.headers))),
            usecols=list(kinds),
            dtype=kinds,
            engine="c",
            lineterminator="\n",
            skipinitialspace=True,
            skip_blank_lines=False,
            na_filter=False,
            low_memory=False,
        )


def _steps(cells: pd.Series[Any], block: Block, layout: Layout) -> NDArray[np.int64]:
    if cells.dtype == np.int64:
        return cells.to_numpy()[1:]
    steps = []
    for line, cell in zip(block.line.array().tolist(), cells.tolist()[1:], strict=True):
        number = re.fullmatch(r"([+-]?\d{1,18})(\.0*)?", cell.strip(), re.ASCII)
        if not number:
            raise LogError(
                f"{block.name}:{line}: step {cell.strip()!r} is no whole number; number the rows of each trace 1, 2, 3 "
                f"in column {layout.columns['step']!r}, or leave the column out"
            )
        steps.append(int(number[1]))
    return np.array(steps, np.int64)
