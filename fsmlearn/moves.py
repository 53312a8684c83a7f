"""The moves of the search: each makes of a table that stands a shorter one, or None where it finds none.

Two states become one (merge, join), the rows that enter a state by some ways get a state of their own (split), one
transition is remembered (recall), transitions lead elsewhere (simplify, align). What to try is ranked by the
futures of all rows; a trial is settled, and taken only if machine and log together become shorter to describe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

import numpy as np

from fsmlearn.evidence import Floats, Table, fit, said
from fsmlearn.packing import Ints, Rows
from fsmlearn.partings import apart, latches, partings
from fsmlearn.prior import described
from fsmlearn.standing import Standing, leading, settle, summed, voted

NEARLY = 12.0  # nats that a simpler target may cost the log before it is not even tried
DOUBT = 3.0  # nats by which what the log loses may be overrated
MORE = 1.0  # nats by which what failed must promise more to be tried again
LIGHT = 1000.0  # nats from which on the log bears a state out so well that there is no doubt of it
TRIES = 100  # simpler targets tried in one go
SPLITS = 16  # tried in one go, of which those may still pay
SHORT = 3.0  # that fall short by so many nats
JOINT = 4  # transitions of a state that are led elsewhere at once

Pair = tuple[int, int]  # a state, and the one that it becomes
Offer = tuple[Ints, Ints, Ints]  # states, symbols and the targets that these transitions might have instead


def redirected(now: Standing, pairs: list[Pair]) -> tuple[Table, Ints]:
    """Table and found states where all that led to j leads to i, for pairs (j, i) one after the other: where i is
    another by then, to that one."""
    to = np.arange(len(now.table))
    for j, i in pairs:
        to[to == j] = to[i]
    table = now.table
    return Table(table.label, to[table.target], to[table.start]), to[now.found]


def merge(rows: Rows, now: Standing, limit: float, tries: int) -> Standing | None:
    """A shorter machine found by merging states whose rows lose at most about `limit` nats by it, or None."""
    for some in together(nearest(rows, now, limit), tries):
        trial = settle(rows, *redirected(now, some))
        if trial.length < now.length - 1e-6:
            return trial
    return None


def together(pairs: list[Pair], tries: int) -> Iterator[list[Pair]]:
    """What to merge of pairs of states, best first: all in which no state occurs twice, the better half of them, and so
    on, and then the best `tries` of them each alone."""
    batch: list[Pair] = []
    busy: set[int] = set()
    for j, i in pairs:
        if j not in busy and i not in busy:
            batch.append((j, i))
            busy |= {j, i}
    while len(batch) > 1:
        yield batch
        batch = batch[: len(batch) // 2]
    for pair in pairs[:tries]:
        yield [pair]


def join(rows: Rows, now: Standing) -> Standing | None:
    """Merge two states that the log has no reason to tell apart, though neither knows the triggers of the other."""
    for pair in nearest(rows, now):
        table, found = redirected(now, [pair])
        if fit(rows, table, found).length < now.length - 1e-6:
            trial = settle(rows, table, found)
            if trial.length < now.length - 1e-6:
                return trial
    return None


def nearest(rows: Rows, now: Standing, limit: float = np.inf) -> list[Pair]:
    """For each state the state of its label that its rows would do with at the least loss, (j, i), best first."""
    k = len(now.table)
    each = np.arange(len(rows))
    states, sums = summed(rows, each, now.fit.states, now.ahead, each)
    loss = np.full((k, k), np.inf)
    loss[states] = sums[np.arange(len(states)), states][:, None] - sums
    loss[now.table.label[:, None] != now.table.label[None, :]] = np.inf
    np.fill_diagonal(loss, np.inf)
    near = loss.argmin(1)
    cost = loss[np.arange(k), near]
    return [
        (int(j), int(near[j])) for j in np.argsort(cost, kind="stable") if cost[j] <= limit and np.isfinite(cost[j])
    ]


def split(rows: Rows, now: Standing, tries: int, failed: dict[tuple[int, ...], float]) -> Standing | None:
    """A shorter machine in which the rows that come by some ways have a state of their own, or None.

    `failed` is what partings of this table promised in vain; none is tried again unless it promises more.
    """
    least = 2 * np.log(max(len(now.table), 2))  # nats to say which state it is like, and where ways lead
    for parting in partings(rows, now, tries):
        if parting.gain < max(least, failed.get(parting.key, 0.0) + MORE):
            continue
        trial = settle(rows, apart(now.table, [parting]), now.found)
        if trial.length < now.length - 1e-6:
            return trial
        failed[parting.key] = parting.gain
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
    of = np.add.reduceat(said(rows, now.fit.counts), rows.begins, axis=1)
    usual = of * (now.fit.misfits + 1) / (rows.total + 2) / max(rows.answers - 1, 1)
    doubtful = np.maximum.reduceat(stray, rows.begins, axis=1) > usual + 2 * np.sqrt(usual)
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
    return _led_anew(rows, now, elsewhere(rows, now))


def elsewhere(rows: Rows, now: Standing) -> list[tuple[float, Offer]]:
    """Where transitions might lead though the log hardly minds, each alone, with the nats that the log loses by it, the
    least first."""
    state, symbol, votes = voted(rows, now, leading(rows, now.fit))
    loss = _losses(now, state, symbol, votes)
    loss[np.arange(len(state)), now.table.target[state, symbol]] = np.inf
    order = np.argsort(loss, axis=None, kind="stable")[:TRIES]
    order = order[loss.ravel()[order] <= NEARLY]
    which, to = np.divmod(order, len(now.table))
    offers = [(state[[i]], symbol[[i]], to[[n]]) for n, i in enumerate(which.tolist())]
    return list(zip(loss.ravel()[order].tolist(), offers, strict=True))


def align(rows: Rows, now: Standing) -> Standing | None:
    """A shorter machine in which a state goes where another does by the same answers, or stays where the other stays,
    as far as the log hardly minds, or None. No one transition need shorten anything by that."""
    k = len(now.table)
    state, symbol, votes = voted(rows, now, leading(rows, now.fit))
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
                which = np.flatnonzero(better & (state == q))
                offers.append((gain, float(loss[which, to[which]].sum()), (state[which], symbol[which], to[which])))
    offers.sort(key=lambda offer: -offer[0])
    return _led_anew(rows, now, [offer[1:] for offer in offers[:TRIES]])


def reroute(rows: Rows, now: Standing) -> Standing | None:
    """A shorter machine in which up to JOINT transitions of some state lead elsewhere at once, as far as the log hardly
    minds, or None. What a state does foretells what else it does, so often no one of them pays alone."""
    table, leads = now.table, leading(rows, now.fit)
    state, symbol, votes = voted(rows, now, leads)
    loss = _losses(now, state, symbol, votes)
    loss[np.arange(len(state)), table.target[state, symbol]] = np.inf

    def told(target: Ints) -> float:
        return described(rows, target, now.fit.main, now.fit.counts)

    most = told(table.target) + NEARLY
    for q in range(len(table)):
        target, lost = table.target, 0.0
        options = [(int(i), int(to)) for i, to in np.argwhere((loss <= NEARLY) & (state == q)[:, None])]
        for taken in range(JOINT):
            trials = [(led(target, leads, (state[[i]], symbol[[i]], np.array([to]))), i, to) for i, to in options]
            if not trials:
                break
            nats = [told(trial) + lost + float(loss[i, to]) for trial, i, to in trials]
            best = int(np.argmin(nats))
            target, i, to = trials[best]
            lost += float(loss[i, to])
            options = [option for option in options if option[0] != i]
            # What the log loses is not the sum of what it loses by each, so that is only where to look.
            if taken and nats[best] < most:
                trial = replace(table, target=target)
                if fit(rows, trial, now.found).length < now.length - 1e-6:
                    settled = settle(rows, trial, now.found)
                    if settled.length < now.length - 1e-6:
                        return settled
    return None


def parted(rows: Rows, now: Standing) -> Standing | None:
    """A shorter machine with a state more, though to split alone falls short by a few nats: transitions are led anew
    first. Here a state of their own may have, too, the rows that stay in a state once they took some transition there.
    None where there is none."""
    for parting in chain.from_iterable(seek(rows, now, SPLITS) for seek in (partings, latches)):
        trial = settle(rows, apart(now.table, [parting]), now.found)
        if len(trial.table) > len(now.table) and trial.length < now.length + SHORT:
            while (step := simplify(rows, trial) or align(rows, trial)) is not None:
                trial = step
            if trial.length < now.length - 1e-6:
                return trial
    return None


def torn(rows: Rows, now: Standing, n: int, rng: np.random.Generator) -> tuple[Table, Ints] | None:
    """Table and found states where n of the 3 n most promising partings, drawn at random, are made; None where none is
    promising."""
    some = partings(rows, now, 3 * n)
    drawn = [some[i] for i in rng.permutation(len(some))[:n]]
    return (apart(now.table, drawn), now.found) if some else None


def merged(rows: Rows, now: Standing, n: int, _: np.random.Generator) -> tuple[Table, Ints] | None:
    """Table and found states where the state that loses the n-th least by it, from 0, is merged with the nearest; None
    where there are not so many that lose fewer than LIGHT nats."""
    pair = nearest(rows, now, LIGHT)[n : n + 1]
    return redirected(now, pair) if pair else None


def melted(rows: Rows, now: Standing, n: int, rng: np.random.Generator) -> tuple[Table, Ints] | None:
    """Table and found states where n of the 3 n states that lose least by it, drawn at random, are merged with the
    nearest, all at once; None where there are not so many that lose fewer than LIGHT nats."""
    some = nearest(rows, now, LIGHT)[: 3 * n]
    return redirected(now, [some[i] for i in rng.permutation(len(some))[:n]]) if len(some) >= n else None


def shaken(rows: Rows, now: Standing, limit: float, rng: np.random.Generator) -> tuple[Table, Ints] | None:
    """Table and found states where each transition leads to one of the states, drawn at random, that its rows lose
    fewer than `limit` nats by; None where there is no choice."""
    state, symbol, votes = voted(rows, now, leading(rows, now.fit))
    open_to = _losses(now, state, symbol, votes) < limit
    several = np.flatnonzero(open_to.sum(1) > 1)
    if not len(several):
        return None
    to = np.where(open_to[several], rng.random((len(several), len(now.table))), -1).argmax(1)
    target = led(now.table.target, leading(rows, now.fit), (state[several], symbol[several], to))
    return replace(now.table, target=target), now.found


def _losses(now: Standing, state: Ints, symbol: Ints, votes: Floats) -> Floats:
    """(m, k) nats that the rows of each transition lose where it leads to another state."""
    losses: Floats = votes[np.arange(len(state)), now.table.target[state, symbol]][:, None] - votes
    return losses


def led(target: Ints, leads: Ints, offer: Offer) -> Ints:
    """Targets (k, U) with an offer taken; `leads` (k, U) is what `leading` says."""
    target = target.copy()
    for q, u, goal in zip(*(each.tolist() for each in offer), strict=True):
        target[q, leads[q] == u] = goal
    return target


def _led_anew(rows: Rows, now: Standing, offers: Iterable[tuple[float, Offer]]) -> Standing | None:
    """A shorter machine in which the transitions of some offers lead elsewhere, or None. Each comes with the nats that
    the log loses by it; where the machine saves far fewer it is not tried."""
    table, length, leads = now.table, now.length, leading(rows, now.fit)
    told = described(rows, table.target, now.fit.believed, now.fit.counts)
    for loss, offer in offers:
        trial = replace(table, target=led(table.target, leads, offer))
        shorter = described(rows, trial.target, now.fit.believed, now.fit.counts)
        if told - shorter < loss - DOUBT:
            continue
        nats = fit(rows, trial, now.found).length
        if nats < length - 1e-6:
            table, length, told = trial, nats, shorter
    if length == now.length:
        return None
    simpler = settle(rows, table, now.found)
    return simpler if simpler.length < now.length - 1e-6 else None  # noise is led anew, which may cost more
