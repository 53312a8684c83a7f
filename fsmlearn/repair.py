"""Does to the rows of a log what `denoise` has decided: words put right, rows dropped, swapped rows put back in order.

It decides nothing but the true word, which is that of the one true transition that agrees in the other words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from fsmlearn.counts import Verdict
from fsmlearn.logs import UNKNOWN, Log
from fsmlearn.rows import NEXT, OUTPUT, STRAY, TRIGGER, Bools, Codes, Ints, Rows, find, wide
from fsmlearn.runs import Runs, among, united


def exchanged(rows: Ints, swapped: Ints) -> Ints:
    """Rows, of which some are `swapped` or those after these, with each of such a pair in the place of the other."""
    return rows + among(rows, swapped) - among(rows, swapped + 1)


def rebuilt(log: Log, fixed: Rows, swapped: Ints, gone: Ints, lost: Ints) -> tuple[Log, Runs, Bools, bool]:
    """(the log with true words and without the rows `gone`, the row of the log behind each of its rows, where others
    are `lost` before one, whether some are before the next part of a trace that goes on there)."""
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
    other = exchanged(pair, swapped)
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
    beyond = bool(gap[-1]) and not log.closes
    gap[offsets] = False
    return clean, Runs.count(0, n).replaced(pair, other).without(gone), gap[:-1], beyond


def repaired(told: Rows, what: Codes, verdict: Verdict) -> tuple[Rows, Ints]:
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
