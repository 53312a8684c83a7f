"""n-grams are distributions, and those that one computes by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn.ngrams import START, NGrams

A, B, END = 0, 1, 2
TRACES = st.lists(st.lists(st.integers(0, 3), max_size=6), max_size=6)


def corpus(traces: list[list[int]]) -> list[tuple[list[int], int]]:
    """Traces of four events with their ends, one of each."""
    return [([*trace, 4], 1) for trace in traces]


def test_witten_bell_by_hand() -> None:
    corpus = [([A, B, END], 1), ([A, A, END], 1)]
    # 6 rows of 3 kinds: A 3, B 1, END 2; all alike below that
    assert NGrams(corpus, 2, 1).distribution(()) == pytest.approx([4 / 9, 2 / 9, 3 / 9])
    pairs = NGrams(corpus, 2, 2)
    # after A one row each of B, A and END; after the start A twice
    assert pairs.distribution((A,)) == pytest.approx([7 / 18, 5 / 18, 6 / 18])
    assert pairs.distribution((START,)) == pytest.approx([22 / 27, 2 / 27, 3 / 27])


def test_traces_count_as_often_as_they_come_and_pieces_have_no_end() -> None:
    traces = NGrams([([A, B, END], 2), ([A, B, -1], 3)], 2, 2)
    several = NGrams([([A, B, END], 1)] * 2 + [([A, B, -1], 1)] * 3, 2, 2)
    for past in ((), (START,), (A,), (B,)):
        assert traces.distribution(past) == several.distribution(past)
    # after B nothing but the end, twice of 12 rows; A and B five times each
    assert traces.distribution((B,))[2] == pytest.approx((2 + (2 + 3 / 3) / (12 + 3)) / (2 + 1))


@given(TRACES, st.integers(1, 4), st.lists(st.integers(0, 3), max_size=5))
def test_they_are_distributions_that_leave_nothing_out(traces: list[list[int]], order: int, past: list[int]) -> None:
    shares = NGrams(corpus(traces), 4, order).distribution((START, *past))
    assert math.fsum(shares) == pytest.approx(1)
    assert min(shares) > 0


@given(TRACES, st.integers(1, 4), st.lists(st.integers(0, 3), max_size=6))
def test_a_trace_is_predicted_event_by_event(traces: list[list[int]], order: int, trace: list[int]) -> None:
    ngrams = NGrams(corpus(traces), 4, order)
    told = list(ngrams.predictions([*trace, 4]))
    assert [event for _, event in told] == [*trace, 4]
    for i, (shares, _) in enumerate(told):
        assert shares == ngrams.distribution((START, *trace[:i]))


def test_what_lies_further_back_than_its_order_is_nothing_to_it() -> None:
    ngrams = NGrams([([A, B, B, END], 1), ([B, A, A, END], 1)], 2, 2)
    assert ngrams.distribution((START, A, B)) == ngrams.distribution((START, B, B)) == ngrams.distribution((B,))


def test_an_order_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="not 0"):
        NGrams([], 2, 0)
