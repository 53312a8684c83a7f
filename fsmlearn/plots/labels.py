"""Words beside points, none on another: each is put near its point where there is room, with a thin line to it.

Greedy: the words are placed in the order in which they are given, the nearest free place first. What is covered of the
cloud of points counts against a place, but does not rule it out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from numpy.typing import NDArray

Box = tuple[float, float, float, float]  # left, bottom, right, top, in pixels
Point = tuple[float, float]

RADII = (
    0.0,
    6.0,
    10.0,
    16.0,
    24.0,
    34.0,
    46.0,
    62.0,
    84.0,
    112.0,
    150.0,
    200.0,
)  # from the edge of a word to its point
ANGLES = 16


@dataclass
class Labels:
    """Words that are waiting for their places."""

    axes: Axes
    cloud: NDArray[np.floating] | None = None  # (n, 2) points, of the data, that had better stay in sight
    keep: list[Point] = field(default_factory=list)  # points, of the data, that no word may cover
    _waiting: list[tuple[Point, str, str, float]] = field(default_factory=list)

    def add(self, point: Point, text: str, colour: str = "#222222", size: float = 9) -> None:
        """A word for a point of the data."""
        self._waiting.append((point, text, colour, size))
        self.keep.append(point)

    def place(self) -> None:
        """Put all words on the axes; nothing else may change there afterwards."""
        figure = self.axes.figure
        canvas = figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        canvas.draw()  # type: ignore[no-untyped-call]  # settles where the axes are
        renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
        to_pixels = self.axes.transData.transform
        cloud = to_pixels(self.cloud) if self.cloud is not None and len(self.cloud) else np.zeros((0, 2))
        keep = to_pixels(np.array(self.keep)) if self.keep else np.zeros((0, 2))
        frame: Box = self.axes.get_window_extent().extents
        scale = figure.dpi / 72
        taken: list[Box] = []
        leaders: list[tuple[Point, Point]] = []
        for point, text, colour, size in self._waiting:
            shown = self.axes.annotate(
                text,
                point,
                (0, 0),
                textcoords="offset points",
                ha="center",
                va="center",
                fontsize=size,
                color=colour,
                zorder=9,
                annotation_clip=False,
            )
            extent = shown.get_window_extent(renderer)
            half = (extent.width / 2 + 2 * scale, extent.height / 2 + 2 * scale)
            x, y = (float(each) for each in to_pixels(point))
            best = min(
                self._places((x, y), half, scale),
                key=lambda spot: _cost(spot, half, (x, y), scale, frame, taken, leaders, cloud, keep),
            )
            shown.xyann = ((best[0] - x) / scale, (best[1] - y) / scale)
            taken.append((best[0] - half[0], best[1] - half[1], best[0] + half[0], best[1] + half[1]))
            leaders.append(((x, y), best))
            if math.dist(best, (x, y)) > max(half[1], 6 * scale) * 1.6:
                line = self.axes.transData.inverted().transform([(x, y), best])
                self.axes.plot(
                    line[:, 0], line[:, 1], color=colour, lw=0.6, alpha=0.7, zorder=5, scalex=False, scaley=False
                )
            shown.set_bbox({"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.8})
        self._waiting.clear()

    def _places(self, point: Point, half: Point, scale: float) -> Iterator[Point]:
        """Middles of the word, round its point, ever further away."""
        for radius in RADII:
            for k in range(ANGLES):
                angle = 2 * math.pi * k / ANGLES
                across, up = math.cos(angle), math.sin(angle)
                reach = radius * scale + 7 * scale
                yield point[0] + across * (half[0] + reach), point[1] + up * (half[1] + reach)


def _cost(
    spot: Point,
    half: Point,
    point: Point,
    scale: float,
    frame: Box,
    taken: Sequence[Box],
    leaders: Sequence[tuple[Point, Point]],
    cloud: NDArray[np.floating],
    keep: NDArray[np.floating],
) -> float:
    box = (spot[0] - half[0], spot[1] - half[1], spot[0] + half[0], spot[1] + half[1])
    outside = max(frame[0] - box[0], frame[1] - box[1], box[2] - frame[2], box[3] - frame[3], 0.0)
    cost = math.dist(spot, point) / scale + 1e3 * outside / scale
    cost += 1e4 * sum(_overlap(box, other) for other in taken)
    cost += 3e3 * sum(_crosses((point, spot), other) for other in taken)
    cost += 3e3 * sum(_crosses(leader, box) for leader in leaders)
    cost += 2e3 * _inside(keep, box, 5 * scale) + 0.5 * _inside(cloud, box, 0)
    return cost


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _crosses(line: tuple[Point, Point], box: Box) -> bool:
    """Whether a line passes through a box, looked at in twelve places."""
    (x0, y0), (x1, y1) = line
    places = ((x0 + (x1 - x0) * k / 12, y0 + (y1 - y0) * k / 12) for k in range(13))
    return any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in places)


def _inside(points: NDArray[np.floating], box: Box, room: float) -> int:
    x, y = points.T
    return int(np.count_nonzero((x > box[0] - room) & (x < box[2] + room) & (y > box[1] - room) & (y < box[3] + room)))
