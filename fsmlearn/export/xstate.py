"""A JavaScript module for XState 5. States and events are called by their words, but for what XState takes apart: the
characters of paths in states, and `*` in events. An output is in the context."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fsmlearn.export.names import names
from fsmlearn.formats import json_text
from fsmlearn.machine import Machine, Transition


def write(machine: Machine) -> str:
    """The machine as a module that exports `machine`; of several ways on XState takes the first."""
    return "".join(f"{line}\n" for line in _lines(machine))


def _lines(machine: Machine) -> Iterator[str]:
    states = names(machine.labels, "state", {"__proto__"}, _key)
    events = names(machine.triggers, "event", {"__proto__"}, _key)
    outputs = any(t.output is not None for t in machine.transitions)
    yield f'import {{ {"assign, " if outputs else ""}createMachine }} from "xstate";'
    yield ""
    yield "export const machine = createMachine({"
    yield f"  initial: {_literal(states[machine.initial])},"
    if outputs:
        yield "  context: { output: null },"
    yield "  states: {"
    for state in machine.states:
        yield f"    {_literal(states[state.name])}: {{"
        meta = {"name": state.name} if states[state.name] != state.name else {}
        if state.label not in (None, state.name):
            meta["label"] = state.label
        if meta:
            yield f"      meta: {_literal(meta)},"
        if machine.ways(state.name):
            yield "      on: {"
            for trigger, ways in machine.ways(state.name).items():
                written = ", ".join(_transition(t, states[t.next_state]) for t in ways)
                yield f"        {_literal(events[trigger])}: {f'[{written}]' if len(ways) > 1 else written},"
            yield "      },"
        elif machine.kind == "lts":
            yield '      type: "final",'
        yield "    },"
    yield "  },"
    yield "});"
    changed = {trigger: event for trigger, event in events.items() if trigger != event}
    if changed:
        yield ""
        yield "// What the triggers are called that XState would take for something else."
        yield f"export const events = new Map({_literal(list(changed.items()))});"


def _transition(t: Transition, target: str) -> str:
    parts = [f"target: {_literal(target)}"]
    if t.output is not None:
        parts.append(f"actions: assign({{ output: {_literal(t.output)} }})")
    if t.probability < 1:
        parts.append(f"meta: {{ probability: {t.probability!r} }}")
    return f"{{ {', '.join(parts)} }}"


def _key(word: str) -> str:
    """The word without what XState takes apart."""
    return re.sub(r"[.*#\\]", "_", word)


def _literal(value: object) -> str:
    return re.sub(r"\n *", " ", json_text(value).strip("\n"))
