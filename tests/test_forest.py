"""What is joined in a batch is what is equal in the log, and it teaches what the traces one by one would teach."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import Row, log_of
from networks import CELLS

from fsmlearn.forest import TOGETHER, forest, pack, whole
from fsmlearn.histories import Histories, histories
from fsmlearn.products import FloatArray
from fsmlearn.rnn import Batch, Cell
from fsmlearn.train import visit

# Few words, or hardly anything would be equal.
ROW: st.SearchStrategy[Row] = st.tuples(
    st.sampled_from("AB"), st.sampled_from("xy"), st.sampled_from(["A", "B", ""]), st.sampled_from(["0", ""])
)
LOGS = st.lists(st.lists(ROW, min_size=1, max_size=7), min_size=1, max_size=9)
NAMES = sorted(name for name in CELLS if name != "relu")


def network(data: Histories, cell: Cell, seed: int) -> dict[str, FloatArray]:
    rng = np.random.default_rng(seed)
    shapes = cell.initial(data.words, 4, max(len(data.answers), 1), rng)
    return {name: rng.normal(0, 0.7, value.shape) for name, value in shapes.items()}


def learned(
    data: Histories, chosen: np.ndarray, cell: Cell, params: dict[str, FloatArray], carried: FloatArray
) -> tuple[float, dict[str, FloatArray]]:
    """Loss and gradient of windows, each run alone from what is carried to it, row by row with nothing joined."""
    total, weight = 0.0, 0
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    for w in chosen.tolist():
        n, previous = int(data.lengths[w]), int(data.previous[w])
        rows = np.arange(data.starts[w], data.starts[w] + n)
        known = np.flatnonzero(data.targets[rows] >= 0)
        start = carried[[data.places[previous]]] if previous >= 0 else np.zeros((1, carried.shape[1]))
        batch = Batch(
            inputs=data.inputs[rows],
            sizes=np.ones(n, int),
            parents=np.arange(n),
            start=start,
            rows=known,
            targets=data.targets[rows][known],
            weights=np.ones(len(known)),
        )
        forward = cell.forward(params, batch)
        total, weight = total + forward.loss * len(known), weight + len(known)
        for name, grad in cell.backward(params, batch, forward).grads.items():
            grads[name] += grad * len(known)
    return total / max(weight, 1), {name: grad / max(weight, 1) for name, grad in grads.items()}


@given(LOGS, st.integers(1, 8), st.sampled_from(NAMES), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_loss_and_gradients_are_those_of_every_trace_by_itself(
    written: list[list[Row]], window: int, name: str, seed: int
) -> None:
    data, cell = histories(log_of(written), window), CELLS[name]
    params = network(data, cell, seed)
    rng = np.random.default_rng(seed)
    carried = rng.normal(size=(len(data.starts), cell.width(params)))
    chosen = np.flatnonzero(rng.random(len(data.starts)) < 0.7)
    if not len(chosen):
        return
    grove = forest(data, chosen)
    hands = np.array_split(rng.permutation(len(grove)), min(int(rng.integers(1, 4)), len(grove)))
    total, weight, found = 0.0, 0.0, {key: np.zeros_like(value) for key, value in params.items()}
    for packed in pack(grove, map(whole, hands)):
        batch = packed.batch(carried)
        forward = cell.forward(params, batch)
        total, weight = total + forward.loss * forward.weight, weight + forward.weight
        for key, grad in cell.backward(params, batch, forward).grads.items():
            found[key] += grad * forward.weight
    loss, grads = learned(data, chosen, cell, params, carried)
    assert total / max(weight, 1) == pytest.approx(loss, rel=1e-10, abs=1e-12)
    for key, expected in grads.items():
        scale = float(np.abs(expected).max())
        atol = 1e-10 * scale + 1e-15
        np.testing.assert_allclose(found[key] / max(weight, 1), expected, rtol=0, atol=atol, err_msg=key)


@given(LOGS, st.integers(1, 8), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_a_batch_has_one_row_for_each_history_and_all_its_targets(
    written: list[list[Row]], window: int, seed: int
) -> None:
    data = histories(log_of(written), window)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(data.starts))[: int(rng.integers(1, len(data.starts) + 1))]
    grove = forest(data, chosen)
    carried = rng.normal(size=(len(data.starts), 3))
    all_of_them = rng.permutation(len(grove))
    *_, packed = pack(grove, [whole(all_of_them[: len(grove) // 2 + 1]), whole(all_of_them)])  # after another hand
    batch, history = packed.batch(carried), data.history[packed.rows]
    expected: Counter[tuple[int, int]] = Counter()
    met = set()
    for w in chosen.tolist():
        rows = range(int(data.starts[w]), int(data.starts[w] + data.lengths[w]))
        expected.update((int(data.history[r]), int(data.targets[r])) for r in rows if data.targets[r] >= 0)
        met.update(data.history[list(rows)].tolist())
    assert sorted(met) == sorted(history.tolist()), "each history once"
    found: Counter[tuple[int, int]] = Counter()
    for row, target, weight in zip(batch.rows.tolist(), batch.targets.tolist(), batch.weights.tolist(), strict=True):
        found[int(history[row]), target] += int(weight)
    assert found == expected
    assert np.array_equal(batch.inputs, data.inputs[packed.rows])
    starts, first = len(batch.start), np.cumsum(batch.sizes) - batch.sizes
    assert starts == batch.sizes[0]
    begins = set(data.starts[data.previous < 0].tolist())
    for row, (parent, at) in enumerate(zip(batch.parents.tolist(), packed.rows.tolist(), strict=True)):
        step = int(np.searchsorted(first, row, side="right")) - 1
        if step:
            assert first[step - 1] <= parent - starts < first[step]
            assert history[parent - starts] == data.history[at - 1]
        else:
            goes_on = at not in begins
            place = data.places[np.flatnonzero(data.starts == at)[0] - 1] if goes_on else -1
            assert np.array_equal(batch.start[parent], carried[place] if goes_on else np.zeros(3))
    assert sorted(packed.places.tolist()) == sorted(set(data.places[chosen].tolist()))
    last = {int(data.places[w]): int(data.history[data.starts[w] + data.lengths[w] - 1]) for w in chosen}
    assert [int(history[end]) for end in packed.ends] == [last[place] for place in packed.places.tolist()]


@given(LOGS, st.integers(1, 8), st.randoms())
@settings(max_examples=30, deadline=None)
def test_the_order_of_traces_changes_nothing_and_repetition_is_weight(
    written: list[list[Row]], window: int, random: object
) -> None:
    data = histories(log_of(written), window)
    again = histories(log_of([*written, *written[::-1], *written]), window)
    cell = CELLS["gru"]
    params = network(data, cell, 0)
    results = []
    for each in (data, again):
        grove = forest(each, np.flatnonzero(each.previous < 0))
        batch = next(pack(grove, [whole(np.arange(len(grove)))])).batch(np.zeros((len(each.starts), 4)))
        forward = cell.forward(params, batch)
        results.append((len(batch.inputs), forward, cell.backward(params, batch, forward).grads))
    (rows, one, grads), (others, three, more) = results
    assert rows == others, "what is repeated costs nothing"
    assert three.weight == 3 * one.weight
    assert three.loss == pytest.approx(one.loss, rel=1e-12, abs=1e-12)
    for key, value in grads.items():
        np.testing.assert_allclose(more[key], value, rtol=0, atol=1e-12)


@given(LOGS, st.integers(1, 4), st.sampled_from(NAMES))
@settings(max_examples=30, deadline=None)
def test_memory_carried_over_windows_is_that_of_the_whole_trace(
    written: list[list[Row]], window: int, name: str
) -> None:
    log, cell = log_of(written), CELLS[name]
    cut, whole = histories(log, window), histories(log, 99)
    params = network(whole, cell, 1)
    np.testing.assert_allclose(visit(cut, cell, params), visit(whole, cell, params), rtol=0, atol=1e-5)


def test_more_hands_than_are_laid_out_at_once_come_in_their_order() -> None:
    data = histories(log_of([[("A", trigger, "B", "")] for trigger in "uvwxyz"]))
    grove = forest(data, np.arange(len(data.starts)))
    hands = [whole(np.array([k % 6, (k + 2) % 6])) for k in range(2 * TOGETHER + 1)]
    batches = list(pack(grove, hands))
    assert [sorted(grove.windows[chosen].tolist()) for chosen, _ in hands] == [sorted(b.rows.tolist()) for b in batches]


def test_a_share_multiplies_the_weights_of_the_targets_of_its_window() -> None:
    data = histories(log_of([[("A", trigger, "B", "")] for trigger in "xxxy"]))
    grove = forest(data, np.arange(len(data.starts)))
    share = np.array([0.5, 0.25], np.float32)
    (packed,) = pack(grove, [(np.array([1, 0]), share)])
    window = {row: k for k, row in enumerate(grove.windows.tolist())}  # each is one row long
    of = [window[row] for row in packed.rows[packed.targeted].tolist()]
    assert sorted(grove.weights.tolist()) == [1, 3]
    assert packed.weights.tolist() == [grove.weights[k] * share[1 - k] for k in of]
