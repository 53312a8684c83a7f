"""The Elman cell: the simplest recurrent network, and the one whose machine is easiest to see.

Its memory is its hidden vector. Nothing in it protects a memory, so what lies tens of steps back is out of the
gradient's reach; `gru` and `lstm` are for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from fsmlearn.rnn import Batch, Cell, FloatArray, Forward, IntArray, Params, before

Phi = Callable[[FloatArray], FloatArray]


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
class Elman(Cell):
    """Elman's simple recurrent network (Elman 1990, "Finding structure in time").

    s(t+1) = phi(U x(t) + W s(t) + b),   o(t) = softmax(V s(t+1) + c)

    Parameters as of every cell, with Z = H.
    """

    activation: str = "tanh"

    def run(
        self, params: Params, z: FloatArray, sizes: IntArray, start: FloatArray
    ) -> tuple[FloatArray, tuple[FloatArray, ...]]:
        phi, _ = ACTIVATIONS[self.activation]
        w, h, lo = params["W"], start, 0
        for size in sizes.tolist():
            now = z[lo : lo + size]
            now += h[:size] @ w
            h, lo = phi(now), lo + size
        return z, ()

    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_hidden: FloatArray
    ) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
        _, slope = ACTIVATIONS[self.activation]
        d_z, slopes = d_hidden, slope(forward.memory)
        w_t = np.ascontiguousarray(params["W"].T)
        d_before = np.empty_like(d_z)
        carried, hi = d_z[:0], len(d_z)
        for size in batch.sizes[::-1].tolist():
            now = d_z[hi - size : hi]
            now[: len(carried)] += carried
            now *= slopes[hi - size : hi]
            carried = np.matmul(now, w_t, out=d_before[hi - size : hi])
            hi -= size
        return d_z, d_before, {"W": before(batch, forward.memory).T @ d_z}
