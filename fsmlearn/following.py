"""Many runs of a machine followed at once, in memory that does not grow with the rows.

What a row does to a run depends only on the belief that the run is held in and on the row's words, so each such step is
taken once and remembered. Runs are remembered by name, the latest of them only: an endless stream may name new
runs for ever. Standard library only; what a step is, and what else is kept of a run, is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

LATEST = 100_000  # runs that are remembered at least
STEPS = 100_000  # that are remembered at most, together with the states believed in after them

Belief = Mapping[str, float]  # state -> its probability
Words = tuple[str, ...]
T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class _Place:
    """A belief that is compared by identity, which is quick; equal beliefs share a place as long as it is known."""

    __slots__ = ("belief",)

    def __init__(self, belief: Belief) -> None:
        self.belief = belief


class Run(Generic[K]):
    """A run, where it is, and what its caller keeps of it."""

    __slots__ = ("kept", "place")

    def __init__(self, place: _Place, kept: K) -> None:
        self.place = place
        self.kept = kept


class Latest(Generic[V]):
    """Values by name, the latest of them only. `begin` makes one of a new name, and `over` is told of every one that is
    forgotten."""

    def __init__(
        self, begin: Callable[[], V], latest: int = LATEST, over: Callable[[str, V], None] | None = None
    ) -> None:
        self._begin = begin
        self._latest = latest
        self._tell = over
        self._newer: dict[str, V] = {}  # fewer than `latest`; when they are as many, they become the older ones
        self._older: dict[str, V] = {}

    def of(self, name: str) -> V:
        """The value of that name; a new one where it has none, or is not among the latest."""
        value = self._newer.get(name)
        if value is None:
            value = self._older.pop(name, None) if self._older else None
            if value is None:
                value = self._begin()
            self._newer[name] = value
            if len(self._newer) >= self._latest:
                self._newer, self._older, over = {}, self._newer, self._older
                self._end(over)
        return value

    def end(self, name: str) -> None:
        """Forget one that is known to be over."""
        for values in (self._newer, self._older):
            if name in values:
                self._end({name: values.pop(name)})

    def finish(self) -> None:
        """Forget all, the oldest first."""
        older, newer = self._older, self._newer
        self._older, self._newer = {}, {}
        self._end(older)
        self._end(newer)

    def _end(self, values: Mapping[str, V]) -> None:
        if self._tell is not None:
            for name, value in values.items():
                self._tell(name, value)


class Following(Latest[Run[K]], Generic[T, K]):
    """Answers rows of many runs. `step` says where a belief is led by a row's words, and the answer; `begin` makes what
    is kept of a new run, and `over` is told of every run that is forgotten."""

    def __init__(
        self,
        start: Belief,
        step: Callable[[Belief, Words], tuple[Belief, T]],
        begin: Callable[[], K],
        over: Callable[[str, Run[K]], None] | None = None,
        latest: int = LATEST,
        steps: int = STEPS,
    ) -> None:
        place = _Place(start)
        super().__init__(lambda: Run(place, begin()), latest, over)
        self._step = step
        self._most = steps
        self._size = 0  # of what is remembered of steps
        self._places: dict[tuple[tuple[str, float], ...], _Place] = {}
        self._steps: dict[tuple[_Place, Words], tuple[_Place, T]] = {}

    def lead(self, run: Run[K], words: Words) -> T:
        """Lead a run on by a row's words. Where the step raises, the run stays where it is."""
        place = run.place
        taken = self._steps.get((place, words)) or self._take(place, words)
        run.place = taken[0]
        return taken[1]

    def answer(self, name: str, words: Words) -> T:
        """Lead the run of that name on by a row's words."""
        return self.lead(self.of(name), words)

    def _take(self, place: _Place, words: Words) -> tuple[_Place, T]:
        """Take a step for the first time."""
        belief, answer = self._step(place.belief, words)
        self._size += 1 + len(belief)
        if self._size > self._most:
            self._steps.clear()
            self._places.clear()
            self._size = 1 + len(belief)
        following = self._places.setdefault(tuple(belief.items()), _Place(belief))
        taken = self._steps[place, words] = (following, answer)
        return taken
