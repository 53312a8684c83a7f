"""The cells: the forward pass against a plain loop, the gradients against finite differences."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import SHAPE, a_batch, a_network, by_hand, lanes

from fsmlearn.rnn import ACTIVATIONS, Batch, Elman, FloatArray

CELLS = sorted(ACTIVATIONS)
RAGGED = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(lambda lengths: sorted(lengths, reverse=True))


def case(seed: int, activation: str, lengths: list[int], words: int) -> tuple[dict[str, FloatArray], Batch, FloatArray]:
    """A network, a batch and noise; for relu one whose pre-activations all stay away from the kink."""
    rng = np.random.default_rng(seed)
    while True:
        params, batch = a_network(rng), a_batch(rng, lengths, words)
        noise = rng.normal(0, 0.3, (len(batch.inputs), SHAPE["H"]))
        if activation != "relu" or np.abs(by_hand(activation, params, batch, noise)[0]).min() > 1e-3:
            return params, batch, noise


@given(st.integers(0, 999), st.sampled_from(CELLS), RAGGED, st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_forward_is_the_textbook_recurrence(seed: int, activation: str, lengths: list[int], words: int) -> None:
    params, batch, noise = case(seed, activation, lengths, words)
    for given_noise in (noise, None):
        _, hidden, p = by_hand(activation, params, batch, np.zeros_like(noise) if given_noise is None else noise)
        forward = Elman(activation).forward(params, batch, given_noise)
        np.testing.assert_allclose(forward.hidden, hidden, rtol=0, atol=1e-12)
        np.testing.assert_allclose(forward.probabilities, p, rtol=0, atol=1e-12)
        known = np.flatnonzero(batch.targets >= 0)
        target, weight = batch.targets[known], batch.weights[known]
        assert forward.loss == pytest.approx(-float(weight @ np.log(p[known, target])) / weight.sum(), rel=1e-12)
        assert forward.right == pytest.approx(float(weight[p[known].argmax(1) == target].sum()), rel=1e-12)


@given(st.integers(0, 999), st.sampled_from(CELLS), RAGGED, st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_every_gradient_equals_central_differences(seed: int, activation: str, lengths: list[int], words: int) -> None:
    params, batch, noise = case(seed, activation, lengths, words)
    cell, eps = Elman(activation), 1e-5
    grads = cell.backward(params, batch, cell.forward(params, batch, noise))
    assert grads.keys() == params.keys()
    for name, value in params.items():
        numeric = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            losses = []
            for sign in (1, -1):
                moved = value.copy()
                moved[index] += sign * eps
                losses.append(cell.forward({**params, name: moved}, batch, noise).loss)
            numeric[index] = (losses[0] - losses[1]) / (2 * eps)
        assert grads[name].shape == value.shape
        np.testing.assert_allclose(grads[name], numeric, rtol=1e-7, atol=2e-10, err_msg=name)


@given(st.integers(0, 999), st.sampled_from(CELLS), RAGGED)
@settings(max_examples=30, deadline=None)
def test_the_slope_in_a_random_direction_is_the_gradient_along_it(
    seed: int, activation: str, lengths: list[int]
) -> None:
    params, batch, noise = case(seed, activation, lengths, 2)
    cell, eps = Elman(activation), 1e-5
    rng = np.random.default_rng(seed)
    way = {name: rng.normal(size=value.shape) for name, value in params.items()}
    length = math.sqrt(sum(float((each**2).sum()) for each in way.values()))
    ahead, behind = (
        cell.forward({name: params[name] + sign * eps * way[name] / length for name in params}, batch, noise).loss
        for sign in (1, -1)
    )
    grads = cell.backward(params, batch, cell.forward(params, batch, noise))
    along = sum(float((grads[name] * way[name]).sum()) for name in params) / length
    assert along == pytest.approx((ahead - behind) / (2 * eps), rel=1e-7, abs=2e-10)


def test_two_steps_of_one_unit_by_hand() -> None:
    # s1 = relu(1 - .5) = .5, s2 = relu(2 + 3 * .5 - .5) = 3; the logits are (s, -s), so p(first) = 1 / (1 + exp(-2 s)):
    # 0.73105858 and 0.99752738. The targets are the first and then the second word.
    params = {
        "U": np.array([[1.0], [2.0]]),
        "W": np.array([[3.0]]),
        "b": np.array([-0.5]),
        "V": np.array([[1.0, -1.0]]),
        "c": np.zeros(2),
    }
    batch = Batch(np.array([[0], [1]]), np.array([0, 1]), np.ones(2), np.array([1, 1]), np.zeros((1, 1)))
    cell = Elman("relu")
    forward = cell.forward(params, batch)
    assert forward.hidden.ravel().tolist() == [0.5, 3.0]
    assert forward.loss == pytest.approx((0.31326169 + 6.00247569) / 2, abs=1e-8)
    assert forward.right == 1
    # dL/dlogit of the first word: (0.73105858 - 1) / 2 and 0.99752738 / 2, of the second word the opposite;
    # dL/ds2 = 2 * 0.49876369, dL/ds1 = 2 * -0.13447071 + 3 * dL/ds2.
    grads = cell.backward(params, batch, forward)
    d1, d2, s2 = -0.13447071, 0.49876369, 0.99752738
    s1 = 2 * d1 + 3 * s2
    for name, value in {
        "V": [0.5 * d1 + 3 * d2, -0.5 * d1 - 3 * d2],
        "c": [d1 + d2, -d1 - d2],
        "W": [0.5 * s2],
        "b": [s1 + s2],
        "U": [s1, s2],
    }.items():
        np.testing.assert_allclose(grads[name].ravel(), value, rtol=0, atol=1e-7, err_msg=name)


@given(st.integers(0, 999), st.sampled_from(CELLS), RAGGED)
@settings(max_examples=20, deadline=None)
def test_a_uniform_answer_costs_the_logarithm_of_the_number_of_answers(
    seed: int, activation: str, lengths: list[int]
) -> None:
    params, batch, _ = case(seed, activation, lengths, 2)
    params = {**params, "V": np.zeros_like(params["V"]), "c": np.full_like(params["c"], 7.0)}
    forward = Elman(activation).forward(params, batch)
    np.testing.assert_allclose(forward.probabilities, 1 / SHAPE["O"], rtol=1e-12)
    assert forward.loss == pytest.approx(math.log(SHAPE["O"]), rel=1e-12)


@given(st.integers(0, 999), st.sampled_from(CELLS), RAGGED)
@settings(max_examples=20, deadline=None)
def test_step_goes_where_forward_goes(seed: int, activation: str, lengths: list[int]) -> None:
    params, batch, _ = case(seed, activation, lengths, 2)
    cell = Elman(activation)
    hidden = cell.forward(params, batch).hidden
    before, lo = batch.start, 0
    for size in batch.sizes.tolist():
        untouched = before.copy()
        after = cell.step(params, before[:size], batch.inputs[lo : lo + size])
        assert np.array_equal(before, untouched), "step must not change what it is given"
        np.testing.assert_allclose(after, hidden[lo : lo + size], rtol=0, atol=1e-12)
        before, lo = after, lo + size


@pytest.mark.parametrize("activation", CELLS)
def test_a_weight_counts_like_as_many_rows(activation: str) -> None:
    rng = np.random.default_rng(3)
    params = a_network(rng)
    one = replace(a_batch(rng, [4]), weights=np.full(4, 3.0))
    three = Batch(
        np.repeat(one.inputs, 3, 0), np.repeat(one.targets, 3), np.ones(12), np.full(4, 3), np.repeat(one.start, 3, 0)
    )
    cell = Elman(activation)
    a, b = cell.forward(params, one), cell.forward(params, three)
    assert a.loss == pytest.approx(b.loss, rel=1e-12)
    assert a.right == b.right
    grads, others = cell.backward(params, one, a), cell.backward(params, three, b)
    for name in params:
        np.testing.assert_allclose(grads[name], others[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize("activation", CELLS)
def test_where_no_target_is_known_there_is_nothing_to_learn(activation: str) -> None:
    rng = np.random.default_rng(4)
    params, batch = a_network(rng), a_batch(rng, [3, 2, 2])
    batch = replace(batch, targets=np.full_like(batch.targets, -1))
    cell = Elman(activation)
    forward = cell.forward(params, batch)
    assert (forward.loss, forward.right) == (0, 0)
    assert all(not grad.any() for grad in cell.backward(params, batch, forward).values())


def test_a_trace_does_not_feel_its_neighbours_in_the_batch() -> None:
    rng = np.random.default_rng(5)
    params, batch = a_network(rng), a_batch(rng, [5, 3, 3, 1])
    together = Elman().forward(params, batch).hidden
    for lane, rows in enumerate(lanes(batch)):
        alone = Batch(
            batch.inputs[rows], batch.targets[rows], batch.weights[rows], np.ones(len(rows), int), batch.start[[lane]]
        )
        np.testing.assert_allclose(Elman().forward(params, alone).hidden, together[rows], rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", CELLS)
def test_extreme_values_neither_overflow_nor_become_nan(activation: str, dtype: type) -> None:
    params: dict[str, FloatArray] = {
        "U": np.array([[-1e4], [1e4]], dtype),
        "W": np.zeros((1, 1), dtype),
        "b": np.zeros(1, dtype),
        "V": np.array([[1.0, -1e4]], dtype),
        "c": np.zeros(2, dtype),
    }
    batch = Batch(np.array([[0], [1]]), np.array([1, 1]), np.ones(2, dtype), np.array([2]), np.zeros((2, 1), dtype))
    low = {"tanh": -1.0, "sigmoid": 0.0, "relu": 0.0}[activation]
    high = {"tanh": 1.0, "sigmoid": 1.0, "relu": 1e4}[activation]
    cell = Elman(activation)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        forward = cell.forward(params, batch)
        grads = cell.backward(params, batch, forward)
    assert forward.hidden.ravel().tolist() == [low, high]
    assert math.isfinite(forward.loss)
    assert all(np.isfinite(grad).all() and grad.dtype == dtype for grad in grads.values())


def test_initial_parameters_have_their_shapes_and_keep_the_length_of_a_memory() -> None:
    params = Elman().initial(7, 16, 5, np.random.default_rng(0))
    shapes = {name: value.shape for name, value in params.items()}
    assert shapes == {"U": (7, 16), "W": (16, 16), "b": (16,), "V": (16, 5), "c": (5,)}
    assert {value.dtype for value in params.values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(params["W"] @ params["W"].T, np.eye(16), atol=1e-5)
