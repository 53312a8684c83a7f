"""Coded rows -> a log: in order of trace and step, with moves made of variables, empty states settled, and what is odd
counted and located."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from itertools import count

import numpy as np

from fsmlearn.cells import Cells
from fsmlearn.columns import Layout, Variables
from fsmlearn.errors import LogError
from fsmlearn.log import Log
from fsmlearn.runs import Numerals, Runs
from fsmlearn.traces import (
    UNKNOWN,
    Codes,
    Oddities,
    Rows,
    arrange,
    cut,
    cut_at,
    drop_word,
    fill_empty,
    name_of_unknown,
    renumber,
    rises,
)
from fsmlearn.variables import Grid, moves

LOST = "kept; rows seem to be lost before it"


def assembled(
    cells: Cells, layout: Layout, files: tuple[str, ...], start_state: str | None, variables: Variables
) -> Log:
    """The log of all rows. Raises LogError where it has no state to start from, or no variable that changes."""
    return _Assembly(cells, layout, files).log(start_state, variables)


class _Assembly:
    """The columns of a log on their way into it; N rows in R traces."""

    def __init__(self, cells: Cells, layout: Layout, files: tuple[str, ...]) -> None:
        """Order the rows."""
        self.cells, self.layout, self.files = cells, layout, files
        places, steps, stretches = cells.places(), cells.steps(), cells.traces()
        self.names: Sequence[str]
        if stretches is None:
            begins = cut(places, steps, layout.clock)
            traces, self.names = np.arange(len(begins)), Numerals(Runs.count(1, len(begins)))
        else:
            begins, traces, self.names = stretches
        self.order, self.offsets, late = arrange(begins, traces, steps, cells.rows)
        self.oddities = Oddities(files, places)
        if layout.unread is not None:
            done = f"rows stand as in the file; {layout.unread!r} holds neither dates (ISO 8601) nor seconds"
            self.oddities.add("unread time", np.arange(cells.rows), done)
        self.oddities.add("row out of order", late, f"put in order of {'time' if layout.clock else 'step'}")
        if self.order is not None:
            places = Runs.of(places.at(self.order))
            steps = None if steps is None else Runs.of(steps.at(self.order))
            self.oddities.ordered(places)
        self.places, self.steps = places, steps
        self.state, self.next_state = self._column("state"), self._column("next_state")
        self.trigger, self.output = self._column("trigger"), self._column("output")
        self.state_words, self.trigger_words = cells.words("state"), cells.words("trigger")

    def log(self, start_state: str | None, variables: Variables) -> Log:
        """The log."""
        uneven, rise = rises(self.offsets[:-1], self.steps)
        # steps that mostly rise by more than one do not count rows
        counted = self.cells.rows - len(self.names) - len(uneven)
        numbered = 2 * counted >= counted + np.count_nonzero(rise > 0)
        gap = uneven[rise > 1] if numbered else uneven[:0]
        grid = None
        if variables:
            self.oddities.add("gap in steps", gap, LOST)
            grid = self._moves(variables)
            gap, equal = uneven[:0], uneven[:0]
        else:
            equal = uneven[rise == 0]
        states, unrecorded = self._states(gap, start_state) if self.layout.kind == "visible" else ((), UNKNOWN)
        triggers, [self.trigger] = renumber(self.trigger_words, self.trigger)
        outputs, [self.output] = renumber(self.cells.words("output"), self.output)
        if self.layout.kind == "hidden" and "" in outputs:
            outputs = self._labels(outputs)
        repeated = np.ones(len(equal), np.bool_)
        for codes in (self.state, self.trigger, self.next_state, self.output):
            repeated &= codes[equal - 1] == codes[equal]
        self.oddities.add("repeated row", equal[repeated], "kept, in file order")
        if not self.layout.clock:  # much may happen at one time, but not in one step
            self.oddities.add("duplicated step", equal[~repeated], "kept, in file order")
        self.oddities.add("gap in steps", gap, LOST)
        begins = self.offsets[:-1]
        return Log(
            kind=self.layout.kind,
            files=self.files,
            columns=self.layout.columns,
            states=states,
            triggers=triggers,
            outputs=outputs,
            traces=self.names,
            offsets=self.offsets,
            places=self.places,
            steps=Runs(begins, np.zeros(len(begins), np.int64), len(self.trigger))
            if self.steps is None
            else self.steps,
            state=self.state,
            trigger=self.trigger,
            next_state=self.next_state,
            output=self.output,
            oddities=tuple(self.oddities.found),
            unrecorded=unrecorded,
            guessed=self.layout.guessed,
            clock=self.layout.clock,
            grid=grid and grid.of([self.state_words.index(state) for state in states]),
        )

    def _column(self, role: str) -> Codes:
        codes = self.cells.column(role)
        if codes is None:
            return np.broadcast_to(np.int8(UNKNOWN), self.cells.rows)
        return codes if self.order is None else codes[self.order]

    def _moves(self, variables: Variables) -> Grid:
        """Put the moves between rows in place of the rows."""
        columns = {
            name: each.column(variables.levels.get(name), self.order, self.offsets[:-1])
            for name, each in self.cells.readings.items()
        }
        trigger = self.trigger if "trigger" in self.layout.position else None
        found = moves(columns, variables, trigger, self.trigger_words, self.offsets, self.files[0])
        for what, rows, done in found.odd:
            self.oddities.add(what, rows, done)
        self.places = Runs.of(self.places.at(found.rows))
        self.steps = None if self.steps is None else Runs.of(self.steps.at(found.rows))
        self.oddities.ordered(self.places)
        self.offsets = found.offsets
        self.names = tuple(self.names[trace] for trace in found.traces.tolist())
        self.state, self.next_state, self.trigger = found.state, found.next_state, found.trigger
        self.output = self.output[: len(found.rows)]
        self.state_words, self.trigger_words = list(found.states), list(found.triggers)
        return found.grid

    def _states(self, gap: Rows, start_state: str | None) -> tuple[tuple[str, ...], int]:
        """Settle the empty states and cut the traces: (the words of the states, which stands for what nobody
        recorded)."""
        words, state, next_state = self.state_words, self.state, self.next_state
        name = name_of_unknown(words)
        if "" in words:
            empty = words.index("")
            filled, filled_next = fill_empty(empty, state, next_state, np.append(self.offsets[:-1], gap))
            self.oddities.add("empty current_state", filled, "filled with the next_state of the row before")
            self.oddities.add("empty next_state", filled_next, "filled with the current_state of the row after")
            # where neither is given nothing was recorded, and that is a visible state of its own
            nothing = f"read as the state {name}"
            self.oddities.add("unrecorded current_state", np.flatnonzero(state == empty), nothing)
            self.oddities.add("unrecorded next_state", np.flatnonzero(next_state == empty), nothing)
        if start_state is not None:
            self._cut(start_state)
        broken = np.append(False, next_state[:-1] != state[1:])
        broken[np.append(self.offsets[:-1], gap)] = False
        done = "kept; next_state is not the next row's current_state"
        self.oddities.add("broken chain", np.flatnonzero(broken) - 1, done)
        states, [self.state, self.next_state] = renumber([word or name for word in words], state, next_state)
        return states, states.index(name) if name in states else UNKNOWN

    def _cut(self, start: str) -> None:
        """Let a trace begin wherever the current state is this one again, after another."""
        words = self.state_words
        rows = self.state == words.index(start) if start in words else np.zeros(1, np.bool_)
        if not rows.any():
            near = difflib.get_close_matches(start, words, 1)
            hint = f"did you mean {near[0]!r}?" if near else "name one of the log's states"
            raise LogError(f"{self.files[0]}: no row is in the start state {start!r}; {hint}")
        rows[1:] &= ~rows[:-1]
        self.offsets, part = cut_at(self.offsets, np.flatnonzero(rows))
        if "trace" not in self.layout.position:
            self.names = Numerals(Runs.count(1, len(part)))
            return
        taken, names = set(self.names), []
        for n, trace in enumerate(part.tolist()):
            again = n - int(np.searchsorted(part, trace))  # how often this trace has begun before
            name = self.names[trace]
            if again:
                name = next(each for each in (f"{name}.{k}" for k in count(again + 1)) if each not in taken)
            taken.add(name)
            names.append(name)
        self.names = tuple(names)

    def _labels(self, outputs: tuple[str, ...]) -> tuple[str, ...]:
        """The outputs, without the empty one where just the last row of every trace has another, and so labels it."""
        last = np.zeros(len(self.output), np.bool_)
        last[self.offsets[1:] - 1] = True
        if np.array_equal(self.output != outputs.index(""), last):
            done = "the output at the end of a trace is taken to label all of it"
            self.oddities.add("unrecorded output", np.flatnonzero(~last), done)
            outputs, self.output = drop_word(outputs, self.output, "")
        return outputs
