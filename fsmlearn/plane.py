"""The plane of two principal components of the visited memories, and what the network's map does on it.

Nothing here is a motion of the plane. A point of it is lifted into the space of all memories by the mean of the visited
ones, moved there by the network, and what is shown is the shadow of that motion. How much of the memories' variance the
plane holds stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsmlearn.dynamics import Floats, Ints, Network, Visits, nearest
from fsmlearn.errors import SettingsError

ROUNDS = 100  # repetitions after which a basin is told
LATEST = 12  # of them, whose states name it
MARGIN = 0.08  # of the picture around the visited memories


@dataclass(frozen=True, eq=False)
class Plane:
    """Two directions in the space of memories."""

    mean: Floats  # (M,)
    axes: Floats  # (2, M), orthonormal
    shares: tuple[float, float]  # of the variance of the visited memories
    numbers: tuple[int, int]  # of the components, the first being 1

    def project(self, memory: Floats) -> Floats:
        """The points (n, 2) on which memories (n, M) cast their shadow."""
        points: Floats = (memory - self.mean) @ self.axes.T
        return points

    def lift(self, points: Floats) -> Floats:
        """The memories (n, M) of points (n, 2): all other components are those of the mean."""
        memory: Floats = self.mean + points @ self.axes
        return memory


def plane(memory: Floats, numbers: tuple[int, int] = (1, 2)) -> Plane:
    """The plane of two principal components (Pearson 1901) of memories (P, M). Raises SettingsError where there are not
    so many. The largest entry of a direction is positive, so that pictures do not turn over."""
    mean = memory.mean(0)
    _, lengths, directions = np.linalg.svd(memory - mean, full_matrices=False)
    most = int(np.count_nonzero(lengths > 1e-9 * max(lengths.max(initial=0.0), 1e-12)))
    if not all(1 <= number <= most for number in numbers) or numbers[0] == numbers[1]:
        raise SettingsError(f"--components: give two different numbers from 1 to {most}, such as 1,2")
    chosen = [number - 1 for number in numbers]
    axes = directions[chosen]
    axes *= np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])[:, None]
    share = lengths**2 / (lengths**2).sum()
    return Plane(mean, axes, (float(share[chosen[0]]), float(share[chosen[1]])), numbers)


@dataclass(frozen=True, eq=False)
class Grid:
    """Points of a plane, row by row: ys (R,) from below, xs (C,) from the left."""

    xs: Floats
    ys: Floats

    @property
    def points(self) -> Floats:
        """(R * C, 2)"""
        x, y = np.meshgrid(self.xs, self.ys)
        return np.column_stack([x.ravel(), y.ravel()])

    @property
    def shape(self) -> tuple[int, int]:
        """(R, C)"""
        return len(self.ys), len(self.xs)


def grid(points: Floats, columns: int, rows: int) -> Grid:
    """A grid over points (n, 2) and a little more."""
    low, high = points.min(0), points.max(0)
    room = np.maximum((high - low) * MARGIN, 1e-3)
    low, high = low - room, high + room
    return Grid(np.linspace(low[0], high[0], columns), np.linspace(low[1], high[1], rows))


@dataclass(frozen=True, eq=False)
class Field:
    """What one trigger does at the points (n, 2) of a grid."""

    points: Floats  # (n, 2)
    motion: Floats  # (n, 2) shadow of F(h) - h
    speed: Floats  # (n,) |F(h) - h|, in the space of all memories
    met: NDArray[np.bool_]  # (n,) whether the log shows the trigger in the visible state that the network is in


def field(network: Network, on: Plane, over: Grid, trigger: int) -> Field:
    """Where the network moves lifted points of the plane in one step."""
    points = over.points
    memory = on.lift(points)
    shown = network.told(memory)
    after, _ = network.move(memory, shown, trigger)
    step = after - memory
    return Field(points, step @ on.axes.T, np.linalg.norm(step, axis=1), _met(network, shown, trigger))


@dataclass(frozen=True, eq=False)
class Basins:
    """Where points end up when a trigger is repeated."""

    over: Grid
    which: Ints  # (R * C,) index into ends
    ends: tuple[tuple[int, ...], ...]  # the states of the machine that a point goes round in, most often one alone;
    # UNSURE among them where it is far from all that was visited
    still: NDArray[np.bool_]  # (R * C,) it rests; elsewhere it goes round, or creeps on
    met: NDArray[np.bool_]  # (R * C,) as in `Field`


def basins(network: Network, visited: Visits, on: Plane, over: Grid, trigger: int) -> Basins:
    """Lift the points of a grid, repeat the trigger ROUNDS times, and name the states of the LATEST of them.

    A memory is in the state of the visited memory that lies nearest to it, if any is near.
    """
    memory = on.lift(over.points)
    shown = network.told(memory)
    met = _met(network, shown, trigger)
    moving = np.arange(len(memory))
    late = []
    for round_number in range(ROUNDS):
        moving = network.lead(memory, shown, moving, [trigger])
        if not len(moving):
            break
        if round_number >= ROUNDS - LATEST:
            late.append((moving, nearest(visited, memory[moving])))
    state = nearest(visited, memory)
    sets = [{q} for q in state.tolist()]
    for where, states in late:
        for i, q in zip(where.tolist(), states.tolist(), strict=True):
            sets[i].add(q)
    named = [tuple(sorted(each)) for each in sets]
    ends = tuple(sorted(set(named), key=lambda each: (len(each), each)))
    number = {each: i for i, each in enumerate(ends)}
    rests = np.ones(len(memory), np.bool_)
    rests[moving] = False
    return Basins(over, np.array([number[each] for each in named]), ends, rests, met)


def _met(network: Network, shown: Ints, trigger: int) -> NDArray[np.bool_]:
    """Which visible states (n,) the sample of the log shows with a trigger; all where the log hides them."""
    if network.sample.kind != "visible":
        return np.ones(len(shown), np.bool_)
    pairs = {
        state
        for trace in network.sample.traces
        for state, word in zip(trace.state, trace.trigger, strict=True)
        if word == trigger
    }
    return np.isin(shown, list(pairs))
