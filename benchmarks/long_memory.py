#!/usr/bin/env python3
"""Which cell remembers for 40 to 60 rows: `python benchmarks/long_memory.py [SEEDS]`, five seeds unless given.

On sample_logs/refrigerated_lorry.csv what is loaded at the start decides the output when it is unloaded, and the 40
to 60 rows between tell nothing. Every cell is trained as `fsmlearn train --cell` trains it. The first table has the
share of right answers to the unloading in held-out traces, beside the share of the commoner answer, which chance gets
right; the second how the gradient of the loss of these rows by the memory fades on its way back: the mean norm at each
lag, as a multiple of that at lag 0.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from fsmlearn.config import CHOICES, Settings
from fsmlearn.forest import forest
from fsmlearn.histories import histories
from fsmlearn.logs import read
from fsmlearn.reach import reach
from fsmlearn.schedule import ended, planned
from fsmlearn.train import Epoch, cell_of, evaluate, split, train

LOG = Path(__file__).resolve().parent.parent / "sample_logs" / "refrigerated_lorry.csv"
LAGS = [0, 1, 2, 5, 10, 15, 20, 25, 30, 35, 40]


def main(seeds: int) -> None:
    """Train every cell with every seed; print a line for each, and the gradients at the end."""
    log = read([LOG])
    data = histories(log)
    deciding = np.flatnonzero(log.trigger == log.triggers.index("Unload"))
    targets = np.full_like(data.targets, -1)
    targets[deciding] = data.targets[deciding]
    only_deciding = replace(data, targets=targets)
    gradients: dict[str, list[np.ndarray]] = {name: [] for name in CHOICES["cell"]}
    print("cell   seed  epochs  seconds  held-out traces  by chance   right  loss, nats a deciding row")
    for name in gradients:
        cell, plan = cell_of(name), planned(data, name, Settings())
        for seed in range(seeds):
            began = time.perf_counter()
            epochs: list[Epoch] = []
            for epoch in train(data, cell, plan, np.random.default_rng(seed)):
                epochs.append(epoch)
                if ended(epochs):
                    break
            seconds = time.perf_counter() - began
            params = min(epochs, key=lambda epoch: epoch.held_out_loss).params
            rng = np.random.default_rng(seed)  # as `train` used it: weights first, then the held-out traces
            cell.initial(data.words, plan.hidden, len(data.answers), rng)
            _, (held, _) = split(data, plan.held_out, rng)
            carried = np.zeros((len(data.starts), cell.width(params)), np.float32)
            loss, right = evaluate(forest(only_deciding, held), cell, params, carried)
            asked = np.concatenate([targets[data.starts[w] : data.starts[w] + data.lengths[w]] for w in held])
            chance = np.unique(asked[asked >= 0], return_counts=True)[1].max() / np.count_nonzero(asked >= 0)
            facts = f"{len(epochs):7} {seconds:8.1f} {len(held):16} {chance:10.1%} {right:7.1%} {loss:7.4f}"
            print(f"{name:5} {seed:5} {facts}", flush=True)
            gradients[name].append(reach(data, cell, params, max(LAGS), deciding))
    print("\nlag   " + "".join(f"{name:>10}" for name in gradients))
    means = [np.mean([norms / norms[0] for norms in found], 0) for found in gradients.values()]
    for lag in LAGS:
        print(f"{lag:3}   " + "".join(f"{mean[lag]:10.2g}" for mean in means))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
