"""A log and `Histories` -> `Sample`, and a `Sample` as `Histories` again, coded as the network knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fsmlearn.histories import Histories, histories
from fsmlearn.logs import UNKNOWN, Log, Whole
from fsmlearn.runs import Runs
from fsmlearn.sample import Sample, SampledTrace
from fsmlearn.traces import FILE

Ints = NDArray[np.int64]
Chosen = tuple[int, int, int]  # which trace, how many of its rows, how many that were learned from have its inputs

TRACES = 200  # at most
ROWS = 5000  # at most, of all of them
LONGEST = 500  # rows of a trace, unless there are so few traces that there is room for more


def sampled(log: Whole, data: Histories, number: Ints | None = None) -> Sample:
    """Some traces of a log, given the histories of those that are learned from.

    Those that are the first to show some move come first, so that what is rare is there, and then others with inputs of
    their own. Traces are whole where they have at most LONGEST rows, and cut off behind these where they have more.
    `number` is for each trace with histories which of the log's traces that have rows it is, or the first of those that
    it stands for; the same one unless given.
    """
    begins = data.starts[data.previous < 0]
    ends = np.append(begins[1:], len(data))
    rows = ends - begins - (log.kind == "sequence")  # the start of a trace is no row
    _, first, kind = np.unique(data.history[ends - 1], return_index=True, return_inverse=True)
    alike = np.bincount(kind, np.bincount(data.like, minlength=len(begins)))
    longest = max(ROWS // len(first), LONGEST)
    chosen: list[Chosen] = []
    room = ROWS
    for r in _ordered(data, begins, first):
        size = min(int(rows[r]), longest)
        if size <= room and len(chosen) < TRACES:
            chosen.append((int(r if number is None else number[r]), size, int(alike[kind[r]])))
            room -= size
    return Sample(log.kind, log.files, log.states, log.triggers, log.outputs, data.answers, _taken(log, chosen))


def _ordered(data: Histories, begins: Ints, distinct: Ints) -> list[int]:
    """Traces that are the first with some inputs and target, then all that are the first with their inputs."""
    move = data.targets.astype(np.int64) + 1
    for feature in data.inputs.T:
        move = move * data.words + feature
    first = np.unique(move, return_index=True)[1]
    telling = np.unique(np.searchsorted(begins, first, "right") - 1)
    return list(dict.fromkeys([*telling.tolist(), *np.sort(distinct).tolist()]))


def _taken(log: Whole, chosen: Sequence[Chosen]) -> tuple[SampledTrace, ...]:
    """What stands in these traces, in the parts that they are in."""
    spread = log.spread
    before = np.cumsum([0, *spread.bring(spread.map(_filled, log.parts))])
    part = np.searchsorted(before, [trace for trace, _, _ in chosen], "right") - 1
    order = np.argsort(part, kind="stable")
    wanted: list[list[Chosen]] = [[] for _ in log.parts]
    for n in order.tolist():
        trace, size, alike = chosen[n]
        wanted[part[n]].append((trace - int(before[part[n]]), size, alike))
    found = list(chain.from_iterable(spread.bring(spread.map(_traces, log.parts, wanted))))
    return tuple(found[n] for n in np.argsort(order).tolist())


def _filled(log: Log) -> int:
    """How many traces of a part have rows."""
    return int(np.count_nonzero(np.diff(log.offsets)))


def _traces(log: Log, chosen: Sequence[Chosen]) -> list[SampledTrace]:
    filled = np.flatnonzero(np.diff(log.offsets)) if chosen else log.offsets
    return [_trace(log, int(filled[n]), size, alike) for n, size, alike in chosen]


def _trace(log: Log, r: int, size: int, alike: int) -> SampledTrace:
    rows = np.arange(log.offsets[r], log.offsets[r] + size)
    place = log.places.at(rows)
    columns = [each[rows] for each in (log.state, log.trigger, log.next_state, log.output)]
    columns += [place >> FILE, place & ((1 << FILE) - 1)]
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
