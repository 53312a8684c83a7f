"""Words beside points, none on another: each is put near its point where there is room, with a thin line to it.

Greedy: the words are placed in the order in which they are given, each in the free place that costs least. What is
covered of the cloud of points counts against a place, but does not rule it out. All lengths are in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation
from numpy.typing import NDArray

from fsmlearn.plots.paper import INK, speechless

Box = tuple[float, float, float, float]  # left, bottom, right, top
Point = tuple[float, float]
Points = NDArray[np.floating[Any]]  # (n, 2)

RADII = (7, 13, 17, 23, 31, 41, 53, 69, 91, 119, 157, 207, 280)  # points of type from the edge of a word to its place
ANGLES = 16
CLOUD, CROSSED, COVERED, OVERLAP, OUTSIDE = 0.5, 3e3, 2e3, 1e4, 1e3  # what a place costs, in points of distance


@dataclass
class Labels:
    """Words that are waiting for their places."""

    axes: Axes
    cloud: Points = field(default_factory=lambda: np.zeros((0, 2)))  # of the data, that had better stay in sight
    keep: list[Point] = field(default_factory=list)  # of the data, that no word may cover
    _waiting: list[tuple[Point, str, float]] = field(default_factory=list)

    def add(self, place: Point, text: str, size: float = 9) -> None:
        """A word for a place of the data."""
        self._waiting.append((place, text, size))
        self.keep.append(place)

    def place(self) -> None:
        """Put all words on the axes; nothing else may change there afterwards."""
        canvas = self.axes.figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        with speechless():
            canvas.draw()  # type: ignore[no-untyped-call]  # settles where the axes are
            to_pixels = self.axes.transData.transform
            map_ = _Map(
                scale=self.axes.figure.dpi / 72,
                frame=self.axes.get_window_extent().extents,
                cloud=to_pixels(self.cloud) if len(self.cloud) else np.zeros((0, 2)),
                keep=to_pixels(np.array(self.keep)) if self.keep else np.zeros((0, 2)),
            )
            for place, text, size in self._waiting:
                shown = self.axes.annotate(text, place, (0, 0), textcoords="offset points", ha="center", va="center")
                shown.set(fontsize=size, color=INK, zorder=9, annotation_clip=False)
                extent = shown.get_window_extent(canvas.get_renderer())  # type: ignore[no-untyped-call]
                x, y = (float(each) for each in to_pixels(place))
                self._put(shown, (x, y), map_.settle((x, y), extent.width, extent.height), map_.scale)
        self._waiting.clear()

    def _put(self, shown: Annotation, place: Point, middle: Point, scale: float) -> None:
        """A word where it belongs, and where that is not close by a line to its place."""
        shown.xyann = ((middle[0] - place[0]) / scale, (middle[1] - place[1]) / scale)
        shown.set_bbox({"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.8})
        (x0, y0), (x1, y1) = self.axes.transData.inverted().transform([place, middle])
        self.axes.plot([x0, x1], [y0, y1], color=INK, lw=0.6, alpha=0.7, zorder=5, scalex=False, scaley=False)


@dataclass
class _Map:
    """What is where on the paper."""

    scale: float  # pixels of a point of type
    frame: Box
    cloud: Points
    keep: Points
    taken: list[Box] = field(default_factory=list)
    lines: list[tuple[Point, Point]] = field(default_factory=list)

    def settle(self, place: Point, width: float, height: float) -> Point:
        """The middle of a word of this size for a place, which is taken from now on."""
        half = width / 2 + 2 * self.scale, height / 2 + 2 * self.scale
        best, least = place, math.inf
        for radius in RADII:
            reach = radius * self.scale
            if least <= (half[1] + reach) / self.scale:  # nothing further out can cost less
                break
            for k in range(ANGLES):
                angle = 2 * math.pi * k / ANGLES
                middle = (
                    place[0] + math.cos(angle) * (half[0] + reach),
                    place[1] + math.sin(angle) * (half[1] + reach),
                )
                cost = self._cost(place, middle, half)
                if cost < least:
                    best, least = middle, cost
        self.taken.append(_box(best, half))
        self.lines.append((place, best))
        return best

    def _cost(self, place: Point, middle: Point, half: Point) -> float:
        box, frame = _box(middle, half), self.frame
        outside = max(frame[0] - box[0], frame[1] - box[1], box[2] - frame[2], box[3] - frame[3], 0.0)
        cost = (math.dist(middle, place) + OUTSIDE * outside) / self.scale
        cost += OVERLAP * sum(_overlap(box, other) for other in self.taken)
        cost += CROSSED * sum(_crosses((place, middle), other) for other in self.taken)
        cost += CROSSED * sum(_crosses(line, box) for line in self.lines)
        return cost + COVERED * _inside(self.keep, box, 5 * self.scale) + CLOUD * _inside(self.cloud, box, 0)


def _box(middle: Point, half: Point) -> Box:
    return middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1]


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _crosses(line: tuple[Point, Point], box: Box) -> bool:
    """Whether a line passes through a box, looked at in a dozen places."""
    (x0, y0), (x1, y1) = line
    if max(x0, x1) < box[0] or min(x0, x1) > box[2] or max(y0, y1) < box[1] or min(y0, y1) > box[3]:
        return False
    places = ((x0 + (x1 - x0) * k / 12, y0 + (y1 - y0) * k / 12) for k in range(13))
    return any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in places)


def _inside(points: Points, box: Box, room: float) -> int:
    x, y = points.T
    return int(np.count_nonzero((x > box[0] - room) & (x < box[2] + room) & (y > box[1] - room) & (y < box[3] + room)))
