"""What two machines do differently: places in the behaviour of both with the words that lead there, not rows of tables.

Both are walked side by side (`machine.together`), so states match by what they do, whatever they are called inside.
Standard library only; it knows nothing of files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fsmlearn.equivalence import Meeting, Pair, equivalent, together
from fsmlearn.errors import ModelError
from fsmlearn.likeness import Matches, relabelled, renamed
from fsmlearn.machine import Machine, Transition

ALARM = 1e-3  # chance that any share is called different where none is
ENOUGH = 5  # rows that must be expected on either side of a share for the normal approximation to hold

Kind = Literal[
    "starts elsewhere",
    "called otherwise",
    "other answer",
    "unseen in old",
    "unseen in new",
    "leads elsewhere",
    "trigger only in old",
    "trigger only in new",
    "other shares",
    "state only in old",
    "state only in new",
]
ONLY: tuple[tuple[Kind, Kind], tuple[Kind, Kind]] = (
    ("trigger only in old", "trigger only in new"),
    ("state only in old", "state only in new"),
)
Word = tuple[str, ...]
Words = tuple[Word, Word]  # of the old and of the new machine
KINDS = {"moore": "a Moore machine", "mealy": "a Mealy machine", "lts": "a machine of events"}


@dataclass(frozen=True, slots=True)
class Side:
    """One machine where the two differ."""

    word: Word = ()  # that leads there
    states: Word = ()  # that it may be in then
    ways: tuple[Transition, ...] = ()  # what it does there under the trigger
    then: tuple[Transition, ...] = ()  # what it does under the last of the triggers after it

    @property
    def rows(self) -> int:
        """Rows of its log behind what it does there."""
        return sum(t.count for t in self.ways)


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where the machines differ, or what only one of them has.

    Under the trigger they give another answer, or one has never seen it there, or the answer is the same and leads
    to states that answer differently after the triggers of `then`, or its shares are others.
    """

    kind: Kind
    trigger: str | None
    old: Side
    new: Side
    then: Word = ()


@dataclass(frozen=True, slots=True)
class Differences:
    """All differences, those that come after the fewest triggers first, and a shortest sequence of triggers after which
    one machine may have shown what the other cannot (None where there is none)."""

    found: tuple[Difference, ...]
    witness: Word | None


def diff(old: Machine, new: Machine) -> Differences:
    """What the machines do differently, whatever they call their states inside.

    What is possible is compared, and where that is the same its shares, by tests of two proportions that go wrong in
    one of a thousand comparisons. A visible state is shown, so that another name for it is a difference. Which states
    match is settled by walking, or by likeness where that tells the whole in fewer differences. Raises ModelError where
    the machines are of different kinds.
    """
    if old.kind != new.kind:
        raise ModelError(
            f"{KINDS[old.kind]} and {KINDS[new.kind]} cannot be compared; learn both from the same columns"
        )
    names = renamed(old, new)
    matches = Matches(old, relabelled(new, names))
    tellings = (_Comparison(matches, set(names.values()), choosy).differences() for choosy in (True, False))
    return Differences(min(tellings, key=len), equivalent(old, new))


