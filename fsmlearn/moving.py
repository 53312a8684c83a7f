"""Rows that say how things stand, one by one -> moves, read as the log that a model was learned from (see `variables`).

What was nought or lowest there goes without saying, a number is on the level that the cuts of that log put it on, and
an empty cell says that nothing has changed. Misreadings are not put right: the machine contradicts the moves that they
make. Of a run its last row is kept, and of runs the latest. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fsmlearn.about import GridSummary, VariableSummary
from fsmlearn.columns import Variables
from fsmlearn.following import LATEST, Latest, Words
from fsmlearn.values import UNRECORDED, named, no_number, number, plain, rest

Place = tuple[str, int]  # file and line
Value = int | str | None  # a level, or a word; None where no row so far tells


class Move(NamedTuple):
    """What happened between two rows of a run."""

    state: str
    words: Words  # (state, trigger, next state), the state empty where the move before has told it
    place: Place  # where it is told


class Moving:
    """The moves of many runs."""

    def __init__(self, grid: GridSummary, latest: int = LATEST) -> None:
        names = tuple(each.name for each in grid.variables), tuple(each.name for each in grid.inputs)
        self.variables = Variables(*names)  # the columns
        self.triggered = grid.trigger != ""  # a column names the triggers
        self._late = grid.trigger == "after"
        found = {each.name: each for each in (*grid.inputs, *grid.variables)}
        self._read = [_Variable(found[name]) for name in self.variables.all]
        self._state = list(range(len(grid.variables)))  # of those
        self._inputs = [self.variables.all.index(name) for name in names[1]]
        self._runs: Latest[_Run] = Latest(_Run, latest)

    def move(self, name: str, cells: Sequence[str], trigger: str, place: Place) -> Move | None:
        """What a row says that happened in the run of that name, None where nothing did. The cells are those of
        `variables.all`, in that order.

        Raises LogError where a cell should be a number and is none.
        """
        run = self._runs.of(name)
        said, told = (run.trigger, run.place) if self._late else (trigger, place)
        run.trigger, run.place = trigger, place
        if not said and cells == run.cells:
            return None
        before, state = run.values, run.state
        run.cells = cells
        run.values = [
            variable.read(cell, old, place)
            for variable, cell, old in zip(self._read, cells, before or [None] * len(cells), strict=True)
        ]
        run.state = self._called(run.values)
        if not before:
            return None
        happened = said or self._changed(before, run.values)
        if not happened:
            return None
        told_before, run.moved = run.moved, True
        return Move(state, ("" if told_before else state, happened, run.state), told)

    def _called(self, values: Sequence[Value]) -> str:
        """The visible state, empty where a value is not known that always was."""
        words = [self._read[at].word(values[at]) for at in self._state]
        if None in words:
            return ""
        said = [at for at in self._state if not self._read[at].rests(values[at])]
        return self._named(said or self._state[:1], values)

    def _changed(self, before: Sequence[Value], values: Sequence[Value]) -> str:
        """The trigger that a change is, empty where there is none: the first of the inputs that changed, of which a
        pulse does not on its way back; else what changed in the state."""
        changed = [at for at, value in enumerate(values) if value != before[at]]
        for at in self._inputs:
            if at in changed and (at in self._state or not self._read[at].is_usual(values[at])):
                return self._named([at], values)
        return self._named([at for at in self._state if at in changed], values)

    def _named(self, places: Sequence[int], values: Sequence[Value]) -> str:
        read = [self._read[at] for at in places]
        words = (variable.word(values[at]) for at, variable in zip(places, read, strict=True))
        return named((variable.name for variable in read), (word or UNRECORDED[0] for word in words))


class _Run:
    """The last row of a run."""

    __slots__ = ("cells", "moved", "place", "state", "trigger", "values")

    def __init__(self) -> None:
        self.cells: Sequence[str] = ()
        self.values: Sequence[Value] = ()
        self.state = ""
        self.trigger = ""
        self.place: Place = ("", 0)
        self.moved = False  # at all


class _Variable:
    """One variable, read as in the model's log."""

    def __init__(self, told: VariableSummary) -> None:
        self.name = told.name
        self._values = told.values
        self._levels = list(zip(told.cuts, told.bands, strict=True)) if told.levelled else None
        words = [word for word in told.values if word not in UNRECORDED]
        self._numbers = all(number(word) is not None for word in words)
        self._unrecorded = next((word for word in UNRECORDED if word in told.values), None)
        self._rest = self._value(rest(told.values, told.levelled))
        self._usual = self._value(told.usual)

    def _value(self, code: int | None) -> Value:
        return None if code is None else code if self._levels is not None else self._values[code]

    def read(self, cell: str, before: Value, place: Place) -> Value:
        """The value of a cell, after the one of the row before. Raises LogError where it should be a number."""
        if not cell:
            return before
        if self._levels is None:
            found = number(cell) if self._numbers else None
            return cell if found is None else plain(found)
        found = number(cell)
        if found is None:
            raise no_number(self.name, cell, f"{place[0]}:{place[1]}")
        if found != found:
            return before
        if not isinstance(before, int):
            return sum(found >= at for at, _ in self._levels)
        least = sum(found >= high for _, (_, high) in self._levels)
        return min(max(before, least), sum(found >= low for _, (low, _) in self._levels))

    def word(self, value: Value) -> str | None:
        """A value as states and triggers call it; None where it is not known, as it always was in the model's log."""
        if value is None:
            return self._unrecorded
        return self._values[value] if isinstance(value, int) else value

    def rests(self, value: Value) -> bool:
        """Whether it goes without saying."""
        return value is not None and value == self._rest

    def is_usual(self, value: Value) -> bool:
        """Whether it is the value that the variable had most often."""
        return value == self._usual
