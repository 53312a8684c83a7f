"""What lies 40 to 60 rows back: an Elman cell cannot learn it, its gradient does not reach there; gates can."""

from __future__ import annotations

import numpy as np
import pytest
from machines import SAMPLES

from fsmlearn.config import Settings
from fsmlearn.histories import histories
from fsmlearn.logs import read
from fsmlearn.reach import reach
from fsmlearn.schedule import ended, planned
from fsmlearn.train import Epoch, cell_of, train

pytestmark = pytest.mark.slow  # trains on the whole log


@pytest.mark.parametrize(("name", "remembers"), [("elman", False), ("gru", True), ("lstm", True)])
def test_gates_hold_a_memory_that_an_elman_cell_loses(name: str, remembers: bool) -> None:
    log = read([SAMPLES / "refrigerated_lorry.csv"])
    data, cell = histories(log), cell_of(name)
    epochs: list[Epoch] = []
    for epoch in train(data, cell, planned(data, name, Settings()), np.random.default_rng(1)):
        epochs.append(epoch)
        if ended(epochs):
            break
    best = min(epochs, key=lambda epoch: epoch.held_out_loss)
    unloads = np.flatnonzero(log.trigger == log.triggers.index("Unload"))
    # one bit is unknown in each trace, and nothing else
    guessing = np.log(2) * len(unloads) / len(log)
    norms = reach(data, cell, best.params, 40, unloads)
    if remembers:
        assert best.held_out_loss < 0.15 * guessing
        assert norms[40] > 0.1 * norms[0]
    else:
        assert best.held_out_loss > 0.8 * guessing
        assert norms[40] < 1e-6 * norms[0]
