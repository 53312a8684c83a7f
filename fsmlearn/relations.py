"""Event traces -> relations between how often things happen in them.

A machine of few states forgets how many of one kind there were. What the log says of that is kept in two ways: at the
end of a trace as a tree of the kinds that depend on each other most (Chow & Liu 1968), and at each kind of event
as the few kinds whose counts it says most about. Codes in, words out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fsmlearn.normal import ALL, END, FULL, Relation, bucket

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

KINDS = 64  # of events that are counted, the commonest
PARTNERS = 3  # kinds that are counted at an event of each kind


def of_lengths(lengths: Ints) -> Relation:
    """How long traces are (R,)."""
    return _relation(END, ALL, ALL, np.zeros(len(lengths), np.int64), _bucketed(lengths))


def of_events(traces: Sequence[Ints], words: Sequence[str]) -> list[Relation]:
    """The relations of traces of event codes, whose words are `words`; those that come in no trace have none."""
    events = np.concatenate(traces)
    often = np.bincount(events, minlength=len(words))
    kinds = np.sort(np.argsort(-often, kind="stable")[: min(KINDS, np.count_nonzero(often))])
    names = [words[kind] for kind in kinds.tolist()]
    begins = np.cumsum([0, *map(len, traces)])
    happens = events[:, None] == kinds  # (M, K)
    after = np.cumsum(happens, 0, dtype=np.int32)
    earlier = np.concatenate([np.zeros((1, len(kinds)), np.int32), after])[begins[:-1]]  # (R, K) in the traces before
    totals = after[begins[1:] - 1] - earlier
    before = after - happens - np.repeat(earlier, np.diff(begins), axis=0)
    return [
        *_tree(_bucketed(np.minimum(totals, FULL)), names),
        *_orders(happens, _bucketed(np.minimum(before, FULL)), names),
    ]


def _tree(totals: Ints, names: Sequence[str]) -> list[Relation]:
    """Each kind's total (R, K), given that of the kind before it in the tree."""
    runs, kinds = totals.shape
    edges = []
    for i in range(kinds):
        for j in range(i):
            gain = _gain(totals[:, i], totals[:, j])
            if gain > 0:
                edges.append((gain, i, j))
    group = list(range(kinds))
    beside: list[list[int]] = [[] for _ in range(kinds)]
    for _, i, j in sorted(edges, reverse=True):
        if group[i] != group[j]:
            beside[i].append(j)
            beside[j].append(i)
            group = [group[j] if each == group[i] else each for each in group]
    relations, met = [], set[int]()
    for root in range(kinds):
        todo: list[tuple[int, int | None]] = [(root, None)] if root not in met else []
        while todo:
            kind, parent = todo.pop()
            met.add(kind)
            given = np.zeros(runs, np.int64) if parent is None else totals[:, parent]
            relations.append(
                _relation(END, ALL if parent is None else names[parent], names[kind], given, totals[:, kind])
            )
            todo += [(other, kind) for other in beside[kind] if other not in met]
    return relations


def _gain(one: Ints, other: Ints) -> float:
    """Nats that two columns (R,) say about each other, less what it takes to say how."""
    both, ones, others = (_counted(each) for each in (one * (other.max() + 1) + other, one, other))
    free = max(len(both) - len(ones) - len(others) + 1, 0)
    return _entropy(ones) + _entropy(others) - _entropy(both) - 0.5 * free * math.log(len(one))


def _orders(happens: NDArray[np.bool_], before: Ints, names: Sequence[str]) -> list[Relation]:
    """At each kind of event, how many of its partners were before (M, K), given how many of its own kind were."""
    rows = len(before)
    size = int(before.max()) + 1
    usual = np.array([np.bincount(column, minlength=size) for column in before.T]) / rows  # (K, counts)
    relations = []
    for kind, name in enumerate(names):
        at = np.flatnonzero(happens[:, kind])
        own = before[at, kind]
        gains = []
        for other in range(len(names)):
            times = np.bincount(own * size + before[at, other], minlength=size * size).reshape(size, size)[
                : own.max() + 1
            ]
            of = times.sum(1, keepdims=True)
            with np.errstate(divide="ignore", invalid="ignore"):
                nats = np.where(times > 0, times * np.log(times / (of * usual[other])), 0).sum()
            price = 0.5 * ((times > 0).sum(1) - 1)[of[:, 0] > 0] @ np.log(of[of > 0])
            gains.append(-math.inf if other == kind else float(nats - price))
        best = sorted(range(len(names)), key=lambda other: -gains[other])[:PARTNERS]
        relations += [_relation(name, name, names[other], own, before[at, other]) for other in best if gains[other] > 0]
    return relations


def _relation(moment: str, given_name: str, counted_name: str, given: Ints, counted: Ints) -> Relation:
    pairs, times = np.unique(np.column_stack([given, counted]), axis=0, return_counts=True)
    return Relation(moment, given_name, counted_name, tuple(np.column_stack([pairs, times]).ravel().tolist()))


def _bucketed(counts: NDArray[np.integer]) -> Ints:
    """Counts as a run keeps them, in buckets."""
    known = np.array([bucket(count) for count in range(int(counts.max(initial=0)) + 1)], np.int64)
    found: Ints = known[counts]
    return found


def _counted(codes: Ints) -> Ints:
    counts: Ints = np.unique(codes, return_counts=True)[1]
    return counts


def _entropy(counts: Ints) -> float:
    """Nats that it takes to say which of several things came, so often each."""
    total = int(counts.sum())
    return total * math.log(total) - float(counts @ np.log(counts))
