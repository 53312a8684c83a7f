"""The gated recurrent unit: a hidden vector, and gates that decide what of it to keep and what to write anew.

What a gate keeps is handed on unchanged, so memories and gradients reach back further than in an Elman cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsmlearn.rnn import Batch, Cell, FloatArray, Forward, Params, Step, before, hand_back, keeping


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
        self, params: Params, z: FloatArray, start: FloatArray, steps: list[Step]
    ) -> tuple[FloatArray, tuple[FloatArray, ...]]:
        w, a, size_h = params["W"], params["a"], len(params["a"])
        gated = 2 * size_h
        states = np.empty((len(start) + len(z), size_h), z.dtype)
        states[: len(start)] = start
        memory = states[len(start) :]
        inner = np.empty_like(memory)  # W h + a
        for rows, source in steps:
            h = states[source]
            now = z[rows]
            pre = h @ w
            gates = now[:, :gated]
            gates += pre[:, :gated]
            # sigmoid through tanh: one call, and no overflow on either side
            gates *= 0.5
            np.tanh(gates, out=gates)
            gates += 1.0
            gates *= 0.5
            within = np.add(pre[:, gated:], a, out=inner[rows])
            n = now[:, gated:]
            n += now[:, :size_h] * within
            np.tanh(n, out=n)
            after = np.subtract(h, n, out=memory[rows])
            after *= now[:, size_h:gated]
            after += n
        return states, (z, inner)

    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_states: FloatArray
    ) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
        gates, inner = forward.kept
        size_h = inner.shape[1]
        r, z, n = (gates[:, k * size_h : (k + 1) * size_h] for k in range(3))
        h = before(batch, forward.states)
        # The gradient by a pre-activation is dL/dh times a slope that the forward pass settled; the slopes come first.
        by_n = (1 - z) * (1 - n * n)
        d_pre = np.empty((len(r), 3, size_h), r.dtype)  # by W h + the biases in it
        np.multiply(by_n, r, out=d_pre[:, 2])
        np.multiply(d_pre[:, 2], inner, out=d_pre[:, 0])
        d_pre[:, 0] *= 1 - r
        np.multiply(h - n, z, out=d_pre[:, 1])
        d_pre[:, 1] *= 1 - z
        w_t = np.ascontiguousarray(params["W"].T)
        d_hidden = d_states[len(batch.start) :]
        d_before = np.empty_like(d_hidden)
        for rows, source in reversed(batch.steps):
            now = d_hidden[rows]
            d_pre[rows] *= now[:, None]
            carried = np.matmul(d_pre[rows].reshape(len(now), -1), w_t, out=d_before[rows])
            carried += now * z[rows]
            hand_back(d_states, source, carried)
        d_z = d_pre.reshape(len(r), -1)
        grads = {"W": h.T @ d_z, "a": d_pre[:, 2].sum(0)}
        np.multiply(d_hidden, by_n, out=d_pre[:, 2])
        return d_z, d_before, grads
