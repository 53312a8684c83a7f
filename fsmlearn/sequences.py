"""Sequence logs: events and the network's predictions -> the probabilistic automaton behind them.

A sequence log says what happened and nothing else. Its machine is a labelled transition system: a state, an event,
the next state, and how probable that event is there, the end of a trace being an event too. What the machine makes of
traces that it was not learned from is for `forecast` to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from fsmlearn.about import HeldOut, Score
from fsmlearn.alike import Distinct
from fsmlearn.automata import Merger
from fsmlearn.cluster import means
from fsmlearn.contexts import CUT, MOST, STOP, Floats, Ints, contexts, remember, together
from fsmlearn.forecast import Forecast, score
from fsmlearn.growth import Walk
from fsmlearn.histories import Histories, histories
from fsmlearn.logs import Log
from fsmlearn.machine import Machine
from fsmlearn.ngrams import NGrams
from fsmlearn.products import FloatArray
from fsmlearn.rnn import softmax
from fsmlearn.sought import Sought, outcome
from fsmlearn.train import Model, visit
from fsmlearn.votes import elect

ORDERS = (1, 2, 3, 4)  # of the n-grams beside which a machine is shown
GROUPS = (32, 64, 128)  # of rows that look alike to the network
COMMONEST = 12  # events that are looked past, and
TOLD_APART = 32  # that are told apart behind them
OPINION = 100  # rows of a state beyond which the network has no more say in what follows it
HELD_OUT = 0.15  # share of the traces that the scores are measured on

Table = Sequence[dict[int, int]]  # of each state: event -> state, the end leading to STOP


@dataclass(frozen=True, eq=False)
class Found:
    """An automaton, and the number of states that it was merged from."""

    table: Table
    fine: int


@dataclass(frozen=True, eq=False)
class Corpus:
    """What is learned from: the starts and the events of K distinct traces as N rows, one trace after the other."""

    distinct: Distinct
    data: Histories
    pieces: NDArray[np.bool_]  # (K,) which are pieces of longer traces
    traces: list[list[int]]  # event codes of each, and its end: a code of its own, or CUT in a piece
    times: Ints  # (N,) how many rows each stands for, 0 where the log does not say what comes next

    @classmethod
    def of(cls, distinct: Distinct) -> Corpus:
        """Those of traces, of which pieces are told by the gap before them."""
        log = distinct.log
        pieces = distinct.gap[log.offsets[:-1]]
        data = histories(log, like=distinct.like, pieces=pieces)
        ends = np.where(pieces, CUT, len(log.triggers)).tolist()
        traces = [[*events, end] for events, end in zip(events_of(log), ends, strict=True)]
        times = np.where(data.targets >= 0, np.repeat(distinct.copies, np.diff(log.offsets) + 1), 0)
        return cls(distinct, data, pieces, traces, times)

    @property
    def log(self) -> Log:
        """Of the traces."""
        return self.distinct.log

    @property
    def copies(self) -> Ints:
        """(K,) how many each stands for."""
        return self.distinct.copies

    @property
    def end(self) -> int:
        """The code of the start and of the end."""
        return len(self.log.triggers)


def events_of(log: Log) -> Iterator[list[int]]:
    """The event codes of every trace."""
    for begin, end in pairwise(log.offsets.tolist()):
        yield log.trigger[begin:end].tolist()


def end_word(events: Sequence[str]) -> str:
    """What the end of a trace is called: End, unless the log has an event of that name."""
    word, number = "End", 2
    while word in events:
        word, number = f"End·{number}", number + 1
    return word


def held_out(traces: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(R,) which of R traces are held out: a share of them drawn at random, none where there is but one."""
    chosen = np.zeros(traces, np.bool_)
    if traces > 1:
        chosen[rng.permutation(traces)[: max(1, round(traces * HELD_OUT))]] = True
    return chosen


