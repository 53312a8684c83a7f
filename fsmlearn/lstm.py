"""Long short-term memory: beside the hidden vector a cell state, which gates write to, read from and forget.

The memory is both, [h, c]; the output layer sees h alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsmlearn.rnn import Batch, Cell, FloatArray, Forward, Params, Room, Step, before, hand_back, keeping


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
        self, params: Params, z: FloatArray, start: FloatArray, steps: list[Step], room: Room
    ) -> tuple[FloatArray, tuple[FloatArray, ...]]:
        w, size_h = params["W"], len(params["W"])
        states = room.array("states", (len(start) + len(z), 2 * size_h), z.dtype)
        states[: len(start)] = start
        memory = states[len(start) :]
        squashed = room.array("squashed", (len(z), size_h), z.dtype)  # tanh(c')
        fed = room.array("fed", z.shape, z.dtype)
        # All four through one tanh: sigmoid(x) = (1 + tanh(x / 2)) / 2, which overflows on neither side.
        half = np.repeat(np.array([0.5, 1.0], z.dtype), [3 * size_h, size_h])
        w = w * half
        z *= half
        for rows, source in steps:
            state = states[source]
            now = z[rows]
            now += np.matmul(state[:, :size_h], w, out=fed[: len(now)])
            np.tanh(now, out=now)
            gates = now[:, : 3 * size_h]
            gates += 1.0
            gates *= 0.5
            i, f, o, g = (now[:, k * size_h : (k + 1) * size_h] for k in range(4))
            c = np.multiply(f, state[:, size_h:], out=memory[rows, size_h:])
            c += np.multiply(i, g, out=squashed[rows])
            np.multiply(o, np.tanh(c, out=squashed[rows]), out=memory[rows, :size_h])
        return states, (z, squashed)

    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_states: FloatArray
    ) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
        room, (gates, squashed) = forward.room, forward.kept
        size_h = squashed.shape[1]
        i, f, o, g = (gates[:, k * size_h : (k + 1) * size_h] for k in range(4))
        state = before(batch, forward.states, room)
        # The gradient by a pre-activation is dL/dc', for o dL/dh', times a slope that the forward pass settled; the
        # slopes come first.
        d_pre = room.array("d_pre", (len(i), 4, size_h), i.dtype)
        by_i, by_f, by_o, by_g = (d_pre[:, k] for k in range(4))
        gates_in_three = gates[:, : 3 * size_h].reshape(len(i), 3, size_h)
        np.subtract(1, gates_in_three, out=d_pre[:, :3])
        d_pre[:, :3] *= gates_in_three
        by_i *= g
        by_f *= state[:, size_h:]
        by_o *= squashed
        np.multiply(g, g, out=by_g)
        np.subtract(1, by_g, out=by_g)
        by_g *= i
        c_by_h = room.array("c_by_h", squashed.shape, squashed.dtype)
        np.multiply(squashed, squashed, out=c_by_h)
        np.subtract(1, c_by_h, out=c_by_h)
        c_by_h *= o
        w_t = np.ascontiguousarray(params["W"].T)
        d_memory = d_states[len(batch.start) :]
        d_before = room.array("d_before", state.shape, state.dtype)
        for rows, source in reversed(batch.steps):
            d_h, d_c = d_memory[rows, :size_h], d_memory[rows, size_h:]
            by_c = c_by_h[rows]
            by_c *= d_h
            d_c += by_c
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
