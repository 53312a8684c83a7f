"""Vectors to groups: geometry only. What a group means, and which groups are one state, is for others to say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]

SAMPLE = 20_000  # vectors at most that centres are found by
SWEEPS = 6  # of Lloyd's algorithm


def group(
    features: NDArray[np.int16], kind: Ints, least: int, most: int, weight: Ints | None = None
) -> tuple[Ints, Ints]:
    """Group rows of features (n, f) that are the same, within each kind (n,); each may stand for `weight` (n,) rows.

    Patterns that fewer than `least` rows show, and those beyond the `most` commonest, join the nearest of the others of
    their kind by Hamming distance (the more frequent one of equals). Every kind keeps at least its commonest pattern.
    Returns the group of each row (n,) and for each group a row that shows its pattern (k,).
    """
    # Equal patterns are found by a random 64-bit linear hash: sorting numbers is far cheaper than sorting rows, and
    # two of a million patterns collide with probability 3e-8.
    rng = np.random.default_rng(0)
    factors = rng.integers(1, 1 << 62, features.shape[1] + 1, np.int64) * 2 + 1
    with np.errstate(over="ignore"):
        key = features.astype(np.int64) @ factors[1:] + kind * factors[0]
    _, example, index = np.unique(key, return_index=True, return_inverse=True)
    count = np.bincount(index, weight).astype(np.int64)
    of = kind[example]
    commonest = np.zeros(int(of.max()) + 1, np.int64)
    np.maximum.at(commonest, of, count)
    common = np.zeros(len(count), np.bool_)
    common[np.argsort(-count, kind="stable")[:most]] = True
    frequent = np.flatnonzero(((count >= least) & common) | (count == commonest[of]))
    to = np.zeros(len(example), np.int64)
    to[frequent] = np.arange(len(frequent))
    rare = np.setdiff1d(np.arange(len(example)), frequent)
    centres = features[example[frequent]]
    for some in np.array_split(rare, -(-len(rare) // 256)) if len(rare) else []:
        apart = np.count_nonzero(features[example[some]][:, None] != centres[None], axis=2).astype(np.float64)
        apart[of[some][:, None] != of[frequent][None]] = np.inf
        to[some] = (apart - count[frequent] / (count.max() + 1)).argmin(1)
    return to[index], example[frequent]


def means(vectors: Floats, weight: Ints, groups: int, rng: np.random.Generator) -> Ints:
    """Group vectors (n, f), each standing for so many (n,), around at most so many centres; returns the group of each
    (n,), all of them in use.

    k-means, begun as in Arthur & Vassilvitskii (2007). There are fewer groups where fewer vectors differ.
    """
    known = np.flatnonzero(weight)
    if len(known) > SAMPLE:
        known = rng.choice(known, SAMPLE, replace=False)
    some, weight = vectors[known], weight[known].astype(vectors.dtype)
    squares = _squares(some)
    centres = some[rng.choice(len(some), p=weight / weight.sum(dtype=np.float64))][None]
    apart = np.maximum(squares + _squares(centres) - 2 * (some @ centres[0]), 0)
    while len(centres) < groups and apart.sum() > 1e-6 * len(some):
        chances = apart * weight
        chosen = some[rng.choice(len(some), p=chances / chances.sum())][None]
        centres = np.concatenate([centres, chosen])
        apart = np.minimum(apart, np.maximum(squares + _squares(chosen) - 2 * (some @ chosen[0]), 0))
    for _ in range(SWEEPS):
        nearest = _nearest(some, centres)
        order = np.argsort(nearest, kind="stable")
        used, begin = np.unique(nearest[order], return_index=True)
        sums = np.add.reduceat(some[order] * weight[order, None], begin)
        centres = sums / np.bincount(nearest, weight)[used][:, None]
    pieces = np.array_split(vectors, -(-len(vectors) // SAMPLE))
    found = np.concatenate([_nearest(piece, centres) for piece in pieces])
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _squares(vectors: Floats) -> Floats:
    """Squares of the lengths of vectors (n, f), in float64."""
    squares: Floats = np.einsum("nf,nf->n", vectors, vectors, dtype=np.float64)
    return squares


def _nearest(vectors: Floats, centres: Floats) -> Ints:
    """The nearest of the centres (k, f) to each vector (n, f)."""
    nearest: Ints = (_squares(centres) - 2 * (vectors @ centres.T)).argmin(1)
    return nearest
