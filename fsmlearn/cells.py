"""Checked records -> codes: words get their codes as they come, the same for all files of a log.

Most blocks of CSV go through `fields`. The others, with quotes, or with columns that hardly ever repeat themselves,
become sheets like the rows of other formats (`parsed`). Order, traces and what is odd are not judged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsmlearn import steps
from fsmlearn.columns import VARIABLE, Layout
from fsmlearn.plain import WORDS_OF, Found, Plain, empty, narrow, unnumbered
from fsmlearn.readings import Readings
from fsmlearn.records import Block
from fsmlearn.runs import Numerals, Runs
from fsmlearn.sheets import Sheet
from fsmlearn.traces import FILE, Codes

Ints = NDArray[np.int64]

COLUMN_OF = {"event": "trigger"}  # roles that are kept as another's column


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
    readings: Mapping[str, Readings]  # of variables, by name
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
        self._plain: tuple[Layout, Plain] | None = None
        self._readings: dict[str, Readings] = {}  # of variables, by name

    def add(self, block: Block | Sheet, layout: Layout, file: int) -> None:
        """Add the rows of one block. LogError where a trigger, event or trace is empty or a step is no number."""
        if not len(block.line):
            return
        if self._plain is None or self._plain[0] is not layout:
            self._plain = layout, Plain(layout, self._codes)
        found = self._plain[1].read(block) if isinstance(block, Block) else None
        if found is None:
            sheet = as_sheet(block, layout.position.values(), len(layout.headers))
            found = _read(sheet, layout, self._codes)
            for role in layout.variables:
                name = role.removeprefix(VARIABLE)
                self._readings.setdefault(name, Readings(name)).add(sheet.columns[layout.position[role]], sheet)
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
        return Raw(layout, words, columns, Runs.join(self._places), steps, stretches, self._readings, self._since)

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


def as_sheet(block: Block | Sheet, columns: Iterable[int], fields: int) -> Sheet:
    """These columns of a block of rows with so many fields."""
    if isinstance(block, Sheet):
        return block
    from fsmlearn.parsed import parse

    return parse(block, columns, fields)


def _read(sheet: Sheet, layout: Layout, words: dict[str, dict[str, int]]) -> Found:
    """The cells of a sheet, but those of variables."""
    found = Found()
    for role, at in layout.position.items():
        if role.startswith(VARIABLE):
            continue
        column = sheet.columns[at]
        if role == "step":
            step = steps.numbers(column.words, layout.clock)
            if isinstance(step, list):
                row = int(np.argmax(np.isin(column.codes, step)))
                raise unnumbered(column.words[column.codes[row]], sheet.place(row), layout)
            found.steps = Runs.of(step[column.codes])
        elif role == "trace":
            found.begins = np.flatnonzero(np.append(True, column.codes[1:] != column.codes[:-1]))
            found.names = [column.words[code] for code in column.codes[found.begins].tolist()]
            if "" in found.names:
                raise empty("trace", sheet.place(int(found.begins[found.names.index("")])), layout)
        else:
            codes = words[WORDS_OF.get(role, role)]
            code = [codes.setdefault(word, len(codes)) for word in column.words]
            found.columns[role] = narrow(np.array(code, np.int64), len(codes))[column.codes]
            if role in ("trigger", "event") and "" in codes and not layout.variables:
                raise empty(role, sheet.place(int(np.argmax(found.columns[role] == codes[""]))), layout)
    return found
