"""What the network itself expects, beside the table: its distribution over the answers to a trigger, or over events.

A log that shows its states gives the network two words a row, the visible state and the trigger. The machine says which
states the triggers of a history led through, so that the network sees what it would have seen in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsmlearn.dynamics import Floats, Network
from fsmlearn.errors import UnknownNameError
from fsmlearn.machine import Machine, Transition
from fsmlearn.predict import likeliest_way
from fsmlearn.rnn import softmax

# Next visible state and output, None what the log does not say; of events, the event and None.
Seen = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the network holds for possible, the likeliest first."""

    shares: dict[Seen, float]

    @property
    def best(self) -> Seen:
        """What it holds for likeliest."""
        return next(iter(self.shares))


class Listener:
    """A network that is told one row after the other. Raises UnknownNameError for words that it never learned."""

    def __init__(self, network: Network, machine: Machine) -> None:
        self._network, self._machine = network, machine
        self._memory: Floats = np.zeros((1, network.width))
        if network.sample.kind == "sequence":
            self._feed(len(network.sample.triggers))  # the start of a trace

    def follow(self, state: str | None, history: Sequence[str]) -> None:
        """Tell it the rows that most likely lead to `state` through `history`."""
        for t in likeliest_way(self._machine, state, history):
            self.tell(t)

    def tell(self, t: Transition) -> None:
        """Tell it a row."""
        self.hear(self._machine.visible(t.state), t.trigger)

    def hear(self, state: str, trigger: str) -> None:
        """Tell it that a trigger happened in a visible state."""
        sample = self._network.sample
        code = _code(sample.triggers, trigger, "trigger")
        self._feed(code, _code(sample.states, state, "state") if sample.kind == "visible" else -1)

    def opinion(self) -> Opinion:
        """What it answers to the latest row, or expects after it."""
        network, sample = self._network, self._network.sample
        shares = softmax(network.cell.logits(network.params, self._memory))[0].tolist()
        if sample.kind == "sequence":
            seen: list[Seen] = [(event, None) for event in (*sample.triggers, self._machine.triggers[-1])]
        else:
            seen = [
                (sample.states[s] if s >= 0 else None, sample.outputs[o] if o >= 0 else None) for s, o in sample.answers
            ]
        return Opinion(dict(sorted(zip(seen, shares, strict=True), key=lambda each: -each[1])))

    def _feed(self, trigger: int, state: int = -1) -> None:
        self._memory, _ = self._network.move(self._memory, np.array([state]), trigger)


def _code(words: Sequence[str], word: str, what: str) -> int:
    if word not in words:
        raise UnknownNameError(f"the network never learned the {what} {word!r}; ask the table, without --network")
    return words.index(word)
