"""Judges the rows of a log before anything is learned from it: `Log` -> `Denoised`.

Two witnesses are heard. The *chain*: a row's next state should be the current state of the row after it, and
where it is not, the likeliest story of wrong words, swapped rows and lost rows is found. The *counts*: a transition
is noise where a noise rate, estimated from every place where such noise would show, produces it as often as it is
seen. A log with neither witness against it loses nothing. It knows nothing of networks or machines.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsmlearn import chain, counts
from fsmlearn.counts import Verdict
from fsmlearn.findings import Decisions, Finding, Findings, findings, nothing
from fsmlearn.junctions import Beliefs
from fsmlearn.logs import UNKNOWN, Log
from fsmlearn.rows import NEXT, OUTPUT, STRAY, TRIGGER, TRUE, Bools, Codes, Ints, Rows, coded, find, wide
from fsmlearn.runs import Runs, united

__all__ = ["Denoised", "Finding", "denoise"]


@dataclass(frozen=True, eq=False)
class Denoised:
    """The clean log, and what was done to the log as read to get it. N rows as read, M clean rows."""

    source: Log  # as read
    log: Log  # what to learn from: rows dropped, next states repaired, swapped rows back in order
    rows: Runs  # (M,) for each clean row its index in source
    gap: NDArray[np.bool_]  # (M,) True where rows seem to be lost between this row and the one before it in its trace
    findings: Findings  # ordered by row
    rates: Mapping[str, float]  # estimated share of rows by kind of noise: label, spurious, swap, drop

    @property
    def row(self) -> NDArray[np.int64]:
        """(M,) for each clean row its index in source."""
        return self.rows.array()


def denoise(log: Log) -> Denoised:
    """Judge every row of a visible-state log; other logs come back as they are, they cannot be judged row by row.

    A row is repaired where the log says what it should be, and dropped otherwise. Rows that the log gives
    no clear reason to doubt stay. Costs a few array passes over the N rows, and else grows with what is distinct.
    """
    n = len(log)
    if log.kind != "visible" or n == 0 or len(log.states) < 2:
        none = dict.fromkeys(("label", "spurious", "swap", "drop"), 0.0)
        return Denoised(log, log, Runs.count(0, n), np.zeros(n, bool), nothing(), none)
    read = coded(log)
    broken = read.broken
    confirmed = ~broken
    confirmed[:-1] &= ~broken[1:]
    starts = np.bincount(read.state[read.first])
    if 2 * starts.max() > starts.sum():  # traces begin in one state, so a first row elsewhere is not confirmed either
        confirmed &= ~read.first | (read.state == starts.argmax())
    story, seen = chain.whole(read), None
    if confirmed.any():
        seen = counts.judge(read, confirmed, 0.0)
        # where most junctions are broken the log is no chain, and the chain no witness
        if 0 < broken.sum() <= np.count_nonzero(~read.first) / 2:
            story = chain.settled(read, Beliefs(read, seen), seen.stray)
    return _clean(log, read, story, seen)


def _clean(log: Log, read: Rows, story: chain.Story, seen: Verdict | None) -> Denoised:
    """The log that the story tells, less what the counts of that log show to be noise."""
    n = len(log)
    swapped = story.at[story.swap]
    pair, other = np.append(swapped, swapped + 1), np.append(swapped + 1, swapped)

    def told_of(column: Codes, words: Ints | None) -> Codes:
        if not len(story.at if words is not None else pair):
            return column
        column = column.copy()
        if words is not None:
            column[story.at] = words
        column[pair] = column[other]
        return column

    told = read.changed(
        united(story.at, np.sort(pair)),
        state=told_of(read.state, story.state),
        next=told_of(read.next, story.next),
        trigger=told_of(read.trigger, None),
        output=told_of(read.output, None),
    )
    by_chain = told_of(np.full(n, TRUE, np.int8), story.what)
    stray = by_chain == STRAY
    by_counts, unknown, fixed, stray_rate = np.full(n, TRUE, np.int8), np.zeros(0, np.int64), told, 0.0
    if seen is not None and not stray.all():
        verdict = counts.judge(told, ~stray, np.count_nonzero(by_chain == NEXT) / n)
        what = np.append(np.where(verdict.true, TRUE, verdict.what), TRUE).astype(np.int8)
        distinct, kind = told.distinct
        by_counts = what[find(verdict.transition, distinct)][kind]
        by_counts[stray] = TRUE
        fixed, unknown = _repaired(told, by_counts, verdict)
        stray_rate = verdict.stray
    drop = stray.copy()
    drop[unknown] = True

    gone = np.flatnonzero(drop)
    offsets = log.offsets - np.searchsorted(gone, log.offsets)
    # a row is lost before the row after a gap, and after a dropped row that the machine did take
    lost = story.at[story.gap & ~read.first[story.at]]
    taken = gone[~stray[gone] & (by_counts[gone] != STRAY) & ~read.last[gone]]
    lost = np.append(lost, taken + 1)
    # a gap before a dropped row is a gap before the row after it; no trace begins with a gap
    gap = np.zeros(n - len(gone) + 1, np.bool_)
    gap[lost - np.searchsorted(gone, lost)] = True
    gap[offsets] = False

    left = ~drop

    def codes(column: Codes, size: int, most: int) -> Codes:
        if not size:
            return np.broadcast_to(np.int8(UNKNOWN), n - len(gone))
        column = column[left]
        return np.where(column >= size, UNKNOWN, column) if most > size else column

    source = Runs.count(0, n).replaced(np.sort(pair), other[np.argsort(pair)])
    places = log.places.replaced(np.sort(pair), log.places.at(other[np.argsort(pair)]))
    clean = dataclasses.replace(
        log,
        offsets=offsets,
        places=places.without(gone),
        steps=log.steps.without(gone),  # swapped rows take each other's step too
        state=codes(fixed.state, len(log.states), read.states),
        trigger=codes(fixed.trigger, len(log.triggers), read.triggers),
        next_state=codes(fixed.next, len(log.states), read.states),
        output=codes(fixed.output, len(log.outputs), read.outputs),
    )
    wrong = (by_chain > STRAY) | (by_counts > STRAY)  # a single word of theirs
    strays = np.flatnonzero(stray)
    as_read = strays.copy()
    place = find(np.sort(pair), strays)
    as_read[place < len(pair)] = other[np.argsort(pair)][place[place < len(pair)]]
    moving = np.count_nonzero(read.state[as_read] != read.next[as_read])  # stray rows that do not say that it stays
    return Denoised(
        source=log,
        log=clean,
        rows=source.without(gone),
        gap=gap[:-1],
        findings=findings(log, read, Decisions(swapped, by_chain, by_counts, drop, fixed, stray_rate)),
        rates={
            "label": np.count_nonzero(wrong) / n,
            "spurious": stray_rate + moving / n,
            "swap": len(pair) / n,
            "drop": np.count_nonzero(gap[:-1]) / n,
        },
    )


def _repaired(told: Rows, what: Codes, verdict: Verdict) -> tuple[Rows, Ints]:
    """(rows with the wrong word put right, those that are stray or whose true word cannot be told).

    The true word is that of the one true transition that agrees in the other words; for a wrong next state, in the
    cell alone.
    """
    p, x, q, o = told.parts(verdict.transition[verdict.true])
    a, s, n = told.triggers, told.states, told.outputs
    unknown = [np.flatnonzero(what == STRAY)]

    def repair(kind: int, column: Codes, true_word: Ints, true_rest: Ints, rest: Callable[..., Ints]) -> Codes:
        wrong = np.flatnonzero(what == kind)
        if not len(wrong):
            return column
        column = column.copy()
        rests, first, size = np.unique(true_rest, return_index=True, return_counts=True)
        words = (wide(each[wrong]) for each in (told.state, told.trigger, told.next, told.output))
        at = find(rests, rest(*words))
        single = np.append(size == 1, False)[at]
        column[wrong[single]] = true_word[first[at[single]]]
        unknown.append(wrong[~single])
        return column

    output = repair(OUTPUT, told.output, o, (p * a + x) * s + q, lambda p, x, q, o: (p * a + x) * s + q)
    trigger = repair(TRIGGER, told.trigger, x, (p * s + q) * n + o, lambda p, x, q, o: (p * s + q) * n + o)
    after = repair(NEXT, told.next, q, p * a + x, lambda p, x, q, o: p * a + x)
    return dataclasses.replace(told, output=output, trigger=trigger, next=after), np.concatenate(unknown)
