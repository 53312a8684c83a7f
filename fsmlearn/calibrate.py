"""What is normal, measured on the log that a machine was learned from: `Machine` + clean `Log` -> `Normal`.

A machine has seen exactly its own log, so a run is judged as if it had never been in it: its rows are taken out of the
counts while it is judged. What only this run ever did is then new, as it would be in a new log. In long runs that is
done stretch by stretch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.alike import distinct, joined
from fsmlearn.following import Belief, Following, Words
from fsmlearn.judge import END_OF_RUN, Judge, likeliest
from fsmlearn.logs import Log, Whole
from fsmlearn.machine import Machine
from fsmlearn.normal import NONE, SHARES, Counts, Normal, Tail, surprise_of_end
from fsmlearn.relations import of_events, of_lengths
from fsmlearn.ways import Way

Floats = NDArray[np.floating[Any]]

ROWS = 100_000  # that are judged at most
STRETCH = 500  # rows that are left out at a time
REACHED = 10  # scores beyond the last one of a tail, or there is no telling how they fall
STEEPEST = 0.5  # nats that a score rises at least for each nat of rarity


@dataclass(frozen=True, eq=False)
class _Trace:
    """A trace of the log, and others that are equal to it."""

    words: tuple[Words, ...]
    times: int
    path: list[Way | None]  # the way that each row takes, the end among them where the machine says how traces end
    last: str  # the state that it ends in


def calibrated(machine: Machine, log: Log, wrong: int = 0, broken: int = 0) -> Normal:
    """Judge the traces of a clean log, or those that were `drawn` from one. Before it was clean it had so many wrong
    answers, and was broken at so many places that only the machine knows of."""
    starts = _starts(log)
    judge = Judge(machine, starts)
    kept, equal = distinct(log, np.zeros(len(log), np.bool_)), Counter[tuple[Words, ...]]()
    for words, times in zip(_words(kept.log), kept.copies.tolist(), strict=True):
        equal[tuple(words)] += times
    traces = list(_walked(judge, equal))
    relations = [of_lengths(np.diff(log.offsets))]
    if judge.events:
        codes = np.split(log.trigger.astype(np.int64), log.offsets[1:-1])
        relations += of_events([each[:ROWS] for each in codes], log.triggers)
    ends = {} if judge.events else _ends(traces)
    counts = Counts(relations, own=1)
    rows: list[float] = []
    worst, order, total = [], [], []
    alone = _LeftOut(judge)
    for trace in traces:
        nats = list(alone.surprises(trace))
        rows += nats * trace.times
        if ends:
            ended, passed = ends[trace.last]
            nats.append(surprise_of_end(ended - 1, passed))
        held, told = counts.begin(), NONE
        for event, *_ in trace.words if judge.events else ():
            told = counts.count(event, held, told)
        worst.append(max(nats))
        order.append(told[0])
        total.append(counts.end(held, len(trace.words))[0])
    times = [trace.times for trace in traces]
    tails = [_tail(np.repeat(scores, times)) for scores in (worst, order, total)]
    rarest = [max(map(Tail.rarity, tails, each)) for each in zip(worst, order, total, strict=True)]
    return Normal(
        runs=len(log.traces),
        columns=log.columns,
        starts=starts,
        ends=ends,
        wrong=wrong,
        broken=broken,
        relations=tuple(relations),
        row=_tail(np.array(rows)),
        worst=tails[0],
        order=tails[1],
        total=tails[2],
        run=_tail(np.repeat(rarest, times)),
    )


def drawn(log: Whole, rng: np.random.Generator) -> Log:
    """Traces drawn at random until they have enough rows, in the order of the log, from all of its parts."""
    spread = log.spread
    lengths = list(spread.bring(spread.map(_lengths, log.parts)))
    begins = np.cumsum([0, *map(len, lengths)])
    order = rng.permutation(begins[-1])
    enough = int(np.searchsorted(np.cumsum(np.concatenate(lengths)[order]), ROWS)) + 1
    some = np.sort(order[:enough])
    wanted = [some[(lo <= some) & (some < hi)] - lo for lo, hi in pairwise(begins.tolist())]
    return joined(list(spread.bring(spread.map(Log.select_traces, log.parts, wanted))))


def _lengths(log: Log) -> Floats:
    return np.diff(log.offsets)


def _starts(log: Log) -> dict[str, int]:
    """How many traces begin in each visible state."""
    if log.kind != "visible":
        return {}
    first = np.bincount(log.state[log.offsets[:-1]].astype(np.int64), minlength=len(log.states))
    return {word: times for word, times in zip(log.states, first.tolist(), strict=True) if times}


def _words(log: Log) -> Iterator[list[Words]]:
    """The rows of the traces as words."""
    outputs = (*log.outputs, "")  # -1 is the last
    states = ["" if code == log.unrecorded else word for code, word in enumerate(log.states)] + [""]
    for begin, end in pairwise(log.offsets.tolist()):
        part = slice(begin, min(end, begin + ROWS))
        triggers = [log.triggers[code] for code in log.trigger[part].tolist()]
        output = [outputs[code] for code in log.output[part].tolist()]
        if log.kind == "sequence":
            yield [(word,) for word in triggers]
        elif log.kind == "hidden":
            yield list(zip(triggers, output, strict=True))
        else:
            state, following = (
                [states[code] for code in column[part].tolist()] for column in (log.state, log.next_state)
            )
            yield list(zip(state, triggers, following, output, strict=True))


def _walked(judge: Judge, traces: Mapping[tuple[Words, ...], int]) -> Iterator[_Trace]:
    """Follow traces, given with how many are equal, through the machine."""

    def step(belief: Belief, words: Words) -> tuple[Belief, Way | None]:
        return judge.step(belief, words)[0], judge.way(belief, words)

    following = Following(judge.start, step, lambda: None)
    for number, (words, times) in enumerate(traces.items()):
        run = following.of(str(number))
        path = [following.lead(run, each) for each in _rows(judge, words)]
        yield _Trace(words, times, path, likeliest(run.place.belief))


def _rows(judge: Judge, words: tuple[Words, ...]) -> tuple[Words, ...]:
    """The rows of a trace, and its end where the machine says how traces end."""
    return (*words, END_OF_RUN) if judge.events else words


def _ends(traces: Sequence[_Trace]) -> dict[str, tuple[int, int]]:
    """State -> traces that end in it, and rows that go on from it."""
    ended, passed = Counter[str](), Counter[str]()
    for trace in traces:
        ended[trace.last] += trace.times
        for way in trace.path:
            if way is not None:
                passed[way[0]] += trace.times
    return {state: (ended[state], passed[state]) for state in sorted(ended.keys() | passed.keys())}


Left = frozenset[tuple[Way, int]]  # ways, and how many rows are left out of each


class _LeftOut:
    """Judges traces without what they themselves add to the counts.

    What a row of known words comes to depends on what is left out of the ways under its trigger alone, as long as
    something else gives every answer. So rows that are alike in this are judged once.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._beliefs: dict[tuple[tuple[str, float], ...], Belief] = {}  # equal ones are the same
        self._known: dict[tuple[int, Words, Left], tuple[Belief, float]] = {}

    def surprises(self, trace: _Trace) -> Iterator[float]:
        """The surprise of each row of a trace."""
        ways, rows = self._judge.ways, _rows(self._judge, trace.words)
        belief: Belief = self._judge.start
        for begin in range(0, len(rows), STRETCH):
            path = trace.path[begin : begin + STRETCH]
            everything = Counter(way for way in path if way)
            ways.leave_out(everything)
            left = frozenset(everything.items())
            under: dict[str, Left] = {}
            if not ways.exhausted:
                for trigger in {trigger for _, trigger, _ in everything}:
                    under[trigger] = frozenset(each for each in left if each[0][1] == trigger)
            for words, way in zip(rows[begin : begin + STRETCH], path, strict=True):
                belief, surprise = self._step(belief, words, under.get(way[1], left) if way else left)
                yield surprise
        ways.leave_out({})

    def _step(self, belief: Belief, words: Words, left: Left) -> tuple[Belief, float]:
        key = id(belief), words, left
        found = self._known.get(key)
        if found is None:
            following, judgement = self._judge.step(belief, words)
            following = self._beliefs.setdefault(tuple(following.items()), following)
            found = following, judgement.surprise
            if judgement.kind != "unknown":
                self._known[key] = found
        return found


def _tail(scores: Floats) -> Tail:
    """The tail of scores (n,)."""
    falling = np.sort(scores)[::-1]
    kept = [share for share in SHARES if share * len(scores) >= REACHED]
    if not kept:
        return Tail()
    at = [int(share * len(scores)) for share in kept]
    found = falling[at] + 1e-9 * np.arange(len(at))  # no two alike
    beyond = falling[: at[-1]] - found[-1]
    return Tail(tuple(found.tolist()), max(float(beyond.mean()), STEEPEST))
