"""Tests that show whether an implementation does what a machine does: the W-method (Vasilevskii 1973, Chow 1978).

Every state is reached on a shortest way, left by every trigger, and then told apart from all other states by words that
they answer differently. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from fsmlearn.errors import ModelError
from fsmlearn.machine import Machine, Transition

Run = tuple[Transition, ...]
Word = tuple[str, ...]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Characterising:
    """Words that tell states apart which show the same, and the pairs that no word does which both states know."""

    words: tuple[Word, ...]
    alike: tuple[Pair, ...]


def suite(machine: Machine, extra: int = 0) -> Iterator[Run]:
    """Runs from the initial state: the triggers to give, and what must be answered. None is the beginning of another.

    Where the machine knows every trigger in every state, an implementation of at most as many states, and `extra` more,
    that answers all of them so answers everything so. Elsewhere only what the machine knows is tested, and of states
    that cannot be told apart one may stand for the other. Raises ModelError where an answer is left to chance, or the
    machine is not told its triggers.
    """
    if machine.kind == "lts":
        raise ModelError("a machine of events is not told its triggers; there is nothing to test it by")
    for t in machine.transitions:
        if len(machine.successors(t.state, t.trigger)) > 1:
            raise ModelError(f"{t.state!r} + {t.trigger!r} leads to several; an answer left to chance cannot be tested")
    apart = characterising(machine).words or ((),)
    position = {trigger: i for i, trigger in enumerate(machine.triggers)}
    runs: dict[tuple[int, ...], Run] = {}
    for state, word in machine.shortest_words().items():
        way = tuple(machine.run(word))
        for middle in _runs(machine, state, extra + 1):
            before = way + middle
            after = before[-1].next_state if before else state
            for each in apart:
                run = before + tuple(machine.run(each, after))
                runs[tuple(position[t.trigger] for t in run)] = run
    ordered = sorted(runs)
    for word_, following in zip(ordered, [*ordered[1:], ()], strict=True):
        if word_ != following[: len(word_)]:  # else it begins the next
            yield runs[word_]


def characterising(machine: Machine) -> Characterising:
    """A characterising set: few words, and short ones."""
    pairs = [pair for pair in combinations(machine.labels, 2) if machine.labels[pair[0]] == machine.labels[pair[1]]]
    words = _separating(machine, pairs)
    chosen: list[Word] = []
    for pair, word in sorted(words.items(), key=lambda each: -len(each[1])):  # the long ones often do for others
        if not any(_separates(machine, each, pair) for each in chosen):
            chosen.append(word)
    return Characterising(tuple(chosen), tuple(pair for pair in pairs if pair not in words))


def _separating(machine: Machine, pairs: Sequence[Pair]) -> dict[Pair, Word]:
    """For each pair of states a shortest word that both know and answer differently, where there is one."""
    both: dict[Pair, list[tuple[str, Transition, Transition]]] = {
        (p, q): [
            (trigger, left[0], right[0])
            for trigger in machine.triggers
            if (left := machine.successors(p, trigger)) and (right := machine.successors(q, trigger))
        ]
        for p, q in pairs
    }
    words: dict[Pair, Word] = {}
    while True:
        found: dict[Pair, Word] = {}
        for pair, steps in both.items():
            for trigger, one, other in steps if pair not in words else ():
                after = words.get((one.next_state, other.next_state)) or words.get((other.next_state, one.next_state))
                if _answer(machine, one) != _answer(machine, other):
                    found[pair] = (trigger,)
                    break
                if after:
                    found[pair] = (trigger, *after)
                    break
        if not found:
            return words
        words |= found


def _answer(machine: Machine, t: Transition) -> tuple[str | None, str | None]:
    return t.output, machine.labels[t.next_state]


def _separates(machine: Machine, word: Word, pair: Pair) -> bool:
    """Whether two states answer a word differently, as far as both know it."""
    steps = zip(machine.run(word, pair[0]), machine.run(word, pair[1]), strict=False)
    return any(_answer(machine, left) != _answer(machine, right) for left, right in steps)


def _runs(machine: Machine, state: str, most: int) -> Iterator[Run]:
    """All runs of at most so many triggers from a state."""
    yield ()
    if most:
        for trigger in machine.triggers:
            for t in machine.successors(state, trigger):
                yield from ((t, *rest) for rest in _runs(machine, t.next_state, most - 1))
