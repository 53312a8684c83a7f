"""What a machine's table alone makes of traces: distributions, by hand and in general."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn.forecast import Forecast, score
from fsmlearn.machine import Machine

WORDS = ("a", "b", "c", "End")
# S0 -a-> S1, -b-> S2; S1 ends or goes back by c; S2 ends
SMALL = Machine.build(
    "lts",
    0,
    [None, None, None, "End"],
    WORDS,
    [(0, "a", 1, None, 6), (0, "b", 2, None, 4), (1, "c", 0, None, 2), (1, "End", 3, None, 4), (2, "End", 3, None, 4)],
)


@given(st.lists(st.integers(0, 2), max_size=8))
def test_every_event_has_a_probability_and_they_sum_to_one(trace: list[int]) -> None:
    told = list(Forecast(SMALL).predictions([*trace, 3]))
    assert [event for _, event in told] == [*trace, 3]
    for shares, _ in told:
        assert math.fsum(shares) == pytest.approx(1)
        assert min(shares) > 0


def test_what_a_state_keeps_for_the_rest_by_hand() -> None:
    forecast = Forecast(SMALL)
    # of four events one is shown by 2 states, the others by 1: 5 in all, of 4 kinds
    anywhere = (np.array([1, 1, 1, 2]) + 4 / 4) / (5 + 4)
    # b leads to S2 alone, which showed the end alone; and in 4 rows S2 showed 1 kind
    backing = (np.array([0, 0, 0, 1]) + 1 * anywhere) / (1 + 1)
    shares = (np.array([0, 0, 0, 4]) + 1 * backing) / (4 + 1)
    assert forecast.shares[[state.name for state in SMALL.states].index("S2")] == pytest.approx(shares)


def test_after_an_event_that_a_state_never_showed_it_may_be_wherever_that_event_leads() -> None:
    forecast = Forecast(SMALL)
    told = [shares for shares, _ in forecast.predictions([1, 0, 3])]  # a was never seen after b, and leads to S1
    assert told[2] == pytest.approx(forecast.shares[1])


def test_choosing_evenly_among_n_has_perplexity_n() -> None:
    loss, _ = score(((np.full(7, 1 / 7), event) for event in (0, 3, 6)), [1, 1, 1])
    assert math.exp(loss) == pytest.approx(7)


def test_accuracy_counts_the_likeliest() -> None:
    assert score([([0.5, 0.25, 0.25], 0), ([0.5, 0.25, 0.25], 2)], [1, 1])[1] == 0.5


def test_a_prediction_counts_as_often_as_it_is_made() -> None:
    told = [([0.5, 0.25, 0.25], 0), ([0.5, 0.25, 0.25], 2), ([1.0, 0.0, 0.0], -1)]
    loss, right = score(told, [3, 1, 0])
    assert right == 0.75
    assert loss == pytest.approx((3 * math.log(2) + math.log(4)) / 4)
