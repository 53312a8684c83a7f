"""`Machine`, `About`, `Sample` -> what the page shows, as JSON knows it. Standard library only.

The page finds states, triggers and transitions by their numbers in the machine. Where there is no log behind a machine,
what would tell of it is left out. Nothing here is markup: words of the log stay words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from fsmlearn.about import About, Comparison, plain
from fsmlearn.formats import Cell, counted, percent, traces
from fsmlearn.machine import Machine, Transition
from fsmlearn.plots.diagram import diagram
from fsmlearn.sample import Sample
from fsmlearn.view.replay import followed

ROWS = 1000  # of a table, at most
NOISE = {"label": "wrong next state", "spurious": "row of nothing", "swap": "rows in wrong order", "drop": "row lost"}

Data = dict[str, Any]


def described(
    machine: Machine,
    about: About | None = None,
    sample: Sample | None = None,
    pictures: Sequence[Mapping[str, str]] = (),
    missing: str = "",
) -> Data:
    """All that the page shows. `missing` says how to get the pictures of the network where there are none."""
    data: Data = {
        "machine": machine.to_dict(),
        "drawn": _drawn(machine),
        "tables": [_transitions(machine)],
        "facts": [],
        "epochs": [],
        "best": None,
        "traces": _traces(machine, sample or Sample()),
        "pictures": list(pictures),
        "missing": missing,
    }
    if about is not None:
        data["files"] = list(about.log.files)
        data["support"] = _support_of(machine, about)
        data["tables"] += [*_observed(machine, about), *_doubted(about)]
        data["facts"] = _facts(about)
        data["epochs"] = [plain(epoch) for epoch in about.training.epochs]
        data["best"] = about.training.best
    data["tables"] += _unseen(machine)
    return data


def _drawn(machine: Machine) -> Data:
    """What the graph shows at first, in numbers; ways to a hub are written, not drawn, for there would be too many."""
    shown = diagram(machine, min_count=0)
    number = {name: i for i, name in enumerate(machine.labels)}
    written = [edge for edges in shown.inside.values() for edge in edges]
    ways = {way for edge in (*shown.edges, *written) for way in edge.ways}
    return {
        "states": [number[node.name] for node in shown.nodes],
        "transitions": [i for i, way in enumerate(machine.transitions) if way in ways],
        "hubs": sorted({number[edge.next_state] for edge in written if edge.next_state != edge.state}),
        "omitted": list(shown.omitted),
    }


def _table(
    name: str, title: str, note: str, columns: Mapping[str, str], rows: Iterable[Sequence[Cell]], more: str = ""
) -> Data:
    """A table; `columns` are its headings and what stands below them: a word, a number or a share. `more` says where
    the rows are that are too many for the page."""
    rows = [[None if isinstance(cell, float) and not isfinite(cell) else cell for cell in row] for row in rows]
    if len(rows) > ROWS:
        note = f"{note} The first {ROWS:,} of {len(rows):,} rows; {more}.".strip()
    return {
        "name": name,
        "title": title,
        "note": note,
        "columns": [{"name": column, "kind": kind} for column, kind in columns.items()],
        "rows": rows[:ROWS],
    }


def _transitions(machine: Machine) -> Data:
    outputs = any(t.output is not None for t in machine.transitions)
    columns = {"state": "word", _trigger(machine): "word", "next state": "word"}
    columns |= {"output": "word"} if outputs else {}
    columns |= {"rows": "number", "share": "share"}
    rows = ([*_way(t, outputs), t.count, t.probability] for t in machine.transitions)
    note = "The graph as a table: every transition of the machine."
    return _table("transitions", "Transitions", note, columns, rows, "fsmlearn extract-table prints all of them")


def _way(each: Transition | Comparison, outputs: bool) -> list[Cell]:
    return [each.state, each.trigger, each.next_state, *[each.output] * outputs]


def _trigger(machine: Machine) -> str:
    return "event" if machine.kind == "lts" else "trigger"


def _observed(machine: Machine, about: About) -> list[Data]:
    """What the log showed beside what the machine has; of events, how well they were foretold."""
    found = []
    if about.comparison:
        outputs = any(each.output is not None for each in about.comparison)
        columns = {"state": "word", "trigger": "word", "next state": "word"} | ({"output": "word"} if outputs else {})
        columns |= {"seen": "number", "noise": "number", "learned": "share", "verdict": "word"}
        rows = (
            [*_way(each, outputs), each.observed, each.noise, each.learned, each.verdict] for each in about.comparison
        )
        note = "Rows of the log as read, those of them that were not believed, and the share in the machine."
        more = "fsmlearn report prints all of them"
        found.append(_table("compared", "Learned against observed", note, columns, rows, more))
    if about.held_out.scores:
        columns = {"predictor": "word", "nats an event": "number", "perplexity": "number", "likeliest came": "share"}
        scores: Iterable[Sequence[Cell]] = (
            [each.predictor, each.loss, each.perplexity, each.accuracy] for each in about.held_out.scores
        )
        note = f"{traces(about.held_out.traces, about.held_out.pieces)} that nothing here was learned from."
        found.append(_table("heldout", "Held-out traces", note, columns, scores))
    if about.support:
        columns = {"state": "word", _trigger(machine): "word", "next state": "word", "output": "word"}
        columns |= {"rows": "number", "against": "number", "rival": "word", "nats": "number"}
        support = (
            [each.state, each.trigger, each.next_state, each.output, each.rows, each.against, each.rival, each.nats]
            for each in about.support
        )
        note = (
            "What the log would lose, in nats, if the next best were true: 3 are odds of 20 to 1. "
            "Without a trigger it is the state that is meant."
        )
        more = "fsmlearn report --support prints all of them"
        found.append(_table("support", "How well the log bears it out", note, columns, support, more))
    return found


def _doubted(about: About) -> list[Data]:
    """Rows that were not believed, and what was odd about the log."""
    found = []
    if about.noise.examples:
        columns = {"where": "word", "done": "word", "kind": "word", "reason": "word"}
        rows = ([where, done, NOISE.get(kind, kind), why] for where, done, kind, why in about.noise.examples)
        more = "fsmlearn report --noise prints all of them"
        found.append(_table("noise", "Rows that were not believed", "", columns, rows, more))
    if about.log.oddities:
        columns = {"what": "word", "rows": "number", "first at": "word", "done": "word"}
        found.append(_table("odd", "Oddities of the log", "", columns, about.log.oddities))
    return found


def _unseen(machine: Machine) -> list[Data]:
    """What the log never showed; an event that never came in a state says nothing."""
    pairs = () if machine.kind == "lts" else machine.unseen()
    if not pairs:
        return []
    note = "States and triggers without a transition: what happens there is not known."
    columns = {"state": "word", "trigger": "word"}
    more = "fsmlearn report --unseen prints all of them"
    return [_table("unseen", "Never seen", note, columns, pairs, more)]


def _support_of(machine: Machine, about: About) -> Data:
    """The evidence by the numbers of states and of transitions."""
    state = {name: i for i, name in enumerate(machine.labels)}
    way = {(t.state, t.trigger, t.next_state, t.output): i for i, t in enumerate(machine.transitions)}
    found: Data = {"states": {}, "transitions": {}}
    for each in about.support:
        told = {
            "rows": each.rows,
            "against": each.against,
            "rival": each.rival,
            "nats": each.nats if isfinite(each.nats) else None,
        }
        if each.trigger is None or each.next_state is None:
            found["states"][state.get(each.state, -1)] = told
        else:
            found["transitions"][way.get((each.state, each.trigger, each.next_state, each.output), -1)] = told
    return found


def _facts(about: About) -> list[Data]:
    """What is known of the log, the noise, the training and the settings, as titled pairs of words."""
    log, noise, training = about.log, about.noise, about.training
    sizes = {"rows": log.rows, "traces": log.traces, "visible states": log.states, "triggers": log.triggers}
    sizes |= {"outputs": log.outputs}
    read = {what: f"{size:,}" for what, size in sizes.items() if size}
    read |= {f"column of {role.replace('_', ' ')}": header for role, header in log.columns.items()}
    read["SHA-256"] = log.fingerprint
    doubts = {"dropped": counted(noise.dropped, "row"), "repaired": counted(noise.repaired, "row")}
    doubts |= {f"{NOISE.get(kind, kind)}, estimated": percent(rate) for kind, rate in noise.rates.items()}
    doubts["places where rows seem to be lost"] = f"{noise.gaps:,}"
    taught = {
        "cell": training.cell + (f" ({training.activation})" if training.cell == "elman" else ""),
        "hidden units": f"{training.hidden:,}",
        "weights": f"{training.parameters:,}",
        "rows": f"{training.rows:,}",
        "distinct histories": f"{training.histories:,}",
        "epochs": f"{len(training.epochs):,}, the best {training.best:,}" + ", stopped by hand" * training.interrupted,
        "seconds": f"{training.seconds:.1f}",
    }
    made = {key: "" if value is None else str(value) for key, value in about.settings.items()}
    made |= {f"version of {name}": version for name, version in about.versions.items()}
    groups = {"Log": read, "Noise": doubts, "Training": taught, "Settings": made}
    return [{"title": title, "pairs": [list(pair) for pair in pairs.items()]} for title, pairs in groups.items()]


def _traces(machine: Machine, sample: Sample) -> Data:
    """The traces that the model keeps, each row with its way through the machine."""
    return {
        "files": list(sample.files),
        "states": list(sample.states),
        "triggers": list(sample.triggers),
        "outputs": list(sample.outputs),
        "traces": [
            {
                "name": trace.name,
                "alike": trace.alike,
                "rows": [
                    [*row, *way]
                    for row, way in zip(
                        zip(
                            *(trace.file, trace.line, trace.state, trace.trigger, trace.next_state, trace.output),
                            strict=True,
                        ),
                        followed(machine, sample, trace),
                        strict=True,
                    )
                ],
            }
            for trace in sample.traces
        ],
    }
