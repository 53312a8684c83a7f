"""Small networks and ragged batches in float64, and their forward pass written row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from fsmlearn.rnn import Batch, Elman, FloatArray

SHAPE = {"D": 6, "H": 4, "O": 3}
PHI: Mapping[str, Callable[[float], float]] = {
    "tanh": math.tanh,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "relu": lambda z: max(z, 0.0),
}


def a_network(rng: np.random.Generator) -> dict[str, FloatArray]:
    """Parameters all drawn at random, biases too."""
    params = Elman().initial(SHAPE["D"], SHAPE["H"], SHAPE["O"], rng)
    return {name: rng.normal(0, 0.7, value.shape) for name, value in params.items()}


def a_batch(rng: np.random.Generator, lengths: list[int], words: int = 2) -> Batch:
    """Traces of these falling lengths with `words` input words a row, unknown targets, weights and a start."""
    sizes = np.array([sum(length > t for length in lengths) for t in range(lengths[0])])
    n = int(sizes.sum())
    return Batch(
        inputs=rng.integers(SHAPE["D"], size=(n, words)),
        targets=np.append(rng.integers(-1, SHAPE["O"], size=n - 1), 1),  # one at least is known
        weights=rng.uniform(0.5, 3, n),
        sizes=sizes,
        start=rng.normal(0, 0.5, (len(lengths), SHAPE["H"])),
    )


def lanes(batch: Batch) -> list[list[int]]:
    """The packed rows of each trace."""
    begins = np.cumsum(batch.sizes) - batch.sizes
    return [
        [int(begin) + lane for begin, size in zip(begins, batch.sizes, strict=True) if lane < size]
        for lane in range(len(batch.start))
    ]


def by_hand(
    activation: str, params: dict[str, FloatArray], batch: Batch, noise: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Pre-activations (N, H), hidden vectors (N, H) and probabilities (N, O), one scalar after another."""
    n, h = len(batch.inputs), len(params["b"])
    z, s, p = np.zeros((n, h)), np.zeros((n, h)), np.zeros((n, len(params["c"])))
    for lane, rows in enumerate(lanes(batch)):
        before = batch.start[lane]
        for row in rows:
            for j in range(h):
                z[row, j] = params["b"][j] + noise[row, j] + sum(params["U"][x, j] for x in batch.inputs[row])
                z[row, j] += sum(before[i] * params["W"][i, j] for i in range(h))
                s[row, j] = PHI[activation](z[row, j])
            before = s[row]
            odds = [math.exp(params["c"][o] + sum(before * params["V"][:, o])) for o in range(p.shape[1])]
            p[row] = np.array(odds) / sum(odds)
    return z, s, p
