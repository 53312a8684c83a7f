"""`Histories` -> minibatches in which what is equal is computed once.

A `Forest` is a set of windows with those that are equal put together, so that its targets are counted. `pack` lays
some of them out as a batch for a cell, and joins what their beginnings have in common: one row for each history,
however many windows go through it. What is learned from such a batch is what its windows one by one would teach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsmlearn.histories import Histories
from fsmlearn.rnn import Batch, FloatArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Forest:
    """Distinct windows, ordered so that those with a beginning in common stand together.

    U distinct windows of at most T rows, E targets: target e is meant weights[e] times, at row steps[e] of its window,
    and those of window u are begins[u] : begins[u + 1].
    """

    data: Histories
    windows: Ints  # (U,) an example of each in the log
    history: Ints  # (U, T) of its rows; -1 behind its end
    begins: Ints  # (U + 1,)
    steps: Ints  # (E,)
    targets: Ints  # (E,)
    weights: NDArray[np.float32]  # (E,)

    def __len__(self) -> int:
        return len(self.windows)


@dataclass(frozen=True, eq=False)
class Packed:
    """A batch, and where its rows are in the log. N rows, B windows."""

    batch: Batch
    rows: Ints  # (N,) a row of the log with the history of each row of the batch
    places: Ints  # (B,) distinct windows that the batch holds
    ends: Ints  # (B,) row of the batch at which each of them ends


def forest(data: Histories, windows: Ints, copies: Ints | None = None) -> Forest:
    """Put together those of the windows that are equal; `copies` says how often each is meant, once unless given."""
    longest = int(data.lengths.max(initial=0))
    _, first, own = np.unique(data.places[windows], return_index=True, return_inverse=True)
    example = windows[first]
    step = np.arange(longest)
    inside = step < data.lengths[example, None]
    history = np.where(inside, data.history[np.where(inside, data.starts[example, None] + step, 0)], -1)
    order = _side_by_side(history)

    lengths = data.lengths[windows]
    steps = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    targets = data.targets[np.repeat(data.starts[windows], lengths) + steps].astype(np.int64)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    key = (np.repeat(rank[own], lengths) * longest + steps) * len(data.answers) + targets
    known = targets >= 0
    key, weights = key[known], np.repeat(np.ones(len(windows), np.int64) if copies is None else copies, lengths)[known]
    by_key = np.argsort(key)
    fresh = np.flatnonzero(np.diff(key[by_key], prepend=-1))
    key, weights = key[by_key][fresh], np.add.reduceat(weights[by_key], fresh)
    row, targets = np.divmod(key, max(len(data.answers), 1))
    begins = np.searchsorted(row, np.arange(len(order) + 1) * longest)
    return Forest(data, example[order], history[order], begins, row % longest, targets, weights.astype(np.float32))


def pack(grove: Forest, chosen: Ints, carried: FloatArray, share: FloatArray | None = None) -> Packed:
    """Lay out distinct windows (B,), each at most once, as a batch.

    They go on from the memories `carried` at the places of the windows before them. `share` (B,) multiplies the weights
    of their targets.
    """
    data, among = grove.data, np.argsort(chosen)
    chosen = chosen[among]
    windows = grove.windows[chosen]
    lengths = data.lengths[windows]
    history = np.take(grove.history, chosen, axis=0)[:, : lengths.max()].T.copy()  # (T, B)
    # A row is its window's own unless the window at its left has the same history: then it is that window's row.
    own = history >= 0
    own[:, 1:] &= history[:, 1:] != history[:, :-1]
    order = np.argsort(-lengths, kind="stable")
    step, lane = np.nonzero(own[:, order])
    lane = order[lane]
    sizes = np.count_nonzero(own, axis=1)
    number = np.zeros(history.shape, np.int64)
    number[step, lane] = np.arange(len(step))
    host = np.maximum.accumulate(np.where(own, np.arange(len(chosen)), 0), axis=1)
    host += len(chosen) * np.arange(len(host))[:, None]
    packed = number.ravel()[host]  # (T, B) row of the batch that each window has at each step

    parents = packed[step - 1, lane] + sizes[0]
    parents[: sizes[0]] = np.arange(sizes[0])
    previous = data.previous[windows[lane[: sizes[0]]]]
    start = np.where((previous >= 0)[:, None], carried[data.places[previous]], 0).astype(carried.dtype)

    many = grove.begins[chosen + 1] - grove.begins[chosen]
    which = np.repeat(grove.begins[chosen] - np.cumsum(many) + many, many) + np.arange(int(many.sum()))
    of = np.repeat(np.arange(len(chosen)), many)
    weights = grove.weights[which].astype(carried.dtype)
    if share is not None:
        weights *= share[among[of]]
    rows = data.starts[windows[lane]] + step
    batch = Batch(
        data.inputs[rows], sizes, parents, start, packed[grove.steps[which], of], grove.targets[which], weights
    )
    return Packed(batch, rows, data.places[windows], packed[lengths - 1, np.arange(len(chosen))])


def _side_by_side(history: Ints) -> Ints:
    """An order of windows (U, T) in which those with the same history at some step stand together."""
    seen = np.bincount(history.ravel() + 1, minlength=1)
    seen[0] = 0
    shared = int(np.count_nonzero((seen[history + 1] > 1).any(0)))  # steps, from the first, at which windows are joined
    return np.lexsort(history.T[: max(shared, 1)][::-1])
