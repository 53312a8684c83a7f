"""Runs a machine over a log and counts: what fits, what does not, and how many nats it takes to say so.

Machines are integer tables here and logs are packed rows (`packing`), so that all traces step together. `search` asks
this module what a change would cost; `extract` and `report` ask it what the log says about the machine in the end.

Letters: k states of the table, the others as in `packing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import lgamma, log, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.packing import Bools, Ints, Rows
from fsmlearn.prior import described

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

RARELY = 0.1  # share of a state's answers below which, in a hidden log, they are noise sooner than drawn
URNS = 10.0, 100.0, 1000.0  # rows that the usual share counts for, where it may differ from place to place
LOST = np.float32(-8.0)  # log-likelihood charged for finding the way back after a wrong turn, about 3 in 10,000


@dataclass(frozen=True, eq=False)
class Table:
    """A machine as integers: from state q, symbol u leads to target[q, u]."""

    label: Ints  # (k,) visible state of each state
    target: Ints  # (k, U)
    start: Ints  # (C,) state in which a trace starts that starts in a visible state

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True, eq=False)
class Fit:
    """What running a table over rows came to."""

    rows: Rows
    target: Ints  # (k, U) of the table
    states: Ints  # (N,) state before each row
    counts: Ints  # (k, U) rows by state and symbol
    main: Bools  # (k, U) the commonest answers, in a hidden log one to a trigger
    believed: Bools  # (k, U) answers that belong to the machine; the others are misfits, or not said by the log
    likelihood: Floats  # (k, U) log-probability of a symbol's answer, given state and trigger
    misfits: int  # rows whose answer is not believed

    @cached_property
    def length(self) -> float:
        """Description length of machine and log, nats.

        A state costs a name; it says for every trigger it has met which answers it gives (one, or several with their
        shares) and where each leads. The log is then coded by these shares, and answers that no state gives are coded
        as noise at the rate at which they occur.
        """
        rows, k = self.rows, len(self.target)
        seen = said(rows, self.counts)
        total = np.add.reduceat(seen, rows.begins, axis=1)  # (k, V)
        given = np.add.reduceat(self.believed.astype(np.int64), rows.begins, axis=1)
        more = answer_cost(rows, k) + 0.5 * np.log(np.maximum(total, 1))
        structure = float((np.maximum(given - 1, 0) * more).sum())
        if rows.labels == 1:
            structure += described(rows, self.target, self.main, self.counts)
        else:
            structure += k * np.log(max(k, 2)) + float((total > 0).sum()) * answer_cost(rows, k)
        structure += _breaks(rows, self.states, self.counts, self.believed)
        return structure - float((seen * self.likelihood).sum())


def run(rows: Rows, table: Table, found: Ints) -> Ints:
    """State before each row (N,). Where rows are lost, or the log shows another visible state than the machine is
    in, the run goes on from `found` (N,): the state that explains best what follows."""
    states = np.empty(len(rows), np.int64)
    target = table.target.ravel()
    symbols = rows.symbols
    visible = rows.labels > 1
    lossy = visible or bool(rows.broken.any())
    at = table.start[rows.label[rows.first]]
    for lo, hi in zip(rows.offsets[:-1].tolist(), rows.offsets[1:].tolist(), strict=True):
        at = at[: hi - lo]
        if lossy:
            astray = rows.broken[lo:hi]
            if visible:
                astray = astray | (table.label[at] != rows.label[lo:hi])
            if astray.any():
                at = np.where(astray, found[lo:hi], at)
        states[lo:hi] = at
        at = target[at * symbols + rows.symbol[lo:hi]]
    return states


def futures(
    rows: Rows, table: Table, likelihood: Floats, lost: np.float32 = LOST, anywhere: Bools | None = None
) -> Singles:
    """Log-likelihood of the rest of the trace from every row on, for every state the machine could be in there, (N, k).

    The backward pass of the forward-backward algorithm (Rabiner 1989) for a machine that is deterministic given its
    answers; getting lost costs `lost`, whatever follows. Transitions `anywhere` (k, U) lead to the state that explains
    best what follows, whatever target the table has for them.
    """
    ahead = np.ascontiguousarray(table.target.T)  # (U, k)
    emit = np.ascontiguousarray(likelihood.T.astype(np.float32))  # (U, k)
    if rows.labels > 1:
        elsewhere = rows.cell_label[rows.symbol_cell][:, None] != table.label[None, :]
        emit = np.where(elsewhere, np.float32(-1e4), emit)
    out = np.empty((len(rows), len(table)), np.float32)
    later: Singles | None = None
    for t in range(len(rows.offsets) - 2, -1, -1):
        lo, hi = int(rows.offsets[t]), int(rows.offsets[t + 1])
        symbol, now = rows.symbol[lo:hi], out[lo:hi]
        np.take(emit, symbol, axis=0, out=now, mode="clip")  # the only mode that writes straight into it
        if later is not None:
            best = highest(later)
            rest = np.maximum(picked(later, ahead.take(symbol[: len(later)], axis=0)), best + lost)
            cut = rows.broken[hi : hi + len(later)]
            if cut.any():
                rest[cut] = best[cut]
            if anywhere is not None:
                rest = np.where(anywhere.T[symbol[: len(later)]], best, rest)
            now[: len(later)] += rest
        later = now
    return out


def highest(values: Singles) -> Singles:
    """(n, 1) the highest of each row (n, k). NumPy is several times slower along few numbers of many rows."""
    found: Singles = np.ascontiguousarray(values.T).max(0)[:, None]
    return found


def picked(values: NDArray[Any], columns: Ints) -> NDArray[Any]:
    """(n, m) of each row of values (n, k) those in these columns (n, m): `take_along_axis`, several times faster."""
    n, k = values.shape
    return values.ravel().take(columns + np.arange(0, n * k, k)[:, None])


def fit(rows: Rows, table: Table, found: Ints) -> Fit:
    """Run a table over rows and count what it makes of them."""
    states = run(rows, table, found)
    counts = rows.counted(states * rows.symbols + rows.symbol, kinds=len(table) * rows.symbols)
    return counted(rows, table, states, counts.reshape(len(table), -1))


def counted(rows: Rows, table: Table, states: Ints, counts: Ints) -> Fit:
    """The same, given the states before the rows (N,) and the counts (k, U), which may be those of a longer log."""
    seen = said(rows, counts)
    total = np.add.reduceat(seen, rows.begins, axis=1)  # (k, V)
    most = np.maximum.reduceat(seen, rows.begins, axis=1)
    of, top = total[:, rows.symbol_cell], most[:, rows.symbol_cell]  # (k, U)
    rows_known = max(int(total.sum()), 1)
    extra_cost = answer_cost(rows, len(table)) + 0.5 * np.log(np.maximum(of, 1))
    others = max(rows.answers - 1, 1)
    share: Floats = seen / np.maximum(of, 1)
    main = (seen == top) & (seen > 0)
    noise = (rows_known - int(most.sum()) + 1) / (rows_known + 2)
    believed, least = main, 0.0
    if rows.labels == 1:
        u = np.arange(rows.symbols)[None, :]
        main &= u == np.minimum.reduceat(np.where(main, u, rows.symbols), rows.begins, axis=1)[:, rows.symbol_cell]
        main |= (of == 0) & (counts > 0)  # the log never says the answer, but the machine goes on
        believed = main
        misfits = rows_known - int(most.sum())
        least = min(RARELY, 3 * misfits / rows_known)
    for _ in range(0 if rows.certain else 4):
        stray = noise / others
        gain = _surplus(seen, of, share, stray)
        believed = main | ((gain > extra_cost) & (share > max(stray, least)) & (seen > 0))
        misfits = rows_known - int(seen[believed].sum()) if total.any() else 0
        noise = (misfits + 1) / (rows_known + 2)
    kept = np.where(believed, seen, 0)
    within = np.add.reduceat(kept, rows.begins, axis=1)[:, rows.symbol_cell]
    probability = np.where(believed, kept / np.maximum(within, 1) * (1 - noise), noise / others)
    likelihood = np.log(np.maximum(probability, 1e-12))
    likelihood[of == 0] = -np.log(max(rows.answers, 2))  # a trigger never met here may give any answer
    likelihood[:, rows.symbol_answer < 0] = 0.0
    return Fit(rows, table.target, states, counts, main, believed, likelihood, misfits)


def said(rows: Rows, counts: Ints) -> Ints:
    """(k, U) rows by state and symbol, but for those whose answer the log does not say."""
    return np.where(rows.symbol_answer >= 0, counts, 0)


def answer_cost(rows: Rows, k: int) -> float:
    """Nats to say an answer and one of k states that it leads to."""
    return float(np.log(max(k, 2)) + np.log(max(rows.answers, 2)))


def _breaks(rows: Rows, states: Ints, counts: Ints, believed: Bools) -> float:
    """Nats to say before which rows something is lost, and in which state the machine goes on there; and which rows are
    out of order.

    After a row that misfits something is lost more often, and as likely as not that row was made up, and the machine
    stayed where it was before.
    """
    nats = urn(*rows.out_of_order(rows.swapped))[1] if rows.swapped.any() else 0.0
    if not rows.mended.any():
        return nats
    after = astray(rows, states, believed)
    nats += sum(_some(rows, some, rows.mended & some) for some in (after, ~after))
    goes = resumed(rows, states, counts, believed)[np.arange(int(rows.mended.sum())), states[rows.mended]]
    return nats - float(goes @ rows.weight[rows.mended])


def _some(rows: Rows, all_of: Bools, some: Bools) -> float:
    """Nats to say which rows (N,) of others some are."""
    n, m = int(rows.weight[all_of].sum()), int(rows.weight[some].sum())
    return lgamma(n + 1) - lgamma(m + 1) - lgamma(n - m + 1) + log(n + 1)


def urn(of: Ints, chosen: Ints) -> tuple[float, float]:
    """How many rows the usual share counts for in each place, and the nats to say which rows are chosen, given how many
    there are and are chosen in each place.

    What is out of order looks like what comes in that order anyway, and the oftener the commoner the right order is;
    were it everywhere as rare, such places would be taken for states. So each place has a share of its own: its rows
    are drawn from an urn that begins with the usual share (Pólya), and is the larger the less places differ.
    """
    n = int(of.sum())
    usual = (int(chosen.sum()) + 0.5) / (n + 1)
    some = of > 0
    of, chosen = of[some], chosen[some]

    def nats(size: float) -> float:
        begins = size * np.array([1, usual, 1 - usual])[:, None]
        drawn = _log_gamma(begins + np.stack([of, chosen, of - chosen])) - _log_gamma(begins)
        return float((drawn[0] - drawn[1] - drawn[2]).sum())

    length, size = min((nats(size), size) for size in URNS)
    return size, length + log(len(URNS)) + log(n + 1)


def _log_gamma(x: Floats) -> Floats:
    """log of the gamma function of x > 0: Stirling's series at x + 8."""
    y = x + 8
    series = (y - 0.5) * np.log(y) - y + log(2 * pi) / 2 + 1 / (12 * y) - 1 / (360 * y**3)
    back: Floats = series - np.log(np.prod([x + i for i in range(8)], axis=0))
    return back


