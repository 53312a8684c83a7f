"""A machine, the log that it leaves, and the machine learned from that log: they do the same."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hidden import mealy
from machines import random_machine, truth

from fsmlearn.conformance import characterising
from fsmlearn.diff import diff
from fsmlearn.machine import Machine
from fsmlearn.pipeline import learn
from fsmlearn.simulate import as_log, draw
from fsmlearn.tour import tour

pytestmark = pytest.mark.slow  # each trains


def rows_of(machine: Machine) -> list[tuple[int, str, int, str | None, int]]:
    number = {name: i for i, name in enumerate(machine.labels)}
    return [(number[t.state], t.trigger, number[t.next_state], t.output, 1) for t in machine.transitions]


def partial(machine: Machine, rng: np.random.Generator) -> Machine:
    """The machine without a quarter of what it does; states are told apart by what both still know, for a log does not
    show more."""
    while True:
        rows = [row for row in rows_of(machine) if rng.random() < 0.75]
        labels = [state.label for state in machine.states]
        found = Machine.build(machine.kind, 0, labels, machine.triggers, rows).minimise()
        if len(found.states) > 2 and not characterising(found).alike:
            return found


def chancy(machine: Machine, rng: np.random.Generator) -> Machine:
    """The machine with another answer to every third trigger, in a third of the cases: another name or output."""
    names, rows = list(machine.labels), []
    for state, trigger, following, output, _ in rows_of(machine):
        others = [
            i for i, name in enumerate(names) if output or machine.labels[name] != machine.labels[names[following]]
        ]
        rows.append((state, trigger, following, output, 2))
        if rng.random() < 1 / 3:
            rows.append((state, trigger, int(rng.choice(others)), output and "AB".replace(output, ""), 1))
    return Machine.build(machine.kind, 0, list(machine.labels.values()), machine.triggers, rows).minimise()


def events(rng: np.random.Generator, states: int) -> Machine:
    """A machine of one to three events a state, half of whose states may end, but not the first: no log shows that."""
    while True:
        rows = []
        for state in range(states):
            for event in rng.permutation(4)[: rng.integers(1, 4)].tolist():
                rows.append((state, "abcd"[event], int(rng.integers(states)), None, int(rng.integers(10, 60))))
            if state == states - 1 or (state and rng.random() < 0.5):
                rows.append((state, "End", states, None, int(rng.integers(5, 20))))
        machine = Machine.build("lts", 0, [None] * states + ["End"], [*"abcd", "End"], rows)
        ending = {"End"}
        for _ in machine.states:
            ending |= {t.state for t in machine.transitions if t.next_state in ending}
        if len(machine.minimise().states) == len(ending) == states + 1:
            return machine


def learned(machine: Machine, path: Path, traces: int, length: int | None) -> Machine:
    """What is learned from drawn traces, and from all transitions three times over."""
    shown = chain(draw(machine, traces, length, Random(1)), *[tour(machine)] * 3)
    path.write_text("".join(as_log(machine, shown)))
    return learn(path).machine


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["moore", "mealy"])
@pytest.mark.parametrize("known", ["everything", "a part"])
def test_machines_with_triggers_come_back(kind: str, known: str, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, 5, 3, 3) if kind == "moore" else mealy(rng, 5)
    if known == "a part":
        machine = partial(machine, rng)
    assert diff(machine, learned(machine, tmp_path / "log.csv", 300, 30)).found == ()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("kind", "seed", "traces"), [*[("moore", seed, 300) for seed in range(4)], ("mealy", 1, 1500)])
def test_machines_with_chance_come_back(kind: str, seed: int, traces: int, tmp_path: Path) -> None:
    """What is hidden and left to chance takes more rows: of 300 traces like these another machine is learned."""
    rng = np.random.default_rng(seed)
    machine = chancy(random_machine(rng, 5, 3, 3) if kind == "moore" else mealy(rng, 5), rng)
    assert diff(machine, learned(machine, tmp_path / "log.csv", traces, 30)).found == ()


@pytest.mark.parametrize("seed", range(3))
def test_machines_of_events_come_back(seed: int, tmp_path: Path) -> None:
    machine = events(np.random.default_rng(seed), 5)
    assert diff(machine, learned(machine, tmp_path / "log.csv", 2000, None)).found == ()


@pytest.mark.parametrize("name", ["washing_machine", "vending_machine", "door_lock", "order_process"])
def test_true_machines_of_the_sample_logs_come_back(name: str, tmp_path: Path) -> None:
    machine = truth(name)
    assert diff(machine, learned(machine, tmp_path / "log.csv", 800, 40)).found == ()
