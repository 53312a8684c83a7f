"""What rows and junctions are likely to say, learned from the transitions that the chain confirms.

`Beliefs` are the probabilities that the chain's stories are told with, and `first_rates` asks the junctions that
broke alone how often which kind of noise breaks one. Knows nothing of stories over several rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fsmlearn.counts import EVIDENCE, Verdict
from fsmlearn.logs import UNKNOWN
from fsmlearn.rows import Floats, Ints, Rows, Space, find, numbered, wide

NEVER = -1e9  # log probability of what cannot be


class Beliefs:
    """Probabilities of what a row says, from transitions that the chain confirms; all methods broadcast."""

    def __init__(self, rows: Space, verdict: Verdict, starts: Ints) -> None:
        """`starts` (S,) is how many traces begin in each state."""
        self.rows = rows
        self._transition, count = verdict.transition[verdict.true], verdict.count[verdict.true]
        p, x, q, _ = rows.parts(self._transition)
        self._count = np.append(count, 0.0)  # here and below, 0 for what was never seen
        self._arc, self._arc_count, _ = _sums(self._transition // rows.outputs, count)
        self._cell, self._cell_count, cell = _sums(p * rows.triggers + x, count)
        self._move, self._move_count, _ = _sums(p * rows.states + q, count)
        self._visits = np.bincount(p, count, rows.states)
        order = np.lexsort((-count, cell))
        self._usual = np.append(q[order[np.diff(cell[order], prepend=-1) > 0]], UNKNOWN)
        self.shows = (float(count[p != q].sum()) + 1) / (
            float(count.sum()) + 1
        )  # share of lost rows that break the chain
        self.start = (starts + 1 / rows.states) / (int(starts.sum()) + 1)  # (S,)

    def usual(self, p: Ints, x: Ints) -> Ints:
        """The most frequent next state, UNKNOWN where (state, trigger) was never seen."""
        return self._usual[find(self._cell, p * self.rows.triggers + x)]

    def row(self, p: Ints, x: Ints, q: Ints, o: Ints) -> Floats:
        """log P(trigger, next state, output | state), with a little left for what was never seen.

        (n(p, x) + 1 / A) / (n(p) + 1) · (n(p, x, q, o) + 1 / (S O)) / (n(p, x) + 1), with n counting true rows.
        """
        said, index = numbered(self.rows.number(p, x, q, o))
        p, x, *_ = self.rows.parts(said)
        seen = self._count[find(self._transition, said)]
        every: Floats = np.log(self._action(p, x) * (seen + 1 / (self.rows.states * self.rows.outputs)))[index]
        return every

    def relabelled(self, p: Ints, x: Ints, q: Ints, o: Ints) -> Floats:
        """As `row` for a next state q that was written wrong; in one row of ten the output was too."""
        said, index = numbered(self.rows.number(p, x, q, o))
        p, x, q, o = self.rows.parts(said)
        arc = self._arc_count[find(self._arc, said // self.rows.outputs)]
        any_output = np.log(self._action(p, x) * (arc + 1 / self.rows.states))
        every: Floats = np.logaddexp(self.row(p, x, q, o), any_output - math.log(10 * self.rows.outputs))[index]
        return every

    def jump(self, p: Ints, q: Ints) -> Floats:
        """log P(the state is q some lost rows after it was p): as for one row, with a tenth of it for any state."""
        moved, index = numbered(p * self.rows.states + q)
        visits = self._visits[moved // self.rows.states]
        moves = self._move_count[find(self._move, moved)]
        every: Floats = np.log((0.9 * moves + 1 / self.rows.states) / (0.9 * visits + 1))[index]
        return every

    def _action(self, p: Ints, x: Ints) -> Floats:
        """P(trigger | state) / (n(p, x) + 1)."""
        cell = self._cell_count[find(self._cell, p * self.rows.triggers + x)]
        return (cell + 1 / self.rows.triggers) / (self._visits[p] + 1) / (cell + 1)


def _sums(keys: Ints, count: Floats) -> tuple[Ints, Floats, Ints]:
    """(distinct keys, the sum of the counts of each and a 0, for each key which of the distinct ones it is)."""
    distinct, inverse = np.unique(keys, return_inverse=True)
    return distinct, np.append(np.bincount(inverse, count, len(distinct)), 0.0), inverse


def least(n: int) -> float:
    """A rate of noise that was not seen in n rows."""
    return min(0.5 / (n + 1), 0.001)


@dataclass(frozen=True, eq=False)
class Breaks:
    """The distinct broken junctions that have whole ones on both sides, J of them: what the rows say there."""

    before: Ints  # (J,) transition of the row before, ascending
    after: Ints  # (J,) and of the row after it, ascending among equals
    often: Ints  # (J,)


def breaks(rows: Rows) -> Breaks:
    """All of the rows'."""
    apart = np.diff(rows.broken, prepend=-1, append=len(rows) + 1) > 1
    i = rows.broken[apart[:-1] & apart[1:]]
    transition, kind = rows.distinct
    pair, often = np.unique(wide(kind[i - 1]) * len(transition) + kind[i], return_counts=True)
    return Breaks(transition[pair // len(transition)], transition[pair % len(transition)], often)


def together(one: Breaks | None, other: Breaks) -> Breaks:
    """Those of two parts of a log."""
    if one is None:
        return other
    both = np.stack([np.append(one.before, other.before), np.append(one.after, other.after)], 1)
    pairs, index = np.unique(both, axis=0, return_inverse=True)
    often = np.zeros(len(pairs), np.int64)
    np.add.at(often, index, np.append(one.often, other.often))
    return Breaks(pairs[:, 0], pairs[:, 1], often)


def first_rates(found: Breaks, n: int, broken: int, beliefs: Beliefs, spurious: float) -> dict[str, float]:
    """Rates of the kinds of noise in the chain of n rows, from its broken junctions (EM); `broken` is how many break.

    The junction of (p, x, q, o) and (r, y, s, u) breaks as rows were lost, as q is wrong and was r, as r is wrong and
    was q, or as the first row is a stray one (and r = p). Lost rows blame nothing that is written, so each other
    kind is believed in only where the mixture gains more than EVIDENCE by it.
    """
    rows, often = beliefs.rows, found.often
    p, x, q, o = rows.parts(found.before)
    r, y, s, u = rows.parts(found.after)
    other = math.log(max(rows.states - 1, 1))
    left, right = beliefs.row(p, x, q, o), beliefs.row(r, y, s, u)
    lost = left + beliefs.jump(q, r) + right - math.log(beliefs.shows)
    label = beliefs.relabelled(p, x, r, o) + right - other
    current = left + beliefs.row(q, y, s, u) - other
    stray = np.where(r == p, right - other - math.log(rows.triggers * rows.outputs), NEVER)
    shares = dict(
        zip(
            ("drop", "label", "current", "stray"), _mixture(np.stack([lost, label, current, stray]), often), strict=True
        )
    )
    total, floor = max(broken / n, 1 / n), least(n)
    rates = {kind: max(float(total * share), floor) for kind, share in shares.items()}
    rates["drop"] = min(rates["drop"] / beliefs.shows, 0.5)
    return rates | {"swap": max(total / 6, floor), "spurious": max(spurious, floor)}


def _mixture(score: Floats, often: Ints) -> Floats:
    """(C,) shares of the causes of J junctions, each of which came so often (J,), from their log probabilities (C, J);
    the first cause is always there."""
    total = max(int(often.sum()), 1)
    chance = np.exp(score - score.max(0, initial=NEVER))

    def mix(causes: list[int]) -> tuple[float, Floats]:
        part = np.zeros(len(score))
        part[causes] = 1 / len(causes)
        for _ in range(50 if chance.size else 0):
            weight = part[:, None] * chance
            part = (weight / np.maximum(weight.sum(0), 1e-300)) @ often / total
        return float(np.log(np.maximum(part @ chance, 1e-300)) @ often), part

    causes = [0]
    best, share = mix(causes)
    while len(causes) < len(score):
        left = [cause for cause in range(len(score)) if cause not in causes]
        level, offer, cause = max(((*mix([*causes, cause]), cause) for cause in left), key=lambda m: m[0])
        # a small edge at each junction proves nothing: triggers are not drawn afresh at each row as `row` has it
        if level - best < max(EVIDENCE, offer[cause] * total):
            break
        best, share, causes = level, offer, [*causes, cause]
    return share
