"""How well the log bears out each state and each transition of the machine learned from it: `Extraction` -> `Support`s.

The measure is that of the search. `evidence.futures` gives the log-likelihood of what follows every row for every state
that the machine could be in there; summed over the rows of a state, or over the rows after a transition, it says how
much likelier the log is with this state than with the next best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fsmlearn.about import Support
from fsmlearn.evidence import Floats, Singles, futures
from fsmlearn.extract import Extraction
from fsmlearn.histories import Histories
from fsmlearn.logs import Log
from fsmlearn.misfits import way
from fsmlearn.packing import Bools, Ints, Rows
from fsmlearn.standing import Standing, leading
from fsmlearn.summary import Way

GRAIN = 1 << 16  # parts of a nat that are told apart, so that sums are exact and do not depend on their order


@dataclass(frozen=True, eq=False)
class Votes:
    """Nats with which rows vote for each of k states; those of parts of a log can be added."""

    keys: Ints  # (m,) state times U + 1, and beside it 0 for the rows in it, or symbol + 1 for those that follow it
    nats: Floats  # (m, k)

    def __add__(self, other: Votes) -> Votes:
        keys, index = np.unique(np.append(self.keys, other.keys), return_inverse=True)
        nats = np.zeros((len(keys), self.nats.shape[1]))
        np.add.at(nats, index, np.concatenate([self.nats, other.nats]))
        return Votes(keys, nats)


def votes(rows: Rows, now: Standing, states: Ints, leads: Ints) -> Votes:
    """Of the rows of a log in states (N,) of a machine. Where the log shows a state that the machine has once there is
    no choice, and nobody is asked. Triggers that a state never met may lead anywhere.

    `leads` (k, U) is the symbol whose target each symbol has.
    """
    table, size, kinds = now.table, rows.symbols + 1, len(now.table) * (rows.symbols + 1)
    choice = np.bincount(table.label)[table.label] > 1
    if not choice.any():
        return Votes(np.zeros(0, np.int64), np.zeros((0, len(table))))
    met = np.add.reduceat(now.fit.counts, rows.begins, axis=1) > 0  # (k, V)
    ahead = futures(rows, table, now.fit.likelihood, anywhere=~met[:, rows.symbol_cell])
    asked = np.flatnonzero(choice[states])
    inside = _summed(states[asked] * size, kinds, ahead[asked], rows.weight[asked])
    linked = rows.linked[choice[table.target[states[rows.linked], rows.symbol[rows.linked]]]]
    known = rows.symbol_answer >= 0
    symbol = np.where(known, np.arange(rows.symbols), leads)[states[linked], rows.symbol[linked]]
    key = states[linked] * size + symbol + 1
    return inside + _summed(key, kinds, ahead[rows.following[linked]], rows.weight[linked])


def _summed(key: Ints, kinds: int, nats: Singles, weight: Ints) -> Votes:
    """Sums of nats (n, k) by key (n,), which is below `kinds`."""
    keys = np.flatnonzero(np.bincount(key, minlength=kinds))
    sums = np.empty((len(keys), nats.shape[1]))
    for column, each in zip(sums.T, nats.T, strict=True):
        column[:] = np.bincount(key, np.rint(each.astype(np.float64) * GRAIN) * weight, kinds)[keys] / GRAIN
    return Votes(keys, sums)


def support(log: Log, data: Histories, found: Extraction, cast: Votes | None = None) -> tuple[Support, ...]:
    """Of every state and then of every transition of the machine that the log shows, in the words of the log.

    The votes are those of the rows that the machine was extracted from, unless others were cast.
    """
    rows, now, names = found.rows, found.standing, found.names
    cast = cast or votes(rows, now, now.fit.states, leading(rows, now.fit))
    at = dict(zip(cast.keys.tolist(), cast.nats, strict=True))
    size = rows.symbols + 1
    label, counts = now.table.label, now.fit.counts
    ways = {(t.state, t.trigger, t.next_state, t.output) for t in found.machine.transitions}
    taken: dict[Way, tuple[int, int]] = {}  # transition -> its state and symbol
    known = rows.symbol_answer >= 0
    stray = np.where(known | now.fit.believed, counts, 0)  # (k, U) rows that no transition accounts for
    for q, u in zip(*(index.tolist() for index in np.nonzero(stray)), strict=True):
        if (each := way(log, data, found, q, u)) in ways:
            taken[each] = q, u
            stray[q, u] = 0

    nothing = np.zeros(len(label))
    states = {}
    for q, name in enumerate(names):
        rival, nats = _rival(at.get(q * size, nothing), q, label == label[q])
        spent, against = int(counts[q].sum()), int(stray[q].sum())
        states[name] = Support(name, None, None, None, spent, against, None if rival is None else names[rival], nats)

    transitions = []
    for t in found.machine.transitions:
        each = (t.state, t.trigger, t.next_state, t.output)
        if each not in taken:  # it is of a log before
            continue
        q, u = taken[each]
        against = int(stray[q, rows.symbol_cell == rows.symbol_cell[u]].sum())
        target, after = int(now.table.target[q, u]), at.get(q * size + u + 1)
        rival, nats = _rival(nothing if after is None else after, target, label == label[target])
        other = None if rival is None or after is None else names[rival]
        transitions.append(Support(*each, t.count, against, other, nats))
    return (*(states[state.name] for state in found.machine.states if state.name in states), *transitions)


def _rival(votes: Floats, state: int, possible: Bools) -> tuple[int | None, float]:
    """The best of the other possible states by votes (k,), and by how many nats `state` is better."""
    others = np.where(possible, votes, -np.inf)
    others[state] = -np.inf
    best = int(others.argmax())
    return (best, float(votes[state] - others[best])) if np.isfinite(others[best]) else (None, math.nan)
