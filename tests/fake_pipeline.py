"""A stand-in for `fsmlearn.pipeline` that counts instead of learning, so that the commands can be tested in no time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fsmlearn import summary
from fsmlearn.about import About, Comparison, EpochSummary, ExtractionSummary, TrainingSummary
from fsmlearn.config import Settings
from fsmlearn.denoise import filtered
from fsmlearn.elman import Elman
from fsmlearn.logs import Log, alone, read
from fsmlearn.machine import Machine
from fsmlearn.onward import Known
from fsmlearn.pipeline import Learned
from fsmlearn.sought import Sought
from fsmlearn.spread import Spread
from fsmlearn.train import Epoch, Model


def count(log: Log) -> Machine:
    """The machine whose states are the visible ones."""
    rows = Counter(zip(log.state.tolist(), log.trigger.tolist(), log.next_state.tolist(), strict=True))
    edges = [(s, log.triggers[a], n, None, c) for (s, a, n), c in rows.items()]
    return Machine.build("moore", int(log.state[0]), list(log.states), log.triggers, edges)


class Pipeline:
    """`interrupt` is what `training` does: nothing, note an interruption, or let Ctrl-C through."""

    Learned = Learned

    def __init__(self, interrupt: str = "no") -> None:
        self.interrupt = interrupt
        self.settings: list[Settings] = []

    def learning(
        self, sources: Sequence[str | Path], settings: Settings, spread: Spread, known: Known | None = None
    ) -> Iterator[Any]:
        self.settings.append(settings)
        log = read(list(sources), **settings.reading)
        whole = alone(log)
        yield whole
        clean = filtered(replace(whole, kind="sequence"))  # nothing is to be judged
        yield clean
        if self.interrupt == "raise":
            raise KeyboardInterrupt
        machine = count(log)
        epochs = tuple(EpochSummary(i, 1 / i, 0.9, 1 / i, 0.9, 1.0, 0.004) for i in (1, 2, 3))
        for each in epochs:
            yield Epoch(each.index, 3, each.loss, 0.9, each.held_out_loss, 0.9, 1.0, 0.004, {})
        for states in (0, len(machine.states)):
            yield Sought(states)
        about = About(
            log=summary.of_log(whole),
            noise=summary.of_noise(clean),
            training=TrainingSummary(
                "elman", "tanh", 8, 100, len(log), len(log), epochs, 3, self.interrupt == "note", 0.1
            ),
            extraction=ExtractionSummary(len(log), 9, len(machine.states), 0, 0.1),
            comparison=tuple(
                Comparison(t.state, t.trigger, t.next_state, None, t.count, 0, t.probability, "learned")
                for t in machine.transitions
            ),
            support=(),
            settings={key: each for key, each in vars(settings).items() if each is None or type(each) in (int, str)},
            versions={"numpy": np.__version__},
        )
        yield Learned(whole, clean, Model(Elman(), {"W": np.eye(2)}), machine, about)
