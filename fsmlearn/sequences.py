"""Sequence logs: events and the network's predictions -> the probabilistic automaton behind them.

A sequence log says what happened and nothing else. Its machine is a labelled transition system: a state, an event,
the next state, and how probable that event is there, the end of a trace being an event too. What the machine makes of
traces that it was not learned from is for `forecast` to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from fsmlearn.about import HeldOut, Score
from fsmlearn.automata import Merger
from fsmlearn.cluster import means
from fsmlearn.contexts import MOST, STOP, Ints, contexts, remember, together
from fsmlearn.forecast import Forecast, score
from fsmlearn.growth import Walk
from fsmlearn.histories import Histories, histories
from fsmlearn.logs import Log
from fsmlearn.machine import Machine
from fsmlearn.ngrams import NGrams
from fsmlearn.rnn import FloatArray, softmax
from fsmlearn.sought import Sought, outcome
from fsmlearn.train import Model, visit
from fsmlearn.votes import elect

ORDERS = (1, 2, 3, 4)  # of the n-grams beside which a machine is shown
GROUPS = (32, 64, 128)  # of rows that look alike to the network
COMMONEST = 12  # events that are looked past, and
TOLD_APART = 32  # that are told apart behind them
HELD_OUT = 0.15  # share of the traces that the scores are measured on


@dataclass(frozen=True, eq=False)
class Found:
    """The machine, and the number of states that it was merged from."""

    machine: Machine
    fine: int


def events_of(log: Log) -> list[list[int]]:
    """The event codes of every trace."""
    return [part.tolist() for part in np.split(log.trigger, log.offsets[1:-1])]


def end_word(events: Sequence[str]) -> str:
    """What the end of a trace is called: End, unless the log has an event of that name."""
    word, number = "End", 2
    while word in events:
        word, number = f"End·{number}", number + 1
    return word


def held_out(log: Log, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(R,) which traces are held out: a share of them drawn at random, none of a log of one trace."""
    traces = len(log.traces)
    chosen = np.zeros(traces, np.bool_)
    if traces > 1:
        chosen[rng.permutation(traces)[: max(1, round(traces * HELD_OUT))]] = True
    return chosen


def automaton(
    model: Model, log: Log, most: int | None = None, old: Machine | None = None
) -> Generator[Sought, None, Found]:
    """Learn the machine of a sequence log, of at most `most` states where that is given, beside the end. Yields the
    best machine so far with every proposal.

    What is remembered of the past is first proposed finely: as the contexts that matter, as groups of rows after which
    the network expects the same two events, as groups of its memories, and as the states of an old machine. Each
    proposal is merged, and the shortest description wins; it is merged anew from what it and another remember together
    where that makes it shorter.
    """
    data, traces, end = histories(log), events_of(log), len(log.triggers)
    memory, expected = predicted(model, data)
    following = expected / 2
    following[np.arange(len(data)), data.targets] += 0.5
    position = np.concatenate([np.arange(len(trace) + 1) for trace in traces])
    proposals = [remember(contexts(data.inputs[:, 0].astype(np.int64), position, following), traces, end)]
    for vectors in (two_ahead(model, memory, expected), memory):
        for groups in GROUPS:
            proposals.append(elect(means(vectors, groups, np.random.default_rng(groups)), traces, end))
    if old is not None:
        proposals.append(elect(followed(old, log), traces, end))
    found: list[_Merged] = []
    for each in proposals:
        found.append(_merged(*each, following, most))
        found.sort(key=attrgetter("length"))
        yield Sought(found[0].states)
    best = found[0]
    for other in found[1:]:
        states, targets = together(best.table, other.table, traces, end)
        if len(targets) <= MOST:
            best = min(best, _merged(states, targets, following, most), key=attrgetter("length"))
            yield Sought(best.states)
    return Found(_machine(log, best.table, traces), best.fine)


def followed(machine: Machine, log: Log) -> Ints:
    """The state of a machine after every start and every event of a log, (N + R,); where it knows no way on, one more
    that stands for none, which it leaves again by events that lead to one state alone."""
    number = {name: q for q, name in enumerate(machine.labels)}
    ways = {(t.state, t.trigger): t.next_state for t in machine.transitions}
    entered: dict[str, set[str]] = {}
    for t in machine.transitions:
        entered.setdefault(t.trigger, set()).add(t.next_state)
    only = {event: next(iter(states)) for event, states in entered.items() if len(states) == 1}
    states = []
    for trace in events_of(log):
        state: str | None = machine.initial
        states.append(number[machine.initial])
        for event in trace:
            word = log.triggers[event]
            state = ways.get((state, word), only.get(word)) if state else only.get(word)
            states.append(len(number) if state is None else number[state])
    return np.array(states, np.int64)


