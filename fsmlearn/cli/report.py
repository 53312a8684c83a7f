"""`fsmlearn report`: what was read, dropped, trained and found, from the stored model alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Annotated

from fsmlearn import formats
from fsmlearn.cli import console, options
from fsmlearn.cli.options import Option
from fsmlearn.errors import SettingsError

if TYPE_CHECKING:
    from fsmlearn.about import Support

NOISE = ("file", "line", "action", "kind", "reason")
UNSEEN = ("state", "trigger")
SUPPORT = ("state", "trigger", "next_state", "output", "rows", "against", "rival", "nats")
SCORES = ("predictor", "loss", "perplexity", "accuracy")
COMPARISON = ("state", "trigger", "next_state", "output", "observed", "noise", "learned", "verdict")


def run(
    noise: Annotated[bool, Option("--noise", help="List every row that was not believed, with the reason.")] = False,
    unseen: Annotated[
        bool, Option("--unseen", help="List the states and triggers that the log never shows together.")
    ] = False,
    support: Annotated[
        bool, Option("--support", help="List how well the log bears out each state and transition.")
    ] = False,
    model: options.Model = options.MODEL,
    format: options.Format = None,
) -> None:
    """Show how the machine was learned.

    It tells what was read and not believed, how training went, and compares learned with observed transitions.

    Each transition is one of: learned; noise (seen, but not believed); only learned (the machine has it, no row shows
    it); only seen (believed rows show it, the machine has it not). States are called as in the log, and where the log
    hides them as in the table. The table is the whole report; the other formats hold the transitions.

    Of a log of events alone the other formats hold how well the machine, n-grams and the network knew held-out traces:
    nats an event, perplexity, and the share of events that were the likeliest.
    """
    if noise + unseen + support > 1:
        raise SettingsError("report lists one thing at a time; choose --noise, --unseen or --support")
    from fsmlearn import store

    style = console.chosen_format(format)
    machine = store.load_machine(model)
    if unseen:
        console.write_rows(style, UNSEEN, (dict(zip(UNSEEN, pair, strict=True)) for pair in machine.unseen()))
        return
    about = store.load_about(model)
    if noise:
        console.write_rows(style, NOISE, (_noise(*each) for each in about.noise.examples))
        if (more := about.noise.dropped + about.noise.repaired - len(about.noise.examples)) > 0:
            console.note(
                f"{more:,} more rows are not kept in the model; `fsmlearn filter LOG --dropped FILE` lists all"
            )
    elif support:
        console.write_rows(style, SUPPORT, (_support(each) for each in about.support))
    elif style == "table":
        from fsmlearn import report, sequence_report

        if machine.kind == "lts":
            console.show(sequence_report.whole(machine, about, full=True))
        else:
            console.show(report.whole(machine, about, console.width(), full=True))
    elif machine.kind == "lts":
        console.write_rows(style, SCORES, (_row(each, SCORES) for each in about.held_out.scores))
    else:
        console.write_rows(style, COMPARISON, (_row(each, COMPARISON) for each in about.comparison))


def _row(each: object, columns: Sequence[str]) -> dict[str, formats.Cell]:
    return {column: getattr(each, column) for column in columns}


def _noise(where: str, action: str, kind: str, reason: str) -> formats.Row:
    file, _, line = where.rpartition(":")
    return {"file": file, "line": int(line), "action": action, "kind": kind, "reason": reason}


def _support(each: Support) -> formats.Row:
    return _row(each, SUPPORT) | {"nats": None if isnan(each.nats) else each.nats}
