"""What a machine can do, as answers with shares: also those that it never showed.

An answer is what a row shows after its trigger: the next visible state and the output, or in a machine that makes
events itself the event. Rows can be left out of the counts, to see how probable a run is that was never counted.
Standard library only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fsmlearn.following import Belief
from fsmlearn.machine import Machine, Transition

Answer = tuple[str | None, str | None]  # visible next state, or event; output. None where that is not known
Way = tuple[str, str, Answer]  # state, trigger ("" for events), answer


@dataclass(frozen=True, slots=True)
class _Group:
    """The ways on from a state, under a trigger if the machine is told triggers."""

    ways: tuple[tuple[Answer, Transition], ...]  # the most probable first
    answers: Counter[Answer]  # rows that give each
    rows: int


class Ways:
    """The ways of a machine, by state and trigger."""

    def __init__(self, machine: Machine) -> None:
        self.events = machine.kind == "lts"
        self._labels = machine.labels
        grouped: dict[tuple[str, str], list[tuple[Answer, Transition]]] = {}
        for t in sorted(machine.transitions, key=lambda t: -t.probability):
            grouped.setdefault((t.state, "" if self.events else t.trigger), []).append((self.answer(t), t))
        self._groups: dict[tuple[str, str], _Group] = {}
        self.rows: Counter[str] = Counter()  # that leave each state
        self._triggers: dict[str, Counter[str]] = {name: Counter() for name in machine.labels}
        for (state, trigger), ways in grouped.items():
            answers = Counter[Answer]()
            for answer, t in ways:
                answers[answer] += t.count
            rows = answers.total()
            self._groups[state, trigger] = _Group(tuple(ways), answers, rows)
            self.rows[state] += rows
            self._triggers[state][trigger] = rows
        self._shown: Counter[Answer] = Counter()  # states and triggers that show an answer
        self._often: Counter[Answer] = Counter()  # rows that do
        for group in self._groups.values():
            for answer, count in group.answers.items():
                self._shown[answer] += 1
                self._often[answer] += count
        self.kinds = len(self._shown)  # of answers
        self._total = self._often.total()
        self.leave_out({})

    def answer(self, t: Transition) -> Answer:
        """What a row that takes a transition shows."""
        return (t.trigger, None) if self.events else (self._labels[t.next_state], t.output)

    def of(self, state: str, trigger: str) -> tuple[tuple[Answer, Transition], ...]:
        """The ways on, the most probable first."""
        group = self._groups.get((state, trigger))
        return group.ways if group else ()

    def triggers(self, state: str) -> Mapping[str, int]:
        """The triggers that a state was seen to take, and how often."""
        return self._triggers[state]

    def leave_out(self, ways: Mapping[Way, int]) -> None:
        """From now on count as if so many rows had never taken these ways, or all that did if there are fewer: where
        the machine had lost its way the rows were counted elsewhere."""
        self._without = {
            (state, trigger, answer): min(rows, self._groups[state, trigger].answers[answer])
            for (state, trigger, answer), rows in ways.items()
        }
        self._rows_without: Counter[Answer] = Counter()  # rows that are left out, by answer
        for (_, _, answer), rows in self._without.items():
            self._rows_without[answer] += rows
        # whether nothing is left that gives some of these answers
        self.exhausted = any(self._often[answer] <= rows for answer, rows in self._rows_without.items())

    def fitting(self, belief: Belief, trigger: str, answer: Answer) -> list[tuple[float, Transition]]:
        """The ways that give an answer, each with the share of its state."""
        return [
            (share, t)
            for name, share in belief.items()
            for said, t in self.of(name, trigger)
            if _matches(said, answer) and (not self._without or t.count > self._left_out(name, trigger, said))
        ]

    def share(self, belief: Belief, trigger: str, answer: Answer, *, known: bool) -> float:
        """How probable an answer is, in a belief, under a trigger; not `known` are words that the machine has not.

        Each state keeps a share for what it never showed, the larger the more kinds of answers it showed in few rows
        (Witten & Bell 1991, method C). It is divided by the number of states that show an answer (Kneser & Ney
        1995), and what nothing shows has the share of it that rows have which show what no other row does.
        """
        usual = self._usual(answer) if known else 0.0
        usual = usual or self.kinds / (self._total - self._rows_without.total() + self.kinds)
        total = 0.0
        for name, share in belief.items():
            group = self._groups.get((name, trigger))
            if group is None:  # a trigger that was never met in this state is new itself
                triggers = len(self._triggers[name]) + 1
                total += share * usual * triggers / (self.rows[name] + triggers)
                continue
            seen, rows, kinds = 0, group.rows, len(group.answers)
            for said, count in group.answers.items():
                left = self._left_out(name, trigger, said)
                rows -= left
                kinds -= 0 < count == left
                if _matches(said, answer):
                    seen += count - left
            kinds = max(kinds, 1)
            total += share * (seen + kinds * usual) / (rows + kinds)
        return min(total, 1.0)

    def _left_out(self, state: str, trigger: str, answer: Answer) -> int:
        return self._without.get((state, trigger, answer), 0)

    def _usual(self, answer: Answer) -> float:
        """The share of an answer in what is new to a state; 0 for one that nothing shows."""
        same: Iterable[Answer] = [answer] if answer in self._shown else self._shown
        without = self._rows_without
        shown = sum(self._shown[each] for each in same if _matches(each, answer) and self._often[each] > without[each])
        return shown / self._shown.total()


def _matches(said: Answer, came: Answer) -> bool:
    """Whether a row may show an answer; what is not known on either side is no difference."""
    return (came[0] is None or said[0] == came[0]) and (came[1] is None or said[1] is None or said[1] == came[1])
