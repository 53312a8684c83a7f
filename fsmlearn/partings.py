"""Where a table may lack a state: rows that enter states by some ways, and would fare better in one of their own.

A way is a transition, or a start of traces. Rows that come by one way tell little where many ways lead into a state,
so to one that promises something all those are added whose rows fare better with it. `moves` tries what promises most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from fsmlearn.evidence import Floats, Table, answer_cost
from fsmlearn.packing import Bools, Ints, Rows
from fsmlearn.standing import CERTAIN, Standing, added, allowed, leading, summed

GROWN = 4  # times at most that ways are added
SEEDS = 4  # ways that others are added to, for each parting that is wanted


@dataclass(frozen=True, eq=False)
class Parting:
    """A state for the rows that come by some ways."""

    gain: float  # nats that answers and targets of their own may gain
    ways: tuple[int, ...]  # transitions, numbered state by state, or starts of a trace, beyond all transitions
    label: int  # visible state
    goes: Ints  # (U,) the targets; -1 where it stays

    @property
    def key(self) -> tuple[int, ...]:
        """What tells it from others in the same table."""
        return (*self.ways, -1) if (self.goes < 0).any() else self.ways


def apart(table: Table, some: Iterable[Parting]) -> Table:
    """The table with states of their own for the rows of some partings, the later ones first served."""
    label, target, start = table.label, table.target.copy(), table.start.copy()
    for parting in some:
        new = len(target)
        target = np.vstack([target, np.where(parting.goes < 0, new, parting.goes)])
        label = np.append(label, parting.label)
        ways = np.array(parting.ways)
        led = ways < table.target.size
        target[np.unravel_index(ways[led], table.target.shape)] = new
        start[ways[~led] - table.target.size] = new
    return Table(label, target, start)


def partings(rows: Rows, now: Standing, tries: int) -> list[Parting]:
    """The most promising partings, best first: of the rows that come straight from where a way leads, and of all until
    the state is left again."""
    states, target, before = now.fit.states, now.table.target, rows.preceding
    way = np.where(before >= 0, states[before] * rows.symbols + rows.symbol[before], target.size + rows.label)
    came, since = _stays(rows, now)
    straight, whole = np.flatnonzero(came), np.flatnonzero(came[since])
    found = [*_parted(_ways(rows, now, straight, way[straight]), rows, now, tries)]
    if (since != np.arange(len(rows))).any():
        found += _parted(_ways(rows, now, whole, way[since[whole]]), rows, now, tries, stays=True)
        found.sort(key=lambda parting: -parting.gain)
    return found[:tries]


def latches(rows: Rows, now: Standing, tries: int) -> list[Parting]:
    """The most promising partings, best first, of the rows that stay in a state once they took a transition that does
    not leave it. The way into the state does not tell them from the rows before."""
    states, before, each = now.fit.states, rows.preceding, np.arange(len(rows))
    since = _stays(rows, now)[1]
    stayed = np.where(since != each, leading(rows, now.fit)[states[before], rows.symbol[before]], -1)
    order = np.lexsort((since, states))  # stay by stay, each row after the one before
    begin = np.maximum.accumulate(np.where(since[order] == order, each, 0))
    found = list[Parting]()
    for q, (lo, hi) in enumerate(pairwise(np.searchsorted(states[order], np.arange(len(now.table) + 1)).tolist())):
        mine, began = order[lo:hi], begin[lo:hi] - lo
        by = stayed[mine]
        for u in np.unique(by[by >= 0]).tolist():
            taken = np.cumsum(by == u)
            some = mine[taken > taken[began]]
            ways = _ways(rows, now, some, np.full(len(some), q * rows.symbols + u))
            found.append(_grown(ways, rows, now, 0, stays=True))
    found.sort(key=lambda parting: -parting.gain)
    return [parting for parting in found[:tries] if parting.gain > CERTAIN]


def _stays(rows: Rows, now: Standing) -> tuple[Bools, Ints]:
    """Which rows (N,) come to their state by where the machine leads, and for each the row that the stay in its state
    begins with."""
    states, before = now.fit.states, rows.preceding
    entered = np.where(before >= 0, now.table.target[states[before], rows.symbol[before]], now.table.start[rows.label])
    came = (entered == states) & ~rows.broken
    since = np.where(came & (before >= 0) & (states[before] == states), before, np.arange(len(rows)))
    while not np.array_equal(further := since[since], since):
        since = further
    return came, since


@dataclass(frozen=True, eq=False)
class _Ways:
    """W ways into states, and n kinds of rows that come by each."""

    way: Ints  # (W,) as in `Parting`
    state: Ints  # (W,) that each leads to
    index: Ints  # (n,) which of the ways
    symbol: Ints  # (n,)
    count: Ints  # (n,) rows
    votes: Floats  # (n, k) nats with which their futures vote for each state as the next
    present: Floats  # (n,) log-likelihood of these rows and of what comes after, as the machine is

    def of(self, some: Bools) -> tuple[Ints, Ints, Floats, Floats]:
        """Symbols (m,) of some kinds of rows (n,) taken together, and their counts, votes and present likelihoods."""
        symbol, votes = added(self.symbol[some], self.votes[some])
        each = np.searchsorted(symbol, self.symbol[some])
        count = np.bincount(each, self.count[some]).astype(np.int64)
        return symbol, count, votes, np.bincount(each, self.present[some]).astype(np.float64)


def _ways(rows: Rows, now: Standing, some: Ints, way: Ints) -> _Ways:
    """The ways (n,) by which some rows (n,) came into their states."""
    key = way * rows.symbols + rows.symbol[some]
    keys, votes = summed(rows, some, key, now.ahead, rows.following[some])
    count = rows.tallied(key, some)[1]
    by, symbol = keys // rows.symbols, keys % rows.symbols
    count[rows.symbol_answer[symbol] < 0] = 0
    ways, index = np.unique(by, return_inverse=True)
    state = np.zeros(len(ways), np.int64)
    state[np.searchsorted(ways, way)] = now.fit.states[some]
    at = state[index]
    present = count * now.fit.likelihood[at, symbol] + votes[np.arange(len(keys)), now.table.target[at, symbol]]
    return _Ways(ways, state, index, symbol, count, votes, present)


def _parted(ways: _Ways, rows: Rows, now: Standing, tries: int, *, stays: bool = False) -> Iterator[Parting]:
    """The most promising partings by some ways. Where the rows that stay in a state are among what follows, the new
    state `stays` where the old one does.

    Of a state that stands for two, what is wrong in it may be right in one of them, and tell best what follows there.
    But the machine goes by no such way, so others must go with it.
    """
    goes = np.append(leading(rows, now.fit) == np.arange(rows.symbols), np.ones(rows.labels, np.bool_))[ways.way]
    every = np.bincount(ways.state, goes, len(now.table))
    own = _own(rows, now, ways.state[ways.index], ways.index, ways.symbol, ways.count, ways.votes, ways.present)
    gains = np.where(every[ways.state] > 1, np.bincount(ways.index, own.gain, len(ways.way)), 0)
    found: dict[tuple[int, ...], Parting] = {}
    for seed in np.argsort(-gains, kind="stable")[: SEEDS * tries]:
        if gains[seed] <= 0:
            break
        parting = _grown(ways, rows, now, int(seed), stays)
        led = tuple(ways.way[goes & np.isin(ways.way, parting.ways)].tolist())
        if 0 < len(led) < every[ways.state[seed]] and (led not in found or parting.gain > found[led].gain):
            found[led] = replace(parting, ways=led)
    yield from sorted(found.values(), key=lambda parting: -parting.gain)[:tries]


def _grown(ways: _Ways, rows: Rows, now: Standing, seed: int, stays: bool) -> Parting:
    """The parting of one of the ways, and of the others into the same state that fare better with it."""
    q = int(ways.state[seed])
    all_of = np.flatnonzero(ways.state == q)
    mine = np.flatnonzero(ways.state[ways.index] == q)
    symbol = ways.symbol[mine]
    group, best = np.array([seed]), None
    for _ in range(GROWN):
        together = np.zeros(len(ways.way), np.bool_)
        together[group] = True
        said, count, votes, present = ways.of(together[ways.index])
        own = _own(rows, now, np.full(len(said), q), np.zeros(len(said), np.int64), said, count, votes, present)
        gain = float(own.gain.sum())
        if best is not None and gain <= best.gain:
            break
        goes, likelihood = now.table.target[q].copy(), now.fit.likelihood[q].copy()
        goes[said[own.better]] = own.goes[own.better]
        new = np.zeros(len(rows.cell_label), np.bool_)
        new[rows.symbol_cell[said[own.better]]] = True
        likelihood[new[rows.symbol_cell]] = own.stray
        likelihood[said[own.better]] = own.likelihood[own.better]
        fares = ways.count[mine] * likelihood[symbol] + ways.votes[mine, goes[symbol]] - ways.present[mine]
        if stays:  # where the old state does; what comes back to that one begins there
            goes[(goes == q) & (now.table.target[q] == q)] = -1
        best = Parting(gain, tuple(ways.way[group].tolist()), int(now.table.label[q]), goes)
        better = np.flatnonzero(np.bincount(ways.index[mine], fares, len(ways.way)) > CERTAIN)
        joined = np.union1d(better, [seed])
        if np.array_equal(joined, group) or np.array_equal(joined, all_of):
            break
        group = joined
    assert best is not None, "one way alone is a parting"
    return best


@dataclass(frozen=True, eq=False)
class _Own:
    """Answers and targets of their own for rows that come by some ways: n kinds of rows."""

    gain: Floats  # (n,) nats, those of all answers to a trigger beside the commonest
    better: Bools  # (n,) whether the trigger's answers and targets are better their own
    likelihood: Floats  # (n,) of the answer
    goes: Ints  # (n,) the target
    stray: float  # log-probability of an answer that is not believed


def _own(
    rows: Rows, now: Standing, state: Ints, group: Ints, symbol: Ints, count: Ints, votes: Floats, present: Floats
) -> _Own:
    """What each group (n,) of kinds of rows may gain. `state` (n,) is the one whose answers and targets it has where
    its own are no better; what is told as `evidence` tells it has its price."""
    k = len(now.table)
    each, target = np.arange(len(symbol)), now.table.target[state, symbol]
    _, cell = np.unique(group * len(rows.cell_label) + rows.symbol_cell[symbol], return_inverse=True)
    order = np.lexsort((-each, count))
    main = np.zeros(cell.max() + 1, np.int64)
    main[cell[order]] = order  # the last written is the commonest, and of those the first
    noise = (now.fit.misfits + 1) / (rows.total + 2)
    stray = float(np.log(noise / max(rows.answers - 1, 1)))
    of = np.maximum(np.bincount(cell, count)[cell], 1)
    price = answer_cost(rows, k) + 0.5 * np.log(of)
    believed = (each == main[cell]) | (count * (np.log(np.maximum(count, 1) / of) - stray) > price)
    within = np.maximum(np.bincount(cell, np.where(believed, count, 0))[cell], 1)
    likelihood = np.where(believed, np.log((1 - noise) * np.maximum(count, 1) / within), stray)
    if rows.labels == 1:  # what is not believed goes where the commonest answer to its trigger goes
        led, sums = added(np.where(believed, each, main[cell]), votes)
        votes = np.zeros_like(votes)
        votes[led] = sums
    votes = np.where(allowed(rows, now.table.label)[symbol], votes, -np.inf)
    best = votes.argmax(1)
    elsewhere = believed & (votes[each, best] > votes[each, target] + np.log(max(k, 2)))
    goes = np.where(elsewhere, best, target)
    price = np.where(believed & ~now.fit.believed[state, symbol], price, np.where(elsewhere, np.log(max(k, 2)), 0))
    more = count * likelihood + votes[each, goes] - price - present
    gain = np.bincount(cell, np.where((rows.symbol_answer[symbol] >= 0) | (rows.labels == 1), more, 0))
    return _Own(np.where(each == main[cell], np.maximum(gain, 0)[cell], 0), gain[cell] > 0, likelihood, goes, stray)
