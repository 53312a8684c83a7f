"""Judges the rows of a log that hides its states, after the machine is learned: `Extraction` -> `Filtered`.

There no row can be judged beforehand. Once the machine is known, a row whose output it does not give in the state
that the rows before lead to is noise. Such a row is repaired, never dropped: the machine did move, and without the
row all that follow in its trace would be read in a wrong state.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.about import Comparison
from fsmlearn.alike import Distinct
from fsmlearn.denoise import Denoised, Filtered
from fsmlearn.extract import Extraction, output_of
from fsmlearn.findings import KINDS, WRONG_OUTPUT, Findings, Reason
from fsmlearn.histories import Histories
from fsmlearn.logs import Log, Whole
from fsmlearn.packing import Ints
from fsmlearn.runs import Runs
from fsmlearn.spread import Handle, told
from fsmlearn.summary import Way, compared


def judged(source: Whole, kept: Sequence[Handle], answers: Sequence[Handle]) -> Filtered:
    """All parts of a log as `judge` has them, given what is `Distinct` in each, and the `Answers` of that."""
    spread = source.spread
    parts = spread.map(_judged, source.parts, kept, answers)
    counts: list[Ints] = list(told(spread, parts))
    rates = {"output": int(np.sum(counts)) / len(source)}
    return Filtered(source, spread.map(itemgetter(0), parts), rates, source.rows, 0, tuple(counts), 0)


def _judged(log: Log, kept: Distinct, found: Answers) -> tuple[Denoised, Ints]:
    denoised = judge(log, kept.like, found)
    return denoised, np.bincount(denoised.findings.kind, minlength=len(KINDS))


@dataclass(frozen=True, eq=False)
class Wrong:
    """The kinds of wrong rows of a log: answers that a state does not give."""

    kind: Ints  # (k, U) index into what follows, -1 where the answer is right
    output: Ints  # what should stand there
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, eq=False)
class Answers:
    """What the machine makes of n rows of distinct traces: what kind of wrong row each is, if it is one."""

    offsets: Ints  # (K + 1,) of the traces
    wrong: Ints  # (n,) index into the kinds, -1 where the row is right
    kinds: Wrong

    def of(self, traces: NDArray[np.integer[Any]]) -> Answers:
        """Of some of the traces."""
        length = np.diff(self.offsets)[traces]
        offsets = np.append(0, np.cumsum(length))
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][traces] - offsets[:-1], length)
        return Answers(offsets, self.wrong[rows], self.kinds)


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
    return Wrong(kind, np.array(true, np.int64), tuple(reasons))


def answers(log: Log, data: Histories, found: Extraction) -> Answers:
    """What the machine makes of the log of distinct traces that it was extracted from."""
    rows, kinds = found.rows, wrong(log, data, found)
    row_kind = np.empty(len(log), np.int64)
    row_kind[rows.order] = kinds.kind[found.standing.fit.states, rows.symbol]
    return Answers(log.offsets, row_kind, kinds)


def judge(log: Log, like: NDArray[np.integer[Any]], told: Answers) -> Denoised:
    """The log with the machine's answer in every row that it contradicts, and a finding for each of them.

    `like` (R,) is for each trace of the log, or of a part of it, which of the distinct traces it is; for each of the
    pieces that its traces are cut into, if they are.
    """
    length = np.diff(told.offsets)[like]
    rows = np.repeat(told.offsets[:-1][like] - np.cumsum(length) + length, length) + np.arange(len(log))
    kind = told.wrong[rows]
    row = np.flatnonzero(kind >= 0)
    kind = kind[row]
    output = log.output.copy()
    output[row] = told.kinds.output[kind]
    return Denoised(
        source=log,
        log=dataclasses.replace(log, output=output),
        rows=Runs.count(0, len(log)),
        gap=np.zeros(len(log), np.bool_),
        findings=Findings(
            row, np.zeros(len(row), np.bool_), np.full(len(row), WRONG_OUTPUT), _Reasons(kind, told.kinds.reasons)
        ),
        rates={"output": len(row) / len(log)},
    )


class _Reasons:
    """The reason of each finding, by its kind."""

    def __init__(self, kind: Ints, reasons: tuple[Reason, ...]) -> None:
        self._kind, self._reasons = kind, reasons

    def __call__(self, some: slice) -> list[Reason]:
        return [self._reasons[kind] for kind in self._kind[some].tolist()]


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
