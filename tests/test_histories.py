"""Coding a log for the network loses nothing, and windows cover it row by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
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


@settings(max_examples=60)
@given(st.one_of(traces(WITHOUT_OUTPUT), traces(HIDDEN)), st.integers(1, 5))
def test_rows_share_a_history_where_their_traces_were_fed_the_same(written: list[list[Row]], window: int) -> None:
    log = log_of(written, "visible" if len(written[0][0]) == 3 else "hidden")
    data = histories(log, window)
    begins = np.repeat(log.offsets[:-1], np.diff(log.offsets)).tolist()
    fed = [str(data.inputs[begin : row + 1].tolist()) for row, begin in enumerate(begins)]
    assert sorted(set(data.history.tolist())) == list(range(len(set(fed))))
    assert len(set(zip(fed, data.history.tolist(), strict=True))) == len(set(fed))
    ends = data.history[data.starts + data.lengths - 1].tolist()
    assert len(set(zip(ends, data.places.tolist(), strict=True))) == len(set(ends)) == data.places.max() + 1


def test_sums_that_happen_to_be_equal_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fair = np.random.default_rng
    drawn = []

    class Constant:
        def integers(self, high: int, size: object, dtype: type) -> object:
            return np.ones(size, dtype)  # type: ignore[call-overload]

    def unlucky(seed: int) -> object:
        drawn.append(seed)
        return Constant() if len(drawn) == 1 else fair(seed)

    monkeypatch.setattr("fsmlearn.histories.np.random.default_rng", unlucky)
    data = histories(log_of([[("x", "0"), ("y", "0")], [("y", "0"), ("x", "0")]], "hidden"))
    assert drawn == [0, 1]
    assert len(set(data.history.tolist())) == 4


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
