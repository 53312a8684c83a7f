"""Whether what a machine leaves unexplained looks like noise."""

from __future__ import annotations

from dataclasses import replace
from math import exp, factorial, log

import numpy as np
import pytest
from hidden import hidden

from fsmlearn.mending import Mended
from fsmlearn.residuals import _upper, explained
from fsmlearn.standing import settle, stand


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("seed", range(6))
def test_the_true_machine_leaves_nothing_but_noise(seed: int, noise: float) -> None:
    case, _ = hidden(seed, noise=noise, traces=400, length=16)
    assert explained(case.rows, case.true().fit)


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("seed", range(6))
def test_a_machine_that_lacks_a_state_leaves_more(seed: int, noise: float) -> None:
    case, _ = hidden(seed, noise=noise, traces=400, length=16)
    true = case.true()
    k = len(true.table)
    for gone in range(1, k):
        to = np.arange(k)
        to[gone] = 0
        fewer = replace(true.table, target=to[true.table.target], start=to[true.table.start])
        assert not explained(case.rows, settle(case.rows, fewer, to[true.found]).fit)


def test_lost_rows_are_no_noise() -> None:
    case, _ = hidden(2, lost=0.05, traces=400, length=16)
    assert not explained(case.rows, case.true().fit)


def test_a_small_log_cannot_tell() -> None:
    case, _ = hidden(1, traces=400, length=16)
    assert case.rows.few and not Mended(case.rows, case.true()).explains
    drawn = replace(case.rows, certain=False)
    assert not Mended(drawn, stand(drawn, case.table, np.zeros(len(drawn), int))).explains


@pytest.mark.parametrize(("count", "expected"), [(1, 0.2), (3, 1.0), (8, 2.5), (20, 9.0)])
def test_the_bound_is_above_the_poisson_tail_and_not_far(count: int, expected: float) -> None:
    below = sum(exp(-expected) * expected**n / factorial(n) for n in range(count))
    tail = log(1 - below)
    bound = float(_upper(np.array(count), np.array(expected)))
    assert tail <= bound <= tail + 3
    assert _upper(np.array(count), np.array(count + 1.0)) == 0
