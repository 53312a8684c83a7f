"""Small networks and ragged batches in float64, and their forward pass written row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from fsmlearn import rnn
from fsmlearn.elman import ACTIVATIONS, Elman
from fsmlearn.gru import Gru
from fsmlearn.lstm import Lstm
from fsmlearn.products import FloatArray
from fsmlearn.rnn import Batch, Cell

SHAPE = {"D": 6, "H": 4, "O": 3}
ELMAN: Mapping[str, Cell] = {activation: Elman(activation) for activation in sorted(ACTIVATIONS)}
CELLS: Mapping[str, Cell] = {**ELMAN, "gru": Gru(), "lstm": Lstm()}


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


PHI: Mapping[str, Callable[[float], float]] = {"tanh": math.tanh, "sigmoid": sigmoid, "relu": lambda z: max(z, 0.0)}


def a_network(rng: np.random.Generator, cell: Cell | None = None) -> dict[str, FloatArray]:
    """Parameters all drawn at random, biases too; of an Elman cell unless another is given."""
    params = (cell or Elman()).initial(SHAPE["D"], SHAPE["H"], SHAPE["O"], rng)
    return {name: rng.normal(0, 0.7, value.shape) for name, value in params.items()}


def a_batch(rng: np.random.Generator, lengths: list[int], words: int = 2, vectors: int = 1) -> Batch:
    """Traces of these falling lengths with `words` input words a row, unknown targets, weights and a start."""
    sizes = np.array([sum(length > t for length in lengths) for t in range(lengths[0])])
    n = int(sizes.sum())
    known = np.flatnonzero(np.append(rng.random(n - 1) < 0.75, True))  # one at least
    return Batch(
        inputs=rng.integers(SHAPE["D"], size=(n, words)),
        sizes=sizes,
        parents=rnn.lanes(sizes),
        start=rng.normal(0, 0.5, (len(lengths), vectors * SHAPE["H"])),
        rows=known,
        targets=rng.integers(SHAPE["O"], size=len(known)),
        weights=rng.uniform(0.5, 3, len(known)),
    )


def lanes(batch: Batch) -> list[list[int]]:
    """The packed rows of each trace."""
    begins = np.cumsum(batch.sizes) - batch.sizes
    return [
        [int(begin) + lane for begin, size in zip(begins, batch.sizes, strict=True) if lane < size]
        for lane in range(len(batch.start))
    ]


def by_hand(
    cell: Cell, params: Mapping[str, FloatArray], batch: Batch, noise: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What becomes the hidden vector (N, H), memories (N, M) and probabilities (N, O), one scalar after another."""
    n, h = len(batch.inputs), len(params["V"])
    z, m, p = np.zeros((n, h)), np.zeros((n, cell.width(params))), np.zeros((n, len(params["c"])))
    for lane, rows in enumerate(lanes(batch)):
        before = batch.start[lane]
        for row in rows:
            x = [
                params["b"][k] + sum(params["U"][word, k] for word in batch.inputs[row])
                for k in range(len(params["b"]))
            ]
            fed = [sum(before[i] * params["W"][i, k] for i in range(h)) for k in range(len(x))]
            for j in range(h):
                if isinstance(cell, Elman):
                    z[row, j] = x[j] + fed[j] + noise[row, j]
                    m[row, j] = PHI[cell.activation](z[row, j])
                elif isinstance(cell, Gru):
                    reset, keep = sigmoid(x[j] + fed[j]), sigmoid(x[h + j] + fed[h + j])
                    z[row, j] = x[2 * h + j] + noise[row, j] + reset * (fed[2 * h + j] + params["a"][j])
                    m[row, j] = (1 - keep) * math.tanh(z[row, j]) + keep * before[j]
                else:
                    write, keep, show = (sigmoid(x[k * h + j] + fed[k * h + j]) for k in range(3))
                    z[row, j] = x[3 * h + j] + fed[3 * h + j] + noise[row, j]
                    m[row, h + j] = keep * before[h + j] + write * math.tanh(z[row, j])
                    m[row, j] = show * math.tanh(m[row, h + j])
            before = m[row]
            odds = [math.exp(params["c"][o] + sum(before[:h] * params["V"][:, o])) for o in range(p.shape[1])]
            p[row] = np.array(odds) / sum(odds)
    return z, m, p
