"""Rows that say how things stand -> moves of a machine: visible states, and what led from one to the next.

A row is a sample. Each distinct combination of the state variables is a visible state, and a move is what two
neighbouring rows of a trace differ in, or where something is said to have happened between them. Its trigger is the
word in the trigger column; where there is none, the first of the input variables that changed; and where none did, what
changed in the state. Rows between which nothing happened say nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.columns import Variables
from fsmlearn.errors import LogError
from fsmlearn.misreadings import misread
from fsmlearn.readings import Column
from fsmlearn.values import named

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.signedinteger[Any]]

SURER = 10.0  # nats that the rows must cost less, for the triggers to be read the other way
MOST = 10_000  # states
TABLE = 1 << 24  # combinations that might be, for which a table is kept

Odd = tuple[str, Ints, str]  # what, rows, what was done


@dataclass(frozen=True, slots=True)
class Variable:
    """A state variable, and its value in each visible state."""

    name: str
    values: tuple[str, ...]
    cuts: tuple[float, ...] | None  # between levels, None where the values are words of the log
    bands: tuple[tuple[float, float], ...]  # about the cuts, in which a value stays on the level that it came from
    given: bool  # whether somebody gave the cuts
    usual: int  # that it has most often, an index into values
    of_state: tuple[int, ...]  # (S,) index into values


@dataclass(frozen=True, slots=True)
class Grid:
    """What a log of variables was read from."""

    rows: int  # of the log; its moves are fewer
    variables: tuple[Variable, ...]
    inputs: tuple[Variable, ...]  # in no state, so that their `of_state` is empty
    late: bool  # whether the trigger of a row happened after it, not before

    def of(self, states: Sequence[int]) -> Grid:
        """The same where the states are these, by their indices."""
        chosen = (replace(v, of_state=tuple(v.of_state[state] for state in states)) for v in self.variables)
        return replace(self, variables=tuple(chosen))


@dataclass(frozen=True, eq=False)
class Moves:
    """The M moves in N rows."""

    rows: Ints  # (M,) where each is told
    offsets: Ints  # (R' + 1,) of the traces that have some
    traces: Ints  # (R',) which traces those are
    states: tuple[str, ...]
    state: Codes  # (M,) index into states
    next_state: Codes  # (M,)
    triggers: tuple[str, ...]
    trigger: Codes  # (M,) index into triggers
    grid: Grid
    odd: tuple[Odd, ...]


def moves(
    columns: Mapping[str, Column],
    wanted: Variables,
    trigger: Codes | None,
    words: Sequence[str],
    offsets: Ints,
    name: str,
) -> Moves:
    """The moves between rows (N,) whose traces begin at `offsets` (R + 1,); `trigger` (N,) indexes the words, of which
    an empty one is none. Raises LogError, naming the log, where there are none, or far too many states."""
    columns, size, begins = dict(columns), int(offsets[-1]), offsets[:-1]
    inside = np.ones(size, np.bool_)
    inside[begins] = False
    state, sample = _combined([columns[each] for each in wanted.state], size)
    if len(sample) > MOST:
        raise LogError(f"{name}: the variables make {len(sample):,} different states; name fewer, or give levels")
    states = tuple(_named(wanted.state, columns, row) for row in sample.tolist())
    values = np.stack([columns[each].codes[sample] for each in wanted.state], 1).astype(np.int64)  # (S, V)
    fired, late, odd = _said(state, trigger, words, inside)
    wrong, true = misread(values, state, fired, begins)
    state = _put_right(columns, wanted.state, state, values, wrong, true)
    odd.append(("misread variable", wrong, "put right; with one other value the moves around it are usual ones"))
    said = list(words)
    silent = inside & (fired < 0)
    if wanted.inputs:
        fired, several = _by_inputs(columns, wanted, silent, fired, said)
        odd.append(("change in several inputs", several, "the first of them in their order is the trigger"))
    silent &= (fired < 0) & np.append(False, state[1:] != state[:-1])
    fired = _by_change(columns, wanted.state, silent, state, fired, said)
    rows = np.flatnonzero(fired >= 0)
    if not len(rows):
        raise LogError(f"{name}: the variables never change, so that there is no move; name others")
    triggers = tuple(dict.fromkeys(said))
    same = np.array([triggers.index(word) for word in said], np.int64)
    bounds = np.searchsorted(rows, offsets)
    some = np.flatnonzero(np.diff(bounds))
    variables = (_variable(each, columns[each], values[:, at]) for at, each in enumerate(wanted.state))
    inputs = (_variable(each, columns[each], values[:0, 0]) for each in wanted.inputs)
    return Moves(
        rows - late,
        np.append(bounds[some], len(rows)),
        some,
        states,
        state[rows - 1],
        state[rows],
        triggers,
        same[fired[rows]],
        Grid(size, tuple(variables), tuple(inputs), late),
        (*_empty(columns), *odd),
    )


def _variable(name: str, column: Column, of_state: Ints) -> Variable:
    cuts = None if column.cuts is None else tuple(cut.at for cut in column.cuts)
    bands = tuple((cut.low, cut.high) for cut in column.cuts or ())
    return Variable(name, column.values, cuts, bands, column.given, column.usual, tuple(of_state.tolist()))


def _said(state: Codes, trigger: Codes | None, words: Sequence[str], inside: Bools) -> tuple[Codes, bool, list[Odd]]:
    """(the trigger (N,) that led to each row, as a column names it, -1 where none does; whether it stands in the row
    before; what is odd about it)."""
    if trigger is None:
        return np.full(len(state), -1), False, []
    said = np.array([bool(word) for word in words])[trigger]
    told = np.where(said, trigger, -1)
    late = _late(state, told, inside)
    lost = np.append(~inside[1:], True) if late else ~inside
    place, missing = ("last", "where it led") if late else ("first", "the state before it")
    what = f"trigger in the {place} row of a trace"
    odd = [(what, np.flatnonzero(said & lost), f"passed over; no row shows {missing}")]
    return np.where(inside, np.append(-1, told[:-1]) if late else told, -1), late, odd


def _combined(columns: Sequence[Column], size: int) -> tuple[Codes, Ints]:
    """((N,) a code for each distinct combination, in order of appearance; (S,) the first row of each)."""
    key, room = np.zeros(size, np.int64), 1
    for column in columns:
        if room * len(column.values) > TABLE:
            found, key = np.unique(key, return_inverse=True)
            room = len(found)
        key, room = key * len(column.values) + column.codes, room * len(column.values)
    first = np.full(room, size)
    first[key[::-1]] = np.arange(size)[::-1]  # the last one stays
    there = np.flatnonzero(first < size)
    order = there[np.argsort(first[there])]
    rank = np.zeros(room, np.min_scalar_type(-len(order) - 1))
    rank[order] = np.arange(len(order))
    return rank[key], first[order]


def _named(names: Sequence[str], columns: Mapping[str, Column], row: int) -> str:
    """`Power=1 Program=3`: what is nought or lowest goes without saying, unless everything is."""
    said = [name for name in names if columns[name].codes[row] != columns[name].rest]
    return _told(said or names[:1], columns, row)


def _told(names: Sequence[str], columns: Mapping[str, Column], row: int) -> str:
    return named(names, (columns[name].values[columns[name].codes[row]] for name in names))


def _put_right(
    columns: dict[str, Column], names: Sequence[str], state: Codes, values: Ints, rows: Ints, true: Ints
) -> Codes:
    """The states (N,) with those of misread rows put right; and so are the columns."""
    if not len(rows):
        return state
    state = state.copy()
    state[rows] = true
    for variable, name in enumerate(names):
        codes = columns[name].codes.copy()
        codes[rows] = values[true, variable]
        columns[name] = replace(columns[name], codes=codes)
    return state


def _late(state: Codes, told: Codes, inside: Bools) -> bool:
    """Whether the triggers (N,), -1 where there is none, tell more of the rows after them than of their own: what a row
    says had then not led to it but happened in it, as where an actor notes what it sees and then what it does."""
    at = np.flatnonzero(inside)
    before, after = state[at - 1].astype(np.int64), state[at].astype(np.int64)
    states, triggers = int(state.max()) + 1, int(told.max()) + 2

    def unsure(trigger: Codes) -> float:
        """Nats of the rows' states, given the state before and the trigger."""
        cell = before * triggers + trigger + 1
        _, cells = np.unique(cell, return_counts=True)
        _, pairs = np.unique(cell * states + after, return_counts=True)
        return float((cells * np.log(cells)).sum() - (pairs * np.log(pairs)).sum())

    return unsure(told[at]) - unsure(told[at - 1]) > SURER


