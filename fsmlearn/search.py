"""Descends the description length of a log: a roughly right table in, the right one out.

Three moves, each proposed from one backward pass over the log (`evidence.futures`) and accepted only if machine and
log together become shorter to describe: lead a transition elsewhere, merge two states, give the rows that enter a
state by one transition a state of their own. It knows nothing of networks; whoever has a better guess starts it there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fsmlearn.evidence import Bools, Fit, Floats, Ints, Rows, Singles, Table, fit, futures

CERTAIN = 1.0  # nats by which a change must win before it is tried
ALIKE = 1e-3  # nats by which two states may differ, rounded as they are, and still explain the same alike
ROUNDS = 12  # sweeps over all transitions before a table counts as settled
NEARLY = 12.0  # nats that a simpler target may cost the log before it is not even tried
GROWTH = 40  # splits in one descent, a copy of all counting as eight; memory would explain mere chance without end
TRIES = 100  # simpler targets tried in one go


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
    possible = _possible(rows, label)
    fitting = possible[rows.symbol[linked], after]
    moves, count = rows.tallied(way[fitting] * k + after[fitting], linked[fitting])
    order = np.argsort(count, kind="stable")
    target = anywhere(rows, label)
    target.ravel()[moves[order] // k] = moves[order] % k  # the last written is the commonest
    starts = rows.counted(rows.label[rows.begun] * k + group[rows.begun], rows.begun, rows.labels * k)
    return Table(label, target, starts.reshape(-1, k).argmax(1))


def anywhere(rows: Rows, label: Ints) -> Ints:
    """(k, U): targets where nothing is known, any state that shows what the answer names."""
    return np.tile(_possible(rows, label).argmax(1), (len(label), 1))


def _possible(rows: Rows, label: Ints) -> Bools:
    """(U, k): an answer that names a visible state leads to a state that shows it."""
    named = np.where(rows.symbol_answer >= 0, rows.answer_label[rows.symbol_answer], -1)
    possible: Bools = (named[:, None] < 0) | (named[:, None] == label[None, :])
    return possible


def stand(rows: Rows, table: Table, found: Ints) -> Standing:
    """Fit a table, send what it does not believe where the rest goes, drop states that no row visits (unless it is
    the only one of its visible state: a trace ends there)."""
    now = fit(rows, table, found)
    table = Table(table.label, np.take_along_axis(table.target, leading(rows, now), 1), table.start)
    now = fit(rows, table, found)
    visited = np.unique(now.states)
    used = np.union1d(visited, np.flatnonzero(~np.isin(table.label, table.label[visited])))
    if len(used) < len(table):
        new = np.zeros(len(table), np.int64)
        new[used] = np.arange(len(used))
        possible = _possible(rows, table.label[used])
        target = new[table.target[used]]
        gone = ~np.isin(table.target[used], used)
        target[gone] = np.broadcast_to(possible.argmax(1), target.shape)[gone]
        table = Table(table.label[used], target, new[table.start])
        found = new[found]
        now = fit(rows, table, found)
    ahead = futures(rows, table, now.likelihood)
    # of states that explain what follows alike, the commonest
    common = (ALIKE * now.counts.sum(1) / rows.total).astype(np.float32)
    return Standing(table, now, ahead, (ahead + common).argmax(1))


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
        if np.array_equal(target, now.table.target) and np.array_equal(start, now.table.start):
            break
        trial = stand(rows, Table(now.table.label, target, start), now.found)
        if trial.length >= now.length - 1e-6:
            break
        now = trial
    return now


def _led(rows: Rows, now: Standing) -> tuple[Ints, Ints]:
    """Targets and starts that the futures of all rows vote for."""
    table = now.table
    state, symbol, votes = _votes(rows, now, leading(rows, now.fit))
    best = votes.argmax(1)
    each = np.arange(len(state))
    better = votes[each, best] > votes[each, table.target[state, symbol]] + CERTAIN
    target = table.target.copy()
    target[state[better], symbol[better]] = best[better]
    labels, votes = summed(rows, rows.begun, rows.label[rows.begun], now.ahead[rows.begun])
    start = table.start.copy()
    start[labels] = votes.argmax(1)
    return target, start


def _votes(rows: Rows, now: Standing, leads: Ints) -> tuple[Ints, Ints, Floats]:
    """State and symbol (m,) of every transition that leads on, and the nats with which its rows' futures vote for each
    state as its target (m, k). `leads` (k, U) is what `leading` says."""
    linked = rows.linked
    states = now.fit.states[linked]
    key = states * rows.symbols + leads[states, rows.symbol[linked]]
    keys, votes = summed(rows, linked, key, now.ahead[rows.following[linked]])
    symbol = keys % rows.symbols
    return keys // rows.symbols, symbol, np.where(_possible(rows, now.table.label)[symbol], votes, -np.inf)


def summed(rows: Rows, which: Ints | slice, key: Ints, values: Singles) -> tuple[Ints, Floats]:
    """Sums of values (n, k) of rows `which` (n,) of the log by key (n,): distinct keys (m,) and sums (m, k)."""
    if rows.repeats:
        values = values * rows.weight[which, None].astype(np.float32)
    return added(key, values)


def added(key: Ints, values: Singles | Floats) -> tuple[Ints, Floats]:
    """Sums of values (n, k) by key (n,): distinct keys (m,) and sums (m, k)."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    begin = np.flatnonzero(np.diff(ordered, prepend=-1))
    return ordered[begin], np.add.reduceat(values[order], begin, axis=0, dtype=np.float64)


