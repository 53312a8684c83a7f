"""The gated recurrent unit: a hidden vector, and gates that decide what of it to keep and what to write anew.

What a gate keeps is handed on unchanged, so memories and gradients reach back further than in an Elman cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsmlearn.rnn import Batch, Cell, FloatArray, Forward, Params, Room, Step, before, hand_back, keeping


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
        self, params: Params, z: FloatArray, start: FloatArray, steps: list[Step], room: Room
    ) -> tuple[FloatArray, tuple[FloatArray, ...]]:
        w, a, size_h = params["W"], params["a"], len(params["a"])
        gated = 2 * size_h
        states = room.array("states", (len(start) + len(z), size_h), z.dtype)
        states[: len(start)] = start
        memory = states[len(start) :]
        fed = room.array("fed", z.shape, z.dtype)  # W h, the last block + a
        # sigmoid through tanh, of half its argument: one call, and no overflow on either side
        w = w * np.repeat(np.array([0.5, 1.0], z.dtype), [gated, size_h])
        z[:, :gated] *= 0.5
        for rows, source in steps:
            h = states[source]
            now = z[rows]
            pre = np.matmul(h, w, out=fed[rows])
            gates = now[:, :gated]
            gates += pre[:, :gated]
            np.tanh(gates, out=gates)
            gates += 1.0
            gates *= 0.5
            within = pre[:, gated:]
            within += a
            after = np.multiply(now[:, :size_h], within, out=memory[rows])
            n = now[:, gated:]
            n += after
            np.tanh(n, out=n)
            np.subtract(h, n, out=after)
            after *= now[:, size_h:gated]
            after += n
        return states, (z, fed[:, gated:])

    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_states: FloatArray
    ) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
        room, (gates, inner) = forward.room, forward.kept
        size_h = inner.shape[1]
        r, z, n = (gates[:, k * size_h : (k + 1) * size_h] for k in range(3))
        h = before(batch, forward.states, room)
        # The gradient by a pre-activation is dL/dh times a slope that the forward pass settled; the slopes come first.
        by_n, rest = (room.array(name, h.shape, h.dtype) for name in ("by_n", "rest"))
        d_pre = room.array("d_pre", (len(r), 3, size_h), r.dtype)  # by W h + the biases in it
        by_r, by_z, by_inner = (d_pre[:, k] for k in range(3))
        np.multiply(n, n, out=by_n)
        np.subtract(1, by_n, out=by_n)
        np.subtract(1, z, out=rest)
        by_n *= rest
        np.multiply(rest, z, out=by_z)
        np.subtract(h, n, out=rest)
        by_z *= rest
        np.multiply(by_n, r, out=by_inner)
        np.subtract(1, r, out=by_r)
        by_r *= by_inner
        by_r *= inner
        w_t = np.ascontiguousarray(params["W"].T)
        d_hidden = d_states[len(batch.start) :]
        d_before = room.array("d_before", d_hidden.shape, d_hidden.dtype)
        for rows, source in reversed(batch.steps):
            now = d_hidden[rows]
            d_pre[rows] *= now[:, None]
            carried = np.matmul(d_pre[rows].reshape(len(now), -1), w_t, out=d_before[rows])
            carried += np.multiply(now, z[rows], out=rest[rows])
            hand_back(d_states, source, carried)
        d_z = d_pre.reshape(len(r), -1)
        grads = {"W": h.T @ d_z, "a": by_inner.sum(0)}
        np.multiply(d_hidden, by_n, out=by_inner)
        return d_z, d_before, grads