def automaton(
    model: Model, corpus: Corpus, most: int | None = None, old: Machine | None = None
) -> Generator[Sought, None, Found]:
    """Learn the automaton of traces of events, of at most `most` states where that is given, beside the end. Yields the
    best so far with every proposal.

    What is remembered of the past is first proposed finely: as the contexts that matter, as groups of rows after which
    the network expects the same two events, as groups of its memories, and as the states of an old machine. Each
    proposal is merged, and the shortest description wins; it is merged anew from what it and another remember together
    where that makes it shorter.
    """
    data, traces, copies, end = corpus.data, corpus.traces, corpus.copies, corpus.end
    memory, expected = predicted(model, data)
    following = expected / 2
    following[np.arange(len(data)), data.targets] += 0.5
    following *= corpus.times[:, None]
    position = np.concatenate([np.arange(len(trace)) for trace in traces])
    proposals = [remember(contexts(data.inputs[:, 0].astype(np.int64), position, following), traces, end)]
    for vectors in (two_ahead(model, memory, expected, corpus.times), memory):
        for groups in GROUPS:
            found = means(vectors, corpus.times, groups, np.random.default_rng(groups))
            proposals.append(elect(found, traces, copies, end))
    if old is not None:
        proposals.append(elect(followed(old, corpus), traces, copies, end))
    merged: list[_Merged] = []
    for each in proposals:
        merged.append(_merged(*each, corpus, expected, most))
        merged.sort(key=attrgetter("length"))
        yield Sought(merged[0].states)
    best = merged[0]
    for other in merged[1:]:
        states, targets = together(best.table, other.table, traces, end)
        if len(targets) <= MOST:
            best = min(best, _merged(states, targets, corpus, expected, most), key=attrgetter("length"))
            yield Sought(best.states)
    return Found(best.table, best.fine)


def followed(machine: Machine, corpus: Corpus) -> Ints:
    """The state of a machine after every start and every event, (N,); where it knows no way on, one more
    that stands for none, which it leaves again by events that lead to one state alone."""
    number = {name: q for q, name in enumerate(machine.labels)}
    ways = {(t.state, t.trigger): t.next_state for t in machine.transitions}
    entered: dict[str, set[str]] = {}
    for t in machine.transitions:
        entered.setdefault(t.trigger, set()).add(t.next_state)
    only = {event: next(iter(states)) for event, states in entered.items() if len(states) == 1}
    states = []
    for trace in corpus.traces:
        state: str | None = machine.initial
        states.append(number[machine.initial])
        for event in trace[:-1]:
            word = corpus.log.triggers[event]
            state = ways.get((state, word), only.get(word)) if state else only.get(word)
            states.append(len(number) if state is None else number[state])
    return np.array(states, np.int64)


def walks(machine: Machine, distinct: Distinct) -> Iterator[Walk]:
    """The distinct traces of a log as its machine explains them, each with its end."""
    words = (*distinct.log.triggers, machine.triggers[-1])
    for trace, copies in zip(events_of(distinct.log), distinct.copies.tolist(), strict=True):
        walk = list(machine.run([words[event] for event in (*trace, len(words) - 1)]))
        yield Walk(walk, [True] * len(walk), copies)


@dataclass(frozen=True, eq=False)
class _Merged:
    """An automaton of few states, the nats that describe it and the log, and the number of states before."""

    length: float
    table: Table
    fine: int

    @property
    def states(self) -> int:
        """With the end."""
        return len(self.table) + 1


def _merged(
    states: Ints, targets: list[dict[int, int]], corpus: Corpus, expected: FloatArray, most: int | None
) -> _Merged:
    """Merge the states of an automaton, given with the state before each row (N,) and with what the network expects to
    follow it (N, E)."""
    size, width = len(targets), corpus.end + 1
    known = np.flatnonzero(corpus.times)
    of, times = states[known], corpus.times[known]
    shown = np.bincount(of * width + corpus.data.targets[known], times, size * width).astype(np.float64)
    told = np.zeros((size, width))
    np.add.at(told, of, times[:, None] * expected[known])
    merger = Merger(targets, weighed(shown.reshape(size, width), told), corpus.end)
    merger.merge(most)
    return _Merged(merger.length(), merger.table(), size)


def weighed(shown: Floats, told: Floats) -> Floats:
    """What follows states: what the log shows and what the network takes it for, (K, E) each, in equal parts.

    Of a state with more than OPINION rows as many are the network's as of one with just these: it is never quite right,
    and in many rows small errors would tell apart what is one.
    """
    share = 0.5 * np.minimum(1, OPINION / np.maximum(shown.sum(1, keepdims=True), 1))
    sums: Floats = (1 - share) * shown + share * told
    return sums


