"""`Histories` -> minibatches in which what is equal is computed once.

A `Forest` is a set of windows with those that are equal put together, so that its targets are counted. `pack` lays
hands of them out as batches for a cell, and joins what their beginnings have in common: one row for each history,
however many windows go through it. What is learned from such a batch is what its windows one by one would teach.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.histories import Histories
from fsmlearn.products import FloatArray
from fsmlearn.rnn import Batch, IntArray

Ints = NDArray[np.int64]
Hand = tuple[Ints, FloatArray]  # distinct windows (B,), and the share of their targets' weights that is meant (B,)

TOGETHER = 8  # hands that are laid out at once


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
    """A batch but for what its traces go on from, and where its rows are in the log. N rows, B windows."""

    sizes: Ints  # these and the next as in `Batch`
    inputs: IntArray
    parents: Ints
    rows: Ints  # (N,) a row of the log with the history of each row of the batch
    previous: Ints  # (sizes[0],) distinct windows that the traces go on from, -1 where they begin
    targeted: Ints  # the rows of `Batch`, which have
    targets: Ints
    weights: FloatArray
    places: Ints  # (B,) distinct windows that the batch holds
    ends: Ints  # (B,) row of the batch at which each of them ends

    def batch(self, carried: FloatArray) -> Batch:
        """The batch, if these are the memories after each distinct window."""
        start = np.where((self.previous >= 0)[:, None], carried[self.previous], 0).astype(carried.dtype, copy=False)
        weights = self.weights.astype(carried.dtype, copy=False)
        return Batch(self.inputs, self.sizes, self.parents, start, self.targeted, self.targets, weights)


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


def whole(chosen: Ints) -> Hand:
    """A hand of windows with the whole of their weights."""
    return chosen, np.ones(len(chosen), np.float32)


def pack(grove: Forest, hands: Iterable[Hand]) -> Iterator[Packed]:
    """Lay out hands of distinct windows, a window at most once in a hand, each as a batch."""
    hands = iter(hands)
    while some := list(islice(hands, TOGETHER)):
        yield from _laid_out(grove, some)


def _laid_out(grove: Forest, hands: list[Hand]) -> Iterator[Packed]:
    """The batches of K hands of up to C windows together: the operations are many, and few hands are small to NumPy."""
    data, dealt = grove.data, np.array([len(chosen) for chosen, _ in hands])
    filled = np.arange(dealt.max()) < dealt[:, None]  # (K, C)
    cards, shares = np.full(filled.shape, len(grove)), np.zeros(filled.shape, np.float32)
    cards[filled], shares[filled] = (np.concatenate(each) for each in zip(*hands, strict=True))
    among = np.argsort(cards, axis=1)
    cards, shares = (np.take_along_axis(each, among, 1) for each in (cards, shares))
    windows = np.take(grove.windows, cards, mode="clip")
    lengths = np.where(filled, data.lengths[windows], 0)
    history = np.take(grove.history, cards, axis=0, mode="clip")[..., : lengths.max()].transpose(0, 2, 1)  # (K, T, C)
    # A row is its window's own unless the window at its left in the hand has the same history: then it is that one's.
    own = (history >= 0) & filled[:, None]
    own[..., 1:] &= history[..., 1:] != history[..., :-1]
    sizes = own.sum(2)
    in_hand = sizes.sum(1)
    # Longer windows first, or the rows that a step goes on from would not stand together.
    order = np.argsort(-lengths, axis=1, kind="stable")
    where = np.arange(own.size).reshape(own.shape)
    by_length = where[:, :, :1] + order[:, None]
    at = by_length[np.take(own, by_length)]  # each row of a batch
    packed = np.zeros(own.shape, np.int64)
    packed.reshape(-1)[at] = np.arange(len(at)) - np.repeat(np.cumsum(in_hand) - in_hand, in_hand)
    packed = np.take(packed, np.maximum.accumulate(np.where(own, where, 0), axis=2))  # row of the batch for each window

    parents = np.concatenate((packed[:, :1], packed[:, :-1] + sizes[:, :1, None]), axis=1)
    previous = np.take_along_axis(data.previous[windows], order, 1)[np.take_along_axis(own[:, 0], order, 1)]
    rows = np.take(data.starts[windows][:, None] + np.arange(own.shape[1])[:, None], at)

    chosen, first = cards[filled], where[:, 0][filled]
    many = grove.begins[chosen + 1] - grove.begins[chosen]
    asked = np.add.reduceat(many, np.cumsum(dealt) - dealt)
    which = np.repeat(grove.begins[chosen] - np.cumsum(many) + many, many) + np.arange(int(many.sum()))
    pieces = zip(
        sizes,
        _cut(np.take(data.inputs, rows, axis=0), in_hand),
        _cut(np.take(parents, at), in_hand),
        _cut(rows, in_hand),
        _cut(np.where(previous >= 0, data.places[previous], -1), sizes[:, 0]),
        _cut(np.take(packed, grove.steps[which] * own.shape[2] + np.repeat(first, many)), asked),
        _cut(grove.targets[which], asked),
        _cut(grove.weights[which] * np.repeat(shares[filled], many), asked),
        _cut(data.places[windows[filled]], dealt),
        _cut(np.take(packed, first + (lengths[filled] - 1) * own.shape[2]), dealt),
        strict=True,
    )
    for size, *each in pieces:
        yield Packed(size[size > 0], *each)


def _cut(array: NDArray[Any], sizes: Ints) -> list[NDArray[Any]]:
    """Pieces of so many rows, from the first on."""
    ends = np.cumsum(sizes).tolist()
    return [array[lo:hi] for lo, hi in zip([0, *ends], ends, strict=False)]


def _side_by_side(history: Ints) -> Ints:
    """An order of windows (U, T) in which those with the same history at some step stand together."""
    seen = np.bincount(history.ravel() + 1, minlength=1)
    seen[0] = 0
    shared = int(np.count_nonzero((seen[history + 1] > 1).any(0)))  # steps, from the first, at which windows are joined
    return np.lexsort(history.T[: max(shared, 1)][::-1])
