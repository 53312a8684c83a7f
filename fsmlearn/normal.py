"""What normal runs are like as a whole: how often things happen in them, and how surprising the most surprising is.

A machine says what may come next and forgets the rest. How many of one kind of event there are when another happens, or
when the run ends, is kept as relations; what is surprising about a normal run as tails. They are measured when the
machine is learned (`calibrate`) and kept in the model file. Standard library only.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from types import MappingProxyType

from fsmlearn.about import Stored

SHARES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002)  # of normal runs whose scores are kept
EXACT = 16  # counts below are told apart, those above
PARTS = 4  # in so many parts of every doubling
FULL = 255  # of one kind; more are not counted
END = ""  # the moment when a run ends
ALL = ""  # kinds: as what is counted, all rows; as what is given, nothing
LARGEST = 1 << 53  # no count is as large
NEAR = 0.5  # share that a count gives to one beside it


@dataclass(frozen=True, slots=True)
class Tail:
    """How seldom a score is so high: the scores that SHARES of the normal ones reach, as far as there are enough, and
    how much a score rises from there for each nat of rarity."""

    scores: tuple[float, ...] = ()
    rise: float = 1.0

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in pairwise(self.scores))
        if not rising or len(self.scores) > len(SHARES) or not all(map(math.isfinite, (*self.scores, self.rise))):
            raise ValueError(f"a tail has the scores {self.scores[: len(SHARES)]}")
        if self.rise <= 0:
            raise ValueError(f"a tail rises by {self.rise}")

    def reached(self, share: float) -> float:
        """The score that this share of the normal ones reach."""
        low, high = 0.0, 1.0
        while self.rarity(high) < -math.log(share):
            low, high = high, 2 * high
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self.rarity(middle) < -math.log(share) else (low, middle)
        return high

    def rarity(self, score: float) -> float:
        """-log of the share of normal scores that are so high. Where there were too few to tell, a nat of surprise is
        taken for a nat of that."""
        if not self.scores:
            return score
        place = bisect_right(self.scores, score)
        if place == len(self.scores):
            return -math.log(SHARES[place - 1]) + (score - self.scores[-1]) / self.rise
        above = -math.log(SHARES[place])
        below, least = (-math.log(SHARES[place - 1]), self.scores[place - 1]) if place else (0.0, 0.0)
        return below + (above - below) * max(score - least, 0.0) / max(self.scores[place] - least, 1e-9)


@dataclass(frozen=True, slots=True)
class Relation:
    """How many of one kind there are at some moment, given how many there are of another."""

    moment: str  # just before an event of this kind, or END
    given: str  # kind of event, or ALL
    counted: str
    times: tuple[int, ...]  # given, counted, how often, and again; counts as `bucket` has them

    def __post_init__(self) -> None:
        if len(self.times) % 3 or not all(0 <= number < LARGEST for number in self.times):
            raise ValueError("a relation has other numbers than counts")
        if not self.times or 0 in self.times[2::3] or (self.moment != END and self.counted == ALL):
            raise ValueError(f"a relation counts {self.counted!r} at {self.moment!r}")


@dataclass(frozen=True, slots=True)
class Normal(Stored):
    """What was measured of normal runs; nothing where there were too few."""

    runs: int = 0  # that were measured
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # role -> header of the log
    starts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # visible state -> runs
    # state -> runs that ended there, and times that others went on; empty where the machine says how runs end
    ends: Mapping[str, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    wrong: int = 0  # answers, in the log as it was
    broken: int = 0  # places where rows were lost or made up, as far as only the machine knows of them
    relations: tuple[Relation, ...] = ()
    row: Tail = Tail()  # surprise of a row
    worst: Tail = Tail()  # of the most surprising row of a run
    order: Tail = Tail()  # of the counts at its events
    total: Tail = Tail()  # of the counts at its end
    run: Tail = Tail()  # the greatest rarity of these three

    def __post_init__(self) -> None:
        counts = (self.runs, self.wrong, self.broken, *self.starts.values(), *chain.from_iterable(self.ends.values()))
        if not all(0 <= number < LARGEST for number in counts):
            raise ValueError("normal has other numbers than counts")


class Counted:
    """A relation, asked how surprising counts are."""

    def __init__(self, relation: Relation) -> None:
        self.relation = relation
        self._rows: dict[int, dict[int, int]] = {}
        self._counted: Counter[int] = Counter()
        self._more: Counter[int] = Counter()  # by how many there are more than of what is given
        each = iter(relation.times)
        for given, counted, times in zip(each, each, each, strict=True):
            self._rows.setdefault(given, {})[counted] = times
            self._counted[counted] += times
            self._more[counted - given] += times
        self._apart = _spread(self._more) < _spread(self._counted)

    def surprise(self, given: int, counted: int, own: int = 0) -> float:
        """Nats of `counted` things where there are `given` others, so many times that this was seen left out.

        What was never seen with this many others keeps a share as in `ways`. It is likelier the nearer it is to what
        was seen with any number of them: to the count itself, or to the difference of the two. At the end of a run one
        of these, whichever says more, keeps such a share too, for there two counts may always differ by the same.
        """
        given, counted = bucket(given), bucket(counted)
        if self.relation.moment == END:
            seen, place = (self._more, counted - given) if self._apart else (self._counted, counted)
            backing = _share(seen, place, own, _near(seen, place, own))
        else:
            backing = (_near(self._counted, counted, own) + _near(self._more, counted - given, own)) / 2
        return -math.log(max(_share(self._rows.get(given, {}), counted, own, backing), 1e-300))

    def expected(self, given: int) -> tuple[str, float]:
        """The usual count where there are `given` others, in words, and its share."""
        row = self._rows.get(bucket(given)) or self._counted
        best = max(row, key=lambda counted: (row[counted], -counted))
        told = str(best) if best < EXACT else f"about {EXACT * 2 ** ((best - EXACT + 0.5) / PARTS):.0f}"
        return told, row[best] / sum(row.values())


def _share(seen: Mapping[int, int], place: int, own: int, backing: float) -> float:
    """The share of a count among those that were seen, so often each, or by its backing of what is new (Witten & Bell
    1991, method C)."""
    times = seen.get(place, 0) - own
    kinds = max(len(seen) - (own > 0 and times <= 0), 1)
    return (max(times, 0) + kinds * backing) / (max(sum(seen.values()) - own, 0) + kinds)


def _near(seen: Mapping[int, int], place: int, own: int) -> float:
    """The share of a count where each that was seen gives some to those beside it."""
    near = sum(times * NEAR ** abs(place - other) for other, times in seen.items()) - own
    return max(near, 1e-9) * (1 - NEAR) / (1 + NEAR) / max(sum(seen.values()) - own, 1)


def _spread(seen: Mapping[int, int]) -> float:
    """Nats that it takes to say which of these things came, for all of them."""
    total = sum(seen.values())
    return total * math.log(total) - sum(times * math.log(times) for times in seen.values())


Told = tuple[float, Counted | None, int, int]  # nats, and the relation with the counts given and counted
NONE: Told = (0.0, None, 0, 0)


class Counts:
    """What is counted of a run, and how surprising it is at an event and at the end.

    A run keeps an array of its own, as `begin` makes it; `own` is 1 where the run is among those that were counted.
    """

    def __init__(self, relations: Sequence[Relation], own: int = 0) -> None:
        kinds = dict.fromkeys(kind for each in relations for kind in (each.moment, each.given, each.counted))
        self._place = {kind: i for i, kind in enumerate(kind for kind in kinds if kind)}
        self._own = own
        self._nothing = len(self._place)  # a place that counts nothing
        self._empty = bytearray(1)
        self._at: dict[str, tuple[int, list[tuple[int, int, Counted, dict[int, float]]]]] = {
            kind: (place, []) for kind, place in self._place.items()
        }
        self._end: list[tuple[int, Counted, dict[int, float]]] = []
        for each in relations:
            given = self._place.get(each.given, self._nothing)
            if each.moment == END:
                self._end.append((given, Counted(each), {}))
            else:
                self._at[each.moment][1].append((given, self._place[each.counted], Counted(each), {}))

    def begin(self) -> bytearray:
        """The counts of a new run."""
        return bytearray(self._nothing + 1) if self._place else self._empty

    def count(self, event: str, counts: bytearray, most: Told = NONE) -> Told:
        """The more surprising of `most` and of the counts at an event, which is counted then."""
        found = self._at.get(event)
        if found is None:
            return most
        place, relations = found
        for given, counted, relation, known in relations:
            key = counts[given] << 8 | counts[counted]
            nats = known.get(key)
            if nats is None:
                nats = known[key] = relation.surprise(counts[given], counts[counted], self._own)
            if nats > most[0]:
                most = (nats, relation, counts[given], counts[counted])
        if counts[place] < FULL:
            counts[place] += 1
        return most

    def end(self, counts: bytearray, rows: int) -> Told:
        """The most surprising of the counts at the end of a run of so many rows."""
        most = NONE
        for given, relation, known in self._end:
            kind = relation.relation.counted
            counted = counts[self._place[kind]] if kind else rows
            key = counts[given] << 8 | bucket(counted)
            nats = known.get(key)
            if nats is None:
                nats = known[key] = relation.surprise(counts[given], counted, self._own)
            if nats > most[0]:
                most = (nats, relation, counts[given], counted)
        return most


def surprise_of_end(ended: int, passed: int) -> float:
    """Nats of a run that ends in a state where so many ended, and so many went on."""
    return -math.log((ended + 0.5) / (ended + passed + 1))


def bucket(count: int) -> int:
    """Small counts as they are, greater ones by their size."""
    if count < EXACT:
        return count
    return EXACT + int(PARTS * math.log2(count / EXACT))
