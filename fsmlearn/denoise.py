"""Judges the rows of a log before anything is learned from it: `Log` -> `Denoised`.

Two witnesses are heard. The *chain*: a row's next state should be the current state of the row after it, and
where it is not, the likeliest story of wrong words, swapped rows and lost rows is found. The *counts*: a transition
is noise where a noise rate, estimated from every place where such noise would show, produces it as often as it is
seen. A log with neither witness against it loses nothing. It knows nothing of networks or machines.

A log may come in parts of whole traces. Each stage is a function of a part; what the witnesses need to know of all
parts is counted in each and added up, so that a log is judged alike however it is divided.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from fsmlearn import chain, counts, junctions, stretches
from fsmlearn.chain import Doubts, Story
from fsmlearn.counts import Verdict
from fsmlearn.findings import KINDS, SWAP, Decisions, Finding, Findings, findings, nothing
from fsmlearn.junctions import Beliefs, Breaks
from fsmlearn.logs import Log, Whole, alone
from fsmlearn.repair import exchanged, rebuilt, repaired
from fsmlearn.rows import (
    NEXT,
    STRAY,
    TRUE,
    Bools,
    Codes,
    Ints,
    Rows,
    Tally,
    coded,
    find,
    looked_up,
    total,
)
from fsmlearn.runs import Runs, united
from fsmlearn.spread import Handle, Spread, told
from fsmlearn.stretches import Kinds, Stretches

__all__ = ["Denoised", "Filtered", "Finding", "denoise", "filtered"]


@dataclass(frozen=True, eq=False)
class Denoised:
    """The clean log, and what was done to the log as read to get it. N rows as read, M clean rows."""

    source: Log  # as read
    log: Log  # what to learn from: rows dropped, next states repaired, swapped rows back in order
    rows: Runs  # (M,) for each clean row its index in source
    gap: NDArray[np.bool_]  # (M,) True where rows seem to be lost between this row and the one before it in its trace
    findings: Findings  # ordered by row
    # estimated share of rows by kind of noise: label, spurious, swap, drop; where the log hides its states output, swap
    rates: Mapping[str, float]
    # (6, K) of K distinct rows as read: state, trigger, next state and output, each an index of its words or past them
    # where there is none, how many there are, how many are noise; None where the log hides its states
    said: Ints | None = None

    @property
    def row(self) -> NDArray[np.int64]:
        """(M,) for each clean row its index in source."""
        return self.rows.array()


@dataclass(frozen=True, eq=False)
class Filtered:
    """A log whose rows were judged, in the parts of the log."""

    source: Whole  # as read
    parts: list[Handle]  # `Denoised`s, without rates of their own
    rates: Mapping[str, float]  # as `Denoised` has them
    rows: tuple[int, ...]  # clean ones of each part
    gaps: int
    counts: tuple[Ints, ...]  # of each part (len(KINDS),) findings
    dropped: int

    def __len__(self) -> int:
        return sum(self.rows)

    @property
    def log(self) -> Whole:
        """The clean log."""
        clean = self.source.spread.map(attrgetter("log"), self.parts)
        return dataclasses.replace(self.source, parts=clean, rows=self.rows)

    @property
    def denoised(self) -> Denoised:
        """What was made of the log, if it is in one part."""
        [found] = self.source.spread.bring(self.parts)
        assert isinstance(found, Denoised)
        return dataclasses.replace(found, rates=self.rates)


@dataclass(frozen=True, eq=False)
class Counted:
    """The same numbers of one part, and those that rates are made of."""

    rows: int  # clean ones
    gaps: int
    counts: Ints  # (len(KINDS),)
    dropped: int
    wrong: int  # rows in which a single word is wrong
    moving: int  # stray rows that do not say that the state stays
    swapped: int  # pairs


def denoise(log: Log) -> Denoised:
    """Judge every row of a visible-state log; other logs come back as they are, they cannot be judged row by row.

    A row is repaired where the log says what it should be, and dropped otherwise. Rows that the log gives
    no clear reason to doubt stay. Costs a few array passes over the N rows, and else grows with what is distinct.
    """
    return filtered(alone(log)).denoised


def filtered(log: Whole) -> Filtered:
    """Judge every row of a log in parts, as `denoise` does."""
    spread, parts = log.spread, log.parts
    if log.kind != "visible" or not len(log) or len(log.states) < 2:
        return _counted(log, spread.map(_as_it_is, parts), 0.0)
    seen = spread.map(_seen, parts)
    starts = sum(told(spread, seen))
    seen = spread.map(_confirmed, seen, [starts] * len(parts))
    tally, breaks, inner = None, 0, 0
    for part, broken, junctions_of in told(spread, seen):
        tally, breaks, inner = total(tally, part), breaks + broken, inner + junctions_of
    assert tally is not None
    verdict = counts.judge(tally, 0.0) if tally.count.any() else None
    stories: list[Handle] = [None] * len(parts)
    # where most junctions are broken the log is no chain, and the chain no witness
    if verdict is not None and 0 < breaks <= inner / 2:
        beliefs = Beliefs(tally, verdict, starts)
        seen = spread.map(_doubtful, seen, [int(beliefs.start.argmax())] * len(parts))
        doubts, whose = _doubts(spread, seen, len(log), breaks)
        story = chain.settled(doubts, beliefs, verdict.stray)
        stories = [spread.keep(story.of(like)) for like in spread.bring(whose)]
    story_told = spread.map(_told, seen, stories)
    del seen, stories
    again = None
    if verdict is not None:
        after, labels = None, 0
        for part, wrong in told(spread, story_told):
            after, labels = total(after, part), labels + wrong
        assert after is not None
        again = counts.judge(after, labels / len(log)) if after.count.any() else None
    decided = spread.map(_decided, parts, story_told, [again] * len(parts), [tally] * len(parts))
    del story_told
    clean = spread.map(_cleaned, parts, decided)
    del decided
    return _counted(log, clean, 0.0 if again is None else again.stray)


def _first(pair: tuple[Denoised, Counted]) -> Denoised:
    return pair[0]


def _as_it_is(log: Log) -> tuple[Denoised, Counted]:
    n = len(log)
    said = _said(coded(log), nothing()) if log.kind == "visible" else None
    whole = Denoised(log, log, Runs.count(0, n), np.zeros(n, bool), nothing(), {}, said)
    return whole, Counted(n, 0, np.zeros(len(KINDS), np.int64), 0, 0, 0, 0)


def _counted(log: Whole, clean: list[Handle], stray_rate: float) -> Filtered:
    """Add up what the parts came to; `stray_rate` is that of stray rows that leave the state alone."""
    parts: list[Counted] = list(told(log.spread, clean))
    n, gaps = max(len(log), 1), sum(part.gaps for part in parts)
    rates = {
        "label": sum(part.wrong for part in parts) / n,
        "spurious": stray_rate + sum(part.moving for part in parts) / n,
        "swap": 2 * sum(part.swapped for part in parts) / n,
        "drop": gaps / n,
    }
    return Filtered(
        source=log,
        parts=log.spread.map(_first, clean),
        rates=rates,
        rows=tuple(part.rows for part in parts),
        gaps=gaps,
        counts=tuple(part.counts for part in parts),
        dropped=sum(part.dropped for part in parts),
    )


def _said(read: Rows, found: Findings) -> Ints:
    """What the rows say as read. A row is noise where it is dropped or changed, not where it is put back in order."""
    distinct, index = read.distinct
    noise = np.bincount(index[found.row[found.kind != SWAP]], minlength=len(distinct))
    return np.stack([*read.parts(distinct), read.count, noise])


def _seen(log: Log) -> tuple[Rows, Ints]:
    """(the rows of a part, (S,) how many traces begin in each state)."""
    read = coded(log)
    return read, np.bincount(read.state[read.begins], minlength=read.states)


def _confirmed(seen: tuple[Rows, Ints], starts: Ints) -> tuple[Rows, tuple[Tally, int, int]]:
    """(the rows, (what those say that both neighbours confirm, junctions that are broken, junctions))."""
    read, _ = seen
    others = united(read.broken - 1, read.broken)
    if 2 * starts.max() > starts.sum():  # traces begin in one state, so a first row elsewhere is not confirmed either
        others = united(others, read.begins[read.state[read.begins] != starts.argmax()])
    return read, (read.tally(others), len(read.broken), len(read) - len(read.begins))


Doubtful = tuple[tuple[Rows, Stretches | None], tuple[Kinds, Breaks, int, int]]


def _doubtful(seen: tuple[Rows, object], start: int) -> Doubtful:
    """((the rows, their stretches in doubt), (their kinds, the breaks, rows in doubt, stretches))."""
    read, _ = seen
    found = stretches.stretches(read, start)
    return (read, found), (found.kinds, junctions.breaks(read), len(found.every), len(found.begins))


def _drawn(seen: Doubtful, stride: int, before: int) -> Ints:
    found = seen[0][1]
    assert found is not None
    return found.drawn(stride, before)


def _doubts(spread: Spread, seen: Sequence[Handle], rows: int, broken: int) -> tuple[Doubts, list[Handle]]:
    """(what is in doubt in all parts, for each part which kinds its own are)."""
    gathered, breaks, whose = stretches.Gathered(), None, []
    doubtful, before = 0, [0]
    for kinds, part, size, many in told(spread, seen):
        whose.append(spread.keep(gathered.add(kinds)))
        breaks = junctions.together(breaks, part)
        doubtful += size
        before.append(before[-1] + many)
    assert breaks is not None
    together = gathered.kinds()
    found = Doubts(rows, broken, breaks, together, together, 1.0)
    stride = chain.stride(doubtful)
    if stride > 1:
        often = np.zeros(len(together), np.int64)
        drawn = spread.bring(spread.map(_drawn, seen, [stride] * len(seen), before[:-1]))
        for like, part in zip(spread.bring(whose), drawn, strict=True):
            often[like] += part
        share = int(often.sum()) / doubtful
        found = dataclasses.replace(found, sample=together.take(often > 0, often), share=share)
    return found, whose


@dataclass(frozen=True, eq=False)
class _Told:
    """The rows of a part as a story has them."""

    read: Rows
    story: Story
    swapped: Ints  # rows that were read after the next one
    told: Rows  # in the clean order
    chain: Codes  # (N,) what each is by the chain

    def those(self, which: Bools) -> Ints:
        """Some of the rows of the story (M,) as they stand in the clean order, ascending."""
        return np.sort(exchanged(self.story.at[which], self.swapped))


def _told(seen: tuple[Rows, object] | Doubtful, kinds: Story | None) -> tuple[_Told, tuple[Tally, int]]:
    """(a part as the story of its kinds of stretches tells it, or as it is read where there is none; (what the rows
    that are left then say, wrong next states))."""
    state, _ = seen
    if kinds is None:
        read = state if isinstance(state, Rows) else state[0]
        story = chain.whole(read)
    else:
        assert isinstance(state, tuple) and state[1] is not None
        read, story = state[0], kinds.of(state[1].like, state[1].every)
    swapped = story.at[story.swap]

    def column(codes: Codes, words: Ints | None = None) -> Codes:
        codes = codes.copy()
        if words is not None:
            codes[story.at] = words
        codes[swapped], codes[swapped + 1] = codes[swapped + 1], codes[swapped]
        return codes

    rows = read.changed(
        united(story.at, united(swapped, swapped + 1)),
        state=column(read.state, story.state),
        next=column(read.next, story.next),
        trigger=column(read.trigger) if len(swapped) else read.trigger,
        output=column(read.output) if len(swapped) and read.outputs > 1 else read.output,
    )
    by_chain = column(np.full(len(read), TRUE, np.int8), story.what)
    found = _Told(read, story, swapped, rows, by_chain)
    return found, (rows.tally(found.those(story.what == STRAY)), int(np.count_nonzero(story.what == NEXT)))


@dataclass(frozen=True, eq=False)
class _Decided:
    """What is to be done to a part."""

    fixed: Rows
    swapped: Ints
    gone: Ints
    lost: Ints
    findings: Findings
    said: Ints
    wrong: int
    moving: int


def _decided(log: Log, told: tuple[_Told, object], verdict: Verdict | None, tally: Tally) -> _Decided:
    """Judge the rows of a part by what was made of all parts: the verdict on what they say in the story, and how often
    rows say what they say as read."""
    part, _ = told
    read, story, swapped = part.read, part.story, part.swapped
    gone = part.those(story.what == STRAY)
    by_counts: Codes = np.broadcast_to(np.int8(TRUE), len(read))
    fixed, stray = part.told, 0.0
    if verdict is not None:
        what = np.append(np.where(verdict.true, TRUE, verdict.what), TRUE).astype(np.int8)
        distinct, kind = fixed.distinct
        by_counts = looked_up(what[find(verdict.transition, distinct)], kind)
        by_counts[gone] = TRUE
        fixed, unknown = repaired(fixed, by_counts, verdict)
        gone = united(gone, np.sort(unknown))
        stray = verdict.stray
    # a row is lost before the row after a gap, and after a dropped row that the machine did take
    lost = story.at[story.gap & ~read.first[story.at]]
    taken = gone[(part.chain[gone] != STRAY) & (by_counts[gone] != STRAY) & ~read.last[gone]]
    strays = story.at[story.what == STRAY]
    doubted = united(part.those(story.what != TRUE), np.flatnonzero(by_counts != TRUE))
    found = findings(log, read, Decisions(swapped, part.chain, by_counts, doubted, gone, fixed, stray), tally)
    return _Decided(
        fixed=fixed,
        swapped=swapped,
        gone=gone,
        lost=np.append(lost, taken + 1),
        findings=found,
        said=_said(read, found),
        wrong=int(np.count_nonzero((part.chain[doubted] > STRAY) | (by_counts[doubted] > STRAY))),
        moving=int(np.count_nonzero(read.state[strays] != read.next[strays])),
    )


def _cleaned(log: Log, decided: _Decided) -> tuple[Denoised, Counted]:
    """Do it."""
    clean, rows, gap, beyond = rebuilt(log, decided.fixed, decided.swapped, decided.gone, decided.lost)
    found = decided.findings
    counted = Counted(
        rows=len(clean),
        gaps=int(np.count_nonzero(gap)) + beyond,
        counts=np.bincount(found.kind, minlength=len(KINDS)),
        dropped=int(np.count_nonzero(found.dropped)),
        wrong=decided.wrong,
        moving=decided.moving,
        swapped=len(decided.swapped),
    )
    return Denoised(log, clean, rows, gap, found, {}, decided.said), counted
