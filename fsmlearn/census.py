"""A machine over all parts of a log, of which it was extracted from an excerpt: how often each transition is taken, how
well the log bears it out, and what in the log the excerpt does not show.

A state is one only if what follows does not depend on how it was entered. Whether it does is seen in the counts of
transitions that follow each other: where those after one way into a state differ so much from the others that a state
of their own would shorten the description of the log, more traces with that way are wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fsmlearn import evidence, mending
from fsmlearn.alike import COLUMNS, Distinct, bare, distinct
from fsmlearn.evidence import Fit, Singles, answer_cost, said
from fsmlearn.extract import Extraction, Ways, machine, names
from fsmlearn.growth import Walk
from fsmlearn.histories import Answer, Histories
from fsmlearn.logs import Log
from fsmlearn.mending import Breaks
from fsmlearn.misfits import Answers, Wrong, asked
from fsmlearn.packing import Ints, Rows, lined_up
from fsmlearn.standing import ALIKE, Standing, leading
from fsmlearn.support import Votes, votes

PART = 1 << 18  # rows that are walked through in one go
RARE = 1e-3  # share of a state's answers to a trigger below which a way may be noise that was not told from the rest
MOST = 250  # traces that are wanted of a way
MARGIN = 2  # times the traces that a state of their own would just pay for


@dataclass(frozen=True, eq=False)
class Walker:
    """A machine of k states, and the U symbols of the excerpt, which has all that the log has."""

    excerpt: Rows
    now: Standing
    leads: Ints  # (k, U) the symbol whose target each symbol has
    usual: Singles  # (k,) by which of states that explain what follows alike the commonest is told
    answers: tuple[Answer, ...]
    breaks: Breaks | None  # where rows are lost as far as only the machine knows of it

    @classmethod
    def of(cls, found: Extraction, answers: tuple[Answer, ...]) -> Walker:
        """The machine that was extracted from an excerpt with these answers."""
        rows, now = found.rows, found.standing
        usual = (ALIKE * now.fit.counts.sum(1) / rows.total).astype(np.float32)
        breaks = mending.breaks(rows, now) if rows.repairs else None
        return cls(rows, now, leading(rows, now.fit), usual, answers, breaks)

    def walk(self, traces: Distinct) -> Iterator[tuple[Rows, Ints, Ints]]:
        """Some of distinct traces at a time, the longest first: their rows, packed; of each its place among all of them
        and the state before it, (n,)."""
        log, copies, symbol, now = traces.log, traces.copies, self._symbols(traces), self.now
        length = np.diff(log.offsets)
        order = np.argsort(-length, kind="stable")
        ends = np.cumsum(length[order])
        for some in np.split(order, np.searchsorted(ends, np.arange(PART, len(log), PART))):
            offsets = np.append(0, np.cumsum(length[some]))
            row = np.arange(offsets[-1]) + np.repeat(log.offsets[some] - offsets[:-1], length[some])
            if not len(row):
                continue
            rows = lined_up(self.excerpt, symbol[row], offsets, traces.gap[row], copies[some])
            found = None
            if self.breaks is not None:
                rows, found = mending.mended_by(rows, now, self.breaks)
            if found is None:
                ahead = evidence.futures(rows, now.table, now.fit.likelihood)
                found = (ahead + self.usual).argmax(1)
            yield rows, row[rows.order], evidence.run(rows, now.table, found)

    def _symbols(self, traces: Distinct) -> Ints:
        """(n,) the symbol of each row of distinct traces."""
        log, said = traces.log, traces.coded
        distinct, kind = said.distinct
        state, trigger, after, output = said.parts(distinct)
        code = {answer: n for n, answer in enumerate(self.answers)}
        known = self.excerpt
        cell = known.cell_label[known.symbol_cell], known.cell_trigger[known.symbol_cell]
        number = {each: u for u, each in enumerate(zip(*cell, known.symbol_answer, strict=True))}
        symbols = [
            number[
                q if log.states else 0,
                a,
                code.get((n if n < len(log.states) else -1, o if o < len(log.outputs) else -1), -1),
            ]
            for q, a, n, o in zip(*(each.tolist() for each in (state, trigger, after, output)), strict=True)
        ]
        return np.array(symbols, np.int64)[kind]

    def cut(self, traces: Distinct) -> tuple[Distinct, Ints]:
        """(distinct pieces of distinct traces, (k, U) rows that begin a piece and end another one).

        Where the log shows a state that the machine has once, nothing that came before matters. Pieces from one such
        row to the next repeat themselves far more often than whole traces.
        """
        log, said, label = traces.log, traces.coded, self.now.table.label
        twice = np.zeros(self.leads.size, np.int64)
        if self.breaks is not None or not log.states:
            return traces, twice.reshape(self.leads.shape)
        once = np.bincount(label, minlength=said.states) == 1
        apart = traces.gap.copy()
        apart[1:] |= once[said.state[1:]] & (said.next[:-1] == said.state[1:])
        apart[log.offsets[:-1]] = True
        begins = np.flatnonzero(apart)
        ends = np.append(begins[1:], len(log))
        trace = np.searchsorted(log.offsets, begins, "right") - 1
        shared = (ends < log.offsets[trace + 1]) & ~np.append(traces.gap, True)[ends]
        length = ends + shared - begins
        offsets = np.append(0, np.cumsum(length))
        row = np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], length)
        found = distinct(bare(log, [getattr(log, name)[row] for name in COLUMNS], offsets), traces.gap[row])
        copies = traces.copies[trace]
        state = np.zeros(said.states, np.int64)
        state[label] = np.arange(len(label))
        again = ends[shared]
        key = state[said.state[again]] * self.excerpt.symbols + self._symbols(traces)[again]
        twice += np.bincount(key, copies[shared], len(twice)).astype(np.int64)
        return replace(found, like=np.repeat(found.like, copies)), twice.reshape(self.leads.shape)

    def entered(self, rows: Rows, states: Ints) -> tuple[Ints, Ints]:
        """(rows (n,) before which the machine is known to have moved, (n,) way by which it came: state and symbol)."""
        after = rows.following[rows.linked]
        before = rows.preceding[after]
        came = self.now.table.target[states[before], rows.symbol[before]] == states[after]
        return after[came], (states * rows.symbols + rows.symbol)[before[came]]


@dataclass(frozen=True, eq=False)
class Census:
    """What a machine comes to over a log; those of parts of a log can be added."""

    counts: Ints  # (k, U) rows by state and symbol
    votes: Votes
    moves: Ints  # (m,) a way into a state, times U, and the symbol that came next; ascending
    times: Ints  # (m,) how often
    broken: int  # places where rows are lost as far as only the machine knows of them

    def __add__(self, other: Census) -> Census:
        moves, index = np.unique(np.append(self.moves, other.moves), return_inverse=True)
        times = np.bincount(index, np.append(self.times, other.times)).astype(np.int64)
        counts, cast = self.counts + other.counts, self.votes + other.votes
        return Census(counts, cast, moves, times, self.broken + other.broken)


def census(walker: Walker, traces: Distinct) -> Census | None:
    """Of a part of a log; None where it has no rows."""
    found, size = None, walker.leads.size
    pieces, twice = walker.cut(traces)
    for rows, _, states in walker.walk(pieces):
        counts = rows.counted(states * rows.symbols + rows.symbol, kinds=size)
        after, way = walker.entered(rows, states)
        ways = np.flatnonzero(np.bincount(way, minlength=size))
        number = np.zeros(size, np.int64)
        number[ways] = np.arange(len(ways))
        times = rows.counted(number[way] * rows.symbols + rows.symbol[after], after, len(ways) * rows.symbols)
        moves = np.flatnonzero(times)
        times, moves = times[moves], ways[moves // rows.symbols] * rows.symbols + moves % rows.symbols
        cast = votes(rows, walker.now, states, walker.leads)
        broken = int(rows.weight[rows.mended].sum())
        part = Census(counts.reshape(walker.leads.shape), cast, moves, times, broken)
        found = part if found is None else found + part
    return found and replace(found, counts=found.counts - twice)


def recounted(found: Extraction, whole: Census) -> Extraction:
    """An extraction from an excerpt whose table stands with the counts of the whole log."""
    rows, now = found.rows, found.standing
    return replace(found, standing=replace(now, fit=evidence.counted(rows, now.table, now.fit.states, whole.counts)))


def retold(found: Extraction, log: Log, data: Histories) -> Extraction:
    """The same with the machine that its table says now, given the excerpt with its histories."""
    learned = machine(log, data, found.rows, found.standing)
    return replace(found, machine=learned, names=names(log, data, found.rows, found.standing, learned))


def doubts(walker: Walker, fit: Fit, found: Census) -> tuple[Ints, Ints]:
    """((w,) ways into states, ascending, that should lead to states of their own, as far as a look one row ahead tells;
    (w,) how many traces with each would tell, MOST at most).

    What the rows after a way gain by shares of their own, G / 2 nats (Woolf 1957), is set against what a state costs.
    """
    rows, table = walker.excerpt, walker.now.table
    k, symbols, cells = len(table), rows.symbols, len(rows.cell_label)
    way, symbol = np.divmod(found.moves, symbols)
    known = rows.symbol_answer[symbol] >= 0
    way, symbol, times = way[known], symbol[known], found.times[known]
    state = table.target.ravel()[way]
    _, index = np.unique(way * cells + rows.symbol_cell[symbol], return_inverse=True)
    of = np.bincount(index, times)[index]
    total = np.add.reduceat(said(rows, fit.counts), rows.begins, axis=1)
    share = fit.counts[state, symbol] / total[state, rows.symbol_cell[symbol]]
    ways, index = np.unique(way, return_inverse=True)
    gain = np.bincount(index, times * np.log(times / of / share))
    target_cost = answer_cost(rows, k)
    answers = np.bincount(index, 0.5 * np.log(of)) + target_cost * np.bincount(index)
    cost = np.log(max(k, 2)) + answers
    came = np.bincount(index, times)
    from_state, by = np.divmod(ways, symbols)
    usual = fit.counts[from_state, by] > RARE * total[from_state, rows.symbol_cell[by]]
    doubted = np.flatnonzero(usual & (gain > cost))
    wanted = np.ceil(MARGIN * cost[doubted] * came[doubted] / gain[doubted])
    return ways[doubted], np.minimum(wanted, MOST).astype(np.int64)


def entering(walker: Walker, ways: Ints, many: Ints, traces: Distinct) -> tuple[Ints, Ints, Ints]:
    """The distinct traces with some of these ways (w,) into states, of each of which so many are wanted (w,), as an
    `Excerpt` takes them."""
    found: list[NDArray[np.int64]] = [np.zeros((2, 0), np.int64)]
    trace = np.repeat(np.arange(len(traces.log.traces)), np.diff(traces.log.offsets))
    for rows, row, states in walker.walk(traces):
        after, way = walker.entered(rows, states)
        key = np.searchsorted(ways, way)
        wanted = np.append(ways, -1)[key] == way
        found.append(np.stack([trace[row[after[wanted]]], key[wanted]]))
    having, key = np.concatenate(found, 1)
    return having, key, many


def walks(walker: Walker, ways: Ways, traces: Distinct) -> list[Walk]:
    """The traces of a part of a log as a machine with these ways explains them."""
    return [walk for rows, _, states in walker.walk(traces) for walk in ways.walks(rows, states)]


def answers(walker: Walker, kinds: Wrong, traces: Distinct) -> Answers:
    """What the machine makes of the rows of a part of a log that hides its states."""
    return asked(traces.log, kinds, walker.walk(traces))
