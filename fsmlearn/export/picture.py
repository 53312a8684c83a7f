"""What the pictures have in common: captions of states, and labels of transitions of which several share an arrow."""

from __future__ import annotations

import re
from collections.abc import Callable

from fsmlearn.machine import Machine, Transition


def arrows(machine: Machine) -> dict[tuple[str, str], list[Transition]]:
    """(state, next state) -> the transitions between them, which one arrow stands for."""
    found: dict[tuple[str, str], list[Transition]] = {}
    for t in machine.transitions:
        found.setdefault((t.state, t.next_state), []).append(t)
    return found


def label(t: Transition, spelt: Callable[[str], str]) -> str:
    """`trigger / output (50 %)`, the last two where there is something to say; `spelt` makes words safe to show."""
    output = "" if t.output is None else f" / {spelt(t.output)}"
    share = "" if t.probability == 1 else f" ({100 * t.probability:.4g} %)"
    return f"{spelt(t.trigger)}{output}{share}"


def caption(machine: Machine, state: str, spelt: Callable[[str], str]) -> str:
    """The name of a state, with what the log calls it where the name does not say so itself."""
    shown = machine.visible(state)
    said = state == shown or re.fullmatch(rf"{re.escape(shown)}·\d+", state)
    return spelt(state) if said else f"{spelt(state)} | {spelt(shown)}"
