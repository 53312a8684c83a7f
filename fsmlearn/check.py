"""Rows against a machine, run by run: which rows the machine contradicts, and how anomalous each run is as a whole.

Rows come one by one, of many runs at once, and what is kept of them does not grow. A run is judged as a whole when it
is over: when it is known to be, when so many others came that it is forgotten, or when nothing more comes. Improbable
is not contradicted: a row that the machine allows is told only where rare rows are asked for. Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from fsmlearn.following import LATEST, STEPS, Following, Run, Words
from fsmlearn.judge import END_OF_RUN, Finding, Judge, Judgement, likeliest
from fsmlearn.machine import Machine
from fsmlearn.normal import END, NONE, Counts, Normal, Told, surprise_of_end

FALSE_ALARMS = 0.001  # share of the normal runs that are called anomalous, unless another is asked for

Place = tuple[str, int]  # file and line


@dataclass(frozen=True, slots=True)
class Odd:
    """Something odd, and where: a row, or the last row of a run that is odd as a whole."""

    place: Place
    run: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Whole:
    """A run that is over. Its score is -log of the share of normal runs that would have it or a higher one."""

    place: Place  # of its last row
    run: str
    rows: int
    score: float
    contradictions: int  # rows that the machine does not allow, the end among them
    reason: Odd | None  # what is least normal about it, if it is anomalous


class _Tally:
    """What is kept of a run."""

    __slots__ = ("counts", "file", "line", "most", "order", "rows", "worst", "worst_place", "wrong")

    def __init__(self, counts: bytearray) -> None:
        self.counts = counts
        self.rows = 0
        self.wrong = 0
        self.file = ""
        self.line = 0
        self.most = -1.0  # nats of the most surprising row
        self.worst: Judgement | None = None  # that row
        self.worst_place: Place = ("", 0)
        self.order: Told = NONE  # the most surprising counts at an event


class Checker:
    """Checks rows as they come; tells what is odd, and of every run that is over how normal it was."""

    def __init__(
        self,
        machine: Machine,
        normal: Normal,
        odd: Callable[[Odd], None],
        whole: Callable[[Whole], None] | None = None,
        false_alarms: float | None = None,
        latest: int = LATEST,
        steps: int = STEPS,
    ) -> None:
        """Without `false_alarms` only what the machine does not allow is odd; with it, so is what no more than this
        share of normal rows, or of normal runs, would show."""
        self.judge = Judge(machine, normal.starts, normal.wrong, normal.broken)
        self.rows = 0
        self.runs = 0
        self._normal, self._odd, self._whole = normal, odd, whole
        self._rare = math.inf if false_alarms is None else normal.row.reached(false_alarms)
        self._anomalous = -math.log(false_alarms or FALSE_ALARMS)
        self._statistics = false_alarms is not None
        self._scores = whole is not None or self._statistics
        self._counts = Counts(normal.relations if self._scores else ())
        self._following = Following(self.judge.start, self.judge.step, self._begun, self._over, latest, steps)

    def row(self, run: str, words: Words, file: str, line: int) -> None:
        """Take a row. Raises EmptyWordError where it has no trigger, or no event."""
        found = self._following.of(run)
        judgement = self._following.lead(found, words)
        tally = found.kept
        tally.rows += 1
        tally.file = file
        tally.line = line
        if judgement.kind is not None:
            tally.wrong += 1
            self._odd(Odd((file, line), run, self.judge.told(judgement)))
        elif judgement.surprise > self._rare:
            self._odd(Odd((file, line), run, self.judge.told(judgement)))
        if self._scores:
            if judgement.surprise > tally.most:
                tally.most, tally.worst, tally.worst_place = judgement.surprise, judgement, (file, line)
            if judgement.event:
                tally.order = self._counts.count(judgement.event, tally.counts, tally.order)

    def end(self, run: str) -> None:
        """A run is known to be over."""
        self._following.end(run)

    def finish(self) -> None:
        """Nothing more comes: all runs are over."""
        self._following.finish()

    def _begun(self) -> _Tally:
        self.runs += 1
        return _Tally(self._counts.begin())

    def _over(self, name: str, run: Run[_Tally]) -> None:
        """Judge a run as a whole."""
        tally = run.kept
        self.rows += tally.rows
        place = (tally.file, tally.line)
        ended = self._ended(run)
        if ended is not None and self.judge.events and ended.kind is not None:
            tally.wrong += 1
            self._odd(Odd(place, name, self.judge.told(ended)))
        if not self._scores:
            return
        if ended is not None and ended.surprise > tally.most:
            tally.most, tally.worst, tally.worst_place = ended.surprise, ended, place
        whole = self._scored(name, place, tally)
        if self._statistics and whole.reason is not None:
            kind = whole.reason.finding.kind
            if kind == "count" or (kind == "end" and not self.judge.events):
                self._odd(whole.reason)
        if self._whole is not None:
            self._whole(whole)

    def _ended(self, run: Run[_Tally]) -> Judgement | None:
        """What the end of a run comes to, None where nothing is known of ends."""
        if self.judge.events:
            return self._following.lead(run, END_OF_RUN)
        ends = self._normal.ends
        if not ends or not self._scores:
            return None
        belief = run.place.belief
        surprise = surprise_of_end(*ends.get(likeliest(belief), (0, 0)))
        return Judgement(surprise, "end", "", belief, END_OF_RUN)

    def _scored(self, name: str, place: Place, tally: _Tally) -> Whole:
        normal = self._normal
        total = self._counts.end(tally.counts, tally.rows)
        row, order = normal.worst.rarity(tally.most), normal.order.rarity(tally.order[0])
        rarest = max(row, order, normal.total.rarity(total[0]))
        score = normal.run.rarity(rarest)
        reason = None
        if score > self._anomalous:
            if rarest == row and tally.worst is not None:
                reason = Odd(tally.worst_place, name, self.judge.told(tally.worst))
            else:
                reason = Odd(place, name, _counted(tally.order if rarest == order else total))
        return Whole(place, name, tally.rows, score, tally.wrong, reason)


def _counted(told: Told) -> Finding:
    """Surprising counts in words."""
    _, relation, given, counted = told
    assert relation is not None
    what = relation.relation
    usual, share = relation.expected(given)
    kind = what.counted or "rows"
    with_others = f", with {given} × {what.given}" if what.given and what.moment == END else ""
    if what.moment != END:
        with_others = f" before {what.moment} no. {given + 1}"
    return Finding("count", "", what.counted, ((f"{usual} × {kind}", share),), f"{counted} × {kind}{with_others}")
