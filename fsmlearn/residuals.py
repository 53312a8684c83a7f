"""Whether what a machine leaves unexplained looks like noise.

A machine that is right is wrong here and there, at rows that have nothing in common. One that lacks a state, or has a
transition lead to a wrong one, is wrong in the same way again and again. Where nothing of that kind is left a longer
search has nothing to find.
"""

from __future__ import annotations

import numpy as np

from fsmlearn.evidence import Fit, Floats, astray, misfitting
from fsmlearn.packing import Bools, Ints, Rows

STRANGE = -np.log(100)  # log-probability from which on chance is no explanation


def explained(rows: Rows, now: Fit) -> bool:
    """Whether wrong answers of a hidden log are spread as if each row had the same chance of any of them: none comes
    too often in a state, nor after one way into it, and no more rows are wrong after wrong ones.

    The chance of so many is bounded by that of the Poisson distribution (Chernoff), over all the places that have some.
    """
    rate = (now.misfits + 1) / (rows.total + 2)
    wrong = misfitting(rows, now.believed)[now.states, rows.symbol]
    after = astray(rows, now.states, now.believed)
    in_a_row = _upper(
        rows.counted(wrong[after].astype(np.int64), np.flatnonzero(after), 2)[1:], rate * rows.weight[after].sum()
    )
    came = now.states[rows.preceding] * rows.symbols + rows.symbol[rows.preceding]
    known = (rows.preceding >= 0) & ~rows.broken
    way = np.where(known, came, len(now.counts) * rows.symbols + now.states)
    chances = [_by_place(rows, place, wrong, rate) for place in (now.states, way)]
    return bool(min(float(in_a_row.min()), *chances) > STRANGE)


def _by_place(rows: Rows, place: Ints, wrong: Bools, rate: float) -> float:
    """Log-probability that the answer that is wrong (N,) the most beyond chance in one place (N,) is so by chance."""
    asked = np.flatnonzero(rows.symbol_answer[rows.symbol] >= 0)
    cells, size = rows.tallied(place[asked] * len(rows.cell_label) + rows.symbol_cell[rows.symbol[asked]], asked)
    odd = np.flatnonzero(wrong)
    kinds, count = rows.tallied(place[odd] * rows.symbols + rows.symbol[odd], odd)
    if not len(kinds):
        return 0.0
    cell = kinds // rows.symbols * len(rows.cell_label) + rows.symbol_cell[kinds % rows.symbols]
    expected = size[np.searchsorted(cells, cell)] * rate / max(rows.answers - 1, 1)
    return float(_upper(count, expected).min() + np.log(len(kinds)))


def _upper(count: Ints, expected: Floats) -> Floats:
    """Bound on the log-probability of `count` or more where so many are expected."""
    expected = np.maximum(expected, 1e-12)
    more = np.maximum(count, expected)
    bound: Floats = more - expected - more * np.log(more / expected)
    return bound
