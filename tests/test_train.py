"""Dealing out minibatches, the optimiser's steps, training on a toggle, and visiting a log window by window."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import Row, lamp, log_of

from fsmlearn.alike import distinct
from fsmlearn.elman import Elman
from fsmlearn.forest import forest, pack, whole
from fsmlearn.gru import Gru
from fsmlearn.histories import Histories, histories
from fsmlearn.lstm import Lstm
from fsmlearn.products import FloatArray
from fsmlearn.rnn import Cell, Params
from fsmlearn.train import Adam, Epoch, Flat, Plan, cell_of, deal, evaluate, one_cycle, split, train, visit

LENGTHS = st.lists(st.integers(1, 12), min_size=1, max_size=8)
SMALL = Plan(hidden=16, epochs=4, rate=0.01, batch=8)


def toggle(traces: int, length: int, seed: int, window: int = 64) -> Histories:
    return histories(lamp(np.random.default_rng(seed), traces, length), window)


def toggle_words() -> list[list[Row]]:
    rng = np.random.default_rng(3)
    return [[tuple("AB"[i] for i in row) for row in rng.integers(2, size=(n, 3))] for n in range(1, 12)]


def random_log(lengths: list[int], window: int, seed: int = 0) -> Histories:
    rng = np.random.default_rng(seed)
    words = [[tuple("ABC"[i] for i in row) for row in rng.integers(3, size=(n, 3))] for n in lengths]
    return histories(log_of(words), window)


def network(data: Histories, hidden: int = 5, seed: int = 1, cell: Cell | None = None) -> dict[str, FloatArray]:
    rng = np.random.default_rng(seed)
    params = (cell or Elman()).initial(data.words, hidden, len(data.answers), rng)
    return params | {"b": rng.normal(size=params["b"].shape).astype(np.float32)}


def plain_visit(data: Histories, params: Params, cell: Cell | None = None) -> tuple[FloatArray, FloatArray]:
    """Memory before and after each row, one row after another through whole traces."""
    cell = cell or Elman()
    before = np.zeros((len(data), cell.width(params)), np.float32)
    after = np.zeros_like(before)
    begins = set(data.starts[data.previous < 0].tolist())
    for row in range(len(data)):
        if row not in begins:
            before[row] = after[row - 1]
        after[row] = cell.step(params, before[[row]], data.inputs[[row]])[0]
    return before, after


@pytest.mark.parametrize("steps", [1, 3, 20, 1000])
def test_the_rate_rises_once_to_its_peak_and_falls_to_almost_nothing(steps: int) -> None:
    rates = [one_cycle(step, steps, 0.5) for step in range(steps)]
    top = rates.index(max(rates))
    assert max(rates) == 0.5
    assert all(rate > 0 for rate in rates)
    assert all(a < b for a, b in pairwise(rates[: top + 1]))
    late = rates[rates.index(0.5, top) :]
    assert all(a >= b for a, b in pairwise(late))
    assert top <= 0.15 * steps
    if steps >= 20:
        assert rates[0] < 0.5 / 2
        assert rates[-1] < 0.5 / 50


@given(LENGTHS, st.integers(1, 4), st.sampled_from([0.0, 0.1, 0.5, 0.9]), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_whole_traces_are_held_out(lengths: list[int], window: int, share: float, seed: int) -> None:
    data = random_log(lengths, window)
    (training, many), (held, often) = split(data, share, np.random.default_rng(seed))
    assert set(many.tolist()) | set(often.tolist()) <= {1}
    assert sorted([*training.tolist(), *held.tolist()]) == list(range(len(data.starts)))
    trace = np.searchsorted(np.cumsum([0, *lengths]), data.starts, side="right") - 1
    assert set(trace[training].tolist()).isdisjoint(trace[held].tolist())
    assert len(set(trace[held].tolist())) == int(share * len(lengths))


def test_one_trace_is_never_held_out() -> None:
    data = random_log([9], 2)
    (training, _), (held, _) = split(data, 0.1, np.random.default_rng(0))
    assert (len(training), len(held)) == (5, 0)


@given(st.lists(st.sampled_from(["xy", "xx", "yxyx"]), min_size=1, max_size=40), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_traces_that_are_alike_are_one_and_are_held_out_as_often_as_they_would_be(words: list[str], seed: int) -> None:
    log = log_of([[(letter, "01"[letter == "x"]) for letter in word] for word in words], "hidden")
    traces = distinct(log, np.zeros(len(log), np.bool_))
    one, other = histories(log, 2), histories(traces.log, 2, traces.like)
    assert (one.rows, one.distinct) == (other.rows, other.distinct) and len(traces.log.traces) == len(set(words))
    for each, its in zip(
        split(one, 0.3, np.random.default_rng(seed)), split(other, 0.3, np.random.default_rng(seed)), strict=True
    ):
        first, second = forest(one, *each), forest(other, *its)
        for name in ("history", "begins", "steps", "targets", "weights"):
            assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_adam_by_hand() -> None:
    # Moments decay by .9 and .999 and are divided by 1 - .9^t and 1 - .999^t. The first step is therefore the rate
    # against the sign of g; then with g = (1, 2): m = .9 * .1 * 4 + .1 * 1 = .46 and .9 * .1 * -2 + .1 * 2 = .02,
    # v = .999 * .001 * 16 + .001 * 1 = .016984 and .999 * .001 * 4 + .001 * 4 = .007996.
    vector = np.array([1.0, 5.0], np.float32)
    adam = Adam(vector)
    adam.step(np.array([4.0, -2.0], np.float32), 0.25)
    np.testing.assert_allclose(vector, [0.75, 5.25], rtol=1e-5)
    adam.step(np.array([1.0, 2.0], np.float32), 0.25)
    first = 0.75 - 0.25 * (0.46 / 0.19) / math.sqrt(0.016984 / 0.001999)
    second = 5.25 - 0.25 * (0.02 / 0.19) / math.sqrt(0.007996 / 0.001999)
    np.testing.assert_allclose(vector, [first, second], rtol=1e-5)


def test_a_flat_vector_is_the_parameters() -> None:
    params = network(random_log([3], 2))
    flat = Flat(params)
    kept = flat.copy()
    assert all(np.array_equal(flat.params[name], params[name]) for name in params)
    assert np.array_equal(flat.flattened(params), flat.vector)
    flat.vector += 1
    assert all(np.array_equal(flat.params[name], params[name] + np.float32(1)) for name in params)
    assert all(np.array_equal(kept[name], params[name]) for name in params), "a copy does not move"


@given(st.lists(st.integers(1, 3), min_size=1, max_size=40), st.integers(1, 8), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_every_window_is_dealt_out_whole_and_no_hand_has_it_twice(chosen: list[int], batches: int, seed: int) -> None:
    traces = {1: [("A", "x", "B")] * 3, 2: [("A", "y", "B"), ("B", "x", "A")], 3: [("B", "y", "A")]}
    data = histories(log_of([traces[k] for k in chosen]))
    grove = forest(data, np.arange(len(data.starts)))
    batches = min(batches, len(grove))
    dealt = np.zeros(len(grove))
    sizes = []
    for hand, share in deal(grove, batches, np.random.default_rng(seed)):
        assert len(set(hand.tolist())) == len(hand) == len(share)
        dealt[hand] += share
        sizes.append(len(hand))
    assert len(sizes) == batches
    assert max(sizes) - min(sizes) <= 1
    np.testing.assert_allclose(dealt, 1, rtol=1e-6)


def test_a_window_that_outweighs_the_others_is_in_every_minibatch() -> None:
    common, *rare = ([("A", "x", "B")], *([("A", trigger, "B")] for trigger in "yzuv"))
    data = histories(log_of([common] * 1000 + rare))
    grove = forest(data, np.arange(len(data.starts)))
    assert len(grove) == 5
    heaviest = int(grove.weights.argmax())
    hands = list(deal(grove, 3, np.random.default_rng(0)))
    assert all(heaviest in hand for hand, _ in hands)


@pytest.mark.parametrize("name", ["elman", "gru", "lstm"])
def test_a_log_written_ten_times_is_learned_like_one_written_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = np.zeros(0, np.int64)
    # without the draw of the held-out traces, whose number would leave the generator in another state
    monkeypatch.setattr("fsmlearn.train.split", lambda data, share, rng: ((np.arange(len(data.starts)),), (nothing,)))
    data, tenfold = (histories(log_of(toggle_words() * times)) for times in (1, 10))
    one, ten = (list(train(each, cell_of(name), SMALL, np.random.default_rng(0)))[-1] for each in (data, tenfold))
    assert ten.loss == pytest.approx(one.loss, rel=1e-3)
    for key, value in one.params.items():
        np.testing.assert_allclose(ten.params[key], value, rtol=0, atol=1e-3)


def test_a_toggle_is_learned_to_the_last_row_within_a_few_epochs() -> None:
    data = toggle(traces=200, length=12, seed=0)
    epochs = list(train(data, Elman(), Plan(hidden=32, epochs=15, rate=0.02, batch=8), np.random.default_rng(0)))
    assert epochs[-1].held_out_accuracy == 1
    assert epochs[-1].held_out_loss < 0.05 < epochs[0].held_out_loss
    fresh = toggle(traces=20, length=40, seed=1)
    carried = np.zeros((len(fresh.starts), 32), np.float32)
    _, accuracy = evaluate(forest(fresh, np.arange(len(fresh.starts))), Elman(), epochs[-1].params, carried)
    assert accuracy == 1, "what was learned holds for traces longer than any that was seen"


@pytest.mark.parametrize("name", ["elman", "gru", "lstm"])
def test_memory_is_carried_from_window_to_window_in_training(name: str) -> None:
    # With windows of two rows and no memory between them, nearly every row would be a guess.
    data = toggle(traces=150, length=8, seed=0, window=2)
    plan = Plan(hidden=32, epochs=60, rate=0.02, batch=32)
    epochs = list(train(data, cell_of(name), plan, np.random.default_rng(0)))
    assert epochs[-1].held_out_accuracy > 0.95


def test_epochs_count_from_one_and_keep_their_own_parameters() -> None:
    seen: list[tuple[Epoch, dict[str, FloatArray]]] = []
    for epoch in train(toggle(20, 6, 0), Elman(), SMALL, np.random.default_rng(0)):
        seen.append((epoch, {name: value.copy() for name, value in epoch.params.items()}))
    assert [epoch.index for epoch, _ in seen] == [1, 2, 3, 4]
    assert {epoch.planned for epoch, _ in seen} == {4}
    for epoch, copies in seen:
        assert all(np.array_equal(epoch.params[name], copies[name]) for name in copies)
        assert 0 <= epoch.accuracy <= 1
        assert epoch.gradient_norm > 0
    assert not np.array_equal(seen[0][0].params["W"], seen[-1][0].params["W"])


def test_the_seed_decides() -> None:
    def weights(seed: int) -> Params:
        return list(train(toggle(20, 6, 0), Elman(), SMALL, np.random.default_rng(seed)))[-1].params

    one, same, other = weights(7), weights(7), weights(8)
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["W"], other["W"])


def test_what_is_held_out_is_not_learned_from() -> None:
    """Two logs that differ only in traces held out by the seed end in the same weights."""
    data = toggle(20, 6, 0)
    plan = replace(SMALL, held_out=0.3)
    # train draws the parameters before it draws the held-out traces
    rng = np.random.default_rng(0)
    Elman().initial(data.words, plan.hidden, len(data.answers), rng)
    _, (held, _) = split(data, plan.held_out, rng)
    rows = np.concatenate([np.arange(data.starts[w], data.starts[w] + data.lengths[w]) for w in held])
    targets = data.targets.copy()
    targets[rows] = 1 - targets[rows]
    results = [
        list(train(each, Elman(), plan, np.random.default_rng(0)))[-1]
        for each in (data, replace(data, targets=targets))
    ]
    assert all(np.array_equal(results[0].params[name], results[1].params[name]) for name in results[0].params)
    assert results[0].held_out_accuracy == pytest.approx(1 - results[1].held_out_accuracy)


def test_unknown_targets_are_not_learned_from() -> None:
    data = toggle(20, 6, 0)
    data = replace(data, targets=np.where(np.arange(len(data)) % 2, data.targets, -1).astype(np.int32))
    for epoch in train(data, Elman(), SMALL, np.random.default_rng(0)):
        assert math.isfinite(epoch.loss)
        assert 0 <= epoch.accuracy <= 1
    nothing = replace(data, targets=np.full_like(data.targets, -1))
    carried = np.zeros((len(data.starts), 5), np.float32)
    assert evaluate(forest(nothing, np.arange(len(data.starts))), Elman(), network(data), carried) == (0, 0)


@given(st.sampled_from([Elman(), Gru(), Lstm()]), LENGTHS, st.integers(1, 5))
@settings(deadline=None, max_examples=25)
def test_visit_and_evaluate_are_a_plain_walk_through_whole_traces(cell: Cell, lengths: list[int], window: int) -> None:
    data = random_log(lengths, window)
    params = network(data, cell=cell)
    before, after = plain_visit(data, params, cell)
    np.testing.assert_allclose(visit(data, cell, params), before, rtol=0, atol=1e-5)

    carried = np.full(
        (len(data.starts), cell.width(params)), np.nan, np.float32
    )  # nothing that is left in it may matter
    logits = (after[:, :5] @ params["V"] + params["c"]).astype(np.float64)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    loss = right = 0.0
    for w in range(len(data.starts)):  # in order, so that each window finds the one before it done
        each = evaluate(forest(data, np.array([w])), cell, params, carried)
        loss, right = loss + each[0] * data.lengths[w], right + each[1] * data.lengths[w]
    rows = np.arange(len(data))
    assert loss == pytest.approx(-float(np.log(p[rows, data.targets]).sum()), rel=1e-4)
    assert right == pytest.approx(np.count_nonzero(p.argmax(1) == data.targets))


def test_visit_takes_many_windows_at_once() -> None:
    data = random_log([1, 2, 3] * 200, 2)
    params = network(data)
    np.testing.assert_allclose(visit(data, Elman(), params), plain_visit(data, params)[0], rtol=0, atol=1e-5)


def test_a_long_trace_takes_the_memory_of_its_codes_not_of_its_vectors() -> None:
    """What is kept of a row while it is learned from is a few numbers; its hidden vector alone would be 256 bytes."""
    peaks = []
    for rows in (20_000, 60_000):
        log = log_of([[("x", "01"[n % 3 > 0]) for n in range(rows)]], "hidden")
        tracemalloc.start()
        list(train(histories(log), Elman(), Plan(hidden=64, epochs=1), np.random.default_rng(0)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 180 * 40_000


@pytest.mark.parametrize("name", ["elman", "gru", "lstm"])
def test_a_hidden_vector_goes_on_over_the_border_of_windows_while_training(name: str) -> None:
    """A step on windows with what is carried to them is the step on the whole trace, as far as a gradient reaches."""
    log = log_of([[("xy"[n * n % 5 % 2], "01"[n % 3 > 0]) for n in range(12)]], "hidden")
    cell = cell_of(name)
    cut, uncut = histories(log, 4), histories(log, 12)
    params = {key: value.astype(np.float64) for key, value in network(uncut, cell=cell).items()}
    carried = np.zeros((3, cell.width(params)))
    hidden, losses = [], 0.0
    for window in range(3):
        grove = forest(cut, np.array([window]))
        packed = next(pack(grove, [whole(np.arange(1))]))
        forward = cell.forward(params, packed.batch(carried))
        carried[packed.places] = forward.after(packed.ends)
        hidden.append(forward.memory)
        losses += forward.loss * forward.weight
    packed = next(pack(forest(uncut, np.arange(1)), [whole(np.arange(1))]))
    at_once = cell.forward(params, packed.batch(np.zeros((1, carried.shape[1]))))
    np.testing.assert_allclose(np.concatenate(hidden), at_once.memory, rtol=0, atol=1e-12)
    assert losses == pytest.approx(at_once.loss * at_once.weight)
