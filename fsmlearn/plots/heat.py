"""Learned against observed transitions, as a heat map: `Comparison`s -> two tables of shares side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from fsmlearn.about import Comparison
from fsmlearn.dynamics import Floats
from fsmlearn.formats import counted
from fsmlearn.plots.paper import FAINT, INK, sheet, word

ROWS = 80  # (state, trigger) pairs that are shown at most, those with the most rows
LIGHT = 0.55  # share above which the number in a cell is white


def table(comparison: Sequence[Comparison]) -> tuple[list[tuple[str, str]], list[str], Floats, Floats]:
    """((state, trigger) pairs, next states, observed shares, learned shares (pairs, next states)).

    A share is that of the rows of its pair; outputs are taken together.
    """
    pairs = list(dict.fromkeys((each.state, each.trigger) for each in comparison))
    states = dict.fromkeys(each.state for each in comparison)
    following = [*states, *dict.fromkeys(each.next_state for each in comparison if each.next_state not in states)]
    reached = {each.next_state for each in comparison}
    following = [name for name in following if name in reached]
    observed, learned = np.zeros((2, len(pairs), len(following)))
    for each in comparison:
        at = pairs.index((each.state, each.trigger)), following.index(each.next_state)
        observed[at] += each.observed
        learned[at] += each.learned
    return pairs, following, observed / np.maximum(observed.sum(1, keepdims=True), 1), learned


def transitions(comparison: Sequence[Comparison]) -> Figure:
    """The two tables side by side: what the log shows, noise and all, and what was learned from it."""
    rows: Counter[tuple[str, str]] = Counter()
    for each in comparison:
        rows[each.state, each.trigger] += each.observed
    shown = set(sorted(rows, key=lambda pair: -rows[pair])[:ROWS])
    pairs, following, observed, learned = table([each for each in comparison if (each.state, each.trigger) in shown])
    height = 1.9 + 0.21 * len(pairs) + 0.06 * max(map(len, following), default=0)
    figure = sheet(5.2 + 0.62 * len(following), height)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, title, shares in zip(panels, ("observed, noise included", "learned"), (observed, learned), strict=True):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axes.set_title(title, fontsize=11)
        axes.set_xticks(range(len(following)), [word(name) for name in following], rotation=60, ha="right", fontsize=8)
        axes.set_yticks(range(len(pairs)), [f"{word(state)} + {word(trigger)}" for state, trigger in pairs], fontsize=8)
        axes.tick_params(length=0)
        axes.spines[:].set_color(FAINT)
        for i, j in np.argwhere(shares > 0).tolist():
            colour = "white" if shares[i, j] > LIGHT else INK
            axes.text(j, i, _percent(shares[i, j]), ha="center", va="center", fontsize=7, color=colour)
        for i in range(1, len(pairs)):
            if pairs[i][0] != pairs[i - 1][0]:
                axes.axhline(i - 0.5, color=FAINT, lw=0.6)
    left = f"; {counted(len(rows) - len(shown), 'pair')} with fewer rows left out" if len(rows) > len(shown) else ""
    figure.suptitle(f"Where state and trigger lead, % of their rows{left}", fontsize=11)
    return figure


def _percent(share: float) -> str:
    """A share in three characters: never 0 or 100 unless it is."""
    return "<1" if share < 0.01 else ">99" if 0.99 < share < 1 else f"{100 * share:.0f}"
