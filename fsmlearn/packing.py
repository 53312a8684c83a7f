"""Packs a log into rows of integers that stand step by step, so that all traces can step together.

`extract` packs a log, `census` the parts of a long one; `evidence` and what builds on it run machines over the rows.

Letters: N rows, T steps of the longest trace, R traces, C labels (visible states; 1 where the log hides them), V cells
(label, trigger) that the log has, U symbols (label, trigger, answer) that the log has, O answers (what a row shows
after its trigger: next visible state and output). Symbols are sorted by cell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FEW = 20_000  # rows of a log that is searched thoroughly


@dataclass(frozen=True, eq=False)
class Rows:
    """A log packed step by step: the rows of step t are offsets[t]:offsets[t + 1], longest traces first.

    Traces that are equal are one, whose rows stand for those of all of them.
    """

    order: Ints  # (N,) row of the log behind each packed row
    offsets: Ints  # (T + 1,)
    label: Ints  # (N,) visible state before the row
    symbol: Ints  # (N,)
    following: Ints  # (N,) packed row that follows in the trace, -1 at its end
    preceding: Ints  # (N,) packed row before it in the trace, -1 at its start
    broken: Bools  # (N,) rows are lost before this one, so nothing is known of what led to it
    mended: Bools  # (N,) those of them that only the machine knows of; each has its price in the description length
    swapped: Bools  # (N,) rows that the log has after the one that follows here, as far as only the machine knows; too
    labels: int  # C
    answers: int  # O
    symbol_cell: Ints  # (U,)
    symbol_answer: Ints  # (U,), -1 where the log does not say what came
    cell_label: Ints  # (V,)
    cell_trigger: Ints  # (V,)
    answer_label: Ints  # (O,) visible state that an answer names, -1 where the log hides states
    weight: Ints  # (N,) rows of the log that each row stands for
    certain: bool  # a state gives one answer to a trigger, and whatever else comes is noise

    def __len__(self) -> int:
        return len(self.symbol)

    @property
    def symbols(self) -> int:
        return len(self.symbol_cell)

    @cached_property
    def begins(self) -> Ints:
        """(V,) the first of the symbols of each cell."""
        return np.searchsorted(self.symbol_cell, np.arange(len(self.cell_label)))

    @cached_property
    def total(self) -> int:
        """Rows of the log."""
        return int(self.weight.sum())

    @cached_property
    def repeats(self) -> bool:
        """Whether some row stands for several."""
        return self.total > len(self)

    @property
    def few(self) -> bool:
        """Whether there are so few rows that the log is searched thoroughly."""
        return len(self) <= FEW

    def counted(self, keys: Ints, which: Ints | slice = slice(None), kinds: int = 0) -> Ints:
        """(kinds or more,) how many rows of the log, of `which` (m,), have each key, keys (m,) being counted from 0."""
        weight = self.weight[which] if self.repeats else None
        return np.bincount(keys, weight, kinds).astype(np.int64)

    def tallied(self, keys: Ints, which: Ints | slice = slice(None)) -> tuple[Ints, Ints]:
        """The distinct keys of rows `which` (m,), ascending, and how many rows of the log have each."""
        if not self.repeats:
            return np.unique(keys, return_counts=True)
        distinct, index = np.unique(keys, return_inverse=True)
        return distinct, self.counted(index, which, len(distinct))

    @cached_property
    def linked(self) -> Ints:
        """The rows whose following row is known to follow: it stands in the log, and nothing is lost between."""
        inner = np.flatnonzero(self.following >= 0)
        return inner[~self.broken[self.following[inner]]]

    @cached_property
    def pairs(self) -> tuple[Ints, Ints, Ints]:
        """The rows (m,) that another follows, which pair of cells they are together with it (m,), and the pairs that
        there are, as numbers (P,), ascending. The cells are those that the log has there, whatever is exchanged."""
        one = np.flatnonzero(self.following >= 0)
        cell = self.symbol_cell[self.exchanged(self.swapped).symbol]
        both = cell[one] * len(self.cell_label) + cell[self.following[one]]
        known, pair = np.unique(both, return_inverse=True)
        return one, pair, known

    def out_of_order(self, swapped: Bools) -> tuple[Ints, Ints]:
        """(P + 1,) how many rows there are of each pair of cells, and how many of those are swapped, of rows (N,) that
        are; the last, of all other pairs, are none."""
        one, pair, known = self.pairs
        late = swapped[one]
        return self.counted(pair, one, len(known) + 1), self.counted(pair[late], one[late], len(known) + 1)

    @property
    def repairs(self) -> int:
        """Packed rows before which others are lost, or that are out of order, as far as only the machine knows."""
        return int(self.mended.sum() + self.swapped.sum())

    def exchanged(self, first: Bools) -> Rows:
        """The same where some rows (N,) have changed places with those that follow them."""
        order, symbol = self.order.copy(), self.symbol.copy()
        one = np.flatnonzero(first)
        other = self.following[one]
        for each in (order, symbol):
            each[one], each[other] = each[other], each[one]
        return replace(self, order=order, symbol=symbol, swapped=self.swapped ^ first)

    @property
    def first(self) -> slice:
        """The rows that begin a trace."""
        return slice(0, int(self.offsets[1]))

    @cached_property
    def begun(self) -> Ints:
        """Those of them of which it is known that nothing came before."""
        return np.flatnonzero(~self.broken[self.first])


def pack(
    label: Ints,
    trigger: Ints,
    answer: Ints,
    offsets: Ints,
    broken: Bools,
    *,
    labels: int,
    triggers: int,
    answer_label: Ints,
    certain: bool = False,
    copies: Ints | None = None,
) -> Rows:
    """Pack rows that stand trace by trace. label, trigger, answer, broken are (N,); offsets (R + 1,).

    Where a trace stands for several that are equal, `copies` (R,) says for how many.
    """
    answers = len(answer_label)
    key = (label.astype(np.int64) * triggers + trigger) * (answers + 1) + answer + 1
    distinct, symbol = np.unique(key, return_inverse=True)
    cells, symbol_cell = np.unique(distinct // (answers + 1), return_inverse=True)
    nothing = np.zeros(0, np.int64)
    alphabet = Rows(
        order=nothing,
        offsets=nothing,
        label=nothing,
        symbol=nothing,
        following=nothing,
        preceding=nothing,
        broken=nothing > 0,
        mended=nothing > 0,
        swapped=nothing > 0,
        labels=labels,
        answers=answers,
        symbol_cell=symbol_cell,
        symbol_answer=distinct % (answers + 1) - 1,
        cell_label=cells // triggers,
        cell_trigger=cells % triggers,
        answer_label=answer_label,
        weight=nothing,
        certain=certain,
    )
    return lined_up(
        alphabet, symbol, offsets, broken, np.ones(len(offsets) - 1, np.int64) if copies is None else copies
    )


def lined_up(alphabet: Rows, symbol: Ints, offsets: Ints, broken: Bools, copies: Ints) -> Rows:
    """Rows that stand trace by trace, given by symbols (N,) of other rows, step by step; `copies` (R,) says for how
    many traces each stands."""
    begins, length = offsets[:-1], np.diff(offsets)
    by_length = np.argsort(-length, kind="stable")
    falling = length[by_length]
    steps = np.arange(falling[0])
    sizes = np.searchsorted(-falling, -steps, side="left")
    ends = np.cumsum(sizes)
    begin = np.repeat(ends - sizes, sizes)
    step = np.repeat(steps, sizes)
    lane = np.arange(len(step)) - begin
    order = begins[by_length][lane] + step
    more = step + 1 < falling[lane]
    following = np.where(more, np.repeat(ends, sizes) + lane, -1)
    preceding = np.full(len(step), -1)
    preceding[following[more]] = np.flatnonzero(more)
    return replace(
        alphabet,
        order=order,
        offsets=np.concatenate([[0], ends]),
        label=alphabet.cell_label[alphabet.symbol_cell[symbol[order]]],
        symbol=symbol[order],
        following=following,
        preceding=preceding,
        broken=broken[order],
        mended=np.zeros(len(order), np.bool_),
        swapped=np.zeros(len(order), np.bool_),
        weight=copies[by_length][lane],
    )
