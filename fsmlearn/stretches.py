"""Which rows of a visible-state log are in doubt, in stretches from one whole junction to the next.

A big log breaks its chain often, but in few different ways: stretches that say the same, between rows that say the
same, are alike, and what is found out about one of them holds for all, in whichever part of the log they are. Knows
nothing of what happened there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise, starmap

import numpy as np

from fsmlearn.logs import UNKNOWN
from fsmlearn.rows import Bools, Ints, Rows, numbered, wide


@dataclass(frozen=True, eq=False)
class Kinds:
    """One stretch of each kind, in the order in which the log has them first: m rows, with all that a story needs."""

    begin: Bools  # (m,) the first row of its stretch
    first: Bools  # (m,) the first row of its trace
    last: Bools  # (m,)
    state: Ints  # (m,) what the row says
    trigger: Ints  # (m,)
    next: Ints  # (m,)
    output: Ints  # (m,)
    before: Ints  # (m,) the state that the row before leads to, that in which traces begin where there is none
    after: Ints  # (m,) the state that the row after begins in, UNKNOWN where there is none
    often: Ints  # (m,) how often such a row in such a stretch stands in the log

    def __len__(self) -> int:
        return len(self.state)

    def parts(self, size: int) -> Iterator[slice]:
        """Rows of whole stretches, about so many at a time."""
        begins = np.flatnonzero(self.begin)
        cuts = [*begins[np.diff(begins // size, prepend=-1) > 0].tolist(), len(self)]
        yield from starmap(slice, pairwise(cuts))

    def take(self, rows: Bools | slice, often: Ints) -> Kinds:
        """Some kinds, given by all their rows, as often as (m,) says."""
        columns = {each.name: getattr(self, each.name)[rows] for each in fields(self)}
        return Kinds(**columns | {"often": often[rows]})


@dataclass(frozen=True, eq=False)
class Stretches:
    """All stretches of a log, or of a part of it, and the kinds that they are of."""

    every: Ints  # (M,) all rows in doubt, ascending
    begins: Ints  # where in `every` each stretch begins, ascending
    like: Ints  # (M,) which row of the kinds each is like
    kinds: Kinds

    def drawn(self, stride: int, before: int) -> Ints:
        """(m,) how often the rows of the kinds stand in every stride-th stretch of the log, where so many stretches
        come before these."""
        length = np.diff(self.begins, append=len(self.every))
        chosen = (before + np.arange(len(length))) % stride == 0
        return np.bincount(self.like[np.repeat(chosen, length)], minlength=len(self.kinds))


def stretches(rows: Rows, start: int) -> Stretches:
    """All stretches of rows in doubt; `start` is the state that traces begin in."""
    every = _in_doubt(rows, start)
    begins = np.flatnonzero(rows.first[every] | (np.diff(every, prepend=-2) > 1))
    length = np.diff(begins, append=len(every))
    before = np.where(rows.first[every], start, wide(rows.next[every - 1]))
    after = np.where(rows.last[every], UNKNOWN, wide(rows.state[np.minimum(every + 1, len(rows) - 1)]))
    word = wide(rows.distinct[1][every])
    for part, size in (rows.first[every], 2), (rows.last[every], 2), (before + 1, rows.states + 1):
        word = word * size + part
    word = numbered(word * (rows.states + 1) + after + 1)[1]  # (M,) what each row says, and its neighbours

    longest = np.argsort(-length, kind="stable")
    kind = np.zeros(len(begins), np.int64)  # of stretches so far, the longest first
    words = int(word.max(initial=0)) + 1
    for step in range(int(length.max(initial=0))):
        longer = longest[: np.searchsorted(-length[longest], -step)]
        kind[longer] = numbered(kind[longer] * words + word[begins[longer] + step])[1]
    kind = numbered(length * (int(kind.max(initial=0)) + 1) + kind)[1]
    _, one, kind, often = np.unique(kind, return_index=True, return_inverse=True, return_counts=True)

    new = np.zeros(len(begins), np.bool_)  # the first stretches of their kinds
    new[one] = True
    inside = np.arange(len(every)) - np.repeat(begins, length)  # (M,) place of each row in its stretch
    place = (np.cumsum(np.where(new, length, 0)) - length)[one][kind]  # of the like stretch's first row in the kinds
    some = np.repeat(new, length)
    at = every[some]
    kinds = Kinds(
        begin=(inside == 0)[some],
        first=rows.first[at],
        last=rows.last[at],
        state=wide(rows.state[at]),
        trigger=wide(rows.trigger[at]),
        next=wide(rows.next[at]),
        output=wide(rows.output[at]),
        before=before[some],
        after=after[some],
        often=np.repeat(often[kind], length)[some],
    )
    return Stretches(every, begins, np.repeat(place, length) + inside, kinds)


class Gathered:
    """The kinds of several parts of a log, as far as they were added."""

    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}  # a kind as bytes -> its first row among all
        self._parts: list[Kinds] = []  # what is new in each part
        self._often = np.zeros(0, np.int64)

    def add(self, part: Kinds) -> Ints:
        """The kinds of the next part; returns which rows of all kinds its rows are like."""
        if not self._parts:  # one part is told apart already, and there may be no other
            self._parts, self._often = [part], part.often.copy()
            return np.arange(len(part))
        if not self._first:
            self._like(self._parts[0], 0)
        like, new = self._like(part, len(self._often))
        self._often = np.append(self._often, np.zeros(np.count_nonzero(new), np.int64))
        self._often[like] += part.often
        self._parts.append(part.take(new, part.often))
        return like

    def _like(self, part: Kinds, size: int) -> tuple[Ints, Bools]:
        """((m,) rows of all kinds, of which there are so many; (m,) which are new, and are known from now on)."""
        columns = [getattr(part, each.name) for each in fields(Kinds) if each.name != "often"]
        said = np.stack(columns, 1, dtype=np.int64, casting="same_kind")  # (m, 9)
        begins = np.flatnonzero(part.begin)
        ends = np.append(begins[1:], len(part))[: len(begins)]
        new, first = np.zeros(len(part), np.bool_), np.empty(len(begins), np.int64)
        for n, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
            first[n] = self._first.setdefault(said[begin:end].tobytes(), size)
            if first[n] == size:
                new[begin:end] = True
                size += end - begin
        length = ends - begins
        return np.repeat(first - begins, length) + np.arange(len(part)), new

    def kinds(self) -> Kinds:
        """All of them."""
        columns = {
            each.name: np.concatenate([getattr(part, each.name) for part in self._parts]) for each in fields(Kinds)
        }
        return Kinds(**columns | {"often": self._often})


def _in_doubt(rows: Rows, start: int) -> Ints:
    """Rows at broken junctions, first rows that begin elsewhere than in `start`, and rows close to several such."""
    doubt = np.zeros(len(rows), np.bool_)
    doubt[rows.broken] = doubt[rows.broken - 1] = True
    doubt[rows.begins[rows.state[rows.begins] != start]] = True
    # noisy neighbours hide each other's junctions, and the ends of a trace have only one
    for reach in (2, 3):
        near = np.flatnonzero(doubt[:-reach])
        near = near[doubt[near + reach]]
        for inside in range(1, reach + 1):
            near = near[~rows.first[near + inside]]
        for inside in range(1, reach):
            doubt[near + inside] = True
    begins = rows.begins[rows.begins < len(rows) - 1]
    doubt[begins[doubt[begins + 1] & ~rows.last[begins]]] = True
    ends = rows.ends[rows.ends > 0]
    doubt[ends[doubt[ends - 1] & ~rows.first[ends]]] = True
    return np.flatnonzero(doubt)
