"""Unquoted records of CSV -> codes: the fast way of `cells`, block by block, by means of `fields`.

Neighbouring columns of words are one span of bytes, which is looked up as a whole; only a new one is cut into words.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn import steps
from fsmlearn.columns import Layout
from fsmlearn.errors import LogError
from fsmlearn.fields import Spans, Text, numbers, same_as_before
from fsmlearn.records import Block
from fsmlearn.runs import Runs
from fsmlearn.traces import Codes

Ints = NDArray[np.int64]

WORDS_OF = {"next_state": "state", "event": "trigger"}  # roles that take their words from another's


def narrow(codes: NDArray[Any], words: int) -> Codes:
    """Codes of so many words in the smallest type that holds them and -1."""
    return codes.astype(np.min_scalar_type(-max(words, 1)), copy=False)


class Found:
    """What a block holds."""

    def __init__(self) -> None:
        self.columns: dict[str, Codes] = {}  # role -> (n,)
        self.steps: Runs | None = None  # (n,)
        self.begins: Ints = np.zeros(0, np.int64)  # rows of the block on which stretches of one trace begin
        self.names: list[str] | Ints | None = None  # and the trace of each


class Plain:
    """The fast way for the blocks of one file: neighbouring columns of words are one span."""

    def __init__(self, layout: Layout, codes: dict[str, dict[str, int]]) -> None:
        self._layout, self._codes, self._given_up = layout, codes, bool(layout.variables)
        at = {column: role for role, column in layout.position.items() if role not in ("trace", "step")}
        self._groups = []
        for _, each in groupby(enumerate(sorted(at)), lambda pair: pair[1] - pair[0]):
            columns = [column for _, column in each]
            self._groups.append(_Group(columns[0], [at[column] for column in columns], layout, codes))

    def read(self, block: Block) -> Found | None:
        """The cells of a block, None where it has to go the long way."""
        if block.marks is None or self._given_up:
            return None
        text, marks = Text(block.text), block.marks.T  # (F, N)
        rows = np.append(0, marks[-1, :-1] + 1)

        def begins(column: int) -> Ints:
            return rows if column == 0 else marks[column - 1] + 1

        def ends(column: int) -> Ints:
            return np.ascontiguousarray(marks[column])

        found = Found()
        position = self._layout.position
        if "step" in position:
            spans = begins(position["step"]), ends(position["step"])
            if self._layout.clock:
                words = [
                    text.cut(*span).decode().strip() for span in zip(*(each.tolist() for each in spans), strict=True)
                ]
                step = steps.numbers(words, self._layout.clock)
                if isinstance(step, list):
                    raise unnumbered(words[step[0]], block.place(step[0]), self._layout)
            else:
                whole = numbers(text, *spans)
                if whole is None:
                    return None
                step = whole
            found.steps = Runs.of(step)
        for group in self._groups:
            span = begins(group.first), ends(group.first + len(group.roles) - 1)
            columns = group.columns(text, *span, block)
            if columns is None:
                self._given_up = True
                return None
            found.columns |= columns
        if "trace" in position:
            begin, end = begins(position["trace"]), ends(position["trace"])
            found.begins = np.flatnonzero(~same_as_before(text, begin, end))
            begin, end = begin[found.begins], end[found.begins]
            number = numbers(text, begin, end)
            if number is not None and not text.zero(begin[end - begin > 1]):
                found.names = number
                return found
            found.names = [text.cut(*span).decode().strip() for span in zip(begin.tolist(), end.tolist(), strict=True)]
            if "" in found.names:
                raise empty("trace", block.place(int(found.begins[found.names.index("")])), self._layout)
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
        assert self._block is not None
        found = []
        for role, cell in zip(self.roles, span.decode().split(self._block.delimiter), strict=True):
            word = cell.strip()
            if not word and role in ("trigger", "event"):
                raise empty(role, self._block.place(row), self._layout)
            codes = self._codes[WORDS_OF.get(role, role)]
            found.append(codes.setdefault(word, len(codes)))
        self._fresh.append(found)


def empty(role: str, place: str, layout: Layout) -> LogError:
    """What is said of an empty cell."""
    return LogError(f"{place}: {role} is empty; fill in column {layout.columns[role]!r}, or delete the row")


def unnumbered(word: str, place: str, layout: Layout) -> LogError:
    """What is said of a step that is none."""
    column = layout.columns["step"]
    if layout.clock:
        kind = "date and time such as 2024-01-31T09:30:00" if layout.clock == "date" else "number of seconds"
        return LogError(f"{place}: time {word!r} is no {kind}, as those before it are; write one in column {column!r}")
    what = "neither a whole number nor a time (ISO 8601, or seconds)" if layout.timed else "no whole number"
    return LogError(
        f"{place}: step {word!r} is {what}; number the rows of each trace 1, 2, 3 in column {column!r}, "
        "or leave the column out"
    )
