#!/usr/bin/env python3
"""How well machines of events know traces they were not learned from: `python benchmarks/events.py LOG COLUMN [SEEDS]`.

The log is learned as `fsmlearn train LOG --event-column COLUMN --seed SEED` learns it, five seeds unless given: each
holds out other traces and draws another network. Printed are the states of the machine that was learned without the
held-out traces, and nats an event for the machine, for n-grams and for the network; at the end the means.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from fsmlearn.config import Settings
from fsmlearn.pipeline import learn


def main(path: str, column: str, seeds: int) -> None:
    """Learn with every seed; print a line for each, and the means."""
    lines: list[list[float]] = []
    for seed in range(seeds):
        began = time.perf_counter()
        about = learn(path, settings=Settings(seed=seed, columns={"event": column})).about
        if not lines:
            print("seed  states  seconds", *(f"{score.predictor:>8}" for score in about.held_out.scores))
        lines.append([about.held_out.states, time.perf_counter() - began, *(s.loss for s in about.held_out.scores)])
        _show(f"{seed:4}", lines[-1])
    _show("mean", np.mean(lines, axis=0).tolist())


def _show(name: str, line: list[float]) -> None:
    print(f"{name}  {line[0]:6.0f}  {line[1]:7.1f}", *(f"{loss:8.4f}" for loss in line[2:]), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log")
    parser.add_argument("column", help="where the events are")
    parser.add_argument("seeds", type=int, nargs="?", default=5)
    args = parser.parse_args()
    main(args.log, args.column, args.seeds)
