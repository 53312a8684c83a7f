"""Columns that mostly count, such as lines and steps, kept as runs that rise by one instead of entry by entry.

A column of N integers takes the space of its G runs, and what is asked of it costs as much, until somebody wants the
array. Knows nothing of logs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def united(one: Ints, other: Ints) -> Ints:
    """The entries of two ascending arrays, ascending and each once. Sorting what is sorted in parts costs little."""
    both = np.concatenate([one, other])
    both.sort(kind="stable")
    each: Ints = both[np.append(True, both[1:] != both[:-1])[: len(both)]]
    return each


def among(wanted: Ints, index: Ints) -> NDArray[np.bool_]:
    """Which of the wanted are in an ascending index; quick where they ascend too."""
    at = np.searchsorted(index, wanted)
    found: NDArray[np.bool_] = np.append(index, -1)[at] == wanted
    return found


@dataclass(frozen=True, eq=False)
class Runs:
    """N integers, from entry starts[g] on values[g], values[g] + 1, … up to the next run."""

    starts: Ints  # (G,) ascending, the first is 0
    values: Ints  # (G,)
    size: int  # N

    @classmethod
    def of(cls, column: NDArray[np.integer[Any]]) -> Runs:
        """The runs of a column (N,)."""
        entries: Ints = column.astype(np.int64, copy=False)
        rises = entries[1:] - entries[:-1] == 1
        starts = np.append(np.zeros(min(len(entries), 1), np.int64), np.flatnonzero(~rises) + 1)
        return cls(starts, entries[starts], len(entries))

    @classmethod
    def count(cls, first: int, size: int) -> Runs:
        """first, first + 1, …, as many as `size`."""
        some = int(size > 0)
        return cls(np.zeros(some, np.int64), np.full(some, first, np.int64), size)

    @classmethod
    def join(cls, parts: Sequence[Runs]) -> Runs:
        """One column after another."""
        before = np.cumsum([0, *(part.size for part in parts)])
        starts = np.concatenate([part.starts + n for part, n in zip(parts, before.tolist(), strict=False)])
        return cls(starts, np.concatenate([part.values for part in parts]), int(before[-1])).joined()

    def joined(self) -> Runs:
        """The same with runs that go on from the one before made one with it."""
        fresh = np.append(True, np.diff(self.values) != np.diff(self.starts))[: len(self.starts)]
        return self if fresh.all() else Runs(self.starts[fresh], self.values[fresh], self.size)

    def __len__(self) -> int:
        return self.size

    def lengths(self) -> Ints:
        """(G,) entries of each run."""
        return np.diff(self.starts, append=self.size)

    def array(self) -> Ints:
        """(N,) all entries."""
        return np.arange(self.size) + np.repeat(self.values - self.starts, self.lengths())

    def at(self, index: NDArray[np.integer[Any]] | np.integer[Any]) -> Ints:
        """The entries of these indices."""
        run = np.searchsorted(self.starts, index, "right") - 1
        entries: Ints = self.values[run] + (index - self.starts[run])
        return entries

    def part(self, start: int, stop: int) -> Ints:
        """The entries start:stop."""
        stop = min(stop, self.size)
        if stop <= start:
            return np.zeros(0, np.int64)
        first, last = np.searchsorted(self.starts, [start, stop - 1], "right") - [1, 0]
        starts, values = self.starts[first:last], self.values[first:last]
        ends = np.append(starts[1:], stop)
        return np.arange(start, stop) + np.repeat(values - starts, ends - np.maximum(starts, start))

    def replaced(self, index: Ints, values: Ints) -> Runs:
        """The same with other values at these ascending indices."""
        starts = united(self.starts, united(index, index + 1))
        starts = starts[starts < self.size]
        fresh = self.at(starts)
        fresh[np.searchsorted(starts, index)] = values
        return Runs(starts, fresh, self.size).joined()

    def without(self, index: Ints) -> Runs:
        """The same without the entries at these ascending indices."""
        # what is left of a run goes on behind each entry that goes
        starts = np.concatenate([index + 1, self.starts])
        order = np.argsort(starts, kind="stable")
        rise = self.values - self.starts
        run = np.searchsorted(self.starts, index, "right") - 1
        values = (np.concatenate([rise[run], rise]) + starts)[order]
        goes = np.append(order < len(index), False)[1:]  # whether the entry before the next start does
        length = np.diff(starts[order], append=self.size) - goes
        values, length = values[length > 0], length[length > 0]
        return Runs(np.cumsum(length) - length, values, self.size - len(index)).joined()


class Numerals(Sequence[str]):
    """Names that are whole numbers and rise, such as those of most traces: a tuple of words that takes no space."""

    def __init__(self, numbers: Runs) -> None:
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(map(str, self.numbers.at(np.arange(*index.indices(len(self))))))
        return str(self.numbers.at(np.int64(range(len(self))[index])))

    def __iter__(self) -> Iterator[str]:
        return map(str, self.numbers.array().tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


def chosen(names: Sequence[str], index: NDArray[np.integer[Any]]) -> Sequence[str]:
    """Some of the names, given by an ascending index."""
    if isinstance(names, Numerals):
        return Numerals(Runs.of(names.numbers.at(index)))
    return tuple(names[code] for code in index.tolist())
