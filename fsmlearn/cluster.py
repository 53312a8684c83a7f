"""Vectors to groups: geometry only. What a group means, and which groups are one state, is for others to say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def group(features: NDArray[np.int16], kind: Ints, least: int, most: int) -> tuple[Ints, Ints]:
    """Group rows of features (n, f) that are the same, within each kind (n,).

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
    _, example, index, count = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
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
