"""A machine as it was read from a file, each part with its line, and what makes a `Machine` of it.

The formats share it: what must hold whatever the syntax is checked here, and told by file and line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from fsmlearn.errors import FormatError
from fsmlearn.machine import Kind, Machine, Transition


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition; its probability is None where the file does not say."""

    line: int
    state: str
    trigger: str
    next_state: str
    output: str | None = None
    count: int = 0
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """A machine, and what of its file is not in it, a line each."""

    machine: Machine
    notes: tuple[str, ...] = ()


@dataclass
class Draft:
    """What a file says. `states` is name -> what the log calls it (None: the log hides it)."""

    file: str
    kind: Kind
    initial: str
    states: dict[str, str | None]
    edges: list[Edge]
    triggers: list[str] = field(default_factory=list)  # in this order, before those of the edges
    notes: list[str] = field(default_factory=list)

    def refuse(self, line: int, text: str) -> NoReturn:
        """Raise FormatError for something on a line."""
        refuse(self.file, line, text)

    def finish(self) -> Imported:
        """The machine; FormatError where the parts do not fit."""
        seen: dict[tuple[str, str, str, str | None], int] = {}
        for edge in self.edges:
            if not edge.trigger:
                self.refuse(edge.line, "the transition has no trigger; name what makes it happen")
            if edge.count < 0 or not 0 < (1 if edge.probability is None else edge.probability) <= 1:
                self.refuse(edge.line, "a count is 0 or more, a probability above 0 and 1 at most; correct it")
            for name in (edge.state, edge.next_state):
                if name not in self.states:
                    self.refuse(edge.line, f"there is no state {name!r}; add it, or correct the name")
            way = (edge.state, edge.trigger, edge.next_state, edge.output)
            if way in seen:
                self.refuse(edge.line, f"the transition stands on line {seen[way]} already; remove one")
            seen[way] = edge.line
        triggers = list(dict.fromkeys((*self.triggers, *(edge.trigger for edge in self.edges))))
        machine = Machine.arrange(self.kind, self.initial, self.states, triggers, self._shared())
        lost = [name for name in self.states if name not in machine.labels]
        if lost:
            some = ", ".join(map(repr, lost[:5])) + (", ..." if len(lost) > 5 else "")
            self.notes.append(f"no way leads to {some}: left out")
        return Imported(machine, tuple(f"{self.file}: {note}" for note in self.notes))

    def _shared(self) -> Iterable[Transition]:
        """The transitions with their probabilities: as the file says, else equal among the ways on."""
        groups: dict[tuple[str, str | None], list[Edge]] = {}
        for edge in self.edges:
            groups.setdefault((edge.state, None if self.kind == "lts" else edge.trigger), []).append(edge)
        for (state, trigger), edges in groups.items():
            known = [edge.probability for edge in edges if edge.probability is not None]
            what = repr(state) if trigger is None else f"{state!r} under {trigger!r}"
            if known and len(known) < len(edges):
                self.refuse(edges[-1].line, f"only some ways on from {what} have a probability; give all or none")
            if known and not math.isclose(sum(known), 1, abs_tol=5e-3):
                self.refuse(edges[-1].line, f"the probabilities of {what} sum to {sum(known):.4g}; make it 1")
            total = sum(known)
            if math.isclose(total, 1, abs_tol=1e-9):
                total = 1  # what was exact stays so
            for edge in edges:
                share = 1 / len(edges) if edge.probability is None else edge.probability / total
                yield Transition(edge.state, edge.trigger, edge.next_state, edge.output, edge.count, min(share, 1.0))


def refuse(file: str, line: int, text: str) -> NoReturn:
    """Raise FormatError for something on a line of a file."""
    raise FormatError(f"{file}:{line}: {text}")
