"""Finds where rows of a hidden log are lost, made up or out of order, from what a machine makes of the rows after them.

A wrong answer costs one row; a lost or stray row puts the machine in a wrong state, and answer after answer misfits
until it happens to find its way back. Extra states would pay for that. So the run may go on from another state where
the rest of the trace is better explained from there by more than it costs to say so: the Viterbi path (Viterbi 1967).
`search` then takes these places for breaks in the log, and both take turns until the description gets no shorter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np

from fsmlearn import search
from fsmlearn.evidence import Singles, Table, astray
from fsmlearn.moves import nearest, redirected, rest, together
from fsmlearn.packing import Bools, Ints, Rows
from fsmlearn.residuals import explained
from fsmlearn.standing import Standing, from_groups, settle, stand

RARE = 1000  # rows to a break until breaks have been counted
FEW, OFTEN = 3, 8  # as many breaks in one place, and one row in as many there, are a state that is missing
ROUNDS = 8  # times at most that breaks are sought anew, and that two machines are crossed
TRIES = 12  # pairs of states that are tried for one each time
SURELY = 1e-3  # nats to be gained by a break, for the same a row later is as good
TWO = np.float32(np.log(2))
MOST = 200  # pairs of states at most that two machines are crossed by

Prices = tuple[float, float, float]  # nats of a break, after a row that misfits and elsewhere, and of an exchange
Breaks = tuple[Prices, tuple[Bools, Bools]]  # and (k V,) where breaks, and exchanges, are seldom


@dataclass(frozen=True, eq=False)
class Mended:
    """A machine, and the rows with the breaks that it found."""

    rows: Rows
    standing: Standing

    @property
    def length(self) -> float:
        """Description length in nats."""
        return self.standing.length

    @property
    def explains(self) -> bool:
        """Whether nothing is left to search for. A small log, or one whose answers are drawn, cannot tell, and breaks
        may stand in for states that are missing."""
        rows = self.rows
        return rows.certain and not (rows.few or rows.repaired) and explained(rows, self.standing.fit)


def descend(rows: Rows, table: Table, found: Ints | None = None, *, grow: bool = True) -> Mended:
    """Search from a table, and then seek breaks and search in turns. Without `grow` no state is split, which would pay
    wherever rows are lost; so that is how to begin."""
    return refine(Mended(rows, search.descend(rows, table, found, grow=grow)), grow=grow)


def merge(rows: Rows, tables: Iterable[Table]) -> Iterator[Mended]:
    """The first machine of the most promising of some tables; in a small log of each of them, as it is found."""
    anywhere = np.zeros(len(rows), np.int64)
    starts = [broken(rows, settle(rows, table, anywhere)) for table in tables]
    starts.sort(key=attrgetter("length"))
    for start in starts if rows.few else starts[:1]:
        yield onward(start, grow=False)


def broken(rows: Rows, now: Standing) -> Mended:
    """Seek breaks and settle."""
    rows, found = mend(rows, now)
    return Mended(rows, settle(rows, now.table, found))


def onward(now: Mended, *, grow: bool = True) -> Mended:
    """`descend` from a machine that is there."""
    return descend(now.rows, now.standing.table, now.standing.found, grow=grow)


def refine(now: Mended, *, grow: bool = True) -> Mended:
    """Seek breaks and search in turns while that shortens the description; then see which states breaks can replace."""
    now = reached(now)
    for _ in range(ROUNDS):
        rows, found = mend(now.rows, now.standing)
        if np.array_equal(rows.broken, now.rows.broken) and np.array_equal(rows.swapped, now.rows.swapped):
            break
        trial = Mended(rows, search.descend(rows, now.standing.table, found, grow=grow))
        if trial.length >= now.length - 1e-6:
            break
        now = reached(trial)
    return thin(now) if now.rows.repaired else now


def reached(mended: Mended) -> Mended:
    """The same without states that nothing but breaks lead to, where that is the shorter: they explain runs that have
    lost their way, and another break may do that better."""
    rows, now = mended.rows, mended.standing
    some = set(now.table.start.tolist())
    todo = list(some)
    taken = now.fit.believed & (now.fit.counts > 0)
    for q in todo:
        new = set(now.table.target[q, taken[q]].tolist()) - some
        some |= new
        todo += sorted(new)
    if len(some) == len(now.table):
        return mended
    kept = np.array(sorted(some))
    number = np.zeros(len(now.table), np.int64)
    number[kept] = np.arange(len(kept))
    table = Table(now.table.label[kept], number[now.table.target[kept]], number[now.table.start])
    trial = broken(rows, stand(rows, table, now.ahead[:, kept].argmax(1)))
    return trial if trial.length < now.length - 1e-6 else mended


def thin(now: Mended) -> Mended:
    """Merge states as long as breaks in their place are the shorter to describe."""
    while True:
        for some in together(nearest(now.rows, now.standing), TRIES):
            trial = broken(now.rows, settle(now.rows, *redirected(now.standing, some)))
            if trial.length < now.length - 1e-6:
                now = trial
                break
        else:
            return now


def best(one: Mended, others: Iterable[Mended], least: int) -> Iterator[Mended]:
    """The shortest of some machines, and then what comes of crossing it with the others, its states told apart where
    the other machine does: each machine that is shorter than the one before, the last the shortest of all.

    Of the others none is searched on. Pairs of states that fewer than `least` rows are in are no states.
    """
    pool = [onward(one), *(other for other in others if other is not one)]
    pool.sort(key=attrgetter("length"))
    pool[0] = rested(pool[0])
    yield pool[0]
    for _ in range(ROUNDS):
        now = pool[0]
        if now.explains:
            break
        for other in pool[1:]:
            if abs(other.length - now.length) < 1e-6:
                continue
            groups, k = pairs(now.rows, now.standing.fit.states, other.standing.fit.states, least)
            crossed = descend(now.rows, from_groups(now.rows, groups, k), groups)
            if crossed.length < now.length - 1e-6:
                pool.insert(0, rested(crossed))
                yield pool[0]
                break
        else:
            break
    rows = pool[0].rows
    if 0 < (rows.mended.sum() + rows.swapped.sum()) * RARE < rows.total:
        plain = unbroken(pool[0])
        if plain.length < pool[0].length - 1e-6:
            yield plain


def rested(now: Mended) -> Mended:
    """Let states stay by themselves, and search on, as long as that is the shorter."""
    while (step := rest(now.rows, now.standing)) is not None:
        now = onward(Mended(now.rows, step))
    return now


def unbroken(now: Mended) -> Mended:
    """What is found from a machine where nothing counts as lost, nor as out of order: a few breaks may only have stood
    in for a transition that leads elsewhere."""
    rows = whole(now.rows)
    return Mended(rows, search.descend(rows, now.standing.table, now.standing.found))


def pairs(rows: Rows, one: Ints, other: Ints, least: int) -> tuple[Ints, int]:
    """Groups (N,) of rows that are in the same states (N,) of both machines, and their number. Rare pairs, and all but
    the commonest, join the commonest pair with the same state of the first."""
    both, index = np.unique(one * (other.max() + 1) + other, return_inverse=True)
    count = rows.counted(index)
    state = both // (other.max() + 1)
    order = np.lexsort((-count, state))
    commonest = order[np.diff(state[order], prepend=-1) > 0]  # of each state that rows are in
    kept = np.zeros(len(both), np.bool_)
    kept[np.argsort(-count, kind="stable")[:MOST]] = True
    kept = (kept & (count >= least)) | np.isin(np.arange(len(both)), commonest)
    to = np.where(kept, np.arange(len(both)), commonest[np.searchsorted(state[commonest], state)])
    used, group = np.unique(to[index], return_inverse=True)
    return group, len(used)


def mend(rows: Rows, now: Standing) -> tuple[Rows, Ints]:
    """Rows with breaks where the machine loses its way, and exchanged where it would sooner have it so, those of an
    earlier mending forgotten; and the state (N,) that each row is best explained from, at a break the one that the
    machine goes on in."""
    bare, after = whole(rows), astray(rows, now.fit.states, now.fit.believed)
    mended, swapped = rows.mended, rows.swapped
    for _ in range(3):  # what each costs follows from their number
        lost = _lost(bare, now, _prices(rows, mended, after, swapped))
        same = lost.mended.sum() == mended.sum() and lost.swapped.sum() == swapped.sum()
        mended, after, swapped = lost.mended, lost.after, lost.swapped
        if same:
            break
    return lost.taken(bare, _seldom(bare, lost, len(now.table))), lost.found


def whole(rows: Rows) -> Rows:
    """The same as the log has them."""
    rows = rows.exchanged(rows.swapped)
    return replace(rows, broken=rows.broken & ~rows.mended, mended=np.zeros(len(rows), np.bool_))


def breaks(rows: Rows, now: Standing) -> Breaks:
    """What `mend` goes by in the end, to mend other rows by the same."""
    after = astray(rows, now.fit.states, now.fit.believed)
    prices = _prices(rows, rows.mended, after, rows.swapped)
    bare = whole(rows)
    return prices, _seldom(bare, _lost(bare, now, prices), len(now.table))


def mended_by(rows: Rows, now: Standing, known: Breaks) -> tuple[Rows, Ints]:
    """The same as of `mend`, of other rows than those of the standing machine, which nobody has mended."""
    prices, seldom = known
    lost = _lost(rows, now, prices)
    return lost.taken(rows, seldom), lost.found


@dataclass(frozen=True, eq=False)
class _Lost:
    """The likeliest run of a machine over N rows."""

    found: Ints  # (N,) state that each row is best explained from, at a break the one that the machine goes on in
    expected: Ints  # (N,) state that the machine is in before each row, before a break
    mended: Bools  # (N,) breaks
    after: Bools  # (N,) rows after one that misfits
    swapped: Bools  # (N,) rows that should follow the next
    place: Ints  # (N,) state and cell of each row, as a number, before a break and before rows are exchanged

    def taken(self, rows: Rows, seldom: tuple[Bools, Bools]) -> Rows:
        """The rows with the breaks and exchanges that are seldom (k V,) in their place."""
        mended = self.mended & seldom[0][self.place]
        exchanged = rows.exchanged(self.swapped & seldom[1][self.place])
        return replace(exchanged, broken=rows.broken | mended, mended=mended)


def _lost(rows: Rows, now: Standing, prices: Prices) -> _Lost:
    n, given = len(rows), rows.broken
    share = np.maximum(now.fit.counts.sum(1), 0.5) / rows.total  # how likely a break leads to each state
    usual, again = np.log(share).astype(np.float32), np.log((1 + share) / 2).astype(np.float32)
    price, dear, _ = prices
    wrong = ~now.fit.believed & (rows.symbol_answer >= 0)  # (k, U)
    ahead, crosses = _ahead(rows, now, wrong, prices, usual, again)
    mended, after, swapped = np.zeros((3, n), np.bool_)
    expected, symbol = np.empty(n, np.int64), rows.symbol.copy()
    found = (ahead + usual).argmax(1)
    best = ahead[np.arange(n), found] + usual[found]
    at = now.table.start[rows.label[rows.first]]
    was, misfit, held = at, np.zeros(len(at), np.bool_), np.zeros(len(at), np.bool_)
    for lo, hi in zip(rows.offsets[:-1].tolist(), rows.offsets[1:].tolist(), strict=True):
        # state before this row and the row before, whether that row misfits, and whether it was exchanged for this one
        at, was, misfit, held = at[: hi - lo], was[: hi - lo], misfit[: hi - lo], held[: hi - lo]
        here = np.arange(lo, hi)
        gain = best[lo:hi] - ahead[here, at] - np.where(misfit, price + TWO, dear)
        stays = np.where(misfit, ahead[here, was] + again[was] - ahead[here, at] - price, -np.inf)
        found[lo:hi] = np.where((stays >= gain) & (stays > SURELY) & ~given[lo:hi], was, found[lo:hi])
        gone = (np.maximum(gain, stays) > SURELY) & ~held
        mended[lo:hi] = gone & ~given[lo:hi]
        after[lo:hi], expected[lo:hi] = misfit, at
        was = np.where(gone | given[lo:hi], found[lo:hi], at)
        held = crosses[here, was] & ~held
        swapped[lo:hi] = held
        one = here[held]
        other = rows.following[one]
        symbol[one], symbol[other] = symbol[other], symbol[one]
        misfit = wrong[was, symbol[lo:hi]]
        at = now.table.target[was, symbol[lo:hi]]
    place = expected * len(rows.cell_label) + rows.symbol_cell[rows.symbol]
    return _Lost(found, expected, mended, after, swapped, place)


def _ahead(
    rows: Rows, now: Standing, wrong: Bools, prices: Prices, usual: Singles, again: Singles
) -> tuple[Singles, Bools]:
    """(N, k) log-likelihood of the rest of the trace from every row on, for every state, with the best breaks and
    exchanges in it; and whether the row is best exchanged for the next one (N, k)."""
    price, dear, cross = (np.float32(each) for each in prices)
    goes = np.ascontiguousarray(now.table.target.T)  # (U, k)
    emit = np.ascontiguousarray(now.fit.likelihood.T.astype(np.float32))
    misfits = np.ascontiguousarray(wrong.T)
    out, crosses = np.empty((len(rows), len(now.table)), np.float32), np.zeros((len(rows), len(now.table)), np.bool_)
    later = last = np.zeros((0, len(now.table)), np.float32)  # the rest from the next row on, and from the one after it
    for t in range(len(rows.offsets) - 2, -1, -1):
        lo, hi = int(rows.offsets[t]), int(rows.offsets[t + 1])
        symbol, n, m = rows.symbol[lo:hi], len(later), len(last)
        here = emit[symbol]
        if n:
            this, next_ = symbol[:n], rows.symbol[hi : hi + n]
            best = (later + usual).max(1, keepdims=True)
            lost = np.maximum(best - TWO, later + again) - price
            rest = np.maximum(np.take_along_axis(later, goes[this], 1), np.where(misfits[this], lost, best - dear))
            cut = rows.broken[hi : hi + n]
            rest[cut] = best[cut]
            here[:n] += rest
            between = goes[next_]
            other = emit[next_] + np.take_along_axis(emit[this], between, 1) - cross
            after = np.take_along_axis(goes[this], between, 1)[:m]
            other[:m] += np.maximum(np.take_along_axis(last, after, 1), (last + usual).max(1, keepdims=True) - dear)
            other[cut | (this == next_)] = -np.inf
            other[:m][rows.broken[hi + n : hi + n + m]] = -np.inf
            crosses[lo : lo + n] = other > here[:n] + SURELY
            here[:n] = np.maximum(here[:n], other)
        out[lo:hi] = here
        later, last = here, later
    return out, crosses


def _seldom(rows: Rows, lost: _Lost, k: int) -> tuple[Bools, Bools]:
    """(k V,) the places with so few breaks that it is no state that is missing, and the same of exchanges."""
    kinds = k * len(rows.cell_label)
    of = rows.counted(lost.place, kinds=kinds)
    often = (np.bincount(lost.place, some * rows.weight, kinds) for some in (lost.mended, lost.swapped))
    breaks, exchanges = ((each < FEW) | (each * OFTEN < of) for each in often)
    return breaks, exchanges


def _prices(rows: Rows, mended: Bools, after: Bools, swapped: Bools) -> Prices:
    follows = rows.following >= 0
    return _price(rows, mended, after), _price(rows, mended, ~after), _price(rows, swapped, follows)


def _price(rows: Rows, mended: Bools, some: Bools) -> float:
    """Nats to say that one of `some` rows (N,) is among those that are mended (N,)."""
    n, m = int(rows.weight[some].sum()), int(rows.weight[mended & some].sum())
    return 1 + float(np.log(max(n, 1) / max(m, n / RARE, 1)))
