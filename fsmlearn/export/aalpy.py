"""DOT as AALpy's `load_automaton_from_file` reads it, a line a state or transition. The first line says as what type.

AALpy takes labels apart at `/`, `:` and `|` and digits for numbers, so words that have them are changed. A machine that
makes its events itself is a stochastic Mealy machine with one input, `next`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from fsmlearn.export.names import names
from fsmlearn.formats import printable
from fsmlearn.machine import Machine, Transition

Type = Literal["moore", "mealy", "mdp", "smm"]
NEXT = "next"


def write(machine: Machine) -> str:
    """The machine in AALpy's DOT, with its probabilities where it has any."""
    return "".join(f"{line}\n" for line in _lines(machine))


def type_of(machine: Machine) -> Type:
    """What AALpy calls such a machine."""
    chance = any(t.probability < 1 for t in machine.transitions)
    if machine.kind == "moore":
        return "mdp" if chance else "moore"
    return "smm" if chance or machine.kind == "lts" else "mealy"


def _lines(machine: Machine) -> Iterator[str]:
    kind = type_of(machine)
    ids = names(machine.labels, "state")
    captions = names(machine.labels, "state", clean=_word)
    labels = names(map(machine.visible, machine.labels), "state", clean=_word)
    triggers = names(machine.triggers, "trigger", clean=_word)
    outputs = names((t.output for t in machine.transitions if t.output is not None), "output", clean=_word)

    def said(t: Transition) -> str:
        trigger, output = triggers[t.trigger], "" if t.output is None else outputs[t.output]
        if machine.kind == "lts":
            trigger, output = NEXT, trigger
        put = f"/{output}" if kind in ("mealy", "smm") else ""
        return trigger + put + (f":{t.probability!r}" if kind in ("mdp", "smm") else "")

    yield f"// {kind}"
    for what, given in (("state", captions), ("trigger", triggers), ("output", outputs)):
        yield from (f"// {what} {name} is {_remark(word)}" for word, name in given.items() if word != name)
    yield "digraph machine {"
    for state, name in ids.items():
        shown = labels[machine.visible(state)]
        caption = {"moore": f"{captions[state]}|{shown}", "mdp": shown}.get(kind, captions[state])
        yield f'{name} [label="{caption}"];'
    for t in machine.transitions:
        yield f'{ids[t.state]} -> {ids[t.next_state]} [label="{said(t)}"];'
    yield '__start0 [label="", shape=none];'
    yield f'__start0 -> {ids[machine.initial]} [label=""];'
    yield "}"


def _word(word: str) -> str:
    """The word without what AALpy takes apart; nothing where it would make another number of it."""
    plain = "".join("_" if c in '"\\/:|{}<>' or not c.isprintable() else c for c in word).strip()
    plain = plain.replace("__start0", "start0")
    return "" if plain.isdigit() and not re.fullmatch("0|[1-9][0-9]*", plain) else plain


def _remark(word: str) -> str:
    """The word as it may stand in a comment, where AALpy, which knows none, must find nothing of its own."""
    spelt = {"->": "-\\x3e", "label": "\\x6cabel", "__start0": "\\x5f_start0"}
    return re.sub("->|label|__start0", lambda c: spelt[c[0]], printable(word.replace("\\", "\\\\")))
