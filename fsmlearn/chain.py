"""The second witness of the filter: the likeliest story of what happened where the chain of states is broken.

Each row's next state should be the current state of the row after it. Where it is not, a word was written wrong,
rows changed places, a stray row was written, or rows were lost. Takes `Beliefs` and rates of noise, returns a `Story`;
what the repaired log then is, is not decided here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from fsmlearn.counts import EVIDENCE
from fsmlearn.junctions import NEVER, Beliefs, Breaks, first_rates, least
from fsmlearn.logs import UNKNOWN
from fsmlearn.rows import CURRENT, NEXT, STRAY, TRUE, Bools, Floats, Ints, Rows, wide
from fsmlearn.stretches import Kinds

MANY = 50_000  # rows in doubt that tell the rates of noise well enough
PART = 1 << 13  # of them that are told of in one go, which keeps them in the processor's cache
SWAPPED = 3  # added to a candidate's index where a path came by way of a swapped pair


@dataclass(frozen=True, eq=False)
class Story:
    """What happened around the broken junctions, told of M rows: of a log, or of the kinds of its stretches."""

    at: Ints  # (M,) the rows; all others are true
    state: Ints  # (M,) true current state
    next: Ints  # (M,)
    what: Ints  # (M,) TRUE, NEXT, CURRENT or STRAY
    gap: Bools  # (M,) rows lost before this row
    swap: Bools  # (M,) this row and the one after it change places

    def of(self, rows: Ints, at: Ints | None = None) -> Story:
        """What is told of some of its rows, as a story of other ones that are like them."""
        at = np.arange(len(rows)) if at is None else at
        return Story(at, self.state[rows], self.next[rows], self.what[rows], self.gap[rows], self.swap[rows])

    def part(self, some: slice) -> Story:
        """Some of it, to be written to."""
        return Story(*(getattr(self, each.name)[some] for each in fields(self)))


@dataclass(frozen=True, eq=False)
class _Lattice:
    """Log probabilities of all stories of M rows, which form stretches, the longest first."""

    begins: Ints  # of each stretch its first row
    length: Ints  # of each stretch
    pre: Ints  # (M, 3) candidates for the state before each row, UNKNOWN where there is none
    post: Ints  # (M, 4) and after it
    opening: Floats  # (stretches, 3)
    row: Floats  # (M, 3, 4) each row from a candidate before it to one after it
    pair: Floats  # (M,) a row and the next one as a pair that changed places
    junction: Floats  # (M, 4, 3) from a candidate after each row to one before the next
    closing: Floats  # (stretches, 4)
    what: Ints  # (M, 3, 4) what each row then is


def whole(rows: Rows) -> Story:
    """The story in which every row is true, and rows are lost wherever the chain is broken."""
    at = rows.broken
    none = np.zeros(len(at), np.int64)
    return Story(at, wide(rows.state[at]), wide(rows.next[at]), none, none == 0, none > 0)


@dataclass(frozen=True, eq=False)
class Doubts:
    """What is in doubt in a log of n rows."""

    rows: int  # n
    broken: int  # junctions
    breaks: Breaks
    kinds: Kinds
    sample: Kinds  # some of them, as often as they are drawn
    share: float  # of the rows in doubt that are drawn


def stride(rows: int) -> int:
    """Every which stretch is to be drawn, where so many rows are in doubt: MANY of them tell the rates well enough."""
    return max(-(-rows // MANY), 1)


def settled(doubts: Doubts, beliefs: Beliefs, spurious: float) -> Story:
    """The story of each kind whose own rates of noise lead to it; `spurious` is the rate of stray rows that leave the
    state alone.

    Two gaps near each other may look like a swap by chance, so swaps must explain a good deal more than a story
    without them. Where many rows are in doubt, some of them tell the rates.
    """
    rates = first_rates(doubts.breaks, doubts.rows, doubts.broken, beliefs, spurious)
    plain = _settle(doubts, beliefs, rates | {"swap": least(doubts.rows)}, swaps=False)
    best = _settle(doubts, beliefs, rates, swaps=True)
    if best.score - plain.score <= max(EVIDENCE, 0.5 * _rows(doubts.sample, best.story.swap)):
        best = plain
    return best.story if doubts.sample is doubts.kinds else tell(doubts.kinds, beliefs, best.rates)[0]


@dataclass(frozen=True, eq=False)
class _Settled:
    story: Story
    score: float
    rates: dict[str, float]  # that it is told with


def _settle(doubts: Doubts, beliefs: Beliefs, rates: dict[str, float], *, swaps: bool) -> _Settled:
    """A story of the sample, from first rates of noise on; without `swaps` theirs stays."""
    kinds, n, floor = doubts.sample, doubts.rows * doubts.share, least(doubts.rows)
    story, score = tell(kinds, beliefs, rates)
    for _ in range(2):
        moving = (story.what == STRAY) & (kinds.state != kinds.next)
        rates = rates | {
            "label": max(_rows(kinds, story.what == NEXT) / n, floor),
            "current": max(_rows(kinds, story.what == CURRENT) / n, floor),
            "stray": max(_rows(kinds, moving) / n, floor),
            "drop": min(max(_rows(kinds, story.gap) / n, floor) / beliefs.shows, 0.5),
        }
        if swaps:
            rates["swap"] = max(_rows(kinds, story.swap) / n, floor)
        story, score = tell(kinds, beliefs, rates)
    return _Settled(story, score, rates)


def _rows(kinds: Kinds, which: Bools) -> int:
    """How many rows of the log some rows of the kinds (m,) are."""
    return int(kinds.often[which].sum())


def tell(kinds: Kinds, beliefs: Beliefs, rates: Mapping[str, float]) -> tuple[Story, float]:
    """(the likeliest story (Viterbi) of every kind of stretch of rows in doubt, all stretches at once; its log
    probability in all the log, up to a constant).

    Between two rows the machine is in one state, or in two if rows are lost there. A stretch begins and ends at
    a junction that is whole or at an end of the trace. `rates` are as `first_rates` gives them.
    """
    none = np.zeros(len(kinds), np.bool_)
    at, what = np.arange(len(kinds)), np.zeros(len(kinds), np.int64)
    story, score = Story(at, kinds.state.copy(), kinds.next.copy(), what, none, none.copy()), 0.0
    for some in kinds.parts(PART):
        part = kinds.take(some, kinds.often)
        score += _best_path(_lattice(part, beliefs, rates), part, story.part(some))
    return story, score


def _lattice(kinds: Kinds, beliefs: Beliefs, rates: Mapping[str, float]) -> _Lattice:
    """Candidates and probabilities for the rows of the kinds.

    Candidates for the state after a row: what it says, what the next row says, what usually follows, and what the row
    before says (rows swapped); before a row: what it says, what the row before says (or where traces begin), and what
    the next row says.
    """
    begins = np.flatnonzero(kinds.begin)
    length = np.diff(np.append(begins, len(kinds)))
    by_length = np.argsort(-length, kind="stable")
    begins, length = begins[by_length], length[by_length]
    rows, start = beliefs.rows, int(beliefs.start.argmax())
    p, x, q, o = kinds.state, kinds.trigger, kinds.next, kinds.output
    last_q, next_p = kinds.before, kinds.after
    pre = np.stack([p, last_q, next_p], 1)
    post = np.stack([q, next_p, beliefs.usual(p, x), last_q], 1)
    known_pre, known_post = pre != UNKNOWN, post != UNKNOWN
    pre_code, post_code = np.where(known_pre, pre, 0), np.where(known_post, post, 0)

    # one row: true, or one of its states wrong (then any other), or stray with anything in it
    log_rate = {kind: math.log(rate) for kind, rate in rates.items()}
    other = math.log(max(rows.states - 1, 1))
    anything = math.log(rows.triggers * rows.outputs)
    as_read = beliefs.row(p, x, q, o)  # (M,)
    true = as_read + math.log(max(1 - sum(rates.values()), 0.1))
    relabelled = beliefs.relabelled(p[:, None], x[:, None], post_code, o[:, None]) + log_rate["label"] - other  # (M, 4)
    elsewhere = beliefs.row(pre_code, x[:, None], q[:, None], o[:, None]) + log_rate["current"] - other  # (M, 3)
    blank = log_rate["spurious"] - anything  # a stray row that says that the state stays
    astray = log_rate["stray"] - anything - other  # and one whose next state is made up
    stays = (p == q) & (blank > true)
    strays = (
        (post == p[:, None]) & (p != q)[:, None] & (astray > relabelled)
    )  # (M, 4) the row might as well not be there
    same_p, same_q = (pre == p[:, None])[:, :, None], (post == q[:, None])[:, None, :]
    row = np.full((len(kinds), 3, 4), NEVER)
    row = np.where(same_p & same_q, np.where(stays, blank, true)[:, None, None], row)
    changed = np.where(strays, astray, relabelled)
    row = np.where(same_p & ~same_q & known_post[:, None, :], changed[:, None, :], row)
    row = np.where(~same_p & same_q & known_pre[:, :, None], elsewhere[:, :, None], row)
    what = np.where(same_p, np.where(strays, STRAY, NEXT)[:, None, :], CURRENT)
    what = np.where(same_p & same_q, np.where(stays, STRAY, TRUE)[:, None, None], what)

    # two rows that changed places: the second leads to where the first begins
    pair = np.full(len(kinds), NEVER)
    fits = (q[1:] == p[:-1]) & ~kinds.begin[1:]
    pair[:-1] = np.where(fits, log_rate["swap"] + as_read[:-1] + as_read[1:], NEVER)

    # a junction: one state, or rows lost in between
    follows = np.append(pre[1:], np.full((1, 3), UNKNOWN), 0)  # (M, 3) candidates before the next row
    both = known_post[:, :, None] & (follows != UNKNOWN)[:, None, :]
    lost = beliefs.jump(post_code[:, :, None], np.where(follows != UNKNOWN, follows, 0)[:, None, :]) + log_rate["drop"]
    junction = np.where(both, np.where(post[:, :, None] == follows[:, None, :], 0.0, lost), NEVER)

    states = np.arange(rows.states)
    lost_first = log_rate["drop"] + beliefs.jump(np.full(rows.states, start), states)
    open_trace = np.maximum(np.log(beliefs.start), lost_first)  # (S,)
    opening = np.where(
        kinds.first[begins][:, None] & known_pre[begins],
        open_trace[pre_code[begins]],
        np.where(pre[begins] == p[begins][:, None], 0.0, NEVER),
    )
    ends = begins + length - 1
    closing = np.where(kinds.last[ends][:, None] | (post[ends] == q[ends][:, None]), 0.0, NEVER)
    return _Lattice(begins, length, pre, post, opening, row, pair, junction, closing, what)


def _best_path(lattice: _Lattice, kinds: Kinds, story: Story) -> float:
    """The likeliest path through each stretch, written into the story; returns the log probability of all."""
    pre, post, begins, m = lattice.pre, lattice.post, lattice.begins, len(kinds)
    p, q = kinds.state, kinds.next
    before, after = np.full((m, 3), NEVER), np.full((m, 4), NEVER)
    from_pre, from_post = np.zeros((m, 4), np.int64), np.zeros((m, 3), np.int64)
    before[begins] = lattice.opening
    for step in range(int(lattice.length[0])):
        i = begins[: np.searchsorted(-lattice.length, -step)] + step
        if step:
            through = after[i - 1][:, :, None] + lattice.junction[i - 1]
            from_post[i], before[i] = through.argmax(1), through.max(1)
        one = before[i][:, :, None] + lattice.row[i]
        from_pre[i], after[i] = one.argmax(1), one.max(1)
        if step:
            enter = np.where(pre[i - 1] == p[i][:, None], before[i - 1], NEVER)
            two = np.where(post[i] == q[i - 1][:, None], (enter.max(1) + lattice.pair[i - 1])[:, None], NEVER)
            better = two > after[i]
            after[i] = np.where(better, two, after[i])
            from_pre[i] = np.where(better, SWAPPED + enter.argmax(1)[:, None], from_pre[i])

    # and every stretch back from its end
    i, start = begins + lattice.length - 1, begins
    ending = after[i] + lattice.closing
    b = ending.argmax(1)
    while len(i):
        came = from_pre[i, b]
        swapped = came >= SWAPPED
        single = ~swapped
        j, a = i - swapped, came - SWAPPED * swapped
        row = i[single]
        story.state[row] = pre[i, a][single]
        story.next[row] = post[i, b][single]
        story.what[row] = lattice.what[i, a, b][single]
        story.swap[j[swapped]] = True
        inside = j > start
        here, i, a, start = j[inside], j[inside] - 1, a[inside], start[inside]
        b = from_post[here, a]
        story.gap[here] = post[i, b] != pre[here, a]
    return float(ending.max(1) @ kinds.often[begins])
