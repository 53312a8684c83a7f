"""Results as Rich renderables, for a terminal of any width or for a pipe; nothing is printed here.

Nothing here needs the log or the network: a machine and what is stored about it are enough. What the pages are made of
comes from `renderables`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fsmlearn.about import (
    About,
    Comparison,
    GridSummary,
    LogSummary,
    NoiseSummary,
    Origin,
    Support,
    TrainingSummary,
    Verdict,
)
from fsmlearn.formats import counted, percent, plain, printable
from fsmlearn.machine import Machine
from fsmlearn.renderables import empty_table, natural_width, sparkline, titled, word

STATES = 20  # shown of a machine, and
EXAMPLES = 5  # of the filter's findings, and
WORDS = 20  # of each kind in a log, and
FILES = 5  # of those that make it up, and
FEW = 2  # rows or less leave something in doubt, and so do
SURE = 3.0  # nats or less
DIFFERENCES = 8  # of the transitions that were not simply learned, where the whole is not asked for

NOISE = {"label": "wrong next state", "spurious": "row of nothing", "swap": "rows in wrong order", "drop": "row lost"}
CELLS = {"elman": "Elman", "gru": "GRU", "lstm": "LSTM"}
NO_GRID = GridSummary()
VERDICTS: dict[Verdict, str] = {"learned": "green", "noise": "yellow", "only learned": "cyan", "only seen": "red"}


def whole(machine: Machine, about: About, width: int, *, full: bool) -> RenderableType:
    """Everything about a training run; not `full`, long lists are cut and say so. `width` is the paper's, in cells."""
    return Group(
        log(about.log),
        *([Text(), grid(about.grid)] if about.grid.variables else []),
        Text(),
        noise(about.noise, about.log.rows),
        Text(),
        training(about.training, about.clean),
        Text(),
        states(machine, about),
        Padding(transitions(machine, width - 2, None if full else STATES), (1, 0, 1, 2)),
        *doubts(about.support),
        comparison(about.comparison, full=full),
    )


def log(summary: LogSummary) -> RenderableType:
    """What was read, and what was odd about it."""
    files = ", ".join(summary.files[:FILES])
    if len(summary.files) > FILES:
        files += f" and {len(summary.files) - FILES:,} more files"
    trigger = "distinct event" if summary.kind == "sequence" else "trigger"
    sizes = [counted(summary.rows, "row"), counted(summary.traces, "trace"), counted(summary.triggers, trigger)]
    sizes += [counted(summary.states, "visible state")] * bool(summary.states)
    sizes += [counted(summary.outputs, "output")] * bool(summary.outputs)
    facts = [files, ", ".join(sizes)]
    facts.append(f"columns {', '.join(_column(role, header) for role, header in summary.columns.items())}")
    odd = [f"{_times(count, what)}, first at {where}: {done}" for what, count, where, done in summary.oddities]
    return titled(("read", facts), ("odd", odd or ["nothing"]))


def grid(summary: GridSummary) -> RenderableType:
    """Which variables make the visible states, where they were cut into levels, and what moves on which trigger."""
    told = {"": "", "before": "; its trigger is what had led to it", "after": "; its trigger is what happened then"}
    facts = [f"{counted(summary.rows, 'row')}, each saying how things stand{told[summary.trigger]}"]
    width = max(len(each.name) for each in summary.variables)
    for each in summary.variables:
        values = ", ".join(each.values[:WORDS]) + (", ..." if len(each.values) > WORDS else "")
        if each.levelled:
            cuts = ", ".join(plain(cut) for cut in each.cuts) or "nowhere"
            values += f": cut at {cuts}, {'as given' if each.given else 'as found'}"
        facts.append(f"{each.name:{width}}  {values}")
    table = empty_table("trigger", right=("rows",))
    for each in summary.variables:
        table.add_column(word(each.name), justify="right", overflow="fold")
    for row in summary.moves[:STATES]:
        shares = (percent(moved / row.rows) if moved else "·" for moved in row.moved)
        table.add_row(word(row.trigger), f"{row.rows:,}", *shares)
    facts.append("share of the rows of a trigger in which each of them moves:")
    parts: list[RenderableType] = [titled(("variables", facts)), Padding(table, (1, 0, 0, 2))]
    if len(summary.moves) > STATES:
        parts.append(Text(f"  ... and {len(summary.moves) - STATES:,} more triggers"))
    return Group(*parts)


