"""Where a machine goes next: visible state, trigger and what came before -> next states with their shares.

Of a machine that makes events itself: which event comes next.

One visible state may stand for several states of the machine. Which of them it is is held as a belief, a
probability for each, which every trigger moves on and every visible state narrows down (the forward
recursion of hidden Markov models). Standard library only; it knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fsmlearn.errors import UnknownNameError
from fsmlearn.machine import Machine, Transition


@dataclass(frozen=True, slots=True)
class Prediction:
    """One thing that may happen; `count` is the log rows behind it."""

    next_state: str  # as the log calls it; a state's own name where the log hides states
    output: str | None
    probability: float
    count: int


@dataclass(frozen=True, slots=True)
class Upcoming:
    """One event that may come next in a labelled transition system; `count` is the log rows behind it."""

    event: str
    probability: float
    count: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What may come next, the most probable first; nothing after the end of a trace."""

    events: tuple[Upcoming, ...]
    followed: bool = True  # False where the history does not lead from the initial state to the given one


@dataclass(frozen=True, slots=True)
class Answer:
    """What may happen, the most probable first; nothing where the log never showed this trigger in this state."""

    predictions: tuple[Prediction, ...]
    followed: bool = True  # False where the history does not lead from the initial state to the given one


def predict(machine: Machine, state: str | None, trigger: str, history: Sequence[str] = ()) -> Answer:
    """What `trigger` does in `state` (a visible state or a state's own name), after the triggers of `history`.

    Without a history every state that looks like `state` counts by its rows under this trigger. With one,
    the machine is followed from its initial state; where that does not end in `state`, the history is
    taken for the latest triggers of a longer one and followed from anywhere. Without a state the
    answer is for wherever the history leads, the initial state if it is empty. Raises UnknownNameError.
    """
    for each in (trigger, *history):
        check_trigger(machine, each)
    wanted = states_called(machine, state) if state is not None else None
    if wanted and not history:
        return Answer(_answer(machine, _busy(machine, wanted, trigger), trigger))
    belief, followed = _after(machine, history, wanted)
    return Answer(_answer(machine, belief or _busy(machine, wanted or machine.labels, trigger), trigger), followed)


def outlook(machine: Machine, state: str | None, history: Sequence[str] = ()) -> Outlook:
    """Which events come next in a labelled transition system, in `state` or after the events of `history`, or both.

    A history is followed as in `predict`. Raises UnknownNameError.
    """
    for each in history:
        check_trigger(machine, each, "event")
    wanted = states_called(machine, state) if state is not None else None
    if wanted and not history:
        return Outlook(_upcoming(machine, _rows(machine, wanted)))
    belief, followed = _after(machine, history, wanted)
    return Outlook(_upcoming(machine, belief or _rows(machine, wanted or machine.labels)), followed)


def _after(machine: Machine, history: Sequence[str], wanted: Sequence[str] | None) -> tuple[Mapping[str, float], bool]:
    """A belief after a history that ends in one of the wanted states; whether the initial state led there.

    Where it does not, the history is followed from anywhere, and starts again where it leads nowhere; the belief is
    empty where even that does not end in a wanted state.
    """
    belief: Mapping[str, float] = {machine.initial: 1.0}
    for each in history:
        belief = _moved(machine, belief, each)
    if belief := _narrowed(belief, wanted):
        return belief, True
    belief = everywhere = _rows(machine, machine.labels)
    for each in history:
        belief = _moved(machine, belief, each) or _moved(machine, everywhere, each) or everywhere
    return _narrowed(belief, wanted), False


class Follower:
    """Follows one run of the machine row by row, from the initial state on, or from a belief.

    A row that the machine has no place for does not end it: the belief starts again from every state that
    looks like the row's, and `followed` is False from then on.
    """

    def __init__(self, machine: Machine, belief: Mapping[str, float] | None = None) -> None:
        self.machine = machine
        self.followed = True
        # State -> its probability; never changed, but replaced. Empty where the machine has no place for what was seen.
        self.belief: Mapping[str, float] = {machine.initial: 1.0} if belief is None else belief

    def answer(self, state: str | None, trigger: str) -> Answer:
        """What `trigger` will do, the row being in `state` (None where the log hides it). Raises UnknownNameError."""
        check_trigger(self.machine, trigger)
        wanted = states_called(self.machine, state) if state is not None else None
        belief = _narrowed(self.belief, wanted)
        if not belief:
            self.followed = False
            belief = _rows(self.machine, wanted or self.machine.labels)
        self.belief = belief
        return Answer(_answer(self.machine, belief, trigger), self.followed)

    def move(self, trigger: str, output: str | None = None) -> None:
        """Let the trigger happen, with `output` where one was seen; what the machine cannot give is taken for noise."""
        moved = _moved(self.machine, self.belief, trigger, output)
        self.belief = moved or _moved(self.machine, self.belief, trigger)

    def outlook(self, event: str) -> Outlook:
        """Let an event happen, and say which come next. Raises UnknownNameError."""
        check_trigger(self.machine, event, "event")
        everywhere = _rows(self.machine, self.machine.labels)
        belief = _moved(self.machine, self.belief, event)
        if not belief:
            self.followed = False
            belief = _moved(self.machine, everywhere, event) or everywhere
        self.belief = belief
        return Outlook(_upcoming(self.machine, belief), self.followed)


