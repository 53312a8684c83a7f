"""Columns that mostly count, such as lines and steps, kept as runs that rise by one instead of entry by entry.

A column of N integers takes the space of its G runs, and what is asked of it costs as much, until somebody wants the
array. Knows nothing of logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Runs:
    """N integers, from entry starts[g] on values[g], values[g] + 1, … up to the next run."""

    starts: Ints  # (G,) ascending, the first is 0
    values: Ints  # (G,)
    size: int  # N

    @classmethod
    def of(cls, column: NDArray[np.integer[Any]]) -> Runs:
        """The runs of a column (N,)."""
        column = column.astype(np.int64, copy=False)
        rises = column[1:] - column[:-1] == 1
        starts = np.append(np.zeros(min(len(column), 1), np.int64), np.flatnonzero(~rises) + 1)
        return cls(starts, column[starts], len(column))

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

    def at(self, index: NDArray[np.integer[Any]]) -> Ints:
        """The entries of these indices."""
        run = np.searchsorted(self.starts, index, "right") - 1
        entries: Ints = self.values[run] + (index - self.starts[run])
        return entries

    def part(self, start: int, stop: int) -> Ints:
        """The entries start:stop."""
        return self.at(np.arange(start, min(stop, self.size)))

    def replaced(self, index: Ints, values: Ints) -> Runs:
        """The same with other values at these ascending indices."""
        starts = np.union1d(self.starts, np.concatenate([index, index + 1]))
        starts = starts[starts < self.size]
        fresh = self.at(starts)
        fresh[np.searchsorted(starts, index)] = values
        return Runs(starts, fresh, self.size).joined()

    def without(self, index: Ints) -> Runs:
        """The same without the entries at these ascending indices."""
        starts = np.union1d(self.starts, index + 1)
        starts = starts[starts < self.size]
        ends = np.append(starts[1:], self.size)[: len(starts)]
        length = ends - starts - np.isin(ends - 1, index, assume_unique=True)
        values, length = self.at(starts)[length > 0], length[length > 0]
        return Runs(np.cumsum(length) - length, values, self.size - len(index)).joined()
