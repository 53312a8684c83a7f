#!/usr/bin/env python3
"""How well the rest of a known machine tells where one of its transitions leads, before any log is looked at.

`python benchmarks/left_out.py [MACHINE.dot...]`: each transition in turn is led to each state, and what it takes to
write down the machine (`fsmlearn.prior`) says how probable that is. Right is a transition whose true target is the most
probable one; targets by which two states would become alike are left out. This is what decides where a log leaves it
open. States are described in turn, the commonest first, which random walks tell.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsmlearn.imports import read
from fsmlearn.packing import Rows, pack
from fsmlearn.prior import described, kinds

MODELS = Path(__file__).resolve().parent.parent.parent / "shared" / "bench" / "models"
WALKS, LENGTH = 2000, 40
Ints = NDArray[np.int64]


def tables(path: Path) -> tuple[Rows, Ints, Ints]:
    """Rows that show what the machine can say, its targets (k, U), and rows by state and symbol (k, U)."""
    machine = read(path).machine.minimise()
    reached, steps = list(machine.shortest_words()), []
    for state in reached:
        for trigger in machine.triggers:
            for step in machine.successors(state, trigger)[:1]:
                answer = machine.visible(step.next_state) if step.output is None else step.output
                steps.append((state, trigger, answer, step.next_state))
    triggers, answers = (list(dict.fromkeys(words)) for words in list(zip(*steps, strict=True))[1:3])
    said = sorted({(triggers.index(trigger), answers.index(answer)) for _, trigger, answer, _ in steps})
    trigger, answer = np.array(said).T
    rows = pack(
        np.zeros(len(said), int),
        trigger,
        answer,
        np.array([0, len(said)]),
        np.zeros(len(said), bool),
        labels=1,
        triggers=len(triggers),
        answer_label=np.full(len(answers), -1),
    )
    target, met = np.zeros((2, len(reached), len(said)), np.int64)
    for state, word, given, goal in steps:
        at = reached.index(state), said.index((triggers.index(word), answers.index(given)))
        target[at], met[at] = reached.index(goal), 1
    moves = np.zeros((len(reached), len(reached)))
    for q, u in np.argwhere(met):
        moves[q, target[q, u]] += 1 / met[q].sum()
    visits = sum(np.linalg.matrix_power(moves, step)[0] for step in range(LENGTH))
    counts = met * np.maximum(WALKS * visits / met.sum(1), 1).astype(int)[:, None]
    return rows, target, counts


def left_out(path: Path) -> tuple[int, NDArray[np.bool_], NDArray[np.float64]]:
    """Number of states; of each transition whether it is foretold, and -log of the probability that it is given."""
    rows, target, counts = tables(path)
    main, right, lost = counts > 0, [], []
    said = np.where(main, np.arange(rows.symbols), -1)
    different = kinds(said, target).max()
    for at in map(tuple, np.argwhere(main)):
        trial, lengths = target.copy(), []
        for trial[at] in range(len(target)):
            alike = kinds(said, trial).max() < different
            lengths.append(np.inf if alike else described(rows, trial, main, counts))
        true = lengths[target[at]]
        right.append(true <= min(lengths) + 1e-9)
        lost.append(true + np.logaddexp.reduce(-np.array(lengths)))
    return len(target), np.array(right), np.array(lost)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("machines", metavar="MACHINE.dot", nargs="*", type=Path, default=sorted(MODELS.glob("*.dot")))
    print(f"{'machine':40} {'states':>6} {'transitions':>11} {'right':>6} {'nats':>6}")
    results = []
    for path in parser.parse_args().machines:
        states, right, lost = left_out(path)
        results.append((right, lost))
        print(f"{path.stem:40.40} {states:6} {len(right):11} {right.mean():6.0%} {lost.mean():6.2f}", flush=True)
    right, lost = (np.concatenate(parts) for parts in zip(*results, strict=True))
    print(f"{'all':40} {'':6} {len(right):11} {right.mean():6.0%} {lost.mean():6.2f}")


if __name__ == "__main__":
    main()
