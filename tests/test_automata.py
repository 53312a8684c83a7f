"""Merging keeps an automaton deterministic, loses no row, and stops where it would cost more than it saves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmlearn.automata import Merger
from fsmlearn.contexts import STOP

END = 2


def rows(targets: list[dict[int, int]], seed: int) -> np.ndarray:
    """Some rows for every way on."""
    sums = np.zeros((len(targets), END + 1))
    rng = np.random.default_rng(seed)
    for state, ways in enumerate(targets):
        sums[state, list(ways)] = rng.integers(1, 30, len(ways))
    return sums


TARGETS = st.integers(1, 7).flatmap(
    lambda k: st.lists(
        st.fixed_dictionaries({END: st.just(STOP)}, optional={0: st.integers(0, k - 1), 1: st.integers(0, k - 1)}),
        min_size=k,
        max_size=k,
    )
)


@settings(max_examples=80)
@given(TARGETS, st.integers(0, 99), st.integers(1, 4))
def test_what_could_happen_still_can_and_states_stay_few(targets: list[dict[int, int]], seed: int, most: int) -> None:
    sums = rows(targets, seed)
    merger = Merger(targets, sums, END)
    merger.merge(most)
    table = merger.table()
    assert len(table) <= merger.left <= most
    assert sum(merger.sums[q].sum() for q in {merger.find(q) for q in range(len(targets))}) == pytest.approx(sums.sum())
    # the table runs beside the automaton that it came from: a word of the one is a word of the other
    pairs = {(0, 0)}
    todo = list(pairs)
    while todo:
        fine, coarse = todo.pop()
        assert targets[fine].keys() <= table[coarse].keys()
        for event, to in targets[fine].items():
            if to == STOP:
                assert table[coarse][event] == STOP
            elif (pair := (to, table[coarse][event])) not in pairs:
                pairs.add(pair)
                todo.append(pair)


@settings(max_examples=40)
@given(TARGETS, st.integers(0, 99))
def test_a_fold_saves_what_it_says(targets: list[dict[int, int]], seed: int) -> None:
    merger = Merger(targets, rows(targets, seed), END)
    if len(targets) < 2:
        return

    def nats() -> float:
        live = {merger.find(q) for q in range(len(targets))}
        return float(sum(merger.cost[q] for q in live))

    before, folded = nats(), merger.fold(0, 1)
    lost = folded.cost  # what the merged states cost, those that were merged on included
    merger.keep(folded)
    assert nats() >= before - 1e-9, "one distribution never says more than several"
    assert {merger.find(0)} == {merger.find(1)} <= lost.keys()


def test_states_that_say_the_same_are_one_and_others_are_not() -> None:
    # 0 goes on to 1 or 2, which end; what they say decides
    targets = [{0: 1, 1: 2}, {0: 0, END: STOP}, {0: 0, END: STOP}]
    alike = Merger(targets, np.array([[50.0, 50, 0], [80, 0, 20], [79, 0, 21]]), END)
    alike.merge()
    assert alike.find(1) == alike.find(2) != alike.find(0)
    different = Merger(targets, np.array([[50.0, 50, 0], [80, 0, 20], [20, 0, 80]]), END)
    different.merge()
    assert different.table() == targets


def test_what_two_states_lead_to_by_one_event_becomes_one() -> None:
    targets = [{0: 1, 1: 2}, {0: 3}, {0: 4}, {END: STOP}, {END: STOP}]
    merger = Merger(targets, rows(targets, 0), END)
    merger.keep(merger.fold(1, 2))
    assert merger.find(3) == merger.find(4)
    assert merger.table() == [{0: 1, 1: 1}, {0: 2}, {END: STOP}]
