"""What the figures have in common: their paper, their colours, and the way to a file.

Figures are matplotlib's, made without its global state. Words of a log are shown as they are: a dollar would otherwise
begin a formula.
"""

from __future__ import annotations

import colorsys
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fsmlearn.formats import printable

INK, FAINT = "#222222", "#999999"
LONGEST = 28  # characters of a word that are shown
TURN = 0.61803398875  # of the circle of hues from one colour to the next: any few of them lie far apart


def sheet(width: float, height: float) -> Figure:
    """An empty figure of so many inches, which can measure its texts."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def word(text: str) -> str:
    """A word of the log as matplotlib shows it as it is, cut where it is long."""
    text = printable(text)
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return text.replace("$", r"\$")


def palette(size: int) -> list[str]:
    """Colours for so many states."""
    return [_hex(colorsys.hls_to_rgb((0.58 + i * TURN) % 1, (0.5, 0.38, 0.62)[i % 3], 0.65)) for i in range(size)]


def lighter(colour: str, by: float) -> str:
    """A colour on its way to white."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return _hex([part + (1 - part) * by for part in parts])


@contextmanager
def speechless() -> Iterator[None]:
    """A letter that no font here has is drawn as a box, which speaks for itself: no warnings of it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def saved(figure: Figure, format: str) -> bytes:
    """The figure as a file: svg, png or pdf. The same figure gives the same bytes."""
    page = io.BytesIO()
    with speechless(), rc_context({"svg.hashsalt": "fsmlearn", "svg.fonttype": "none"}):
        dates: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[format]
        figure.savefig(page, format=format, dpi=110, metadata=dates)
    return page.getvalue()


def _hex(parts: Sequence[float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
