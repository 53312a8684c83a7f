"""The Elman cell: the simplest recurrent network, and the one whose machine is easiest to see.

Its memory is its hidden vector. Nothing in it protects a memory, so what lies tens of steps back is out of the
gradient's reach; `gru` and `lstm` are for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from fsmlearn.products import FloatArray, Product, summed
from fsmlearn.rnn import Batch, Cell, Forward, Params, Room, Step, before, hand_back

Phi = Callable[[FloatArray, FloatArray], None]


def _tanh(z: FloatArray, out: FloatArray) -> None:
    np.tanh(z, out=out)


def _sigmoid(z: FloatArray, out: FloatArray) -> None:
    # Through tanh: one call, and no overflow on either side.
    z *= 0.5
    np.tanh(z, out=out)
    out += 1.0
    out *= 0.5


def _relu(z: FloatArray, out: FloatArray) -> None:
    np.maximum(z, 0, out=out)


def _tanh_slope(h: FloatArray, out: FloatArray) -> None:
    np.multiply(h, h, out=out)
    np.subtract(1, out, out=out)


def _sigmoid_slope(h: FloatArray, out: FloatArray) -> None:
    np.subtract(1, h, out=out)
    out *= h


def _relu_slope(h: FloatArray, out: FloatArray) -> None:
    np.greater(h, 0, out=out)


# Each activation may overwrite its argument; its derivative is given in terms of its value.
ACTIVATIONS: Final[Mapping[str, tuple[Phi, Phi]]] = {
    "tanh": (_tanh, _tanh_slope),
    "sigmoid": (_sigmoid, _sigmoid_slope),
    "relu": (_relu, _relu_slope),
}


@dataclass(frozen=True)
class Elman(Cell):
    """Elman's simple recurrent network (Elman 1990, "Finding structure in time").

    s(t+1) = phi(U x(t) + W s(t) + b),   o(t) = softmax(V s(t+1) + c)

    Parameters as of every cell, with Z = H.
    """

    activation: str = "tanh"

    def run(
        self, params: Params, z: FloatArray, states: FloatArray, steps: list[Step], room: Room
    ) -> tuple[FloatArray, ...]:
        phi, _ = ACTIVATIONS[self.activation]
        (z,), (states,) = z, states
        after = states[len(states) - len(z) :]
        fed = Product(params["W"], room.array("fed", z.shape, z.dtype))
        for rows, source in steps:
            now = z[rows]
            now += fed(states[source])
            phi(now, after[rows])
        return ()

    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_states: FloatArray
    ) -> tuple[FloatArray, dict[str, FloatArray]]:
        room, starts = forward.room, len(batch.start)
        _, slope = ACTIVATIONS[self.activation]
        (d_states,) = d_states
        d_hidden = d_states[starts:]
        d_z, fed = (room.array(name, d_hidden.shape, d_hidden.dtype) for name in ("d_z", "fed"))
        slope(forward.states[0, starts:], d_z)
        back = Product(params["W"].T, fed)
        for rows, source in reversed(batch.steps):
            now = d_z[rows]
            now *= d_hidden[rows]
            hand_back(d_states, source, back(now))
        return d_z[None], {"W": summed(before(batch, forward).T, d_z)}
