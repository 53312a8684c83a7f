"""Finds where rows of a hidden log are lost, made up or out of order, from what a machine makes of the rows after them.

A wrong answer costs one row; a lost or stray row puts the machine in a wrong state, and answer after answer misfits
until it happens to find its way back. Extra states would pay for that. So the run may go on from another state, and
take two rows in the other order, where the rest of the trace gains more by it than it costs to say so (`viterbi`).
`search` then takes the log to have been so, and both take turns until the description gets no shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter

import numpy as np

from fsmlearn import search
from fsmlearn.evidence import Table, astray
from fsmlearn.moves import melted, merged, nearest, parted, redirected, reroute, shaken, together, torn
from fsmlearn.packing import Bools, Ints, Rows
from fsmlearn.residuals import explained
from fsmlearn.search import GROWTH
from fsmlearn.standing import SAME, Standing, from_groups, settle, stand
from fsmlearn.viterbi import Prices, likeliest, prices_of, seldom

SELDOM = 1000  # rows to a repair, above which it is tried without any
ROUNDS = 8  # times at most that breaks are sought anew, and that two machines are crossed
TRIES = 12  # pairs of states that are tried for one each time
MOST = 200  # pairs of states at most that two machines are crossed by

DEAR = 1_500_000  # numbers of a pass over the log, rows times states, from which on a search is dear

Kick = Callable[[Rows, Standing, int, np.random.Generator], tuple[Table, Ints] | None]
TEARS: list[tuple[Kick, int]] = [(torn, n) for n in (2, 3, 5)]  # states that are parted at once
MELTS: list[tuple[Kick, int]] = [(melted, n) for n in (2, 4)]  # states that are merged at once
SHAKES: list[tuple[Kick, int]] = [(shaken, nats) for nats in (10, 20, 40)]  # that a transition may mind
KNOCKS = [*TEARS * 3, *MELTS * 3, *((merged, n) for n in range(12)), *SHAKES]  # states are merged each alone, too
FEW = [*TEARS, *MELTS, *((merged, n) for n in range(8)), *SHAKES]  # where a search is dear, or nothing seems to be left
AGAIN = 3  # times at most that these are made
REGROWTH = 10  # splits after each of them: of 37 that won in 38 logs of DTLS, SSH and EDHOC none took more than 8

Breaks = tuple[Prices, tuple[Bools, Bools]]  # of a run, and in which places breaks, and exchanges, are seldom


@dataclass(frozen=True, eq=False)
class Mended:
    """A machine, and the rows with the breaks that it found."""

    rows: Rows
    standing: Standing

    @property
    def length(self) -> float:
        """Description length in nats."""
        return self.standing.length

    def like(self, other: Mended) -> bool:
        """Whether two are as good as surely the same."""
        return abs(self.length - other.length) < SAME

    @property
    def seldom_mended(self) -> bool:
        """Whether repairs are so few that they may stand in for what the machine lacks."""
        return 0 < self.rows.repairs * SELDOM < self.rows.total

    @property
    def explains(self) -> bool:
        """Whether nothing is left to search for. A small log, or one whose answers are drawn, cannot tell, and breaks
        may stand in for states that are missing."""
        rows = self.rows
        return rows.certain and not (rows.few or rows.repairs) and explained(rows, self.standing.fit)


def descend(rows: Rows, table: Table, found: Ints | None = None, *, growth: int = GROWTH) -> Mended:
    """Search from a table, and then seek breaks and search in turns. With no `growth` no state is split, which would
    pay wherever rows are lost; so that is how to begin."""
    return refine(Mended(rows, search.descend(rows, table, found, growth=growth)), growth=growth)


def merge(rows: Rows, tables: Iterable[Table]) -> Iterator[Mended]:
    """The first machine of the most promising of some tables; in a small log of each of them, as it is found."""
    anywhere = np.zeros(len(rows), np.int64)
    starts = [broken(rows, settle(rows, table, anywhere)) for table in tables]
    starts.sort(key=attrgetter("length"))
    for start in starts if rows.few else starts[:1]:
        yield onward(start, growth=0)


def broken(rows: Rows, now: Standing) -> Mended:
    """Seek breaks and settle."""
    rows, found = mend(rows, now)
    return Mended(rows, settle(rows, now.table, found))


def onward(now: Mended, *, growth: int = GROWTH) -> Mended:
    """`descend` from a machine that is there."""
    return descend(now.rows, now.standing.table, now.standing.found, growth=growth)


def refine(now: Mended, *, growth: int = GROWTH, refined: Mended | None = None) -> Mended:
    """Seek breaks and search in turns while that shortens the description; then see which states breaks can replace,
    unless it has come to a machine that was `refined` before."""
    now = reached(now)
    for _ in range(ROUNDS):
        rows, found = mend(now.rows, now.standing)
        if np.array_equal(rows.broken, now.rows.broken) and np.array_equal(rows.swapped, now.rows.swapped):
            break
        trial = Mended(rows, search.descend(rows, now.standing.table, found, growth=growth))
        if trial.length >= now.length - 1e-6:
            break
        now = reached(trial)
    if now.rows.repairs < len(now.standing.table) or (refined is not None and now.like(refined)):
        return now  # fewer repairs than states do not stand in for any
    return thin(now)


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


def best(machines: Iterable[Mended], least: int) -> Iterator[Mended]:
    """The shortest of some machines, and then what comes of crossing it with the others, its states told apart where
    the other machine does: each machine that is shorter than the one before, the last the shortest of all.

    Pairs of states that fewer than `least` rows are in are no states.
    """
    pool = sorted(machines, key=attrgetter("length"))
    yield pool[0]
    for _ in range(ROUNDS):
        now = pool[0]
        if now.explains:
            break
        for other in pool[1:]:
            if other.like(now):
                continue
            groups, k = pairs(now.rows, now.standing.fit.states, other.standing.fit.states, least)
            crossed = regrouped(now, groups, k)
            if crossed.like(now):
                continue
            crossed = refine(crossed, refined=now)
            if crossed.length < now.length - 1e-6:
                pool.insert(0, crossed)
                yield crossed
                break
        else:
            break
    now = shaken_up(pool[0])
    if now is pool[0]:
        return  # nothing is shorter, nor without its repairs where they are seldom
    yield now
    if now.seldom_mended:
        plain = unbroken(now)
        if plain.length < now.length - 1e-6:
            yield plain


def regrouped(now: Mended, groups: Ints, k: int) -> Mended:
    """What is found from k groups of the rows of a machine (N,), often just that machine."""
    table = from_groups(now.rows, groups, k)
    return Mended(now.rows, search.descend(now.rows, table, groups, known=[now.length]))


def shaken_up(now: Mended) -> Mended:
    """What shaking comes to, without repairs where they are seldom and that is the shorter."""
    if now.seldom_mended:
        plain = shake(unbroken(now))
        if plain.length < now.length - SAME:
            return plain
    return shake(now)


def shake(now: Mended) -> Mended:
    """Search on from machines that are somewhat worse, and from whatever shorter that comes to (iterated local search,
    Lourenço et al. 2003): several states are split that no split alone pays for, states are merged with the nearest,
    several at once and each alone, and transitions lead elsewhere at random, as far as the log hardly minds. In the end
    several of a state are led elsewhere at once, and splits that fall short by a few nats are led anew.

    A search ends where each move alone makes the machine longer. Often two have to go together: a state that is not
    told apart hides that another could be. And where states differ little, rows of both may have been led to either, so
    that neither has a future of its own to vote with. How much of this is tried depends on what a try costs; states
    that the log bears out well are left alone.
    """
    found, rng = now, np.random.default_rng(0)
    dear = now.standing.ahead.size > DEAR
    for _ in range(AGAIN):
        before, few = found, dear or found.explains
        if found.rows.repairs:
            found = kicked(found, SHAKES if few else SHAKES * 3, rng)
        else:
            found = kicked(found, FEW if few else KNOCKS, rng)
        if found is before:
            break
    while (led := reroute(found.rows, found.standing) or parted(found.rows, found.standing)) is not None:
        found = Mended(found.rows, search.descend(found.rows, led.table, led.found))
    return refine(found) if found is not now else now


def kicked(now: Mended, kicks: Iterable[tuple[Kick, int]], rng: np.random.Generator) -> Mended:
    """What is found by searching on from what some kicks make of a machine, and from whatever shorter that comes to."""
    known = [now.length]
    for kick, much in kicks:
        start = kick(now.rows, now.standing, much, rng)
        if start is None:
            continue
        trial = Mended(now.rows, search.descend(now.rows, *start, growth=REGROWTH, known=known))
        known.append(trial.length)
        if trial.length < now.length - SAME:
            now = refine(trial) if now.rows.repairs else trial
            known = [now.length]
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
        lost = likeliest(bare, now, prices_of(bare, mended, after, swapped))
        same = lost.mended.sum() == mended.sum() and lost.swapped.sum() == swapped.sum()
        mended, after, swapped = lost.mended, lost.after, lost.swapped
        if same:
            break
    return lost.taken(bare, seldom(bare, lost, len(now.table))), lost.found


def whole(rows: Rows) -> Rows:
    """The same as the log has them."""
    rows = rows.exchanged(rows.swapped)
    return replace(rows, broken=rows.broken & ~rows.mended, mended=np.zeros(len(rows), np.bool_))


def breaks(rows: Rows, now: Standing) -> Breaks:
    """What `mend` goes by in the end, to mend other rows by the same."""
    bare, after = whole(rows), astray(rows, now.fit.states, now.fit.believed)
    prices = prices_of(bare, rows.mended, after, rows.swapped)
    return prices, seldom(bare, likeliest(bare, now, prices), len(now.table))


def agreed(now: Mended) -> Mended:
    """The same with breaks and exchanges where the machine has them by the prices that follow from them, so that rows
    mended by `breaks` are mended alike."""
    rows, standing = now.rows, now.standing
    for _ in range(ROUNDS if rows.repairs else 0):
        again, found = mended_by(whole(rows), standing, breaks(rows, standing))
        if np.array_equal(again.mended, rows.mended) and np.array_equal(again.swapped, rows.swapped):
            break
        rows, standing = again, stand(again, standing.table, found)
    return Mended(rows, standing)


def mended_by(rows: Rows, now: Standing, known: Breaks) -> tuple[Rows, Ints]:
    """The same as of `mend`, of other rows than those of the standing machine, which nobody has mended."""
    prices, rarely = known
    lost = likeliest(rows, now, prices)
    return lost.taken(rows, rarely), lost.found
