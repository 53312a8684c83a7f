"""An old machine and one that was learned from another log -> one machine that says what both logs show.

The walks of the new log are followed in both machines at once. A state of the result is a state of either where the
same rows are in both, so that what one tells apart stays told apart. Where the new log has rows it is believed, and
the old counts of what it confirms are added; where it has none, the old machine stands. Standard library only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from math import exp, lgamma, log

from fsmlearn.likeness import ALIKE, likeness
from fsmlearn.machine import Machine, Transition

CHANCE = 1e-3  # that so few new rows give an answer with its old share; below it the answer has changed
ROUNDS = 8  # of pairing states at most
FEW, RARE = 3, 50  # rows that another pairing of a state must have at least, and one for so many of the usual one

Pair = tuple[str | None, str | None]  # old and new state, None where a machine has none
Step = tuple[str, str | None, Pair]  # trigger, output, where it leads


@dataclass(frozen=True, slots=True)
class Walk:
    """A trace as the new machine explains it: the transitions taken, None where it has none for a row; which of them
    the rows really show; and how many traces are alike."""

    steps: Sequence[Transition | None]
    shown: Sequence[bool]
    copies: int = 1


def grow(old: Machine, new: Machine, walks: Sequence[Walk]) -> Machine:
    """The machine that goes on from `old` with what `walks` show of `new`; both must be of one kind.

    States keep the names that they have in the old machine. What the old machine does under a trigger stays where the
    new log has no rows of it, with its counts. Where it has, its answers stand, old counts being added to equal ones;
    an old answer that should have been among so many rows far more often (which a certain one always should) is
    taken for changed, and its old counts are dropped.
    """
    return _Growth(old, new, walks).machine()


class _Growth:
    def __init__(self, old: Machine, new: Machine, walks: Sequence[Walk]) -> None:
        self.old, self.new, self.walks = old, new, walks
        self.whole = old.kind == "lts"  # events keep the old states: chance alone would tell pairs apart
        self.partner: dict[str, str] = _first_partners(old, new)  # new state -> the old one that it is taken for
        self.rare: set[Pair] = set()  # pairs with too few rows to be states, the machines disagreeing there
        self.clashing: set[Pair] = set()
        self.rows: Counter[Pair] = Counter()
        self.beside: Counter[Pair] = Counter()  # rows in an old and a new state at once
        self.taken: dict[Pair, Counter[Step]] = {}
        for _ in range(ROUNDS):
            self._follow()
            found = self._partners()
            if found == self.partner:
                break
            self.partner = found
        self.back = self._backwards()

    def _follow(self) -> None:
        """Follow all walks in both machines and count what they do."""
        self.rows, self.beside, self.taken, self.clashing = Counter(), Counter(), {}, set()
        for walk in self.walks:
            now: Pair = (None, None)
            at: str | None = None  # the new state
            for place, (t, shown) in enumerate(zip(walk.steps, walk.shown, strict=True)):
                if t is None:
                    at = None
                    continue
                if at != t.state:
                    now = self._entered(t.state, first=place == 0)
                following = self._after(now, t)
                self.rows[now] += walk.copies
                self.beside[now[0], t.state] += walk.copies
                if shown:
                    ways = self.taken.setdefault(now, Counter())
                    ways[t.trigger, t.output, following] += walk.copies
                now, at = following, t.next_state

    def _entered(self, state: str, *, first: bool) -> Pair:
        """Where a walk begins, or goes on after rows that nothing is known of."""
        if first and state == self.new.initial and self.old.labels[self.old.initial] == self.new.labels[state]:
            return self._settled(self.old.initial, state)
        return self._settled(self.partner.get(state), state)

    def _after(self, now: Pair, t: Transition) -> Pair:
        old = None
        if now[0] is not None:
            old = _answering(self.old, now[0], self.new.labels[t.next_state], t)
            if old is None and self.old.successors(now[0], t.trigger):
                self.clashing.add(now)
        return self._settled(old, t.next_state)

    def _settled(self, old: str | None, new: str) -> Pair:
        """The pair that rows are counted in: another than the usual one of the new state must not be rare."""
        usual = self.partner.get(new)
        known = usual if old is None or (old, new) in self.rare else old
        return known, None if self.whole and known is not None else new

    def _partners(self) -> dict[str, str]:
        """The old state that the rows in a new state mostly were in."""
        most: dict[str, tuple[int, str]] = {}
        for (p, q), rows in self.beside.items():
            if p is not None and q is not None and rows > most.get(q, (0, ""))[0]:
                most[q] = rows, p
        for (p, q), rows in self.beside.items():
            if (p, q) in self.clashing and p != most[str(q)][1] and rows < max(FEW, most[str(q)][0] / RARE):
                self.rare.add((p, q))
        return self.partner | {q: p for q, (_, p) in most.items()}

    def _backwards(self) -> dict[str, str]:
        """The new state that an old one is taken for where only the old machine knows the way."""
        most: dict[str, tuple[int, str]] = {}
        for (p, q), rows in self.rows.items():  # of events none
            if p is not None and q is not None and rows > most.get(p, (0, ""))[0]:
                most[p] = rows, q
        return {p: q for p, (_, q) in most.items()}

    def machine(self) -> Machine:
        """The machine of the pairs that can be reached from the first."""
        pairs, ways = self._reached(self._first())
        if not self.rows.keys() <= set(pairs):  # the new log begins where nothing old leads
            pairs, ways = self._reached(self._settled(self.partner.get(self.new.initial), self.new.initial))
        start = pairs[0]
        names = self._names(pairs)
        labels = {names[pair]: self._label(pair) for pair in pairs}
        triggers = dict.fromkeys((*self.old.triggers, *self.new.triggers))
        if self.whole:  # the end comes last
            triggers[self.new.triggers[-1]] = triggers.pop(self.new.triggers[-1])
        transitions = [Transition(names[w.at], w.trigger, names[w.to], w.output, w.count, w.probability) for w in ways]
        grown = Machine.arrange(self.old.kind, names[start], labels, tuple(triggers), transitions)
        if all(t.probability == 1 for t in grown.transitions):
            least = grown.minimise()
            return least if len(least.states) < len(grown.states) else grown
        return grown

    def _first(self) -> Pair:
        """The old initial state, with that of the new machine where they show the same."""
        old, new = self.old.initial, self.new.initial
        alike = self.old.labels[old] == self.new.labels[new]
        return self._settled(old, new) if alike else (old, self.back.get(old))

    def _reached(self, start: Pair) -> tuple[list[Pair], list[_Way]]:
        """The pairs that can be reached from one, and all ways between them."""
        pairs, ways, met = [start], list[_Way](), {start}
        for pair in pairs:
            for way in self._ways(pair):
                ways.append(way)
                if way.to not in met:
                    met.add(way.to)
                    pairs.append(way.to)
        return pairs, ways

    def _ways(self, pair: Pair) -> Iterator[_Way]:
        """What the result does in one of its states."""
        new = self.taken.get(pair, Counter())
        spent: Counter[str | None] = Counter()  # new rows by what a probability is conditional on
        for (trigger, _, _), rows in new.items():
            spent[self._given(trigger)] += rows
        counts: dict[Step, tuple[int, float]] = {way: (n, 0.0) for way, n in new.items()}
        for t, rows in self._old(pair):
            way = self._matching(new, t)
            confirmed, of = (new[way] if way else 0), spent[self._given(t.trigger)]
            if of and _chance(confirmed, of, t) < CHANCE:
                continue
            if way is None:
                way = t.trigger, t.output, (t.next_state, self.back.get(t.next_state))
            n, share = counts.get(way, (0, 0.0))
            counts[way] = n + rows, share + t.probability
        yield from _shared(pair, counts, self.whole)

    def _old(self, pair: Pair) -> Iterator[tuple[Transition, int]]:
        """The old transitions of a pair with their rows, of which pairs with one old state have each their share."""
        p = pair[0]
        if p is None:
            return
        among = sum(rows for other, rows in self.rows.items() if other[0] == p)
        share = self.rows[pair] / among if among else 1.0
        for ways in self.old.ways(p).values():
            for t in ways:
                yield t, max(round(t.count * share), min(t.count, 1))

    def _matching(self, new: Mapping[Step, int], t: Transition) -> Step | None:
        """The way that new rows go by the same answer, the commonest if there are several."""
        label = self.old.labels[t.next_state]
        same = [way for way in new if way[:2] == (t.trigger, t.output) and self._label(way[2]) == label]
        return max(same, key=lambda way: (way[2][0] == t.next_state, new[way])) if same else None

    def _given(self, trigger: str) -> str | None:
        return None if self.whole else trigger

    def _label(self, pair: Pair) -> str | None:
        p, q = pair
        return self.old.labels[p] if p is not None else self.new.labels[str(q)]

    def _names(self, pairs: Sequence[Pair]) -> dict[Pair, str]:
        """A state is called what it was called; others by their labels and the next number, or S and the next."""
        names: dict[Pair, str] = {}
        for pair in sorted(pairs, key=lambda pair: -self.rows[pair]):  # the usual pair of an old state has its name
            if pair[0] is not None and pair[0] not in names.values():
                names[pair] = pair[0]
        given = {*names.values()}
        for pair in pairs:
            if pair not in names:
                label = self._label(pair)
                numbered = (f"S{n}" if label is None else f"{label}·{n}" for n in count(2 * (label is not None)))
                name = next(each for each in chain([label], numbered) if each not in given and each is not None)
                names[pair] = name
                given.add(name)
        return names


@dataclass(frozen=True, slots=True)
class _Way:
    at: Pair
    trigger: str
    output: str | None
    to: Pair
    count: int
    probability: float


def _shared(pair: Pair, counts: Mapping[Step, tuple[int, float]], whole: bool) -> Iterator[_Way]:
    """Ways with their shares: of the rows, or where nothing has rows of what a machine without a log says."""
    total: Counter[str | None] = Counter()
    weight: defaultdict[str | None, float] = defaultdict(float)
    for (trigger, _, _), (rows, share) in counts.items():
        total[None if whole else trigger] += rows
        weight[None if whole else trigger] += share
    for (trigger, output, to), (rows, share) in counts.items():
        given = None if whole else trigger
        if rows:
            yield _Way(pair, trigger, output, to, rows, rows / total[given])
        elif not total[given]:
            yield _Way(pair, trigger, output, to, 0, min(share / weight[given], 1.0))


def _chance(confirmed: int, rows: int, t: Transition) -> float:
    """How likely so few of the new rows give an old answer with its old share. Where some do, one row more is taken to
    be against the old share, for what the others are may be noise."""
    if not confirmed:
        return (1 - t.probability) ** rows
    share = t.count / (t.count / t.probability + 1)
    if confirmed >= rows * share:
        return 1.0
    choices = lgamma(rows + 1) - lgamma(confirmed + 1) - lgamma(rows - confirmed + 1)
    term = total = exp(choices + confirmed * log(share) + (rows - confirmed) * log(1 - share))
    for x in range(confirmed, 0, -1):  # binomial tail
        term *= x / (rows - x + 1) * (1 - share) / share
        total += term
        if term < total * 1e-9:
            break
    return total


def _first_partners(old: Machine, new: Machine) -> dict[str, str]:
    """New state -> the old one most like it that shows the same; where the log hides states they must be alike."""
    most: dict[str, tuple[float, str]] = {}
    for (p, q), how in likeness(old, new).items():
        if (how > ALIKE or old.labels[p] is not None) and how > most.get(q, (-1.0, ""))[0]:
            most[q] = how, p
    return {q: p for q, (_, p) in most.items()}


def _answering(machine: Machine, state: str, label: str | None, t: Transition) -> str | None:
    """Where a machine goes from a state under the trigger of `t` and with its answer, which shows `label`."""
    for way in machine.successors(state, t.trigger):
        if way.output == t.output and machine.labels[way.next_state] == label:
            return way.next_state
    return None
