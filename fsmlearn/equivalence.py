"""Two machines walked side by side: where they show the same, and the shortest word after which they do not.

Standard library only. `equivalent` asks whether there is such a word, `diff` for all that differs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fsmlearn.machine import Machine

Pair = tuple[frozenset[str], frozenset[str]]
Shown = Mapping[tuple[str | None, str | None], frozenset[str]]  # (output, label of the next state) -> states then


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two machines in states of `pair`, the word that led there, and what each can show there under a trigger."""

    word: tuple[str, ...]
    pair: Pair
    trigger: str
    left: Shown
    right: Shown

    def following(self) -> list[Pair]:
        """The pairs after what both can show."""
        both = sorted(self.left.keys() & self.right.keys(), key=lambda seen: (seen[0] or "", seen[1] or ""))
        return [(self.left[seen], self.right[seen]) for seen in both]


def together(a: Machine, b: Machine, start: Pair | None = None, met: set[Pair] | None = None) -> Iterator[Meeting]:
    """Walk two machines side by side, breadth-first, for as long as they show the same; every pair under each trigger.

    A pair is the states that each machine may be in after the same word and the same answers (subset construction). The
    walk begins at the initial states unless `start` is given. It does not go on from pairs in `met`, to which it adds
    those that it goes on from; the caller may add others meanwhile.
    """
    triggers = sorted({*a.triggers, *b.triggers})  # in one order, whichever machine is called a
    start = start or (frozenset([a.initial]), frozenset([b.initial]))
    met = set() if met is None else met
    met.add(start)
    todo = deque([(start, tuple[str, ...]())])
    while todo:
        pair, word = todo.popleft()
        for trigger in triggers:
            meeting = Meeting(word, pair, trigger, shown(a, pair[0], trigger), shown(b, pair[1], trigger))
            yield meeting
            for following in meeting.following():
                if following not in met:
                    met.add(following)
                    todo.append((following, (*word, trigger)))


def equivalent(a: Machine, b: Machine) -> tuple[str, ...] | None:
    """None where both machines can show the same, else a shortest sequence of triggers after which they differ.

    What a machine shows is the initial label and, after each trigger, the output and the label of the next state; the
    empty word tells apart machines that start under different labels. What is possible is compared, however probable:
    linear where both are deterministic.
    """
    if a.labels[a.initial] != b.labels[b.initial]:
        return ()
    differing = (m for m in together(a, b) if m.left.keys() != m.right.keys())
    return next(((*m.word, m.trigger) for m in differing), None)


def shown(machine: Machine, states: frozenset[str], trigger: str) -> Shown:
    """What one of `states` can show under `trigger`, and the states that it may be in then."""
    shown: dict[tuple[str | None, str | None], set[str]] = {}
    for state in states:
        for t in machine.successors(state, trigger):
            shown.setdefault((t.output, machine.labels[t.next_state]), set()).add(t.next_state)
    return {seen: frozenset(following) for seen, following in shown.items()}
