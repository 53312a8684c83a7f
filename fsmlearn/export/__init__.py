"""A machine as text in the formats of other tools. Each format is a module with one function, `write`.

Nothing is dropped in silence: what a format cannot say, `omission` says. Standard library only; a module is imported
when its format is asked for.
"""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import Literal

from fsmlearn.errors import SettingsError
from fsmlearn.machine import Machine

# What becomes of chance in a format: probabilities are kept; every way on is open; the tool takes the first way, which
# is the likeliest; or the likeliest is all that is written.
Chance = Literal["kept", "open", "first", "likeliest"]

FORMATS: dict[str, Chance] = {
    "dot": "kept",
    "mermaid": "kept",
    "plantuml": "kept",
    "scxml": "first",
    "xstate": "first",
    "json": "kept",
    "yaml": "kept",
    "csv": "kept",
    "python": "kept",
    "transitions": "first",
    "python-statemachine": "first",
    "smv": "open",
    "prism": "kept",
    "aalpy": "kept",
    "kiss2": "likeliest",
}


def export(machine: Machine, to: str) -> str:
    """The machine in a format, as whole lines. Raises SettingsError where there is no such format."""
    check(to)
    text: str = import_module(f"fsmlearn.export.{to.replace('-', '_')}").write(machine)
    return text


def check(to: str) -> None:
    """Raise SettingsError where there is no such format."""
    if to not in FORMATS:
        *names, last = FORMATS
        raise SettingsError(f"--to: there is no format {to!r}; choose {', '.join(names)} or {last}")


def omission(machine: Machine, to: str) -> str | None:
    """What the format cannot say of this machine, in one line; None where it says everything but counts."""
    chance = FORMATS[to]
    ways = Counter((t.state, t.trigger) for t in machine.transitions)
    forked = sum(number > 1 for number in ways.values())
    pairs = "1 state and trigger has" if forked == 1 else f"{forked:,} states and triggers have"
    if chance == "first" and forked:
        return f"{pairs} several ways on; {to} takes the first of them, which is the likeliest"
    if chance == "likeliest" and forked:
        left = sum(ways.values()) - len(ways)
        return f"{pairs} several ways on; {to} has room for the likeliest, and {left:,} more are left out"
    if chance in ("open", "likeliest") and any(t.probability < 1 for t in machine.transitions):
        return f"{to} has no probabilities: they are left out, and every way on is possible"
    return None
