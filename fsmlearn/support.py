"""How well the log bears out each state and each transition of the machine learned from it: `Extraction` -> `Support`s.

The measure is that of the search. `evidence.futures` gives the log-likelihood of what follows every row for every state
that the machine could be in there; summed over the rows of a state, or over the rows after a transition, it says how
much likelier the log is with this state than with the next best.
"""

from __future__ import annotations

import math

import numpy as np

from fsmlearn.about import Support
from fsmlearn.evidence import Bools, Floats, futures
from fsmlearn.extract import Extraction
from fsmlearn.histories import Histories
from fsmlearn.logs import Log
from fsmlearn.misfits import way
from fsmlearn.standing import leading, summed
from fsmlearn.summary import Way


def support(log: Log, data: Histories, found: Extraction) -> tuple[Support, ...]:
    """Of every state and then of every transition of the machine that the log shows, in the words of the log."""
    rows, now, names = found.rows, found.standing, found.names
    label, counts = now.table.label, now.fit.counts
    ways = {(t.state, t.trigger, t.next_state, t.output) for t in found.machine.transitions}
    taken: dict[Way, tuple[int, int]] = {}  # transition -> its state and symbol
    known = rows.symbol_answer >= 0
    stray = np.where(known | now.fit.believed, counts, 0)  # (k, U) rows that no transition accounts for
    for q, u in zip(*(index.tolist() for index in np.nonzero(stray)), strict=True):
        if (each := way(log, data, found, q, u)) in ways:
            taken[each] = q, u
            stray[q, u] = 0

    begins = np.searchsorted(rows.symbol_cell, np.arange(len(rows.cell_label)))
    met = np.add.reduceat(counts, begins, axis=1) > 0  # (k, V)
    ahead = futures(rows, now.table, now.fit.likelihood, anywhere=~met[:, rows.symbol_cell])
    inside = np.zeros((len(label), len(label)))
    entered, votes = summed(rows, slice(None), now.fit.states, ahead)
    inside[entered] = votes
    states = {}
    for q, name in enumerate(names):
        rival, nats = _rival(inside[q], q, label == label[q])
        spent, against = int(counts[q].sum()), int(stray[q].sum())
        states[name] = Support(name, None, None, None, spent, against, None if rival is None else names[rival], nats)

    linked = rows.linked
    symbol = np.where(known, np.arange(rows.symbols), leading(rows, now.fit))[
        now.fit.states[linked], rows.symbol[linked]
    ]
    key = now.fit.states[linked] * rows.symbols + symbol
    keys, after = summed(rows, linked, key, ahead[rows.following[linked]])
    followed = {key: i for i, key in enumerate(keys.tolist())}
    nothing = np.zeros(len(label))
    transitions = []
    for t in found.machine.transitions:
        each = (t.state, t.trigger, t.next_state, t.output)
        if each not in taken:  # it is of a log before
            continue
        q, u = taken[each]
        against = int(stray[q, rows.symbol_cell == rows.symbol_cell[u]].sum())
        target, at = int(now.table.target[q, u]), followed.get(q * rows.symbols + u)
        rival, nats = _rival(nothing if at is None else after[at], target, label == label[target])
        other = None if rival is None or at is None else names[rival]
        transitions.append(Support(*each, t.count, against, other, nats))
    return (*(states[state.name] for state in found.machine.states if state.name in states), *transitions)


def _rival(votes: Floats, state: int, possible: Bools) -> tuple[int | None, float]:
    """The best of the other possible states by votes (k,), and by how many nats `state` is better."""
    others = np.where(possible, votes, -np.inf)
    others[state] = -np.inf
    best = int(others.argmax())
    return (best, float(votes[state] - others[best])) if np.isfinite(others[best]) else (None, math.nan)
