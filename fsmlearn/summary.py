"""`Log` -> `LogSummary`, `Denoised` -> `NoiseSummary`: what was read and filtered, boiled down to plain data.

The summaries outlive the arrays: they are shown, and stored beside the machine.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from fsmlearn.about import LogSummary, NoiseSummary
from fsmlearn.denoise import Denoised
from fsmlearn.logs import Log

EXAMPLES = 100  # findings that are kept


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


def of_noise(denoised: Denoised) -> NoiseSummary:
    """Rates and counts of the filter's findings, and the first of them."""
    actions = Counter(finding.action for finding in denoised.findings)
    return NoiseSummary(
        rates=dict(denoised.rates),
        counts=dict(Counter(finding.kind for finding in denoised.findings)),
        dropped=actions["dropped"],
        repaired=actions["repaired"],
        gaps=int(np.count_nonzero(denoised.gap)),
        examples=tuple(
            (denoised.source.where(finding.row), finding.action, finding.kind, finding.reason)
            for finding in denoised.findings[:EXAMPLES]
        ),
    )


def frequencies(log: Log) -> dict[str, list[tuple[str, int]]]:
    """Rows for each visible state, trigger and output, the most frequent first."""
    columns = {"states": (log.states, log.state), "triggers": (log.triggers, log.trigger)}
    columns["outputs"] = (log.outputs, log.output)
    found = {}
    for what, (words, codes) in columns.items():
        counts = np.bincount(codes[codes >= 0], minlength=len(words)).tolist()
        if words:
            found[what] = sorted(zip(words, counts, strict=True), key=lambda pair: -pair[1])
    return found
