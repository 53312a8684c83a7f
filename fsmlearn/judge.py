"""One row of a run against the machine: whether the machine allows it, how surprising it is, and where it leads.

The machine's state is held as a belief, a probability for each state. A row that no believed state allows does not
end the run: its words may be wrong, it may be made up, or rows before it may be lost, and the belief spreads over what
each of these leads to until the rows that follow settle it. Standard library only; it knows nothing of files.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fsmlearn.following import Belief, Words
from fsmlearn.machine import Machine, Transition
from fsmlearn.ways import Answer, Way, Ways

Kind = Literal["contradicted", "unseen", "unknown", "gap", "end", "rare", "count"]

NOISE = 0.05  # share of rows that may be something else than what the machine does
# Of those, so many of so many are no wrong answers as long as nothing is known, and never fewer than this share.
OTHERS, OF, FEWEST = 10, 50, 0.03
# What they are then: nothing happened; rows before are lost, and the machine is where it allows the row; who knows.
MADE, LOST, ELSE = 0.4, 0.5, 0.1
LEAST = 1e-4  # share of the likeliest state, below which a state is no longer believed in
SHOWN = 4  # things expected that are told
END_OF_RUN: Words = ()


class EmptyWordError(Exception):
    """A row has no trigger, or no event; its text is which."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is odd, in words; `expected` are the likeliest with their shares, the likeliest first."""

    kind: Kind
    state: str  # that the machine is in, or seems to be in
    trigger: str
    expected: tuple[tuple[str, float], ...]
    came: str


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What a row comes to; `Judge.told` puts it in words."""

    surprise: float  # nats: how improbable the row is, in the state that the rows before led to
    kind: Kind | None  # None where the machine allows the row
    event: str  # that happened, in a machine that makes events itself
    belief: Belief  # before the row
    words: Words


@dataclass(frozen=True, slots=True)
class _Row:
    """What a row says."""

    state: str | None
    trigger: str
    answer: Answer
    unknown: str | None  # the first of its words that the machine does not know


class Judge:
    """Judges rows. Words are (event,), (trigger, output) or (state, trigger, next state[, output]), empty where nothing
    is recorded; no words at all are the end of a run, where the machine says how runs end."""

    def __init__(self, machine: Machine, starts: Mapping[str, int], wrong: int = 0, broken: int = 0) -> None:
        """Of the training log, as far as it is known: how many runs begin in each visible state, how many answers were
        wrong, and at how many places rows were lost or made up."""
        self.machine = machine
        self.ways = Ways(machine)
        self.events = self.ways.events
        self.visible = not self.events and any(label is not None for label in machine.labels.values())
        self._last = {name for name, label in machine.labels.items() if label is not None} if self.events else set()
        self.end = machine.visible(next(iter(self._last))) if self._last else ""
        self._triggers = set(machine.triggers)
        self._labels = {label for label in machine.labels.values() if label is not None}
        self._outputs = {t.output for t in machine.transitions if t.output is not None}
        self._others = max((broken + OTHERS) / (broken + wrong + OF), FEWEST)
        self.start = self._started(starts)

    def step(self, belief: Belief, words: Words) -> tuple[Belief, Judgement]:
        """Where a row leads, and what it comes to. Raises EmptyWordError where it has no trigger, or no event."""
        row = self._read(words)
        here, gap = self._narrowed(belief, row.state)
        fits = self.ways.fitting(here, row.trigger, row.answer)
        share = self.ways.share(here, row.trigger, row.answer, known=row.unknown is None)
        if gap:
            share *= sum(share / (self.ways.rows[name] + 1) for name, share in belief.items())
        kind: Kind | None = None
        if row.unknown is not None:
            kind = "unknown"
        elif sum(share for share, _ in fits) > NOISE / self.ways.kinds:
            kind = "gap" if gap else None
        elif self.events:
            kind = "contradicted" if words else "end"
        else:
            kind = "contradicted" if any(self.ways.of(name, row.trigger) for name in here) else "unseen"
        if kind in (None, "gap"):
            following = _rounded((t.next_state, share * t.probability) for share, t in fits)
        else:
            following = self._recovered(here, row, fits)
        event = row.answer[0] or "" if self.events else ""
        return following, Judgement(-math.log(max(share, 1e-300)), kind, event, belief, words)

    def way(self, belief: Belief, words: Words) -> Way | None:
        """The likeliest way that a row takes, None where the machine has none or the row does not say which."""
        row = self._read(words)
        fits = self.ways.fitting(self._narrowed(belief, row.state)[0], row.trigger, row.answer)
        same = [(share, t.state) for share, t in fits if self.ways.answer(t) == row.answer]
        return (max(same)[1], row.trigger, row.answer) if same else None

    def told(self, judgement: Judgement) -> Finding:
        """A judgement in words; what the machine allows is told as rare."""
        kind = judgement.kind or "rare"
        if kind == "end" and not self.events:
            return self._told_end(judgement.belief)
        row = self._read(judgement.words)
        here, _ = self._narrowed(judgement.belief, row.state)
        expected: defaultdict[str, float] = defaultdict(float)
        came = _said(row.answer)
        if kind == "gap" or (row.unknown is not None and row.unknown == row.state):
            came = row.state or ""
            for name, share in judgement.belief.items():
                expected[self.machine.visible(name)] += share
        elif kind == "unseen" or (row.unknown is not None and row.unknown == row.trigger):
            came = row.trigger
            self._add_triggers(expected, here)
        else:
            for name, share in here.items():
                for said, t in self.ways.of(name, row.trigger):
                    expected[_said(said)] += share * t.probability
        return Finding(kind, likeliest(here), row.trigger, _shares(expected), came)

    def _told_end(self, belief: Belief) -> Finding:
        expected: defaultdict[str, float] = defaultdict(float)
        self._add_triggers(expected, belief)
        return Finding("end", likeliest(belief), "", _shares(expected), "")

    def _add_triggers(self, expected: defaultdict[str, float], belief: Belief) -> None:
        for name, share in belief.items():
            for trigger, rows in self.ways.triggers(name).items():
                expected[trigger] += share * rows / max(self.ways.rows[name], 1)

    def _read(self, words: Words) -> _Row:
        words = tuple(map(str.strip, words))
        if self.events:
            event = words[0] if words else self.end
            if not event:
                raise EmptyWordError("event")
            known = event in self._triggers and (not words or event != self.end)
            return _Row(None, "", (event, None), None if known else event)
        state, trigger, following, *rest = words if self.visible else ("", words[0], "", words[1])
        if not trigger:
            raise EmptyWordError("trigger")
        output = rest[0] if rest and self._outputs else None
        if output == "" and "" not in self._outputs:  # not recorded: the machine always puts out something
            output = None
        said = ((state, self._labels), (trigger, self._triggers), (following, self._labels))
        unknown = next((word for word, known_words in said if word and word not in known_words), None)
        if unknown is None and output is not None and output not in self._outputs:
            unknown = output
        return _Row(state or None, trigger, (following or None, output), unknown)

    def _narrowed(self, belief: Belief, state: str | None) -> tuple[Belief, bool]:
        """The belief once the row says which visible state it is in; whether no believed state is like that."""
        if state is None or state not in self._labels:
            return belief, False
        labels = self.machine.labels
        here = {name: share for name, share in belief.items() if labels[name] == state}
        if here:
            return _normal(here), False
        return _normal({name: self.ways.rows[name] + 1.0 for name, label in labels.items() if label == state}), True

    def _recovered(self, here: Belief, row: _Row, fits: Sequence[tuple[float, Transition]]) -> Belief:
        """Where the machine may be after a row that it hardly allows, `fits` being the ways that do.

        A wrong answer is any of the answers alike.
        """
        any_answer = 1 / self.ways.kinds
        made, lost, other = (self._others * each for each in (MADE, LOST, ELSE))
        wrong = 1 - self._others
        weights = [(t.next_state, share * t.probability / NOISE) for share, t in fits]
        for name, share in here.items():
            weights.append((name, made * share * any_answer))
            for _, t in self.ways.of(name, row.trigger):
                weights.append((t.next_state, wrong * share * t.probability * any_answer))
        rows = self.ways.rows.total() or 1
        for name, label in self.machine.labels.items():
            share = (self.ways.rows[name] + 1) / rows
            named = self.visible and label == row.answer[0]
            weights.append((name, (lost if named else other) * share * any_answer))
            if not self.visible or row.state in (None, label):
                for _, t in self.ways.fitting({name: share}, row.trigger, row.answer):
                    weights.append((t.next_state, lost * share * t.probability))
        return _rounded((name, weight) for name, weight in weights if name not in self._last)

    def _started(self, starts: Mapping[str, int]) -> Belief:
        """The belief before a run begins."""
        initial, labels = self.machine.initial, self.machine.labels
        weights: list[tuple[str, float]] = []
        for word, runs in starts.items():
            like = [initial] if word == labels[initial] else [name for name in labels if labels[name] == word]
            rows = sum(self.ways.rows[name] + 1 for name in like)
            weights += [(name, runs * (self.ways.rows[name] + 1) / rows) for name in like]
        return _rounded(weights) or {initial: 1.0}


def _said(answer: Answer) -> str:
    """An answer in words, as the table has it."""
    following, output = answer
    if output is None:
        return following or ""
    return f"{following} / {output}" if following else output


def likeliest(belief: Belief) -> str:
    """The state that is believed in most."""
    return max(belief, key=lambda name: belief[name], default="")


def _shares(expected: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    total = sum(expected.values())
    likeliest = sorted(expected.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
    return tuple((word, min(share / total, 1.0)) for word, share in likeliest)


def _normal(weights: Mapping[str, float]) -> Belief:
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _rounded(weights: Iterable[tuple[str, float]]) -> Belief:
    """Weights as a belief of which there are not too many different ones: rounded, without what hardly counts."""
    added: defaultdict[str, float] = defaultdict(float)
    for name, weight in weights:
        added[name] += weight
    most = max(added.values(), default=0.0)
    return _normal({name: float(f"{weight / most:.2g}") for name, weight in added.items() if weight > LEAST * most})
