"""The report on a machine of events, where `report` speaks of visible states and of rows that were not believed.

Renderables as there, from a machine and what is stored about it; nothing is printed here.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fsmlearn import formats, report
from fsmlearn.about import About, HeldOut
from fsmlearn.machine import Machine
from fsmlearn.renderables import titled


def whole(machine: Machine, about: About, *, full: bool) -> RenderableType:
    """Everything about a training run on events; not `full`, a long machine is cut and says so."""
    most = None if full else report.STATES
    parts: list[RenderableType] = [
        report.log(about.log),
        Text(),
        report.training(about.training),
        Text(),
        states(machine),
        Padding(report.transition_table(machine, most), (1, 0, 1, 2)),
    ]
    if most is not None and len(machine.states) > most:
        more = formats.counted(len(machine.states) - most, "more state")
        parts.append(Padding(Text(f"... and {more}; `fsmlearn extract-table` shows all of them"), (0, 0, 1, 2)))
    return Group(*parts, held_out(about.held_out))


def model(machine: Machine, about: About) -> RenderableType:
    """What is in a model file: the log, the network and the machine, and what made them."""
    parts = (report.log(about.log), report.training(about.training), states(machine), held_out(about.held_out))
    return Group(*parts, report.made(about))


def states(machine: Machine) -> RenderableType:
    """How large the machine is, and how much it leaves open."""
    final = {name for name, label in machine.labels.items() if label is not None}
    size = f"{formats.counted(len(machine.states) - len(final), 'state')} and {', '.join(final)}"
    rows = dict.fromkeys(machine.labels, 0)
    sure = dict(rows)
    for t in machine.transitions:
        rows[t.state] += t.count
        sure[t.state] += t.count if t.probability == 1 else 0
    share = formats.percent(sum(sure.values()) / max(sum(rows.values()), 1))
    return titled(
        (
            "machine",
            [
                f"{size}, {formats.counted(len(machine.transitions), 'transition')}, starting in {machine.initial}",
                f"{share} of the events came where no other was seen",
            ],
        )
    )


def held_out(found: HeldOut) -> RenderableType:
    """How well the machine, n-grams and the network know traces that they were not learned from."""
    if not found.scores:
        return titled(("held out", ["nothing: the log has one trace"]))
    whose = formats.traces(found.traces, found.pieces)
    told = [
        f"{whose} of {formats.counted(found.events, 'event')}, ends included, from training and from what is below",
        f"the machine without {'it' if found.traces == 1 else 'them'} has {formats.counted(found.states, 'state')}; "
        "the one above is learned from all traces",
    ]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("")
    for heading in ("nats an event", "perplexity", "likeliest came"):
        table.add_column(heading, justify="right")
    for each in found.scores:
        style = "bold" if each.predictor == "machine" else ""
        cells = (f"{each.loss:.3f}", f"{each.perplexity:.3f}", formats.percent(each.accuracy))
        table.add_row(Text(each.predictor, style), *(Text(cell, style) for cell in cells))
    return Group(titled(("held out", told)), Padding(table, (1, 0, 0, 2)))
