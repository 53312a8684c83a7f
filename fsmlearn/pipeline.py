"""The order of the stages, spelled once: read, filter, train, extract, sum up.

A log of events alone has nothing to filter, and some of its traces are held out to measure on.

The caller watches by iterating: every stage's value is yielded as it comes. Ctrl-C while the network trains ends the
training, not the run: the machine is extracted from the best weights so far.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fsmlearn import __version__, misfits, sequences
from fsmlearn.about import (
    About,
    Comparison,
    EpochSummary,
    ExtractionSummary,
    HeldOut,
    Support,
    TrainingSummary,
)
from fsmlearn.config import Settings
from fsmlearn.denoise import Denoised, denoise
from fsmlearn.errors import LogError
from fsmlearn.extract import extract, restated, walks
from fsmlearn.growth import grow
from fsmlearn.histories import Histories, histories
from fsmlearn.logs import Log, LogKind, Reading, reading
from fsmlearn.machine import Machine
from fsmlearn.onward import Known
from fsmlearn.sample import Sample
from fsmlearn.sampling import sampled
from fsmlearn.sequences import automaton, compared, held_out
from fsmlearn.sources import expand
from fsmlearn.summary import compare, of_log, of_noise
from fsmlearn.support import support
from fsmlearn.train import Epoch, Model, Plan, cell_of, train

LEARNED = 1e-3  # held-out loss, nats a row, at which nothing is left to learn
SETTLED = 5  # epochs that are trained in any case
STEPS = 2000  # of training at least, on a log of events or one that repeats itself
NOTHING = HeldOut()


@dataclass(frozen=True, eq=False)
class Learned:
    """Everything that came of a log."""

    log: Log  # as read
    denoised: Denoised  # where the log hides states: its rows as the machine judges them, learned from as they were
    model: Model  # the network
    machine: Machine
    about: About
    sample: Sample = field(default_factory=Sample)  # of the rows that the network learned from


def learn(*sources: str | Path, settings: Settings | None = None, known: Known | None = None) -> Learned:
    """Learn the machine behind one log, given as one or more files, patterns or folders (see `sources`), and go on from
    a model where one is known.

    Raises LogError where the log cannot be read and SettingsError where a setting cannot be used.
    """
    for value in learning(expand(sources), settings or Settings(), known):
        learned = value
    assert isinstance(learned, Learned)
    return learned


def learning(
    sources: Sequence[str | Path], settings: Settings, known: Known | None = None
) -> Generator[Reading | Log | Denoised | Epoch | Learned]:
    """Run the stages, yielding how far the log is read, the log, the filtered log, every epoch of training and at last
    what was learned."""
    for value in reading(sources, columns=settings.columns):
        yield value
    assert isinstance(value, Log)
    log = value
    if known is not None:
        known.check(log, settings)
    denoised = denoise(log)
    if not len(denoised.log):
        raise LogError(f"{log.files[0]}: no row is left to learn from; check its columns with 'fsmlearn info'")
    yield denoised

    rng = np.random.default_rng(settings.seed)
    held = held_out(log, rng) if log.kind == "sequence" else np.zeros(len(log.traces), np.bool_)
    if known is not None:
        settings = known.settings(settings)
        denoised = replace(denoised, log=known.coded(denoised.log))
    trained_on = denoised.log.select_traces(~held) if held.any() else denoised.log
    data = histories(trained_on, answers=known.sample.answers if known is not None else ())
    name = settings.cell or usual_cell(log.kind, settings.activation)
    cell = cell_of(name, settings.activation)
    plan = planned(data, name, settings, sequence=log.kind == "sequence")
    start, old = None, known.machine if known is not None else None
    if known is not None and known.model is not None:
        fresh = cell.initial(data.words, plan.hidden, len(data.answers), rng)
        start = known.weights(trained_on, data, fresh)
    began = time.perf_counter()
    epochs: list[Epoch] = []
    best: Epoch | None = None
    interrupted = False
    try:
        for epoch in train(data, cell, plan, rng, start):
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
    if log.kind == "sequence":
        found = _of_events(model, denoised, held, settings.states, old)
    else:
        found = _of_rows(model, denoised, data, settings.states, old)
    about = About(
        of_log(log),
        of_noise(found.denoised),
        TrainingSummary(
            cell=name,
            activation=settings.activation,
            hidden=plan.hidden,
            parameters=sum(value.size for value in model.params.values()),
            rows=len(trained_on),
            histories=data.distinct - (log.kind == "sequence"),  # the start of a trace is no row
            epochs=tuple(map(_summed, epochs)),
            best=best.index,
            interrupted=interrupted,
            seconds=trained - began,
        ),
        ExtractionSummary(
            vectors=found.vectors,
            clusters=found.clusters,
            states=len(found.machine.states),
            misfits=found.misfits,
            seconds=time.perf_counter() - trained,
        ),
        found.comparison,
        found.support,
        {"seed": settings.seed, "states": settings.states, "epochs": plan.epochs, "batch": plan.batch},
        {
            "fsmlearn": __version__,
            "numpy": np.__version__,
            "pandas": version("pandas"),
            "python": platform.python_version(),
        },
        found.held_out,
    )
    yield Learned(log, found.denoised, model, found.machine, about, sampled(trained_on, data))


@dataclass(frozen=True, eq=False)
class _Found:
    """A machine, and what the log says of it."""

    machine: Machine
    denoised: Denoised
    vectors: int
    clusters: int
    misfits: int = 0
    comparison: tuple[Comparison, ...] = ()
    support: tuple[Support, ...] = ()
    held_out: HeldOut = NOTHING


def _of_rows(model: Model, denoised: Denoised, data: Histories, states: int | None, old: Machine | None) -> _Found:
    """The machine of a log that has triggers, with states or outputs."""
    log = denoised.log
    found = extract(model, log, data, denoised.gap, states, old)
    missing = found.standing.fit.misfits
    if old is not None:
        found = restated(found, grow(old, found.machine, walks(log, data, found)), log, data)
    if log.kind == "visible":
        compared = compare(denoised, found.machine)
    else:
        denoised, compared = misfits.judge(log, data, found), misfits.compare(log, data, found)
    supported = support(log, data, found)
    return _Found(found.machine, denoised, found.vectors, found.clusters, missing, compared, supported)


def _of_events(
    model: Model, denoised: Denoised, held: NDArray[np.bool_], states: int | None, old: Machine | None
) -> _Found:
    """The machine of a log of events alone, and what the held-out traces (R,) say of one learned without them."""
    log = denoised.log
    found = automaton(model, log, states, old)
    machine = found.machine
    if old is not None:
        machine = grow(old, machine, sequences.walks(machine, log))
    scores = compared(model, log, held, states) if held.any() else NOTHING
    return _Found(machine, denoised, len(log) + len(log.traces), found.fine, held_out=scores)


def usual_cell(kind: LogKind, activation: str) -> str:
    """The cell where none is asked for. Hidden states are all memory, which gates keep better; only an Elman cell has
    a choice of activations."""
    return "gru" if kind == "hidden" and activation == "tanh" else "elman"


def planned(data: Histories, cell: str, settings: Settings, *, sequence: bool = False) -> Plan:
    """Sizes that need no choice: a bigger network for a bigger log, smaller minibatches for a smaller one.

    A cell with gates bears, and wants, a higher rate; then it learns in fewer epochs than an Elman cell. Where windows
    repeat themselves an epoch has fewer steps than the log's length would make, and there are more epochs.
    """
    rows, windows, distinct = len(data), len(data.starts), int(data.places.max()) + 1
    if cell == "elman":
        hidden, epochs, rate = 128 if rows > 20_000 else 64, 60, 4e-3
    else:
        hidden, epochs, rate = 128, 20, 1.2e-2
    batch = minibatch(distinct)
    steps = STEPS  # a few long traces of events make few steps of an epoch
    if not sequence:
        steps = min(steps, epochs * windows // minibatch(windows))
    epochs = int(np.clip(steps * batch // distinct, epochs, 5 * epochs))
    return Plan(settings.hidden or hidden, settings.epochs or epochs, rate, batch=batch)


def minibatch(windows: int) -> int:
    """Windows of a minibatch, in a log of so many."""
    return int(np.clip(windows // 30, 8, 64))


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
