"""The learned machine: states, triggers and the transitions between them, as plain names.

Standard library only, so that the light commands start without NumPy. It knows nothing of logs or
networks; what learns a machine imports this module, never the other way round.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

Kind = Literal["moore", "mealy", "lts"]


@dataclass(frozen=True, slots=True)
class State:
    """A state of the machine; `label` is the visible state it shows (None where the log hides states)."""

    name: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One way on from (state, trigger); `count` is the log rows behind it, `probability` its share of them (in a
    labelled transition system, its share of the rows of the state)."""

    state: str
    trigger: str
    next_state: str
    output: str | None
    count: int
    probability: float


@dataclass(frozen=True)
class Machine:
    """A finite state machine with honest probabilities; (state, trigger) may have several transitions.

    A Moore or a Mealy machine is told its triggers. A labelled transition system ("lts") makes its events itself: they
    are its triggers, and probabilities say which of them comes next.

    States are in breadth-first order from `initial`, the most frequent first state of a trace, triggers as they first
    appear, transitions by (state, trigger, -probability); `build` and `minimise` see to that. Parts that do not fit
    raise ValueError.
    """

    kind: Kind
    initial: str
    states: tuple[State, ...]
    triggers: tuple[str, ...]
    transitions: tuple[Transition, ...]

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind is {self.kind!r}, not one of {', '.join(get_args(Kind))}")
        names = {state.name for state in self.states}
        for what, words in (("state", [state.name for state in self.states]), ("trigger", self.triggers)):
            for name, times in Counter(words).items():
                if not name:
                    raise ValueError(f"a {what} has an empty name")
                if times > 1:
                    raise ValueError(f"{what} {name!r} is given twice")
        if self.initial not in names:
            raise ValueError(f"the initial state {self.initial!r} is not among the states")
        triggers = set(self.triggers)
        shares: dict[tuple[str, str | None], float] = {}
        ways = set()
        for t in self.transitions:
            way = (t.state, t.trigger, t.next_state, t.output)
            if t.state not in names or t.next_state not in names or t.trigger not in triggers:
                raise ValueError(f"transition {way} names an unknown state or trigger")
            if way in ways:
                raise ValueError(f"transition {way} is given twice")
            if t.count < 0 or not 0 < t.probability <= 1:
                raise ValueError(f"transition {way} has count {t.count} and probability {t.probability}")
            ways.add(way)
            given = (t.state, _given(self.kind, t.trigger))
            shares[given] = shares.get(given, 0.0) + t.probability
        for (name, trigger), share in shares.items():
            if not math.isclose(share, 1, abs_tol=1e-6):
                raise ValueError(f"the probabilities of {name!r} under {trigger!r} must sum to 1 (got {share})")

    @classmethod
    def build(
        cls,
        kind: Kind,
        initial: int,
        labels: Sequence[str | None],
        triggers: Sequence[str],
        transitions: Iterable[tuple[int, str, int, str | None, int]],
    ) -> Machine:
        """Name a table of integers: state i shows labels[i]; a transition is (state, trigger, next, output, count).

        Unreachable states are left out, equal transitions are added up, and the rest is put in order. A
        state is called by its label, the second of a label `label·2`; states without labels S0, S1, ...
        Probabilities are the shares of the counts, of (state, trigger) or in an "lts" of the state; a transition
        without rows keeps its place only where nothing else is known there, with equal shares.
        """
        counts: Counter[tuple[int, str, int, str | None]] = Counter()
        for state, trigger, following, output, count in transitions:
            if count < 0:
                raise ValueError(f"state {state} under {trigger!r} has count {count}")
            counts[state, trigger, following, output] += count
        groups: dict[tuple[int, str | None], list[int]] = {}
        for (state, trigger, _, _), count in counts.items():
            groups.setdefault((state, _given(kind, trigger)), []).append(count)
        edges = []
        for (state, trigger, following, output), count in counts.items():
            beside = groups[state, _given(kind, trigger)]
            if count or not any(beside):
                share = count / sum(beside) if count else 1 / len(beside)
                edges.append(_Edge(state, trigger, following, output, count, share))
        return _assemble(kind, initial, labels, triggers, edges)

    @classmethod
    def arrange(
        cls,
        kind: Kind,
        initial: str,
        labels: Mapping[str, str | None],
        triggers: Sequence[str],
        transitions: Iterable[Transition],
    ) -> Machine:
        """A machine whose states (name -> label) and probabilities are known, put in order.

        Unreachable states are left out. Parts that do not fit raise ValueError, a state that is unknown KeyError.
        """
        number = {name: i for i, name in enumerate(labels)}
        edges = [
            _Edge(number[t.state], t.trigger, number[t.next_state], t.output, t.count, t.probability)
            for t in transitions
        ]
        named = _assemble(kind, number[initial], list(labels), triggers, edges)  # each name is a label of its own
        return replace(named, states=tuple(State(state.name, labels[state.name]) for state in named.states))

    @cached_property
    def _by_state(self) -> dict[str, dict[str, tuple[Transition, ...]]]:
        table: dict[str, dict[str, list[Transition]]] = {state.name: {} for state in self.states}
        for t in sorted(self.transitions, key=lambda t: -t.probability):
            table[t.state].setdefault(t.trigger, []).append(t)
        return {
            state: {trigger: tuple(row[trigger]) for trigger in self.triggers if trigger in row}
            for state, row in table.items()
        }

    @cached_property
    def labels(self) -> dict[str, str | None]:
        """State name -> label, in the order of the states."""
        return {state.name: state.label for state in self.states}

    def visible(self, name: str) -> str:
        """What the log calls the state `name`: its label, or the name itself where there is none."""
        return self.labels[name] or name

    def successors(self, state: str, trigger: str) -> tuple[Transition, ...]:
        """The ways on from `state` under `trigger`, the most probable first; () where there is none."""
        return self._by_state.get(state, {}).get(trigger, ())

    def ways(self, state: str) -> Mapping[str, tuple[Transition, ...]]:
        """Trigger -> the ways on from `state`, as in `successors`, for the triggers that have any, in their order."""
        return self._by_state[state]

    def unseen(self) -> tuple[tuple[str, str], ...]:
        """The (state, trigger) pairs without a way on: no believed row of the log shows what happens there."""
        return tuple((q, a) for q in self.labels for a in self.triggers if a not in self._by_state[q])

    def run(self, word: Iterable[str], start: str | None = None) -> Iterator[Transition]:
        """Fire the triggers of `word` one after the other from `start` (the initial state), always the most
        probable way; it ends early where the machine has no way on."""
        state = self.initial if start is None else start
        for trigger in word:
            ways = self.successors(state, trigger)
            if not ways:
                return
            yield ways[0]
            state = ways[0].next_state

    def shortest_words(self) -> dict[str, tuple[str, ...]]:
        """For each state a shortest sequence of triggers that can lead to it from the initial state."""
        words: dict[str, tuple[str, ...]] = {self.initial: ()}
        todo = deque([self.initial])
        while todo:
            state = todo.popleft()
            for trigger, ways in self._by_state[state].items():
                for t in ways:
                    if t.next_state not in words:
                        words[t.next_state] = (*words[state], trigger)
                        todo.append(t.next_state)
        return words

    def minimise(self) -> Machine:
        """The smallest machine that behaves alike, its states named anew.

        States are one when they show the same label and, under every trigger, can give the same outputs
        and lead to the same (merged) states: the coarsest bisimulation on what is possible, however
        probable. Counts are added; probabilities are averaged by the rows behind them.
        """
        block = _numbered(self.labels)
        while True:
            finer = _numbered({name: (block[name], self._behaviour(name, block)) for name in self.labels})
            if len(set(finer.values())) == len(set(block.values())):
                break
            block = finer

        labels = [label for _, label in sorted({block[name]: label for name, label in self.labels.items()}.items())]
        members = Counter(block.values())
        rows: Counter[tuple[int, str | None]] = Counter()
        leaving: Counter[tuple[str, str | None]] = Counter()
        for t in self.transitions:
            given = _given(self.kind, t.trigger)
            rows[block[t.state], given] += t.count
            leaving[t.state, given] += t.count
        merged: dict[tuple[int, str, int, str | None], tuple[int, float]] = {}
        for name, table in self._by_state.items():
            for trigger, ways in table.items():
                given = _given(self.kind, trigger)
                total = rows[block[name], given]
                weight = leaving[name, given] / total if total else 1 / members[block[name]]
                for t in ways:
                    way = (block[name], trigger, block[t.next_state], t.output)
                    count, share = merged.get(way, (0, 0.0))
                    merged[way] = (count + t.count, share + weight * t.probability)
        edges = [_Edge(*way, count, min(share, 1.0)) for way, (count, share) in merged.items()]
        return _assemble(self.kind, block[self.initial], labels, self.triggers, edges)

    def _behaviour(self, name: str, block: Mapping[str, int]) -> frozenset[tuple[str, str | None, int]]:
        """What can happen in the state `name`: triggers with the outputs and blocks they may lead to."""
        return frozenset(
            (trigger, t.output, block[t.next_state]) for trigger, ways in self._by_state[name].items() for t in ways
        )

    def to_dict(self) -> dict[str, Any]:
        """The machine as JSON knows it; `from_dict` is the inverse."""
        return {
            "kind": self.kind,
            "initial": self.initial,
            "triggers": list(self.triggers),
            "states": [asdict(state) for state in self.states],
            "transitions": [asdict(t) for t in self.transitions],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Machine:
        """Read what `to_dict` wrote; ValueError says what does not fit."""
        return cls(
            kind=_typed(data, "kind", str),
            initial=_typed(data, "initial", str),
            states=tuple(
                State(_typed(state, "name", str), _typed(state, "label", str, type(None)))
                for state in _typed(data, "states", list)
            ),
            triggers=tuple(_word(trigger) for trigger in _typed(data, "triggers", list)),
            transitions=tuple(
                Transition(
                    _typed(t, "state", str),
                    _typed(t, "trigger", str),
                    _typed(t, "next_state", str),
                    _typed(t, "output", str, type(None)),
                    _typed(t, "count", int),
                    _typed(t, "probability", float, int),
                )
                for t in _typed(data, "transitions", list)
            ),
        )


def _given(kind: Kind, trigger: str) -> str | None:
    """What beside the state a probability is conditional on: the trigger, unless the machine makes events itself."""
    return None if kind == "lts" else trigger


@dataclass(frozen=True, slots=True)
class _Edge:
    """A transition before its states have names."""

    state: int
    trigger: str
    next: int
    output: str | None
    count: int
    probability: float


def _assemble(
    kind: Kind, initial: int, labels: Sequence[str | None], triggers: Sequence[str], edges: Iterable[_Edge]
) -> Machine:
    """Keep what `initial` reaches, put it in breadth-first order and name it."""
    position = {trigger: i for i, trigger in enumerate(triggers)}
    leaving: dict[int, list[_Edge]] = {}
    for edge in edges:
        if edge.trigger not in position:
            raise ValueError(f"trigger {edge.trigger!r} is not among the triggers")
        leaving.setdefault(edge.state, []).append(edge)
    order = {initial: 0}
    todo = deque([initial])
    while todo:
        ways = leaving.get(todo.popleft(), [])
        ways.sort(key=lambda e: (position[e.trigger], -e.probability, e.output or "", labels[e.next] or "", e.next))
        for edge in ways:
            if edge.next not in order:
                order[edge.next] = len(order)
                todo.append(edge.next)
    names = dict(zip(order, _names([labels[state] for state in order]), strict=True))
    kept = [edge for state in order for edge in leaving.get(state, [])]
    kept.sort(key=lambda e: (order[e.state], position[e.trigger], -e.probability, e.output or "", order[e.next]))
    return Machine(
        kind,
        names[initial],
        tuple(State(name, labels[state]) for state, name in names.items()),
        tuple(triggers),
        tuple(Transition(names[e.state], e.trigger, names[e.next], e.output, e.count, e.probability) for e in kept),
    )


def _numbered(keys: Mapping[str, object]) -> dict[str, int]:
    """State name -> number of the group that shares its key, the groups numbered as they appear."""
    groups: dict[object, int] = {}
    return {name: groups.setdefault(key, len(groups)) for name, key in keys.items()}


def _names(labels: Sequence[str | None]) -> list[str]:
    """A name for each state: its label, `label·2` for the second of them, `S0`, `S1`, ... without labels.

    Every label is kept for the first state that shows it, so a log's own word `Rinse·2` is never taken.
    """
    taken = {label for label in labels if label is not None}
    unused = set(taken)
    names = []
    for label in labels:
        if label in unused:
            unused.remove(label)
            names.append(label)
            continue
        number = 0 if label is None else 2
        while (name := f"S{number}" if label is None else f"{label}·{number}") in taken:
            number += 1
        taken.add(name)
        names.append(name)
    return names


def _typed(data: Any, key: str, *kinds: type) -> Any:
    """data[key], of one of `kinds` (a bool is no int)."""
    if not isinstance(data, Mapping) or key not in data:
        raise ValueError(f"{key!r} is missing")
    value = data[key]
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise ValueError(f"{key!r} is a {type(value).__name__}")
    return value


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a trigger is a {type(value).__name__}")
    return value
