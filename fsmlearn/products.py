"""Matrix products of `rnn` and its cells, cut where OpenBLAS has kernels for small matrices.

With AVX-512 OpenBLAS takes what comes to at most SMALL multiplications for a small product, and does that without
copying the matrices first: thin ones are multiplied up to twice as fast. So tall matrices are multiplied some rows at a
time, and weights that are just too wide for a step's rows half by half. `benchmarks/training.py` shows what that is
worth; with kernels for AVX2 it is worth nothing, and costs next to nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]

SMALL = 10**6  # multiplications that OpenBLAS takes for a small product with AVX-512
STEP = 64  # rows of a step, as a rule
FEWEST = 100  # rows that are worth a product of their own


class Product:
    """Rows of a step times weights (..., n, H), into memory (..., N, H) whose beginning is used again and again: the
    processor has that at hand."""

    def __init__(self, weights: FloatArray, out: FloatArray) -> None:
        if out.ndim > weights.ndim:  # rows are lots (..., N, n, H) that go on from one: multiplied once
            weights, out = weights[..., None, :, :], out[..., :1, :, :]
        n, h = weights.shape[-2:]
        parts = 2 if STEP * n * h > SMALL >= STEP * n * h / 2 and h % 2 == 0 else 1
        self._multiply = np.dot if weights.ndim == 2 and parts == 1 else np.matmul
        self._weights, self._out = np.ascontiguousarray(_parted(weights, parts)), out
        self._into = _parted(out, parts)

    def __call__(self, rows: FloatArray) -> FloatArray:
        """The product (..., n, H), which holds until the next."""
        n = rows.shape[-2]
        out = self._out[..., :n, :]
        self._multiply(rows, self._weights, out=out if self._into is self._out else self._into[..., :n, :])
        return out


def times(rows: FloatArray, weights: FloatArray, out: FloatArray) -> None:
    """Rows (N, n) times weights (n, H), into (N, H)."""
    size, whole = _pieces(len(rows), weights.size)
    if whole:
        head, into = rows[:whole].reshape(-1, size, rows.shape[1]), out[:whole].reshape(-1, size, out.shape[1])
        np.matmul(head, weights, out=into)
    np.matmul(rows[whole:], weights, out=out[whole:])


def summed(left: FloatArray, rows: FloatArray) -> FloatArray:
    """Rows (..., N, H) added up as many times as `left` (m, N) says, (..., m, H)."""
    size, whole = _pieces(left.shape[1], len(left) * rows.shape[-1])
    total: FloatArray = left[:, whole:] @ rows[..., whole:, :]
    if whole:
        head = rows[..., :whole, :].reshape(*rows.shape[:-2], -1, size, rows.shape[-1])
        total += (left[:, :whole].reshape(len(left), -1, size).transpose(1, 0, 2) @ head).sum(-3)
    return total


def _pieces(rows: int, multiplications: int) -> tuple[int, int]:
    """How many rows to multiply at a time, with so many multiplications each, and how many make whole pieces."""
    size = SMALL // max(multiplications, 1)
    return (size, rows - rows % size) if FEWEST <= size < rows else (rows, 0)


def _parted(columns: FloatArray, parts: int) -> FloatArray:
    """(..., n, H) as (parts, ..., n, H / parts), or as it is if it is one part."""
    if parts == 1:
        return columns
    return np.moveaxis(columns.reshape(*columns.shape[:-1], parts, -1), -2, 0)
