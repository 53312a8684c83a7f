"""The space of the network's memories as a figure: those visited, the attractors, and the way of a trace."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from fsmlearn.dynamics import UNSURE, Attractor, Floats, Network, Visits
from fsmlearn.errors import SettingsError
from fsmlearn.formats import counted, percent
from fsmlearn.machine import Machine
from fsmlearn.plane import Plane
from fsmlearn.plots.labels import Labels
from fsmlearn.plots.paper import FAINT, INK, palette, sheet, word

CALLED = {1: "hidden vectors", 2: "hidden and cell vectors"}  # what a memory is, by the number of its vectors
GIVEN = 6  # traces that are named where one is not there


def state_space(
    network: Network,
    machine: Machine,
    visited: Visits,
    found: Mapping[int, Attractor],
    on: Plane,
    trace: str | None = None,
) -> Figure:
    """Visited memories coloured by state, and the attractor of each state, or where it has none the mean of its
    memories. `trace` is the name of one in the sample, whose way is drawn from attractor to attractor. Raises
    SettingsError where there is no such trace."""
    figure = sheet(10, 7.6)
    axes = figure.subplots()
    points = on.project(visited.memory)
    colours = palette(len(machine.states))
    cloud(axes, visited, points, colours, 0.45 if trace is None else 0.16)
    places = _places(visited, found, on, points)
    labels = Labels(axes, points)
    for q, (x, y) in places.items():
        mark(axes, (x, y), colours[q], found.get(q))
    if trace is not None:
        _way(axes, labels, network, visited, places, trace)
    for q, place in places.items():
        labels.add(place, word(machine.states[q].name), 9.5)
    sizes = f"{CALLED[network.cell.vectors]} of {counted(len(network.sample.traces), 'trace')}"
    titled(axes, f"State space: {sizes}, by state", on)
    _legend(figure, found, places, bool((visited.state == UNSURE).any()))
    labels.place()
    return figure


def cloud(axes: Axes, visited: Visits, points: Floats, colours: list[str], alpha: float) -> None:
    """The visited memories; grey where the rows leave the state open."""
    hues = np.array([*colours, FAINT])[visited.state]  # UNSURE, -1, is the last
    axes.scatter(points[:, 0], points[:, 1], s=10, c=hues, alpha=alpha, linewidths=0, zorder=2, rasterized=True)


def mark(axes: Axes, place: tuple[float, float], colour: str, attractor: Attractor | None) -> None:
    """A filled star for what one trigger keeps, an empty one for a point of a longer cycle, a ring where neither is."""
    if attractor is None:
        axes.scatter(*place, s=60, facecolors="white", edgecolors=colour, linewidths=1.6, zorder=6)
        return
    alone = len(attractor.word) == 1
    face, edge, width = (colour, INK, 0.8) if alone else ("white", colour, 1.4)
    axes.scatter(*place, s=190, marker="*", c=face, edgecolors=edge, linewidths=width, zorder=7)


def titled(axes: Axes, title: str, on: Plane) -> None:
    """A title that says how much of the visited memories' variance is in the picture, and axes that say it each."""
    axes.set_title(f"{title}\nthe plane holds {percent(sum(on.shares))} of their variance", fontsize=11)
    for axis, number, share in zip((axes.xaxis, axes.yaxis), on.numbers, on.shares, strict=True):
        axis.set_label_text(f"principal component {number} ({percent(share)} of the variance)")
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _places(
    visited: Visits, found: Mapping[int, Attractor], on: Plane, points: Floats
) -> dict[int, tuple[float, float]]:
    """Where each state that was visited stands in the plane."""
    places = {}
    for q in np.unique(visited.state[visited.state != UNSURE]).tolist():
        spot = on.project(found[q].memory[None])[0] if q in found else points[visited.state == q].mean(0)
        places[q] = (float(spot[0]), float(spot[1]))
    return places


def _way(
    axes: Axes, labels: Labels, network: Network, visited: Visits, places: Mapping[int, tuple[float, float]], name: str
) -> None:
    """Arrows along a trace. Steps of it that lead the same way are one arrow, called by their numbers."""
    names = [trace.name for trace in network.sample.traces]
    if name not in names:
        some = ", ".join(names[:GIVEN]) + (", ..." if len(names) > GIVEN else "")
        raise SettingsError(f"--trace: the model keeps no trace {name!r}; it keeps {some}")
    index = names.index(name)
    trace = network.sample.traces[index]
    states = visited.state[visited.of(index)].tolist()
    steps: dict[tuple[int, int], dict[str, list[int]]] = {}
    for number, (start, end, trigger) in enumerate(zip(states, states[1:], trace.trigger, strict=False), 1):
        if start in places and end in places:
            text = network.sample.triggers[trigger]
            steps.setdefault((start, end), {}).setdefault(text, []).append(number)
    for (start, end), words in steps.items():
        text = "\n".join(f"{_numbers(numbers)} {word(trigger)}" for trigger, numbers in words.items())
        if start == end:
            labels.add(places[start], f"↻ {text}", 8)
            continue
        arrow = FancyArrowPatch(
            places[start],
            places[end],
            connectionstyle="arc3,rad=0.12",
            arrowstyle="-|>",
            mutation_scale=13,
            shrinkA=8,
            shrinkB=9,
            color=INK,
            lw=1.3,
            alpha=0.85,
            zorder=4,
        )
        axes.add_patch(arrow)
        labels.add(_middle(axes, places[start], places[end]), text, 8)


def _middle(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """The middle of an arc between two places, which bends on the paper, not in the data."""
    (x0, y0), (x1, y1) = axes.transData.transform([start, end])
    x, y = axes.transData.inverted().transform(((x0 + x1) / 2 + 0.06 * (y1 - y0), (y0 + y1) / 2 - 0.06 * (x1 - x0)))
    return float(x), float(y)


def _numbers(numbers: list[int]) -> str:
    """1, 4, 7 …"""
    return ", ".join(map(str, numbers[:4])) + (" …" if len(numbers) > 4 else "")


def _legend(figure: Figure, found: Mapping[int, Attractor], places: Mapping[int, object], unsure: bool) -> None:
    def entry(marker: str, face: str, edge: str, size: float) -> Line2D:
        return Line2D([], [], ls="", marker=marker, markerfacecolor=face, markeredgecolor=edge, markersize=size)

    entries = [(entry("o", "#4a7ab0", "none", 4), "visited, coloured by state")]
    if unsure:
        entries.append((entry("o", FAINT, "none", 4), "visited, state not sure"))
    if any(len(each.word) == 1 for each in found.values()):
        entries.append((entry("*", "#4a7ab0", INK, 12), "attractor under a trigger that keeps the state"))
    if any(len(each.word) > 1 for each in found.values()):
        entries.append((entry("*", "white", "#4a7ab0", 12), "attractor under triggers that lead back"))
    if places.keys() - found.keys():
        entries.append((entry("o", "white", "#4a7ab0", 7), "mean of a state without an attractor"))
    handles, texts = zip(*entries, strict=True)
    figure.legend(handles, texts, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
