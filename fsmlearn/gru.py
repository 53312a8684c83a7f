"""The gated recurrent unit: a hidden vector, and gates that decide what of it to keep and what to write anew.

What a gate keeps is handed on unchanged, so memories and gradients reach back further than in an Elman cell.
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
class Gru(Cell):
    """The gated recurrent unit (Cho et al. 2014) in the form that PyTorch and cuDNN have.

    r, z = sigmoid(U x + W h + b),   n = tanh(U x + b + r * (W h + a)),   h' = (1 - z) * n + z * h

    Parameters as of every cell, with Z = 3 H in the order r, z, n, and a (H,), the bias inside of r's reach.
    """

    blocks: ClassVar[int] = 3
    gates: ClassVar[int] = 2

    def shapes(self, inputs: int, hidden: int, outputs: int) -> dict[str, tuple[int, ...]]:
        return super().shapes(inputs, hidden, outputs) | {"a": (hidden,)}

    def initial(self, inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> dict[str, FloatArray]:
        params = super().initial(inputs, hidden, outputs, rng) | {"a": np.zeros(hidden, np.float32)}
        params["b"][hidden : 2 * hidden] = keeping(hidden, rng)
        return params

    def run(
        self, params: Params, z: FloatArray, states: FloatArray, steps: list[Step], room: Room
    ) -> tuple[FloatArray, ...]:
        a, (states,) = params["a"], states
        memory = states[len(states) - z.shape[1] :]
        inner, kept = (room.array(name, memory.shape, z.dtype) for name in ("inner", "kept"))  # W h + a, z * (h - n)
        fed = Product(self.halved(params["W"]), room.array("fed", z.shape, z.dtype))
        for rows, source in steps:
            h, now = states[source], z[:, rows]
            pre = fed(h)
            gates, n, keep = now[:2], now[2], kept[rows]
            gates += pre[:2]
            open_gates(np.tanh(gates, out=gates))
            n += np.multiply(now[0], np.add(pre[2], a, out=inner[rows]), out=keep)
            np.tanh(n, out=n)
            np.subtract(h, n, out=keep)
            keep *= now[1]
            np.add(n, keep, out=memory[rows])
        return z, inner, kept

    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_states: FloatArray
    ) -> tuple[FloatArray, dict[str, FloatArray]]:
        room, ((r, z, n), inner, kept) = forward.room, forward.kept
        # The gradient by a pre-activation is dL/dh times a slope that the forward pass settled; the slopes come first.
        by_n, rest = (room.array(name, n.shape, n.dtype) for name in ("by_n", "rest"))
        d_pre, fed = (room.array(name, (3, *n.shape), n.dtype) for name in ("d_pre", "fed"))  # by W h + its biases
        by_r, by_z, by_inner = d_pre
        np.subtract(1, z, out=rest)
        np.multiply(rest, kept, out=by_z)
        np.multiply(n, n, out=by_n)
        np.subtract(1, by_n, out=by_n)
        by_n *= rest
        np.multiply(by_n, r, out=by_inner)
        np.subtract(1, r, out=by_r)
        by_r *= by_inner
        by_r *= inner
        back = Product(split(params["W"], 3).transpose(0, 2, 1), fed)
        (d_states,) = d_states
        d_hidden = d_states[len(batch.start) :]
        for rows, source in reversed(batch.steps):
            d_h, pre = d_hidden[rows], d_pre[:, rows]
            pre *= d_h
            carried = np.multiply(d_h, z[rows], out=rest[: len(d_h)])
            for each in back(pre):
                carried += each
            hand_back(d_states, source, carried)
        grads = {"W": joined(summed(before(batch, forward).T, d_pre)), "a": np.ones(len(n), n.dtype) @ by_inner}
        np.multiply(d_hidden, by_n, out=by_inner)
        return d_pre, grads
