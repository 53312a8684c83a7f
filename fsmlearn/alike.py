"""Traces -> distinct traces: what is learned from a log depends on what its traces say, and on how often they say it.

Two traces are alike where their rows say the same and rows are lost at the same places. A big log says the same thing
very often; what is learned from is the few traces that differ, and a number for each trace of the log, which of them it
is. Those of parts of a log are put together in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import count
from operator import add

import numpy as np
from numpy.typing import NDArray

from fsmlearn.fingerprint import Words64, scattered
from fsmlearn.logs import Log
from fsmlearn.rows import Rows, coded
from fsmlearn.runs import Numerals, Runs
from fsmlearn.traces import Codes

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
PART = 1 << 15  # rows looked at in one go, which stay in the processor's cache
SMALL = 1 << 15  # numbers that two bytes hold


@dataclass(frozen=True, eq=False)
class Distinct:
    """K distinct traces of n rows, in the order in which the log has them first, for R traces that have rows."""

    log: Log  # of the distinct traces; names, places and steps are none of the log's
    gap: Bools  # (n,) True where rows seem to be lost before a row
    like: NDArray[np.int32]  # (R,) which distinct trace each trace is

    @cached_property
    def copies(self) -> Ints:
        """(K,) how many traces each distinct trace stands for."""
        return np.bincount(self.like, minlength=len(self.log.traces))

    @property
    def first(self) -> Ints:
        """(K,) which of the R traces is the first of each kind."""
        return np.unique(self.like, return_index=True)[1]

    @cached_property
    def coded(self) -> Rows:
        """The n rows of the distinct traces."""
        return coded(self.log)

    @property
    def rows(self) -> int:
        """Of the whole log."""
        return int(self.copies @ np.diff(self.log.offsets))

    def of(self, some: Ints) -> Distinct:
        """Those of some of the R traces, in the order in which these have them first."""
        kept, first, like = np.unique(self.like[some], return_index=True, return_inverse=True)
        order = np.argsort(first)
        number = np.empty(len(kept), np.int32)
        number[order] = np.arange(len(kept))
        log, kept = self.log, kept[order]
        length = np.diff(log.offsets)[kept]
        offsets = np.append(0, np.cumsum(length))
        rows = np.arange(offsets[-1]) + np.repeat(log.offsets[:-1][kept] - offsets[:-1], length)
        columns = [getattr(log, name)[rows] for name in COLUMNS]
        return Distinct(bare(log, columns, offsets), self.gap[rows], number[like])


COLUMNS = ("state", "trigger", "next_state", "output")


def distinct(log: Log, gap: Bools) -> Distinct:
    """The distinct traces of a log; `gap` (N,) marks rows before which others are lost. Empty traces are left out."""
    filled = np.flatnonzero(np.diff(log.offsets))
    begins, ends = log.offsets[:-1][filled], log.offsets[1:][filled]
    first, like = _first_alike(log, gap, begins, ends - begins)
    length = (ends - begins)[first]
    offsets = np.append(0, np.cumsum(length))
    rows = np.arange(offsets[-1]) + np.repeat(begins[first] - offsets[:-1], length)
    columns = [getattr(log, name)[rows] for name in COLUMNS]
    return Distinct(bare(log, columns, offsets), gap[rows], like)


def together(parts: Sequence[Distinct]) -> tuple[Distinct, list[NDArray[np.int32]]]:
    """(the distinct traces of all parts of a log, for each part which of them its own are)."""
    first = parts[0]
    if len(parts) == 1:
        return first, [np.arange(len(first.log.traces), dtype=np.int32)]
    logs = [part.log for part in parts]
    found = distinct(joined(logs), np.concatenate([part.gap for part in parts]))
    whose = np.split(found.like, np.cumsum([len(log.traces) for log in logs])[:-1])
    like = np.concatenate([own[part.like] for own, part in zip(whose, parts, strict=True)])
    return Distinct(found.log, found.gap, like), whose


def joined(logs: Sequence[Log]) -> Log:
    """The traces of logs that have the same words, one log after the other. Nobody asks for their names and places."""
    before = np.cumsum([0, *map(len, logs)])
    offsets = np.append(0, np.concatenate([log.offsets[1:] + n for log, n in zip(logs, before.tolist(), strict=False)]))
    return bare(logs[0], [np.concatenate([getattr(log, name) for log in logs]) for name in COLUMNS], offsets)


def bare(log: Log, columns: Sequence[Codes], offsets: Ints) -> Log:
    """A log with other rows, of which nobody asks for names and places."""
    size = int(offsets[-1])
    counted = Runs.count(0, size)
    names = Numerals(Runs.count(0, len(offsets) - 1))
    state, trigger, next_state, output = columns
    return replace(
        log,
        traces=names,
        offsets=offsets,
        places=counted,
        steps=counted,
        state=state,
        trigger=trigger,
        next_state=next_state,
        output=output,
    )


def _first_alike(log: Log, gap: Bools, begins: Ints, length: Ints) -> tuple[Ints, NDArray[np.int32]]:
    """((K,) the first trace of each kind, ascending; (R,) of which kind each trace is), given (R,) traces."""
    said = _said(log, gap)
    for seed in count():
        first = _first_equal(_sums(said, begins, length, np.random.default_rng(seed)))
        if _equal(said, begins, length, first):
            break
    kinds = np.flatnonzero(first == np.arange(len(first)))
    rank = np.empty(len(first), np.int32)
    rank[kinds] = np.arange(len(kinds))
    return kinds, rank[first]


def _first_equal(keys: NDArray[np.uint64]) -> Ints:
    """(R,) where the key of each is first, of numbers in disorder. Most find it in a table, by their highest bits."""
    slot = (keys >> np.uint64(63 - len(keys).bit_length())).view(np.int64)
    table = np.empty(2 << len(keys).bit_length(), np.int32)
    table[slot[::-1]] = np.arange(len(keys) - 1, -1, -1)  # the last one written stays
    first = table[slot].astype(np.int64)
    others = np.flatnonzero(keys[first] != keys)
    _, one, index = np.unique(keys[others], return_index=True, return_inverse=True)
    first[others] = others[one[index]]
    return first


def _said(log: Log, gap: Bools) -> list[tuple[Codes, int]]:
    """What rows say, and whether others are lost before them, in as few columns (N,) as hold it in small numbers; and
    how many numbers, of which some may be below 0, each can have."""
    sizes = (len(log.states), len(log.triggers), len(log.states), len(log.outputs))
    parts: list[tuple[Codes, int]] = [(gap.view(np.int8), 2)]
    for name, words in zip(COLUMNS, sizes, strict=True):
        size = words + 1  # UNKNOWN, -1, is one of them
        if not words:
            continue
        column, (before, numbers) = getattr(log, name), parts[-1]
        if numbers * size > SMALL:
            parts.append((column, size))
            continue
        joined = before.astype(np.int16)
        joined *= size
        joined += column
        parts[-1] = joined, numbers * size
    return parts


def _sums(said: Sequence[tuple[Codes, int]], begins: Ints, length: Ints, rng: np.random.Generator) -> Words64:
    """(R,) a number for each trace: the sum, modulo 2^64, of random numbers for what its rows say, mixed with their
    places in it. Different traces have different numbers, but for a rare chance."""
    tables = [rng.integers(1 << 64, size=size, dtype=np.uint64) for _, size in said]
    salt = rng.integers(1 << 64, dtype=np.uint64)
    sums = scattered(length.view(np.uint64) ^ salt)
    for part, some, rows in _parts(begins, length):
        place = (np.arange(part.start, part.stop) - np.repeat(begins[some], rows)).view(np.uint64)
        numbers = (table.take(column[part], mode="wrap") for (column, _), table in zip(said, tables, strict=True))
        number = reduce(add, numbers)
        number *= scattered(place ^ salt) | np.uint64(1)
        sums[some] += np.add.reduceat(number, np.cumsum(rows) - rows)
    return sums


def _equal(said: Sequence[tuple[Codes, int]], begins: Ints, length: Ints, example: Ints) -> bool:
    """Whether each trace (R,) says what its example says, the number of another or of itself."""
    if not np.array_equal(length, length[example]):
        return False
    apart = begins[example] - begins
    for part, some, rows in _parts(begins, length):
        there = np.arange(part.start, part.stop) + np.repeat(apart[some], rows)
        if not all(np.array_equal(column[part], column[there]) for column, _ in said):
            return False
    return True


def _parts(begins: Ints, length: Ints) -> Iterator[tuple[slice, slice, Ints]]:
    """Some rows at a time of traces (R,) that follow each other: the rows, the traces that they are of, and how many
    are of each."""
    ends = begins + length
    for start in range(int(begins[0]) if len(begins) else 0, int(ends[-1]) if len(ends) else 0, PART):
        stop = min(start + PART, int(ends[-1]))
        some = slice(int(np.searchsorted(ends, start, "right")), int(np.searchsorted(begins, stop)))
        yield slice(start, stop), some, np.minimum(ends[some], stop) - np.maximum(begins[some], start)
