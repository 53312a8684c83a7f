"""How alike the states of two machines are, and which visible states the one calls by other names than the other.

Two states are alike as far as they answer alike and lead to states that are alike: a fixed point, as Walkinshaw and
Bogdanov have it ("Automated comparison of state-based software models in terms of their language and structure", 2013).
It only says which states to set beside each other; whether they differ is for `diff` to say. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import product

from fsmlearn.equivalence import Pair, shown
from fsmlearn.machine import Machine, State

AFTER = 0.6  # how much of the likeness lies in what comes after the answer
ROUNDS = 12  # leave AFTER ** ROUNDS, two thousandths, open
ALIKE = 0.5  # least likeness of states that are taken for one though neither a word nor a name tells so

Likeness = Mapping[tuple[str, str], float]  # (old state, new state) -> 0 to 1, of those that show the same


def likeness(old: Machine, new: Machine, any_name: frozenset[str | None] = frozenset()) -> Likeness:
    """How alike states are that show the same; names in `any_name` count as the same."""

    def name(label: str | None) -> str | None:
        return None if label in any_name else label

    def answers(machine: Machine, state: str) -> dict[tuple[str, str | None, str | None], list[str]]:
        found: dict[tuple[str, str | None, str | None], list[str]] = {}
        for trigger in machine.triggers:
            for (output, label), states in shown(machine, frozenset([state]), trigger).items():
                found.setdefault((trigger, output, name(label)), []).extend(states)
        return found

    left, right = ({state: answers(machine, state) for state in machine.labels} for machine in (old, new))
    known: dict[tuple[str, str], int] = {}  # answers that either of two states knows
    after: dict[tuple[str, str], list[list[tuple[str, str]]]] = {}  # for each that both know, the states it leads to
    for p, q in product(left, right):
        if name(old.labels[p]) == name(new.labels[q]):
            known[p, q] = len(left[p].keys() | right[q].keys())
            after[p, q] = [list(product(left[p][seen], right[q][seen])) for seen in left[p] if seen in right[q]]
    alike = dict.fromkeys(known, 1.0)
    for _ in range(ROUNDS):
        alike = {
            pair: sum(1 - AFTER + AFTER * max(map(alike.__getitem__, then)) for then in after[pair]) / all
            if all
            else 1.0
            for pair, all in known.items()
        }
    return alike


class Matches:
    """Which states of two machines match; what that takes is found out when it is asked for."""

    def __init__(self, old: Machine, new: Machine) -> None:
        self.machines = old, new

    @cached_property
    def _alike(self) -> Likeness:
        return likeness(*self.machines)

    @cached_property
    def _best(self) -> tuple[dict[str, float], dict[str, float]]:
        """How alike each state is to the one that is most like it."""
        best: tuple[dict[str, float], dict[str, float]] = ({}, {})
        for pair, how in self._alike.items():
            for state, most in zip(pair, best, strict=True):
                most[state] = max(how, most.get(state, 0))
        return best

    def better(self, pair: Pair) -> bool:
        """Whether both states of a pair have better matches than one another; no for pairs of several states."""
        if len(pair[0]) > 1 or len(pair[1]) > 1:
            return False
        (p,), (q,) = pair
        return self._alike[p, q] < min(self._best[0][p], self._best[1][q])

    def best(self, left: Sequence[str], right: Sequence[str]) -> tuple[str, str] | None:
        """The states most alike, one of each machine, that have the same visible name, or none and are alike enough."""
        labels = self.machines[0].labels
        pairs = [
            ((self._alike[p, q], -i - j, -abs(i - j)), p, q)  # of equal ones the first, whichever machine is called old
            for i, p in enumerate(left)
            for j, q in enumerate(right)
            if (p, q) in self._alike and (labels[p] is not None or self._alike[p, q] > ALIKE)
        ]
        return max(pairs, key=lambda pair: pair[0])[1:] if pairs else None


def renamed(old: Machine, new: Machine) -> dict[str, str]:
    """What visible states of `new` are called in `old`, where only one machine has the name and its states are more
    alike than not; the most alike first."""
    before, after = set(old.labels.values()), set(new.labels.values())
    gone, come = before - after - {None}, after - before - {None}
    names: dict[str, str] = {}
    if gone and come:
        alike = likeness(old, new, frozenset(gone | come))
        pairs = [(how, old.labels[p], new.labels[q]) for (p, q), how in alike.items()]
        for how, one, other in sorted(pairs, key=lambda pair: (-pair[0], sorted(map(str, pair[1:])))):
            if one in gone and other in come and how > ALIKE:
                names[str(other)] = str(one)
                gone.remove(one)
                come.remove(other)
    return names


def relabelled(machine: Machine, names: Mapping[str, str]) -> Machine:
    """The machine with visible states called by other names; its states keep their own."""
    states = (State(state.name, names.get(state.label or "", state.label)) for state in machine.states)
    return replace(machine, states=tuple(states))
