"""How to drive a machine from one state to another: which triggers to fire, which to wait for.

A shortest path, or the likeliest one (Dijkstra's algorithm). Standard library only; it knows nothing of files.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from fsmlearn.errors import SettingsError
from fsmlearn.machine import Machine, Transition
from fsmlearn.predict import check_trigger, states_called


@dataclass(frozen=True, slots=True)
class Step:
    """One move of a plan: a trigger to fire or to wait for, and the way wanted under it."""

    action: Literal["fire", "wait"]
    way: Transition
    probability: float  # of that way, once the trigger comes; of events that are waited for, that this one comes next


@dataclass(frozen=True, slots=True)
class Plan:
    """A way from `start` to a state wanted; no steps where it is one."""

    start: str
    steps: tuple[Step, ...]

    @property
    def probability(self) -> float:
        """That all steps go as wanted."""
        return math.prod(step.probability for step in self.steps)


@dataclass(frozen=True, slots=True)
class NoPlan:
    """No way leads there."""

    start: tuple[str, ...]  # where it could have begun
    reached: frozenset[str]  # the states that can be reached, those of `start` among them
    avoided: str | None  # the state to avoid that a way led through; None where there is no way at all


def plan(
    machine: Machine,
    start: str | None,
    goal: str,
    *,
    external: Collection[str] | None = None,
    avoid: Iterable[str] = (),
    likeliest: bool = False,
) -> Plan | NoPlan:
    """The way with the fewest steps from `start` (None is the initial state) to `goal`, the likeliest of those; or the
    likeliest way, with the fewest steps of those.

    A visible state stands for all states that look like it: the way leads from the one of `start` that has the
    best way, to any of `goal`, and enters none of `avoid`. Triggers in `external` are fired, the others waited for;
    all are fired where it is None. Raises UnknownNameError, and SettingsError where all of `goal` is to be avoided.
    """
    sources = (machine.initial,) if start is None else states_called(machine, start)
    closed = {state for name in avoid for state in states_called(machine, name)}
    goals = {*states_called(machine, goal)}
    if goals <= closed:
        raise SettingsError(f"{goal!r} is both wanted and to be avoided; take it out of one")
    for trigger in external or ():
        check_trigger(machine, trigger, "event" if machine.kind == "lts" else "trigger")
    search = _Search(machine, None if external is None else {*external}, likeliest)
    found, reached = search.best(sources, goals - closed, closed)
    if found:
        return found
    around, _ = search.best(sources, goals - closed, set())
    through = [step.way.next_state for step in around.steps] if around else []
    return NoPlan(sources, reached, next((state for state in through if state in closed), None))


@dataclass(frozen=True)
class _Search:
    machine: Machine
    external: set[str] | None
    likeliest: bool

    def best(self, sources: Iterable[str], goals: set[str], closed: set[str]) -> tuple[Plan | None, frozenset[str]]:
        """The best plan, and the states that were reached until it was found."""
        came: dict[str, tuple[str, Step] | None] = {}
        todo: list[tuple[tuple[float, float], int, str, tuple[str, Step] | None]] = []
        for state in sources:
            heapq.heappush(todo, ((0.0, 0.0), len(todo), state, None))
        pushed = len(todo)
        while todo:
            cost, _, state, before = heapq.heappop(todo)
            if state in came:
                continue
            came[state] = before
            if state in goals:
                return self._plan(state, came), frozenset(came)
            for step in self._steps(state):
                if step.way.next_state not in closed and step.way.next_state not in came:
                    each = (-math.log(step.probability), 1.0) if self.likeliest else (1.0, -math.log(step.probability))
                    pushed += 1  # of equal ones the first found is taken, in the order of the machine
                    following = (cost[0] + each[0], cost[1] + each[1])
                    heapq.heappush(todo, (following, pushed, step.way.next_state, (state, step)))
        return None, frozenset(came)

    def _plan(self, state: str, came: dict[str, tuple[str, Step] | None]) -> Plan:
        steps: list[Step] = []
        while before := came[state]:
            state, step = before
            steps.append(step)
        return Plan(state, tuple(reversed(steps)))

    def _steps(self, state: str) -> Iterable[Step]:
        for trigger in self.machine.triggers:
            ways = self.machine.successors(state, trigger)
            fired = self.external is None or trigger in self.external
            whole = sum(way.probability for way in ways) if fired else 1.0  # a fired event does not come by chance
            for way in ways:
                probability = way.probability / whole if self.machine.kind == "lts" else way.probability
                yield Step("fire" if fired else "wait", way, min(probability, 1.0))
