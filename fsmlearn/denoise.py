"""Judges the rows of a log before anything is learned from it: `Log` -> `Denoised`.

Two witnesses are heard. The *chain*: a row's next state should be the current state of the row after it, and
where it is not, the likeliest story of wrong words, swapped rows and lost rows is found. The *counts*: a transition
is noise where a noise rate, estimated from every place where such noise would show, produces it as often as it is
seen. A log with neither witness against it loses nothing. It knows nothing of networks or machines.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsmlearn import chain, counts
from fsmlearn.counts import Verdict
from fsmlearn.findings import Decisions, Finding, findings
from fsmlearn.junctions import Beliefs
from fsmlearn.logs import UNKNOWN, Log
from fsmlearn.rows import CURRENT, NEXT, OUTPUT, STRAY, TRIGGER, TRUE, Bools, Ints, Rows, coded, find

__all__ = ["Denoised", "Finding", "denoise"]


@dataclass(frozen=True, eq=False)
class Denoised:
    """The clean log, and what was done to the log as read to get it. N rows as read, M clean rows."""

    source: Log  # as read
    log: Log  # what to learn from: rows dropped, next states repaired, swapped rows back in order
    row: NDArray[np.int64]  # (M,) for each clean row its index in source
    gap: NDArray[np.bool_]  # (M,) True where rows seem to be lost between this row and the one before it in its trace
    findings: tuple[Finding, ...]  # ordered by row
    rates: Mapping[str, float]  # estimated share of rows by kind of noise: label, spurious, swap, drop


def denoise(log: Log) -> Denoised:
    """Judge every row of a visible-state log; other logs come back as they are, they cannot be judged row by row.

    A row is repaired where the log says what it should be, and dropped otherwise. Rows that the log gives
    no clear reason to doubt stay. Costs a few array passes over the N rows, and else grows with what is distinct.
    """
    n = len(log)
    if log.kind != "visible" or n == 0 or len(log.states) < 2:
        none = dict.fromkeys(("label", "spurious", "swap", "drop"), 0.0)
        return Denoised(log, log, np.arange(n), np.zeros(n, bool), (), none)
    read = coded(log)
    broken = read.broken()
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
    order = np.arange(n)
    pair = np.flatnonzero(story.swap)
    order[pair], order[pair + 1] = pair + 1, pair
    told = dataclasses.replace(
        read, state=story.state[order], next=story.next[order], trigger=read.trigger[order], output=read.output[order]
    )
    by_chain = story.what[order]
    stray = by_chain == STRAY
    by_counts, drop, fixed, stray_rate = np.full(n, TRUE), stray, told, 0.0
    if seen is not None and not stray.all():
        verdict = counts.judge(told, ~stray, float((by_chain == NEXT).mean()))
        what = np.append(np.where(verdict.true, TRUE, verdict.what), TRUE)
        by_counts = np.where(stray, TRUE, what[find(verdict.transition, told.transition())])
        fixed, unknown = _repaired(told, by_counts, verdict)
        drop, stray_rate = stray | unknown, verdict.stray

    kept = np.flatnonzero(~drop)
    lost = story.gap & ~read.first
    lost[1:] |= (drop & ~stray & (by_counts != STRAY) & ~read.last)[:-1]  # a dropped row that the machine did take
    # a gap before a dropped row is a gap before the row after it
    gap = np.diff(np.cumsum(lost)[kept], prepend=0) > 0
    gap &= np.diff(np.searchsorted(log.offsets, kept, "right"), prepend=0) == 0  # no trace begins with a gap

    def codes(column: Ints, size: int) -> NDArray[np.int32]:
        return np.where(column[kept] >= size, UNKNOWN, column[kept]).astype(np.int32)

    source = order[kept]
    clean = dataclasses.replace(
        log,
        offsets=np.append(0, np.cumsum(~drop))[log.offsets],
        file=log.file[source],
        line=log.line[source],
        step=log.step[kept],  # swapped rows take each other's step too
        state=codes(fixed.state, len(log.states)),
        trigger=codes(fixed.trigger, len(log.triggers)),
        next_state=codes(fixed.next, len(log.states)),
        output=codes(fixed.output, len(log.outputs)),
    )
    wrong = np.isin(by_chain, (NEXT, CURRENT)) | np.isin(by_counts, (OUTPUT, TRIGGER, NEXT))
    moving = stray & (read.state != read.next)[order]  # stray rows that do not say that the state stays
    return Denoised(
        source=log,
        log=clean,
        row=source,
        gap=gap,
        findings=findings(log, read, Decisions(order, by_chain, by_counts, story.swap, drop, fixed, stray_rate)),
        rates={
            "label": float(wrong.mean()),
            "spurious": stray_rate + float(moving.mean()),
            "swap": 2 * len(pair) / n,
            "drop": float(np.count_nonzero(gap) / n),
        },
    )


def _repaired(told: Rows, what: Ints, verdict: Verdict) -> tuple[Rows, Bools]:
    """(rows with the wrong word put right, (N,) those that are stray or whose true word cannot be told).

    The true word is that of the one true transition that agrees in the other words; for a wrong next state, in the
    cell alone.
    """
    p, x, q, o = told.parts(verdict.transition[verdict.true])
    output, trigger, after = told.output.copy(), told.trigger.copy(), told.next.copy()
    unknown = what == STRAY

    def repair(kind: int, column: Ints, true_word: Ints, true_rest: Ints, rest: Ints) -> None:
        rests, first, size = np.unique(true_rest, return_index=True, return_counts=True)
        wrong = np.flatnonzero(what == kind)
        at = find(rests, rest[wrong])
        single = np.append(size == 1, False)[at]
        column[wrong[single]] = true_word[first[at[single]]]
        unknown[wrong[~single]] = True

    a, s, n = told.triggers, told.states, told.outputs
    repair(OUTPUT, output, o, (p * a + x) * s + q, (told.state * a + told.trigger) * s + told.next)
    repair(TRIGGER, trigger, x, (p * s + q) * n + o, (told.state * s + told.next) * n + told.output)
    repair(NEXT, after, q, p * a + x, told.state * a + told.trigger)
    return dataclasses.replace(told, output=output, trigger=trigger, next=after), unknown
