"""The rows of a visible-state log as the filter sees them: codes without gaps, transitions, and junctions of rows.

A *transition* is what one row says, (state, trigger, next state, output); a *cell* of the table is a (state,
trigger); a *junction* is where one row of a trace ends and the next begins. Knows nothing of noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.logs import UNKNOWN, Log
from fsmlearn.runs import united

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.signedinteger[Any]]  # in a small type, so they are made Ints before they are counted with

PART = 1 << 17  # rows looked at in one go where all rows are; it keeps them in the processor's cache
FEW = 1 << 22  # transitions that might be, for which a table is kept

# What a row is: as it says, a stray row that the machine did not take, or one with a single word wrong.
TRUE, STRAY, OUTPUT, TRIGGER, NEXT, CURRENT = range(6)


@dataclass(frozen=True, eq=False)
class Space:
    """What rows can say: a transition is one number, in a log and in each of its parts."""

    states: int  # S, with the unknown one where there is one
    triggers: int  # A
    outputs: int  # O, 1 where the log has none
    unknown: int  # code of the unknown state, or UNKNOWN

    def number(self, p: Ints, x: Ints, q: Ints, o: Ints) -> Ints:
        """The number of the transition from p with x to q with output o; broadcasts."""
        return ((p * self.triggers + x) * self.states + q) * self.outputs + o

    def parts(self, transition: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """(state, trigger, next state, output) of numbers of transitions."""
        rest, output = np.divmod(transition, self.outputs)
        rest, after = np.divmod(rest, self.states)
        state, trigger = np.divmod(rest, self.triggers)
        return state, trigger, after, output


@dataclass(frozen=True, eq=False)
class Tally(Space):
    """How often rows say what they say: K distinct transitions of all rows, counted among some `use` of them."""

    transition: Ints  # (K,) ascending
    all: Ints  # (K,) rows
    count: Ints  # (K,) rows of use
    last: Ints  # (K,) rows of use that are the last of their traces


def total(one: Tally | None, other: Tally) -> Tally:
    """The tally of two parts of a log together."""
    if one is None:
        return other
    transition, index = np.unique(np.append(one.transition, other.transition), return_inverse=True)

    def added(some: Ints, more: Ints) -> Ints:
        out = np.zeros(len(transition), np.int64)
        np.add.at(out, index, np.append(some, more))
        return out

    return replace(
        other,
        transition=transition,
        all=added(one.all, other.all),
        count=added(one.count, other.count),
        last=added(one.last, other.last),
    )


@dataclass(frozen=True, eq=False)
class Rows(Space):
    """N rows as codes without UNKNOWN (an unknown word has a code of its own), in some order of the traces' rows."""

    state: Codes  # (N,)
    trigger: Codes  # (N,)
    next: Codes  # (N,)
    output: Codes  # (N,)
    first: Bools  # (N,) the first row of its trace
    last: Bools  # (N,)
    begins: Ints  # those first rows, ascending
    ends: Ints  # and those last rows

    def __len__(self) -> int:
        return len(self.state)

    def transition(self, rows: slice | Ints, kind: type[np.signedinteger[Any]] = np.int64) -> Codes:
        """One number for each (state, trigger, next state, output) of some rows, in a type that holds them all."""
        number = self.state[rows].astype(kind)
        columns = (self.trigger, self.triggers), (self.next, self.states), (self.output, self.outputs)
        for column, size in columns:  # as `number` does, in place
            if size > 1:
                number *= size
                number += column[rows]
        return number

    @cached_property
    def _counted(self) -> tuple[Ints, Codes, Ints]:
        """`distinct` and `count`."""
        space = self.states**2 * self.triggers * self.outputs
        if space > FEW:
            found, every, often = np.unique(self.transition(slice(None)), return_inverse=True, return_counts=True)
            return found, every, often
        narrow = np.int16 if space <= 1 << 15 else np.int32
        size = max(PART, space)
        parts = [slice(start, start + size) for start in range(0, len(self), size)]
        count: Ints = np.zeros(space, np.int64)
        for part in parts:
            count += np.bincount(self.transition(part, narrow), minlength=space)
        found = np.flatnonzero(count)
        kind: Codes = np.zeros(space, np.min_scalar_type(-len(found) - 1))
        kind[found] = np.arange(len(found))
        index: Codes = np.zeros(len(self), kind.dtype)
        for part in parts:
            kind.take(self.transition(part, narrow), out=index[part], mode="clip")
        return found, index, count[found]

    @property
    def distinct(self) -> tuple[Ints, Codes]:
        """(the K transitions that there are, ascending; (N,) which of them each row is)."""
        return self._counted[:2]

    @property
    def count(self) -> Ints:
        """(K,) how often each transition comes."""
        return self._counted[2]

    def tally(self, without: Ints) -> Tally:
        """What the rows say, counted without some of them."""
        found, index = self.distinct
        others = np.bincount(index[without], minlength=len(found))
        last = np.bincount(index[self.ends], minlength=len(found))
        last -= np.bincount(index[without[self.last[without]]], minlength=len(found))
        space = (self.states, self.triggers, self.outputs, self.unknown)
        return Tally(*space, found, self.count, self.count - others, last)

    @cached_property
    def broken(self) -> Ints:
        """Rows that do not go on from the next state of the row before, ascending; the unknown fits anything."""
        before, here = self.next[:-1], self.state[1:]
        out = before != here
        if self.unknown != UNKNOWN:
            out &= (before != self.unknown) & (here != self.unknown)
        out[self.begins[self.begins > 0] - 1] = False
        return np.flatnonzero(out) + 1

    def changed(self, at: Ints, state: Codes, trigger: Codes, next: Codes, output: Codes) -> Rows:
        """The same with other words in the rows `at`, as these columns (N,) have them."""
        rows = replace(self, state=state, trigger=trigger, next=next, output=output)
        old, index = self.distinct
        said, which = numbered(rows.transition(at))
        found = united(old, said)
        to = find(found, old).astype(np.min_scalar_type(-len(found) - 1))
        kinds = looked_up(to, index) if len(found) > len(old) else index.copy()
        fresh = find(found, said)[which]
        count = np.bincount(fresh, minlength=len(found)) - np.bincount(kinds[at], minlength=len(found))
        count[to] += self.count
        kinds[at] = fresh
        # as the property would find them, but for transitions that are gone, without another look at every row
        rows.__dict__["_counted"] = found, kinds, count
        return rows


