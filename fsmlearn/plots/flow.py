"""What one trigger does to the network's memories, as figures: the field of their motion, and where they end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from fsmlearn.dynamics import UNSURE, Attractor, Network, Visits
from fsmlearn.machine import Machine
from fsmlearn.plane import ROUNDS, Basins, Field, Grid, Plane
from fsmlearn.plots.labels import Labels
from fsmlearn.plots.paper import INK, lighter, palette, sheet, word
from fsmlearn.plots.space import mark, titled

Bools = NDArray[np.bool_]

LEVELS = 8  # of speed
LONG = 1.15  # cells of the grid that the longest arrow takes


def vector_field(
    network: Network,
    machine: Machine,
    visited: Visits,
    on: Plane,
    over: Grid,
    found: Field,
    rests: Sequence[Attractor],
    trigger: int,
) -> Figure:
    """Arrows h -> F(h) - h over the plane, on shades of their speed in all dimensions; stars where memories rest."""
    figure = sheet(10, 7.6)
    axes = figure.subplots()
    labels = Labels(axes)
    speed = np.log10(np.maximum(found.speed, 1e-9)).reshape(over.shape)
    shades = axes.contourf(over.xs, over.ys, speed, LEVELS, cmap="Blues", alpha=0.55, zorder=0)
    axes.contour(over.xs, over.ys, speed, LEVELS, colors="white", linewidths=0.7, zorder=1)
    bar = figure.colorbar(shades, ax=axes, shrink=0.7, pad=0.01)
    bar.set_label("speed |F(h) − h| in all dimensions, powers of ten", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    cell = np.array([over.xs[1] - over.xs[0], over.ys[1] - over.ys[0]])
    size = np.hypot(*(found.motion / cell).T)
    shrunk = found.motion * (LONG / max(float(size.max()), 1e-12))
    hues = np.where(found.met, INK, "#b0a8a0")
    axes.quiver(
        *found.points.T,
        *shrunk.T,
        color=hues,
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.0018,
        pivot="tail",
        zorder=3,
    )
    points = on.project(visited.memory)
    axes.scatter(points[:, 0], points[:, 1], s=3, c=INK, alpha=0.18, linewidths=0, zorder=2, rasterized=True)
    _rests(axes, labels, machine, on, rests)
    called = word(network.sample.triggers[trigger])
    titled(axes, f"Where {called} moves the network's memory: F(h, {called}) − h", on)
    axes.set_xlim(over.xs[0], over.xs[-1])
    axes.set_ylim(over.ys[0], over.ys[-1])
    _note(figure, on, found.met, rests, called, any(each.state == UNSURE for each in rests))
    labels.place()
    return figure


def basin_map(
    network: Network,
    machine: Machine,
    visited: Visits,
    on: Plane,
    found: Basins,
    rests: Sequence[Attractor],
    trigger: int,
) -> Figure:
    """The state that each point of the plane ends in when the trigger is repeated, coloured as in the state space."""
    figure = sheet(10, 7.6)
    axes = figure.subplots()
    points = on.project(visited.memory)
    labels = Labels(axes, points)
    colours, names = _states(machine)
    over = found.over
    shades = np.array([_shade([colours[q] for q in states]) for states in found.ends])[found.which]
    shades = np.where(found.met[:, None], shades, shades * 0.35 + 0.65)
    axes.imshow(
        shades.reshape(*over.shape, 3),
        origin="lower",
        extent=_edges(over),
        aspect="auto",
        interpolation="nearest",
        zorder=0,
    )
    axes.scatter(points[:, 0], points[:, 1], s=3, c=INK, alpha=0.25, linewidths=0, zorder=2, rasterized=True)
    _rests(axes, labels, machine, on, rests, named=False)
    for i, states in enumerate(found.ends):
        text = " ⇄ ".join(names[q] for q in states[:4]) + (" …" if len(states) > 4 else "")
        labels.add(_inside(over, found.which == i), text, 10)
    called = word(network.sample.triggers[trigger])
    titled(axes, f"Where the network is after {ROUNDS} times {called}", on)
    _note(figure, on, found.met, rests, called, any(UNSURE in states for states in found.ends))
    labels.place()
    return figure


def _rests(
    axes: Axes, labels: Labels, machine: Machine, on: Plane, rests: Sequence[Attractor], named: bool = True
) -> None:
    colours, names = _states(machine)
    for each in rests:
        x, y = on.project(each.memory[None])[0].tolist()
        mark(axes, (x, y), colours[each.state], each)
        if named:
            labels.add((x, y), names[each.state], 10)
        else:
            labels.keep.append((x, y))


def _states(machine: Machine) -> tuple[list[str], list[str]]:
    """The colours and the names of the states, and at last of where no state is near: UNSURE is -1."""
    return [*palette(len(machine.states)), "#dddddd"], [*(word(state.name) for state in machine.states), "far away"]


def _shade(colours: Sequence[str]) -> list[float]:
    """The light mean of some colours."""
    parts = [[int(lighter(colour, 0.45)[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours]
    return [sum(part) / len(parts) for part in zip(*parts, strict=True)]


def _inside(over: Grid, there: Bools) -> tuple[float, float]:
    """The point of a region that is furthest from its edge, by the sides of the grid."""
    grid = np.pad(there.reshape(over.shape), 1)
    depth, left = np.zeros(grid.shape, int), grid
    while left.any():
        depth += left
        left = left & np.roll(left, 1, 0) & np.roll(left, -1, 0) & np.roll(left, 1, 1) & np.roll(left, -1, 1)
    row, column = np.unravel_index(depth.argmax(), grid.shape)
    return float(over.xs[column - 1]), float(over.ys[row - 1])


def _edges(over: Grid) -> tuple[float, float, float, float]:
    dx, dy = (over.xs[1] - over.xs[0]) / 2, (over.ys[1] - over.ys[0]) / 2
    return over.xs[0] - dx, over.xs[-1] + dx, over.ys[0] - dy, over.ys[-1] + dy


def _note(figure: Figure, on: Plane, met: Bools, rests: Sequence[Attractor], called: str, far: bool) -> None:
    """What is what, and how far what is shown lies off the plane."""
    facts = ["dots: visited memories; a point of the plane stands for the memory that is the mean in all else"]
    if rests:
        memory = np.array([each.memory for each in rests])
        off = np.linalg.norm(memory - on.lift(on.project(memory)), axis=1)
        away = f"{off.min():.1f}" + (f" to {off.max():.1f}" if len(off) > 1 else "")
        facts.append(f"stars: where visited memories come to rest under {called} again and again, {away} off the plane")
    else:
        facts.append(f"no visited memory comes to rest under {called} again and again")
    if far:
        facts.append("far away: further from all visited memories than the furthest of these is from their mean")
    if not met.all():
        facts.append(f"pale: the network takes itself to be in a state in which the log's sample never shows {called}")
    handles = [Line2D([], [], ls="") for _ in facts]
    figure.legend(
        handles, facts, loc="outside lower center", fontsize=8, frameon=False, handlelength=0, handletextpad=0
    )
