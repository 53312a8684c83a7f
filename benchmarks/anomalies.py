#!/usr/bin/env python3
"""Anomalous sessions found by `fsmlearn check --trace-scores`, and by others.

`python benchmarks/anomalies.py [PROCESS [SEEDS]]`: for each of the processes in `sessions` (or the one named) and each
seed (0 to 4, or as many as given), 5,000 sessions in which nothing is wrong are drawn to learn from. Then 5,000 more
and 156 anomalous ones, 26 of each kind, are to be told apart. Every detector sees the same sessions and knows nothing
of anomalies: thresholds come from what it learned from.

- machine: score above that of a share of FALSE_ALARMS of normal sessions, as `check --trace-scores` has it
- machine, rows: a row that the machine contradicts, as `check` lists them
- 3-grams: three events in a row, start and end among them, that were never seen
- counts: how often each event came, taken together, was never seen so
- PCA 95 %: these counts are far from the subspace that holds 95 % of their variance (Xu et al. 2009), farther than all
  but FALSE_ALARMS of the sessions learned from; PCA 99.99 % leaves little but what is always so, such as that as many
  things are closed as opened

Printed are the means over seeds: F1, the least F1 of a seed, precision, share of normal sessions called anomalous, and
of each kind of anomaly the share that is found.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sessions import KINDS, PROCESSES, Session, draw, plant

from fsmlearn.check import FALSE_ALARMS, Checker, Whole
from fsmlearn.config import Settings
from fsmlearn.pipeline import learn

LEARNED, NORMAL, EACH = 5000, 5000, 26

Detector = Callable[[Sequence[Session]], list[bool]]


def machine(sessions: Sequence[Session], seed: int) -> tuple[Detector, Detector]:
    """By the score of a trace, and by its rows."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.csv"
        with log.open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["trace", "step", "event"])
            for i, session in enumerate(sessions):
                out.writerows([i, step, event] for step, event in enumerate(session))
        learned = learn(log, settings=Settings(seed=seed))

    def checked(unknown: Sequence[Session]) -> list[Whole]:
        found: dict[str, Whole] = {}
        checker = Checker(
            learned.machine, learned.normal, lambda _: None, lambda whole: found.update({whole.run: whole})
        )
        for i, session in enumerate(unknown):
            for line, event in enumerate(session):
                checker.row(str(i), (event,), "sessions", line)
        checker.finish()
        return [found[str(i)] for i in range(len(unknown))]

    return (
        lambda unknown: [whole.reason is not None for whole in checked(unknown)],
        lambda unknown: [whole.contradictions > 0 for whole in checked(unknown)],
    )


def grams(sessions: Sequence[Session]) -> Detector:
    def of(session: Session) -> set[tuple[str, ...]]:
        padded = ["", "", *session, ""]
        return {tuple(padded[i : i + 3]) for i in range(len(padded) - 2)}

    known = set().union(*map(of, sessions))
    return lambda unknown: [not of(session) <= known for session in unknown]


def counts(sessions: Sequence[Session]) -> Detector:
    known = {tuple(sorted(session)) for session in sessions}
    return lambda unknown: [tuple(sorted(session)) not in known for session in unknown]


def pca(sessions: Sequence[Session], variance: float) -> Detector:
    words = {word: i for i, word in enumerate(sorted({word for session in sessions for word in session}))}

    def vectors(some: Sequence[Session]) -> NDArray[np.float64]:
        found = np.zeros((len(some), len(words) + 1))  # the last counts what is new
        for row, session in zip(found, some, strict=True):
            np.add.at(row, [words.get(word, len(words)) for word in session], 1)
        return found

    known = vectors(sessions)
    mean = known.mean(0)
    _, size, axes = np.linalg.svd(known - mean, full_matrices=False)
    kept = axes[: int(np.searchsorted(np.cumsum(size**2) / (size**2).sum(), variance)) + 1]

    def distance(some: Sequence[Session]) -> NDArray[np.float64]:
        away = vectors(some) - mean
        rest: NDArray[np.float64] = ((away - away @ kept.T @ kept) ** 2).sum(1)
        return rest

    most = np.quantile(distance(sessions), 1 - FALSE_ALARMS)
    return lambda unknown: (distance(unknown) > most).tolist()


def run(name: str, seed: int) -> dict[str, list[float]]:
    """Detector -> F1, precision, false alarms, and the share found of each kind."""
    rng = np.random.default_rng(seed)
    process = PROCESSES[name]()
    sessions, normal = ([draw(process, rng) for _ in range(size)] for size in (LEARNED, NORMAL))
    odd = [[plant(kind, process, normal, rng) for _ in range(EACH)] for kind in KINDS]
    scored, listed = machine(sessions, seed)
    detectors = {"machine": scored, "machine, rows": listed, "3-grams": grams(sessions), "counts": counts(sessions)}
    detectors |= {"PCA 95 %": pca(sessions, 0.95), "PCA 99.99 %": pca(sessions, 0.9999)}
    results = {}
    for detector, judge in detectors.items():
        alarms = sum(judge(normal))
        found = [sum(judge(some)) for some in odd]
        right = sum(found)
        f1 = 2 * right / (right + alarms + EACH * len(KINDS))
        shares = [each / EACH for each in found]
        results[detector] = [f1, right / max(right + alarms, 1), alarms / NORMAL, *shares]
    return results


def main(arguments: list[str]) -> None:
    names = [arguments[0]] if arguments else list(PROCESSES)
    seeds = int(arguments[1]) if len(arguments) > 1 else 5
    for name in names:
        print(f"\n{name}, {seeds} seeds\n")
        print(f"{'':15}{'F1':>7}{'least':>7}{'right':>7}{'alarms':>8}", *(f"{kind:>14}" for kind in KINDS))
        runs = []
        for seed in range(seeds):
            runs.append(run(name, seed))
            print(f"seed {seed}:", *(f"{detector} {row[0]:.3f}" for detector, row in runs[-1].items()), file=sys.stderr)
        for detector in runs[0]:
            rows = np.array([each[detector] for each in runs])
            f1, right, alarms, *shares = rows.mean(0).tolist()
            print(
                f"{detector:15}{f1:7.3f}{rows[:, 0].min():7.3f}{right:7.1%}{alarms:8.2%}",
                *(f"{s:14.0%}" for s in shares),
            )
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
