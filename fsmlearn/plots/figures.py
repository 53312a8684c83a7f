"""A model file -> a figure of its network: the functions for other programs. What they return is matplotlib's.

Each raises what `store` raises for a file that is none, and SettingsError or UnknownNameError for what cannot be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fsmlearn import store
from fsmlearn.dynamics import Attractor, Network, Visits, attractors, resting, visits
from fsmlearn.errors import PictureError
from fsmlearn.machine import Machine
from fsmlearn.plane import Grid, Plane, basins, field, grid, plane
from fsmlearn.plots import curves, flow, heat, space
from fsmlearn.predict import check_trigger
from fsmlearn.reach import depth, reach
from fsmlearn.sampling import histories_of

ARROWS = (26, 20)  # columns and rows of a field
PIXELS = (96, 72)  # of a map of basins, and
FEWER = (48, 36)  # where the cell has gates, each step costs several times as much, and few points come to rest
TRIED = 200  # visited memories from which points of rest are looked for
CELLS = {"elman": "Elman", "gru": "GRU", "lstm": "LSTM"}

File = str | Path


@dataclass(frozen=True, eq=False)
class _Space:
    machine: Machine
    network: Network
    visited: Visits
    on: Plane


def _space(model: File, components: tuple[int, int]) -> _Space:
    machine = store.load_machine(model)
    network = Network(store.load_model(model), store.load_sample(model))
    visited = visits(network, machine)
    return _Space(machine, network, visited, plane(visited.memory, components))


def state_space(model: File, components: tuple[int, int] = (1, 2), trace: str | None = None) -> Figure:
    """Visited memories, attractors, and the way of a trace that the model keeps."""
    of = _space(model, components)
    found = attractors(of.network, of.machine, of.visited)
    return space.state_space(of.network, of.machine, of.visited, found, of.on, trace)


def vector_field(model: File, trigger: str, components: tuple[int, int] = (1, 2)) -> Figure:
    """Where one trigger moves the network's memory."""
    of = _space(model, components)
    number, rests = _under(of, trigger)
    over = _over(of, ARROWS)
    return flow.vector_field(
        of.network, of.machine, of.visited, of.on, over, field(of.network, of.on, over, number), rests, number
    )


def basin_map(model: File, trigger: str, components: tuple[int, int] = (1, 2)) -> Figure:
    """Which state the network's memory ends in when one trigger is repeated."""
    of = _space(model, components)
    number, rests = _under(of, trigger)
    over = _over(of, FEWER if of.network.cell.gates else PIXELS)
    found = basins(of.network, of.visited, of.on, over, number)
    return flow.basin_map(of.network, of.machine, of.visited, of.on, found, rests, number)


def learning(model: File) -> Figure:
    """The course of training."""
    training = store.load_about(model).training
    if not training.epochs:
        raise PictureError(f"{model}: has no epochs of training to show; train it again with `fsmlearn train LOG`")
    return curves.learning(training)


def gradients(models: Sequence[File], trigger: str | None = None) -> Figure:
    """How far back the gradient reaches in one or several networks, in rows with one trigger or in all."""
    found = {}
    asked = []
    for model in models:
        if trigger is not None:
            check_trigger(store.load_machine(model), trigger)
        sample, trained = store.load_sample(model), store.load_model(model)
        network = Network(trained, sample)
        if not sample.traces:
            raise PictureError(f"{model}: keeps no rows of its log; train it again with `fsmlearn train LOG`")
        data, rows = histories_of(sample), None
        if trigger is not None:
            number = sample.triggers.index(trigger) + (len(sample.states) if sample.kind == "visible" else 0)
            rows = np.flatnonzero(data.inputs[:, -1] == number)
        asked.append((model, data, network, rows))
    lags = max(1, min(depth(data, rows) for _, data, _, rows in asked))
    for model, data, network, rows in asked:
        name = f"{CELLS[store.load_about(model).training.cell]}, {Path(model).name}"
        found[name] = reach(data, network.cell, network.params, lags, rows)
    return curves.gradients(found)


def transitions(model: File) -> Figure:
    """Learned against observed shares."""
    comparison = store.load_about(model).comparison
    if not comparison:
        raise PictureError(
            f"{model}: there is nothing to compare, for a log of events is taken at its word; "
            "`fsmlearn extract-table` prints the shares"
        )
    return heat.transitions(comparison, store.load_machine(model))


def _under(of: _Space, trigger: str) -> tuple[int, list[Attractor]]:
    """The number of a trigger, and where visited memories come to rest under it."""
    check_trigger(of.machine, trigger)
    number = of.machine.triggers.index(trigger)
    return number, resting(of.network, of.visited, [number], np.arange(len(of.visited.state)), TRIED)


def _over(of: _Space, size: tuple[int, int]) -> Grid:
    return grid(of.on.project(of.visited.memory), *size)
