"""Rows as read -> rows by trace and step: where traces begin, in which order rows stand, and what is odd about them.

Functions of coded columns, one entry a row; `logs` puts their results together. Rows that are odd are kept, counted
and placed as an `Oddity`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]  # indices of rows

UNKNOWN = -1  # the code of a cell without a word


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in a log that a user should know of, though it could be read."""

    what: str  # e.g. "duplicated step"
    count: int  # how often
    where: str  # "file:line" of the first
    done: str  # what was done about it


class Oddities:
    """Collects oddities of rows as they were read, from these files and lines."""

    def __init__(self, files: tuple[str, ...], file: Codes, line: Codes) -> None:
        self.found: list[Oddity] = []
        self._files, self._file, self._line = files, file, line

    def add(self, what: str, rows: Rows, done: str) -> None:
        """Add the oddity of `rows`, given in any order, if there are any."""
        if len(rows):
            first = rows.min()
            self.found.append(Oddity(what, len(rows), f"{self._files[self._file[first]]}:{self._line[first]}", done))


def cut(file: Codes, step: Rows | None) -> Codes:
    """Trace of each row of a log without a trace column: a new one begins with each file, and where step restarts.

    Step restarts where it falls by more than 2, or falls to the first step of its trace or below; a smaller fall is
    disorder inside the trace.
    """
    begins = np.append(True, np.diff(file) != 0)
    if step is not None:
        fall = np.append(0, step[:-1] - step[1:])
        start = 0
        for row in np.flatnonzero(begins | (fall > 0)).tolist():
            if begins[row] or fall[row] > 2 or step[row] <= step[start]:
                begins[row] = True
                start = row
    return (np.cumsum(begins) - 1).astype(np.int32)


def arrange(trace: Codes, step: Rows | None) -> tuple[Rows, Rows]:
    """(rows in order of trace and step, those whose step is smaller than that of their trace's row before).

    Rows of the same step stay as they were read.
    """
    order = np.argsort(trace, kind="stable")
    if step is None:
        return order, order[:0]
    fall = (np.diff(step[order]) < 0) & (np.diff(trace[order]) == 0)
    if not fall.any():
        return order, order[:0]
    return np.lexsort((step, trace)), order[1:][fall]


def renumber(words: Sequence[str], *columns: Codes) -> tuple[tuple[str, ...], list[Codes]]:
    """Words in order of first appearance, row by row, without those that no code names; and the columns recoded."""
    rows, width = len(columns[0]), len(columns)
    first = np.full(len(words), rows * width)
    for start in range(0, rows if words else 0, 1 << 20):  # in parts, for the sake of memory
        for c, codes in enumerate(columns):
            part = codes[start : start + (1 << 20)]
            place = np.full(len(words), rows * width)
            place[part[::-1]] = np.arange(start + len(part) - 1, start - 1, -1) * width + c  # the last one stays
            np.minimum(first, place, out=first)
    order = np.argsort(first)[: np.count_nonzero(first < rows * width)]
    if not len(order):
        return (), list(columns)
    new = np.full(len(words), UNKNOWN, np.int32)
    new[order] = np.arange(len(order))
    return tuple(words[code] for code in order.tolist()), [new[codes] for codes in columns]


def drop_word(words: tuple[str, ...], codes: Codes, word: str) -> tuple[tuple[str, ...], Codes]:
    """The words without one of them, and the codes with UNKNOWN in its place."""
    place = words.index(word)
    new = np.where(codes == place, UNKNOWN, codes - (codes > place))
    return words[:place] + words[place + 1 :], new.astype(np.int32)


def fill_empty(empty: int, state: Codes, next_state: Codes, joined: Bools) -> tuple[Rows, Rows]:
    """Fill empty states (those with the code `empty`) in place: (rows with a new state, rows with a new next_state).

    A row's next_state and the next row's state are the same state of the machine where `joined` (N - 1,) says that
    no row is missing between them, so an empty one takes the word of the other.
    """
    no_state, no_next = state[1:] == empty, next_state[:-1] == empty
    take_next = np.flatnonzero(no_state & ~no_next & joined) + 1
    take_state = np.flatnonzero(no_next & ~no_state & joined)
    state[take_next] = next_state[take_next - 1]
    next_state[take_state] = state[take_state + 1]
    return take_next, take_state


def name_of_unknown(words: Sequence[str]) -> str:
    """What to call a state that nobody recorded: a word that is none of the log's."""
    names = (f"(unknown {n})" if n > 1 else "(unknown)" for n in count(1))
    return next(name for name in names if name not in words)
