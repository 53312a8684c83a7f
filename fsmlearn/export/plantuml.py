"""PlantUML's state diagram."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fsmlearn.export.names import names
from fsmlearn.export.picture import arrows, caption, label
from fsmlearn.formats import printable
from fsmlearn.machine import Machine

KEYWORDS = {"as", "end", "history", "note", "state"}


def write(machine: Machine) -> str:
    """The machine as a state diagram; transitions between the same states share an arrow, a line each."""
    return "".join(f"{line}\n" for line in _lines(machine))


def _lines(machine: Machine) -> Iterator[str]:
    ids = names(machine.labels, "state", KEYWORDS, fold=str.casefold)
    yield "@startuml"
    yield "left to right direction"
    yield "hide empty description"
    yield f"[*] --> {ids[machine.initial]}"
    for state, name in ids.items():
        shown = caption(machine, state, _spelt)
        yield f"state {name}" if shown == name else f'state "{shown}" as {name}'
    for (state, following), ways in arrows(machine).items():
        lines = "\\n".join(label(t, _spelt) for t in ways)
        yield f"{ids[state]} --> {ids[following]} : {lines}"
    yield "@enduml"


def _spelt(word: str) -> str:
    """A word in which all that PlantUML could take for markup is a number; it stumbles over those of `\\` and `$`."""
    return re.sub(
        r"[!-#%-+\--/:-@\[-`{-~]",
        lambda c: "\\\\" if c[0] == "\\" else f"<U+{ord(c[0]):04X}>",
        printable(word),
    )
