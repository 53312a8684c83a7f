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


@dataclass(frozen=True, slots=True)
class Step:
    """One trigger of several, and the likeliest of what it may do; its share is of what may happen just there."""

    state: str  # as the log calls it, like the next one
    trigger: str
    output: str | None
    next_state: str
    probability: float


@dataclass(frozen=True, slots=True)
class Path:
    """The likeliest steps of a sequence of triggers; fewer than asked for where the log never showed the next one."""

    steps: tuple[Step, ...]
    followed: bool = True  # False where the history does not lead from the initial state to the given one


def predict(
    machine: Machine, state: str | None, trigger: str, history: Sequence[str] = (), *, from_start: bool = False
) -> Answer:
    """What `trigger` does in `state` (a visible state or a state's own name), after the triggers of `history`.

    Without a history every state that looks like `state` counts by its rows under this trigger. With one,
    the machine is followed from its initial state; where that does not end in `state`, the history is
    taken for the latest triggers of a longer one and followed from anywhere. Without a state the
    answer is for wherever the history leads, the initial state if it is empty. `from_start` says that the history is
    whole: where it does not lead from the initial state to `state` there is no answer. Raises UnknownNameError.
    """
    for each in (trigger, *history):
        check_trigger(machine, each)
    belief, followed = _belief(machine, state, trigger, history, from_start)
    return Answer(_answer(machine, belief, trigger), followed)


def path(
    machine: Machine, state: str | None, triggers: Sequence[str], history: Sequence[str] = (), *, from_start: bool
) -> Path:
    """What triggers do one after the other, each going on from the likeliest answer to the one before.

    The first is answered as `predict` does. Of a machine of events, probabilities are those of the events. Raises
    UnknownNameError.
    """
    for each in (*triggers, *history):
        check_trigger(machine, each)
    belief, followed = _belief(machine, state, triggers[0], history, from_start)
    steps: list[Step] = []
    for trigger in triggers:
        answers = _answer(machine, belief, trigger)
        if not answers:
            break
        best, now = answers[0], max(belief, key=lambda name: belief[name])
        share = best.probability
        if machine.kind == "lts":
            share *= sum(p * t.probability for name, p in belief.items() for t in machine.successors(name, trigger))
        steps.append(Step(machine.visible(now), trigger, best.output, best.next_state, share))
        shown = [name for name in machine.labels if machine.visible(name) == best.next_state]
        belief = _narrowed(_moved(machine, belief, trigger, best.output), shown)
    return Path(tuple(steps), followed)


def _belief(
    machine: Machine, state: str | None, trigger: str, history: Sequence[str], from_start: bool
) -> tuple[Mapping[str, float], bool]:
    """Where the machine may be when `trigger` happens; whether the history led there from the initial state."""
    wanted = states_called(machine, state) if state is not None else None
    if from_start:
        return _led(machine, history, wanted)
    if wanted and not history:
        return _busy(machine, wanted, trigger), True
    belief, followed = _after(machine, history, wanted)
    return belief or _busy(machine, wanted or machine.labels, trigger), followed


def _led(machine: Machine, history: Sequence[str], wanted: Sequence[str] | None) -> tuple[Mapping[str, float], bool]:
    """The belief that a history leads to from the initial state, empty where that is no wanted state; whether it is."""
    belief: Mapping[str, float] = {machine.initial: 1.0}
    for each in history:
        belief = _moved(machine, belief, each)
    belief = _narrowed(belief, wanted)
    return belief, bool(belief)


def outlook(machine: Machine, state: str | None, history: Sequence[str] = (), *, from_start: bool = False) -> Outlook:
    """Which events come next in a labelled transition system, in `state` or after the events of `history`, or both.

    A history is followed as in `predict`. Raises UnknownNameError.
    """
    for each in history:
        check_trigger(machine, each, "event")
    wanted = states_called(machine, state) if state is not None else None
    if from_start:
        belief, followed = _led(machine, history, wanted)
        return Outlook(_upcoming(machine, belief), followed)
    if wanted and not history:
        return Outlook(_upcoming(machine, _rows(machine, wanted)))
    belief, followed = _after(machine, history, wanted)
    return Outlook(_upcoming(machine, belief or _rows(machine, wanted or machine.labels)), followed)


def _after(machine: Machine, history: Sequence[str], wanted: Sequence[str] | None) -> tuple[Mapping[str, float], bool]:
    """A belief after a history that ends in one of the wanted states; whether the initial state led there.

    Where it does not, the history is followed from anywhere, and starts again where it leads nowhere; the belief is
    empty where even that does not end in a wanted state.
    """
    led, followed = _led(machine, history, wanted)
    if followed:
        return led, True
    belief = everywhere = _rows(machine, machine.labels)
    for each in history:
        belief = _moved(machine, belief, each) or _moved(machine, everywhere, each) or everywhere
    return _narrowed(belief, wanted), False


def likeliest_way(machine: Machine, state: str | None, history: Sequence[str] = ()) -> tuple[Transition, ...]:
    """The transitions from the initial state that a question about `state` after `history` most likely has behind it.

    Where the history does not lead from the initial state to `state`, or there is none, a shortest way comes before
    it. Raises UnknownNameError.
    """
    wanted = states_called(machine, state) if state is not None else tuple(machine.labels)
    before = _shortest(machine) if history or state is not None else {machine.initial: ()}
    rows = _rows(machine, before)
    if not history:
        ends = [name for name in wanted if name in before]
        return before[max(ends, key=lambda name: rows.get(name, 0.0))] if ends else ()
    for start in ({machine.initial: 1.0}, rows):
        ways = {name: (share, before[name]) for name, share in start.items()}
        for trigger in history:
            moved: dict[str, tuple[float, tuple[Transition, ...]]] = {}
            for name, (share, way) in ways.items():
                for t in machine.successors(name, trigger):
                    if share * t.probability > moved.get(t.next_state, (0.0, ()))[0]:
                        moved[t.next_state] = share * t.probability, (*way, t)
            ways = moved
        if found := [ways[name] for name in wanted if name in ways]:
            return max(found, key=lambda each: each[0])[1]
    return ()


def _shortest(machine: Machine) -> dict[str, tuple[Transition, ...]]:
    """For each state a shortest way to it from the initial state."""
    ways: dict[str, tuple[Transition, ...]] = {machine.initial: ()}
    todo = [machine.initial]
    for name in todo:
        for answers in machine.ways(name).values():
            for t in answers:
                if t.next_state not in ways:
                    ways[t.next_state] = (*ways[name], t)
                    todo.append(t.next_state)
    return ways


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
    """Raise UnknownNameError, with the nearest name, where the machine does not know a trigger."""
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