class _Comparison:
    """Collects the differences of two machines.

    `otherwise` are the visible states that the new one has another name for. A choosy comparison passes by a pair of
    states that differ where both have better matches.
    """

    def __init__(self, matches: Matches, otherwise: set[str], choosy: bool) -> None:
        self.matches, self.choosy = matches, choosy
        self.machines = old, new = matches.machines
        self.reached = old.shortest_words(), new.shortest_words()
        self.otherwise: set[str | None] = {*otherwise}  # those that are not told yet
        self.shared = set(old.triggers) & set(new.triggers)
        self.alone = set(old.triggers) ^ set(new.triggers)  # triggers of one machine that are not told yet
        self.seen: tuple[set[str], set[str]] = (set(), set())  # states that have been in a pair
        self.met: set[Pair] = set()
        self.same: set[Pair] = set()  # pairs that never differ
        self.astray: dict[Pair, Meeting] = {}  # pairs that are not compared further, and where they first differ
        self.found: list[Difference] = []
        self.shares: list[tuple[float, Difference]] = []

    def differences(self) -> tuple[Difference, ...]:
        old, new = self.machines
        start = (frozenset([old.initial]), frozenset([new.initial]))
        if old.labels[old.initial] == new.labels[new.initial]:
            self._walk(start, ((), ()))
        else:
            self._tell("starts elsewhere", None, start, ((), ()))
        while left := self._left():
            p, q = left
            self._walk((frozenset([p]), frozenset([q])), (self.reached[0][p], self.reached[1][q]))
        self._tell_alone()
        self.found.sort(key=_distance)
        likely = ALARM / max(len(self.shares), 1)  # Bonferroni
        shares = dict.fromkeys(difference for chance, difference in self.shares if chance < likely)
        return (*self.found, *shares, *self._lonely())

    def _walk(self, start: Pair, words: Words) -> None:
        """Compare pair after pair. The walk does not go on from a pair that differs where its states have been in
        others or have better matches: of that it is told where it shows first."""
        self._enter(start, words)
        for m in together(*self.machines, start, self.met):
            before = (*words[0], *m.word), (*words[1], *m.word)
            self._compare(m, before)
            for following in m.following():
                if following not in self.met:
                    covered = following[0] <= self.seen[0] and following[1] <= self.seen[1]
                    apart = self._apart(following)
                    if apart and (covered or (self.choosy and self.matches.better(following))):
                        self.astray[following] = apart
                    if covered or following in self.astray:
                        self.met.add(following)
                    else:
                        self._enter(following, ((*before[0], m.trigger), (*before[1], m.trigger)))
                if following in self.astray:
                    self._tell("leads elsewhere", m.trigger, m.pair, before, self.astray[following])

    def _enter(self, pair: Pair, words: Words) -> None:
        """Note that states have been in a pair; tell once that a visible state is called otherwise."""
        self.seen[0].update(pair[0])
        self.seen[1].update(pair[1])
        label = self.machines[0].labels[next(iter(pair[0]))]
        if label in self.otherwise:
            self.otherwise.remove(label)
            self._tell("called otherwise", None, pair, words)

    def _compare(self, m: Meeting, words: Words) -> None:
        """What both show under one trigger."""
        if m.trigger not in self.shared:
            if m.trigger in self.alone and (m.left or m.right):
                self.alone.remove(m.trigger)
                self._tell(ONLY[0][not m.left], m.trigger, m.pair, words)
        elif m.left.keys() != m.right.keys():
            kind: Kind = "other answer" if m.left and m.right else "unseen in new" if m.left else "unseen in old"
            self._tell(kind, m.trigger, m.pair, words)
        elif len(m.pair[0]) == len(m.pair[1]) == 1:
            difference = Difference("other shares", m.trigger, *self._sides(m.trigger, m.pair, words))
            self.shares += [(chance, difference) for chance in self._chances(m)]

    def _tell(self, kind: Kind, trigger: str | None, pair: Pair, words: Words, apart: Meeting | None = None) -> None:
        then = (*apart.word, apart.trigger) if apart else ()
        self.found.append(Difference(kind, trigger, *self._sides(trigger, pair, words, apart), then))

    def _sides(self, trigger: str | None, pair: Pair, words: Words, apart: Meeting | None = None) -> tuple[Side, Side]:
        """Both machines in the states of a pair, under a trigger, and where they differ after it."""

        def side(i: int) -> Side:
            then = self._ways(i, apart.pair[i], apart.trigger) if apart else ()
            return Side(words[i], tuple(sorted(pair[i])), self._ways(i, pair[i], trigger), then)

        return side(0), side(1)

    def _ways(self, i: int, states: frozenset[str], trigger: str | None) -> tuple[Transition, ...]:
        if trigger is None:
            return ()
        return tuple(t for state in sorted(states) for t in self.machines[i].successors(state, trigger))

    def _apart(self, pair: Pair) -> Meeting | None:
        """Where the states of a pair first answer differently."""
        if pair in self.same:
            return None
        met = set(self.same)
        for m in together(*self.machines, pair, met):
            if m.left.keys() != m.right.keys() and m.trigger in self.shared:
                return m
        self.same = met
        return None

    def _left(self) -> tuple[str, str] | None:
        """States that the walk has not come to and that match, one of each machine."""
        left, right = ([name for name in self.reached[i] if name not in self.seen[i]] for i in (0, 1))
        return self.matches.best(left, right) if left and right else None

    def _tell_alone(self) -> None:
        """Tell of triggers that only one machine has, and only where the other does not come to."""
        for trigger in sorted(self.alone):
            i = int(trigger in self.machines[1].triggers)
            for name, word in self.reached[i].items():
                if ways := self.machines[i].successors(name, trigger):
                    self.found.append(_of_one(i, ONLY[0][i], trigger, Side(word, (name,), ways)))
                    break

    def _lonely(self) -> Iterator[Difference]:
        """States of one machine that have no match."""
        for i in (0, 1):
            for name, word in self.reached[i].items():
                if name not in self.seen[i]:
                    yield _of_one(i, ONLY[1][i], None, Side(word, (name,)))

    def _chances(self, m: Meeting) -> Iterator[float]:
        """For each answer that both give, how likely shares so far apart are by chance."""

        def rows(i: int, answer: tuple[str | None, str | None]) -> tuple[int, int]:
            machine, ways = self.machines[i], self._ways(i, m.pair[i], m.trigger)
            triggers = machine.triggers if machine.kind == "lts" else (m.trigger,)
            every = sum(t.count for trigger in triggers for t in self._ways(i, m.pair[i], trigger))
            return sum(t.count for t in ways if (t.output, machine.labels[t.next_state]) == answer), every

        for answer in m.left:
            yield from _chance(*rows(0, answer), *rows(1, answer))


def _distance(each: Difference) -> tuple[bool, int]:
    """The order of differences: by the triggers until they show; last where no word leads both machines there."""
    return each.old.word != each.new.word, len(each.old.word) + (each.trigger is not None) + len(each.then)


def _of_one(i: int, kind: Kind, trigger: str | None, side: Side) -> Difference:
    """A difference that is of one machine alone, the old (0) or the new one (1)."""
    return Difference(kind, trigger, side, Side()) if i == 0 else Difference(kind, trigger, Side(), side)


def _chance(x: int, n: int, y: int, k: int) -> Iterator[float]:
    """How likely x of n and y of k rows are so far apart where the shares are one (two-sided z-test, pooled), if the
    rows are enough to say."""
    pooled = (x + y) / max(n + k, 1)
    if min(n, k) * min(pooled, 1 - pooled) >= ENOUGH:
        z = (x / n - y / k) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / k))
        yield math.erfc(abs(z) / math.sqrt(2))
