"""The reasons of the filter: for each row that was not believed, what was done to it and why, in the words of the log.

Takes what was decided about each row, and decides nothing itself, except which of two swapped rows to name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fsmlearn.logs import Log
from fsmlearn.rows import CURRENT, NEXT, OUTPUT, STRAY, TRIGGER, TRUE, Bools, Ints, Rows

Action = Literal["dropped", "repaired"]
Kind = Literal["label", "spurious", "swap", "output"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that was not believed as it stood."""

    row: int  # index into the log as read
    action: Action
    kind: Kind
    reason: str  # one sentence in the words of the log
    state: str | None = None  # of the machine, before the row, where the log hides it


@dataclass(frozen=True, eq=False)
class Decisions:
    """What was decided about each of N rows, in the clean order (swapped rows back in their places)."""

    order: Ints  # (N,) index of the row as read
    chain: Ints  # (N,) what the row is by the chain: TRUE, STRAY, NEXT or CURRENT
    counts: Ints  # (N,) and by the counts, of what the chain leaves: TRUE, STRAY, OUTPUT, TRIGGER or NEXT
    swap: Bools  # (N,) this row was read after the next one
    drop: Bools  # (N,)
    fixed: Rows  # (N,) true words
    stray: float  # rate of stray rows that say that the state stays


def findings(log: Log, read: Rows, decided: Decisions) -> tuple[Finding, ...]:
    """A finding for each row that is not in the clean log as it was read, at its place; ordered by row."""
    moved = _moved(read, decided.swap)
    odd = np.flatnonzero(moved | decided.drop | (decided.chain != TRUE) | (decided.counts != TRUE))
    if not len(odd):
        return ()
    cell, arc = read.state * read.triggers + read.trigger, read.transition() // read.outputs
    in_cell, in_arc, same = _frequency(cell), _frequency(arc), _frequency(read.transition())
    states, triggers, outputs = (*log.states, "(empty)"), log.triggers, (*log.outputs, "(empty)")
    result = []
    for i in odd.tolist():
        row, by_chain, by_counts, dropped = int(decided.order[i]), decided.chain[i], decided.counts[i], decided.drop[i]
        p, x = states[read.state[row]], triggers[read.trigger[row]]
        q, o = states[read.next[row]], outputs[read.output[row]]
        true_q = states[decided.fixed.next[i]]
        share = f"{same[row]} of {in_cell[row]} rows"
        led = f"{p} + {x} led to {q} in {in_arc[row]} of {in_cell[row]} rows"
        with_output = f" with output {o}" if log.outputs else ""
        kind: Kind = "label"
        reasons = []
        if moved[i]:
            kind = "swap"
            side = "the row after it" if row < i else "the row before it"
            partner = side if moved[row] else "one of its neighbours"
            reasons.append(f"changed places with {partner}: only so do the states follow one another")
        if by_chain == NEXT:
            how = "this is the last row of its trace" if read.last[i] else f"the next row goes on from {true_q}"
            reasons.append(f"next state {q} -> {true_q}: {how}, and {led}")
        elif by_chain == CURRENT:
            true_p = states[decided.fixed.state[i]]
            how = f"traces begin in {true_p}" if read.first[i] else f"the row before led to {true_p}"
            reasons.append(f"current state {p} -> {true_p}: {how}, and {led}")
        if by_chain == STRAY and p != q:
            kind = "spurious"
            reasons.append(f"the next row goes on from {p} as if this one were not there, and {led}")
        elif by_chain == STRAY or by_counts == STRAY:
            kind = "spurious"
            often = f"as often as stray rows would ({decided.stray:.2%})"
            reasons.append(f"{p} + {x} changed nothing{with_output} in {share}, {often}")
        elif by_counts == OUTPUT:
            change = "output unknown" if dropped else f"output {o} -> {outputs[decided.fixed.output[i]]}"
            reasons.append(f"{change}: {p} + {x} gave {o} in {share}")
        elif by_counts == TRIGGER:
            change = "trigger unknown" if dropped else f"trigger {x} -> {triggers[decided.fixed.trigger[i]]}"
            reasons.append(f"{change}: {p} + {x} led to {q}{with_output} in {share}, and another trigger does that")
        elif by_counts == NEXT:
            change = "next state unknown" if dropped else f"next state {q} -> {true_q}"
            reasons.append(f"{change}: {led}, and no row after it confirms it")
        result.append(Finding(row, "dropped" if dropped else "repaired", kind, "; ".join(reasons)))
    return tuple(sorted(result, key=lambda finding: finding.row))


def _frequency(keys: Ints) -> Ints:
    """(N,) how often each key occurs."""
    _, inverse, count = np.unique(keys, return_inverse=True, return_counts=True)
    return count[inverse]


def _moved(rows: Rows, swap: Bools) -> Bools:
    """(N,) rows in the clean order that surely changed places, for swaps of row i (True) with the one after it.

    Where a row that stays in p was written between p -> q and q -> p, it may have come before the one or after
    the other; only that row is then sure to have moved.
    """
    moved = swap.copy()
    moved[1:] |= swap[:-1]
    p, q = rows.state, rows.next
    i = np.flatnonzero(
        (p[1:-1] == q[1:-1]) & (p[:-2] == p[1:-1]) & (q[2:] == p[1:-1]) & (q[:-2] == p[2:]) & (p[2:] != p[1:-1])
    )
    i = i[~rows.first[i + 1] & ~rows.first[i + 2]]
    taken = moved.copy()
    early, late = i[swap[i] & ~taken[i + 2]], i[swap[i + 1] & ~taken[i]]
    # in the clean order the middle row stands where its partner was written
    moved[early + 1] = False
    moved[late + 1] = False
    return moved
