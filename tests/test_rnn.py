"""The cells: the forward pass against a plain loop, the gradients against finite differences."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import CELLS, SHAPE, a_batch, a_network, by_hand, lanes

from fsmlearn import products, rnn
from fsmlearn.elman import Elman
from fsmlearn.gru import Gru
from fsmlearn.lstm import Lstm
from fsmlearn.products import FloatArray
from fsmlearn.rnn import LONGEST, Batch, Cell, Room

NAMES = sorted(CELLS)
RAGGED = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(lambda lengths: sorted(lengths, reverse=True))


def case(seed: int, name: str, lengths: list[int], words: int) -> tuple[Cell, dict[str, FloatArray], Batch, FloatArray]:
    """A cell, a network, a batch and noise; for relu one whose pre-activations all stay away from the kink."""
    rng = np.random.default_rng(seed)
    cell = CELLS[name]
    while True:
        params, batch = a_network(rng, cell), a_batch(rng, lengths, words, cell.vectors)
        noise = rng.normal(0, 0.3, (len(batch.inputs), SHAPE["H"]))
        if name != "relu" or np.abs(by_hand(cell, params, batch, noise)[0]).min() > 1e-3:
            return cell, params, batch, noise


@given(st.integers(0, 999), st.sampled_from(NAMES), RAGGED, st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_forward_is_the_textbook_recurrence(seed: int, name: str, lengths: list[int], words: int) -> None:
    cell, params, batch, noise = case(seed, name, lengths, words)
    for given_noise in (noise, None):
        _, memory, p = by_hand(cell, params, batch, np.zeros_like(noise) if given_noise is None else noise)
        forward = cell.forward(params, batch, given_noise)
        np.testing.assert_allclose(forward.memory, memory, rtol=0, atol=1e-12)
        np.testing.assert_allclose(forward.probabilities, p, rtol=0, atol=1e-12)
        known, target, weight = batch.rows, batch.targets, batch.weights
        assert forward.loss == pytest.approx(-float(weight @ np.log(p[known, target])) / weight.sum(), rel=1e-12)
        assert forward.right == pytest.approx(float(weight[p[known].argmax(1) == target].sum()), rel=1e-12)


def a_tree(seed: int, name: str) -> tuple[Cell, dict[str, FloatArray], Batch, FloatArray]:
    """A cell, a network, noise, and a batch of two starts in which traces part, end and answer with several words."""
    cell, params, _, noise = case(seed, name, [5, 5], 2)
    rng = np.random.default_rng(seed)
    batch = Batch(
        inputs=rng.integers(SHAPE["D"], size=(10, 2)),
        sizes=np.array([2, 3, 4, 1]),
        parents=np.array([0, 1, 2, 3, 2, 4, 6, 5, 5, 10]),  # the second step parts, the third joins no end
        start=rng.normal(0, 0.5, (2, cell.vectors * SHAPE["H"])),
        rows=np.array([0, 0, 1, 3, 6, 7, 8, 8, 9]),
        targets=np.array([0, 1, 2, 1, 0, 0, 2, 2, 1]),  # row 8 has the same target twice
        weights=rng.uniform(0.5, 3, 9),
    )
    return cell, params, batch, noise


@given(st.integers(0, 999), st.sampled_from([name for name in NAMES if name != "relu"]))
@settings(max_examples=20, deadline=None)
def test_where_traces_part_each_goes_on_from_what_they_had_in_common(seed: int, name: str) -> None:
    cell, params, batch, noise = a_tree(seed, name)
    forward = cell.forward(params, batch, noise)
    states = np.concatenate([batch.start, forward.memory])
    for row, parent in enumerate(batch.parents.tolist()):
        words, given_noise = batch.inputs[[row]], noise[[row]]
        alone = Batch(
            words, np.array([1]), np.array([0]), states[[parent]], np.array([0]), np.array([0]), batch.weights[:1]
        )
        np.testing.assert_allclose(
            cell.forward(params, alone, given_noise).memory[0], forward.memory[row], rtol=0, atol=1e-12
        )


@given(st.integers(0, 999), st.sampled_from([name for name in NAMES if name != "relu"]))
@settings(max_examples=20, deadline=None)
def test_gradients_add_up_where_traces_part(seed: int, name: str) -> None:
    cell, params, batch, noise = a_tree(seed, name)
    eps = 1e-5
    backward = cell.backward(params, batch, cell.forward(params, batch, noise))
    rng = np.random.default_rng(seed)
    way = {name: rng.normal(size=value.shape) for name, value in params.items()}
    ahead, behind = (
        cell.forward({name: params[name] + sign * eps * way[name] for name in params}, batch, noise).loss
        for sign in (1, -1)
    )
    along = sum(float((backward.grads[name] * way[name]).sum()) for name in params)
    assert along == pytest.approx((ahead - behind) / (2 * eps), rel=1e-6, abs=1e-9)
    moved = rng.normal(size=batch.start.shape)
    ahead, behind = (
        cell.forward(params, replace(batch, start=batch.start + sign * eps * moved), noise).loss for sign in (1, -1)
    )
    along = float((backward.memory[:2] * moved).sum())
    assert along == pytest.approx((ahead - behind) / (2 * eps), rel=1e-6, abs=1e-9)


@given(st.integers(0, 999), st.sampled_from(NAMES), RAGGED, st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_every_gradient_equals_central_differences(seed: int, name: str, lengths: list[int], words: int) -> None:
    cell, params, batch, noise = case(seed, name, lengths, words)
    eps = 1e-5
    grads = cell.backward(params, batch, cell.forward(params, batch, noise)).grads
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


@given(st.integers(0, 999), st.sampled_from(NAMES), RAGGED)
@settings(max_examples=30, deadline=None)
def test_the_slope_in_a_random_direction_is_the_gradient_along_it(seed: int, name: str, lengths: list[int]) -> None:
    cell, params, batch, noise = case(seed, name, lengths, 2)
    eps = 1e-5
    rng = np.random.default_rng(seed)
    way = {name: rng.normal(size=value.shape) for name, value in params.items()}
    length = math.sqrt(sum(float((each**2).sum()) for each in way.values()))
    ahead, behind = (
        cell.forward({name: params[name] + sign * eps * way[name] / length for name in params}, batch, noise).loss
        for sign in (1, -1)
    )
    grads = cell.backward(params, batch, cell.forward(params, batch, noise)).grads
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
    both = np.array([0, 1])
    batch = Batch(both[:, None], np.array([1, 1]), both, np.zeros((1, 1)), both, both, np.ones(2))
    cell = Elman("relu")
    forward = cell.forward(params, batch)
    assert forward.memory.ravel().tolist() == [0.5, 3.0]
    assert forward.loss == pytest.approx((0.31326169 + 6.00247569) / 2, abs=1e-8)
    assert forward.right == 1
    # dL/dlogit of the first word: (0.73105858 - 1) / 2 and 0.99752738 / 2, of the second word the opposite;
    # dL/ds2 = 2 * 0.49876369, dL/ds1 = 2 * -0.13447071 + 3 * dL/ds2.
    grads = cell.backward(params, batch, forward).grads
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


@given(st.integers(0, 999), st.sampled_from(NAMES), RAGGED)
@settings(max_examples=20, deadline=None)
def test_a_uniform_answer_costs_the_logarithm_of_the_number_of_answers(
    seed: int, name: str, lengths: list[int]
) -> None:
    cell, params, batch, _ = case(seed, name, lengths, 2)
    params = {**params, "V": np.zeros_like(params["V"]), "c": np.full_like(params["c"], 7.0)}
    forward = cell.forward(params, batch)
    np.testing.assert_allclose(forward.probabilities, 1 / SHAPE["O"], rtol=1e-12)
    assert forward.loss == pytest.approx(math.log(SHAPE["O"]), rel=1e-12)


@given(st.integers(0, 999), st.sampled_from(NAMES), RAGGED)
@settings(max_examples=20, deadline=None)
def test_step_goes_where_forward_goes(seed: int, name: str, lengths: list[int]) -> None:
    cell, params, batch, _ = case(seed, name, lengths, 2)
    memory = cell.forward(params, batch).memory
    before, lo = batch.start, 0
    for size in batch.sizes.tolist():
        untouched = before.copy()
        after = cell.step(params, before[:size], batch.inputs[lo : lo + size])
        assert np.array_equal(before, untouched), "step must not change what it is given"
        np.testing.assert_allclose(after, memory[lo : lo + size], rtol=0, atol=1e-12)
        before, lo = after, lo + size


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_counts_like_as_many_rows(name: str) -> None:
    rng = np.random.default_rng(3)
    cell = CELLS[name]
    params = a_network(rng, cell)
    one = a_batch(rng, [4], vectors=cell.vectors)
    one = replace(one, weights=np.full(len(one.rows), 3.0))
    three = Batch(
        inputs=np.repeat(one.inputs, 3, 0),
        sizes=np.full(4, 3),
        parents=rnn.lanes(np.full(4, 3)),
        start=np.repeat(one.start, 3, 0),
        rows=(3 * one.rows[:, None] + np.arange(3)).ravel(),
        targets=np.repeat(one.targets, 3),
        weights=np.ones(3 * len(one.rows)),
    )
    a, b = cell.forward(params, one), cell.forward(params, three)
    assert a.loss == pytest.approx(b.loss, rel=1e-12)
    assert a.right == b.right
    grads, others = cell.backward(params, one, a).grads, cell.backward(params, three, b).grads
    for name in params:
        np.testing.assert_allclose(grads[name], others[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_where_no_target_is_known_there_is_nothing_to_learn(name: str) -> None:
    rng = np.random.default_rng(4)
    cell = CELLS[name]
    params, batch = a_network(rng, cell), a_batch(rng, [3, 2, 2], vectors=cell.vectors)
    batch = replace(batch, rows=batch.rows[:0], targets=batch.targets[:0], weights=batch.weights[:0])
    forward = cell.forward(params, batch)
    assert (forward.loss, forward.right) == (0, 0)
    assert all(not grad.any() for grad in cell.backward(params, batch, forward).grads.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_does_not_feel_its_neighbours_in_the_batch(name: str) -> None:
    rng = np.random.default_rng(5)
    cell = CELLS[name]
    params, batch = a_network(rng, cell), a_batch(rng, [5, 3, 3, 1], vectors=cell.vectors)
    together = cell.forward(params, batch).memory
    for lane, rows in enumerate(lanes(batch)):
        alone = replace(
            batch,
            inputs=batch.inputs[rows],
            sizes=np.ones(len(rows), int),
            parents=np.arange(len(rows)),
            start=batch.start[[lane]],
            rows=np.array([0]),
            targets=np.array([0]),
            weights=np.ones(1),
        )
        np.testing.assert_allclose(cell.forward(params, alone).memory, together[rows], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_room_that_other_batches_were_in_changes_nothing(name: str) -> None:
    rng = np.random.default_rng(7)
    cell, room = CELLS[name], Room()
    params = a_network(rng, cell)
    for lengths in ([5, 3, 3, 1], [2], [6, 6, 6, 2]):
        batch = a_batch(rng, lengths, vectors=cell.vectors)
        used, fresh = (cell.forward(params, batch, room=place) for place in (room, None))
        assert np.array_equal(used.memory, fresh.memory)
        assert used.loss == fresh.loss
        grads, others = (cell.backward(params, batch, forward).grads for forward in (used, fresh))
        assert all(np.array_equal(grads[name], others[name]) for name in params)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_extreme_values_neither_overflow_nor_become_nan(name: str, dtype: type) -> None:
    cell = CELLS[name]
    params: dict[str, FloatArray] = {key: np.zeros(shape, dtype) for key, shape in cell.shapes(2, 1, 2).items()}
    params["U"] = np.repeat(np.array([[-1e4], [1e4]], dtype), cell.blocks, 1)
    params["V"][0] = 1.0, -1e4
    start: FloatArray = np.zeros((2, cell.vectors), dtype)
    both = np.array([0, 1])
    batch = Batch(both[:, None], np.array([2]), both, start, both, np.array([1, 1]), np.ones(2, dtype))
    low, high = {
        "tanh": ([-1.0], [1.0]),
        "sigmoid": ([0.0], [1.0]),
        "relu": ([0.0], [1e4]),
        "gru": ([-1.0], [0.0]),  # z closed lets the candidate in, open it keeps the start
        "lstm": ([0.0, 0.0], [math.tanh(1), 1.0]),
    }[name]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        forward = cell.forward(params, batch)
        grads = cell.backward(params, batch, forward).grads
    np.testing.assert_allclose(forward.memory, [low, high], rtol=1e-6, atol=0)
    assert math.isfinite(forward.loss)
    assert all(np.isfinite(grad).all() and grad.dtype == dtype for grad in grads.values())


@given(st.integers(0, 999), st.sampled_from(NAMES), RAGGED)
@settings(max_examples=30, deadline=None)
def test_the_gradient_by_the_memory_equals_central_differences(seed: int, name: str, lengths: list[int]) -> None:
    cell, params, batch, noise = case(seed, name, lengths, 2)
    by_memory = cell.backward(params, batch, cell.forward(params, batch, noise)).memory
    assert by_memory.shape == (len(batch.start) + len(batch.inputs), batch.start.shape[1])
    eps = 1e-5
    for lane, number in np.ndindex(batch.start.shape):
        losses = []
        for sign in (1, -1):
            start = batch.start.copy()
            start[lane, number] += sign * eps
            losses.append(cell.forward(params, replace(batch, start=start), noise).loss)
        numeric = (losses[0] - losses[1]) / (2 * eps)
        assert by_memory[lane, number] == pytest.approx(numeric, rel=1e-7, abs=2e-10)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_the_same_however_its_products_are_cut(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cell, params, batch, noise = case(8, name, [4, 3, 1], 2)
    plain = cell.forward(params, batch, noise)
    grads = cell.backward(params, batch, plain).grads
    monkeypatch.setattr(products, "FEWEST", 1)
    for small in (products.STEP * SHAPE["H"] ** 2 - 1, 3 * SHAPE["H"] ** 2):  # a step's in halves; others in pieces
        monkeypatch.setattr(products, "SMALL", small)
        halved = cell.forward(params, batch, noise)
        np.testing.assert_allclose(halved.memory, plain.memory, rtol=0, atol=1e-12)
        for key, grad in cell.backward(params, batch, halved).grads.items():
            np.testing.assert_allclose(grad, grads[key], rtol=0, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_many_rows_step_as_each_of_them_would(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    cell = CELLS[name]
    params = a_network(rng, cell)
    memory, inputs = rng.normal(size=(7, cell.width(params))), rng.integers(SHAPE["D"], size=(7, 2))
    monkeypatch.setattr("fsmlearn.rnn.BLOCK", 3)
    together = cell.step(params, memory, inputs)
    alone = [cell.step(params, memory[[row]], inputs[[row]])[0] for row in range(7)]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lots", [1, 2, 5])
def test_a_memory_steps_by_several_inputs_as_by_each(name: str, lots: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(lots)
    cell = CELLS[name]
    params = a_network(rng, cell)
    memory, inputs = rng.normal(size=(7, cell.width(params))), rng.integers(SHAPE["D"], size=(lots, 7, 2))
    one_by_one = np.concatenate([cell.step(params, memory, lot) for lot in inputs])
    assert cell.step(params, memory[:0], inputs[:0, 0]).shape == (0, cell.width(params))
    for block in (3, 4, 12, 1000):
        monkeypatch.setattr("fsmlearn.rnn.BLOCK", block)
        together = cell.step(params, memory, inputs.reshape(-1, 2))
        np.testing.assert_allclose(together, one_by_one, rtol=0, atol=1e-12)
    monkeypatch.setattr(products, "SMALL", products.STEP * SHAPE["H"] ** 2 - 1)  # a step's in halves
    np.testing.assert_allclose(cell.step(params, memory, inputs.reshape(-1, 2)), one_by_one, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_initial_parameters_have_their_shapes_and_keep_the_length_of_a_memory(name: str) -> None:
    cell = CELLS[name]
    params = cell.initial(7, 16, 5, np.random.default_rng(0))
    assert {key: value.shape for key, value in params.items()} == cell.shapes(7, 16, 5)
    assert {value.dtype for value in params.values()} == {np.dtype(np.float32)}
    for block in np.hsplit(params["W"], cell.blocks):
        np.testing.assert_allclose(block @ block.T, np.eye(16), atol=1e-5)


def test_the_shapes_of_each_cell_are_those_of_its_equations() -> None:
    common = {"V": (16, 5), "c": (5,)}
    assert Elman().shapes(7, 16, 5) == common | {"U": (7, 16), "W": (16, 16), "b": (16,)}
    assert Gru().shapes(7, 16, 5) == common | {"U": (7, 48), "W": (16, 48), "b": (48,), "a": (16,)}
    assert Lstm().shapes(7, 16, 5) == common | {"U": (7, 64), "W": (16, 64), "b": (64,)}
    assert [cell.width(a_network(np.random.default_rng(0), cell)) for cell in (Elman(), Gru(), Lstm())] == [4, 4, 8]


@pytest.mark.parametrize("cell", [Gru(), Lstm()])
def test_the_gates_of_a_new_network_keep_memories_for_two_rows_up_to_the_longest(cell: Cell) -> None:
    b = cell.initial(2, 500, 2, np.random.default_rng(0))["b"]
    rows = 1 / (1 - 1 / (1 + np.exp(-b[500:1000].astype(np.float64))))  # a gate at k hands on k of a memory
    assert 2 <= rows.min() < 2.1
    assert LONGEST - 3 < rows.max() <= LONGEST + 1
    assert np.median(rows) == pytest.approx(math.sqrt(LONGEST), rel=0.25)


def test_only_arrays_of_the_cells_own_shapes_fit_it() -> None:
    for cell in (Elman(), Gru(), Lstm()):
        params = a_network(np.random.default_rng(0), cell)
        assert [other.fits(params) for other in (Elman(), Gru(), Lstm())].count(True) == 1
        assert cell.fits(params)
        for name in params:
            assert not cell.fits({key: value for key, value in params.items() if key != name})
            assert not cell.fits(params | {name: params[name][1:]}) or name in {"U"}
            assert not cell.fits(params | {name: np.array(0.5)})
        assert not cell.fits(params | {"more": np.zeros(3)})
