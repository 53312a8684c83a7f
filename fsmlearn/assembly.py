"""Rows as read -> rows of a log: in order of trace and step, moves made of variables, empty states settled, traces cut,
and what is odd counted and located.

A log may be read in parts. Of every part a few facts are told, and what follows from those of all parts is given back
to each, so that the log is the same however it is divided: each part is put in order (`arranged`), settled by the
rules that hold for all of them (`settled`), and given the words of all (`recoded`, by `logs`). A log of variables, or
one that is cut at a start state, is one part.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from fsmlearn.cells import Ints, Raw
from fsmlearn.columns import NONE, Layout, Variables
from fsmlearn.errors import LogError
from fsmlearn.parts import UnorderedError
from fsmlearn.plain import narrow
from fsmlearn.readings import Column
from fsmlearn.runs import Numerals, Runs
from fsmlearn.traces import (
    UNKNOWN,
    Codes,
    Odd,
    arrange,
    cut,
    cut_at,
    drop_word,
    fill_empty,
    name_of_unknown,
    odd,
    renumber,
    rises,
)
from fsmlearn.variables import Grid, moves

ODDITIES = (  # in the order in which they are told; those of variables come behind
    "unread time",
    "row out of order",
    "empty current_state",
    "empty next_state",
    "unrecorded current_state",
    "unrecorded next_state",
    "broken chain",
    "unrecorded output",
    "repeated row",
    "duplicated step",
    "gap in steps",
)
LOST = "kept; rows seem to be lost before it"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of a log, beside the roles of its columns."""

    start_state: str | None = None  # on which a new trace begins
    variables: Variables = NONE

    @property
    def whole(self) -> bool:
        """Whether all rows have to be known at once."""
        return self.start_state is not None or bool(self.variables)


# --- order -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Arranged:
    """N rows in order of trace and step, R traces."""

    layout: Layout
    words: dict[str, list[str]]
    columns: dict[str, Codes]
    variables: dict[str, Column]
    places: Runs
    steps: Runs | None
    offsets: Ints  # (R + 1,)
    names: Sequence[str] | None  # of the traces, None where they are counted
    odd: tuple[Odd | None, ...]  # about times, and rows that stood elsewhere
    uneven: Ints  # rows whose step is not the next of their trace's row before
    rise: Ints  # and by how much it is greater
    since: int | None  # as `Raw` has it
    closes: bool  # the last row ends a trace


@dataclass(frozen=True)
class Facts:
    """What all parts are settled by."""

    layout: Layout
    rows: int
    traces: int
    uneven: int
    rising: int  # of the uneven
    states: tuple[str, ...]  # words
    blank: bool  # an output is empty
    labels: bool  # outputs are empty but in the last rows of traces, and in no such row


def arranged(raw: Raw, wish: Wish) -> tuple[Arranged, Facts]:
    """Put the rows of a part in order."""
    size, places, steps, columns, layout = len(raw), raw.places, raw.steps, raw.columns, raw.layout
    called: Sequence[str] | None = None
    if raw.stretches is None:
        begins = cut(places, steps, layout.clock, raw.since)
        traces = np.arange(len(begins))
    else:
        begins, traces, called = raw.stretches
    uneven, rise = rises(begins, steps)
    order, offsets, late = arrange(begins, traces, steps, rise, size)
    if raw.since is not None and order is not None and order[0] != 0:
        raise UnorderedError
    unread = None
    if layout.unread is not None:
        done = f"rows stand as in the file; {layout.unread!r} holds neither dates (ISO 8601) nor seconds"
        unread = odd("unread time", np.arange(size), places, done)
    lately = odd("row out of order", late, places, f"put in order of {'time' if layout.clock else 'step'}")
    if order is not None:
        places, steps = Runs.of(places.at(order)), None if steps is None else Runs.of(steps.at(order))
        columns = {role: column[order] for role, column in columns.items()}
        uneven, rise = rises(offsets[:-1], steps)
    variables = {
        name: each.column(wish.variables.levels.get(name), order, offsets[:-1]) for name, each in raw.readings.items()
    }
    blank = labels = False
    if layout.kind == "hidden":
        words, output = raw.words["output"], columns["output"]
        said = output != words.index("") if "" in words else np.ones(size, np.bool_)
        last = np.zeros(size, np.bool_)
        last[offsets[1:] - 1] = True
        blank, labels = not said.all(), np.array_equal(said, last)
    facts = Facts(
        layout,
        size,
        len(offsets) - 1 - (raw.since is not None),
        len(uneven),
        int(np.count_nonzero(rise > 0)),
        tuple(raw.words["state"]),
        blank,
        labels,
    )
    rows = (layout, raw.words, columns, variables, places, steps, offsets, called)
    return Arranged(*rows, (unread, lately), uneven, rise, raw.since, not raw.goes_on), facts


