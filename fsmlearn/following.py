"""Many runs of a machine followed at once, in memory that does not grow with the rows.

What a row does to a run depends only on the belief that the run is held in and on the row's words, so each such step is
taken once and remembered. Runs are remembered by name, the latest of them only: an endless stream may name new
runs for ever. Standard library only; what a step is, is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

LATEST = 100_000  # runs that are remembered at least
STEPS = 50_000  # that are remembered at most

Belief = Mapping[str, float]  # state -> its probability
Words = tuple[str, ...]
T = TypeVar("T")


class _Place:
    """A belief that is compared by identity, which is quick; equal beliefs share a place as long as it is known."""

    __slots__ = ("belief",)

    def __init__(self, belief: Belief) -> None:
        self.belief = belief


class Following(Generic[T]):
    """Answers rows of many runs. `step` says where a belief is led by a row's words, and the answer."""

    def __init__(
        self, start: Belief, step: Callable[[Belief, Words], tuple[Belief, T]], latest: int = LATEST, steps: int = STEPS
    ) -> None:
        self._start = _Place(start)
        self._step = step
        self._latest = latest
        self._most = steps
        self._places: dict[tuple[tuple[str, float], ...], _Place] = {}
        self._steps: dict[tuple[_Place, Words], tuple[_Place, T]] = {}
        self._runs: dict[str, _Place] = {}  # fewer than `latest`; when they are as many, they become the older ones
        self._older: dict[str, _Place] = {}

    def answer(self, run: str, words: Words) -> T:
        """Lead a run on by a row's words. A run that is new, or not among the latest, begins at the start.

        Where the step raises, the run stays where it is.
        """
        place = self._runs.get(run) or self._older.get(run) or self._start
        taken = self._steps.get((place, words)) or self._take(place, words)
        self._runs[run] = taken[0]
        if len(self._runs) >= self._latest:
            self._runs, self._older = {}, self._runs
        return taken[1]

    def _take(self, place: _Place, words: Words) -> tuple[_Place, T]:
        """Take a step for the first time."""
        belief, answer = self._step(place.belief, words)
        if len(self._steps) >= self._most:
            self._steps.clear()
            self._places.clear()
        following = self._places.setdefault(tuple(belief.items()), _Place(belief))
        taken = self._steps[place, words] = (following, answer)
        return taken
