"""Descends the description length of a log: a roughly right table in, the right one out.

Settling and the moves take turns until none helps. It knows nothing of networks; whoever has a better guess starts it
there.
"""

from __future__ import annotations

import numpy as np

from fsmlearn.evidence import Table
from fsmlearn.moves import align, join, merge, nearest, recall, redirected, simplify, split
from fsmlearn.packing import Ints, Rows
from fsmlearn.standing import Standing, settle

GROWTH = 40  # splits in one descent, a copy of all counting as eight; memory would explain mere chance without end


def descend(
    rows: Rows, table: Table, found: Ints | None = None, *, grow: bool = True, below: float = np.inf
) -> Standing:
    """Settle, merge what is the same, split what is not, merge what is nearly the same; until nothing helps.

    `found` (N,) is the state to go on from where rows are lost, as far as it is known. Without `grow` states are only
    merged. It is given up once no description shorter than `below` is in sight: once all the splits that are left would
    not do, were each to gain as much as the best so far.
    """
    if found is None:
        some = np.zeros(rows.labels, np.int64)  # any state of a label will do until futures are known
        some[table.label[::-1]] = np.arange(len(table))[::-1]
        found = some[rows.label]
    now = settle(rows, table, found)
    left, most = GROWTH if grow else 0, 0.0
    while True:
        price = 0
        step = merge(rows, now, 0.5, 4)
        if step is None and left > 0 and (step := split(rows, now, 8)):
            price = 1
        step = step or merge(rows, now, 40.0, 8) or join(rows, now)
        if step is None and rows.certain and grow:
            if left > 0 and (step := recall(rows, now, 4)):
                price = GROWTH // 5
            step = step or simplify(rows, now) or align(rows, now)
        if step is None:
            return now
        if price:
            left, most = left - price, max(most, now.length - step.length)
            if step.length - left * most > below:
                return step
        now = step


def shrink(rows: Rows, now: Standing, states: int) -> Standing:
    """Merge whatever costs least until at most `states` states are left, or one for every label."""
    while len(now.table) > states:
        trials = [settle(rows, *redirected(now, [pair])) for pair in nearest(rows, now)[:8]]
        if not trials:
            return now
        now = min(trials, key=lambda trial: trial.length)
    return now
