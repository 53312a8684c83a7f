"""Event traces -> the contexts that matter, and the deterministic automaton that remembers them.

A context is what came last: the codes of some latest events, or of all of them and the start. A longer context matters
where what follows it differs from what follows the shorter one, by the log's counts and the network's answers
taken together. Which of these contexts are one state is for `automata` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]
Context = tuple[int, ...]  # codes, the oldest first

DEPTH = 32  # codes in a context at most
MOST = 400  # contexts at most; where more seem to matter, they must matter more
PRICE = 2.0  # nats that a context of several codes must save
STOP = -1  # where the end leads
CUT = -1  # the last code of a piece, behind which its trace goes on


def contexts(codes: Ints, position: Ints, following: Floats) -> set[Context]:
    """The contexts that matter, with all their prefixes and suffixes, so that an automaton can remember them.

    N rows: codes (N,) is what each row adds to the past, the start of a trace being a code of its own; position (N,)
    counts the rows of a trace from 0; following (N, E) is how often what comes next, in all as often as the row is met.
    """
    tree = _Tree(codes, position, following)
    price = PRICE
    found = _closed(tree.chosen(price, single=0.0))
    while len(found) > MOST:
        price *= 1.5
        found = _closed(tree.chosen(price, single=price))
    return found


def remember(found: set[Context], traces: Sequence[Sequence[int]], mark: int) -> tuple[Ints, list[dict[int, int]]]:
    """Run traces through the automaton whose states are contexts: it is in the longest one that ends the past.

    `mark` is the code of the start, and of the end, which leads to STOP; each trace has it last, or CUT. Returns the
    state before every event and every end, one trace after the other, and for each state where the events that the
    traces have there lead. State 0 is that of the start alone.
    """
    number: dict[Context, int] = {}
    names: list[Context] = []
    targets: list[dict[int, int]] = []

    def state(past: Context) -> int:
        while past not in found:
            past = past[1:]
        if past not in number:
            number[past] = len(names)
            names.append(past)
            targets.append({})
        return number[past]

    first = state((mark,))
    states = []
    for trace in traces:
        now = first
        states.append(now)
        for event in trace[:-1]:
            following = targets[now].get(event)
            if following is None:
                following = targets[now][event] = state((*names[now], event))
            now = following
            states.append(now)
        if trace[-1] != CUT:
            targets[now][mark] = STOP
    return np.array(states, np.int64), targets


def together(
    one: Sequence[dict[int, int]], other: Sequence[dict[int, int]], traces: Sequence[Sequence[int]], mark: int
) -> tuple[Ints, list[dict[int, int]]]:
    """Run traces through two automata at once: one whose states are pairs of theirs remembers what either does.

    Takes two lists of event -> state, state 0 being the initial one, and returns what `remember` does.
    """
    number: dict[tuple[int, int], int] = {(0, 0): 0}
    targets: list[dict[int, int]] = [{}]
    states = []
    for trace in traces:
        pair = (0, 0)
        states.append(0)
        for event in trace[:-1]:
            pair = (one[pair[0]][event], other[pair[1]][event])
            following = number.setdefault(pair, len(number))
            if following == len(targets):
                targets.append({})
            targets[states[-1]][event] = following
            states.append(following)
        if trace[-1] != CUT:
            targets[states[-1]][mark] = STOP
    return np.array(states, np.int64), targets


class _Tree:
    """The tree of all contexts that several rows share, each a node below the context without its oldest code."""

    def __init__(self, codes: Ints, position: Ints, following: Floats) -> None:
        words = int(codes.max()) + 1
        self.parent, self.code, self.gain = [-1], [-1], [0.0]
        node = np.zeros(len(codes), np.int64)  # of each row
        rows = np.arange(len(codes))
        sums = following.sum(0, dtype=np.float64)[None]
        below = 0  # the first node of the level above
        for depth in range(DEPTH):
            rows = rows[position[rows] >= depth]
            if not len(rows):
                break
            key = node[rows] * words + codes[rows - depth]
            order = np.argsort(key, kind="stable")
            begin = np.flatnonzero(np.diff(key[order], prepend=-1))
            level = np.add.reduceat(following[rows[order]], begin, axis=0, dtype=np.float64)
            kept = level.sum(1).round() >= (2 if depth else 1)
            if not kept.any():
                break
            level, size = level[kept], np.diff(np.append(begin, len(order)))
            of = key[order][begin][kept]
            self.gain += _divergence(level, sums[of // words - below]).tolist()
            below, sums = len(self.parent), level
            self.parent += (of // words).tolist()
            self.code += (of % words).tolist()
            name = np.full(len(begin), -1)
            name[kept] = below + np.arange(len(of))
            fate = np.empty(len(rows), np.int64)
            fate[order] = np.repeat(name, size)
            rows = rows[fate >= 0]
            node[rows] = fate[fate >= 0]

    def chosen(self, price: float, single: float) -> set[Context]:
        """The contexts that save more than their price, those that longer ones need included.

        A context of a single code costs `single`; at no price it is kept in any case.
        """
        worth = [0.0] * len(self.parent)  # of all below a node
        for i in range(len(self.parent) - 1, 0, -1):
            cost = price if self.parent[i] else single
            worth[i] += self.gain[i] - cost
            if worth[i] > 0 and self.parent[i] >= 0:
                worth[self.parent[i]] += worth[i]
        names: dict[int, Context] = {0: ()}
        for i in range(1, len(self.parent)):
            free = self.parent[i] == 0 and not single
            if (worth[i] > 0 or free) and self.parent[i] in names:
                names[i] = (self.code[i], *names[self.parent[i]])
        return set(names.values())


def _divergence(part: Floats, whole: Floats) -> Floats:
    """Nats saved by coding the rows of each part (n, E) by its own shares instead of those of a whole (n, E)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(part / part.sum(1, keepdims=True)) - np.log(whole / whole.sum(1, keepdims=True))
        saved: Floats = np.where(part > 0, part * ratio, 0).sum(1)
    return saved


def _closed(chosen: set[Context]) -> set[Context]:
    """The contexts with all their prefixes and suffixes."""
    found = set(chosen)
    todo = list(chosen)
    while todo:
        context = todo.pop()
        for shorter in (context[1:], context[:-1]):
            if shorter not in found:
                found.add(shorter)
                todo.append(shorter)
    return found