def wide(codes: Codes) -> Ints:
    """Codes to count with."""
    return codes.astype(np.int64)


def coded(log: Log) -> Rows:
    """The rows of a visible log as they stand in it."""

    def filled(codes: Codes, size: int) -> Codes:
        if not size:
            return np.broadcast_to(np.int8(0), codes.shape)
        return np.where(codes == UNKNOWN, size, codes.astype(np.min_scalar_type(-size - 1)))

    n_states, n_outputs = len(log.states), len(log.outputs)
    unknown_state = bool(np.any(log.state == UNKNOWN) or np.any(log.next_state == UNKNOWN))
    no_output = bool(np.any(log.output == UNKNOWN))
    first, last = np.zeros(len(log), bool), np.zeros(len(log), bool)
    filled_traces = np.diff(log.offsets) > 0
    begins, ends = log.offsets[:-1][filled_traces], log.offsets[1:][filled_traces] - 1
    begins, ends = begins if log.opens else begins[1:], ends if log.closes else ends[:-1]
    first[begins] = last[ends] = True
    return Rows(
        state=filled(log.state, n_states) if unknown_state else log.state,
        trigger=log.trigger,
        next=filled(log.next_state, n_states) if unknown_state else log.next_state,
        output=filled(log.output, n_outputs) if no_output else log.output,
        first=first,
        last=last,
        begins=begins,
        ends=ends,
        states=n_states + unknown_state,
        triggers=len(log.triggers),
        outputs=n_outputs + no_output,
        unknown=n_states if unknown_state else UNKNOWN,
    )


def looked_up(table: Codes, index: Codes) -> Codes:
    """table[index] of an index that is nowhere negative, a part at a time, as NumPy would widen all of it first."""
    out = np.empty(len(index), table.dtype)
    for start in range(0, len(index), PART):
        table.take(index[start : start + PART], out=out[start : start + PART], mode="clip")
    return out


def numbered(keys: Ints) -> tuple[Ints, Ints]:
    """(the distinct keys, ascending; which of them each is), of keys of any shape that are nowhere below 0."""
    space = int(keys.max(initial=0)) + 1
    if space > FEW:
        found, index = np.unique(keys, return_inverse=True)
        return found, index.reshape(keys.shape)
    there = np.zeros(space, np.bool_)
    there[keys] = True
    found = np.flatnonzero(there)
    number = np.empty(space, np.int64)
    number[found] = np.arange(len(found))
    return found, number[keys]


def find(keys: Ints, wanted: Ints) -> Ints:
    """Index of each wanted key in ascending keys, len(keys) where it is not there."""
    at = np.searchsorted(keys, wanted)
    return np.where(np.append(keys, UNKNOWN)[at] == wanted, at, len(keys))
