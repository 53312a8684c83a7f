"""Levels of a number: as many as it rests on, whatever the noise, the scale, and what is passed in between."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fsmlearn.levels import Cut, cuts, histogram, holding
from fsmlearn.levels import levels as levelled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SEEDS = range(3)


def levels(values: Floats, cuts: Sequence[Cut], begins: Ints) -> Ints:
    """The levels of values as a log of them is read."""
    return levelled(values, holding(values, cuts, begins), begins)


def rests(rng: np.random.Generator, *at: float, noise: float = 1.0, size: int = 400) -> Floats:
    """Values about some levels, in no order."""
    return rng.permutation(np.concatenate([rng.normal(level, noise, size) for level in at]))


def tank(rng: np.random.Generator, noise: float, shape: str, full: float = 50.0, cycles: int = 60) -> Floats:
    """The level of a tank over time that is filled and drained: it rests for about 20 rows empty and 20 full, and is on
    its way, as a sine or straight, for about 60 each."""
    parts = []
    for _ in range(cycles):
        way = np.linspace(0, 1, rng.integers(30, 90))
        way = full * ((1 - np.cos(np.pi * way)) / 2 if shape == "sine" else way)
        parts += [np.zeros(rng.integers(10, 30)), way, np.full(rng.integers(10, 30), full), way[::-1]]
    level = np.concatenate(parts)
    return level + rng.normal(0, noise, len(level))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_number_has_as_many_levels_as_it_rests_on(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two, three = (cuts(rests(rng, *at)) for at in ((0,), (0, 40), (0, 20, 50)))
    assert [len(each) for each in (one, two, three)] == [0, 1, 2]
    assert 5 < two[0].at < 35
    assert 4 < three[0].at < 16 and 24 < three[1].at < 46


@pytest.mark.parametrize("seed", SEEDS)
def test_what_rests_nowhere_has_one_level(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for values in (rng.normal(size=5000), rng.random(5000), rng.exponential(size=5000), np.zeros(9), np.zeros(0)):
        assert cuts(values) == ()
    assert cuts(np.concatenate([np.linspace(0, 50, 200), np.linspace(50, 0, 200)] * 20)) == ()  # to and fro


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("shape", "noise"), [("sine", 0.3), ("sine", 2), ("sine", 5), ("straight", 0.3), ("straight", 2)]
)
def test_what_is_passed_on_a_way_is_no_level(seed: int, shape: str, noise: float) -> None:
    values = tank(np.random.default_rng(seed), noise, shape)
    [cut] = cuts(values)
    assert 15 < cut.at < 35
    level = levels(values, (cut,), np.zeros(1, np.int64))
    assert np.count_nonzero(np.diff(level)) == 2 * 60  # once up and once down a cycle, in spite of the noise


def test_levels_may_differ_in_noise_and_in_how_often_they_come() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(1, 0.05, 3000), rng.normal(10, 0.5, 300), rng.normal(100, 5, 60)])
    first, second = cuts(values)
    assert 1.2 < first.at < 8 and 12 < second.at < 85


def test_a_few_wild_values_are_no_level() -> None:
    rng = np.random.default_rng(0)
    values = np.append(rests(rng, 0, 40), [9999.0, 9999.0, -700.0, np.nan, np.inf])
    [cut] = cuts(values)
    assert 5 < cut.at < 35


@pytest.mark.parametrize("digits", [0, 1])
def test_rounded_values_are_no_comb_of_levels(digits: int) -> None:
    rng = np.random.default_rng(0)
    assert len(cuts(np.round(rests(rng, 0, 40, noise=2), digits))) == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3), st.booleans())
def test_units_order_and_sign_do_not_matter(seed: int, scale: float, shift: float, turned: bool) -> None:
    rng = np.random.default_rng(seed)
    values = rests(rng, 0, 20, 50, size=200)
    expected = [cut.at for cut in cuts(values)]
    sign = -1 if turned else 1
    found = cuts(rng.permutation(values) * scale * sign + shift)
    assert len(found) == len(expected)
    back = sorted((cut.at - shift) / scale * sign for cut in found)
    for one, other in zip(expected, back, strict=True):
        assert abs(one - other) < 8  # an edge may be another of two as good ones


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=2, max_size=300).filter(lambda each: len(set(each)) > 1))
def test_a_histogram_holds_every_value(values: list[int]) -> None:
    edges, counts = histogram(np.sort(np.array(values, np.float64)))
    assert counts.sum() == len(values) and len(edges) == len(counts) + 1
    assert (np.diff(edges) > 0).all() and edges[0] < min(values) and edges[-1] > max(values)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=60),
    st.sets(st.integers(0, 59)),
    st.lists(st.integers(5, 25), min_size=0, max_size=3),
)
def test_a_value_between_two_levels_stays_where_it_came_from(
    values: list[int], starts: set[int], widths: list[int]
) -> None:
    found = [Cut(at, at - 4, at + 4) for at in np.cumsum(widths).tolist()]
    begins = sorted({0} | {start for start in starts if start < len(values)})
    expected, level = [], 0
    for row, value in enumerate(values):
        surely = sum(value >= cut.high for cut in found), sum(value >= cut.low for cut in found)
        if row in begins:
            level = sum(value >= cut.at for cut in found)
        level = min(max(level, surely[0]), surely[1])
        expected.append(level)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fsmlearn.levels._follows", lambda *_: 1.0)  # the number changes slowly
        assert levels(np.array(values, np.float64), found, np.array(begins)).tolist() == expected
        patch.setattr("fsmlearn.levels._follows", lambda *_: 0.0)
        plain = [sum(value >= cut.at for cut in found) for value in values]
        assert levels(np.array(values, np.float64), found, np.array(begins)).tolist() == plain


def test_near_levels_that_come_in_any_order_are_told_apart_row_by_row() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, 4000)
    values = 5.0 * true + rng.normal(size=4000)
    assert np.mean(levels(values, cuts(values), np.zeros(1, np.int64)) != true) < 0.01


def test_a_simulated_tank_without_noise_has_two_levels() -> None:
    way = 50 * (1 - np.cos(np.linspace(0, np.pi, 60))) / 2
    values = np.concatenate([np.zeros(20), way, np.full(20, 50.0), way[::-1]] * 40)
    assert len(cuts(values)) == 1
