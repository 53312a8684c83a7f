"""`Log` + `Histories` -> `Sample`, and a `Sample` as `Histories` again, coded as the network knows them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fsmlearn.histories import Histories, histories
from fsmlearn.logs import UNKNOWN, Log
from fsmlearn.runs import Runs
from fsmlearn.sample import Sample, SampledTrace

TRACES = 200  # at most
ROWS = 5000  # at most, of all of them
LONGEST = 500  # rows of a trace, unless there are so few traces that there is room for more


def sampled(log: Log, data: Histories) -> Sample:
    """Some traces of a log, given with its histories.

    Those that are the first to show some move come first, so that what is rare is there, and then others with inputs of
    their own. Traces are whole where they have at most LONGEST rows, and cut off behind these where they have more.
    """
    begins = data.starts[data.previous < 0]
    ends = np.append(begins[1:], len(data)) - 1
    _, first, kind, alike = np.unique(data.history[ends], return_index=True, return_inverse=True, return_counts=True)
    longest = max(ROWS // len(first), LONGEST)
    chosen: list[SampledTrace] = []
    room = ROWS
    for r in _ordered(data, begins, first):
        start, stop = log.offsets[r : r + 2].tolist()
        stop = min(stop, start + longest)
        if stop - start <= room and len(chosen) < TRACES:
            chosen.append(_trace(log, r, start, stop, int(alike[kind[r]])))
            room -= stop - start
    return Sample(log.kind, log.files, log.states, log.triggers, log.outputs, data.answers, tuple(chosen))


def _ordered(data: Histories, begins: NDArray[np.int64], distinct: NDArray[np.int64]) -> list[int]:
    """Traces that are the first with some inputs and target, then all that are the first with their inputs."""
    move = data.targets.astype(np.int64) + 1
    for feature in data.inputs.T:
        move = move * data.words + feature
    first = np.unique(move, return_index=True)[1]
    telling = np.unique(np.searchsorted(begins, first, "right") - 1)
    return list(dict.fromkeys([*telling.tolist(), *np.sort(distinct).tolist()]))


def _trace(log: Log, r: int, start: int, stop: int, alike: int) -> SampledTrace:
    rows = np.arange(start, stop)
    part = log.select(rows)
    columns = (part.state, part.trigger, part.next_state, part.output, part.file, part.line)
    return SampledTrace(log.traces[r], alike, *(tuple(column.tolist()) for column in columns))


def histories_of(sample: Sample) -> Histories:
    """The rows of a sample as the network sees them: inputs and targets have the codes that it was trained with."""
    traces = sample.traces

    def column(name: str) -> NDArray[np.int32]:
        return np.array([code for trace in traces for code in getattr(trace, name)], np.int32)

    size = sum(map(len, traces))
    log = Log(
        kind=sample.kind,  # type: ignore[arg-type]  # a sample knows no other kinds than a log
        files=sample.files,
        columns={},
        states=sample.states,
        triggers=sample.triggers,
        outputs=sample.outputs,
        traces=tuple(trace.name for trace in traces),
        offsets=np.cumsum([0, *map(len, traces)]),
        places=Runs.count(0, size),
        steps=Runs.count(0, size),
        state=column("state"),
        trigger=column("trigger"),
        next_state=column("next_state"),
        output=column("output"),
    )
    data = histories(log)
    if sample.kind == "sequence":
        return data
    code = {answer: n for n, answer in enumerate(sample.answers)}
    known = np.array([code.get(answer, UNKNOWN) for answer in data.answers], np.int32)
    targets = np.where(data.targets >= 0, known[data.targets], UNKNOWN).astype(np.int32)
    return replace(data, targets=targets, answers=sample.answers)
