"""Learned against observed transitions, as a heat map: `Comparison`s -> two tables of shares side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from fsmlearn.about import Comparison
from fsmlearn.dynamics import Floats, Ints
from fsmlearn.formats import counted
from fsmlearn.machine import Machine
from fsmlearn.plots.paper import FAINT, INK, sheet, word

ROWS = 80  # (state, trigger) pairs that are shown at most, those with the most rows
LIGHT = 0.55  # share above which the number in a cell is white


def table(
    comparison: Sequence[Comparison], machine: Machine
) -> tuple[list[tuple[str, str]], list[str], Floats, Floats, Ints]:
    """((state, trigger) pairs, what follows, observed shares, learned shares (pairs, what follows), rows (pairs,)).

    What follows is the next state, or the output where the log hides its states. A share is that of the rows of the
    pair. All in the order of the machine, what it does not know last.
    """
    states = list(dict.fromkeys(map(machine.visible, machine.labels)))
    hidden = any(state.label is None for state in machine.states)

    def then(each: Comparison) -> str:
        return (each.output or "") if hidden else each.next_state

    outputs = list(dict.fromkeys(t.output or "" for t in machine.transitions))
    pairs = sorted(
        {(each.state, each.trigger) for each in comparison},
        key=lambda pair: (_at(states, pair[0]), _at(machine.triggers, pair[1]), pair),
    )
    following = sorted(
        {then(each) for each in comparison}, key=lambda name: (_at(outputs if hidden else states, name), name)
    )
    observed, learned = np.zeros((2, len(pairs), len(following)))
    for each in comparison:
        at = pairs.index((each.state, each.trigger)), following.index(then(each))
        observed[at] += each.observed
        learned[at] += each.learned
    rows = observed.sum(1)
    return pairs, following, observed / np.maximum(rows, 1)[:, None], learned, rows.astype(np.int64)


def transitions(comparison: Sequence[Comparison], machine: Machine) -> Figure:
    """The two tables side by side: what the log shows, noise and all, and what was learned from it."""
    rows: Counter[tuple[str, str]] = Counter()
    for each in comparison:
        rows[each.state, each.trigger] += each.observed
    shown = set(sorted(rows, key=lambda pair: -rows[pair])[:ROWS])
    kept = [each for each in comparison if (each.state, each.trigger) in shown]
    pairs, following, observed, learned, sizes = table(kept, machine)
    figure = sheet(5.4 + 0.62 * len(following), 1.9 + 0.21 * len(pairs) + 0.06 * max(map(len, following), default=0))
    panels = figure.subplots(1, 2, sharey=True)
    calls = [
        f"{word(state)} + {word(trigger)}  ({size:,})"
        for (state, trigger), size in zip(pairs, sizes.tolist(), strict=True)
    ]
    for axes, title, shares in zip(panels, ("observed, noise included", "learned"), (observed, learned), strict=True):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axes.set_title(title, fontsize=11)
        axes.set_xticks(range(len(following)), [word(name) for name in following], rotation=60, ha="right", fontsize=8)
        axes.set_yticks(range(len(pairs)), calls, fontsize=8)
        axes.tick_params(length=0)
        axes.spines[:].set_color(FAINT)
        for i, j in np.argwhere(shares > 0).tolist():
            colour = "white" if shares[i, j] > LIGHT else INK
            axes.text(j, i, _percent(shares[i, j]), ha="center", va="center", fontsize=7, color=colour)
        for i in range(1, len(pairs)):
            if pairs[i][0] != pairs[i - 1][0]:
                axes.axhline(i - 0.5, color=FAINT, lw=0.6)
    left = f"; {counted(len(rows) - len(shown), 'pair')} with fewer rows left out" if len(rows) > len(shown) else ""
    figure.suptitle(
        f"What follows state and trigger, % of the rows of both (their number in brackets){left}", fontsize=11
    )
    return figure


def _at(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _percent(share: float) -> str:
    """A share in three characters: never 0 or 100 unless it is."""
    return "<1" if share < 0.01 else ">99" if 0.99 < share < 1 else f"{100 * share:.0f}"
