"""The table of transitions."""

from __future__ import annotations

from fsmlearn import formats
from fsmlearn.machine import Machine

COLUMNS = ("state", "trigger", "next_state", "output", "count", "probability")


def write(machine: Machine) -> str:
    """The machine as CSV, a transition a line."""
    rows = ({column: getattr(t, column) for column in COLUMNS} for t in machine.transitions)
    return "".join(formats.csv(COLUMNS, rows))
