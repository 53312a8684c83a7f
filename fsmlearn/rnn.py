"""Recurrent cells in NumPy: forward, loss and back-propagation through time, written out by hand.

Arrays in, arrays out. This module knows nothing of logs, machines, optimisers or epochs; `train` drives it and
`extract` asks it what it would answer. A batch is *packed*: its traces are sorted by falling length and the rows
of step t stand together, so that no arithmetic is spent on padding.

Letters: B traces in a batch, T steps of the longest, N rows of the batch (the sum of the trace lengths),
F input words per row, D input words in all, H hidden units, O output words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
Params = Mapping[str, FloatArray]  # a gradient is also a Params
Phi = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Batch:
    """Packed traces. The rows of step t are sizes[:t].sum() and the sizes[t] that follow; row j of a step
    continues row j of the step before it, hence sizes never rise."""

    inputs: IntArray  # (N, F) the input words of a row; their columns of U are added up
    targets: IntArray  # (N,) output words, -1 where the log does not say
    weights: FloatArray  # (N,) how many rows of the log this row stands for
    sizes: IntArray  # (T,) traces still running at step t, falling
    start: FloatArray  # (B, H) hidden vectors that the traces start from


@dataclass(frozen=True, eq=False)
class Forward:
    """What the backward pass needs of the forward pass."""

    hidden: FloatArray  # (N, H) hidden vector after each row
    probabilities: FloatArray  # (N, O) softmax of the output layer
    loss: float  # mean negative log-likelihood, nats per weighted row
    right: float  # weighted rows whose likeliest output is the target


def _tanh(z: FloatArray) -> FloatArray:
    return np.tanh(z, out=z)


def _sigmoid(z: FloatArray) -> FloatArray:
    # Through tanh: one call, and no overflow on either side.
    z *= 0.5
    np.tanh(z, out=z)
    z += 1.0
    z *= 0.5
    return z


def _relu(z: FloatArray) -> FloatArray:
    return np.maximum(z, 0, out=z)


# Each activation works in place; its derivative is given in terms of its value.
ACTIVATIONS: Final[Mapping[str, tuple[Phi, Phi]]] = {
    "tanh": (_tanh, lambda h: 1 - h * h),
    "sigmoid": (_sigmoid, lambda h: h * (1 - h)),
    "relu": (_relu, lambda h: (h > 0).astype(h.dtype)),
}


@dataclass(frozen=True)
class Elman:
    """Elman's simple recurrent network (Elman 1990, "Finding structure in time").

    s(t+1) = phi(U x(t) + W s(t) + b),   o(t) = softmax(V s(t+1) + c)

    Parameters: U (D, H), W (H, H), b (H,), V (H, O), c (O,). They are stored so that rows multiply from the left:
    s W stands for the textbook's W s. x(t) is a sum of one-hot vectors, so U x is a sum of rows of U.
    """

    activation: str = "tanh"

    def initial(self, inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> dict[str, FloatArray]:
        """Draw parameters in float32: W orthogonal, so that memories neither fade nor grow at first."""
        q, r = np.linalg.qr(rng.standard_normal((hidden, hidden)))
        w = q * np.sign(np.diag(r))
        params = {
            "U": rng.standard_normal((inputs, hidden)),
            "W": w,
            "b": np.zeros(hidden),
            "V": rng.standard_normal((hidden, outputs)) / np.sqrt(hidden),
            "c": np.zeros(outputs),
        }
        return {name: value.astype(np.float32) for name, value in params.items()}

    def step(self, params: Params, hidden: FloatArray, inputs: IntArray) -> FloatArray:
        """One step without noise: hidden (N, H), inputs (N, F) -> the next hidden vectors (N, H)."""
        z = hidden @ params["W"]
        z += params["b"]
        for feature in inputs.T:
            z += params["U"][feature]
        return ACTIVATIONS[self.activation][0](z)

    def forward(self, params: Params, batch: Batch, noise: FloatArray | None = None) -> Forward:
        """Run a batch; `noise` (N, H), if given, is added to the pre-activations."""
        phi, _ = ACTIVATIONS[self.activation]
        w = params["W"]
        hidden = params["U"][batch.inputs[:, 0]]  # (N, H), becomes z and then s in place
        for feature in batch.inputs.T[1:]:
            hidden += params["U"][feature]
        hidden += params["b"]
        if noise is not None:
            hidden += noise
        before, lo = batch.start, 0
        for size in batch.sizes.tolist():
            now = hidden[lo : lo + size]
            now += before[:size] @ w
            before, lo = phi(now), lo + size
        return _output(params, batch, hidden)

    def backward(self, params: Params, batch: Batch, forward: Forward) -> dict[str, FloatArray]:
        """Back-propagation through time (Werbos 1990): the gradient of the loss by every parameter."""
        _, slope = ACTIVATIONS[self.activation]
        hidden = forward.hidden
        d_logits, grads = _output_gradient(batch, forward)
        d_z = d_logits @ params["V"].T  # (N, H): first dL/ds by this row's own output, then dL/dz
        d_z_slope = slope(hidden)
        w_t = np.ascontiguousarray(params["W"].T)
        carried: FloatArray | None = None
        hi = len(hidden)
        for size in batch.sizes[::-1].tolist():
            now = d_z[hi - size : hi]
            if carried is not None:
                now[: len(carried)] += carried
            now *= d_z_slope[hi - size : hi]
            carried = now @ w_t
            hi -= size
        first = int(batch.sizes[0])
        before = np.empty_like(hidden)  # (N, H): the hidden vector that each row started from
        before[:first] = batch.start
        lo = 0
        for size, following in zip(batch.sizes.tolist(), batch.sizes[1:].tolist(), strict=False):
            before[lo + size : lo + size + following] = hidden[lo : lo + following]
            lo += size
        grads["W"] = before.T @ d_z
        grads["b"] = d_z.sum(0)
        grads["U"] = _gather_gradient(batch.inputs, d_z, len(params["U"]))
        return grads


def _output(params: Params, batch: Batch, hidden: FloatArray) -> Forward:
    """The output layer over all rows at once, and the loss."""
    p = hidden @ params["V"]
    p += params["c"]
    p -= p.max(1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(1, keepdims=True)
    weight = np.where(batch.targets >= 0, batch.weights, 0)
    target = np.maximum(batch.targets, 0)
    tiny = np.finfo(p.dtype).tiny
    likelihood = np.maximum(p[np.arange(len(p)), target], tiny)
    total = max(float(weight.sum()), 1e-12)
    loss = -float(np.log(likelihood) @ weight) / total
    right = float(weight[p.argmax(1) == target].sum())
    return Forward(hidden, p, loss, right)


def _output_gradient(batch: Batch, forward: Forward) -> tuple[FloatArray, dict[str, FloatArray]]:
    """dL/dlogits (N, O) = weight (p - onehot(target)) / sum of weights, and the gradients of V and c."""
    weight = np.where(batch.targets >= 0, batch.weights, 0).astype(forward.hidden.dtype)
    weight /= max(float(weight.sum()), 1e-12)
    d = forward.probabilities.copy()
    d[np.arange(len(d)), np.maximum(batch.targets, 0)] -= 1
    d *= weight[:, None]
    return d, {"V": forward.hidden.T @ d, "c": d.sum(0)}


def _gather_gradient(inputs: IntArray, d_z: FloatArray, words: int) -> FloatArray:
    """Gradient of U: the rows of d_z summed by input word, as one matrix product with the one-hot inputs."""
    hot = np.zeros((len(inputs), words), d_z.dtype)
    rows = np.arange(len(inputs))
    for feature in inputs.T:
        hot[rows, feature] += 1
    grad: FloatArray = hot.T @ d_z
    return grad
