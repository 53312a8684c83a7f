"""A model file -> pictures of its network, as SVG that is data of the page itself, where matplotlib is installed."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from fsmlearn.errors import FsmlearnError
from fsmlearn.formats import printable
from fsmlearn.machine import Machine
from fsmlearn.plots import figures, paper

BASINS = 2  # triggers whose basins are shown, the most frequent ones


def pictures(model: str | Path, machine: Machine) -> list[dict[str, str]]:
    """Titles and sources of what can be shown of the network; what cannot be is left out. Raises ModelError where the
    file is damaged."""
    rows = Counter[str]()
    for t in machine.transitions:
        rows[t.trigger] += t.count
    wanted: dict[str, Callable[[], Figure]] = {
        "The memories that the log led the network to, and their attractors": partial(figures.state_space, model),
        **{
            f"Where the network's memory ends when {printable(trigger)} is repeated": partial(
                figures.basin_map, model, trigger
            )
            for trigger, _ in rows.most_common(BASINS)
        },
        "How far back the gradient of a row reaches": partial(figures.gradients, [model]),
    }
    found = []
    for title, figure in wanted.items():
        try:
            picture = paper.saved(figure(), "svg")
        except FsmlearnError:
            continue  # the model keeps no rows, or a memory has a single number
        found.append({"title": title, "src": f"data:image/svg+xml;base64,{b64encode(picture).decode()}"})
    return found