def two_ahead(model: Model, memory: FloatArray, expected: FloatArray, times: Ints) -> FloatArray:
    """The network's distributions over the next two events at memories (n, M), so that their distance is Hellinger's.

    expected (n, E) is the next event, times (n,) how often each is met. Of two events the first is one of the
    commonest, and rare events are taken together; returns square roots (n, f).
    """
    common = np.argsort(-(times @ expected[:, :-1]), kind="stable")
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


def compared(model: Model, others: Corpus, rest: Corpus, most: int | None = None) -> HeldOut:
    """How well the rest of a log is known by a machine of the others, by n-grams of the others and by the network,
    which is taken not to have seen it either."""
    table = outcome(automaton(model, others, most)).table
    found = machine(rest.log.triggers, table, counted(table, others.distinct))
    times = rest.times.tolist()
    forecast = Forecast(found)
    scores = [Score("machine", *score(chain.from_iterable(map(forecast.predictions, rest.traces)), times))]
    for order in ORDERS:
        ngrams = NGrams(zip(others.traces, others.copies.tolist(), strict=True), rest.end, order)
        scores.append(Score(f"{order}-gram", *score(chain.from_iterable(map(ngrams.predictions, rest.traces)), times)))
    expected = predicted(model, rest.data)[1]
    scores.append(Score("network", *score(zip(expected, rest.data.targets.tolist(), strict=True), times)))
    states = sum(label is None for label in found.labels.values())
    traces, pieces = int(rest.copies.sum()), int(rest.copies[rest.pieces].sum())
    return HeldOut(traces, sum(times), states, tuple(scores), pieces)


def followable(table: Table, corpus: Corpus) -> Table:
    """The table of traces with a way for every event, for traces that are not among them: where a state never showed an
    event, that leads where it mostly leads."""
    log, usual = corpus.log, [Counter[int]() for _ in range(corpus.end)]
    copies = np.repeat(corpus.copies, np.diff(log.offsets)).tolist()
    for event, state, times in zip(log.trigger.tolist(), _entered(table, log), copies, strict=True):
        usual[event][state] += times
    anywhere = {event: states.most_common(1)[0][0] for event, states in enumerate(usual) if states}
    return [anywhere | ways for ways in table]


def begun(table: Table, corpus: Corpus, first: Sequence[list[int]]) -> Table:
    """The table of pieces of traces, a `followable` one, beginning in the state from which the `first` pieces of traces
    are likeliest: its state 0 is that of the start of any piece, which may be anywhere."""
    counts = counted(table, corpus.distinct) + 1
    nats = np.log(counts / counts.sum(1, keepdims=True)).tolist()

    def likelihood(state: int) -> float:
        total = 0.0
        for trace in first:
            now = state
            for event in trace[:-1]:
                total += nats[now][event]
                now = table[now][event]
        return total

    start = max(range(len(table)), key=likelihood)
    order = [start, *(state for state in range(len(table)) if state != start)]
    number = {state: n for n, state in enumerate(order)} | {STOP: STOP}
    return [{event: number[to] for event, to in table[state].items()} for state in order]


def counted(table: Table, distinct: Distinct) -> Ints:
    """(K, A + 1) how often traces of A events show each in each of K states, the end being the last."""
    log, copies, width = distinct.log, distinct.copies, len(distinct.log.triggers) + 1
    begins, ends = log.offsets[:-1], log.offsets[1:] - 1
    after = np.fromiter(_entered(table, log), np.int64, len(log))
    before = np.append(0, after[:-1])
    before[begins] = 0
    whole = ~distinct.gap[begins]
    keys = np.append(before * width + log.trigger, after[ends[whole]] * width + width - 1)
    times = np.append(np.repeat(copies, np.diff(log.offsets)), copies[whole])
    counts = np.bincount(keys, times, len(table) * width)
    return counts.astype(np.int64).reshape(len(table), width)


def _entered(table: Table, log: Log) -> Iterator[int]:
    """The state after every event."""
    for trace in events_of(log):
        state = 0
        for event in trace:
            state = table[state][event]
            yield state


def machine(events: tuple[str, ...], table: Table, counts: Ints) -> Machine:
    """A table in the words of a log, with those ways of which there are counts (K, A + 1)."""
    word, final = end_word(events), len(table)
    words = (*events, word)
    transitions = [
        (state, words[event], final if event == len(events) else table[state][event], None, int(counts[state, event]))
        for state, event in np.argwhere(counts).tolist()
    ]
    return Machine.build("lts", 0, [*[None] * final, word], words, transitions)
