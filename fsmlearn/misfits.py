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
from fsmlearn.extract import Extraction, first_alike, output_of
from fsmlearn.findings import WRONG_OUTPUT, Findings, Reason
from fsmlearn.histories import Histories
from fsmlearn.logs import Log
from fsmlearn.runs import Runs
from fsmlearn.summary import Way, compared


def judge(log: Log, data: Histories, found: Extraction) -> Denoised:
    """The log with the machine's answer in every row that it contradicts, and a finding for each of them."""
    rows, fit = found.rows, found.standing.fit
    believed = np.where(fit.believed, fit.counts, 0)
    known = rows.symbol_answer >= 0
    place = np.empty(len(log), np.int64)  # of each row of the log, or of its like in a trace that is equal
    place[rows.order] = np.arange(len(rows))
    alike = first_alike(log, data, np.zeros(len(log), np.bool_))
    place = place[np.arange(len(log)) + (log.offsets[alike] - log.offsets[:-1])[log.trace]]
    row = np.flatnonzero((known & ~fit.believed)[fit.states, rows.symbol][place])
    wrong = place[row]
    kinds, kind = np.unique(fit.states[wrong] * rows.symbols + rows.symbol[wrong], return_inverse=True)
    true = np.zeros(len(kinds), log.output.dtype)  # output in the place of each kind of wrong row
    shares = []
    for n, (q, u) in enumerate(zip(*(each.tolist() for each in np.divmod(kinds, rows.symbols)), strict=True)):
        cell = np.flatnonzero(known & (rows.symbol_cell == rows.symbol_cell[u]))
        answer = int(cell[believed[q, cell].argmax()])
        true[n] = data.answers[rows.symbol_answer[answer]][1]
        shares.append(f"{int(believed[q, answer]):,} of {int(fit.counts[q, cell].sum()):,} rows")
    output = log.output.copy()
    output[row] = true[kind]

    def reason(n: int) -> tuple[str, str]:
        said, right = (log.outputs[code] or "(empty)" for code in (log.output[row[n]], output[row[n]]))
        state, trigger = found.names[fit.states[wrong[n]]], log.triggers[log.trigger[row[n]]]
        return f"output {said} -> {right}: {state} + {trigger} answers {right} in {shares[kind[n]]}", state

    def told(some: slice) -> list[Reason]:
        return [reason(n) for n in range(*some.indices(len(row)))]

    return Denoised(
        source=log,
        log=dataclasses.replace(log, output=output),
        rows=Runs.count(0, len(log)),
        gap=np.zeros(len(log), np.bool_),
        findings=Findings(row, np.zeros(len(row), np.bool_), np.full(len(row), WRONG_OUTPUT), told),
        rates={"output": len(row) / len(log)},
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
