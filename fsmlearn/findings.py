"""The reasons of the filter: for each row that was not believed, what was done to it and why, in the words of the log.

Takes what was decided about each row, and decides nothing itself, except which of two swapped rows to name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args, overload

import numpy as np
from numpy.typing import NDArray

from fsmlearn.logs import Log
from fsmlearn.rows import CURRENT, NEXT, OUTPUT, STRAY, TRIGGER, Bools, Codes, Ints, Rows, Tally, find
from fsmlearn.runs import among, united

Action = Literal["dropped", "repaired"]
Kind = Literal["label", "spurious", "swap", "output"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Reason = tuple[str, str | None]  # and the state of the machine before the row, where the log hides it
LABEL, SPURIOUS, SWAP, WRONG_OUTPUT = range(len(KINDS))


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that was not believed as it stood."""

    row: int  # index into the log as read
    action: Action
    kind: Kind
    reason: str  # one sentence in the words of the log
    state: str | None = None  # of the machine, before the row, where the log hides it


class Findings(Sequence[Finding]):
    """F findings, ordered by row: all there is to count as arrays, and each in words only when somebody asks for it."""

    def __init__(self, row: Ints, dropped: Bools, kind: Codes, told: Callable[[slice], list[Reason]]) -> None:
        self.row = row  # (F,)
        self.dropped = dropped  # (F,) True where the row is dropped, not repaired
        self.kind = kind  # (F,) index into KINDS
        self._told = told  # the reasons of some of them

    def __len__(self) -> int:
        return len(self.row)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        if not isinstance(index, slice):
            at = range(len(self))[index]
            return self[at : at + 1][0]
        columns = (self.row[index].tolist(), self.dropped[index].tolist(), self.kind[index].tolist(), self._told(index))
        return tuple(
            Finding(row, "dropped" if dropped else "repaired", KINDS[kind], *reason)
            for row, dropped, kind, reason in zip(*columns, strict=True)
        )

    def __iter__(self) -> Iterator[Finding]:
        for start in range(0, len(self), 4096):
            yield from self[start : start + 4096]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return id(self)


def nothing() -> Findings:
    """No finding."""
    none = np.zeros(0, np.int64)
    return Findings(none, none > 0, none, _nobody)


def _nobody(_: slice) -> list[Reason]:
    return []


@dataclass(frozen=True, eq=False)
class Decisions:
    """What was decided about each of N rows, in the clean order (swapped rows back in their places)."""

    swapped: Ints  # rows that were read after the next one
    chain: Codes  # (N,) what the row is by the chain: TRUE, STRAY, NEXT or CURRENT
    counts: Codes  # (N,) and by the counts, of what the chain leaves: TRUE, STRAY, OUTPUT, TRIGGER or NEXT
    doubted: Ints  # rows that are something else than TRUE, ascending
    gone: Ints  # rows that are dropped, ascending
    fixed: Rows  # (N,) true words
    stray: float  # rate of stray rows that say that the state stays


def findings(log: Log, read: Rows, decided: Decisions, tally: Tally) -> Findings:
    """A finding for each row that is not in the clean log as it was read, at its place; `tally` is that of the rows as
    read, of all parts of the log."""
    moved = np.zeros(len(read), np.bool_)
    surely = _moved(read, decided.swapped)
    moved[surely] = True
    at = united(surely, united(decided.doubted, decided.gone))  # clean order
    row = at.copy()
    for one, other in (decided.swapped, decided.swapped + 1), (decided.swapped + 1, decided.swapped):
        place = find(at, one)
        row[place[place < len(at)]] = other[place < len(at)]
    by_row = np.argsort(row)
    at, row = at[by_row], row[by_row]
    dropped = among(at, decided.gone)
    stray = (decided.chain[at] == STRAY) | (decided.counts[at] == STRAY)
    kind = np.where(stray, SPURIOUS, np.where(moved[at], SWAP, LABEL)).astype(np.int8)
    tallies = _tallies(read, row, tally)
    words = _Words((*log.states, "(empty)"), log.triggers, (*log.outputs, "(empty)"), bool(log.outputs), decided.stray)

    def codes(rows: Rows, at: Ints) -> list[Codes]:
        return [rows.state[at], rows.trigger[at], rows.next[at], rows.output[at]]

    facts = np.stack(
        [
            *(*codes(read, row), *codes(decided.fixed, at), *tallies, decided.chain[at], decided.counts[at]),
            *(dropped, moved[at], moved[row], row < at, read.first[at], read.last[at]),
        ],
        dtype=np.int32,
        casting="same_kind",
    )  # (19, F) of the findings alone, so that nothing of the whole log is held
    return Findings(row, dropped, kind, _Reasons(words, facts))