def walks(machine: Machine, log: Log) -> list[Walk]:
    """The different traces of a log as its machine explains them, each with its end."""
    end = machine.triggers[-1]
    traces = Counter(map(tuple, events_of(log)))
    steps = ((list(machine.run([*(log.triggers[a] for a in trace), end])), copies) for trace, copies in traces.items())
    return [Walk(walk, [True] * len(walk), copies) for walk, copies in steps]


@dataclass(frozen=True, eq=False)
class _Merged:
    """An automaton of few states, the nats that describe it and the log, and the number of states before."""

    length: float
    table: list[dict[int, int]]
    fine: int

    @property
    def states(self) -> int:
        """With the end."""
        return len(self.table) + 1


def _merged(states: Ints, targets: list[dict[int, int]], following: FloatArray, most: int | None) -> _Merged:
    """Merge the states of an automaton, which stand before each row (N,) of what follows (N, E)."""
    sums = np.zeros((len(targets), following.shape[1]))
    np.add.at(sums, states, following)
    merger = Merger(targets, sums, following.shape[1] - 1)
    merger.merge(most)
    return _Merged(merger.length(), merger.table(), len(targets))


def two_ahead(model: Model, memory: FloatArray, expected: FloatArray) -> FloatArray:
    """The network's distributions over the next two events at memories (n, M), so that their distance is Hellinger's.

    expected (n, E) is the next event. Of two events the first is one of the commonest, and rare events are taken
    together; returns square roots (n, f).
    """
    common = np.argsort(-expected[:, :-1].sum(0), kind="stable")
    shown = np.append(common[:TOLD_APART], expected.shape[1] - 1)

    def lumped(shares: FloatArray) -> FloatArray:
        told: FloatArray = shares[:, shown]
        return np.column_stack([told, np.maximum(1 - told.sum(1), 0)])

    parts = [np.sqrt(lumped(expected))]
    for event in common[:COMMONEST]:
        after = model.cell.step(model.params, memory, np.full((len(memory), 1), event))
        shares = softmax(model.cell.logits(model.params, after))
        parts.append(np.sqrt(expected[:, [event]] * lumped(shares)))
    return np.concatenate(parts, 1)


def predicted(model: Model, data: Histories) -> tuple[FloatArray, FloatArray]:
    """The network's memory after every start and every event, (N + R, M), and what it expects next, (N + R, A + 1), the
    end being the last column."""
    memory = model.cell.step(model.params, visit(data, model.cell, model.params), data.inputs)
    return memory, softmax(model.cell.logits(model.params, memory))


def compared(model: Model, log: Log, held: NDArray[np.bool_], most: int | None = None) -> HeldOut:
    """How well the held-out traces (R,) are known by a machine of the others, by n-grams of the others and by the
    network, which is taken not to have seen them either."""
    others, rest = log.select_traces(~held), log.select_traces(held)
    machine = outcome(automaton(model, others, most)).machine
    forecast, traces, end = Forecast(machine), events_of(rest), len(log.triggers)
    scores = [Score("machine", *score(chain.from_iterable(map(forecast.predictions, traces))))]
    for order in ORDERS:
        ngrams = NGrams(events_of(others), end, order)
        scores.append(Score(f"{order}-gram", *score(chain.from_iterable(map(ngrams.predictions, traces)))))
    data = histories(rest)
    scores.append(Score("network", *score(zip(predicted(model, data)[1], data.targets.tolist(), strict=True))))
    states = sum(label is None for label in machine.labels.values())
    return HeldOut(len(traces), len(data), states, tuple(scores))


def _machine(log: Log, table: list[dict[int, int]], traces: list[list[int]]) -> Machine:
    """Count what traces do in a table of event -> state, and put it in the words of the log."""
    end = len(log.triggers)
    counts = [dict.fromkeys(ways, 0) for ways in table]
    for trace in traces:
        state = 0
        for event in trace:
            counts[state][event] += 1
            state = table[state][event]
        counts[state][end] += 1
    word = end_word(log.triggers)
    words = (*log.triggers, word)
    transitions = [
        (state, words[event], len(table) if to == STOP else to, None, counts[state][event])
        for state, ways in enumerate(table)
        for event, to in ways.items()
    ]
    return Machine.build("lts", 0, [*[None] * len(table), word], words, transitions)
