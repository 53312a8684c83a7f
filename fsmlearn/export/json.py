"""All there is to say of a machine, as `fsmlearn import` reads it."""

from __future__ import annotations

from fsmlearn.formats import json_text
from fsmlearn.machine import Machine


def write(machine: Machine) -> str:
    """The machine in JSON, as `Machine.from_dict` takes it."""
    return json_text(machine.to_dict())
