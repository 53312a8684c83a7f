"""What the filter came to, as text: the clean rows, and those that were not believed, part by part of the log."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fsmlearn import formats, logs
from fsmlearn import steps as numbering
from fsmlearn.denoise import Denoised
from fsmlearn.traces import FILE


def clean(found: Denoised, first: bool, traced: bool) -> Iterator[str]:
    """The clean rows as CSV, of the first part with a header; with a column of traces if wanted."""
    return logs.written(found.log, first, traced=traced)


def told(found: Denoised) -> Iterator[str]:
    """A line for each row that was not believed, made harmless."""
    for finding in found.findings:
        yield formats.printable(f"{found.source.where(finding.row)}: {finding.action}, {finding.reason}") + "\n"


def dropped(found: Denoised, first: bool) -> Iterator[str]:
    """Lines of CSV: each row that was not believed, as the log has it, what was done and why; first a header."""
    log = found.source
    outputs = "output" in log.columns
    hidden = log.kind == "hidden"
    states = ["state", "trigger"] if hidden else ["current_state", "trigger", "next_state"]
    if first:
        yield formats.csv_line(
            ["file", "line", "action", "kind", "trace", "step", *states, *["output"] * outputs, "reason"]
        )

    def word(words: tuple[str, ...], code: int) -> str:
        return words[code] if code >= 0 and not (words is log.states and code == log.unrecorded) else ""

    row_of = found.findings.row
    places, steps = log.places.at(row_of), numbering.shown(log.steps.at(row_of), log.clock)
    traces = np.searchsorted(log.offsets, row_of, "right") - 1
    where = zip(places.tolist(), steps, traces.tolist(), strict=True)
    for finding, (place, step, trace) in zip(found.findings, where, strict=True):
        row = finding.row
        trigger = word(log.triggers, log.trigger[row])
        if hidden:
            moved = [finding.state, trigger]
        else:
            moved = [word(log.states, log.state[row]), trigger, word(log.states, log.next_state[row])]
        yield formats.csv_line(
            [
                log.files[place >> FILE],
                place & ((1 << FILE) - 1),
                finding.action,
                finding.kind,
                log.traces[trace],
                step,
                *moved,
                *[word(log.outputs, log.output[row])] * outputs,
                finding.reason,
            ]
        )
