"""Judges the rows of a log that hides its states, after the machine is learned: `Extraction` -> `Denoised`.

There no row can be judged beforehand. Once the machine is known, a row whose output it does not give in the state
that the rows before lead to is noise. Such a row is repaired, never dropped: the machine did move, and without the
row all that follow in its trace would be read in a wrong state.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from fsmlearn.about import Comparison
from fsmlearn.denoise import Denoised
from fsmlearn.extract import Extraction, output_of
from fsmlearn.findings import Finding
from fsmlearn.histories import Histories
from fsmlearn.logs import Log
from fsmlearn.summary import Way, compared


def judge(log: Log, data: Histories, found: Extraction) -> Denoised:
    """The log with the machine's answer in every row that it contradicts, and a finding for each of them."""
    rows, fit = found.rows, found.standing.fit
    believed = np.where(fit.believed, fit.counts, 0)
    known = rows.symbol_answer >= 0
    wrong = np.flatnonzero((known & ~fit.believed)[fit.states, rows.symbol])
    wrong = wrong[np.argsort(rows.order[wrong])]
    output = log.output.copy()
    findings = []
    for row, q, u in zip(
        rows.order[wrong].tolist(), fit.states[wrong].tolist(), rows.symbol[wrong].tolist(), strict=True
    ):
        cell = np.flatnonzero(known & (rows.symbol_cell == rows.symbol_cell[u]))
        answer = int(cell[believed[q, cell].argmax()])
        output[row] = data.answers[rows.symbol_answer[answer]][1]
        said, true = (log.outputs[code] or "(empty)" for code in (log.output[row], output[row]))
        state, trigger = found.names[q], log.triggers[log.trigger[row]]
        share = f"{int(believed[q, answer]):,} of {int(fit.counts[q, cell].sum()):,} rows"
        reason = f"output {said} -> {true}: {state} + {trigger} answers {true} in {share}"
        findings.append(Finding(row, "repaired", "output", reason, state))
    return Denoised(
        source=log,
        log=dataclasses.replace(log, output=output),
        row=np.arange(len(log)),
        gap=np.zeros(len(log), np.bool_),
        findings=tuple(findings),
        rates={"output": len(findings) / len(log)},
    )


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
