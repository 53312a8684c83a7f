"""Judges the rows of a log that hides its states, after the machine is learned: `Extraction` -> `Filtered`.

There no row can be judged beforehand. Once the machine is known, a row whose output it does not give in the state
that the rows before lead to is noise. Such a row is repaired, never dropped: the machine did move, and without the
row all that follow in its trace would be read in a wrong state. Rows that its likeliest run takes in the other order
are put in that order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.about import Comparison
from fsmlearn.alike import Distinct
from fsmlearn.denoise import Denoised, Filtered
from fsmlearn.extract import Extraction, output_of
from fsmlearn.findings import KINDS, SWAP, WRONG_OUTPUT, Findings, Reason
from fsmlearn.histories import Histories
from fsmlearn.logs import Log, Whole
from fsmlearn.packing import Ints, Rows
from fsmlearn.repair import exchanged
from fsmlearn.runs import Runs, united
from fsmlearn.spread import Handle, told
from fsmlearn.summary import Way, compared
from fsmlearn.traces import Codes


def judged(source: Whole, kept: Sequence[Handle], answers: Sequence[Handle]) -> Filtered:
    """All parts of a log as `judge` has them, given what is `Distinct` in each, and the `Answers` of that."""
    spread = source.spread
    parts = spread.map(_judged, source.parts, kept, answers)
    counts: list[Ints] = list(told(spread, parts))
    rates = _rates(np.sum(counts, axis=0), len(source))
    return Filtered(source, spread.map(itemgetter(0), parts), rates, source.rows, 0, tuple(counts), 0)


def _rates(counts: Ints, rows: int) -> dict[str, float]:
    """The share of each kind of findings (len(KINDS),) that there is in logs of hidden states."""
    return {KINDS[kind]: int(counts[kind]) / rows for kind in (WRONG_OUTPUT, SWAP)}


def _judged(log: Log, kept: Distinct, found: Answers) -> tuple[Denoised, Ints]:
    denoised = judge(log, kept.like, found)
    return denoised, _counts(denoised.findings.kind)


def _counts(kind: Ints) -> Ints:
    return np.bincount(kind, minlength=len(KINDS))


@dataclass(frozen=True, eq=False)
class Wrong:
    """The kinds of wrong rows of a log: answers that a state does not give."""

    kind: Ints  # (k, U) index into what follows, -1 where the answer is right
    output: Ints  # what should stand there
    reasons: tuple[Reason, ...]
    states: tuple[str, ...]  # (k,) what the machine calls them


@dataclass(frozen=True, eq=False)
class Answers:
    """What the machine makes of n rows of distinct traces: what kind of wrong row each is, if it is one, and which
    changed places with a neighbour."""

    offsets: Ints  # (K + 1,) of the traces
    wrong: Ints  # (n,) index into the kinds, -1 where the row is right
    # (n,) twice the state before a row that changed places with the one after it, in the right order; one more where it
    # did so with the one before it; -1 where the row stands in its place
    moved: Ints
    kinds: Wrong

    def of(self, traces: NDArray[np.integer[Any]]) -> Answers:
        """Of some of the traces."""
        length = np.diff(self.offsets)[traces]
        offsets = np.append(0, np.cumsum(length))
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][traces] - offsets[:-1], length)
        return Answers(offsets, self.wrong[rows], self.moved[rows], self.kinds)


def wrong(log: Log, data: Histories, found: Extraction) -> Wrong:
    """Every kind of wrong row, as the machine counts them."""
    rows, fit = found.rows, found.standing.fit
    believed = np.where(fit.believed, fit.counts, 0)
    known = rows.symbol_answer >= 0
    state, symbol = np.nonzero(known & ~fit.believed & (fit.counts > 0))
    kind = np.full(fit.counts.shape, -1)
    kind[state, symbol] = np.arange(len(state))
    true, reasons = [], []
    for q, u in zip(state.tolist(), symbol.tolist(), strict=True):
        cell = np.flatnonzero(known & (rows.symbol_cell == rows.symbol_cell[u]))
        answer = int(cell[believed[q, cell].argmax()])
        true.append(data.answers[rows.symbol_answer[answer]][1])
        share = f"{int(believed[q, answer]):,} of {int(fit.counts[q, cell].sum()):,} rows"
        said, right = output_of(log, data, rows, u) or "(empty)", log.outputs[true[-1]] or "(empty)"
        name, trigger = found.names[q], log.triggers[rows.cell_trigger[rows.symbol_cell[u]]]
        reasons.append((f"output {said} -> {right}: {name} + {trigger} answers {right} in {share}", name))
    return Wrong(kind, np.array(true, np.int64), tuple(reasons), found.names)


def answers(log: Log, data: Histories, found: Extraction) -> Answers:
    """What the machine makes of the log of distinct traces that it was extracted from."""
    rows = found.rows
    return asked(log, wrong(log, data, found), [(rows, rows.order, found.standing.fit.states)])


def asked(log: Log, kinds: Wrong, runs: Iterable[tuple[Rows, Ints, Ints]]) -> Answers:
    """What the machine makes of a log of distinct traces, given its runs over some of the traces at a time: n rows, of
    each its place in the log (n,) and the state before it (n,)."""
    wrong, moved = np.full((2, len(log)), -1)
    for rows, row, states in runs:
        wrong[row] = kinds.kind[states, rows.symbol]
        later = np.flatnonzero(rows.swapped)  # in the log
        sooner = rows.following[later]
        moved[row[sooner]] = 2 * states[sooner]
        moved[row[later]] = 2 * states[later] + 1
    return Answers(log.offsets, wrong, moved, kinds)


def judge(log: Log, like: NDArray[np.integer[Any]], told: Answers) -> Denoised:
    """The log in the order of the machine, with its answer in every row that it contradicts, and a finding for each row
    that is not as it was.

    `like` (R,) is for each trace of the log, or of a part of it, which of the distinct traces it is; for each of the
    pieces that its traces are cut into, if they are.
    """
    length = np.diff(told.offsets)[like]
    rows = np.repeat(told.offsets[:-1][like] - np.cumsum(length) + length, length) + np.arange(len(log))
    wrong, moved = told.wrong[rows], told.moved[rows]
    row = np.flatnonzero((wrong >= 0) | (moved >= 0))
    wrong, moved = wrong[row], moved[row]
    output = log.output.copy()
    output[row[wrong >= 0]] = told.kinds.output[wrong[wrong >= 0]]
    swapped = row[(moved >= 0) & (moved % 2 == 0)]  # with the rows after these
    pair = united(swapped, swapped + 1)
    other = exchanged(pair, swapped)
    trigger = log.trigger.copy()
    trigger[pair], output[pair] = trigger[other], output[other]
    kind = np.where(moved >= 0, SWAP, WRONG_OUTPUT)
    return Denoised(
        source=log,
        log=dataclasses.replace(
            log, places=log.places.replaced(pair, log.places.at(other)), trigger=trigger, output=output
        ),
        rows=Runs.count(0, len(log)).replaced(pair, other),
        gap=np.zeros(len(log), np.bool_),
        findings=Findings(
            row,
            np.zeros(len(row), np.bool_),
            kind,
            _Reasons(wrong, moved, log.trigger[row], log.triggers, told.kinds),
        ),
        rates=_rates(_counts(kind), len(log)),
    )


@dataclass(frozen=True, eq=False)
class _Reasons:
    """The reasons of F findings."""

    wrong: Ints  # (F,) as `Answers` has it
    moved: Ints  # (F,)
    trigger: Codes  # (F,)
    triggers: tuple[str, ...]
    kinds: Wrong

    def __call__(self, some: slice) -> list[Reason]:
        columns = self.wrong[some].tolist(), self.moved[some].tolist(), self.trigger[some].tolist()
        return [self._reason(*each) for each in zip(*columns, strict=True)]

    def _reason(self, wrong: int, moved: int, trigger: int) -> Reason:
        if moved < 0:
            return self.kinds.reasons[wrong]
        side, state = "before" if moved % 2 else "after", self.kinds.states[moved // 2]
        reason = f"changed places with the row {side} it: only so do the outputs follow"
        reason += f", with {state} before {self.triggers[trigger]}"
        if wrong >= 0:
            reason += f"; {self.kinds.reasons[wrong][0]}"
        return reason, state


def compare(log: Log, data: Histories, found: Extraction) -> tuple[Comparison, ...]:
    """Every transition of the machine and every other output that the log shows in one of its states.

    Of an output that is noise the next state is where the machine went all the same.
    """
    fit = found.standing.fit
    seen: dict[Way, tuple[int, int]] = {}
    shown = (fit.counts > 0) & (fit.believed | (found.rows.symbol_answer >= 0))
    for q, u in zip(*(index.tolist() for index in np.nonzero(shown)), strict=True):
        count = int(fit.counts[q, u])
        seen[way(log, data, found, q, u)] = (count, 0 if fit.believed[q, u] else count)
    return compared(seen, found.machine)


def way(log: Log, data: Histories, found: Extraction, q: int, u: int) -> Way:
    """What symbol u does in state q, in words."""
    rows, names = found.rows, found.names
    return (
        names[q],
        log.triggers[rows.cell_trigger[rows.symbol_cell[u]]],
        names[int(found.standing.table.target[q, u])],
        output_of(log, data, rows, u),
    )
