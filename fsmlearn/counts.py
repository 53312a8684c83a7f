"""The first witness of the filter: which transitions the counts show to be noise, and how often noise comes.

Stray rows, wrong outputs and wrong triggers put rows in every place that such noise can reach, in proportion to
what is there; a true transition stands out. A kind of noise is believed in only where it explains the counts of the
whole log much better than a machine with more transitions would. Knows nothing of the order of rows, but for which
are the last of their traces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fsmlearn.logs import UNKNOWN
from fsmlearn.rows import NEXT, OUTPUT, STRAY, TRIGGER, Bools, Floats, Ints, Tally

KINDS = (STRAY, OUTPUT, TRIGGER)  # of noise that the counts can show
EVIDENCE = 10.0  # nats by which a kind of noise must explain a log better before it is believed in at all
SHAPE = 100.0  # of the gamma that noise counts vary with: 10 % beside Poisson's own spread
HIGHEST = 0.3  # rate of one kind of noise


@dataclass(frozen=True, eq=False)
class Verdict:
    """For each of K distinct transitions whether its rows are true, and which kind of noise they are if not."""

    transition: Ints  # (K,) ascending
    count: Floats  # (K,)
    true: Bools  # (K,)
    what: Ints  # (K,) STRAY, OUTPUT, TRIGGER, or NEXT (in last rows of traces): what noise it is, if it is
    stray: float  # rate of stray rows that leave the state alone


@dataclass(frozen=True, eq=False)
class _Fit:
    likelihood: float  # log, up to a constant
    true: Floats  # (K,) probability
    noise: Floats  # (len(kinds) + 1, K) rows that each kind would put there; the last line is of wrong next states
    rates: dict[int, float]  # by kind


def judge(tally: Tally, label_rate: float) -> Verdict:
    """Judge the transitions that were counted; `label_rate` is the rate of wrong next states, from the chain.

    Kinds of noise are taken in one by one, the best first, while one raises the log likelihood by more than EVIDENCE
    and half the log of the rows it explains (as BIC counts a parameter). A rate that would reach HIGHEST is no noise,
    and one read off a twentieth of the places where such noise would fall is no rate of the whole log.
    """
    counts = _Counts(tally, label_rate)
    kinds: tuple[int, ...] = ()
    best = counts.fit(kinds, 0.0)
    while True:
        offers = []
        for kind in KINDS:
            if kind in kinds:
                continue
            # the likelihood has several peaks
            fit = max((counts.fit((*kinds, kind), start) for start in (0.2, 0.05, 0.01)), key=lambda f: f.likelihood)
            price = EVIDENCE + 0.5 * math.log1p(((1 - fit.true) * counts.count).sum())
            gain = fit.likelihood - best.likelihood - price
            if gain > 0 and fit.rates[kind] < HIGHEST and counts.visible(kind, fit.true) >= 0.05:
                offers.append((gain, kind, fit))
        if not offers:
            break
        _, kind, best = max(offers, key=lambda offer: offer[0])
        kinds = (*kinds, kind)
    likeliest = np.array([*kinds, NEXT])[best.noise.argmax(0)]
    return Verdict(counts.transition, counts.count, best.true > 0.5, likeliest, best.rates.get(STRAY, 0.0))


class _Counts:
    """The K distinct transitions of some rows with their counts, and where noise would put how many rows."""

    def __init__(self, rows: Tally, label_rate: float) -> None:
        self.rows = rows
        used = rows.count > 0
        self.transition = rows.transition[used]
        self.count = rows.count[used].astype(float)  # (K,), as all that follow
        p, x, q, o = rows.parts(self.transition)
        self.stays = q == p
        _, self.state = np.unique(p, return_inverse=True)
        _, self.cell = np.unique(p * rows.triggers + x, return_inverse=True)
        # transitions that differ in the output, or in the trigger, alone
        _, self.no_output = np.unique(self.transition // rows.outputs, return_inverse=True)
        _, self.no_trigger = np.unique((p * rows.states + q) * rows.outputs + o, return_inverse=True)
        self.cells = int(self.cell.max()) + 1
        self.possible_cells = (int(self.state.max()) + 1) * rows.triggers
        in_cell = np.bincount(self.cell, self.count)[self.cell]
        in_state = np.bincount(self.state, self.count)[self.state]
        # a wrong next state in the last row of a trace breaks no chain, so only what is seen nowhere else can be it
        last = rows.last[used]
        ends = np.bincount(self.cell, last)[self.cell] - last
        self.label = np.where(last == self.count, label_rate * ends / max(rows.states - 1, 1), 0.0)
        # were it true, it would not be seen at the ends of traces alone, unless traces end with that next state
        ending = (np.bincount(q, last)[q] + 1) / (np.bincount(q, self.count)[q] + 1)
        self.log_ends = np.where(self.label > 0, self.count * np.log(ending), 0.0)
        self.explicable = self.stays | (self.label > 0)
        # a cell's usual transition is its most frequent; one that noise can explain must be five times as frequent
        order = np.lexsort((-self.count * np.where(self.explicable, 1, 5), self.cell))
        self.usual = np.zeros(len(self.transition), bool)
        self.usual[order[np.diff(self.cell[order], prepend=-1) > 0]] = True
        self.log_factorial = _log_gamma(self.count + 1)
        self.log_rising = _log_gamma(self.count + SHAPE) - math.lgamma(SHAPE)
        self.flat = -np.log(self.count) - np.log1p(np.log(np.where(self.usual, in_state, in_cell)))
        usual_next = np.full(self.cells, UNKNOWN)
        usual_next[self.cell[self.usual]] = q[self.usual]
        # two errors in a row may fake a move, but not in every fiftieth row of a cell
        self.branch = ~self.explicable & ~self.usual & (q != usual_next[self.cell]) & (self.count >= 0.02 * in_cell)

    def exposure(self, kind: int, true: Floats) -> tuple[Floats, float]:
        """((K,), unseen): rows that a rate of one puts into each transition, and into all that were never seen.

        A stray row has any trigger and any output and leaves the state alone: n(p) / (A O) rows for each. A wrong
        output comes from the rows of (p, x, q) with another output, n / (O - 1) for each; a wrong trigger from those
        of (p, q, o) with another trigger, n / (A - 1). n counts true rows.
        """
        n = self.count * true
        if kind == STRAY:
            rows = np.bincount(self.state, n)
            seen = np.bincount(self.state, self.stays)
            actions = self.rows.triggers * self.rows.outputs
            return np.where(self.stays, rows[self.state], 0) / actions, float(rows @ (1 - seen / actions))
        group, size = (self.no_output, self.rows.outputs) if kind == OUTPUT else (self.no_trigger, self.rows.triggers)
        if size < 2:
            return np.zeros(len(n)), 0.0
        rows, seen = np.bincount(group, n), np.bincount(group)
        put = (rows[group] - n) / (size - 1)
        if kind == TRIGGER:
            put[self.usual] = 0.0  # what a cell usually does is not a slip of another trigger
        return put, float(rows @ (size - seen)) / (size - 1)

    def visible(self, kind: int, true: Floats) -> float:
        """Share of this kind of noise that would not fall on true transitions, so that it can be told from them."""
        put, unseen = self.exposure(kind, true)
        return float((put @ (1 - true) + unseen) / max(put.sum() + unseen, 1e-300))

    def branches(self, kinds: tuple[int, ...]) -> tuple[float, Floats]:
        """(prior of a second transition in a cell, (K,) mean count of the cell's other branches, zero where none).

        A move that differs from its cell's usual one and that the chain confirms is a branch that stray rows
        and wrong outputs cannot fake: how many there are says how often cells branch at all.
        """
        branch = self.branch
        if TRIGGER in kinds:
            branch = branch & (self.exposure(TRIGGER, np.ones(len(branch)))[0] == 0)
        # of two states one is the usual, and the other is a branch only if it is not the cell's own
        chances = self.cells if self.rows.states > 2 else int((self.usual & self.stays).sum())
        second = min((float(branch.sum()) + 1) / (chances + 2), 0.9)
        others = np.bincount(self.cell, branch)[self.cell] - branch
        in_others = np.bincount(self.cell, branch * self.count)[self.cell] - branch * self.count
        return second, in_others / np.maximum(others, 1)

    def log_noise(self, mean: Floats) -> Floats:
        """(K,) log P(count | mean), negative binomial: Poisson whose rate is gamma with SHAPE a.

        P(k) = Γ(k + a) / (Γ(a) k!) (a / (a + m))^a (m / (a + m))^k; zero where the mean m is zero.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self.log_rising - self.log_factorial
            value += SHAPE * np.log(SHAPE / (SHAPE + mean)) + self.count * np.log(mean / (SHAPE + mean))
        return np.where(mean > 0, value, -np.inf)

    def fit(self, kinds: tuple[int, ...], start: float) -> _Fit:
        """EM for the rates of these kinds, all from `start` on.

        A transition is true with a prior (its cell is defined and this is its usual transition, or it is a second one),
        its count then anything up to the whole cell, P(k) ~ 1 / k, or like that of the cell's other branches; or it is
        noise alone, its count about the sum over kinds of rate · exposure. Noise that was due where nothing was seen
        costs its expected rows. How many cells are defined at all is learned along with the rates.
        """
        true = np.where(self.explicable if kinds else False, 0.0, 1.0)
        noise = np.zeros((len(kinds) + 1, len(self.count)))
        noise[-1] = self.label
        rates = dict.fromkeys(kinds, start)
        second, mates = self.branches(kinds)
        likelihood = -np.inf
        for _ in range(40):
            unseen = 0.0
            for i, kind in enumerate(kinds):
                exposed, unseen_kind = self.exposure(kind, np.ones(len(true)) if likelihood == -np.inf else true)
                mass = (1 - true) * exposed
                if likelihood > -np.inf:
                    noise_rows = ((1 - true) * self.count * noise[i] / np.maximum(noise.sum(0), 1e-300)).sum()
                    rates[kind] = float(min(noise_rows / max(unseen_kind + mass.sum(), 1e-9), HIGHEST))
                noise[i] = rates[kind] * exposed
                unseen += rates[kind] * unseen_kind
            mean = noise.sum(0)
            defined = ((true * self.usual).sum() + 1) / (self.possible_cells + 2)
            prior = np.where(self.usual, defined, second)
            like_mates = np.where(mates > 0, self.log_noise(mates + mean), -np.inf)
            log_true = np.log(prior) + np.logaddexp(self.flat, like_mates) - math.log(3) + self.log_ends
            log_noise = np.log1p(-prior) + self.log_noise(mean)
            both = np.logaddexp(log_true, log_noise)
            true = np.exp(log_true - both)
            unseen -= (self.possible_cells - self.cells) * math.log1p(-defined)
            likelihood, before = float(both.sum() - unseen), likelihood
            if abs(likelihood - before) < 1e-3:
                break
        return _Fit(likelihood, true, noise, rates)


def _log_gamma(x: Floats) -> Floats:
    return np.array([math.lgamma(v) for v in x.tolist()])
