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
from fsmlearn.runs import Runs, among, united

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
    del confirmed
    told, stray_rate = _told(read, story, seen)
    swapped, gone = told.swapped, np.flatnonzero(told.drop)
    # a row is lost before the row after a gap, and after a dropped row that the machine did take
    lost = story.at[story.gap & ~read.first[story.at]]
    taken = gone[(told.chain[gone] != STRAY) & (told.counts[gone] != STRAY) & ~read.last[gone]]
    lost = np.append(lost, taken + 1)
    wrong = int(np.count_nonzero((told.chain > STRAY) | (told.counts > STRAY)))  # a single word of theirs
    strays = _exchanged(np.flatnonzero(told.chain == STRAY), swapped)
    moving = int(np.count_nonzero(read.state[strays] != read.next[strays]))  # stray rows that do not say that it stays
    found = findings(log, read, told)
    del read, story
    clean, rows, gap = _clean(log, told.fixed, swapped, gone, lost)
    rates = {
        "label": wrong / n,
        "spurious": stray_rate + moving / n,
        "swap": 2 * len(swapped) / n,
        "drop": int(np.count_nonzero(gap)) / n,
    }
    return Denoised(log, clean, rows, gap, found, rates)


def _told(read: Rows, story: chain.Story, seen: Verdict | None) -> tuple[Decisions, float]:
    """(what is decided about each row by the story, and by the counts of the log that it tells; the rate of stray rows
    that leave the state alone)."""
    n = len(read)
    swapped = story.at[story.swap]

    def column(codes: Codes, words: Ints | None = None) -> Codes:
        codes = codes.copy()
        if words is not None:
            codes[story.at] = words
        codes[swapped], codes[swapped + 1] = codes[swapped + 1], codes[swapped]
        return codes

    told = read.changed(
        united(story.at, united(swapped, swapped + 1)),
        state=column(read.state, story.state),
        next=column(read.next, story.next),
        trigger=column(read.trigger) if len(swapped) else read.trigger,
        output=column(read.output) if len(swapped) and read.outputs > 1 else read.output,
    )
    by_chain = column(np.full(n, TRUE, np.int8), story.what)
    drop = by_chain == STRAY
    if seen is None or drop.all():
        return Decisions(swapped, by_chain, np.broadcast_to(np.int8(TRUE), n), drop, told, 0.0), 0.0
    verdict = counts.judge(told, ~drop, np.count_nonzero(by_chain == NEXT) / n)
    what = np.append(np.where(verdict.true, TRUE, verdict.what), TRUE).astype(np.int8)
    distinct, kind = told.distinct
    by_counts = what[find(verdict.transition, distinct)][kind]
    by_counts[drop] = TRUE
    fixed, unknown = _repaired(told, by_counts, verdict)
    drop[unknown] = True
    return Decisions(swapped, by_chain, by_counts, drop, fixed, verdict.stray), verdict.stray


def _exchanged(rows: Ints, swapped: Ints) -> Ints:
    """Rows, of which some are `swapped` or those after these, with each of such a pair in the place of the other."""
    return rows + among(rows, swapped) - among(rows, swapped + 1)


def _clean(log: Log, fixed: Rows, swapped: Ints, gone: Ints, lost: Ints) -> tuple[Log, Runs, Bools]:
    """(the log with true words and without the rows `gone`, the row of the log behind each of its rows, where others
    are `lost` before one)."""
    n = len(log)
    left = np.ones(n, np.bool_)
    left[gone] = False
    offsets = log.offsets - np.searchsorted(gone, log.offsets)

    def codes(column: Codes, size: int, most: int) -> Codes:
        if not size:
            return np.broadcast_to(np.int8(UNKNOWN), n - len(gone))
        column = column[left]
        return np.where(column >= size, UNKNOWN, column) if most > size else column

    pair = united(swapped, swapped + 1)
    other = _exchanged(pair, swapped)
    clean = dataclasses.replace(
        log,
        offsets=offsets,
        places=log.places.replaced(pair, log.places.at(other)).without(gone),
        steps=log.steps.without(gone),  # swapped rows take each other's step too
        state=codes(fixed.state, len(log.states), fixed.states),
        trigger=codes(fixed.trigger, len(log.triggers), fixed.triggers),
        next_state=codes(fixed.next, len(log.states), fixed.states),
        output=codes(fixed.output, len(log.outputs), fixed.outputs),
    )
    # a gap before a dropped row is a gap before the row after it; no trace begins with a gap
    gap = np.zeros(len(clean) + 1, np.bool_)
    gap[lost - np.searchsorted(gone, lost)] = True
    gap[offsets] = False
    return clean, Runs.count(0, n).replaced(pair, other).without(gone), gap[:-1]


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

    output = repair(OUTPUT, told.output, o, (p * a + x) * s + q, lambda p, x, q, _: (p * a + x) * s + q)
    trigger = repair(TRIGGER, told.trigger, x, (p * s + q) * n + o, lambda p, _, q, o: (p * s + q) * n + o)
    after = repair(NEXT, told.next, q, p * a + x, lambda p, x, *_: p * a + x)
    return dataclasses.replace(told, output=output, trigger=trigger, next=after), np.concatenate(unknown)
