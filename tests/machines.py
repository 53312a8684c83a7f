"""Logs and machines for the tests: logs written as words, random machines that hide memory, and walks through them."""

from __future__ import annotations

import csv
import json
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsmlearn.logs import UNKNOWN, Log, LogKind
from fsmlearn.machine import Machine, Transition
from fsmlearn.runs import Runs

SAMPLES = Path(__file__).resolve().parent.parent / "sample_logs"

Row = tuple[str, ...]  # (state, trigger, next state [, output]), or (trigger, output) where states are hidden

# Off -Start-> Soak -Level-> Rinse -Timer-> Soak·2 -Level-> Rinse·2 -Timer-> Drain -Timer-> Off
WASH = Machine.build(
    "moore",
    0,
    ["Off", "Soak", "Rinse", "Soak", "Rinse", "Drain"],
    ["Start", "Level", "Timer"],
    [
        (0, "Start", 1, None, 10),
        (1, "Level", 2, None, 10),
        (2, "Timer", 3, None, 9),
        (3, "Level", 4, None, 8),
        (4, "Timer", 5, None, 3),
        (5, "Timer", 0, None, 3),
    ],
)


def log_of(traces: Sequence[Sequence[Row]], kind: LogKind = "visible") -> Log:
    """A log from its words; "" stands for what is not known."""
    rows = [row if kind == "visible" else ("", row[0], "", row[1]) for trace in traces for row in trace]
    rows = [row if len(row) == 4 else (*row, "") for row in rows]
    columns = list(zip(*rows, strict=True)) or [()] * 4

    def words(*cells: str) -> tuple[str, ...]:
        return tuple(word for word in dict.fromkeys(cells) if word)

    def codes(cells: Sequence[str], names: tuple[str, ...]) -> NDArray[np.int32]:
        number = {"": UNKNOWN, **{name: code for code, name in enumerate(names)}}
        return np.array([number[cell] for cell in cells], np.int32)

    states = words(*(cell for row in rows for cell in (row[0], row[2])))
    triggers, outputs = words(*columns[1]), words(*columns[3])
    return Log(
        kind=kind,
        files=("log.csv",),
        columns={},
        states=states,
        triggers=triggers,
        outputs=outputs,
        traces=tuple(str(i) for i in range(len(traces))),
        offsets=np.cumsum([0, *map(len, traces)]).astype(np.int64),
        places=Runs.count(2, len(rows)),
        steps=Runs.of(np.array([step for trace in traces for step in range(len(trace))], np.int64)),
        state=codes(columns[0], states),
        trigger=codes(columns[1], triggers),
        next_state=codes(columns[2], states),
        output=codes(columns[3], outputs),
    )


def write(path: Path, traces: Sequence[Sequence[Row]]) -> Path:
    """A log file of visible rows; returns its path."""
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        width = len(traces[0][0])
        out.writerow(["trace", "step", *("current_state", "trigger", "next_state", "output")[:width]])
        for i, trace in enumerate(traces):
            out.writerows([i, step, *row] for step, row in enumerate(trace))
    return path


def random_machine(rng: np.random.Generator, states: int, labels: int, triggers: int) -> Machine:
    """A minimal deterministic machine that takes every trigger everywhere and shows fewer labels than it has states."""
    while True:
        shown = [chr(ord("A") + i % labels) for i in range(states)]
        names = [f"t{a}" for a in range(triggers)]
        to = rng.integers(states, size=(states, triggers)).tolist()
        rows = [(q, names[a], to[q][a], None, 1) for q in range(states) for a in range(triggers)]
        machine = Machine.build("moore", 0, shown, names, rows).minimise()
        if len(machine.states) == states:
            return machine


def chosen(rng: np.random.Generator, shares: Sequence[float]) -> int:
    """Draw a place by its share: `rng.choice(len(shares), p=shares)`, which takes ten times as long."""
    sums = list(accumulate(shares))
    return bisect_right([each / sums[-1] for each in sums], rng.random())


def walk(machine: Machine, rng: np.random.Generator, traces: int, length: int) -> list[list[Transition]]:
    """Traces of 1 to `length` random transitions from the initial state, drawn by their probabilities."""
    walks = []
    for _ in range(traces):
        state, steps = machine.initial, list[Transition]()
        for _ in range(int(rng.integers(1, length + 1))):
            trigger = machine.triggers[rng.integers(len(machine.triggers))]
            ways = machine.successors(state, trigger)
            taken = ways[chosen(rng, [way.probability for way in ways])]
            steps.append(taken)
            state = taken.next_state
        walks.append(steps)
    return walks


def visible(machine: Machine, walks: Sequence[Sequence[Transition]]) -> list[list[Row]]:
    """What a log shows of walks."""
    return [
        [(machine.visible(t.state), t.trigger, machine.visible(t.next_state), *filter(None, [t.output])) for t in steps]
        for steps in walks
    ]


def truth(name: str) -> Machine:
    """The true machine of a sample log, its states labelled where the log shows them; probabilities are the shares of
    what was drawn for that log."""
    with (SAMPLES / f"{name}.csv").open() as stream:
        hidden = stream.readline().strip() == "trace,step,trigger,output"
    facts = json.loads((SAMPLES / f"{name}.truth.json").read_text())
    names = [state["name"] for state in facts["states"]]
    rows = [
        (names.index(t["state"]), t["trigger"], names.index(t["next_state"]), t["output"], t["count"])
        for t in facts["transitions"]
    ]
    return Machine.build(
        "mealy" if any(row[3] is not None for row in rows) else "moore",
        names.index(facts["initial"]),
        [None if hidden else state["label"] for state in facts["states"]],
        list(dict.fromkeys(row[1] for row in rows)),
        rows,
    )


def lamp(rng: np.random.Generator, traces: int, length: int) -> Log:
    """A lamp whose state the log hides: `press` turns it on or off, `look` leaves it; either shows what it is then."""
    written = []
    for _ in range(traces):
        on, rows = False, list[Row]()
        for press in (rng.random(length) < 0.5).tolist():
            on ^= press
            rows.append(("press" if press else "look", "light" if on else "dark"))
        written.append(rows)
    return log_of(written, "hidden")