def _tallies(rows: Rows, at: Ints, tally: Tally) -> tuple[Ints, Ints, Ints]:
    """How often what the rows `at` say comes in the log: the transition; its (state, trigger); these and next state."""
    found, kind = rows.distinct
    same, everywhere = tally.all, find(tally.transition, found)
    cell = np.unique(tally.transition // (rows.states * rows.outputs), return_inverse=True)[1]
    arc = np.unique(tally.transition // rows.outputs, return_inverse=True)[1]
    totals = (same, *(np.bincount(group, same)[group].astype(np.int64) for group in (cell, arc)))
    return tuple(total[everywhere[kind[at]]] for total in totals)  # type: ignore[return-value]


class _Reasons:
    """The reasons of findings by the facts (19, F) that they are made of; many are the same."""

    def __init__(self, words: _Words, facts: NDArray[np.int32]) -> None:
        self._words, self._facts = words, facts
        self._known: dict[tuple[int, ...], Reason] = {}

    def __call__(self, some: slice) -> list[Reason]:
        found = list(map(tuple, self._facts[:, some].T.tolist()))
        for each in set(found) - self._known.keys():
            self._known[each] = _reason(self._words, each[:4], each[4:8], each[8:11], *each[11:]), None
        return [self._known[each] for each in found]


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of the log by their codes, and what else its reasons need."""

    states: tuple[str, ...]
    triggers: tuple[str, ...]
    outputs: tuple[str, ...]
    shown: bool  # the log has outputs
    stray: float


def _reason(
    words: _Words,
    said: tuple[int, ...],
    fixed: tuple[int, ...],
    tallies: tuple[int, ...],
    by_chain: int,
    by_counts: int,
    dropped: int,
    moved: int,
    partner_moved: int,
    early: int,
    first: int,
    last: int,
) -> str:
    """Why a row that said this (state, trigger, next state, output) is not believed."""
    (p, x, q, o), (true_p, true_x, true_q, true_o) = (
        (words.states[p], words.triggers[x], words.states[q], words.outputs[o]) for p, x, q, o in (said, fixed)
    )
    same, in_cell, in_arc = tallies
    share = f"{same} of {in_cell} rows"
    led = f"{p} + {x} led to {q} in {in_arc} of {in_cell} rows"
    with_output = f" with output {o}" if words.shown else ""
    reasons = []
    if moved:
        side = "the row after it" if early else "the row before it"
        partner = side if partner_moved else "one of its neighbours"
        reasons.append(f"changed places with {partner}: only so do the states follow one another")
    if by_chain == NEXT:
        how = "this is the last row of its trace" if last else f"the next row goes on from {true_q}"
        reasons.append(f"next state {q} -> {true_q}: {how}, and {led}")
    elif by_chain == CURRENT:
        how = f"traces begin in {true_p}" if first else f"the row before led to {true_p}"
        reasons.append(f"current state {p} -> {true_p}: {how}, and {led}")
    if by_chain == STRAY and p != q:
        reasons.append(f"the next row goes on from {p} as if this one were not there, and {led}")
    elif STRAY in (by_chain, by_counts):
        often = f"as often as stray rows would ({words.stray:.2%})"
        reasons.append(f"{p} + {x} changed nothing{with_output} in {share}, {often}")
    elif by_counts == OUTPUT:
        change = "output unknown" if dropped else f"output {o} -> {true_o}"
        reasons.append(f"{change}: {p} + {x} gave {o} in {share}")
    elif by_counts == TRIGGER:
        change = "trigger unknown" if dropped else f"trigger {x} -> {true_x}"
        reasons.append(f"{change}: {p} + {x} led to {q}{with_output} in {share}, and another trigger does that")
    elif by_counts == NEXT:
        change = "next state unknown" if dropped else f"next state {q} -> {true_q}"
        reasons.append(f"{change}: {led}, and no row after it confirms it")
    return "; ".join(reasons)


def _moved(rows: Rows, swapped: Ints) -> Ints:
    """Rows in the clean order that surely changed places, for swaps of rows `swapped` with the ones after them.

    Where a row that stays in p was written between p -> q and q -> p, it may have come before the one or after
    the other; only that row is then sure to have moved.
    """
    taken = united(swapped, swapped + 1)
    i = united(swapped - 1, swapped)
    i = i[(i >= 0) & (i < len(rows) - 2)]
    p, q = (column[i[:, None] + np.arange(3)].T for column in (rows.state, rows.next))
    i = i[(p[1] == q[1]) & (p[0] == p[1]) & (q[2] == p[1]) & (q[0] == p[2]) & (p[2] != p[1])]
    i = i[~rows.first[i + 1] & ~rows.first[i + 2]]
    early = i[among(i, swapped) & ~among(i + 2, taken)]
    late = i[among(i + 1, swapped) & ~among(i, taken)]
    # in the clean order the middle row stands where its partner was written
    return taken[~(among(taken, early + 1) | among(taken, late + 1))]
