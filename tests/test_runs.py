"""Runs answer as the column that they stand for, whatever is asked of them, and are never more than they need be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn.runs import Numerals, Runs, among, united

columns = st.lists(st.sampled_from([1, 1, 1, 0, 3, -2]), max_size=12).map(
    lambda rises: np.cumsum(rises, dtype=np.int64)
)
ascending = st.sets(st.integers(0, 11)).map(lambda found: np.array(sorted(found), np.int64))


def check(runs: Runs, column: list[int]) -> None:
    assert (len(runs), runs.array().tolist()) == (len(column), column)
    assert (np.diff(runs.values) != np.diff(runs.starts)).all(), "a run that goes on from the one before is part of it"


@given(columns, st.integers(0, 12))
def test_runs_are_the_column_whole_or_in_parts(column: np.ndarray, cut: int) -> None:
    runs = Runs.of(column)
    check(runs, column.tolist())
    check(Runs.join([Runs.of(column[:cut]), Runs.of(column[cut:])]), column.tolist())
    assert runs.part(cut, cut + 3).tolist() == column[cut : cut + 3].tolist()
    assert runs.at(np.arange(len(column))[::-1]).tolist() == column[::-1].tolist()


@given(columns, ascending, st.integers(-3, 9))
def test_runs_with_other_entries_and_without_some(column: np.ndarray, index: np.ndarray, value: int) -> None:
    index = index[index < len(column)]
    values = np.arange(value, value + 2 * len(index), 2)
    changed = column.copy()
    changed[index] = values
    check(Runs.of(column).replaced(index, values), changed.tolist())
    check(Runs.of(column).without(index), np.delete(column, index).tolist())


@given(ascending, ascending)
def test_ascending_arrays_are_sets(one: np.ndarray, other: np.ndarray) -> None:
    assert united(one, other).tolist() == sorted({*one.tolist(), *other.tolist()})
    assert among(one, other).tolist() == [each in other.tolist() for each in one.tolist()]


@given(columns)
def test_numerals_are_a_tuple_of_words(column: np.ndarray) -> None:
    words, names = tuple(map(str, column.tolist())), Numerals(Runs.of(column))
    assert names == words and words == names and hash(names) == hash(words)
    assert names[1:7:2] == words[1:7:2]
    assert [names[i] for i in range(-len(words), len(words))] == [words[i] for i in range(-len(words), len(words))]
    with pytest.raises(IndexError):
        names[len(words)]
