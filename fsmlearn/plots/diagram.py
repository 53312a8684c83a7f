"""`Machine` -> `Diagram`: which states and transitions a picture shows, and what it leaves out so that it can be read.

Transitions from one state to another are one edge with several ways. Standard library only; how a diagram looks is for
`styled` to say, and for `outline` where there is no paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fsmlearn.about import Comparison
from fsmlearn.errors import SettingsError
from fsmlearn.formats import counted, percent
from fsmlearn.machine import Machine, Transition
from fsmlearn.predict import states_called

STATES = 60  # that a picture shows at most, and
TRANSITIONS = 600  # of these
HUB = 6  # states at least, and more than half of them, that lead to one, for its ways in to be written, not drawn

EdgeKind = Literal["learned", "noise"]


@dataclass(frozen=True, slots=True)
class Node:
    """A state; `rows` is how often the log left it or came to it."""

    name: str
    label: str | None  # visible state
    rows: int


@dataclass(frozen=True, slots=True)
class Edge:
    """All ways from one state to another."""

    state: str
    next_state: str
    ways: tuple[Transition, ...]
    kind: EdgeKind = "learned"

    @property
    def rows(self) -> int:
        return sum(way.count for way in self.ways)


@dataclass(frozen=True)
class Diagram:
    """What is shown of a machine. Nodes are in its order, the initial state among them."""

    machine: Machine  # the one that is shown: collapsed, where that was asked for
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]  # that are drawn as lines
    inside: Mapping[str, tuple[Edge, ...]]  # state -> what is written in it: what keeps it, and ways to a hub
    unseen: Mapping[str, tuple[str, ...]]  # state -> triggers that the log never shows there, where they are shown
    omitted: tuple[str, ...]  # what is not shown, in words


def collapsed(machine: Machine) -> Machine:
    """The machine of the visible states alone, with the shares of their rows. Raises SettingsError where there are
    none."""
    labels = list(dict.fromkeys(machine.labels.values()))
    if machine.kind == "lts" or None in labels:
        raise SettingsError("--collapse: the states of this machine have no visible states that they could be drawn as")
    number = {name: labels.index(label) for name, label in machine.labels.items()}
    rows = [(number[t.state], t.trigger, number[t.next_state], t.output, t.count) for t in machine.transitions]
    return Machine.build(machine.kind, number[machine.initial], labels, machine.triggers, rows)


def diagram(
    machine: Machine,
    *,
    around: str | None = None,
    min_count: int = 0,
    noise: Sequence[Comparison] = (),
    unseen: bool = False,
    states: int = STATES,
    transitions: int = TRANSITIONS,
) -> Diagram:
    """Choose what to show: everything, or the neighbours of one state; no transition of fewer than `min_count` rows.

    `noise` is the comparison of log and machine, from which the transitions that were not believed are shown too.
    Of a machine that is too large the states and then the transitions with the most rows are left. Raises
    UnknownNameError where no state is called `around`.
    """
    omitted: list[str] = []
    kept, shown = list(machine.labels), list(machine.transitions)
    if around is not None:
        centre = set(states_called(machine, around))
        shown = [t for t in shown if centre & {t.state, t.next_state}]
        near = centre.union(*({t.state, t.next_state} for t in shown))
        kept = [name for name in kept if name in near]
        if far := len(machine.states) - len(kept):
            omitted.append(f"{counted(far, 'state')} further away from {around}")
    rows = _rows(shown)
    if len(kept) > states:
        omitted.append(f"{counted(len(kept) - states, 'state')} with fewer rows than those shown")
        busiest = set(sorted(kept, key=lambda name: (name != machine.initial, -rows[name]))[:states])
        kept = [name for name in kept if name in busiest]
        shown = [t for t in shown if {t.state, t.next_state} <= busiest]
    often = [t for t in shown if t.count >= min_count]
    if seldom := len(shown) - len(often):
        omitted.append(f"{counted(seldom, 'transition')} of fewer than {counted(min_count, 'row')}")
    if len(often) > transitions:
        omitted.append(f"{counted(len(often) - transitions, 'transition')} with fewer rows than those shown")
        most = set(sorted(often, key=lambda t: -t.count)[:transitions])
        often = [t for t in often if t in most]
    if len(often) < len(shown):
        ends = {machine.initial}.union(*({t.state, t.next_state} for t in often))
        if alone := len(kept) - sum(name in ends for name in kept):
            omitted.append(f"{counted(alone, 'state')} left without a transition")
        kept = [name for name in kept if name in ends]
    edges = _edges(often, "learned")
    hubs = _hubs(edges, len(kept)) if around is None else set()
    edges += _edges(_unbelieved(machine, noise, set(kept), min_count), "noise")
    inside: dict[str, tuple[Edge, ...]] = {}
    for edge in edges:
        if _written(edge, hubs):
            inside[edge.state] = (*inside.get(edge.state, ()), edge)
    missing: dict[str, tuple[str, ...]] = {}
    for name, trigger in machine.unseen() if unseen else ():
        if name in kept:
            missing[name] = (*missing.get(name, ()), trigger)
    nodes = tuple(Node(name, machine.labels[name], rows[name]) for name in kept)
    lines = tuple(edge for edge in edges if not _written(edge, hubs))
    return Diagram(machine, nodes, lines, inside, missing, tuple(omitted))


def _hubs(edges: Iterable[Edge], states: int) -> set[str]:
    """States that most others lead to: so many lines to one place would hide all others."""
    into = Counter(edge.next_state for edge in edges if edge.state != edge.next_state)
    return {name for name, others in into.items() if others >= max(HUB, (states - 1) / 2)}


def _written(edge: Edge, hubs: set[str]) -> bool:
    return edge.state == edge.next_state or (edge.kind == "learned" and edge.next_state in hubs)


def word(way: Transition) -> str:
    """What happens on a way: the trigger, and what is put out."""
    return way.trigger if way.output is None else f"{way.trigger} / {way.output}"


def share(way: Transition) -> str:
    """How often it happens, behind a space; nothing where nothing else does."""
    return f" {percent(way.probability)}" if way.probability < 1 else ""


def _rows(transitions: Iterable[Transition]) -> Counter[str]:
    """How many rows leave each state or lead to it, those that stay counted once."""
    rows: Counter[str] = Counter()
    for t in transitions:
        for name in {t.state, t.next_state}:
            rows[name] += t.count
    return rows


def _edges(transitions: Iterable[Transition], kind: EdgeKind) -> tuple[Edge, ...]:
    joined: dict[tuple[str, str], list[Transition]] = {}
    for t in transitions:
        joined.setdefault((t.state, t.next_state), []).append(t)
    return tuple(Edge(*ends, tuple(ways), kind) for ends, ways in joined.items())


def _unbelieved(machine: Machine, noise: Sequence[Comparison], kept: set[str], min_count: int) -> Iterable[Transition]:
    """Transitions that the log shows and that were not believed. They are known by visible states, so each stands at
    the first state that shows them."""
    first = {machine.visible(name): name for name in reversed(machine.labels)}
    for each in noise:
        ends = first.get(each.state), first.get(each.next_state)
        if each.verdict == "noise" and each.observed >= min_count and ends[0] in kept and ends[1] in kept:
            yield Transition(ends[0], each.trigger, ends[1], each.output, each.observed, 1.0)
