"""Mermaid's state diagram, which Markdown shows as a picture in many places."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fsmlearn.export.names import names
from fsmlearn.export.picture import arrows, caption, label
from fsmlearn.formats import printable
from fsmlearn.machine import Machine

WORDS = """
    accdescr acctitle as bt choice class classdef click default direction divider end fork hide href join left
    lr note of over right rl root root_end root_start scale state statediagram style tb td title
"""
KEYWORDS = frozenset(WORDS.split())


def write(machine: Machine) -> str:
    """The machine as a `stateDiagram-v2`; transitions between the same states share an arrow, a line each."""
    return "".join(f"{line}\n" for line in _lines(machine))


def _lines(machine: Machine) -> Iterator[str]:
    ids = names(machine.labels, "state", KEYWORDS, fold=str.casefold)
    yield "stateDiagram-v2"
    yield "    direction LR"
    yield f"    [*] --> {ids[machine.initial]}"
    for state, name in ids.items():
        shown = caption(machine, state, _spelt)
        yield f"    {name}" if shown == name else f'    state "{shown}" as {name}'
    for (state, following), ways in arrows(machine).items():
        yield f"    {ids[state]} --> {ids[following]} : {'<br>'.join(label(t, _spelt) for t in ways)}"


def _spelt(word: str) -> str:
    """A word in which all that Mermaid or HTML could take for something else is a number (`#60;` is `<`)."""
    return re.sub(r"[!-+\--/:-@\[-`{-~]", lambda c: f"#{ord(c[0])};", printable(word))