@dataclass(frozen=True)
class Rules:
    """What follows from the facts of all parts."""

    numbered: bool  # steps count rows
    unknown: str  # what a state is called that nobody recorded
    labelled: bool  # the output at the end of a trace labels all of it


def rules(facts: Sequence[Facts]) -> Rules:
    """Of a log in these parts."""
    rows, traces, uneven, rising = map(sum, zip(*((f.rows, f.traces, f.uneven, f.rising) for f in facts), strict=True))
    # steps that mostly rise by more than one do not count rows
    counted = rows - traces - uneven
    numbered = 2 * counted >= counted + rising
    states = {word for each in facts for word in each.states}
    labelled = any(each.blank for each in facts) and all(each.labels for each in facts)
    return Rules(numbered, name_of_unknown(states), labelled)


# --- what the rows say -----------------------------------------------------------------------------------------------

Words = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]  # states, triggers, outputs


@dataclass(frozen=True, eq=False)
class Settled:
    """N rows, R traces, with their words in order of first appearance."""

    columns: dict[str, Codes]  # state, trigger, next_state and output, (N,) each
    offsets: Ints
    places: Runs
    steps: Runs
    names: Sequence[str] | None
    opens: bool
    closes: bool
    grid: Grid | None  # of a log of variables


@dataclass(frozen=True)
class Outcome:
    """What has to be known of all parts that are settled."""

    words: Words
    odd: tuple[Odd, ...]
    rows: int
    traces: int  # that begin in the part


def settled(part: Arranged, rules: Rules, wish: Wish, name: str) -> tuple[Settled, Outcome]:
    """Settle a part of a log whose first file has this name.

    Raises LogError where there is no state to start from, or no variable that changes.
    """
    return _Settling(part, rules, wish, name).done()


