"""The cells against PyTorch: its autograd, and its own recurrent network given the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from networks import SHAPE, a_batch, a_network, lanes

from fsmlearn.rnn import ACTIVATIONS, Batch, Elman, FloatArray

pytestmark = pytest.mark.slow
torch: Any = pytest.importorskip("torch", reason="torch is not installed; the extra [torch] has it")

LENGTHS = [6, 4, 4, 1]


def tensors(params: dict[str, FloatArray]) -> dict[str, Any]:
    return {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}


def one_hots(batch: Batch, rows: list[int]) -> Any:
    """(T, D): the input words of a trace, added up."""
    return torch.nn.functional.one_hot(torch.tensor(batch.inputs[rows]), SHAPE["D"]).sum(1).double()


@pytest.mark.parametrize("words", [1, 2, 3])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_loss_and_gradients_equal_autograd(activation: str, words: int) -> None:
    rng = np.random.default_rng(words)
    params, batch = a_network(rng), a_batch(rng, LENGTHS, words)
    noise = rng.normal(0, 0.3, (len(batch.inputs), SHAPE["H"]))
    theirs = tensors(params)
    total = weight = 0.0
    for lane, rows in enumerate(lanes(batch)):
        state = torch.tensor(batch.start[lane])
        for row, x in zip(rows, one_hots(batch, rows), strict=True):
            z = x @ theirs["U"] + state @ theirs["W"] + theirs["b"] + torch.tensor(noise[row])
            state = getattr(torch, activation)(z)
            if batch.targets[row] >= 0:
                logits = state @ theirs["V"] + theirs["c"]
                loss = torch.nn.functional.cross_entropy(logits[None], torch.tensor([int(batch.targets[row])]))
                total, weight = total + batch.weights[row] * loss, weight + batch.weights[row]
    mean: Any = total / weight
    mean.backward()
    cell = Elman(activation)
    forward = cell.forward(params, batch, noise)
    assert forward.loss == pytest.approx(mean.item(), rel=1e-12)
    for name, grad in cell.backward(params, batch, forward).items():
        expected = theirs[name].grad.numpy()
        assert np.abs(grad - expected).max() <= 1e-9 * np.abs(expected).max(), name


@pytest.mark.parametrize("activation", ["tanh", "relu"])  # the two that nn.RNN knows
def test_forward_equals_torchs_rnn(activation: str) -> None:
    rng = np.random.default_rng(0)
    params, batch = a_network(rng), a_batch(rng, LENGTHS)
    rnn = torch.nn.RNN(SHAPE["D"], SHAPE["H"], nonlinearity=activation, dtype=torch.float64)
    with torch.no_grad():
        rnn.weight_ih_l0.copy_(torch.tensor(params["U"].T))
        rnn.weight_hh_l0.copy_(torch.tensor(params["W"].T))
        rnn.bias_ih_l0.copy_(torch.tensor(params["b"]))
        rnn.bias_hh_l0.zero_()
    packed = torch.nn.utils.rnn.pack_sequence([one_hots(batch, rows) for rows in lanes(batch)])
    with torch.no_grad():
        hidden, last = rnn(packed, torch.tensor(batch.start)[None])
    forward = Elman(activation).forward(params, batch)
    assert np.array_equal(hidden.batch_sizes.numpy(), batch.sizes)
    np.testing.assert_allclose(forward.hidden, hidden.data.numpy(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(forward.hidden[[rows[-1] for rows in lanes(batch)]], last[0].numpy(), rtol=0, atol=1e-12)
