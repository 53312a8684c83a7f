"""A first machine without a network: red-blue state merging on the tree of a hidden log's triggers.

The tree holds every history once; its root becomes the first state, and its heaviest unnamed branch is either folded
into the state that it resembles most or becomes a state (Lang, Pearlmutter & Price 1998). Resemblance is a
log-likelihood ratio under the rate of noise that the tree itself shows, so wrong answers do not keep equals apart.
`search` takes it from there. Plain Python: the work is in many small steps.

Where rows are lost the machine is in another state than the tree thinks, and several answers in a row are wrong. A
rate of noise several times the true one bears that better, and one machine is merged by each.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

import numpy as np

from fsmlearn.evidence import Table
from fsmlearn.packing import Ints, Rows

ALIKE = 0.9  # share of the answers that two different states have in common
FAR = -60.0  # nats against a fold at which it need not be weighed further
MOST = 150  # states at most
DOUBT = 20  # rows of which one is taken to be wrong where no history repeats
FACTORS = (1.0, 4.0, 0.5, 2.0)  # rates of noise to merge by, as multiples of what the tree shows; a long log by two
Counts = dict[int, int]  # answer -> rows


@dataclass(eq=False)
class Node:
    """A history, or all the histories folded into one."""

    rows: int = 0  # rows in its branch
    answers: dict[int, Counts] = field(default_factory=dict)  # cell -> answers
    children: dict[int, Node] = field(default_factory=dict)  # cell -> node
    red: bool = False


def tree(rows: Rows) -> Node:
    """The tree of all histories, the rows before the first lost one of every trace."""
    cells = len(rows.cell_label)
    cell, answer = rows.symbol_cell[rows.symbol], rows.symbol_answer[rows.symbol]
    root = Node()
    level = [root]
    at = np.zeros(int(rows.offsets[1]), np.int64)  # node of the level that each trace is in, -1 once rows are lost
    for lo, hi in zip(rows.offsets[:-1].tolist(), rows.offsets[1:].tolist(), strict=True):
        at = np.where(rows.broken[lo:hi], -1, at[: hi - lo])
        known = at >= 0
        paths, index = np.unique(at[known] * cells + cell[lo:hi][known], return_inverse=True)
        here = lo + np.flatnonzero(known)
        count = rows.counted(index, here)
        below = []
        for path, size in zip(paths.tolist(), count.tolist(), strict=True):
            child = Node(size)
            parent = level[path // cells]
            parent.children[path % cells] = child
            parent.answers[path % cells] = {}
            below.append(child)
        given = answer[lo:hi][known]
        said, size_of = rows.tallied(index[given >= 0] * rows.answers + given[given >= 0], here[given >= 0])
        for key, size in zip(said.tolist(), size_of.tolist(), strict=True):
            path = int(paths[key // rows.answers])
            level[path // cells].answers[path % cells][key % rows.answers] = size
        at = np.full(hi - lo, -1)
        at[known] = index
        level = below
    return root


def noise(root: Node) -> float:
    """Share of wrong answers, from histories with ten rows or more: what follows them is one answer and noise."""
    wrong = total = 0
    todo = [root]
    while todo:
        node = todo.pop()
        for counts in node.answers.values():
            size = sum(counts.values())
            if size >= 10:
                wrong, total = wrong + size - max(counts.values()), total + size
        todo += node.children.values()
    return (wrong + 1) / (total + DOUBT)


@dataclass(frozen=True)
class Weights:
    """What one cell says for (in nats) two nodes being one state."""

    same: float
    each: float  # log-likelihood lost per row that must be wrong
    others: int  # answers that a wrong one can be

    @classmethod
    def of(cls, stray: float, answers: int) -> Weights:
        others = max(answers - 1, 1)
        return cls(-math.log(ALIKE), math.log((1 - stray) * others / stray), others)

    def weigh(self, one: Counts, other: Counts) -> float:
        """Log-likelihood ratio of one answer behind both counts, against states that agree on ALIKE of their cells."""
        if not one or not other:
            return 0.0
        most = max(one.values())
        if len(other) == 1:  # as in most histories until others are folded into them
            [(answer, count)] = other.items()
            odd = min(count, most - one.get(answer, 0))
        else:
            most_other = max(other.values())
            together = max(other.get(answer, 0) + count for answer, count in one.items())
            odd = most + most_other - max(together, most_other)
        if not odd:
            return self.same
        return -math.log(ALIKE + (1 - ALIKE) * math.exp(min(odd * self.each, 300.0)) / (2 * self.others))


def resemblance(red: Node, blue: Node, weights: Weights, least: float) -> float:
    """Nats for folding the branch of `blue` into `red`; given up below `least`."""
    total = 0.0
    todo = [(red, blue)]
    while todo:
        state, node = todo.pop()
        for cell, below in node.children.items():
            after = state.children.get(cell)
            if after is None:
                continue
            total += weights.weigh(state.answers[cell], node.answers[cell])
            if total < least:
                return total
            todo.append((red if after is blue else after, below))
    return total


def proposals(rows: Rows) -> list[Table]:
    """The machines that merging finds in a log of hidden states, one by each rate of noise."""
    return [merged(rows, factor) for factor in (FACTORS if rows.few else FACTORS[:2])]


def merged(rows: Rows, factor: float) -> Table:
    """The machine that merging finds by a rate of noise that is `factor` times what the tree shows."""
    root = tree(rows)
    bound = 0.95 - 1 / max(rows.answers, 2)  # beyond it the right answer is no likelier than a wrong one
    weights = Weights.of(min(factor * noise(root), bound), rows.answers)
    reds: list[Node] = []
    heap: list[tuple[int, int, Node, int, Node]] = []  # heaviest branch first, then the oldest
    ticket = 0

    def blue(state: Node, cell: int) -> None:
        nonlocal ticket
        node = state.children[cell]
        if not node.red:
            ticket += 1
            heapq.heappush(heap, (-node.rows, ticket, state, cell, node))

    def fold(state: Node, node: Node) -> None:
        todo = [(state, node)]
        while todo:
            state, node = todo.pop()
            for cell, below in node.children.items():
                after = state.children.get(cell)
                if after is None:
                    state.children[cell], state.answers[cell] = below, node.answers[cell]
                else:
                    counts = state.answers[cell]
                    for answer, count in node.answers[cell].items():
                        counts[answer] = counts.get(answer, 0) + count
                    after.rows += below.rows
                    todo.append((after, below))
                if state.red:
                    blue(state, cell)

    def promote(node: Node) -> None:
        node.red = True
        reds.append(node)
        for cell in node.children:
            blue(node, cell)

    promote(root)
    while heap:
        heavy, _, state, cell, node = heapq.heappop(heap)
        if state.children[cell] is not node or node.red or node.rows != -heavy:
            continue
        best, where = -math.inf, root
        for red in reds:
            likeness = resemblance(red, node, weights, max(best, FAR))
            if likeness > best:
                best, where = likeness, red
        if best < 0 and len(reds) < MOST:
            promote(node)
        else:
            state.children[cell] = where
            fold(where, node)
    return _table(rows, reds)


def _table(rows: Rows, reds: list[Node]) -> Table:
    number = {id(red): index for index, red in enumerate(reds)}
    target: Ints = np.zeros((len(reds), len(rows.cell_label)), np.int64)
    for index, red in enumerate(reds):
        for cell, after in red.children.items():
            target[index, cell] = number[id(after)]
    return Table(np.zeros(len(reds), np.int64), target[:, rows.symbol_cell], np.zeros(rows.labels, np.int64))
