"""Long short-term memory: beside the hidden vector a cell state, which gates write to, read from and forget.

The memory is both, [h, c]; the output layer sees h alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsmlearn.rnn import Batch, Cell, FloatArray, Forward, Params, Step, before, hand_back, keeping


@dataclass(frozen=True)
class Lstm(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with forget gates (Gers et al. 2000).

    i, f, o = sigmoid(U x + W h + b),   g = tanh(U x + W h + b),   c' = f * c + i * g,   h' = o * tanh(c')

    Parameters as of every cell, with Z = 4 H in the order i, f, o, g.
    """

    blocks: ClassVar[int] = 4
    vectors: ClassVar[int] = 2

    def initial(self, inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> dict[str, FloatArray]:
        params = super().initial(inputs, hidden, outputs, rng)
        keep = keeping(hidden, rng)
        params["b"][: 2 * hidden] = np.concatenate([-keep, keep])  # what is to last is seldom written to
        return params

    def run(
        self, params: Params, z: FloatArray, start: FloatArray, steps: list[Step]
    ) -> tuple[FloatArray, tuple[FloatArray, ...]]:
        w, size_h = params["W"], len(params["W"])
        states = np.empty((len(start) + len(z), 2 * size_h), z.dtype)
        states[: len(start)] = start
        memory = states[len(start) :]
        squashed = np.empty((len(z), size_h), z.dtype)  # tanh(c')
        # All four through one tanh: sigmoid(x) = (1 + tanh(x / 2)) / 2, which overflows on neither side.
        half = np.repeat(np.array([0.5, 1.0], z.dtype), [3 * size_h, size_h])
        w = w * half
        z *= half
        for rows, source in steps:
            state = states[source]
            now = z[rows]
            now += state[:, :size_h] @ w
            np.tanh(now, out=now)
            gates = now[:, : 3 * size_h]
            gates += 1.0
            gates *= 0.5
            i, f, o, g = (now[:, k * size_h : (k + 1) * size_h] for k in range(4))
            c = np.multiply(f, state[:, size_h:], out=memory[rows, size_h:])
            c += i * g
            np.multiply(o, np.tanh(c, out=squashed[rows]), out=memory[rows, :size_h])
        return states, (z, squashed)

    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_states: FloatArray
    ) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
        gates, squashed = forward.kept
        size_h = squashed.shape[1]
        i, f, o, g = (gates[:, k * size_h : (k + 1) * size_h] for k in range(4))
        state = before(batch, forward.states)
        # The gradient by a pre-activation is dL/dc', for o dL/dh', times a slope that the forward pass settled; the
        # slopes come first.
        d_pre = np.empty((len(i), 4, size_h), i.dtype)
        np.multiply(g, i, out=d_pre[:, 0])
        d_pre[:, 0] *= 1 - i
        np.multiply(state[:, size_h:], f, out=d_pre[:, 1])
        d_pre[:, 1] *= 1 - f
        np.multiply(squashed, o, out=d_pre[:, 2])
        d_pre[:, 2] *= 1 - o
        np.multiply(1 - g * g, i, out=d_pre[:, 3])
        c_by_h = (1 - squashed * squashed) * o
        w_t = np.ascontiguousarray(params["W"].T)
        d_memory = d_states[len(batch.start) :]
        d_before = np.empty_like(state)
        for rows, source in reversed(batch.steps):
            d_h, d_c = d_memory[rows, :size_h], d_memory[rows, size_h:]
            d_c += d_h * c_by_h[rows]
            now = d_pre[rows]
            now[:, :2] *= d_c[:, None]
            now[:, 2] *= d_h
            now[:, 3] *= d_c
            carried = d_before[rows]
            np.matmul(now.reshape(len(now), -1), w_t, out=carried[:, :size_h])
            np.multiply(d_c, f[rows], out=carried[:, size_h:])
            hand_back(d_states, source, carried)
        d_z = d_pre.reshape(len(i), -1)
        return d_z, d_before, {"W": state[:, :size_h].T @ d_z}
