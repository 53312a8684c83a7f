"""Descends the description length of a log: a roughly right table in, the right one out.

Settling and the moves take turns until none helps. It knows nothing of networks; whoever has a better guess starts it
there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from fsmlearn.evidence import Table
from fsmlearn.moves import align, join, merge, nearest, recall, redirected, simplify, split
from fsmlearn.packing import Ints, Rows
from fsmlearn.standing import SAME, Standing, settle

GROWTH = 40  # splits in one descent, a copy of all counting as eight; memory would explain mere chance without end
PATIENCE = 16  # of them before a descent can be given up


def descend(
    rows: Rows, table: Table, found: Ints | None = None, *, growth: int = GROWTH, known: Collection[float] = ()
) -> Standing:
    """Settle, merge what is the same, split what is not, merge what is nearly the same; until nothing helps.

    `found` (N,) is the state to go on from where rows are lost, as far as it is known. States are split at most
    `growth` times, and at 0 only merged. `known` are the lengths of machines that nothing helps: where the search comes
    back to one, it ends.
    """
    if found is None:
        some = np.zeros(rows.labels, np.int64)  # any state of a label will do until futures are known
        some[table.label[::-1]] = np.arange(len(table))[::-1]
        found = some[rows.label]
    now = _descended(rows, settle(rows, table, found), growth, known=known)
    assert now is not None, "nothing is given up without a bound"
    return now


def attempt(rows: Rows, table: Table, found: Ints, below: float, worth: Callable[[Standing], float]) -> Standing | None:
    """The same, given up once nothing worth less than `below` is in sight: once growing twice as fast as until then
    would not do. `worth` says what a machine that is not done yet may come to, nats."""
    return _descended(rows, settle(rows, table, found), GROWTH, below, worth)


def _descended(
    rows: Rows,
    now: Standing,
    most: int,
    below: float = np.inf,
    worth: Callable[[Standing], float] | None = None,
    known: Collection[float] = (),
) -> Standing | None:
    left, before, look = most, None, PATIENCE
    failed: dict[tuple[int, ...], float] = {}  # to split states, as they are numbered now
    while True:
        if any(abs(now.length - each) < SAME for each in known):
            return now
        price = 0
        step = merge(rows, now, 0.5, 4)
        if step is None and before is None and worth is not None:
            before = worth(now)
        if step is None and left > 0 and (step := split(rows, now, 8, failed)):
            price = 1
        step = step or merge(rows, now, 40.0, 8) or join(rows, now)
        if step is None and rows.certain and most:
            step = simplify(rows, now) or align(rows, now)
            if step is None and left > 0 and (step := recall(rows, now, 4)):
                price = GROWTH // 5
        if step is None:
            return now
        if len(step.table) != len(now.table):
            failed = {}
        now, left = step, left - price
        spent = most - left
        if worth is not None and before is not None and left > 0 and spent >= look:
            nats, look = worth(now), look + PATIENCE
            if nats - below > 2 * left * (before - nats) / spent:
                return None


def shrink(rows: Rows, now: Standing, states: int) -> Standing:
    """Merge whatever costs least until at most `states` states are left, or one for every label."""
    while len(now.table) > states:
        trials = [settle(rows, *redirected(now, [pair])) for pair in nearest(rows, now)[:8]]
        if not trials:
            return now
        now = min(trials, key=lambda trial: trial.length)
    return now
