"""The log as arrays of integers, whatever it was read from; and written as CSV again. Knows no files.

A log may be in several parts (`Whole`), which are logs of some traces each, with the words of all, and lie wherever a
`Spread` keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from fsmlearn import steps as numbering
from fsmlearn.columns import HEADERS, Clock, LogKind
from fsmlearn.fingerprint import NO_MARKS, Marks, marks
from fsmlearn.runs import Runs, chosen
from fsmlearn.spread import HERE, Handle, Spread
from fsmlearn.traces import FILE, UNKNOWN, Codes, Oddity, where
from fsmlearn.variables import Grid

IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Log:
    """Rows of one or more log files, ordered by trace and by step inside a trace.

    Letters: N rows, R traces, S visible states, A triggers, O outputs. Trace r is the rows
    offsets[r]:offsets[r + 1]. Columns that the log does not have hold UNKNOWN throughout. Words are in order
    of first appearance, and codes in the smallest type that holds them: widen them before you count with them. Lines
    and steps are kept as runs. The events of a sequence log are its triggers; an empty output is the word "", but
    UNKNOWN in a hidden log where every trace has an output in its last row and in no other.
    """

    kind: LogKind
    files: tuple[str, ...]
    columns: Mapping[str, str]  # role ("trace", "step", "state", "trigger", "next_state", "output", "event") -> header
    states: tuple[str, ...]  # (S,)
    triggers: tuple[str, ...]  # (A,)
    outputs: tuple[str, ...]  # (O,), () where the log has no output column
    traces: Sequence[str]  # (R,) names
    offsets: NDArray[np.int64]  # (R + 1,)
    places: Runs  # (N,) file and line as one number
    steps: Runs  # (N,) as written, times in microseconds; 0, 1, … where the log has no column for them
    state: Codes  # (N,) index into states
    trigger: Codes  # (N,) index into triggers
    next_state: Codes  # (N,) index into states
    output: Codes  # (N,) index into outputs
    oddities: tuple[Oddity, ...] = ()
    unrecorded: int = UNKNOWN  # the state that stands for empty cells, if there are any
    guessed: tuple[str, ...] = ()  # roles whose headers do not say so themselves
    clock: Clock = ""  # what the steps are where they are times
    grid: Grid | None = None  # of a log of variables
    opens: bool = True  # False in a part whose first trace goes on from the part before
    closes: bool = True  # False in a part whose last trace goes on in the next one

    def __len__(self) -> int:
        return len(self.trigger)

    @cached_property
    def trace(self) -> IntArray:
        """(N,) index into traces of every row."""
        return np.repeat(np.arange(len(self.traces), dtype=np.int32), np.diff(self.offsets))

    @cached_property
    def file(self) -> IntArray:
        """(N,) index into files of every row."""
        return (self.places.array() >> FILE).astype(np.int32)

    @cached_property
    def line(self) -> IntArray:
        """(N,) line of every row in its file, the header being line 1."""
        return (self.places.array() & ((1 << FILE) - 1)).astype(np.int32)

    @cached_property
    def step(self) -> NDArray[np.int64]:
        """(N,) step of every row."""
        return self.steps.array()

    def where(self, row: int) -> str:
        """The place of a row as "file:line"."""
        return self.places_of(np.array([row]))[0]

    def places_of(self, rows: NDArray[np.integer[Any]]) -> list[str]:
        """The places of many rows."""
        return [where(self.files, number) for number in self.places.at(rows).tolist()]

    def select(self, rows: NDArray[np.integer[Any]] | BoolArray) -> Log:
        """The log of some rows, given as indices or as an (N,) mask; it keeps all words, and the traces with rows left.

        Rows may change places inside a trace; ValueError where they would leave it.
        """
        index: NDArray[np.integer[Any]] = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64)
        trace = self.trace[index]
        if len(trace) and np.diff(trace).min(initial=0) < 0:
            raise ValueError("rows must be given trace by trace")
        kept, start = np.unique(trace, return_index=True)
        return self._taken(index, kept, np.append(start, len(index)).astype(np.int64))

    def _taken(self, index: NDArray[np.integer[Any]], kept: NDArray[np.intp], offsets: NDArray[np.int64]) -> Log:
        """The log of some rows, which are of these traces, and where each of them begins then."""
        return replace(
            self,
            traces=chosen(self.traces, kept),
            offsets=offsets,
            places=Runs.of(self.places.at(index)),
            steps=Runs.of(self.steps.at(index)),
            state=self.state[index],
            trigger=self.trigger[index],
            next_state=self.next_state[index],
            output=self.output[index],
        )

    def select_traces(self, traces: NDArray[np.integer[Any]] | BoolArray) -> Log:
        """The log of some traces, given as indices or as an (R,) mask; they keep their order."""
        length = np.diff(self.offsets)
        wanted = np.zeros(len(self.traces), np.bool_)
        wanted[traces] = True
        kept = np.flatnonzero(wanted & (length > 0))
        offsets = np.append(0, np.cumsum(length[kept]))
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][kept] - offsets[:-1], length[kept])
        return self._taken(rows, kept, offsets)

    def fingerprint(self) -> str:
        """128 bits (hex) of words and coded rows: equal logs in other files, or on other lines, have the same."""
        return self.marks(0, 0).digest(self.kind, (self.states, self.triggers, self.outputs))

    def marks(self, rows: int, traces: int) -> Marks:
        """What the fingerprint is made of, of a part of a log before which so many rows and traces come."""
        columns = (self.state, self.trigger, self.next_state, self.output)
        return marks(columns, self.steps, self.offsets, self.traces, rows, traces)


@dataclass(frozen=True, eq=False)
class Whole:
    """A log in parts, which lie where a spread keeps them, and what they have in common."""

    spread: Spread
    parts: list[Handle]  # `Log`s of consecutive traces, each with all the words
    kind: LogKind
    files: tuple[str, ...]
    columns: Mapping[str, str]
    states: tuple[str, ...]
    triggers: tuple[str, ...]
    outputs: tuple[str, ...]
    oddities: tuple[Oddity, ...]
    rows: tuple[int, ...]  # of each part
    traces: tuple[int, ...]  # of each part
    guessed: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(self.rows)

    @property
    def log(self) -> Log:
        """The log, if it is in one part."""
        [log] = self.spread.bring(self.parts)
        assert isinstance(log, Log)
        return replace(log, oddities=self.oddities)

    def before(self) -> tuple[list[int], list[int]]:
        """Rows and traces that come before each part."""
        rows, traces = (np.cumsum([0, *counts])[:-1].tolist() for counts in (self.rows, self.traces))
        return rows, traces

    def fingerprint(self) -> str:
        """That of the log."""
        found: list[Marks] = list(self.spread.bring(self.spread.map(Log.marks, self.parts, *self.before())))
        return sum(found, NO_MARKS).digest(self.kind, (self.states, self.triggers, self.outputs))


def alone(log: Log) -> Whole:
    """A log that is here as the only part of itself."""
    words = (log.states, log.triggers, log.outputs)
    sizes = ((len(log),), (len(log.traces),))
    return Whole(HERE, [log], log.kind, log.files, log.columns, *words, log.oddities, *sizes, log.guessed)


def write_rows(log: Log, stream: TextIO) -> None:
    """Write the rows of a log as CSV under canonical headers; what was empty in the log is empty again.

    Of a log of variables these are its moves, from one visible state to another.
    """
    for text in written(log, traced="trace" in log.columns or len(log.traces) > 1):
        stream.write(text)


def written(log: Log, headed: bool = True, *, traced: bool) -> Iterator[str]:
    """The rows of a log, or of a part of it, as CSV, some at a time; with a header and a column of traces if wanted."""
    roles = ("event",) if log.kind == "sequence" else ("state", "trigger", "next_state", "output")
    states = list(log.states)
    if log.unrecorded != UNKNOWN:
        states[log.unrecorded] = ""
    table = {
        "state": (states, log.state),
        "trigger": (log.triggers, log.trigger),
        "event": (log.triggers, log.trigger),
        "next_state": (states, log.next_state),
        "output": ((*log.outputs, ""), log.output),  # UNKNOWN, -1, is the last
    }
    present = [role for role in roles if role in log.columns or (log.grid is not None and role != "output")]
    if headed:
        step = "time" if log.clock else "step"
        yield ",".join(["trace"] * traced + [step] + [HEADERS[role] for role in present]) + "\n"
    for start in range(0, len(log), 100_000):
        part = slice(start, start + 100_000)
        # Logs have few distinct rows beside trace and step, so the words of each are joined only once.
        kind = np.zeros(len(log.trigger[part]), np.int64)
        for role in present:
            words, codes = table[role]
            _, sample, kind = np.unique(kind * len(words) + codes[part], return_index=True, return_inverse=True)
        cells = [[_quote(table[role][0][code]) for code in table[role][1][part][sample].tolist()] for role in present]
        tails = [",".join(row) + "\n" for row in zip(*cells, strict=True)]
        stop = start + len(kind)
        trace = np.searchsorted(log.offsets, np.arange(start, stop), "right") - 1
        heads = [_quote(name) + "," for name in log.traces[trace[0] : trace[-1] + 1]]
        if not traced:
            heads = [""] * len(heads)
        steps = numbering.shown(log.steps.part(start, stop), log.clock)
        rows = zip((trace - trace[0]).tolist(), steps, kind.tolist(), strict=True)
        yield "".join([f"{heads[r]}{step},{tails[k]}" for r, step, k in rows])


def _quote(word: str) -> str:
    return '"' + word.replace('"', '""') + '"' if any(c in word for c in ',"\r\n') else word
