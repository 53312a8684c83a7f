"""What the languages of model checkers have in common: one set of names for states, triggers and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Set

from fsmlearn.export.names import names
from fsmlearn.formats import printable
from fsmlearn.machine import Machine


class Vocabulary:
    """Word -> name of all that a machine speaks of, no name given twice and none of `taken`."""

    def __init__(self, machine: Machine, taken: Set[str]) -> None:
        self.states = names(machine.labels, "state", taken)
        taken = taken | set(self.states.values())
        self.triggers = names(machine.triggers, "trigger", taken)
        taken = taken | set(self.triggers.values())
        self.outputs = names((t.output for t in machine.transitions if t.output is not None), "output", taken)
        self.taken = taken | set(self.outputs.values())
        self.visible: dict[str, list[str]] = {}  # visible state -> the names of the states that show it
        for state, label in machine.labels.items():
            if label is not None:
                self.visible.setdefault(label, []).append(self.states[state])

    def remarks(self, mark: str) -> Iterator[str]:
        """Comments that say which word is behind a name, where it is not the word itself."""
        for what, given in (("state", self.states), ("trigger", self.triggers), ("output", self.outputs)):
            yield from (f"{mark} {what} {name}: {printable(word)}" for word, name in given.items() if word != name)
