"""Which rows of a visible-state log are in doubt, in stretches from one whole junction to the next.

A big log breaks its chain often, but in few different ways: stretches that say the same, between rows that say the
same, are alike, and what is found out about one of them holds for all. Knows nothing of what happened there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fsmlearn.logs import UNKNOWN
from fsmlearn.rows import FEW, Ints, Rows, wide


@dataclass(frozen=True, eq=False)
class Stretches:
    """One stretch of each kind, and how to get from it to all others."""

    at: Ints  # (m,) rows of the log, ascending
    often: Ints  # (m,) how often such a row in such a stretch stands in the log
    every: Ints  # (M,) all rows in doubt
    like: Ints  # (M,) which of the m rows each is like
    begins: Ints  # where in `every` each stretch begins, ascending
    share: float = 1.0  # of all stretches, in rows

    def sample(self, most: int) -> Stretches:
        """Stretches drawn evenly, of about so many rows, if there are more."""
        stride = -(-len(self.every) // most)
        if stride < 2:
            return self
        length = np.diff(self.begins, append=len(self.every))
        drawn = np.arange(len(length)) % stride == 0
        rows = np.repeat(drawn, length)
        some, like = np.unique(self.like[rows], return_inverse=True)
        begins = np.cumsum(length[drawn]) - length[drawn]
        share = float(rows.mean())
        return Stretches(self.at[some], np.bincount(like), self.every[rows], like, begins, share)


def stretches(rows: Rows, start: int) -> Stretches:
    """All stretches of rows in doubt; `start` is the state that traces begin in."""
    every = _in_doubt(rows, start)
    begins = np.flatnonzero(rows.first[every] | (np.diff(every, prepend=-2) > 1))
    length = np.diff(begins, append=len(every))
    before, after = around(rows, every, start)
    word = wide(rows.distinct[1][every])
    for part, size in (rows.first[every], 2), (rows.last[every], 2), (before + 1, rows.states + 1):
        word = word * size + part
    word = _numbered(word * (rows.states + 1) + after + 1)  # (M,) what each row says, and its neighbours

    longest = np.argsort(-length, kind="stable")
    kind = np.zeros(len(begins), np.int64)  # of stretches so far, the longest first
    words = int(word.max(initial=0)) + 1
    for step in range(int(length.max(initial=0))):
        longer = longest[: np.searchsorted(-length[longest], -step)]
        kind[longer] = _numbered(kind[longer] * words + word[begins[longer] + step])
    kind = _numbered(length * (int(kind.max(initial=0)) + 1) + kind)
    _, one, kind, often = np.unique(kind, return_index=True, return_inverse=True, return_counts=True)

    new = np.zeros(len(begins), np.bool_)  # the first stretches of their kinds
    new[one] = True
    inside = np.arange(len(every)) - np.repeat(begins, length)  # (M,) place of each row in its stretch
    place = (np.cumsum(np.where(new, length, 0)) - length)[one][kind]  # of the like stretch's first row in `at`
    some = np.repeat(new, length)
    return Stretches(
        every[some], np.repeat(often[kind], length)[some], every, np.repeat(place, length) + inside, begins
    )


def around(rows: Rows, at: Ints, start: int) -> tuple[Ints, Ints]:
    """What the rows before and after say of the states before and after rows `at`: `start` before the first row of a
    trace, UNKNOWN after the last."""
    before = np.where(rows.first[at], start, wide(rows.next[at - 1]))
    after = np.where(rows.last[at], UNKNOWN, wide(rows.state[np.minimum(at + 1, len(rows) - 1)]))
    return before, after


def _in_doubt(rows: Rows, start: int) -> Ints:
    """Rows at broken junctions, first rows that begin elsewhere than in `start`, and rows close to several such."""
    broken = rows.broken
    doubt = broken | (rows.first & (rows.state != start))
    doubt[:-1] |= broken[1:]
    # noisy neighbours hide each other's junctions, and the ends of a trace have only one
    for reach in (2, 3):
        near = np.flatnonzero(doubt[:-reach] & doubt[reach:])
        for inside in range(1, reach):
            doubt[near + inside] = True
    doubt[:-1] |= doubt[1:] & rows.first[:-1]
    doubt[1:] |= doubt[:-1] & rows.last[1:]
    return np.flatnonzero(doubt)


def _numbered(keys: Ints) -> Ints:
    """Equal keys, none below 0, become equal numbers, which count from 0 on."""
    space = int(keys.max(initial=0)) + 1
    if space > FEW:
        return np.unique(keys, return_inverse=True)[1]
    there = np.zeros(space, np.bool_)
    there[keys] = True
    found = np.flatnonzero(there)
    number = np.empty(space, np.int64)
    number[found] = np.arange(len(found))
    return number[keys]
