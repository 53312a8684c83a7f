"""Many states that remember contexts -> the few states of a probabilistic automaton, by description length.

States are merged in pairs as long as that saves nats; where merged states go on to different states by one event,
those are merged too, so that the automaton stays deterministic. What states say is compared as distributions: the log's
counts, and the network's answers where the log shows little. Codes in, codes out; it knows nothing of words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.contexts import STOP

Floats = NDArray[np.floating[Any]]

PARAMETER = 2.0  # nats for each probability that a state is free to choose
MEMORY = 4.0  # nats for each state beyond the first that one event can lead to
STATE = 1.0  # nats for each state: of machines that say the same, the smaller one
TRIES = 24  # of the likeliest pairs, folded before the best is taken


@dataclass(frozen=True, eq=False)
class _Folded:
    """What is left when two states and all that follow from it are merged."""

    saved: float  # nats
    into: dict[int, int]  # state -> the one it is merged into
    sums: dict[int, Floats]
    cost: dict[int, float]
    targets: dict[int, dict[int, int]]
    entered: dict[int, set[int]]


class Merger:
    """The states that are left, and what merging two of them would save. K states, E things that may follow."""

    def __init__(self, targets: Sequence[dict[int, int]], sums: Floats, start: int) -> None:
        """targets[q] is event -> state, as far as the log shows, the end leading to STOP; sums (K, E) what follows each
        state, added up over its rows; state 0 is the initial one, entered by the code `start`."""
        self.targets = [dict(ways) for ways in targets]
        self.sums = sums.astype(np.float64)
        self.cost = _entropies(self.sums)
        self.entered: list[set[int]] = [set() for _ in targets]
        self.entered[0].add(start)
        for ways in targets:
            for event, state in ways.items():
                if state != STOP:
                    self.entered[state].add(event)
        self._into = list(range(len(targets)))
        self.left = len(targets)

    def find(self, state: int) -> int:
        """The state that a state has become."""
        if state == STOP:
            return state
        while self._into[state] != state:
            self._into[state] = self._into[self._into[state]]
            state = self._into[state]
        return state

    def fold(self, one: int, other: int) -> _Folded:
        """Merge two states, and what both lead to by the same events, on trial."""
        into: dict[int, int] = {}
        sums: dict[int, Floats] = {}
        cost: dict[int, float] = {}
        targets: dict[int, dict[int, int]] = {}
        entered: dict[int, set[int]] = {}

        def now(state: int) -> int:
            state = self.find(state)
            while state in into:
                state = into[state]
            return state

        saved = 0.0
        todo = [(one, other)]
        while todo:
            a, b = map(now, todo.pop())
            if a == b:
                continue
            a, b = min(a, b), max(a, b)
            ways, others = dict(targets.get(a) or self.targets[a]), targets.get(b) or self.targets[b]
            shared = ways.keys() & others.keys()
            todo += [(ways[event], others[event]) for event in shared]
            before, beside = entered.get(a) or self.entered[a], entered.get(b) or self.entered[b]
            total = sums.get(a, self.sums[a]) + sums.get(b, self.sums[b])
            nats = float(_entropies(total))
            saved += cost.get(a, float(self.cost[a])) + cost.get(b, float(self.cost[b])) - nats
            saved += STATE + PARAMETER * (len(shared) - 1) + MEMORY * len(before & beside)
            into[b], sums[a], cost[a] = a, total, nats
            targets[a], entered[a] = others | ways, before | beside
        return _Folded(saved, into, sums, cost, targets, entered)

    def keep(self, folded: _Folded) -> list[int]:
        """Make a trial true; returns the states that have changed and are left."""
        for state, other in folded.into.items():
            self._into[state] = other
        self.left -= len(folded.into)
        changed = [state for state in folded.sums if state not in folded.into]
        for state in changed:
            self.sums[state], self.cost[state] = folded.sums[state], folded.cost[state]
            self.targets[state], self.entered[state] = folded.targets[state], folded.entered[state]
        return changed

    def merge(self, most: int | None = None) -> None:
        """Merge what saves nats, the best first, and then what costs least until at most `most` states are left."""
        size = len(self.targets)
        apart = np.full((size, size), np.inf)  # nats that the merged distribution loses, for the lower of two states
        for state in range(size - 1):
            apart[state, state + 1 :] = self._losses(state, np.arange(state + 1, size))
        while self.left > 1:
            near = np.argpartition(apart, min(TRIES, apart.size - 1), axis=None)[:TRIES]
            pairs = [divmod(int(k), size) for k in near if np.isfinite(apart.flat[k])]
            best = max((self.fold(*pair) for pair in pairs), key=lambda folded: folded.saved)
            if best.saved < 0 and (most is None or self.left <= most):
                return
            changed = self.keep(best)
            gone = list(best.into)
            apart[gone], apart[:, gone] = np.inf, np.inf
            alive = np.flatnonzero([self._into[state] == state for state in range(size)])
            for state in changed:
                others = alive[alive != state]
                losses = self._losses(state, others)
                apart[np.minimum(others, state), np.maximum(others, state)] = losses

    def length(self) -> float:
        """Nats that describe the automaton, and what follows its states."""
        alive = [state for state, into in enumerate(self._into) if state == into]
        free = sum(len(self.targets[state]) - 1 for state in alive)
        ways = Counter(event for state in alive for event in self.entered[state])
        beyond = sum(ways.values()) - len(ways)
        return float(self.cost[alive].sum()) + STATE * len(alive) + PARAMETER * free + MEMORY * beyond

    def _losses(self, state: int, others: NDArray[np.int64]) -> Floats:
        losses: Floats = _entropies(self.sums[others] + self.sums[state]) - self.cost[others] - self.cost[state]
        return losses

    def table(self) -> list[dict[int, int]]:
        """Event -> state for every state that is left, numbered anew from the initial one, 0."""
        order = {STOP: STOP, self.find(0): 0}
        todo = [self.find(0)]
        for state in todo:
            for following in map(self.find, self.targets[state].values()):
                if following not in order:
                    order[following] = len(todo)
                    todo.append(following)
        return [{event: order[self.find(to)] for event, to in self.targets[state].items()} for state in todo]


def _entropies(sums: Floats) -> Floats:
    """Nats that it takes to say what follows, rows times entropy, along the last axis."""
    total = sums.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(sums > 0, sums * np.log(sums), 0).sum(-1)
        nats: Floats = np.where(total > 0, total * np.log(total), 0) - parts
    return nats
