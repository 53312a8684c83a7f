"""Long short-term memory: beside the hidden vector a cell state, which gates write to, read from and forget.

The memory is both, [h, c]; the output layer sees h alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsmlearn.products import FloatArray, Product, summed
from fsmlearn.rnn import (
    Batch,
    Cell,
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
        written, left = room.array("by_pre", z.shape, z.dtype)[:2]  # i * g and f * c, where `unwind` wants them
        fed = Product(self.halved(params["W"]), room.array("fed", z.shape, z.dtype))
        for rows, source in steps:
            now, (h, c) = z[:, rows], memory[:, rows]
            now += fed(hidden[source])
            np.tanh(now, out=now)
            open_gates(now[:3])
            i, f, o, g = now
            np.multiply(i, g, out=written[rows])
            np.multiply(f, kept[source], out=left[rows])
            np.add(written[rows], left[rows], out=c)
            np.multiply(o, np.tanh(c, out=squashed[rows]), out=h)
        return z, squashed

    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_states: FloatArray
    ) -> tuple[FloatArray, dict[str, FloatArray]]:
        room, starts, (gates, squashed) = forward.room, len(batch.start), forward.kept
        i, f, o, g = gates
        h = forward.states[0, starts:]
        # The gradient by a pre-activation is dL/dc', for o dL/dh', times a slope that the forward pass settled; the
        # slopes come first. i (1 - i) g is (1 - i) (i g), and the others are like it.
        by_pre, rest = (room.array(name, gates.shape, gates.dtype) for name in ("by_pre", "fed"))
        c_by_h = room.array("c_by_h", squashed.shape, squashed.dtype)
        np.multiply(h, squashed, out=c_by_h)
        np.subtract(o, c_by_h, out=c_by_h)
        np.multiply(by_pre[0], g, out=by_pre[3])
        np.subtract(i, by_pre[3], out=by_pre[3])
        np.subtract(1, gates[:3], out=rest[:3])
        by_pre[:2] *= rest[:2]
        np.multiply(h, rest[2], out=by_pre[2])
        back = Product(split(params["W"], 4).transpose(0, 2, 1), rest)
        d_memory = d_states[:, starts:]
        carried = room.array("carried", d_memory.shape, d_memory.dtype)
        for rows, source in reversed(batch.steps):
            (d_h, d_c), now, by_c = d_memory[:, rows], by_pre[:, rows], c_by_h[rows]
            by_c *= d_h
            by_c += d_c
            now[:2] *= by_c
            now[2] *= d_h
            now[3] *= by_c
            back_to = carried[:, : len(d_h)]
            np.add.reduce(back(now), out=back_to[0])
            np.multiply(by_c, f[rows], out=back_to[1])
            hand_back(d_states, source, back_to)
        return by_pre, {"W": joined(summed(before(batch, forward).T, by_pre))}
