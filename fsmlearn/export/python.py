"""A Python module that needs nothing else: the table, and a class that walks it."""

from __future__ import annotations

from collections.abc import Iterator

from fsmlearn.machine import Machine

CLASS = '''

class Machine:
    """Walks the table from `state` on, the initial state unless given."""

    def __init__(self, state=INITIAL):
        self.state = state

    def ways(self, trigger):
        """The ways on from here, the likeliest first; none where nothing is known."""
        return WAYS[self.state].get(trigger, [])

    def step(self, trigger, rng=None):
        """Go the likeliest way, or one drawn by `rng` (a random.Random), and return the output; else a LookupError."""
        ways = self.ways(trigger)
        if not ways:
            raise LookupError(f"no way on from {self.state!r} by {trigger!r}")
        way = ways[0] if rng is None else rng.choices(ways, [way[2] for way in ways])[0]
        self.state = way[0]
        return way[1]
'''


def write(machine: Machine) -> str:
    """The machine as a Python module."""
    return "".join(f"{line}\n" for line in _lines(machine)) + CLASS


def _lines(machine: Machine) -> Iterator[str]:
    yield f'"""A state machine with {len(machine.states)} states and {len(machine.transitions)} transitions."""'
    yield ""
    yield f"INITIAL = {machine.initial!r}"
    yield ""
    yield "LABELS = {  # state -> what the log calls it"
    for state in machine.states:
        yield f"    {state.name!r}: {state.label!r},"
    yield "}"
    yield ""
    yield "WAYS = {  # state -> trigger -> [(next state, output, probability)], the likeliest first"
    for state in machine.states:
        yield f"    {state.name!r}: {{"
        for trigger, ways in machine.ways(state.name).items():
            yield f"        {trigger!r}: {[(t.next_state, t.output, t.probability) for t in ways]!r},"
        yield "    },"
    yield "}"
