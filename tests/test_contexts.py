"""Contexts: which matter, and the automaton that remembers them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmlearn.contexts import CUT, MOST, STOP, Context, contexts, remember

TRACES = st.lists(st.lists(st.integers(0, 2), max_size=8), min_size=1, max_size=8)
MARK = 3


def found_in(traces: list[list[int]], mark: int = MARK) -> set[Context]:
    """The contexts of traces, what follows being simply what came."""
    codes = np.concatenate([[mark, *trace] for trace in traces]).astype(np.int64)
    position = np.concatenate([np.arange(len(trace) + 1) for trace in traces])
    came = np.concatenate([[*trace, mark] for trace in traces]).astype(np.int64)
    return contexts(codes, position, np.eye(mark + 1)[came])


@settings(max_examples=60)
@given(TRACES, st.integers(2, 4))
def test_a_row_that_stands_for_several_counts_as_these(traces: list[list[int]], times: int) -> None:
    codes = np.concatenate([[MARK, *trace] for trace in traces]).astype(np.int64)
    position = np.concatenate([np.arange(len(trace) + 1) for trace in traces])
    came = np.concatenate([[*trace, MARK] for trace in traces]).astype(np.int64)
    assert contexts(codes, position, times * np.eye(MARK + 1)[came]) == found_in(traces * times)


def test_where_it_is_not_known_what_comes_next_nothing_is_a_context() -> None:
    codes, position = np.array([MARK, 0, 1] * 9), np.array([0, 1, 2] * 9)
    following = np.eye(MARK + 1)[[0, 1, MARK] * 9]
    following[0::3] = 0
    found = contexts(codes, position, following)
    assert (0,) in found
    assert (MARK,) not in found


@settings(max_examples=60)
@given(TRACES)
def test_prefixes_and_suffixes_of_a_context_are_contexts(traces: list[list[int]]) -> None:
    found = found_in(traces)
    assert {()} <= found
    assert all(context[1:] in found and context[:-1] in found for context in found)
    assert all((code,) in found for trace in traces for code in (MARK, *trace))


@settings(max_examples=60)
@given(TRACES)
def test_the_automaton_is_in_the_longest_context_that_ends_the_past(traces: list[list[int]]) -> None:
    found = found_in(traces)
    states, targets = remember(found, [[*trace, MARK] for trace in traces], MARK)
    longest: dict[int, Context] = {}
    row = 0
    for trace in traces:
        for i in range(len(trace) + 1):
            past = (MARK, *trace[:i])
            while past not in found:
                past = past[1:]
            assert longest.setdefault(states[row], past) == past
            if i < len(trace):
                assert targets[states[row]][trace[i]] == states[row + 1]
            else:
                assert targets[states[row]][MARK] == STOP
            row += 1
    assert row == len(states)
    assert len(set(longest.values())) == len(longest) == len(targets)


def test_a_piece_has_no_end() -> None:
    traces = [[0, 1, MARK], [0, 1, 0, CUT]]
    states, targets = remember({(), (MARK,), (0,), (1,)}, traces, MARK)
    assert states.tolist() == [0, 1, 2, 0, 1, 2, 1]
    assert targets == [{0: 1}, {1: 2}, {MARK: STOP, 0: 1}]


def test_a_longer_context_is_kept_where_what_follows_differs() -> None:
    found = found_in([[0, 2, 0], [1, 2, 1]] * 20)
    assert (0, 2) in found
    assert (1, 2) in found
    alike = found_in([[0, 2, 0], [1, 2, 0]] * 20)
    assert (0, 2) not in alike


def test_there_are_never_more_contexts_than_can_be_merged() -> None:
    rng = np.random.default_rng(0)
    traces = rng.integers(0, 600, (40, 40)).tolist()
    assert len(found_in(traces, 600)) <= MOST
