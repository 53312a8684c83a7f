"""`fsmlearn plan`: the triggers that lead from one state to another."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

from fsmlearn import formats
from fsmlearn.cli import console, options
from fsmlearn.cli.options import Option
from fsmlearn.errors import SettingsError

if TYPE_CHECKING:
    from fsmlearn.machine import Machine
    from fsmlearn.plan import NoPlan, Plan

COLUMNS = ("step", "action", "trigger", "state", "next_state", "output", "probability")


def run(
    start: Annotated[
        str | None, Option("--from", metavar="STATE", help="Where the machine is; its initial state unless given.")
    ] = None,
    to: Annotated[
        str | None, Option("--to", metavar="STATE", help="Where it shall go, as the log or as the table calls it.")
    ] = None,
    avoid: Annotated[
        list[str] | None, Option("--avoid", metavar="STATE", help="A state to stay out of; may be given again.")
    ] = None,
    external: Annotated[
        list[str] | None,
        Option(
            "--external",
            metavar="TRIGGERS",
            help="The triggers that can be fired, separated by commas; the others are waited for. May be given again.",
        ),
    ] = None,
    likeliest: Annotated[
        bool, Option("--likeliest", help="The likeliest way instead of the one with the fewest steps.")
    ] = False,
    config: options.Config = None,
    model: options.Model = options.MODEL,
    format: options.Format = None,
) -> int:
    """Plan the triggers that drive the machine from one state to another.

    Each line is a trigger to fire, or one to wait for, such as a timer; which are which --external says, or external in
    fsmlearn.yaml, and without either all are fired. A name that stands for several states of the machine means any of
    them: the way leads to the nearest, and from the nearest. Where a trigger may lead to several states, probability is
    that of the one wanted; of a machine of events, that an event which is waited for comes next.

    The exit status is 1 where no way leads there.
    """
    from fsmlearn import plan, store
    from fsmlearn.config import gather

    if to is None:
        raise SettingsError("plan needs --to, the state that the machine shall go to")
    style = console.chosen_format(format)
    machine = store.load_machine(model)
    given = {"external": None if external is None else ",".join(external)}
    fired = gather(given, os.environ, file=config).external
    found = plan.plan(
        machine,
        start,
        to,
        external=fired if fired or external is not None else None,
        avoid=avoid or (),
        likeliest=likeliest,
    )
    if isinstance(found, plan.NoPlan):
        console.note(_why_not(machine, found, to))
        return console.NO
    if start is not None and start != found.start:
        console.aside(f"{start} may be {_either(machine, start)}; this is the way from {found.start}")
    if not found.steps:
        console.aside(f"nothing to do: the machine is in {found.start}")
    _print(style, found)
    return 0


def _either(machine: Machine, start: str) -> str:
    *others, last = (name for name, label in machine.labels.items() if label == start)
    return f"{', '.join(others)} or {last}"


def _why_not(machine: Machine, found: NoPlan, goal: str) -> str:
    start = machine.visible(found.start[0])
    if found.avoided is not None:
        return f"every way from {start!r} to {goal!r} leads through states to avoid, the best through {found.avoided!r}"
    after = [name for name in machine.labels if name in found.reached and name not in found.start]
    if not after:
        return f"no way leads from {start!r} to {goal!r}: the log never showed that anything follows there"
    some = ", ".join(after[:8]) + (", ..." if len(after) > 8 else "")
    return f"no way leads from {start!r} to {goal!r}, only to {some}"


def _print(style: str, found: Plan) -> None:
    rows: list[formats.Row] = [
        {
            "step": number,
            "action": step.action,
            "trigger": step.way.trigger,
            "state": step.way.state,
            "next_state": step.way.next_state,
            "output": step.way.output,
            "probability": step.probability,
        }
        for number, step in enumerate(found.steps, 1)
    ]
    if style != "table":
        console.write_rows(style, COLUMNS, rows)
        return
    if not rows:
        return
    sure = found.probability == 1
    columns = [c for c in COLUMNS if any(row[c] is not None for row in rows) and not (sure and c == "probability")]
    console.write_rows(style, columns, rows)
    if not sure:
        console.out(f"\nall steps go as planned in {formats.percent(found.probability)} of the cases\n")
