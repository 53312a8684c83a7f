"""`Whole` -> `LogSummary`, `Filtered` -> `NoiseSummary`: what was read and filtered, boiled down to plain data.

The summaries outlive the arrays: they are shown, and stored beside the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fsmlearn.about import Comparison, GridSummary, LogSummary, Moved, NoiseSummary, VariableSummary, Verdict
from fsmlearn.denoise import Denoised, Filtered
from fsmlearn.findings import KINDS
from fsmlearn.logs import Log, Whole
from fsmlearn.machine import Machine
from fsmlearn.variables import Variable

EXAMPLES = 10_000  # findings that are kept

Way = tuple[str, str, str, str | None]  # state, trigger, next state and output, as the log or the table calls them


def of_log(log: Whole) -> LogSummary:
    """Sizes, columns and oddities of a log."""
    return LogSummary(
        kind=log.kind,
        files=log.files,
        columns=dict(log.columns),
        rows=len(log),
        traces=sum(log.traces),
        states=len(log.states),
        triggers=len(log.triggers),
        outputs=len(log.outputs),
        fingerprint=log.fingerprint(),
        oddities=tuple((each.what, each.count, each.where, each.done) for each in log.oddities),
    )


def of_grid(log: Whole) -> GridSummary:
    """What a log of variables is made of, and which of them move on which trigger, the most frequent first."""
    [found] = log.spread.bring(log.spread.map(_of_grid, log.parts[:1]))  # such a log is one part
    assert isinstance(found, GridSummary)
    return found


def _of_grid(log: Log) -> GridSummary:
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
        tuple(map(_of_variable, variables)),
        tuple(map(_of_variable, log.grid.inputs)),
        tuple(Moved(log.triggers[a], int(rows[a]), tuple(moved[:, a].tolist())) for a in order if rows[a]),
    )


def _of_variable(v: Variable) -> VariableSummary:
    return VariableSummary(v.name, v.values, v.cuts is not None, v.cuts or (), v.bands, v.given, v.usual)


def of_noise(found: Filtered, most: int = EXAMPLES) -> NoiseSummary:
    """Rates and counts of the filter's findings, and so many of the first."""
    spread, count = found.source.spread, np.sum(found.counts, axis=0).tolist()
    before = np.cumsum([0, *(counts.sum() for counts in found.counts)])[:-1]
    wanted = np.clip(most - before, 0, most).tolist()
    parts = [(part, some) for part, some in zip(found.parts, wanted, strict=True) if some]
    return NoiseSummary(
        rates=dict(found.rates),
        counts={kind: rows for kind, rows in zip(KINDS, count, strict=True) if rows},
        dropped=found.dropped,
        repaired=sum(count) - found.dropped,
        gaps=found.gaps,
        examples=tuple(chain.from_iterable(spread.bring(spread.map(examples, *zip(*parts, strict=True))))),
    )


def examples(denoised: Denoised, most: int) -> list[tuple[str, str, str, str]]:
    """The first findings: (where, action, kind, reason)."""
    found = denoised.findings
    places = denoised.source.places_of(found.row[:most])
    return [(place, each.action, each.kind, each.reason) for place, each in zip(places, found[:most], strict=True)]


def frequencies(log: Whole) -> dict[str, list[tuple[str, int]]]:
    """Rows for each visible state, trigger or event, and output, the most frequent first."""
    triggers = "events" if log.kind == "sequence" else "triggers"
    words = {"states": log.states, triggers: log.triggers, "outputs": log.outputs}
    parts = list(log.spread.bring(log.spread.map(_frequencies, log.parts)))
    found = {}
    for what, counts in zip(words, zip(*parts, strict=True), strict=True):
        if words[what]:
            rows = np.sum(counts, axis=0).tolist()
            found[what] = sorted(zip(words[what], rows, strict=True), key=lambda pair: -pair[1])
    return found


def _frequencies(log: Log) -> list[NDArray[np.int64]]:
    """Rows for each state, trigger and output."""
    columns = ((log.states, log.state), (log.triggers, log.trigger), (log.outputs, log.output))
    return [np.bincount(codes[codes >= 0], minlength=len(words)) for words, codes in columns]


Seen = dict[Way, tuple[int, int]]  # rows of each transition, and how many of them are noise


def said(found: Filtered) -> Seen:
    """Every transition of a visible-state log, in the names of the log."""
    spread, total = found.source.spread, Seen()
    for part in spread.bring(spread.map(_said, found.parts)):
        for way, counts in part.items():
            rows, noise = total.get(way, (0, 0))
            total[way] = rows + counts[0], noise + counts[1]
    return total


def _said(denoised: Denoised) -> Seen:
    """What the rows say, in the names of the log."""
    source, seen = denoised.source, Seen()
    states, outputs = (*source.states, "(empty)"), (*source.outputs, None)
    assert denoised.said is not None
    for state, trigger, after, output, rows, noise in denoised.said.T.tolist():
        seen[states[state], source.triggers[trigger], states[after], outputs[output]] = rows, noise
    return seen


def compared(seen: Mapping[Way, tuple[int, int]], machine: Machine) -> tuple[Comparison, ...]:
    """Every transition of a log, with its rows and how many of them are noise, beside those of its machine.

    Where the log shows states, those of the machine are taken together by the visible state they show.
    """
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