class _Settling:
    """The columns of a part on their way into the log; N rows in R traces."""

    def __init__(self, part: Arranged, rules: Rules, wish: Wish, name: str) -> None:
        self.part, self.rules, self.wish, self.name = part, rules, wish, name
        self.places, self.steps, self.offsets, self.names = part.places, part.steps, part.offsets, part.names
        self.odd = list(part.odd)
        self.state, self.next_state = self._column("state"), self._column("next_state")
        self.trigger, self.output = self._column("trigger"), self._column("output")
        self.state_words, self.trigger_words = part.words["state"], part.words["trigger"]

    def done(self) -> tuple[Settled, Outcome]:
        """What comes of it."""
        part, layout = self.part, self.part.layout
        gap = part.uneven[part.rise > 1] if self.rules.numbered else part.uneven[:0]
        equal = part.uneven[part.rise == 0]
        grid = None
        if self.wish.variables:
            self._add("gap in steps", gap, LOST)
            grid = self._moves()
            gap = equal = part.uneven[:0]
        states = self._states(gap) if layout.kind == "visible" else ()
        triggers, [self.trigger] = renumber(self.trigger_words, self.trigger)
        outputs, [self.output] = renumber(part.words["output"], self.output)
        if self.rules.labelled:
            outputs = self._labels(outputs)
        repeated = np.ones(len(equal), np.bool_)
        for codes in (self.state, self.trigger, self.next_state, self.output):
            repeated &= codes[equal - 1] == codes[equal]
        self._add("repeated row", equal[repeated], "kept, in file order")
        if not layout.clock:  # much may happen at one time, but not in one step
            self._add("duplicated step", equal[~repeated], "kept, in file order")
        self._add("gap in steps", gap, LOST)
        begins, size = self.offsets[:-1], len(self.trigger)
        steps = self.steps
        if steps is None:
            before = np.zeros(len(begins), np.int64)
            before[:1] = part.since or 0
            steps = Runs(begins, before, size)
        rows = Settled(
            {"state": self.state, "trigger": self.trigger, "next_state": self.next_state, "output": self.output},
            self.offsets,
            self.places,
            steps,
            self.names,
            part.since is None,
            part.closes,
            grid and grid.of([self.state_words.index(state) for state in states]),
        )
        found = tuple(each for each in self.odd if each is not None)
        return rows, Outcome((states, triggers, outputs), found, size, len(begins) - (part.since is not None))

    def _add(self, what: str, rows: Ints, done: str) -> None:
        self.odd.append(odd(what, rows, self.places, done))

    def _column(self, role: str) -> Codes:
        codes = self.part.columns.get(role)
        return np.broadcast_to(np.int8(UNKNOWN), len(self.part.places)) if codes is None else codes

    def _moves(self) -> Grid:
        """Put the moves between rows in place of the rows."""
        trigger = self.trigger if "trigger" in self.part.layout.position else None
        found = moves(self.part.variables, self.wish.variables, trigger, self.trigger_words, self.offsets, self.name)
        for what, rows, done in found.odd:
            self._add(what, rows, done)
        self.places = Runs.of(self.places.at(found.rows))
        self.steps = None if self.steps is None else Runs.of(self.steps.at(found.rows))
        names = Numerals(Runs.count(1, len(self.offsets) - 1)) if self.names is None else self.names
        self.offsets = found.offsets
        self.names = tuple(names[trace] for trace in found.traces.tolist())
        self.state, self.next_state, self.trigger = found.state, found.next_state, found.trigger
        self.output = self.output[: len(found.rows)]
        self.state_words, self.trigger_words = list(found.states), list(found.triggers)
        return found.grid

    def _states(self, gap: Ints) -> tuple[str, ...]:
        """Settle the empty states and cut the traces: the words of the states."""
        words = self.state_words
        if "" in words:
            empty = words.index("")
            self.state, self.next_state = self.state.copy(), self.next_state.copy()
            filled, filled_next = fill_empty(empty, self.state, self.next_state, np.append(self.offsets[:-1], gap))
            self._add("empty current_state", filled, "filled with the next_state of the row before")
            self._add("empty next_state", filled_next, "filled with the current_state of the row after")
            # where neither is given nothing was recorded, and that is a visible state of its own
            nothing = f"read as the state {self.rules.unknown}"
            self._add("unrecorded current_state", np.flatnonzero(self.state == empty), nothing)
            self._add("unrecorded next_state", np.flatnonzero(self.next_state == empty), nothing)
        if self.wish.start_state is not None:
            self._cut(self.wish.start_state)
        broken = np.append(False, self.next_state[:-1] != self.state[1:])
        broken[np.append(self.offsets[:-1], gap)] = False  # rows that the row before does not lead to
        done = "kept; next_state is not the next row's current_state"
        self._add("broken chain", np.flatnonzero(broken) - 1, done)
        named = [word or self.rules.unknown for word in words]
        states, [self.state, self.next_state] = renumber(named, self.state, self.next_state)
        return states

    def _cut(self, start: str) -> None:
        """Let a trace begin wherever the current state is this one again, after another."""
        words = self.state_words
        rows = self.state == words.index(start) if start in words else np.zeros(1, np.bool_)
        if not rows.any():
            near = difflib.get_close_matches(start, words, 1)
            hint = f"did you mean {near[0]!r}?" if near else "name one of the log's states"
            raise LogError(f"{self.name}: no row is in the start state {start!r}; {hint}")
        rows[1:] &= ~rows[:-1]
        self.offsets, part = cut_at(self.offsets, np.flatnonzero(rows))
        if self.names is None or "trace" not in self.part.layout.position:
            self.names = None
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
        """The outputs without the empty one, where just the last row of every trace has another, and so labels it."""
        if "" in outputs:
            outputs, self.output = drop_word(outputs, self.output, "")
        last = np.zeros(len(self.output), np.bool_)
        last[self.offsets[1:] - 1] = True
        done = "the output at the end of a trace is taken to label all of it"
        self._add("unrecorded output", np.flatnonzero(~last), done)
        return outputs


def recoded(codes: Codes, words: Sequence[str], everything: Mapping[str, int]) -> Codes:
    """Codes of a part's words as those of all words; UNKNOWN stays."""
    if not everything:
        return codes
    new = np.array([*(everything[word] for word in words), UNKNOWN], np.int64)
    codes = narrow(codes, len(everything))
    return codes if np.array_equal(new[:-1], np.arange(len(words))) else narrow(new, len(everything))[codes]


def in_order(parts: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The words of all parts in order of first appearance."""
    return tuple(dict.fromkeys(word for words in parts for word in words))


def added(parts: Iterable[Sequence[Odd]]) -> list[Odd]:
    """What is odd about all parts together."""
    found: dict[str, Odd] = {}
    for each in (each for part in parts for each in part):
        other = found.get(each.what, Odd(each.what, 0, each.place, each.done))
        found[each.what] = Odd(each.what, each.count + other.count, min(each.place, other.place), each.done)
    rank = {what: n for n, what in enumerate(ODDITIES)}
    return sorted(found.values(), key=lambda each: rank.get(each.what, len(rank)))