def states_called(machine: Machine, state: str) -> tuple[str, ...]:
    """The states that look like `state`, or the one whose own name it is. Raises UnknownNameError."""
    looking = tuple(name for name, label in machine.labels.items() if label == state)
    if looking:
        return looking
    if state in machine.labels:
        return (state,)
    known = dict.fromkeys(machine.visible(name) for name in machine.labels)
    raise UnknownNameError(_unknown("state", state, [*known, *(name for name in machine.labels if name not in known)]))


def check_trigger(machine: Machine, trigger: str, what: str = "trigger") -> None:
    """Raise UnknownNameError where the machine does not know a trigger."""
    if trigger not in machine.triggers:
        raise UnknownNameError(_unknown(what, trigger, machine.triggers))


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    """One line that suggests the nearest of the known names, or shows some of them."""
    import difflib  # most names are known

    folded = {each.casefold(): each for each in reversed(known)}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    if near:
        return f"there is no {what} {name!r}; did you mean {folded[near[0]]!r}?"
    some = ", ".join(repr(each) for each in known[:8])
    return f"there is no {what} {name!r}; the machine knows {some}{', ...' if len(known) > 8 else ''}"


def _moved(
    machine: Machine, belief: Mapping[str, float], trigger: str, output: str | None = None
) -> Mapping[str, float]:
    """The belief after `trigger`, and after seeing `output` where that is not None; empty where no way leads on."""
    moved: dict[str, float] = {}
    for name, share in belief.items():
        for t in machine.successors(name, trigger):
            if output is None or t.output == output:
                moved[t.next_state] = moved.get(t.next_state, 0.0) + share * t.probability
    return _normal(moved)


def _narrowed(belief: Mapping[str, float], wanted: Sequence[str] | None) -> Mapping[str, float]:
    """The belief, it being known to be in one of the wanted states (None: nothing is known)."""
    return belief if wanted is None else _normal({name: belief[name] for name in wanted if name in belief})


def _rows(machine: Machine, wanted: Iterable[str], trigger: str | None = None) -> Mapping[str, float]:
    """A belief by how many rows of the log left each of the wanted states (under `trigger`)."""
    rows = dict.fromkeys(wanted, 0)
    for t in machine.transitions:
        if t.state in rows and trigger in (None, t.trigger):
            rows[t.state] += t.count
    return _normal(rows if any(rows.values()) else dict.fromkeys(rows, 1))


def _busy(machine: Machine, wanted: Iterable[str], trigger: str) -> Mapping[str, float]:
    """A belief over those of the wanted states that know the trigger, by their rows under it."""
    return _rows(machine, [name for name in wanted if machine.successors(name, trigger)], trigger)


def _normal(weights: Mapping[str, float]) -> Mapping[str, float]:
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items() if weight > 0} if total > 0 else {}


def _answer(machine: Machine, belief: Mapping[str, float], trigger: str) -> tuple[Prediction, ...]:
    """What happens under `trigger`, told apart as far as the log tells it apart."""
    ways: list[tuple[float, Transition]] = [
        (share * t.probability, t) for name, share in belief.items() for t in machine.successors(name, trigger)
    ]
    total = sum(share for share, _ in ways)
    merged: dict[tuple[str, str | None], tuple[float, int]] = {}
    for share, t in ways:
        seen = (machine.visible(t.next_state), t.output)
        probability, count = merged.get(seen, (0.0, 0))
        merged[seen] = (probability + share / total, count + t.count)
    found = [Prediction(*seen, min(probability, 1.0), count) for seen, (probability, count) in merged.items()]
    return tuple(sorted(found, key=lambda p: (-p.probability, p.next_state, p.output or "")))


def _upcoming(machine: Machine, belief: Mapping[str, float]) -> tuple[Upcoming, ...]:
    """The events that come next, whatever states they lead to."""
    merged: dict[str, tuple[float, int]] = {}
    for name, share in belief.items():
        for trigger in machine.triggers:
            for t in machine.successors(name, trigger):
                probability, count = merged.get(trigger, (0.0, 0))
                merged[trigger] = (probability + share * t.probability, count + t.count)
    total = sum(probability for probability, _ in merged.values())
    found = [Upcoming(event, min(share / total, 1.0), count) for event, (share, count) in merged.items()]
    return tuple(sorted(found, key=lambda each: (-each.probability, each.event)))