def resumed(rows: Rows, states: Ints, counts: Ints, believed: Bools) -> Floats:
    """(m, k) log-probability of each state to be the one that the machine goes on in, at each of the m mended rows."""
    mended = np.flatnonzero(rows.mended)
    before, after = states[rows.preceding[mended]], astray(rows, states, believed, mended)
    share = counts.sum(1) / rows.total
    goes = np.where(after, 0.5, 1.0)[:, None] * share
    goes[np.arange(len(before)), before] += after / 2
    with np.errstate(divide="ignore"):
        nats: Floats = np.log(goes)
    return nats


def misfitting(rows: Rows, believed: Bools) -> Bools:
    """(k, U) answers that are not those of the state; what the log does not say is none."""
    wrong: Bools = ~believed & (rows.symbol_answer >= 0)
    return wrong


def astray(rows: Rows, states: Ints, believed: Bools, some: Ints | slice = slice(None)) -> Bools:
    """(n,) which of all or some rows follow one whose answer is not that of the state before it (N,)."""
    before = rows.preceding[some]
    after: Bools = (before >= 0) & misfitting(rows, believed)[states[before], rows.symbol[before]]
    return after


def _surplus(seen: Ints, of: Ints, share: Floats, stray: float) -> Floats:
    """Nats by which seen of `of` rows at their own share beat the same rows at the share `stray`."""
    own = seen * np.log(np.maximum(share, 1e-12) / stray)
    rest = (of - seen) * np.log(np.maximum(1 - share, 1e-12) / (1 - stray))
    gain: Floats = np.add(own, rest)
    return gain
