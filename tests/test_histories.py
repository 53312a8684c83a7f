"""Coding a log for the network loses nothing, and windows cover it row by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import Row, log_of

from fsmlearn.histories import histories
from fsmlearn.logs import UNKNOWN

STATE, NEXT, TRIGGER = st.sampled_from("AB"), st.sampled_from(["A", "B", "C", ""]), st.sampled_from("xyz")
OUTPUT = st.sampled_from(["0", "1", ""])
WITHOUT_OUTPUT: st.SearchStrategy[Row] = st.tuples(STATE, TRIGGER, NEXT)
WITH_OUTPUT: st.SearchStrategy[Row] = st.tuples(STATE, TRIGGER, NEXT, OUTPUT)
HIDDEN: st.SearchStrategy[Row] = st.tuples(TRIGGER, OUTPUT)


def traces(row: st.SearchStrategy[Row]) -> st.SearchStrategy[list[list[Row]]]:
    return st.lists(st.lists(row, min_size=1, max_size=9), min_size=1, max_size=6)


@settings(max_examples=40)
@given(st.one_of(traces(WITHOUT_OUTPUT), traces(WITH_OUTPUT)))
def test_inputs_and_targets_are_the_words_of_the_row(written: list[list[Row]]) -> None:
    log = log_of(written)
    data = histories(log)
    rows = [row for trace in written for row in trace]
    assert len(data) == len(rows)
    assert data.words == len(log.states) + len(log.triggers)
    assert len(set(data.answers)) == len(data.answers)
    words = (*log.states, *log.triggers)
    for (first, second), target, row in zip(data.inputs.tolist(), data.targets.tolist(), rows, strict=True):
        assert (words[first], words[second]) == row[:2]
        after, output = (UNKNOWN, UNKNOWN) if target < 0 else data.answers[target]
        assert (log.states[after] if after >= 0 else "") == row[2]
        assert (log.outputs[output] if output >= 0 else "") == (row[3] if len(row) == 4 else "")
        assert target < 0 or data.answers[target] != (UNKNOWN, UNKNOWN)


@settings(max_examples=40)
@given(traces(HIDDEN))
def test_where_states_are_hidden_the_trigger_is_the_only_input(written: list[list[Row]]) -> None:
    log = log_of(written, "hidden")
    data = histories(log)
    assert data.words == len(log.triggers)
    rows = [row for trace in written for row in trace]
    for inputs, target, (trigger, output) in zip(data.inputs.tolist(), data.targets.tolist(), rows, strict=True):
        assert [log.triggers[word] for word in inputs] == [trigger]
        assert (data.answers[target] if target >= 0 else None) == ((-1, log.outputs.index(output)) if output else None)


@settings(max_examples=40)
@given(traces(WITHOUT_OUTPUT), st.integers(1, 5))
def test_windows_cut_each_trace_into_pieces_that_follow_one_another(written: list[list[Row]], window: int) -> None:
    log = log_of(written)
    data = histories(log, window)
    covered = [np.arange(start, start + n) for start, n in zip(data.starts, data.lengths, strict=True)]
    assert np.array_equal(np.sort(np.concatenate(covered)), np.arange(len(log)))
    assert data.lengths.min() >= 1
    assert data.lengths.max() <= window
    for rows, previous in zip(covered, data.previous.tolist(), strict=True):
        assert len(set(log.trace[rows].tolist())) == 1, "a window does not cross traces"
        if previous < 0:
            assert rows[0] in log.offsets
        else:
            assert rows[0] == covered[previous][-1] + 1
            assert log.trace[rows[0]] == log.trace[covered[previous][0]]
    assert np.count_nonzero(data.previous < 0) == len(written)
    assert len(data.starts) == sum(-(-len(trace) // window) for trace in written), "no more windows than needed"


def test_a_trace_that_the_filter_emptied_has_no_window() -> None:
    log = log_of([[("A", "x", "B")], [("B", "x", "A"), ("A", "x", "B")]])
    log = replace(log, traces=("0", "1", "2"), offsets=np.array([0, 1, 1, 3]))
    data = histories(log, 1)
    assert data.starts.tolist() == [0, 1, 2]
    assert data.previous.tolist() == [-1, -1, 1]


def test_rows_with_one_answer_share_a_target() -> None:
    log = log_of([[("A", "x", "B", "1"), ("B", "x", "B", "1"), ("B", "y", "B", "0"), ("B", "x", "", "1")]])
    data = histories(log)
    one, same, other, half = data.targets.tolist()
    assert one == same
    assert len({one, other, half}) == 3
    assert data.answers[half] == (UNKNOWN, log.outputs.index("1"))
