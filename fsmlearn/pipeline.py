"""The order of the stages, spelled once: read, filter, train, extract, sum up.

The caller watches by iterating: every stage's value is yielded as it comes. Ctrl-C while the network trains ends the
training, not the run: the machine is extracted from the best weights so far.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from fsmlearn import __version__
from fsmlearn.about import About, EpochSummary, ExtractionSummary, TrainingSummary
from fsmlearn.config import Settings
from fsmlearn.denoise import Denoised, denoise
from fsmlearn.errors import LogError
from fsmlearn.extract import extract
from fsmlearn.histories import Histories, histories
from fsmlearn.logs import Log, read
from fsmlearn.machine import Machine
from fsmlearn.summary import compare, of_log, of_noise
from fsmlearn.train import Epoch, Model, Plan, cell_of, train

LEARNED = 1e-3  # held-out loss, nats a row, at which nothing is left to learn
SETTLED = 5  # epochs that are trained in any case


@dataclass(frozen=True, eq=False)
class Learned:
    """Everything that came of a log."""

    log: Log  # as read
    denoised: Denoised
    model: Model  # the network
    machine: Machine
    about: About


def learn(*sources: str | Path, settings: Settings | None = None) -> Learned:
    """Learn the machine behind one log, given as one or more files.

    Raises LogError where the log cannot be read and SettingsError where a setting cannot be used.
    """
    for value in learning(sources, settings or Settings()):
        learned = value
    assert isinstance(learned, Learned)
    return learned


def learning(sources: Sequence[str | Path], settings: Settings) -> Generator[Log | Denoised | Epoch | Learned]:
    """Run the stages, yielding the log, the filtered log, every epoch of training and at last what was learned."""
    log = read(sources, columns=settings.columns)
    if log.kind == "sequence":
        raise LogError(f"{log.files[0]}: has events only; give current state, trigger and next state columns")
    yield log
    denoised = denoise(log) if log.kind == "visible" else untouched(log)
    if not len(denoised.log):
        raise LogError(f"{log.files[0]}: no row is left to learn from; check its columns with 'fsmlearn info'")
    yield denoised

    rng = np.random.default_rng(settings.seed)
    data = histories(denoised.log)
    cell = cell_of(settings.cell, settings.activation)
    plan = planned(data, settings)
    began = time.perf_counter()
    epochs: list[Epoch] = []
    best: Epoch | None = None
    interrupted = False
    try:
        for epoch in train(data, cell, plan, rng):
            epochs.append(epoch)
            if best is None or epoch.held_out_loss < best.held_out_loss:
                best = epoch
            yield epoch
            if ended(epochs):
                break
    except KeyboardInterrupt:
        interrupted = True
    if best is None:
        raise KeyboardInterrupt
    model = Model(cell, best.params)
    trained = time.perf_counter()
    found = extract(model, denoised.log, data, denoised.gap, settings.states)
    about = About(
        of_log(log),
        of_noise(denoised),
        TrainingSummary(
            cell=settings.cell,
            activation=settings.activation,
            hidden=plan.hidden,
            parameters=sum(value.size for value in model.params.values()),
            rows=len(data),
            epochs=tuple(map(_summed, epochs)),
            best=best.index,
            interrupted=interrupted,
            seconds=trained - began,
        ),
        ExtractionSummary(
            vectors=found.vectors,
            clusters=found.clusters,
            states=len(found.machine.states),
            misfits=found.standing.fit.misfits,
            seconds=time.perf_counter() - trained,
        ),
        compare(denoised, found.machine) if log.kind == "visible" else (),
        {"seed": settings.seed, "states": settings.states, "epochs": plan.epochs, "batch": plan.batch},
        {
            "fsmlearn": __version__,
            "numpy": np.__version__,
            "pandas": version("pandas"),
            "python": platform.python_version(),
        },
    )
    yield Learned(log, denoised, model, found.machine, about)


def untouched(log: Log) -> Denoised:
    """A log that hides its states cannot be judged row by row beforehand: there the network is the filter."""
    return Denoised(log, log, np.arange(len(log)), np.zeros(len(log), np.bool_), (), {})


def planned(data: Histories, settings: Settings) -> Plan:
    """Sizes that need no choice: a bigger network for a bigger log, smaller minibatches for a smaller one.

    A cell with gates bears, and wants, a higher rate; then it learns in fewer epochs than an Elman cell.
    """
    rows, windows = len(data), len(data.starts)
    if settings.cell == "elman":
        hidden, epochs, rate = 128 if rows > 20_000 else 64, 60, 4e-3
    else:
        hidden, epochs, rate = 128, 20, 1.2e-2
    batch = int(np.clip(windows // 30, 8, 64))
    return Plan(settings.hidden or hidden, settings.epochs or epochs, rate, batch=batch)


def ended(epochs: Sequence[Epoch]) -> bool:
    """Whether nothing is left to learn. A loss that merely rests says little: memory is often found late."""
    return min(epoch.held_out_loss for epoch in epochs) < LEARNED and len(epochs) > SETTLED


def _summed(epoch: Epoch) -> EpochSummary:
    return EpochSummary(
        epoch.index,
        epoch.loss,
        epoch.accuracy,
        epoch.held_out_loss,
        epoch.held_out_accuracy,
        epoch.gradient_norm,
        epoch.learning_rate,
    )
