"""The likeliest run of a machine over a hidden log in which rows are lost, made up or out of order.

Where rows are lost or made up the run goes on from another state; where they are out of order it takes one row before
another. Both have their price in nats, an exchange by what is exchanged (`evidence` tells why), and the run is the one
that costs least of all (Viterbi 1967). `mending` takes it from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fsmlearn.evidence import Singles, highest, misfitting, picked, urn
from fsmlearn.packing import Bools, Ints, Rows
from fsmlearn.standing import Standing

RARE = 1000  # rows to a break until breaks have been counted
FEW, OFTEN = 3, 8  # as many breaks in one place, and one row in as many there, are a state that is missing
SURELY = 1e-3  # nats to be gained by a break, for the same a row later is as good
TWO = np.float32(np.log(2))


@dataclass(frozen=True, eq=False)
class Prices:
    """Nats of what a run may do."""

    astray: float  # of a break after a row that misfits
    lost: float  # of a break elsewhere
    pairs: Ints  # (P,) pairs of cells as `Rows.pairs` numbers them, ascending
    crossed: Singles  # (P + 1,) of an exchange of two rows, by their cells; the last is for all other pairs

    def number(self, pairs: Ints) -> Ints:
        """(m,) where pairs (m,) stand among those that have a price of their own, P where they are not."""
        place = np.searchsorted(self.pairs, pairs)
        place[np.append(self.pairs, -1)[place] != pairs] = len(self.pairs)
        return place

    def between(self, rows: Rows) -> Ints:
        """(N,) the pair of cells of each row and the one that follows it, P at the end of a trace."""
        one, pair, known = rows.pairs
        each = np.full(len(rows), len(self.pairs))
        each[one] = self.number(known)[pair]
        return each


@dataclass(frozen=True, eq=False)
class Likeliest:
    """The likeliest run of a machine over N rows."""

    found: Ints  # (N,) state that each row is best explained from, at a break the one that the machine goes on in
    mended: Bools  # (N,) breaks
    after: Bools  # (N,) rows after one that misfits
    swapped: Bools  # (N,) rows that should follow the next
    place: Ints  # (N,) state that the machine is in and cell of each row, as a number, but for breaks and exchanges
    pair: Ints  # (N,) pair of cells of the row taken and the one taken next, P at the end of a trace

    def taken(self, rows: Rows, seldom: tuple[Bools, Bools]) -> Rows:
        """The rows with the breaks that are seldom in their place (k V,), and exchanges of seldom pairs (P + 1,)."""
        mended = self.mended & seldom[0][self.place]
        exchanged = rows.exchanged(self.swapped & seldom[1][self.pair])
        return replace(exchanged, broken=rows.broken | mended, mended=mended)


def likeliest(rows: Rows, now: Standing, prices: Prices) -> Likeliest:
    """Find the run: backward for the best that every state can come to, forward along it.

    A break leads to each state as often as it is visited; after a row that misfits, as likely as not that row was made
    up, and the machine is in the state before it.
    """
    n, given = len(rows), rows.broken
    share = np.maximum(now.fit.counts.sum(1), 0.5) / rows.total  # how likely a break leads to each state
    usual, again = np.log(share).astype(np.float32), np.log((1 + share) / 2).astype(np.float32)
    price, dear, pair = prices.astray, prices.lost, prices.between(rows)
    wrong = misfitting(rows, now.fit.believed)
    ahead, crosses = _ahead(rows, now, wrong, prices, pair, usual, again)
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
    cell, cells, late = rows.symbol_cell[rows.symbol], len(rows.cell_label), np.flatnonzero(swapped)
    pair[late] = prices.number(cell[rows.following[late]] * cells + cell[late])
    return Likeliest(found, mended, after, swapped, expected * cells + cell, pair)


def _ahead(
    rows: Rows, now: Standing, wrong: Bools, prices: Prices, pair: Ints, usual: Singles, again: Singles
) -> tuple[Singles, Bools]:
    """(N, k) log-likelihood of the rest of the trace from every row on, for every state, with the best breaks and
    exchanges in it; and whether the row is best exchanged for the next one (N, k)."""
    price, dear = np.float32(prices.astray), np.float32(prices.lost)
    cross = prices.crossed[pair, None]
    goes = np.ascontiguousarray(now.table.target.T)  # (U, k)
    emit = np.ascontiguousarray(now.fit.likelihood.T.astype(np.float32))
    misfits = np.ascontiguousarray(wrong.T)

    def onward(rest: Singles, stays: Singles, to: Ints, misfit: Bools) -> Singles:
        """(n, k) the rest after a row that leads to states (n, k), or after a break."""
        best = highest(rest + usual)
        lost = np.where(misfit, np.maximum(best - TWO, stays) - price, best - dear)
        after: Singles = np.maximum(picked(rest, to), lost)
        return after

    out, crosses = np.empty((len(rows), len(now.table)), np.float32), np.zeros((len(rows), len(now.table)), np.bool_)
    later = last = np.zeros((0, len(now.table)), np.float32)  # the rest from the next row on, and from the one after it
    for t in range(len(rows.offsets) - 2, -1, -1):
        lo, hi = int(rows.offsets[t]), int(rows.offsets[t + 1])
        symbol, n, m = rows.symbol[lo:hi], len(later), len(last)
        here = emit[symbol]
        if n:
            this, other = symbol[:n], rows.symbol[hi : hi + n]
            given, between = rows.broken[hi : hi + n], goes[other]
            rest = onward(later, later + again, goes[this], misfits[this])
            rest[given] = highest(later[given] + usual)
            here[:n] += rest
            exchanged = emit[other] + picked(emit[this], between) - cross[lo : lo + n]
            if m:
                via, to = between[:m], picked(goes[this[:m]], between[:m])
                misfit = picked(misfits[this[:m]], via)
                exchanged[:m] += onward(last, picked(last, via) + again[via], to, misfit)
                exchanged[:m][rows.broken[hi + n : hi + n + m]] = -np.inf
            exchanged[given | (this == other)] = -np.inf
            crosses[lo : lo + n] = exchanged > here[:n] + SURELY
            here[:n] = np.maximum(here[:n], exchanged)
        out[lo:hi] = here
        later, last = here, later
    return out, crosses


def seldom(rows: Rows, lost: Likeliest, k: int) -> tuple[Bools, Bools]:
    """The places (k V,) with so few breaks that it is no state that is missing; and the pairs (P + 1,) of which so few
    stand in the other order than they are taken in."""
    inner = np.flatnonzero(rows.following >= 0)
    breaks = _few(rows, lost.place, np.flatnonzero(lost.mended), k * len(rows.cell_label))
    return breaks, _few(rows, lost.pair, np.flatnonzero(lost.swapped), len(rows.pairs[2]) + 1, inner)


def _few(rows: Rows, place: Ints, some: Ints, kinds: int, of: Ints | slice = slice(None)) -> Bools:
    """(kinds,) the places, of those of the rows (N,), in which few rows are some (m,) of all."""
    n = rows.counted(place[some], some, kinds)
    few: Bools = (n < FEW) | (n * OFTEN < rows.counted(place[of], of, kinds))
    return few


def prices_of(rows: Rows, mended: Bools, after: Bools, swapped: Bools) -> Prices:
    """What breaks and exchanges cost where there are those of an earlier run, all (N,): the fewer, the more."""
    n, m = rows.out_of_order(swapped)
    of = max(int(n.sum()), 1)
    usual = max(int(m.sum()), of / RARE, 1) / of
    if not m.any():  # until some have been counted one pair is as good as another
        n = m
    size = urn(n, m)[0]
    crossed = (np.log(n + size) - np.log(m + size * usual)).astype(np.float32)
    return Prices(_price(rows, mended, after), _price(rows, mended, ~after), rows.pairs[2], crossed)


def _price(rows: Rows, mended: Bools, some: Bools) -> float:
    """Nats to say that one of `some` rows (N,) is among those that are mended (N,)."""
    n, m = int(rows.weight[some].sum()), int(rows.weight[mended & some].sum())
    return 1 + float(np.log(max(n, 1) / max(m, n / RARE, 1)))
