"""Tables with all that is known about them, and the first way of making them shorter to describe: to settle.

A table stands on a log by a fit of both and one backward pass over the log (`evidence.futures`), which says of every
row how well each state explains the rest of its trace. Settling leads transitions where those futures want them. It
knows nothing of networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fsmlearn.evidence import Fit, Floats, Singles, Table, fit, futures, resumed
from fsmlearn.packing import Bools, Ints, Rows
from fsmlearn.rows import numbered

DIFFERS = 3.0  # cells in which two states are alike, to make up for one in which they are not
CERTAIN = 1.0  # nats by which a change must win before it is tried
ALIKE = 1e-3  # nats by which two states may differ, rounded as they are, and still explain the same alike
SAME = 1e-3  # nats by which descriptions of one machine may differ, its rows being added up in another order
ROUNDS = 12  # sweeps over all transitions before a table counts as settled


@dataclass(frozen=True, eq=False)
class Standing:
    """A table with everything known about it."""

    table: Table
    fit: Fit
    ahead: Singles  # (N, k) futures
    found: Ints  # (N,) state that explains best what follows

    @property
    def length(self) -> float:
        return self.fit.length


def from_groups(rows: Rows, group: Ints, k: int) -> Table:
    """The table that most rows agree on, given a group for every packed row (N,); groups are numbered below k.

    Visible states in which traces only end have no rows; each gets a state of its own.
    """
    ends = np.setdiff1d(rows.answer_label[rows.answer_label >= 0], rows.label)
    label = np.concatenate([np.zeros(k, np.int64), ends])
    label[group] = rows.label
    k = len(label)
    linked = rows.linked
    way = group[linked] * rows.symbols + rows.symbol[linked]
    after = group[rows.following[linked]]
    possible = allowed(rows, label)
    fitting = possible[rows.symbol[linked], after]
    moves, count = rows.tallied(way[fitting] * k + after[fitting], linked[fitting])
    order = np.argsort(count, kind="stable")
    target = anywhere(rows, label)
    target.ravel()[moves[order] // k] = moves[order] % k  # the last written is the commonest
    starts = rows.counted(rows.label[rows.begun] * k + group[rows.begun], rows.begun, rows.labels * k)
    return Table(label, target, starts.reshape(-1, k).argmax(1))


def anywhere(rows: Rows, label: Ints) -> Ints:
    """(k, U): targets where nothing is known, any state that shows what the answer names."""
    return np.tile(allowed(rows, label).argmax(1), (len(label), 1))


def allowed(rows: Rows, label: Ints) -> Bools:
    """(U, k): an answer that names a visible state leads to a state that shows it."""
    named = np.where(rows.symbol_answer >= 0, rows.answer_label[rows.symbol_answer], -1)
    possible: Bools = (named[:, None] < 0) | (named[:, None] == label[None, :])
    return possible


def stand(rows: Rows, table: Table, found: Ints) -> Standing:
    """Fit a table, send what it does not believe where the rest goes, drop states that no row visits (unless it is
    the only one of its visible state: a trace ends there)."""
    now = fit(rows, table, found)
    target = np.take_along_axis(table.target, leading(rows, now), 1)
    if not np.array_equal(target, table.target):
        table = Table(table.label, target, table.start)
        now = fit(rows, table, found)
    visited = np.flatnonzero(np.bincount(now.states))
    used = np.union1d(visited, np.flatnonzero(~np.isin(table.label, table.label[visited])))
    if len(used) < len(table):
        new = np.zeros(len(table), np.int64)
        new[used] = np.arange(len(used))
        possible = allowed(rows, table.label[used])
        target = new[table.target[used]]
        gone = ~np.isin(table.target[used], used)
        target[gone] = np.broadcast_to(possible.argmax(1), target.shape)[gone]
        table = Table(table.label[used], target, new[table.start])
        found = new[found]
        now = fit(rows, table, found)
    ahead = futures(rows, *surmised(rows, table, now))
    if rows.labels == 1 and not rows.broken.any():  # the run goes on nowhere else
        return Standing(table, now, ahead, now.states)
    # of states that explain what follows alike, the commonest
    common = (ALIKE * now.counts.sum(1) / rows.total).astype(np.float32)
    found = (ahead + common).argmax(1)
    if rows.mended.any():  # breaks are paid for by where they lead
        lost = np.flatnonzero(rows.mended)
        found[lost] = (ahead[lost] + resumed(rows, now.states, now.counts, now.believed)).argmax(1)
    return Standing(table, now, ahead, found)


def surmised(rows: Rows, table: Table, now: Fit) -> tuple[Table, Floats]:
    """A table and its likelihood (k, U) in which a state that never met a trigger takes it, as likely as not, as the
    state does that is most like it.

    A state of few rows, as after a split, has met few triggers. Were any answer as likely to the others, no more rows
    would be led to it.
    """
    target, likelihood = table.target.copy(), now.likelihood.copy()
    met = np.add.reduceat(now.counts, rows.begins, axis=1) > 0  # (k, V)
    q, v = np.nonzero(~met & (rows.cell_label == table.label[:, None]))
    said, asked = (now.believed & (now.counts > 0)).astype(np.float32), met.astype(np.float32)
    same = said @ said.T
    like = np.where(met.T[v], ((1 + DIFFERS) * same - DIFFERS * asked @ asked.T)[q], -np.inf)  # (m, k)
    found = np.isfinite(like).any(1)
    q, v, twin = q[found], v[found], like[found].argmax(1)
    size = np.diff(rows.begins, append=rows.symbols)[v]
    i, j = np.repeat(q, size), np.repeat(twin, size)
    u = np.arange(len(i)) + np.repeat(rows.begins[v] - np.cumsum(size) + size, size)
    target[i, u] = np.where(target[j, u] == j, i, target[j, u])
    guess = np.logaddexp(likelihood[j, u], -np.log(max(rows.answers, 2))) - np.log(2)
    likelihood[i, u] = np.where(rows.symbol_answer[u] >= 0, guess, 0.0)
    return Table(table.label, target, table.start), likelihood


def leading(rows: Rows, now: Fit) -> Ints:
    """(k, U): the symbol whose target each symbol has.

    Where states are hidden, an answer that is not believed was noise, and one that the log does not say may be any:
    the machine went where it mostly goes.
    """
    k = len(now.counts)
    own = np.broadcast_to(np.arange(rows.symbols), (k, rows.symbols))
    if rows.labels > 1:
        return own
    order = np.argsort(now.counts + now.believed * rows.total, axis=1, kind="stable")
    main = np.zeros((k, len(rows.cell_label)), np.int64)
    main[np.arange(k)[:, None], rows.symbol_cell[order]] = order  # the last written is the commonest
    return np.where(now.believed, own, main[:, rows.symbol_cell])


def settle(rows: Rows, table: Table, found: Ints) -> Standing:
    """Lead transitions where the rest of the log wants them, until that gains nothing."""
    now = stand(rows, table, found)
    for _ in range(ROUNDS):
        target, start = _led(rows, now)
        same = np.array_equal(target, now.table.target) and np.array_equal(start, now.table.start)
        if same and np.array_equal(found[rows.broken], now.found[rows.broken]):
            break
        found = now.found
        trial = stand(rows, Table(now.table.label, target, start), found)
        if trial.length >= now.length - 1e-6:
            break
        now = trial
    return now


def _led(rows: Rows, now: Standing) -> tuple[Ints, Ints]:
    """Targets and starts that the futures of all rows vote for."""
    table = now.table
    state, symbol, votes = voted(rows, now, leading(rows, now.fit))
    best = votes.argmax(1)
    each = np.arange(len(state))
    better = votes[each, best] > votes[each, table.target[state, symbol]] + CERTAIN
    target = table.target.copy()
    target[state[better], symbol[better]] = best[better]
    labels, votes = summed(rows, rows.begun, rows.label[rows.begun], now.ahead, rows.begun)
    start = table.start.copy()
    start[labels] = votes.argmax(1)
    return target, start


def voted(rows: Rows, now: Standing, leads: Ints) -> tuple[Ints, Ints, Floats]:
    """State and symbol (m,) of every transition that leads on, and the nats with which its rows' futures vote for each
    state as its target (m, k). `leads` (k, U) is what `leading` says."""
    linked = rows.linked
    states = now.fit.states[linked]
    key = states * rows.symbols + leads[states, rows.symbol[linked]]
    keys, votes = summed(rows, linked, key, now.ahead, rows.following[linked])
    symbol = keys % rows.symbols
    return keys // rows.symbols, symbol, np.where(allowed(rows, now.table.label)[symbol], votes, -np.inf)


def summed(rows: Rows, which: Ints, key: Ints, ahead: Singles, after: Ints) -> tuple[Ints, Floats]:
    """Sums by key (n,) of the futures (N, k) of rows `after` (n,), -1 for none, each weighing as much as row `which`
    (n,) of the log: distinct keys (m,) and sums (m, k)."""
    keys, number = numbered(key)
    # the rows of a key one after the other, which are added up as fast as memory is read
    order = np.argsort(number.astype(np.uint16) if len(keys) <= 1 << 16 else number, kind="stable")
    values = ahead.take(after[order], axis=0)
    if rows.repeats or (after < 0).any():
        values *= np.where(after < 0, 0, rows.weight[which])[order, None].astype(np.float32)
    begins = np.flatnonzero(np.diff(number[order], prepend=-1))
    return keys, np.add.reduceat(values.astype(np.float64), begins, axis=0)


def added(key: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Sums of few values (n, k) by key (n,): distinct keys (m,) and sums (m, k)."""
    keys, number = numbered(key)
    k = values.shape[1]
    place = number[:, None] * k + np.arange(k)
    sums = np.bincount(place.ravel(), values.ravel(), len(keys) * k)
    return keys, sums.reshape(-1, k).astype(np.float64, copy=False)
