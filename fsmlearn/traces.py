"""Rows as read -> rows by trace and step: where traces begin, in which order rows stand, and what is odd about them.

Functions of coded columns, one entry a row; `logs` puts their results together. Rows that are odd are kept, counted
and placed as an `Oddity`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.columns import Clock
from fsmlearn.runs import Runs, among, united

Codes = NDArray[np.signedinteger[Any]]
Bools = NDArray[np.bool_]
Rows = NDArray[np.int64]  # indices of rows

UNKNOWN = -1  # the code of a cell without a word
FILE = 40  # bits of a place that are its line; those above are its file


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in a log that a user should know of, though it could be read."""

    what: str  # e.g. "duplicated step"
    count: int  # how often
    where: str  # "file:line" of the first
    done: str  # what was done about it


@dataclass(frozen=True, slots=True)
class Odd:
    """An oddity of a part of a log, whose files have no names yet."""

    what: str
    count: int
    place: int  # of the first, file and line as one number
    done: str


def odd(what: str, rows: Rows, places: Runs, done: str) -> Odd | None:
    """The oddity of `rows`, given in any order; None where there are none."""
    return Odd(what, len(rows), int(places.at(rows).min()), done) if len(rows) else None


def where(files: Sequence[str], number: int) -> str:
    """A place as "file:line"."""
    return f"{files[number >> FILE]}:{number & ((1 << FILE) - 1)}"


def cut(places: Runs, steps: Runs | None, clock: Clock = "", since: int | None = None) -> Rows:
    """Rows on which the traces of a log without a trace column begin: with each file, and where step restarts.

    The first row counts as one even where it goes on with a trace that began with step `since`. Step restarts where it
    falls by more than 2, or falls to the first step of its trace or below; a smaller fall is disorder inside the trace.
    Seconds restart only where they fall to the first of their trace or below, dates never.
    """
    files = np.flatnonzero(np.diff(places.values >> FILE, prepend=-1))
    begins = places.starts[files]
    if steps is None or clock == "date":
        return begins
    doubtful = united(begins, steps.starts[1:])
    steps_at = steps.at(doubtful)
    fall = steps.at(np.maximum(doubtful - 1, 0)) - steps_at
    found, start = [], 0
    first = since
    parts = (column.tolist() for column in (doubtful, steps_at, fall, among(doubtful, begins)))
    for row, step, falls, sure in zip(*parts, strict=True):
        if falls <= 0 and not sure:
            continue
        if sure or (falls > 2 and not clock) or step <= start:
            found.append(row)
            start, first = step if first is None else first, None
    return np.array(found, np.int64)


def cut_at(offsets: Rows, rows: Rows) -> tuple[Rows, Rows]:
    """(offsets (R' + 1,) of traces that begin anew on these rows, which trace (R',) each was a part of)."""
    begins = united(offsets[:-1], rows)
    return np.append(begins, offsets[-1]), np.searchsorted(offsets, begins, "right") - 1


def arrange(begins: Rows, traces: Rows, steps: Runs | None, rise: Rows, size: int) -> tuple[Rows | None, Rows, Rows]:
    """(rows in order of trace and step, None where they are; the first row of each trace in that order and `size`;
    those rows as read whose step is smaller than that of their trace's row before).

    Stretches of one trace begin on the rows `begins` (G,), and which trace each is of stands in `traces` (G,). `rise`
    is by how much the steps inside them rise where it is not by one. Rows of the same step stay as they were read.
    """
    none = begins[:0]
    if (np.diff(traces) == 1).all() and not (rise < 0).any():
        return None, np.append(begins, size), none
    trace = np.repeat(traces.astype(np.int32), np.diff(begins, append=size))
    order = np.argsort(trace, kind="stable")
    late = none
    if steps is not None:
        step = steps.array()
        falls = (np.diff(step[order]) < 0) & (np.diff(trace[order]) == 0)
        if falls.any():
            late = order[1:][falls]
            order = np.lexsort((step, trace))
    offsets = np.append(0, np.cumsum(np.bincount(trace)))
    return order, offsets, late


def rises(begins: Rows, steps: Runs | None) -> tuple[Rows, Rows]:
    """(rows whose step is not the next of their trace's row before, by how much it is greater); `begins` are the rows
    on which traces begin."""
    if steps is None:
        return begins[:0], begins[:0]
    starts, before = steps.starts[1:], (steps.values + steps.lengths() - 1)[:-1]
    inside = ~among(starts, begins)
    return starts[inside], (steps.values[1:] - before)[inside]


def renumber(words: Sequence[str], *columns: Codes) -> tuple[tuple[str, ...], list[Codes]]:
    """Words in order of first appearance, row by row, without those that no code names; and the columns recoded."""
    rows, width = len(columns[0]), len(columns)
    first = np.full(len(words), rows * width)
    start, size = 0, 1 << 12
    while start < rows and words and (first == rows * width).any():  # all words are soon met, if they mean anything
        for c, codes in enumerate(columns):
            part = codes[start : start + size]
            place = np.full(len(words), rows * width)
            place[part[::-1]] = np.arange(start + len(part) - 1, start - 1, -1) * width + c  # the last one stays
            np.minimum(first, place, out=first)
        start, size = start + size, min(2 * size, 1 << 18)
    order = np.argsort(first)[: np.count_nonzero(first < rows * width)]
    if not len(order):
        return (), list(columns)
    found = tuple(words[code] for code in order.tolist())
    if np.array_equal(order, np.arange(len(words))):
        return found, list(columns)
    new = np.full(len(words), UNKNOWN, columns[0].dtype)
    new[order] = np.arange(len(order))
    return found, [new[codes] for codes in columns]


def drop_word(words: tuple[str, ...], codes: Codes, word: str) -> tuple[tuple[str, ...], Codes]:
    """The words without one of them, and the codes with UNKNOWN in its place."""
    place = words.index(word)
    new = np.arange(len(words), dtype=codes.dtype)
    new[place:] -= 1
    new[place] = UNKNOWN
    return words[:place] + words[place + 1 :], new[codes]


def fill_empty(empty: int, state: Codes, next_state: Codes, apart: Rows) -> tuple[Rows, Rows]:
    """Fill empty states (those with the code `empty`) in place: (rows with a new state, rows with a new next_state).

    A row's next_state and the next row's state are the same state of the machine unless a row is missing between them,
    or a trace ends there, as before the rows `apart`; so an empty one takes the word of the other.
    """
    joined = np.ones(len(state), np.bool_)
    joined[apart] = False
    no_state, no_next = state[1:] == empty, next_state[:-1] == empty
    take_next = np.flatnonzero(no_state & ~no_next & joined[1:]) + 1
    take_state = np.flatnonzero(no_next & ~no_state & joined[1:])
    state[take_next] = next_state[take_next - 1]
    next_state[take_state] = state[take_state + 1]
    return take_next, take_state


def name_of_unknown(words: Collection[str]) -> str:
    """What to call a state that nobody recorded: a word that is none of the log's."""
    names = (f"(unknown {n})" if n > 1 else "(unknown)" for n in count(1))
    return next(name for name in names if name not in words)
