"""What tells one log from another: sums over its rows, which do not depend on the parts that it is read in.

Every row gives a number that is mixed from what it says and from its place in the log, and so does every trace; the
numbers are added modulo 2^64, twice over with other mixtures. Equal logs have equal sums; that two logs happen to have
them is as likely as to guess 128 bits. It is no seal against somebody who looks for such logs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.runs import Numerals, Runs

Words64 = NDArray[np.uint64]
PART = 1 << 14  # rows at a time, which stay in the processor's cache
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
ODD = [np.uint64(n) for n in (0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5, 0x85EBCA77C2B2AE63)]
OTHER = np.uint64(0xD6E8FEB86659FD93)


@dataclass(frozen=True)
class Marks:
    """The sums of a log or of a part of it; those of parts can be added."""

    sums: tuple[int, int]

    def __add__(self, other: Marks) -> Marks:
        one, two = ((a + b) % (1 << 64) for a, b in zip(self.sums, other.sums, strict=True))
        return Marks((one, two))

    def digest(self, kind: str, words: Sequence[Sequence[str]]) -> str:
        """SHA-256 (hex) of the sums, the kind of the log and its words."""
        return hashlib.sha256(json.dumps([kind, words, self.sums]).encode()).hexdigest()


NO_MARKS = Marks((0, 0))


def marks(
    columns: Sequence[NDArray[np.signedinteger[Any]]],
    steps: Runs,
    offsets: NDArray[np.int64],
    names: Sequence[str],
    rows: int,
    traces: int,
) -> Marks:
    """Of N rows in columns of codes (N,) and R traces with their names, before which so many rows and traces come."""
    one = two = 0
    with np.errstate(over="ignore"):
        for start in range(0, int(offsets[-1]), PART):
            part = slice(start, min(start + PART, int(offsets[-1])))
            said = steps.part(part.start, part.stop).view(np.uint64) * GOLDEN
            for column, factor in zip(columns, ODD, strict=True):
                said += column[part].astype(np.int64).view(np.uint64) * factor
            a, b = _mixed(said, np.arange(rows + part.start, rows + part.stop).view(np.uint64))
            one, two = one + a, two + b
        for first in range(0, len(names), PART):
            some = slice(first, min(first + PART, len(names)))
            begins = (offsets[:-1][some] + rows).view(np.uint64)
            number = np.arange(traces + some.start, traces + some.stop).view(np.uint64)
            a, b = _mixed(_numbers(names, some) + begins * GOLDEN, ~number)
            one, two = one + a, two + b
    return Marks((one % (1 << 64), two % (1 << 64)))


def _mixed(said: Words64, place: Words64) -> tuple[int, int]:
    """Two sums over what is said in places (n,)."""
    place = scattered(place * GOLDEN)
    return tuple(int(scattered(said * factor ^ place).sum()) for factor in (GOLDEN, OTHER))  # type: ignore[return-value]


def scattered(x: Words64) -> Words64:
    """Every bit of each number (n,) depends on every bit (the finaliser of splitmix64, Steele et al. 2014)."""
    x = x ^ (x >> np.uint64(30))
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return x


def _numbers(names: Sequence[str], some: slice) -> Words64:
    """Names as numbers: what looks like a whole number is that number, written how it may be."""
    if isinstance(names, Numerals):
        return names.numbers.part(some.start, some.stop).view(np.uint64)
    return np.array([_number(name) for name in names[some]], np.uint64)


def _number(name: str) -> int:
    if name.isascii() and name.isdigit() and len(name) < 17 and (name[0] != "0" or name == "0"):
        return int(name)
    return int.from_bytes(hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=8).digest(), "little")
