"""Traces drawn by the probabilities of a machine, and what a log shows of traces.

Standard library only; the traces may be as many as one likes, since none is kept.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from random import Random

from fsmlearn.columns import HEADERS
from fsmlearn.formats import csv_line
from fsmlearn.machine import Machine, Transition

BLOCK = 5000  # rows that are written together

Choice = tuple[Sequence[float], Sequence[Transition]]  # weights added up, and the ways on that have them


def ends(machine: Machine, t: Transition) -> bool:
    """Whether a transition is the end of a trace, for which a log of events has no row."""
    return machine.kind == "lts" and machine.labels[t.next_state] is not None


def draw(
    machine: Machine, traces: int, length: int | None, random: Random, *, uniform: bool = False
) -> Iterator[Iterator[Transition]]:
    """Traces from the initial state, each of at most `length` transitions or until nothing follows.

    A trigger comes as often as the rows of the log have it in that state or, with `uniform`, each that the state knows
    as often as any other; where it leads has the machine's probabilities. The events of a machine of events have their
    own. The end of a trace never comes first, for no log has a trace without rows.
    """
    choices = {state: _choice(machine, state, uniform) for state in machine.labels}
    first = _choice(machine, machine.initial, uniform, empty=False)
    return (islice(_walk(first, choices, random), length) for _ in range(traces))


def _walk(choice: Choice, choices: dict[str, Choice], random: Random) -> Iterator[Transition]:
    while choice[1]:
        weights, ways = choice
        t = ways[bisect(weights, random.random() * weights[-1], 0, len(weights) - 1)]
        yield t
        choice = choices[t.next_state]


def _choice(machine: Machine, state: str, uniform: bool, empty: bool = True) -> Choice:
    """The ways on from a state, weighed; without the end of the trace unless it may be empty."""
    by_trigger = [ways for trigger in machine.triggers if (ways := machine.successors(state, trigger))]
    rows = [sum(t.count for t in ways) for ways in by_trigger]
    found: list[tuple[float, Transition]] = []
    for ways, count in zip(by_trigger, rows, strict=True):
        whole = sum(t.probability for t in ways)
        own = whole if machine.kind == "lts" else count if any(rows) else 1
        weight = 1 if uniform else own
        found += [(weight * t.probability / whole, t) for t in ways if empty or not ends(machine, t)]
    found = [each for each in found if each[0]]
    return list(accumulate(weight for weight, _ in found)), [t for _, t in found]


def as_log(machine: Machine, traces: Iterable[Iterable[Transition]]) -> Iterator[str]:
    """The CSV that `logs.read` reads back, some thousand rows at a time: what a log of this machine shows of traces.

    A machine with visible states has rows of current state, trigger and next state, and output if it gives any; one
    without has triggers and outputs, a machine of events has events. Traces and steps are numbered from 1.
    """
    if machine.kind == "lts":
        roles = ["event"]
    elif any(state.label is not None for state in machine.states):
        roles = ["state", "trigger", "next_state"]
    else:
        roles = ["trigger", "output"]
    if "next_state" in roles and any(t.output is not None for t in machine.transitions):
        roles.append("output")

    def tail(t: Transition) -> str:
        next_state, state = machine.visible(t.next_state), machine.visible(t.state)
        words = {"event": t.trigger, "state": state, "trigger": t.trigger, "next_state": next_state, "output": t.output}
        return csv_line(words[role] for role in roles)

    tails = {id(t): tail(t) for t in machine.transitions if not ends(machine, t)}
    lines = [csv_line(["trace", "step", *(HEADERS[role] for role in roles)])]
    for number, trace in enumerate(traces, 1):
        for step, t in enumerate(trace, 1):
            if id(t) in tails:
                lines.append(f"{number},{step},{tails[id(t)]}")
                if len(lines) >= BLOCK:
                    yield "".join(lines)
                    lines.clear()
    yield "".join(lines)
