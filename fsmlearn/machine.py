"""The learned machine: states, triggers and the transitions between them, as plain names.

Standard library only, so that the light commands start without NumPy. It knows nothing of logs or
networks; what learns a machine imports this module, never the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["moore", "mealy"]


@dataclass(frozen=True, slots=True)
class State:
    """A state of the machine; `label` is the visible state it shows (None where the log hides states)."""

    name: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One way on from (state, trigger); `count` is the log rows behind it, `probability` its share of them."""

    state: str
    trigger: str
    next_state: str
    output: str | None
    count: int
    probability: float


@dataclass(frozen=True)
class Machine:
    """A finite state machine with honest probabilities; (state, trigger) may have several transitions.

    `initial` is the most frequent first state of a trace. States are in breadth-first order from it,
    triggers in order of first appearance, transitions in order of (state, trigger, -probability).
    """

    kind: Kind
    initial: str
    states: tuple[State, ...]
    triggers: tuple[str, ...]
    transitions: tuple[Transition, ...]
