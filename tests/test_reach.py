"""The gradient by lag, against finite differences and against what can be said in advance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import log_of
from networks import CELLS

from fsmlearn.elman import Elman
from fsmlearn.errors import LogError
from fsmlearn.histories import Histories, histories
from fsmlearn.products import FloatArray
from fsmlearn.reach import reach
from fsmlearn.rnn import Cell, Params


def random_log(lengths: list[int], window: int, seed: int = 0) -> Histories:
    rng = np.random.default_rng(seed)
    return histories(
        log_of([[tuple("ABC"[i] for i in row) for row in rng.integers(3, size=(n, 3))] for n in lengths]), window
    )


def network(data: Histories, cell: Cell) -> dict[str, FloatArray]:
    rng = np.random.default_rng(1)
    return {
        name: rng.normal(0, 0.7, value.shape)
        for name, value in cell.initial(data.words, 4, len(data.answers), rng).items()
    }


def loss(data: Histories, cell: Cell, params: Params, memory: FloatArray, rows: list[int], target: int) -> float:
    """Loss of the last of the rows, which are run one after another from a memory (1, M)."""
    for row in rows:
        memory = cell.step(params, memory, data.inputs[[row]])
    logits = cell.logits(params, memory)[0]
    return float(np.log(np.exp(logits).sum()) - logits[target])


def by_differences(data: Histories, cell: Cell, params: Params, trace: list[int], place: int, lag: int) -> float:
    """Norm of the gradient of the loss at a place in a trace by the memory `lag` rows before."""
    memory: FloatArray = np.zeros((1, cell.width(params)))
    for row in trace[: place - lag + 1]:
        memory = cell.step(params, memory, data.inputs[[row]])
    later, target, eps = trace[place - lag + 1 : place + 1], int(data.targets[trace[place]]), 1e-5
    gradient = []
    for unit in np.eye(memory.shape[1]):
        ahead, behind = (loss(data, cell, params, memory + sign * eps * unit, later, target) for sign in (1, -1))
        gradient.append((ahead - behind) / (2 * eps))
    return float(np.linalg.norm(gradient))


@given(
    st.sampled_from(sorted(CELLS)),
    st.lists(st.integers(1, 7), min_size=1, max_size=4),
    st.integers(1, 4),
    st.integers(0, 3),
)
@settings(deadline=None, max_examples=30)
def test_it_is_the_mean_of_what_finite_differences_give(name: str, lengths: list[int], window: int, lags: int) -> None:
    cell, data = CELLS[name], random_log(lengths, window)
    params = network(data, cell)
    if max(lengths) <= lags:
        with pytest.raises(LogError, match=f"no row has {lags} others before it"):
            reach(data, cell, params, lags)
        return
    ends = np.cumsum(lengths).tolist()
    traces = [list(range(end - length, end)) for end, length in zip(ends, lengths, strict=True)]
    asked = [(trace, place) for trace in traces for place in range(lags, len(trace))]
    expected = [
        np.mean([by_differences(data, cell, params, trace, place, lag) for trace, place in asked])
        for lag in range(lags + 1)
    ]
    # the memories that the log is run from are float32
    np.testing.assert_allclose(reach(data, cell, params, lags), expected, rtol=1e-4, atol=1e-6)


def test_only_the_rows_that_are_asked_for_count() -> None:
    cell, data = Elman(), random_log([9, 9], 64)
    params = network(data, cell)
    one, other = (reach(data, cell, params, 3, np.array([row])) for row in (5, 16))
    assert not np.allclose(one, other)
    np.testing.assert_allclose(reach(data, cell, params, 3, np.array([16, 5, 2, 10])), (one + other) / 2, rtol=1e-12)


def test_rows_without_an_answer_are_not_asked() -> None:
    data = random_log([9], 64)
    data.targets[:8] = -1
    params = network(data, Elman())
    np.testing.assert_array_equal(reach(data, Elman(), params, 2), reach(data, Elman(), params, 2, np.array([8])))


def test_what_halves_at_every_step_is_halved_at_every_lag() -> None:
    data = random_log([20], 64)
    params = network(data, CELLS["relu"])
    params |= {"U": np.ones_like(params["U"]), "W": np.eye(4) / 2, "b": np.ones(4)}  # never at the kink
    found = reach(data, CELLS["relu"], params, 12)
    np.testing.assert_allclose(found, found[0] / 2.0 ** np.arange(13), rtol=1e-12)


def test_a_long_log_is_sampled_evenly_and_always_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    data = random_log([60], 64)
    params = network(data, Elman())
    monkeypatch.setattr("fsmlearn.reach.ROWS", 5)
    monkeypatch.setattr("fsmlearn.reach.CHUNK", 2)
    found = reach(data, Elman(), params, 3)
    monkeypatch.setattr("fsmlearn.reach.ROWS", 1000)
    np.testing.assert_allclose(found, reach(data, Elman(), params, 3, np.array([3, 17, 31, 45, 59])), rtol=1e-12)
