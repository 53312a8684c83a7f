"""A Python module for the package transitions (pytransitions), which calls states and triggers by their words.

Others have only triggers called `state` and `output`, which the model has itself, and states called `*` and `=`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmlearn.export.names import names
from fsmlearn.machine import Machine, Transition

PUT = '''

def put(output):
    """What a transition does that has an output: it becomes the model's."""

    def put(event):
        event.model.output = output

    return put
'''
END = """

class Model:
    output = None


def machine(model):
    return Machine(
        model, states=STATES, initial=INITIAL, transitions=TRANSITIONS, send_event=True, auto_transitions=False
    )
"""


def write(machine: Machine) -> str:
    """The machine as a Python module; of several ways on transitions takes the first."""
    return "".join(f"{line}\n" for line in _lines(machine)) + END


def _lines(machine: Machine) -> Iterator[str]:
    yield '"""A state machine: `model = Model()`, `machine(model)`; then `model.trigger(word)` moves `model.state`."""'
    yield ""
    yield "from transitions import Machine"
    yield ""
    states = names(machine.labels, "state", {"*", "="}, clean=str)
    triggers = names(machine.triggers, "trigger", {"state", "output"}, clean=str)
    for what, given in (("state", states), ("trigger", triggers)):
        yield from (f"# {name!r} is the {what} {word!r}" for word, name in given.items() if word != name)
    yield f"INITIAL = {states[machine.initial]!r}"
    yield "STATES = ["
    yield from (f"    {state!r}," for state in states.values())
    yield "]"
    if any(t.output is not None for t in machine.transitions):
        yield from PUT.split("\n")
    yield ""
    yield "TRANSITIONS = ["
    for state in machine.labels:
        for trigger, ways in machine.ways(state).items():
            yield from (_transition(t, triggers[trigger], states[state], states[t.next_state]) for t in ways)
    yield "]"


def _transition(t: Transition, trigger: str, source: str, target: str) -> str:
    after = "" if t.output is None else f', "after": put({t.output!r})'
    share = "" if t.probability == 1 else f"  # probability {t.probability!r}"
    return f'    {{"trigger": {trigger!r}, "source": {source!r}, "dest": {target!r}{after}}},{share}'
