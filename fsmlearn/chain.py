"""The second witness of the filter: the likeliest story of what happened where the chain of states is broken.

Each row's next state should be the current state of the row after it. Where it is not, a word was written wrong,
rows changed places, a stray row was written, or rows were lost. Takes `Beliefs` and rates of noise, returns a `Story`;
what the repaired log then is, is not decided here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fsmlearn.counts import EVIDENCE
from fsmlearn.junctions import NEVER, Beliefs, first_rates, least
from fsmlearn.logs import UNKNOWN
from fsmlearn.rows import CURRENT, NEXT, STRAY, TRUE, Bools, Floats, Ints, Rows, wide
from fsmlearn.stretches import Stretches, around, stretches

MANY = 50_000  # rows in doubt that tell the rates of noise well enough
SWAPPED = 3  # added to a candidate's index where a path came by way of a swapped pair


@dataclass(frozen=True, eq=False)
class Story:
    """What happened around the broken junctions, told of M rows."""

    at: Ints  # (M,) the rows; all others are true
    often: Ints  # (M,) how often a row of this story stands in the log; 1 once the story is told of all
    state: Ints  # (M,) true current state
    next: Ints  # (M,)
    what: Ints  # (M,) TRUE, NEXT, CURRENT or STRAY
    gap: Bools  # (M,) rows lost before this row
    swap: Bools  # (M,) this row and the one after it change places
    score: float = 0.0  # log probability, up to a constant

    def rows(self, which: Bools) -> int:
        """How many rows of the log these (M,) are."""
        return int(self.often[which].sum())


@dataclass(frozen=True, eq=False)
class _Lattice:
    """Log probabilities of all stories of the M rows in doubt, which form stretches, the longest first."""

    at: Ints  # (M,) the rows
    begins: Ints  # index into at of each stretch's first row
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
    at = np.flatnonzero(rows.broken)
    some = np.ones(len(at), np.int64)
    return Story(at, some, wide(rows.state[at]), wide(rows.next[at]), 0 * some, some > 0, some < 0)


def settled(rows: Rows, beliefs: Beliefs, spurious: float) -> Story:
    """The story whose own rates of noise lead to it; `spurious` is the rate of stray rows that leave the state alone.

    Two gaps near each other may look like a swap by chance, so swaps must explain a good deal more than a story
    without them. Stretches of rows that are alike have the same story, so it is told of one of them; and where many
    rows are in doubt, some of them tell the rates.
    """
    rates = first_rates(rows, beliefs, spurious)
    doubts = stretches(rows, int(beliefs.start.argmax()))
    some = doubts.sample(MANY)
    story, rates_of_story = _settle(rows, some, beliefs, rates | {"swap": least(len(rows))}, swaps=False)
    swapped, rates_of_swapped = _settle(rows, some, beliefs, rates, swaps=True)
    if swapped.score - story.score > max(EVIDENCE, 0.5 * swapped.rows(swapped.swap)):
        story, rates_of_story = swapped, rates_of_swapped
    return _told(doubts, story if some is doubts else tell(rows, doubts, beliefs, rates_of_story))


def _told(doubts: Stretches, story: Story) -> Story:
    """The story of some stretches told of all that are like them."""
    like = doubts.like
    return Story(
        at=doubts.every,
        often=np.ones(len(like), np.int64),
        state=story.state[like],
        next=story.next[like],
        what=story.what[like],
        gap=story.gap[like],
        swap=story.swap[like],
        score=story.score,
    )


def _settle(
    rows: Rows, doubts: Stretches, beliefs: Beliefs, rates: dict[str, float], *, swaps: bool
) -> tuple[Story, dict[str, float]]:
    """A story from first rates of noise on, and the rates that it is told with; without `swaps` theirs stays."""
    n = len(rows) * doubts.share
    floor = least(len(rows))
    story = tell(rows, doubts, beliefs, rates)
    for _ in range(2):
        moving = (story.what == STRAY) & (rows.state[story.at] != rows.next[story.at])
        rates = rates | {
            "label": max(story.rows(story.what == NEXT) / n, floor),
            "current": max(story.rows(story.what == CURRENT) / n, floor),
            "stray": max(story.rows(moving) / n, floor),
            "drop": min(max(story.rows(story.gap) / n, floor) / beliefs.shows, 0.5),
        }
        if swaps:
            rates["swap"] = max(story.rows(story.swap) / n, floor)
        story = tell(rows, doubts, beliefs, rates)
    return story, rates


def tell(rows: Rows, doubts: Stretches, beliefs: Beliefs, rates: Mapping[str, float]) -> Story:
    """The likeliest story (Viterbi) of one of every kind of stretch of rows in doubt, all stretches at once.

    Between two rows the machine is in one state, or in two if rows are lost there. A stretch begins and ends at
    a junction that is whole or at an end of the trace. `rates` are as `first_rates` gives them.
    """
    at = doubts.at
    none = np.zeros(len(at), np.bool_)
    story = Story(
        at, doubts.often, wide(rows.state[at]), wide(rows.next[at]), np.zeros(len(at), np.int64), none, none.copy()
    )
    return _best_path(_lattice(rows, beliefs, rates, at), rows, story) if len(at) else story


def _lattice(rows: Rows, beliefs: Beliefs, rates: Mapping[str, float], at: Ints) -> _Lattice:
    """Candidates and probabilities for the rows `at`.

    Candidates for the state after a row: what it says, what the next row says, what usually follows, and what the row
    before says (rows swapped); before a row: what it says, what the row before says (or where traces begin), and what
    the next row says.
    """
    begins = np.flatnonzero(rows.first[at] | (np.diff(at, prepend=-2) > 1))
    length = np.diff(np.append(begins, len(at)))
    by_length = np.argsort(-length, kind="stable")
    begins, length = begins[by_length], length[by_length]
    start = int(beliefs.start.argmax())
    p, x, q, o = (wide(column[at]) for column in (rows.state, rows.trigger, rows.next, rows.output))
    last_q, next_p = around(rows, at, start)
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
    row = np.full((len(at), 3, 4), NEVER)
    row = np.where(same_p & same_q, np.where(stays, blank, true)[:, None, None], row)
    changed = np.where(strays, astray, relabelled)
    row = np.where(same_p & ~same_q & known_post[:, None, :], changed[:, None, :], row)
    row = np.where(~same_p & same_q & known_pre[:, :, None], elsewhere[:, :, None], row)
    what = np.where(same_p, np.where(strays, STRAY, NEXT)[:, None, :], CURRENT)
    what = np.where(same_p & same_q, np.where(stays, STRAY, TRUE)[:, None, None], what)

    # two rows that changed places: the second leads to where the first begins
    pair = np.full(len(at), NEVER)
    fits = (q[1:] == p[:-1]) & (np.diff(at) == 1) & ~rows.first[at[1:]]
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
        rows.first[at[begins]][:, None] & known_pre[begins],
        open_trace[pre_code[begins]],
        np.where(pre[begins] == p[begins][:, None], 0.0, NEVER),
    )
    ends = begins + length - 1
    closing = np.where(rows.last[at[ends]][:, None] | (post[ends] == q[ends][:, None]), 0.0, NEVER)
    return _Lattice(at, begins, length, pre, post, opening, row, pair, junction, closing, what)


def _best_path(lattice: _Lattice, rows: Rows, story: Story) -> Story:
    """The likeliest path through each stretch, written into the story."""
    at, pre, post, begins = lattice.at, lattice.pre, lattice.post, lattice.begins
    p, q = wide(rows.state[at]), wide(rows.next[at])
    before, after = np.full((len(at), 3), NEVER), np.full((len(at), 4), NEVER)
    from_pre, from_post = np.zeros((len(at), 4), np.int64), np.zeros((len(at), 3), np.int64)
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
    return replace(story, score=float(ending.max(1) @ story.often[begins]))
