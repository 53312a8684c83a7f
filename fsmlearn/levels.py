"""A number that varies -> the levels that it rests on: where to cut it, found from the values alone.

The values' density is drawn as the histogram with the shortest description, whose bins are as wide as the data ask for
and as many as they bear out. Its modes are the levels; a cut lies where the density between two modes is least. So a
level may be as noisy as it likes, and what is passed on the way from one to the other (a ramp) makes none. Knows
neither logs nor variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VALUES = 20_000  # looked at; of more, so many quantiles
EDGES = 200  # of bins, that are weighed
GAPS = 32  # the widest, whose ends are weighed besides
WIDE = 4  # times the gaps beside it is a wide gap between values
SAME = 1e-6  # of the spread of the values is a difference that is none
VALLEY = 0.75  # of the lower of two modes is the most that the density between them may be
LEAST = 8  # values of a level, and
SHARE = 0.002  # of all values
SLOW = 0.7  # correlation of a value with that of the row before, from which on it is said to change slowly
NEAR = 0.75  # of the way from a cut to a level is where a value is on that level for certain


@dataclass(frozen=True, slots=True)
class Cut:
    """Where one level ends and the next begins. A value between `low` and `high` is on neither of them for certain."""

    at: float
    low: float
    high: float


def cuts(values: Floats) -> tuple[Cut, ...]:
    """The cuts between the levels of values (N,), ascending; none where they rest on one level, or nowhere."""
    ordered = np.sort(values[np.isfinite(values)])
    if len(ordered) > VALUES:
        ordered = ordered[np.linspace(0, len(ordered) - 1, VALUES).astype(np.int64)]
    if not len(ordered) or ordered[0] == ordered[-1]:
        return ()
    low, high = np.quantile(ordered, [0.01, 0.99])
    grid = SAME * float(high - low if high > low else ordered[-1] - ordered[0])
    ordered = np.round(ordered / grid) * grid  # what was computed in two ways may differ in the last digits
    edges, counts = histogram(ordered)
    density = counts / np.diff(edges)
    modes = _modes(density, counts)
    return tuple(_between(one, other, density, edges) for one, other in pairwise(modes))


def holding(values: Floats, cuts: Sequence[Cut], begins: Ints) -> tuple[Cut, ...]:
    """The cuts as `levels` shall apply them to values (N,), with traces that begin on the rows `begins`.

    Only where the value changes slowly from row to row may one between two levels be on neither for certain; there,
    noise about a cut does not count as going to and fro.
    """
    if any(cut.low < cut.high for cut in cuts) and _follows(values, begins) <= SLOW:
        return tuple(Cut(cut.at, cut.at, cut.at) for cut in cuts)
    return tuple(cuts)


def levels(values: Floats, cuts: Sequence[Cut], begins: Ints) -> NDArray[Any]:
    """(N,) the level 0, 1, … of each value; traces begin on the rows `begins`, before which nothing came.

    A value that is on neither of two levels for certain stays on the one that it came from.
    """
    found = np.zeros(len(values), np.int64)
    rows = np.arange(len(values))
    for cut in cuts:
        sure = (values < cut.low) | (values >= cut.high)
        sure[begins] = True
        latest = np.maximum.accumulate(np.where(sure, rows, 0))
        found += values[latest] >= cut.at
    return found


def _follows(values: Floats, begins: Ints) -> float:
    """How much of a value the one of the row before tells: their correlation, wild values set aside."""
    calm = np.clip(values, *np.nanquantile(values, [0.01, 0.99]))
    inside = ~np.isnan(calm)
    inside[1:] &= inside[:-1]
    inside[begins] = False
    at = np.flatnonzero(inside)
    spread = 2 * float(np.nanvar(calm))
    return 1 - float(np.mean((calm[at] - calm[at - 1]) ** 2)) / spread if len(at) and spread else 0.0


def histogram(ordered: Floats) -> tuple[Floats, Ints]:
    """The histogram of ascending values (N,) with the shortest description: (edges of its bins (K + 1,), counts (K,)).

    A value costs -log of its density, a bin the place of its edge and, as usual, half a log N for its height
    (Rissanen, 1978). The best of all histograms whose edges are among some hundreds is found by dynamic programming.
    """
    size = len(ordered)
    edges = _edges(ordered)
    below = np.searchsorted(ordered, edges)  # (E,) values below each edge
    bin_cost = 0.5 * np.log(size) + np.log(len(edges))
    best, come = np.zeros(len(edges)), np.zeros(len(edges), np.int64)
    for end in range(1, len(edges)):
        count = below[end] - below[:end]
        width = edges[end] - edges[:end]
        with np.errstate(divide="ignore", invalid="ignore"):
            cost = np.where(count > 0, -count * np.log(count / width), 0.0)
        total = best[:end] + cost + bin_cost
        come[end] = np.argmin(total)
        best[end] = total[come[end]]
    chosen = [len(edges) - 1]
    while chosen[-1]:
        chosen.append(int(come[chosen[-1]]))
    kept = chosen[::-1]
    return edges[kept], np.diff(below[kept])


def _edges(ordered: Floats) -> Floats:
    """Where bins may end: half way between neighbouring values, and on both sides of a gap that is wide for its place.

    Of many places those count that have as many values between them, and the widest gaps.
    """
    distinct = np.unique(ordered)
    gaps = np.diff(distinct)
    grain = float(np.quantile(gaps, 0.1))
    after = np.arange(len(gaps))
    if len(gaps) > EDGES:
        even = np.searchsorted(distinct, ordered[np.linspace(0, len(ordered) - 1, EDGES).astype(np.int64)])
        widest = np.argpartition(gaps, -GAPS)[-GAPS:]
        after = np.unique(np.append(np.minimum(even, len(gaps) - 1), widest))
    around = np.pad(gaps, 1, constant_values=grain)
    usual = np.maximum(grain, np.maximum(around[after], around[after + 2]))
    half = np.minimum(gaps[after], np.where(gaps[after] > WIDE * usual, usual, np.inf)) / 2
    inner = np.concatenate([distinct[after] + half, distinct[after + 1] - half])
    outer = distinct[0] - grain / 2, distinct[-1] + grain / 2
    return np.unique(np.concatenate([outer, inner]))


def _modes(density: Floats, counts: Ints) -> list[int]:
    """The bins on which levels peak, ascending: one for each hill that deep valleys set apart from others."""
    rises = np.append(0.0, density) < np.append(density, 0.0)  # into a bin
    peaks = [k for k in range(len(density)) if rises[k] and not rises[k + 1]]
    while len(peaks) > 1:
        hills = [min(density[one], density[other]) for one, other in pairwise(peaks)]
        valleys = [one + int(np.argmin(density[one:other])) for one, other in pairwise(peaks)]
        depths = density[valleys] / hills
        shallow = int(np.argmax(depths))
        if depths[shallow] > VALLEY:
            drop = shallow + int(density[peaks[shallow]] >= density[peaks[shallow + 1]])
        else:
            masses = np.add.reduceat(counts, [0, *valleys])
            drop = int(np.argmin(masses))
            if masses[drop] >= max(LEAST, SHARE * counts.sum()):
                break
        del peaks[drop]
    return peaks


def _between(one: int, other: int, density: Floats, edges: Floats) -> Cut:
    """The cut between the levels that peak in two bins: the middle of the widest of the emptiest bins between them."""
    inner = np.arange(one + 1, other)
    if not len(inner):
        at = float(edges[other])
    else:
        emptiest = inner[density[inner] == density[inner].min()]
        widest = emptiest[np.argmax(np.diff(edges)[emptiest])]
        at = float((edges[widest] + edges[widest + 1]) / 2)
    room = NEAR * min(at - float(edges[one + 1]), float(edges[other]) - at)
    return Cut(at, at - room, at + room)
