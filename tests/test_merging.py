"""State merging alone finds machines in logs that hide their states; its tree holds every history once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hidden import hidden

from fsmlearn import merging, search
from fsmlearn.merging import Node, Weights


@pytest.mark.parametrize("seed", range(3))
def test_the_tree_counts_what_follows_every_history(seed: int) -> None:
    rows = hidden(seed, traces=20, length=6)[0].rows
    seen: Counter[tuple[tuple[int, ...], int, int]] = Counter()
    for row in range(int(rows.offsets[1])):
        history: tuple[int, ...] = ()
        while row >= 0:
            cell = int(rows.symbol_cell[rows.symbol[row]])
            seen[history, cell, int(rows.symbol_answer[rows.symbol[row]])] += int(rows.weight[row])
            history, row = (*history, cell), int(rows.following[row])
    found: Counter[tuple[tuple[int, ...], int, int]] = Counter()
    todo: list[tuple[tuple[int, ...], Node]] = [((), merging.tree(rows))]
    for history, node in todo:
        for cell, counts in node.answers.items():
            found.update({(history, cell, answer): count for answer, count in counts.items()})
            assert node.children[cell].rows == sum(counts.values())
            todo.append(((*history, cell), node.children[cell]))
    assert found == seen


def depth(node: Node) -> int:
    return max((1 + depth(child) for child in node.children.values()), default=0)


def test_the_tree_ends_where_rows_are_lost() -> None:
    rows = hidden(0, traces=20, length=6)[0].rows
    second = rows.following[rows.first]
    broken = rows.broken.copy()
    broken[second[second >= 0]] = True
    assert depth(merging.tree(rows)) == 6
    assert depth(merging.tree(replace(rows, broken=broken))) == 1


def test_noise_is_read_off_the_histories_that_repeat() -> None:
    often = Node(22, {0: {0: 9, 1: 1}, 1: {1: 12}}, {0: Node(10), 1: Node(12)})
    assert merging.noise(often) == (1 + 1) / (22 + merging.DOUBT)
    assert merging.noise(Node(9, {0: {0: 5, 1: 4}}, {0: Node(9)})) == 1 / merging.DOUBT


def test_what_a_cell_says_for_and_against_a_fold() -> None:
    weights = Weights.of(0.05, 3)
    agree, differ = weights.weigh({0: 5}, {0: 3}), weights.weigh({0: 5}, {1: 3})
    assert agree > 0 > differ
    assert weights.weigh({0: 5}, {0: 3, 1: 1}) == agree, "the odd row is wrong with the fold as without it"
    assert weights.weigh({0: 50}, {1: 30}) < differ
    assert weights.weigh({}, {0: 3}) == 0


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(4))
def test_merging_and_the_search_find_small_machines_without_a_network(seed: int, noise: float) -> None:
    case, _ = hidden(seed, noise)
    now = search.descend(case.rows, merging.merged(case.rows, 1.0), np.zeros(len(case.rows), int))
    assert case.exact(case.rows, now)