def redirected(now: Standing, pairs: list[tuple[int, int]]) -> tuple[Table, Ints]:
    """Table and found states where all that led to j leads to i, for pairs (j, i) in which no state occurs twice."""
    to = np.arange(len(now.table))
    for j, i in pairs:
        to[j] = i
    table = now.table
    return Table(table.label, to[table.target], to[table.start]), to[now.found]


def merge(rows: Rows, now: Standing, limit: float, tries: int) -> Standing | None:
    """A shorter machine found by merging states whose rows lose at most about `limit` nats by it, or None."""
    pairs = nearest(rows, now, limit)
    batch: list[tuple[int, int]] = []
    busy: set[int] = set()
    for j, i in pairs:
        if j not in busy and i not in busy:
            batch.append((j, i))
            busy |= {j, i}
    while len(batch) > 1:
        trial = settle(rows, *redirected(now, batch))
        if trial.length < now.length - 1e-6:
            return trial
        batch = batch[: len(batch) // 2]
    for pair in pairs[:tries]:
        trial = settle(rows, *redirected(now, [pair]))
        if trial.length < now.length - 1e-6:
            return trial
    return None


def join(rows: Rows, now: Standing) -> Standing | None:
    """Merge two states that the log has no reason to tell apart, though neither knows the triggers of the other."""
    for pair in nearest(rows, now):
        table, found = redirected(now, [pair])
        if fit(rows, table, found).length < now.length - 1e-6:
            trial = settle(rows, table, found)
            if trial.length < now.length - 1e-6:
                return trial
    return None


def nearest(rows: Rows, now: Standing, limit: float = np.inf) -> list[tuple[int, int]]:
    """For each state the state of its label that its rows would do with at the least loss, (j, i), best first."""
    k = len(now.table)
    states, sums = summed(rows, slice(None), now.fit.states, now.ahead)
    loss = np.full((k, k), np.inf)
    loss[states] = sums[np.arange(len(states)), states][:, None] - sums
    loss[now.table.label[:, None] != now.table.label[None, :]] = np.inf
    np.fill_diagonal(loss, np.inf)
    near = loss.argmin(1)
    cost = loss[np.arange(k), near]
    return [
        (int(j), int(near[j])) for j in np.argsort(cost, kind="stable") if cost[j] <= limit and np.isfinite(cost[j])
    ]


def split(rows: Rows, now: Standing, tries: int) -> Standing | None:
    """A shorter machine in which the rows that enter some state by one transition have a state of their own, or None.

    For every way into a state (a state and symbol before it, or the start of a trace) the rows that came that way are
    given answers and targets of their own; what they gain over those of the state ranks the ways.
    """
    table, k = now.table, len(now.table)
    states = now.fit.states
    enters = np.flatnonzero(~rows.broken)
    before = rows.preceding[enters]
    way = np.where(
        before >= 0, states[before] * rows.symbols + rows.symbol[before], k * rows.symbols + rows.label[enters]
    )
    entered = np.where(before >= 0, table.target[states[before], rows.symbol[before]], table.start[rows.label[enters]])
    came = entered == states[enters]
    enters, way = enters[came], way[came]
    key = way * rows.symbols + rows.symbol[enters]
    keys, votes = summed(
        rows,
        enters,
        key,
        np.where((rows.following[enters] >= 0)[:, None], now.ahead[rows.following[enters]], np.float32(0)),
    )
    by, symbol = keys // rows.symbols, keys % rows.symbols
    count = rows.tallied(key, enters)[1]
    count[rows.symbol_answer[symbol] < 0] = 0
    ways, index = np.unique(by, return_inverse=True)
    state = np.zeros(len(ways), np.int64)
    state[np.searchsorted(ways, way)] = states[enters]
    at = state[index]
    cell = by * len(rows.cell_label) + rows.symbol_cell[symbol]
    _, cell_index = np.unique(cell, return_inverse=True)
    of = np.bincount(cell_index, count)[cell_index]
    most = np.zeros(cell_index.max() + 1)
    np.maximum.at(most, cell_index, count)
    stray = float(np.log((now.fit.misfits + 1) / (rows.total + 2) / max(rows.answers - 1, 1)))
    own = count * np.log(np.maximum(count, 1) / np.maximum(of, 1))
    extra = np.log(max(k, 2)) + np.log(max(rows.answers, 2)) + 0.5 * np.log(np.maximum(of, 1))
    believed = (count == most[cell_index]) | (own - count * stray > extra)
    if rows.labels == 1:  # what is not believed goes where the commonest answer of its cell goes
        commonest = np.flatnonzero(count == most[cell_index])[::-1]
        leads = np.zeros(len(most), np.int64)
        leads[cell_index[commonest]] = commonest
        led, sums = added(np.where(believed, np.arange(len(keys)), leads[cell_index]), votes)
        votes = np.zeros_like(votes)
        votes[led] = sums
    votes = np.where(_possible(rows, table.label)[symbol], votes, -np.inf)
    each = np.arange(len(keys))
    best = votes.argmax(1)
    present = count * now.fit.likelihood[at, symbol] + votes[each, table.target[at, symbol]]
    future = np.where(believed, own + votes[each, best], count * stray + votes[each, table.target[at, symbol]])
    gain = np.where((rows.symbol_answer[symbol] >= 0) | (rows.labels == 1), np.maximum(future - present, 0), 0)
    gains = np.bincount(index, gain)
    several = np.bincount(state, minlength=k)[state] > 1
    for w in np.argsort(-np.where(several, gains, 0), kind="stable")[:tries]:
        if gains[w] < extra.min() or not several[w]:
            break
        mine = (index == w) & believed & (gain > 0)
        copy = table.target[state[w]].copy()
        copy[symbol[mine]] = best[mine]
        target, start = np.vstack([table.target, copy]), table.start.copy()
        if ways[w] < k * rows.symbols:
            target[ways[w] // rows.symbols, ways[w] % rows.symbols] = k
        else:
            start[ways[w] - k * rows.symbols] = k
        label = np.append(table.label, table.label[state[w]])
        trial = settle(rows, Table(label, target, start), now.found)
        if trial.length < now.length - 1e-6:
            return trial
    return None


def recall(rows: Rows, now: Standing, tries: int) -> Standing | None:
    """A shorter machine that remembers whether one transition was ever taken, or None.

    Where a state gives two answers, and it depends on a transition long before which of them, no single split pays:
    all states between need a copy. The copy of the whole machine that is entered by that transition has them;
    settling and merging take away again what is not needed.
    """
    k, cells = len(now.table), len(rows.cell_label)
    ways, gains = _recalled(rows, now)
    for w in np.argsort(-gains, kind="stable")[:tries]:
        if gains[w] < 2:
            break
        state, cell = divmod(int(ways[w]), cells)
        target = np.vstack([now.table.target, now.table.target + k])
        target[state] += np.where(rows.symbol_cell == cell, k, 0)
        trial = settle(rows, Table(np.tile(now.table.label, 2), target, now.table.start), now.found)
        while (fewer := merge(rows, trial, 40.0, 4)) is not None:
            trial = fewer
        if trial.length < now.length - 1e-6:
            return trial
    return None


def _recalled(rows: Rows, now: Standing) -> tuple[Ints, Ints]:
    """For every (state, cell) that the log takes: misfits that knowing whether it was taken before would explain."""
    cells = len(rows.cell_label)
    states, cell = now.fit.states, rows.symbol_cell[rows.symbol]
    known = rows.symbol_answer >= 0
    stray = np.where(now.fit.believed | ~known, 0, now.fit.counts)
    starts = np.searchsorted(rows.symbol_cell, np.arange(cells))
    of = np.add.reduceat(np.where(known, now.fit.counts, 0), starts, axis=1)
    usual = of * (now.fit.misfits + 1) / (rows.total + 2) / max(rows.answers - 1, 1)
    doubtful = np.maximum.reduceat(stray, starts, axis=1) > usual + 2 * np.sqrt(usual)
    asked = np.flatnonzero(doubtful[states, cell] & known[rows.symbol])
    ways, way = np.unique(states * cells + cell, return_inverse=True)
    if not len(asked):
        return ways, np.zeros(len(ways), np.int64)
    before = np.zeros((int(rows.offsets[1]), len(ways)), np.bool_)  # trace x way: taken so far
    taken = np.empty((len(asked), len(ways)), np.bool_)
    place = np.searchsorted(asked, rows.offsets)
    for t, (lo, hi) in enumerate(zip(rows.offsets[:-1].tolist(), rows.offsets[1:].tolist(), strict=True)):
        some = slice(place[t], place[t + 1])
        taken[some] = before[asked[some] - lo]
        before[np.arange(hi - lo), way[lo:hi]] = True
    key = states[asked] * rows.symbols + rows.symbol[asked]
    order = np.argsort(key, kind="stable")
    keys, begin = np.unique(key[order], return_index=True)
    weight = rows.weight[asked[order]]
    count = np.add.reduceat(weight, begin)
    after = np.add.reduceat(taken[order] * weight[:, None], begin, axis=0)  # (keys, ways)
    at = keys // rows.symbols * cells + rows.symbol_cell[keys % rows.symbols]
    first = np.flatnonzero(np.diff(at, prepend=-1))
    best = np.maximum.reduceat
    apart = best(after, first, axis=0) + best(count[:, None] - after, first, axis=0)
    gains: Ints = (apart - best(count, first)[:, None]).sum(0)
    return ways, gains


def simplify(rows: Rows, now: Standing) -> Standing | None:
    """A shorter machine in which some transition leads elsewhere though the log hardly minds, or None."""
    state, symbol, votes = _votes(rows, now, leading(rows, now.fit))
    loss = _losses(now, state, symbol, votes)
    loss[np.arange(len(state)), now.table.target[state, symbol]] = np.inf
    order = np.argsort(loss, axis=None, kind="stable")[:TRIES]
    which, to = np.divmod(order[loss.ravel()[order] <= NEARLY], len(now.table))
    return _led_anew(rows, now, [(state[[i]], symbol[[i]], to[[n]]) for n, i in enumerate(which.tolist())])


def align(rows: Rows, now: Standing) -> Standing | None:
    """A shorter machine in which a state goes where another does by the same answers, or stays where the other stays,
    as far as the log hardly minds, or None. No one transition need shorten anything by that."""
    k = len(now.table)
    state, symbol, votes = _votes(rows, now, leading(rows, now.fit))
    loss = _losses(now, state, symbol, votes)
    goes = now.table.target[state, symbol]
    place = np.full((k, rows.symbols), -1)
    place[state, symbol] = np.arange(len(state))
    price = np.log(2 * max(k, 2))
    offers = []
    for other in range(-1, k):  # -1: stay throughout
        twin = place[other, symbol]
        known = (twin >= 0) & (state != other) if other >= 0 else np.ones(len(state), np.bool_)
        to = np.where((goes[twin] == other) | (other < 0), state, goes[twin])
        saved = price - loss[np.arange(len(state)), to]
        better = known & (to != goes) & (saved > 0)
        for q, gain in enumerate(np.bincount(state[better], saved[better], k).tolist()):
            if gain > 0:
                offers.append((gain, np.flatnonzero(better & (state == q)), to))
    offers.sort(key=lambda offer: -offer[0])
    return _led_anew(rows, now, [(state[which], symbol[which], to[which]) for _, which, to in offers[:TRIES]])


def _losses(now: Standing, state: Ints, symbol: Ints, votes: Floats) -> Floats:
    """(m, k) nats that the rows of each transition lose where it leads to another state."""
    losses: Floats = votes[np.arange(len(state)), now.table.target[state, symbol]][:, None] - votes
    return losses


def _led_anew(rows: Rows, now: Standing, offers: Iterable[tuple[Ints, Ints, Ints]]) -> Standing | None:
    """A shorter machine in which some transitions, given as states, symbols and targets, lead elsewhere, or None."""
    table, length, leads = now.table, now.length, leading(rows, now.fit)
    target = table.target.copy()
    for state, symbol, to in offers:
        old = target.copy()
        for q, u, goal in zip(state.tolist(), symbol.tolist(), to.tolist(), strict=True):
            target[q, leads[q] == u] = goal
        shorter = fit(rows, Table(table.label, target, table.start), now.found).length
        if shorter < length - 1e-6:
            length = shorter
        else:
            target = old
    if length == now.length:
        return None
    simpler = settle(rows, Table(table.label, target, table.start), now.found)
    return simpler if simpler.length < now.length - 1e-6 else None  # noise is led anew, which may cost more


def descend(rows: Rows, table: Table, found: Ints | None = None, *, grow: bool = True) -> Standing:
    """Settle, merge what is the same, split what is not, merge what is nearly the same; until nothing helps.

    `found` (N,) is the state to go on from where rows are lost, as far as it is known. Without `grow` states are only
    merged.
    """
    if found is None:
        some = np.zeros(rows.labels, np.int64)  # any state of a label will do until futures are known
        some[table.label[::-1]] = np.arange(len(table))[::-1]
        found = some[rows.label]
    now = settle(rows, table, found)
    left = GROWTH if grow else 0
    while True:
        step = merge(rows, now, 0.5, 4)
        if step is None and left > 0 and (step := split(rows, now, 8)):
            left -= 1
        step = step or merge(rows, now, 40.0, 8) or join(rows, now)
        if step is None and rows.certain and grow:
            if left > 0 and (step := recall(rows, now, 4)):
                left -= GROWTH // 5
            step = step or simplify(rows, now) or align(rows, now)
        if step is None:
            return now
        now = step


def shrink(rows: Rows, now: Standing, states: int) -> Standing:
    """Merge whatever costs least until at most `states` states are left, or one for every label."""
    while len(now.table) > states:
        trials = [settle(rows, *redirected(now, [pair])) for pair in nearest(rows, now)[:8]]
        if not trials:
            return now
        now = min(trials, key=lambda trial: trial.length)
    return now