def contents(
    summary: LogSummary, frequencies: Mapping[str, Sequence[tuple[str, int]]], variables: GridSummary = NO_GRID
) -> RenderableType:
    """What is in a log: its sizes and oddities, what its variables do, and how often each word appears."""
    lines = []
    for what, pairs in frequencies.items():
        shown = [f"{name} {count:,}" for name, count in pairs[:WORDS]]
        more = [f"and {len(pairs) - WORDS:,} more"] if len(pairs) > WORDS else []
        lines.append((what, [", ".join([*shown, *more])]))
    return Group(log(summary), titled(*lines), *([Text(), grid(variables)] if variables.variables else []))


def model(machine: Machine, about: About) -> RenderableType:
    """What is in a model file: the log, the network and the machine, and what made them."""
    variables = [grid(about.grid), Text()] if about.grid.variables else []
    return Group(log(about.log), *variables, training(about.training, about.clean), states(machine, about), made(about))


def made(about: About) -> RenderableType:
    """What made a model, and from which log."""
    facts = [
        (
            "settings",
            [", ".join(f"{key} {plain(value)}" for key, value in about.settings.items() if value is not None)],
        ),
        ("made with", [", ".join(f"{name} {version}" for name, version in about.versions.items())]),
        ("SHA-256", [about.log.fingerprint]),
    ]
    return titled(*facts)


def noise(summary: NoiseSummary, rows: int, examples: int = EXAMPLES, every: str | None = None) -> RenderableType:
    """What was dropped and repaired, and why; `every` is the command that lists every such row, if it is another than
    the rows that are kept suggest.

    Where the log hides its states its rows are judged by the machine, which was learned from them as they were.
    """
    touched = summary.dropped + summary.repaired
    if "output" in summary.rates:
        wrong = summary.counts.get("output", 0)
        share = percent(wrong / rows if rows else 0)
        facts = [f"{counted(wrong, 'row')} with an output that the machine does not give ({share})"]
    else:
        share = percent(touched / rows if rows else 0)
        facts = [f"{counted(summary.dropped, 'row')} dropped, {summary.repaired:,} repaired ({share})"]
    for kind, rate in summary.rates.items():
        found = summary.counts.get(kind, 0)
        if kind in NOISE and (found or rate > 0):
            known = f", {found:,} found" if kind in summary.counts else ""
            facts.append(f"{NOISE[kind]}: estimated {percent(rate)} of the rows{known}")
    if summary.gaps:
        facts.append(f"{counted(summary.gaps, 'place')} where rows seem to be lost")
    shown = summary.examples[:examples]
    facts += [f"{where}: {action}, {reason}" for where, action, _, reason in shown]
    if every is None:
        every = "fsmlearn report --noise" if touched <= len(summary.examples) else "fsmlearn filter LOG --dropped FILE"
    if shown and touched > len(shown):
        facts.append(f"... and {touched - len(shown):,} more; `{every}` lists all of them")
    return titled(("noise", facts))


def training(summary: TrainingSummary, clean: int | None = None) -> RenderableType:
    """The network, and how its training went, where it may have learned from fewer rows than there are `clean` ones."""
    activation = f" ({summary.activation})" if summary.cell == "elman" else ""
    drawn = f", an excerpt of {clean:,}" if clean is not None and summary.rows < clean else ""
    facts = [
        f"{CELLS.get(summary.cell, summary.cell)} network{activation}, {summary.hidden} hidden units, "
        f"{summary.parameters:,} weights",
        f"{counted(summary.rows, 'row')}{drawn}, "
        f"{counted(summary.histories, 'distinct history', 'distinct histories')}",
    ]
    if summary.epochs:
        first, last = summary.epochs[0], summary.epochs[-1]
        best = next((epoch for epoch in summary.epochs if epoch.index == summary.best), last)
        stopped = ", stopped by hand" if summary.interrupted else ""
        facts.append(f"{counted(len(summary.epochs), 'epoch')} in {summary.seconds:.1f} s{stopped}")
        curve = sparkline([epoch.held_out_loss for epoch in summary.epochs])
        facts.append(f"held-out loss {first.held_out_loss:.3f} {curve} {last.held_out_loss:.3f} nats a row")
        facts.append(
            f"kept epoch {best.index}: right on {percent(best.held_out_accuracy)} of the held-out rows, "
            f"{percent(best.accuracy)} of the others"
        )
    return titled(("training", facts))


