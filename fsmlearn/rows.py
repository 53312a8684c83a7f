"""The rows of a visible-state log as the filter sees them: codes without gaps, transitions, and junctions of rows.

A *transition* is what one row says, (state, trigger, next state, output); a *cell* of the table is a (state,
trigger); a *junction* is where one row of a trace ends and the next begins. Knows nothing of noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsmlearn.logs import UNKNOWN, Log

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# What a row is: as it says, a stray row that the machine did not take, or one with a single word wrong.
TRUE, STRAY, OUTPUT, TRIGGER, NEXT, CURRENT = range(6)


@dataclass(frozen=True, eq=False)
class Rows:
    """N rows as codes without UNKNOWN (an unknown word has a code of its own), in some order of the traces' rows."""

    state: Ints  # (N,)
    trigger: Ints  # (N,)
    next: Ints  # (N,)
    output: Ints  # (N,)
    first: Bools  # (N,) the first row of its trace
    last: Bools  # (N,)
    states: int  # S, with the unknown one where there is one
    triggers: int  # A
    outputs: int  # O, 1 where the log has none
    unknown: int  # code of the unknown state, or UNKNOWN

    def transition(self) -> Ints:
        """(N,) one number for each (state, trigger, next state, output)."""
        return self.number(self.state, self.trigger, self.next, self.output)

    def number(self, p: Ints, x: Ints, q: Ints, o: Ints) -> Ints:
        """The number of the transition from p with x to q with output o; broadcasts."""
        return ((p * self.triggers + x) * self.states + q) * self.outputs + o

    def parts(self, transition: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """(state, trigger, next state, output) of numbers of transitions."""
        rest, output = np.divmod(transition, self.outputs)
        rest, after = np.divmod(rest, self.states)
        state, trigger = np.divmod(rest, self.triggers)
        return state, trigger, after, output

    def broken(self) -> Bools:
        """(N,) True where the row does not go on from the next state of the row before; the unknown fits anything."""
        out = np.zeros(len(self.state), bool)
        before, here = self.next[:-1], self.state[1:]
        out[1:] = (before != here) & (before != self.unknown) & (here != self.unknown) & ~self.first[1:]
        return out


def coded(log: Log) -> Rows:
    """The rows of a visible log as they stand in it."""

    def filled(codes: NDArray[np.int32], size: int) -> Ints:
        return np.where(codes == UNKNOWN, size, codes).astype(np.int64)

    n_states, n_outputs = len(log.states), len(log.outputs)
    unknown_state = bool(np.any(log.state == UNKNOWN) or np.any(log.next_state == UNKNOWN))
    first, last = np.zeros(len(log), bool), np.zeros(len(log), bool)
    filled_traces = np.diff(log.offsets) > 0
    first[log.offsets[:-1][filled_traces]] = True
    last[log.offsets[1:][filled_traces] - 1] = True
    return Rows(
        state=filled(log.state, n_states),
        trigger=log.trigger.astype(np.int64),
        next=filled(log.next_state, n_states),
        output=filled(log.output, n_outputs),
        first=first,
        last=last,
        states=n_states + unknown_state,
        triggers=len(log.triggers),
        outputs=n_outputs + bool(np.any(log.output == UNKNOWN)),
        unknown=n_states if unknown_state else UNKNOWN,
    )


def find(keys: Ints, wanted: Ints) -> Ints:
    """Index of each wanted key in ascending keys, len(keys) where it is not there."""
    at = np.searchsorted(keys, wanted)
    return np.where(np.append(keys, UNKNOWN)[at] == wanted, at, len(keys))
