"""The gated recurrent unit: a hidden vector, and gates that decide what of it to keep and what to write anew.

What a gate keeps is handed on unchanged, so memories and gradients reach back further than in an Elman cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsmlearn.rnn import Batch, Cell, FloatArray, Forward, IntArray, Params, before, keeping


@dataclass(frozen=True)
class Gru(Cell):
    """The gated recurrent unit (Cho et al. 2014) in the form that PyTorch and cuDNN have.

    r, z = sigmoid(U x + W h + b),   n = tanh(U x + b + r * (W h + a)),   h' = (1 - z) * n + z * h

    Parameters as of every cell, with Z = 3 H in the order r, z, n, and a (H,), the bias inside of r's reach.
    """

    blocks: ClassVar[int] = 3

    def shapes(self, inputs: int, hidden: int, outputs: int) -> dict[str, tuple[int, ...]]:
        return super().shapes(inputs, hidden, outputs) | {"a": (hidden,)}

    def initial(self, inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> dict[str, FloatArray]:
        params = super().initial(inputs, hidden, outputs, rng) | {"a": np.zeros(hidden, np.float32)}
        params["b"][hidden : 2 * hidden] = keeping(hidden, rng)
        return params

    def run(
        self, params: Params, z: FloatArray, sizes: IntArray, start: FloatArray
    ) -> tuple[FloatArray, tuple[FloatArray, ...]]:
        w, a, size_h = params["W"], params["a"], len(params["a"])
        gated = 2 * size_h
        memory = np.empty((len(z), size_h), z.dtype)
        inner = np.empty_like(memory)  # W h + a
        h, lo = start, 0
        for size in sizes.tolist():
            hi = lo + size
            h = h[:size]
            now = z[lo:hi]
            pre = h @ w
            gates = now[:, :gated]
            gates += pre[:, :gated]
            # sigmoid through tanh: one call, and no overflow on either side
            gates *= 0.5
            np.tanh(gates, out=gates)
            gates += 1.0
            gates *= 0.5
            within = np.add(pre[:, gated:], a, out=inner[lo:hi])
            n = now[:, gated:]
            n += now[:, :size_h] * within
            np.tanh(n, out=n)
            after = np.subtract(h, n, out=memory[lo:hi])
            after *= now[:, size_h:gated]
            after += n
            h, lo = after, hi
        return memory, (z, inner)

    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_hidden: FloatArray
    ) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
        gates, inner = forward.kept
        size_h = inner.shape[1]
        r, z, n = (gates[:, k * size_h : (k + 1) * size_h] for k in range(3))
        h = before(batch, forward.memory)
        # The gradient by a pre-activation is dL/dh times a slope that the forward pass settled; the slopes come first.
        by_n = (1 - z) * (1 - n * n)
        d_pre = np.empty((len(r), 3, size_h), r.dtype)  # by W h + the biases in it
        np.multiply(by_n, r, out=d_pre[:, 2])
        np.multiply(d_pre[:, 2], inner, out=d_pre[:, 0])
        d_pre[:, 0] *= 1 - r
        np.multiply(h - n, z, out=d_pre[:, 1])
        d_pre[:, 1] *= 1 - z
        w_t = np.ascontiguousarray(params["W"].T)
        d_before = np.empty_like(d_hidden)
        carried, hi = d_hidden[:0], len(d_hidden)
        for size in batch.sizes[::-1].tolist():
            lo = hi - size
            now = d_hidden[lo:hi]
            now[: len(carried)] += carried
            d_pre[lo:hi] *= now[:, None]
            carried = np.matmul(d_pre[lo:hi].reshape(size, -1), w_t, out=d_before[lo:hi])
            carried += now * z[lo:hi]
            hi = lo
        d_z = d_pre.reshape(len(r), -1)
        grads = {"W": h.T @ d_z, "a": d_pre[:, 2].sum(0)}
        np.multiply(d_hidden, by_n, out=d_pre[:, 2])
        return d_z, d_before, grads