def imported(origin: Origin, size: RenderableType) -> RenderableType:
    """Where a machine comes from that was not learned, and how large it is."""
    return Group(titled(("imported", [origin.imported])), size, titled(("made with", [f"fsmlearn {origin.version}"])))


def states(machine: Machine, about: About | None = None) -> RenderableType:
    """How large the machine is, and which visible states it splits."""
    labels = Counter(label for label in machine.labels.values() if label is not None)
    size = counted(len(machine.states), "state")
    if labels:
        size += f" under {counted(len(labels), 'name')}"
    facts = [f"{size}, {counted(len(machine.transitions), 'transition')}, starting in {machine.initial}"]
    split = [f"{label} ({number})" for label, number in labels.items() if number > 1]
    if split:
        facts.append(f"told apart by what came before: {', '.join(split)}")
    pairs = Counter((t.state, t.trigger) for t in machine.transitions)
    random = sum(ways > 1 for ways in pairs.values())
    if random:
        facts.append(f"{counted(random, 'state and trigger', 'states and triggers')} with more than one way on")
    if missing := len(machine.unseen()):
        facts.append(f"{missing:,} of {missing + len(pairs):,} states and triggers never seen together")
    if about and about.extraction.misfits and about.log.kind == "visible":
        facts.append(f"{counted(about.extraction.misfits, 'clean row')} without a place in it")
    return titled(("machine", facts))


def transitions(machine: Machine, width: int, most: int | None = None) -> RenderableType:
    """The machine at a glance: a state x trigger matrix where it fits into `width` cells, else a list by state."""
    shown = list(machine.labels)[:most]
    matrix = _matrix(machine, shown)
    table = matrix if natural_width(matrix) <= width else _by_state(machine, shown)
    hidden = len(machine.states) - len(shown)
    if not hidden:
        return table
    return Group(table, Text(f"... and {counted(hidden, 'more state')}; `fsmlearn extract-table` shows all of them"))


def doubts(claims: Sequence[Support]) -> list[RenderableType]:
    """What the log hardly bears out, the least of it first; nothing where there is nothing of the kind."""
    weak = [each for each in claims if each.nats < SURE or (each.trigger is not None and each.rows <= FEW)]
    lines = []
    for each in sorted(weak, key=lambda each: each.rows)[:EXAMPLES]:
        way = f" / {each.output}" if each.output is not None else ""
        what = f"{each.state} + {each.trigger} → {each.next_state}{way}" if each.trigger is not None else each.state
        doubt = f", which favour it over {each.rival} by {each.nats:.1f} nats" if each.nats < SURE else ""
        if each.nats == 0 and each.rival is None:
            doubt = ", and no row after it tells where it leads"
        lines.append(f"{what} rests on {counted(each.rows, 'row')}{doubt}")
    if len(weak) > EXAMPLES:
        lines.append(f"... and {len(weak) - EXAMPLES:,} more; `fsmlearn report --support` lists all there is")
    return [titled(("in doubt", lines)), Text()] if lines else []


def comparison(rows: Sequence[Comparison], *, full: bool) -> RenderableType:
    """Learned against observed; not `full`, only what differs."""
    verdicts = Counter(row.verdict for row in rows)
    tally = ", ".join(f"{verdicts[verdict]:,} {verdict}" for verdict in VERDICTS if verdicts[verdict])
    facts = titled(("compared", [f"{counted(len(rows), 'transition')}, learned against observed: {tally or 'none'}"]))
    order = list(VERDICTS)
    unlike = [row for row in rows if row.verdict != "learned"]
    wanted = list(rows) if full else sorted(unlike, key=lambda row: (-order.index(row.verdict), -row.observed))
    shown = wanted if full else wanted[:DIFFERENCES]
    if not shown:
        return facts
    parts: list[RenderableType] = [facts, Padding(comparison_table(shown), (1, 0, 0, 2))]
    if len(wanted) > len(shown):
        parts.append(Text(f"  ... and {len(wanted) - len(shown):,} more; `fsmlearn report` shows all of them"))
    return Group(*parts)


