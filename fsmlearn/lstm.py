"""Long short-term memory: beside the hidden vector a cell state, which gates write to, read from and forget.

The memory is both, [h, c]; the output layer sees h alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsmlearn.rnn import (
    Batch,
    Cell,
    FloatArray,
    Forward,
    Params,
    Room,
    Step,
    before,
    hand_back,
    joined,
    keeping,
    open_gates,
    split,
)


@dataclass(frozen=True)
class Lstm(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with forget gates (Gers et al. 2000).

    i, f, o = sigmoid(U x + W h + b),   g = tanh(U x + W h + b),   c' = f * c + i * g,   h' = o * tanh(c')

    Parameters as of every cell, with Z = 4 H in the order i, f, o, g.
    """

    blocks: ClassVar[int] = 4
    vectors: ClassVar[int] = 2
    gates: ClassVar[int] = 3

    def initial(self, inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> dict[str, FloatArray]:
        params = super().initial(inputs, hidden, outputs, rng)
        keep = keeping(hidden, rng)
        params["b"][: 2 * hidden] = np.concatenate([-keep, keep])  # what is to last is seldom written to
        return params

    def run(
        self, params: Params, z: FloatArray, states: FloatArray, steps: list[Step], room: Room
    ) -> tuple[FloatArray, ...]:
        hidden, kept = states
        memory = states[:, states.shape[1] - z.shape[1] :]
        squashed = room.array("squashed", z[0].shape, z.dtype)  # tanh(c')
        fed = room.array("fed", z.shape, z.dtype)  # its beginnings, again and again: the processor has those at hand
        w = self.halved(params["W"])
        for rows, source in steps:
            now, (h, c) = z[:, rows], memory[:, rows]
            now += np.matmul(hidden[source], w, out=fed[:, : len(h)])
            i, f, o, g = now
            open_gates(now[:3])
            np.tanh(g, out=g)
            np.multiply(f, kept[source], out=c)
            c += np.multiply(i, g, out=h)
            np.multiply(o, np.tanh(c, out=squashed[rows]), out=h)
        return z, squashed

    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_states: FloatArray
    ) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
        room, (gates, squashed) = forward.room, forward.kept
        i, f, o, g = gates
        h, c = before(batch, forward)
        # The gradient by a pre-activation is dL/dc', for o dL/dh', times a slope that the forward pass settled; the
        # slopes come first.
        d_pre, back = (room.array(name, gates.shape, gates.dtype) for name in ("d_pre", "fed"))
        by_i, by_f, by_o, by_g = d_pre
        np.subtract(1, gates[:3], out=d_pre[:3])
        d_pre[:3] *= gates[:3]
        by_i *= g
        by_f *= c
        by_o *= squashed
        np.multiply(g, g, out=by_g)
        np.subtract(1, by_g, out=by_g)
        by_g *= i
        c_by_h = room.array("c_by_h", squashed.shape, squashed.dtype)
        np.multiply(squashed, squashed, out=c_by_h)
        np.subtract(1, c_by_h, out=c_by_h)
        c_by_h *= o
        w_t = split(params["W"], 4).transpose(0, 2, 1).copy()
        d_memory = d_states[:, len(batch.start) :]
        d_before = room.array("d_before", d_memory.shape, d_memory.dtype)
        for rows, source in reversed(batch.steps):
            (d_h, d_c), now, carried = d_memory[:, rows], d_pre[:, rows], d_before[:, rows]
            by_c = c_by_h[rows]
            by_c *= d_h
            d_c += by_c
            now[:2] *= d_c
            now[2] *= d_h
            now[3] *= d_c
            np.add.reduce(np.matmul(now, w_t, out=back[:, : len(d_h)]), out=carried[0])
            np.multiply(d_c, f[rows], out=carried[1])
            hand_back(d_states, source, carried)
        return d_pre, d_before, {"W": joined(h.T @ d_pre)}
