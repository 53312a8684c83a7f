"""The cells against PyTorch: its autograd, and its own recurrent network given the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import CELLS, SHAPE, a_batch, a_network, lanes

from fsmlearn.elman import Elman
from fsmlearn.gru import Gru
from fsmlearn.lstm import Lstm
from fsmlearn.products import FloatArray
from fsmlearn.rnn import Batch, Cell

pytestmark = pytest.mark.slow
torch: Any = pytest.importorskip("torch", reason="torch is not installed; the extra [torch] has it")

LENGTHS = [6, 4, 4, 1]


def tensors(params: dict[str, FloatArray]) -> dict[str, Any]:
    return {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}


def one_hots(batch: Batch, rows: list[int]) -> Any:
    """(T, D): the input words of a trace, added up."""
    return torch.nn.functional.one_hot(torch.tensor(batch.inputs[rows]), SHAPE["D"]).sum(1).double()


def row(cell: Cell, params: dict[str, Any], memory: Any, x: Any, noise: Any) -> Any:
    """The memory after one row, (M,)."""
    size = SHAPE["H"]
    before = memory[:size]
    fed, given = before @ params["W"], x @ params["U"] + params["b"]
    if isinstance(cell, Elman):
        return getattr(torch, cell.activation)(given + fed + noise)
    if isinstance(cell, Gru):
        r, z = torch.sigmoid(given + fed)[: 2 * size].chunk(2)
        n = torch.tanh(given[2 * size :] + noise + r * (fed[2 * size :] + params["a"]))
        return (1 - z) * n + z * before
    i, f, o = torch.sigmoid(given + fed)[: 3 * size].chunk(3)
    c = f * memory[size:] + i * torch.tanh((given + fed)[3 * size :] + noise)
    return torch.cat([o * torch.tanh(c), c])


@pytest.mark.parametrize("words", [1, 2, 3])
@pytest.mark.parametrize("name", sorted(CELLS))
def test_loss_and_gradients_equal_autograd(name: str, words: int) -> None:
    rng = np.random.default_rng(words)
    cell = CELLS[name]
    params, batch = a_network(rng, cell), a_batch(rng, LENGTHS, words, cell.vectors)
    noise = rng.normal(0, 0.3, (len(batch.inputs), SHAPE["H"]))
    theirs = tensors(params)
    start = torch.tensor(batch.start, requires_grad=True)
    total, weight = 0.0, float(batch.weights.sum())
    asked = dict(
        zip(batch.rows.tolist(), zip(batch.targets.tolist(), batch.weights.tolist(), strict=True), strict=True)
    )
    for lane, rows in enumerate(lanes(batch)):
        memory = start[lane]
        for at, x in zip(rows, one_hots(batch, rows), strict=True):
            memory = row(cell, theirs, memory, x, torch.tensor(noise[at]))
            if at in asked:
                target, times = asked[at]
                logits = memory[: SHAPE["H"]] @ theirs["V"] + theirs["c"]
                loss = torch.nn.functional.cross_entropy(logits[None], torch.tensor([target]))
                total = total + times * loss
    mean: Any = total / weight
    mean.backward()
    forward = cell.forward(params, batch, noise)
    backward = cell.backward(params, batch, forward)
    assert forward.loss == pytest.approx(mean.item(), rel=1e-12)
    for key, grad in backward.grads.items():
        expected = theirs[key].grad.numpy()
        assert np.abs(grad - expected).max() <= 1e-9 * np.abs(expected).max(), key
    expected = start.grad.numpy()
    assert np.abs(backward.memory[: len(expected)] - expected).max() <= 1e-9 * np.abs(expected).max()


def torchs(cell: Cell, params: dict[str, FloatArray]) -> Any:
    """PyTorch's own network with the same weights. Its blocks stand in rows, and for LSTM in the order i, f, g, o."""
    order = [0, 1, 3, 2] if isinstance(cell, Lstm) else list(range(cell.blocks))
    u, w, b = (np.concatenate([np.split(params[key].T, cell.blocks)[k] for k in order]) for key in "UWb")
    inner = np.zeros_like(b)
    if isinstance(cell, Gru):
        inner[-SHAPE["H"] :] = params["a"]
    kinds = {Gru: torch.nn.GRU, Lstm: torch.nn.LSTM}
    options = {"nonlinearity": cell.activation} if isinstance(cell, Elman) else {}
    rnn = kinds.get(type(cell), torch.nn.RNN)(SHAPE["D"], SHAPE["H"], dtype=torch.float64, **options)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.tensor(u))
        rnn.weight_hh_l0.copy_(torch.tensor(w))
        rnn.bias_ih_l0.copy_(torch.tensor(b))
        rnn.bias_hh_l0.copy_(torch.tensor(inner))
    return rnn


@pytest.mark.parametrize("name", ["tanh", "relu", "gru", "lstm"])  # nn.RNN does not know sigmoid
def test_forward_equals_torchs_network(name: str) -> None:
    rng = np.random.default_rng(0)
    cell, size = CELLS[name], SHAPE["H"]
    params, batch = a_network(rng, cell), a_batch(rng, LENGTHS, vectors=cell.vectors)
    packed = torch.nn.utils.rnn.pack_sequence([one_hots(batch, rows) for rows in lanes(batch)])
    parts = [torch.tensor(batch.start[:, k * size : (k + 1) * size].copy())[None] for k in range(cell.vectors)]
    with torch.no_grad():
        hidden, last = torchs(cell, params)(packed, tuple(parts) if len(parts) > 1 else parts[0])
    forward = cell.forward(params, batch)
    assert np.array_equal(hidden.batch_sizes.numpy(), batch.sizes)
    np.testing.assert_allclose(forward.memory[:, :size], hidden.data.numpy(), rtol=0, atol=1e-12)
    ends = np.concatenate([each[0].numpy() for each in (last if len(parts) > 1 else [last])], 1)
    np.testing.assert_allclose(forward.memory[[rows[-1] for rows in lanes(batch)]], ends, rtol=0, atol=1e-12)