def transition_table(machine: Machine, most: int | None = None) -> Table:
    """Every transition on a line of its own, of at most so many states."""
    outputs = any(t.output is not None for t in machine.transitions)
    trigger = "event" if machine.kind == "lts" else "trigger"
    table = empty_table("state", trigger, "next state", *["output"] * outputs, right=("rows", "share"))
    before, shown = None, set(list(machine.labels)[:most])
    for t in (t for t in machine.transitions if t.state in shown):
        name = t.state if t.state != before else ""
        output = [word(t.output)] if outputs else []
        table.add_row(
            word(name, "bold"), word(t.trigger), word(t.next_state), *output, f"{t.count:,}", percent(t.probability)
        )
        before = t.state
    return table


def comparison_table(rows: Iterable[Comparison]) -> Table:
    """Learned against observed, a transition a line."""
    rows = list(rows)
    outputs = any(row.output is not None for row in rows)
    table = empty_table(
        "state", "trigger", "next state", *["output"] * outputs, right=("seen", "noise", "learned"), last="verdict"
    )
    for row in rows:
        output = [word(row.output)] if outputs else []
        learned = percent(row.learned) if row.learned else ""
        noisy = f"{row.noise:,}" if row.noise else ""
        table.add_row(
            *(word(row.state), word(row.trigger), word(row.next_state), *output),
            *(f"{row.observed:,}", noisy, learned, Text(row.verdict, VERDICTS[row.verdict])),
        )
    return table


def _times(count: int, what: str) -> str:
    """`3 gaps in steps`, `2 rows out of order`, `5 broken chains`: the thing is what there are many of."""
    thing, place, rest = re.split(r"( in | out |$)", what, maxsplit=1)
    return counted(count, thing) + place + rest


def _column(role: str, header: str) -> str:
    """A header, and what it was taken for where it does not say so itself (`Current State` does)."""
    plain_role, plain_header = ("".join(c for c in name.casefold() if c.isalnum()) for name in (role, header))
    return header if plain_header.endswith(plain_role) else f"{header} (as {role.replace('_', ' ')})"


def _ways(machine: Machine, state: str, trigger: str) -> list[str]:
    """Where a trigger leads: `Idle`, or `Soak 75.0 %` and `Drain 25.0 %`, or `S1 / ok` with outputs."""
    found = machine.successors(state, trigger)
    texts = []
    for t in found:
        text = t.next_state if t.output is None else f"{t.next_state} / {t.output}"
        texts.append(printable(text) + (f" {percent(t.probability)}" if len(found) > 1 else ""))
    return texts


def _matrix(machine: Machine, shown: Sequence[str]) -> Table:
    table = empty_table("")
    for trigger in machine.triggers:
        table.add_column(word(trigger), overflow="fold")
    for state in shown:
        cells = ("\n".join(_ways(machine, state, trigger)) or "·" for trigger in machine.triggers)
        table.add_row(word(state, "bold"), *(Text(cell, "dim" if cell == "·" else "") for cell in cells))
    return table


def _by_state(machine: Machine, shown: Sequence[str]) -> Table:
    """One line for each state and place it leads to, with all triggers that lead there; what changes nothing last."""
    table = empty_table("state", "trigger", "next state")
    for state in shown:
        lines: dict[str, list[str]] = {}
        for trigger in machine.triggers:
            for way in _ways(machine, state, trigger):
                lines.setdefault(way, []).append(trigger)
        if not lines:
            table.add_row(word(state, "bold"), "", Text("(nothing follows)", "dim"))
        if staying := lines.pop(printable(state), []):
            elsewhere = {trigger for triggers in lines.values() for trigger in triggers}
            rest = len(staying) > 2 and len(staying) + len(elsewhere) == len(machine.triggers)
            lines[printable(state)] = ["all others" if lines else "all"] if rest else staying
        for i, (way, triggers) in enumerate(lines.items()):
            stays = bool(staying) and i == len(lines) - 1
            table.add_row(
                word("" if i else state, "bold"), word(", ".join(triggers), "dim" if stays else ""), Text(way)
            )
    return table