def _by_inputs(
    columns: Mapping[str, Column], wanted: Variables, silent: Bools, fired: Codes, words: list[str]
) -> tuple[Codes, Ints]:
    """The triggers (N,) with those of rows that are silent so far and in which inputs change, and the rows in which
    several did. An input that is no part of the state is a pulse: its way back to where it mostly is, is no trigger."""
    fired = fired.copy()
    count = np.zeros(len(fired), np.int64)
    for name in reversed(wanted.inputs):
        column = columns[name]
        change = silent & np.append(False, column.codes[1:] != column.codes[:-1])
        if name not in wanted.state:
            change &= column.codes != column.usual
        count += change
        rows = np.flatnonzero(change)
        codes = column.codes[rows].astype(np.int64)
        fired[rows] = len(words) + codes
        words += [named([name], [value]) for value in column.values]
    return fired, np.flatnonzero(count > 1)


def _by_change(
    columns: Mapping[str, Column], names: Sequence[str], silent: Bools, state: Codes, fired: Codes, words: list[str]
) -> Codes:
    """The triggers (N,) with those of silent rows in which the state changes: what changed in it."""
    rows = np.flatnonzero(silent)
    pair = state[rows - 1].astype(np.int64) * (int(state.max(initial=0)) + 1) + state[rows]
    _, first, which = np.unique(pair, return_index=True, return_inverse=True)
    found = []
    for row in rows[first].tolist():
        changed = [name for name in names if columns[name].codes[row] != columns[name].codes[row - 1]]
        found.append(_told(changed, columns, row))
    fired = fired.copy()
    fired[rows] = len(words) + which
    words += found
    return fired


def _empty(columns: Mapping[str, Column]) -> Iterator[Odd]:
    for name, column in columns.items():
        yield f"empty cell in {name}", column.empty, "taken as unchanged"
        yield f"unrecorded value in {name}", column.unknown, "read as ?; no row before it tells"
