"""`Log` -> `LogSummary`, `Denoised` -> `NoiseSummary`: what was read and filtered, boiled down to plain data.

The summaries outlive the arrays: they are shown, and stored beside the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from fsmlearn.about import Comparison, GridSummary, LogSummary, Moved, NoiseSummary, VariableSummary, Verdict
from fsmlearn.denoise import Denoised
from fsmlearn.findings import KINDS, SWAP
from fsmlearn.logs import Log
from fsmlearn.machine import Machine
from fsmlearn.rows import coded

EXAMPLES = 100_000  # findings that are kept

Way = tuple[str, str, str, str | None]  # state, trigger, next state and output, as the log or the table calls them


def of_log(log: Log) -> LogSummary:
    """Sizes, columns and oddities of a log."""
    return LogSummary(
        kind=log.kind,
        files=log.files,
        columns=dict(log.columns),
        rows=len(log),
        traces=len(log.traces),
        states=len(log.states),
        triggers=len(log.triggers),
        outputs=len(log.outputs),
        fingerprint=log.fingerprint(),
        oddities=tuple((each.what, each.count, each.where, each.done) for each in log.oddities),
    )


def of_grid(log: Log) -> GridSummary:
    """What a log of variables is made of, and which of them move on which trigger, the most frequent first."""
    if log.grid is None:
        return GridSummary()
    variables = log.grid.variables
    moved = np.zeros((len(variables), len(log.triggers)), np.int64)
    for count, variable in zip(moved, variables, strict=True):
        value = np.array(variable.of_state)
        count += np.bincount(log.trigger[value[log.state] != value[log.next_state]], minlength=len(log.triggers))
    rows = np.bincount(log.trigger, minlength=len(log.triggers))
    order = np.argsort(-rows, kind="stable").tolist()
    return GridSummary(
        log.grid.rows,
        "" if "trigger" not in log.columns else "after" if log.grid.late else "before",
        tuple(VariableSummary(v.name, v.values, v.cuts is not None, v.cuts or (), v.given) for v in variables),
        tuple(Moved(log.triggers[a], int(rows[a]), tuple(moved[:, a].tolist())) for a in order if rows[a]),
    )


def of_noise(denoised: Denoised) -> NoiseSummary:
    """Rates and counts of the filter's findings, and the first of them."""
    found = denoised.findings
    count = np.bincount(found.kind, minlength=len(KINDS)).tolist()
    dropped = int(np.count_nonzero(found.dropped))
    return NoiseSummary(
        rates=dict(denoised.rates),
        counts={kind: rows for kind, rows in zip(KINDS, count, strict=True) if rows},
        dropped=dropped,
        repaired=len(found) - dropped,
        gaps=int(np.count_nonzero(denoised.gap)),
        examples=tuple(
            (place, finding.action, finding.kind, finding.reason)
            for place, finding in zip(denoised.source.places_of(found.row[:EXAMPLES]), found[:EXAMPLES], strict=True)
        ),
    )


def frequencies(log: Log) -> dict[str, list[tuple[str, int]]]:
    """Rows for each visible state, trigger or event, and output, the most frequent first."""
    triggers = "events" if log.kind == "sequence" else "triggers"
    columns = {"states": (log.states, log.state), triggers: (log.triggers, log.trigger)}
    columns["outputs"] = (log.outputs, log.output)
    found = {}
    for what, (words, codes) in columns.items():
        counts = np.bincount(codes[codes >= 0], minlength=len(words)).tolist()
        if words:
            found[what] = sorted(zip(words, counts, strict=True), key=lambda pair: -pair[1])
    return found


def compare(denoised: Denoised, machine: Machine) -> tuple[Comparison, ...]:
    """Every transition of a visible-state log and of the machine learned from it, in the names of the log.

    The machine's states are taken together by the visible state they show. A row counts as noise where the filter
    dropped it or changed it; rows that it only put back in order stand as observed.
    """
    source = denoised.source
    rows, wrong = coded(source), denoised.findings.row[denoised.findings.kind != SWAP]
    distinct, index = rows.distinct
    noise = np.bincount(index[wrong], minlength=len(distinct))
    seen: dict[Way, tuple[int, int]] = {}
    states = (*source.states, "(empty)")
    columns = (*rows.parts(distinct), rows.count, noise)
    for state, trigger, after, output, all_rows, noisy in zip(*(each.tolist() for each in columns), strict=True):
        words = (states[state], source.triggers[trigger], states[after])
        seen[(*words, (*source.outputs, None)[output])] = (all_rows, noisy)
    return compared(seen, machine)


def compared(seen: Mapping[Way, tuple[int, int]], machine: Machine) -> tuple[Comparison, ...]:
    """Every transition of a log, with its rows and how many of them are noise, beside those of its machine."""
    learned: Counter[Way] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    for each in machine.transitions:
        state_word, after_word = machine.visible(each.state), machine.visible(each.next_state)
        learned[state_word, each.trigger, after_word, each.output] += each.count
        total[state_word, each.trigger] += each.count
    result = []
    for key in sorted(seen.keys() | learned.keys(), key=lambda key: (*key[:3], key[3] or "")):
        rows_seen, noisy = seen.get(key, (0, 0))
        verdict: Verdict
        if key in learned:
            verdict = "learned" if rows_seen else "only learned"
        else:
            verdict = "noise" if noisy == rows_seen else "only seen"
        share = learned[key] / max(total[key[0], key[1]], 1)
        result.append(Comparison(*key, rows_seen, noisy, share, verdict))
    return tuple(result)
