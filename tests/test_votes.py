"""Groups of rows become a deterministic automaton, whatever the groups."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn.contexts import CUT, STOP, together
from fsmlearn.votes import elect

MARK = 2
TRACES = st.lists(
    st.lists(st.integers(0, 1), max_size=8).flatmap(lambda events: st.sampled_from([[*events, MARK], [*events, CUT]])),
    min_size=1,
    max_size=8,
)


def runs(states: list[int], targets: list[dict[int, int]], traces: list[list[int]]) -> None:
    """The states are those that the automaton goes through, and it has no way that the traces do not take."""
    row, taken = 0, set()
    for trace in traces:
        assert states[row] == 0
        for event in trace:
            if event != CUT:
                taken.add((states[row], event))
                assert targets[states[row]][event] == (STOP if event == MARK else states[row + 1])
            row += 1
    assert row == len(states)
    assert taken == {(state, event) for state, ways in enumerate(targets) for event in ways}


@given(TRACES, st.integers(1, 4), st.integers(0, 99))
def test_any_groups_make_an_automaton_of_the_traces(traces: list[list[int]], groups: int, seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(groups, size=sum(map(len, traces)))
    states, targets = elect(drawn, traces, np.ones(len(traces), np.int64), MARK)
    assert len(targets) <= groups
    runs(states.tolist(), targets, traces)


def test_groups_that_are_states_stay_as_they_are() -> None:
    traces = [[0, 1, 0, 1, MARK], [0, 1, MARK]] * 5
    # group 1 before the event 0, or the end; group 0 before the event 1
    groups = np.array([1, 0, 1, 0, 1, 1, 0, 1] * 5)
    states, targets = elect(groups, traces, np.ones(10, np.int64), MARK)
    assert states.tolist() == (1 - groups).tolist()
    assert targets == [{0: 1, MARK: STOP}, {1: 0}]


def test_a_stray_row_is_voted_down() -> None:
    traces = [[0, 1, 0, 1, MARK]] * 9
    groups = np.array([0, 1, 0, 1, 0] * 9)
    groups[7] = 1
    states, _ = elect(groups, traces, np.ones(9, np.int64), MARK)
    assert states.tolist() == [0, 1, 0, 1, 0] * 9


@given(TRACES, st.integers(1, 4), st.integers(0, 99))
def test_a_trace_votes_for_all_that_are_like_it(traces: list[list[int]], groups: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(groups, size=len(trace)) for trace in traces]
    copies = rng.integers(1, 4, len(traces))
    states, targets = elect(np.concatenate(drawn), traces, copies, MARK)
    every = np.repeat(np.arange(len(traces)), copies).tolist()
    once, each = np.ones(len(every), np.int64), [traces[n] for n in every]
    again, same = elect(np.concatenate([drawn[n] for n in every]), each, once, MARK)
    assert targets == same
    parts = np.split(again, np.cumsum([len(traces[n]) for n in every])[:-1])
    assert states.tolist() == np.concatenate([parts[every.index(n)] for n in range(len(traces))]).tolist()


@given(TRACES)
def test_two_automata_together_remember_what_either_does(traces: list[list[int]]) -> None:
    counts = [
        [sum(t[:i]) % 2 for t in traces for i in range(len(t))],
        [i % 3 for t in traces for i in range(len(t))],
    ]
    parity = [{0: 0, 1: 1}, {0: 1, 1: 0}]
    length = [{0: (k + 1) % 3, 1: (k + 1) % 3} for k in range(3)]
    states, targets = together(parity, length, traces, MARK)
    runs(states.tolist(), targets, traces)
    pairs = list(zip(*counts, strict=True))
    assert len(set(zip(states.tolist(), pairs, strict=True))) == len(set(pairs)) == len(targets)
