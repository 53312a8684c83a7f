"""The order of the stages, spelled once: read, filter, train, extract, sum up, and measure what is normal.

A log of events alone has nothing to filter, and some of its traces are held out to measure on.

The caller watches by iterating: every stage's value is yielded as it comes. Ctrl-C while the network trains ends the
training, not the run: the machine is extracted from the best weights so far.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from importlib.metadata import version
from itertools import chain
from operator import add
from pathlib import Path

import numpy as np

from fsmlearn import __version__, census, excerpt, misfits, sequences
from fsmlearn.about import (
    About,
    Comparison,
    EpochSummary,
    ExtractionSummary,
    HeldOut,
    Support,
    TrainingSummary,
)
from fsmlearn.alike import Distinct, distinct, together
from fsmlearn.calibrate import calibrated, drawn
from fsmlearn.census import Census, Walker, doubts, entering, recounted, retold
from fsmlearn.config import Settings
from fsmlearn.denoise import Denoised, Filtered, filtered
from fsmlearn.errors import LogError
from fsmlearn.extract import Extraction, Ways, extract, restated
from fsmlearn.findings import WRONG_OUTPUT
from fsmlearn.growth import grow
from fsmlearn.histories import Histories, histories
from fsmlearn.logs import Log, Reading, Whole, gathering
from fsmlearn.machine import Machine
from fsmlearn.misfits import Answers
from fsmlearn.normal import Normal
from fsmlearn.onward import Known
from fsmlearn.sample import Sample
from fsmlearn.sampling import sampled
from fsmlearn.schedule import ended, planned, usual_cell
from fsmlearn.sequences import Corpus, automaton, compared, held_out
from fsmlearn.sought import Sought
from fsmlearn.sources import expand
from fsmlearn.spread import HERE, Handle, Spread
from fsmlearn.summary import compared as compared_with
from fsmlearn.summary import of_grid, of_log, of_noise, said
from fsmlearn.support import support
from fsmlearn.train import Epoch, Model, Plan, cell_of, train

LOOKS = 3  # times at most that an excerpt is learned from, each time a longer one
NOTHING = HeldOut()


@dataclass(frozen=True, eq=False)
class Learned:
    """Everything that came of a log."""

    read: Whole
    filtered: Filtered  # where the log hides states: its rows as the machine judges them, learned from as they were
    model: Model  # the network
    machine: Machine
    about: About
    sample: Sample = field(default_factory=Sample)  # of the rows that the network learned from
    normal: Normal = field(default_factory=Normal)  # what a clean log of this machine is like

    @property
    def log(self) -> Log:
        """As read, if it was read in one part."""
        return self.read.log

    @property
    def denoised(self) -> Denoised:
        """As filtered, if it was read in one part."""
        return self.filtered.denoised


def learn(*sources: str | Path, settings: Settings | None = None, known: Known | None = None) -> Learned:
    """Learn the machine behind one log, given as one or more files, patterns or folders (see `sources`), and go on from
    a model where one is known.

    Raises LogError where the log cannot be read and SettingsError where a setting cannot be used.
    """
    for value in learning(expand(sources), settings or Settings(), known=known):
        learned = value
    assert isinstance(learned, Learned)
    return learned


def learning(
    sources: Sequence[str | Path], settings: Settings, spread: Spread = HERE, known: Known | None = None
) -> Generator[Reading | Whole | Filtered | Epoch | Sought | Learned]:
    """Run the stages, yielding how far the log is read, the log, the filtered log, every epoch of training, the machine
    so far while it is extracted, and at last what was learned.

    The rows of the log stay where the spread has them; its distinct traces are learned from here, or of a big log an
    excerpt.
    """
    for value in gathering(sources, **settings.reading, spread=spread):
        yield value
    assert isinstance(value, Whole)
    log, what = value, of_log(value)
    if known is not None:
        known.check(log, settings)
        log, settings = known.coded(log), known.settings(settings)
    clean = filtered(log)
    if not len(clean):
        raise LogError(f"{log.files[0]}: no row is left to learn from; check its columns with 'fsmlearn info'")
    yield clean

    noise, seen = of_noise(clean), said(clean) if log.kind == "visible" else {}
    believed = clean.log
    grid = of_grid(believed)
    began = time.perf_counter()
    rng = np.random.default_rng(settings.seed)
    old = known.machine if known is not None else None
    if log.kind == "sequence":
        trained, data, found, sample = yield from _of_events(clean, settings, rng, known)
    elif len(clean) > excerpt.ENOUGH[log.kind]:
        trained, data, found, sample = yield from _of_many(clean, settings, rng, known)
    else:
        kept = spread.map(_distinct, clean.parts)
        traces, whose = together(list(spread.bring(kept)))
        answers = known.sample.answers if known is not None else ()
        data = histories(traces.log, like=traces.like, answers=answers)
        trained = yield from _trained(traces.log, data, settings, rng, known)
        yield Sought(0)
        found = yield from _of_rows(trained.model, traces, data, settings.states, old)
        sample = sampled(believed, data, traces.first)
        if found.answers is not None:
            found = replace(found, judged=misfits.judged(log, kept, [found.answers.of(own) for own in whose]))
    yield Sought(len(found.machine.states))
    if found.judged is not None:
        clean, noise = found.judged, of_noise(found.judged)
    extracted = time.perf_counter() - began - trained.seconds
    about = About(
        what,
        noise,
        TrainingSummary(
            cell=trained.name,
            activation=settings.activation,
            hidden=trained.plan.hidden,
            parameters=sum(value.size for value in trained.model.params.values()),
            rows=data.rows - len(data.like) * (log.kind == "sequence"),
            histories=data.distinct - (log.kind == "sequence"),  # the start of a trace is no row
            epochs=tuple(map(_summed, trained.epochs)),
            best=trained.best,
            interrupted=trained.interrupted,
            seconds=trained.seconds,
        ),
        ExtractionSummary(
            vectors=found.vectors,
            clusters=found.clusters,
            states=len(found.machine.states),
            misfits=found.misfits,
            seconds=extracted,
        ),
        compared_with(seen, found.machine) if seen else found.comparison,
        found.support,
        {
            "seed": settings.seed,
            "states": settings.states,
            "epochs": trained.plan.epochs,
            "batch": trained.plan.batch,
            "start_state": settings.start_state,
        },
        {
            "fsmlearn": __version__,
            "numpy": np.__version__,
            "pandas": version("pandas"),
            "python": platform.python_version(),
        },
        found.held_out,
        grid,
    )
    noisy = np.sum(clean.counts, axis=0)
    wrong = int(noisy.sum() if found.judged is None else noisy[WRONG_OUTPUT])
    normal = calibrated(found.machine, drawn(clean.log, np.random.default_rng(settings.seed)), wrong, found.broken)
    yield Learned(log, clean, trained.model, found.machine, about, sample, normal)


def _distinct(clean: Denoised) -> Distinct:
    return distinct(clean.log, clean.gap)


@dataclass(frozen=True, eq=False)
class _Trained:
    """A network, and how it was trained."""

    name: str  # of the cell
    plan: Plan
    model: Model
    epochs: Sequence[Epoch]
    best: int
    interrupted: bool
    seconds: float


def _trained(
    log: Log, data: Histories, settings: Settings, rng: np.random.Generator, known: Known | None = None
) -> Generator[Epoch, None, _Trained]:
    """Train a network on a log, given with its histories, yielding every epoch."""
    name = settings.cell or usual_cell(log.kind, settings.activation)
    cell = cell_of(name, settings.activation)
    plan = planned(data, name, settings, sequence=log.kind == "sequence")
    start = None
    if known is not None and known.model is not None:
        start = known.weights(log, data, cell.initial(data.words, plan.hidden, len(data.answers), rng))
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
    return _Trained(name, plan, model, epochs, best.index, interrupted, time.perf_counter() - began)


@dataclass(frozen=True, eq=False)
class _Found:
    """A machine, and what the log says of it."""

    machine: Machine
    vectors: int
    clusters: int
    misfits: int = 0
    broken: int = 0  # places where rows are lost or made up, as far as only the machine knows of them
    comparison: tuple[Comparison, ...] = ()
    support: tuple[Support, ...] = ()
    held_out: HeldOut = NOTHING
    answers: Answers | None = None  # by which the rows of a log that hides its states are judged
    judged: Filtered | None = None  # all of its rows


def _of_rows(
    model: Model, traces: Distinct, data: Histories, states: int | None, old: Machine | None
) -> Generator[Sought, None, _Found]:
    """The machine of a log that has triggers, with states or outputs."""
    log = traces.log
    found = yield from extract(model, log, data, traces.gap, states, old)
    missing, broken = found.standing.fit.misfits, int(found.rows.weight[found.rows.mended].sum())
    if old is not None:
        walks = Ways.of(log, data, found).walks(found.rows, found.standing.fit.states)
        found = restated(found, grow(old, found.machine, list(walks)), log, data)
    hidden = log.kind == "hidden"
    return _Found(
        found.machine,
        found.vectors,
        found.clusters,
        missing,
        broken,
        misfits.compare(log, data, found) if hidden else (),
        support(log, data, found),
        answers=misfits.answers(log, data, found) if hidden else None,
    )


def _of_many(
    clean: Filtered, settings: Settings, rng: np.random.Generator, known: Known | None
) -> Generator[Epoch | Sought, None, tuple[_Trained, Histories, _Found, Sample]]:
    """The machine of an excerpt of a log that has triggers, and what all of the log says of it.

    What the excerpt of a log that shows its states does not show is looked for in the whole, and the excerpt grows by
    it.
    """
    spread, parts, hidden = clean.source.spread, clean.parts, clean.source.kind == "hidden"
    answers = known.sample.answers if known is not None else ()
    old = known.machine if known is not None else None
    kept = spread.map(excerpt.pieces, parts)
    lots = excerpt.drawn(clean, settings.seed)
    some = excerpt.taken(spread, kept, lots, excerpt.kinds(spread, kept))
    seconds = 0.0
    for look in range(LOOKS):
        traces = some.traces
        data = histories(traces.log, like=traces.like, answers=answers)
        trained = yield from _trained(traces.log, data, settings, rng, known)
        seconds += trained.seconds
        yield Sought(0)
        found = yield from extract(trained.model, traces.log, data, traces.gap, settings.states, old)
        walker, whole = _census(spread, kept, found, data)
        found = retold(recounted(found, whole), traces.log, data)
        ways, many = doubts(walker, found.standing.fit, whole)
        if look == LOOKS - 1 or not len(ways) or trained.interrupted or settings.states is not None or hidden:
            break
        some = excerpt.taken(spread, kept, lots, partial(entering, walker, ways, many), some)
    if old is not None:
        ways_of = [Ways.of(traces.log, data, found)] * len(parts)
        walks = chain.from_iterable(spread.bring(spread.map(census.walks, [walker] * len(parts), ways_of, kept)))
        found = restated(found, grow(old, found.machine, list(walks)), traces.log, data)
        walker, whole = _census(spread, kept, found, data)
        found = recounted(found, whole)
    told = _Found(
        found.machine,
        found.vectors,
        found.clusters,
        found.standing.fit.misfits,
        whole.broken,
        support=support(traces.log, data, found, whole.votes),
    )
    if hidden:
        judge = partial(census.answers, walker, misfits.wrong(traces.log, data, found))
        judged = misfits.judged(clean.source, kept, spread.map(judge, kept))
        told = replace(told, comparison=misfits.compare(traces.log, data, found), judged=judged)
    begin = some.beginning()
    of_begin = histories(begin.traces.log, like=begin.traces.like, answers=data.answers)
    sample = sampled(clean.log, of_begin, begin.lots.number[begin.traces.first])
    return replace(trained, seconds=seconds), data, told, sample


def _census(spread: Spread, kept: list[Handle], found: Extraction, data: Histories) -> tuple[Walker, Census]:
    """A machine that was extracted from an excerpt, and what it comes to over all parts of the log."""
    walker = Walker.of(found, data.answers)
    return walker, reduce(add, filter(None, spread.bring(spread.map(census.census, [walker] * len(kept), kept))))


def _of_events(
    clean: Filtered, settings: Settings, rng: np.random.Generator, known: Known | None
) -> Generator[Epoch | Sought, None, tuple[_Trained, Histories, _Found, Sample]]:
    """The machine of a log of events alone, learned from its distinct traces or from an excerpt, with the counts of the
    whole; and what held-out traces say of one learned without them."""
    spread, parts, log = clean.source.spread, clean.parts, clean.log
    whole = spread.map(_distinct, parts)
    if sum(spread.bring(spread.map(_rows, whole))) <= excerpt.ENOUGH["sequence"]:
        traces = together(list(spread.bring(whole)))[0]
        number = np.arange(len(traces.like))
    else:
        kept = spread.map(excerpt.pieces, parts)
        some = excerpt.taken(spread, kept, excerpt.drawn(clean, settings.seed), excerpt.kinds(spread, kept))
        traces, number = some.traces, some.lots.number
    held = held_out(len(traces.like), rng)
    others = traces.of(np.flatnonzero(~held))
    corpus = Corpus.of(others)
    trained = yield from _trained(others.log, corpus.data, settings, rng, known)
    yield Sought(0)
    old = known.machine if known is not None else None
    every = Corpus.of(traces)
    found = yield from automaton(trained.model, every, settings.states, old)
    begins = np.flatnonzero(number >= 0)
    table = sequences.followable(found.table, every)
    if every.pieces.all():
        table = sequences.begun(table, every, Corpus.of(traces.of(begins)).traces)
    counts = reduce(add, spread.bring(spread.map(sequences.counted, [table] * len(parts), whole)))
    machine = sequences.machine(log.triggers, table, counts)
    if old is not None:
        machine = grow(old, machine, list(sequences.walks(machine, together(list(spread.bring(whole)))[0])))
    scores = NOTHING
    if held.any():
        scores = compared(trained.model, corpus, Corpus.of(traces.of(np.flatnonzero(held))), settings.states)
    if not held[begins].all():
        begins = begins[~held[begins]]
    begin = traces.of(begins)
    sample = sampled(log, Corpus.of(begin).data, number[begins[begin.first]])
    return trained, corpus.data, _Found(machine, len(every.data), found.fine, held_out=scores), sample


def _rows(traces: Distinct) -> int:
    return len(traces.log)


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
