"""A Python module for the package python-statemachine, in which states and events are attributes of a class."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from fsmlearn.export.names import ascii_name, names
from fsmlearn.machine import Machine, Transition

WORDS = """
activate_initial_state active_listeners add_listener allow_event_without_transition allowed_events
atomic_configuration_update bind_events_to cancel_event catch_errors_as_events configuration configuration_values
current_state current_state_value enable_self_transition_entries enabled_events Event events final_states
history_values id initial_state is_terminated Machine model name prepare put raise_ send start_configuration_values
State state state_field StateMachine states states_map TransitionNotAllowed
"""  # what a StateMachine has of its own, and what the module calls by name
TAKEN = frozenset([*WORDS.split(), *keyword.kwlist])
CALLBACK = re.compile("(on|before|after|prepare|done|error)_")  # what begins so is called, or sent, by its name
PUT = '''

def put(output):
    """What a transition does that has an output: `send` returns it."""

    def put():
        return output

    return put
'''


def write(machine: Machine) -> str:
    """The machine as a Python module; of several ways on python-statemachine takes the first."""
    return "".join(f"{line}\n" for line in _lines(machine))


def _lines(machine: Machine) -> Iterator[str]:
    states = names(machine.labels, "state", TAKEN, _name)
    events = names(machine.triggers, "event", TAKEN | set(states.values()), _name)
    outputs = any(t.output is not None for t in machine.transitions)
    yield '"""A state machine: `machine = Machine()`; then `machine.send(event)` moves it, and returns the output."""'
    yield ""
    yield "from statemachine import Event, State, StateMachine"
    if outputs:
        yield from PUT.split("\n")
    yield ""
    yield ""
    yield "class Machine(StateMachine):"
    for state, name in states.items():
        first = ", initial=True" if state == machine.initial else ""
        last = "" if machine.ways(state) else ", final=True"
        yield f"    {name} = State({state!r}{first}{last})"
    for trigger, event in events.items():
        ways = [_transition(t, states) for state in machine.labels for t in machine.successors(state, trigger)]
        if ways:
            yield ""
            yield f"    {event} = Event("
            yield f"        name={trigger!r},"
            yield f"        transitions={ways[0]}"
            yield from (f"        | {way}" for way in ways[1:])
            yield "    )"


def _transition(t: Transition, states: dict[str, str]) -> str:
    done = "" if t.output is None else f", on=put({t.output!r})"
    share = "" if t.probability == 1 else f"  # probability {t.probability!r}"
    return f"{states[t.state]}.to({states[t.next_state]}{done}){share}"


def _name(word: str) -> str:
    name = ascii_name(word)
    return "" if CALLBACK.match(name) else name
