"""State Chart XML, the W3C's recommendation of 2015, for its interpreters and for `fsmlearn import`, which reads it.

States and events have names without spaces and dots, which XML and SCXML give a meaning; the words behind them, and
what SCXML has no place for, are attributes of a namespace of their own. An output is assigned to the variable `output`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from fsmlearn.export.names import names
from fsmlearn.export.python_statemachine import TAKEN
from fsmlearn.machine import Machine, Transition

NAMESPACE = "urn:fsmlearn"
ILLEGAL = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0


def write(machine: Machine) -> str:
    """The machine as an SCXML document; several ways on stand in the order of their probability."""
    return "".join(f"{line}\n" for line in _lines(machine))


def _lines(machine: Machine) -> Iterator[str]:
    states = names(machine.labels, "state", TAKEN)  # python-statemachine makes attributes of them
    events = names(machine.triggers, "event", TAKEN | set(states.values()))
    outputs = any(t.output is not None for t in machine.transitions)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    model = ' datamodel="ecmascript"' if outputs else ""
    yield (
        f'<scxml xmlns="http://www.w3.org/2005/07/scxml" xmlns:fsmlearn="{NAMESPACE}" version="1.0"{model} '
        f'initial="{states[machine.initial]}" fsmlearn:kind="{machine.kind}">'
    )
    if outputs:
        yield '  <datamodel><data id="output" expr="\'\'"/></datamodel>'
    for state in machine.states:
        own = "" if state.name == states[state.name] else _attribute("name", state.name)
        if state.label != (state.name if machine.kind == "moore" else None):
            own += _attribute("label", state.label or "")
        tag = "state" if machine.ways(state.name) or machine.kind != "lts" else "final"
        yield f'  <{tag} id="{states[state.name]}"{own}>'
        for t in chain.from_iterable(machine.ways(state.name).values()):
            yield from _transition(t, events[t.trigger], states[t.next_state])
        yield f"  </{tag}>"
    yield "</scxml>"


def _transition(t: Transition, event: str, target: str) -> Iterator[str]:
    own = "" if t.trigger == event else _attribute("trigger", t.trigger)
    if t.count:
        own += f' fsmlearn:count="{t.count}"'
    if t.probability < 1:
        own += f' fsmlearn:probability="{t.probability!r}"'
    head = f'    <transition event="{event}" target="{target}"{own}'
    if t.output is None:
        yield f"{head}/>"
        return
    yield f'{head}><assign location="output" expr="{_escaped(_literal(t.output))}"/></transition>'


def _literal(word: str) -> str:
    """The word as JSON, ECMAScript and Python write it alike."""
    escaped = re.sub(r"[\t\n\r]", _code, re.sub(r'[\\"]', r"\\\g<0>", word))
    return f'"{ILLEGAL.sub(_code, escaped)}"'


def _code(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"


def _attribute(name: str, word: str) -> str:
    """The word as an attribute; what XML cannot hold is spelt `\\u001b`, and a backslash is doubled."""
    text = ILLEGAL.sub(_code, word.replace("\\", "\\\\"))
    return f' fsmlearn:{name}="{_escaped(text)}"'


def _escaped(text: str) -> str:
    return "".join(c if c.isprintable() and c not in '&<>"' else f"&#{ord(c)};" for c in text)
