"""How probable a machine of events makes traces that it was not learned from, by its table alone.

A state keeps a share for what it never showed, the larger the more kinds of events it showed in few rows (Witten & Bell
1991, method C), and gives it to events by the number of states that show them, as Kneser & Ney (1995) do by contexts:
of the states that the same events lead to, which keep a share for all states, and those one for all events alike.
After an event that a state never showed, the machine may be in any state which that event leads to, each as probable
as its rows, and what comes then tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.machine import Machine

Floats = NDArray[np.floating[Any]]


class Forecast:
    """The next events of a machine. K states, E events in the order of its triggers, the last being the end."""

    def __init__(self, machine: Machine) -> None:
        number = {state.name: i for i, state in enumerate(machine.states)}
        event = {word: i for i, word in enumerate(machine.triggers)}
        self._initial = number[machine.initial]
        self._to = np.full((len(number), len(event)), -1)
        counts = np.zeros((len(number), len(event)))
        entered = np.zeros((len(event), len(number)))  # rows by which an event leads to a state
        for t in machine.transitions:
            self._to[number[t.state], event[t.trigger]] = number[t.next_state]
            counts[number[t.state], event[t.trigger]] = t.count
            entered[event[t.trigger], number[t.next_state]] += t.count
        lead = np.zeros((len(number), len(event) + 1))  # share of each event in what leads to a state; last the start
        lead[:, :-1] = entered.T
        lead[self._initial, -1] = entered[-1].sum()  # as many traces as end
        after = (lead > 0).T.astype(np.float64) @ (counts > 0)  # (E + 1, E) states after an event that show another
        anywhere = _witten_bell((counts > 0).sum(0, keepdims=True), np.full((1, len(event)), 1 / len(event)))
        backing = lead / lead.sum(1, keepdims=True) @ _witten_bell(after, anywhere)
        self._entered = entered
        self.shares = _witten_bell(counts, backing)  # (K, E)

    def predictions(self, trace: Iterable[int]) -> Iterator[tuple[Floats, int]]:
        """(distribution (E,), what came) for every event of a trace, given as codes, the last of which is its end."""
        states, weights = np.array([self._initial]), np.ones(1)
        for event in trace:
            expected = weights @ self.shares[states]
            yield expected, event
            to = self._to[states, event]
            following = np.bincount(to[to >= 0], (weights * self.shares[states, event])[to >= 0])
            if not len(following):
                following = self._entered[event]
            if following.any():  # else nothing is known of this event
                states = np.flatnonzero(following)
                weights = following[states] / following.sum()


def _witten_bell(counts: Floats, backing: Floats) -> Floats:
    """Shares of counts (n, E) that keep as much for a backing distribution as there are kinds of events among them."""
    kinds = (counts > 0).sum(1, keepdims=True)
    empty = kinds == 0
    shares: Floats = (counts + np.where(empty, 1, kinds) * backing) / (counts.sum(1, keepdims=True) + kinds + empty)
    return shares


def score(predictions: Iterable[tuple[Sequence[float] | Floats, int]], times: Iterable[int]) -> tuple[float, float]:
    """Mean nats an event, and the share of events that were the likeliest, of predictions that count so many times."""
    nats = right = events = 0.0
    for (expected, event), copies in zip(predictions, times, strict=True):
        if copies:
            shares = np.asarray(expected)
            nats -= copies * float(np.log(max(shares[event], np.finfo(np.float64).tiny)))
            right += copies * float(shares.argmax() == event)
            events += copies
    return nats / max(events, 1), right / max(events, 1)
