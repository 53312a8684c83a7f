"""Files in, one `Log` of integer arrays out; and a `Log` written as CSV again.

Words become integers here, once. Nothing is dropped in silence: what is odd about a file is counted and located in
`Log.oddities`, what cannot be read is refused with one line naming file, line and remedy. `records` checks the bytes,
`columns` reads the header, `cells` codes the words and `traces` orders the rows; all that is joined here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from fsmlearn.cells import Cells, narrow
from fsmlearn.columns import HEADERS, SYNONYMS, Layout, LogKind, quoted, read_header
from fsmlearn.errors import LogError
from fsmlearn.records import check_records, pieces, split_header
from fsmlearn.runs import Numerals, Runs
from fsmlearn.streams import STDIN, open_bytes, size_of
from fsmlearn.traces import (
    FILE,
    UNKNOWN,
    Codes,
    Oddities,
    Oddity,
    arrange,
    cut,
    drop_word,
    fill_empty,
    name_of_unknown,
    renumber,
    rises,
    where,
)

__all__ = ["SYNONYMS", "UNKNOWN", "Log", "LogKind", "Oddity", "Reading", "read", "reading", "write_rows"]

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
    steps: Runs  # (N,) as written, or counted where the log has no step column
    state: Codes  # (N,) index into states
    trigger: Codes  # (N,) index into triggers
    next_state: Codes  # (N,) index into states
    output: Codes  # (N,) index into outputs
    oddities: tuple[Oddity, ...] = ()
    unrecorded: int = UNKNOWN  # the state that stands for empty cells, if there are any

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
        return replace(
            self,
            traces=tuple(self.traces[r] for r in kept.tolist()),
            offsets=np.append(start, len(index)).astype(np.int64),
            places=Runs.of(self.places.at(index)),
            steps=Runs.of(self.steps.at(index)),
            state=self.state[index],
            trigger=self.trigger[index],
            next_state=self.next_state[index],
            output=self.output[index],
        )

    def select_traces(self, traces: NDArray[np.integer[Any]] | BoolArray) -> Log:
        """The log of some traces, given as indices or as an (R,) mask; they keep their order."""
        wanted = np.zeros(len(self.traces), np.bool_)
        wanted[traces] = True
        return self.select(wanted[self.trace])

    def fingerprint(self) -> str:
        """SHA-256 (hex) over words and coded rows: equal logs in other files, or on other lines, have the same."""
        words = [self.kind, self.states, self.triggers, self.outputs, list(self.traces)]
        digest = hashlib.sha256(json.dumps(words).encode())
        for column in (self.offsets, self.steps.starts, self.steps.values):
            digest.update(column.astype("<i8", copy=False).tobytes())
        for codes in (self.state, self.trigger, self.next_state, self.output):
            digest.update(narrow(codes, int(codes.max(initial=0)) + 1).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a log is read."""

    name: str  # of the file
    rows: int  # of all files so far
    bytes: int  # of this file so far
    size: int | None  # of this file in bytes, None where that is not known beforehand


def read(sources: Sequence[str | Path] | str | Path, *, columns: Mapping[str, str] | None = None) -> Log:
    """Read one or more files as one log; "-" is standard input, .gz, .bz2, .xz and .zst are decompressed.

    `columns` maps roles to headers where the headers' own names do not tell. Raises LogError, one line with
    file, line and remedy, for whatever cannot be read.
    """
    for value in reading(sources, columns=columns):
        log = value
    assert isinstance(log, Log)
    return log


def reading(
    sources: Sequence[str | Path] | str | Path, *, columns: Mapping[str, str] | None = None
) -> Generator[Reading | Log]:
    """As `read`, yielding again and again how far it is, and at last the log."""
    paths = [sources] if isinstance(sources, str | Path) else list(sources)
    if not paths:
        raise LogError("no log given; name at least one file, or - for standard input")
    files = tuple(STDIN if str(path) == "-" else str(path) for path in paths)
    np.empty(31 << 20, np.uint8)  # let go at once, which teaches malloc to keep what a block leaves for the next one
    cells = Cells()
    layouts: list[Layout] = []
    for number, (path, name) in enumerate(zip(paths, files, strict=True)):
        with open_bytes(path, name) as stream:
            stretches = pieces(stream, name)
            line, header, rest = split_header(stretches, name)
            layout = read_header(header.decode(), line, name, columns or {})
            check_records(header, line, layout.delimiter, len(layout.headers), name)
            layouts.append(layout)
            if (layout.kind, layout.position.keys()) != (layouts[0].kind, layouts[0].position.keys()):
                raise LogError(
                    f"{name}:{line}: the columns are {quoted(layout.position)}, but {files[0]} has "
                    f"{quoted(layouts[0].position)}; give logs with the same columns"
                )
            before, done, size = cells.rows, len(header), size_of(path, name)
            first = [(line + header.count(b"\n"), rest)] if rest else []
            for start, text in chain(first, stretches):
                block = check_records(text, start, layout.delimiter, len(layout.headers), name)
                cells.add(block, layout, number)
                done += len(text)
                yield Reading(name, cells.rows, done, size)
            if cells.rows == before:
                raise LogError(f"{name}:{line}: a header but no rows; give a log with at least one row")
    yield _assemble(cells, layouts[0], files)


def _assemble(cells: Cells, layout: Layout, files: tuple[str, ...]) -> Log:
    """Put the rows in order of trace and step, settle the empty states, and count what is odd."""
    size, places, steps, stretches = cells.rows, cells.places(), cells.steps(), cells.traces()
    names: Sequence[str]
    if stretches is None:
        begins = cut(places, steps)
        traces, names = np.arange(len(begins)), Numerals(Runs.count(1, len(begins)))
    else:
        begins, traces, names = stretches
    order, offsets, late = arrange(begins, traces, steps, size)
    oddities = Oddities(files, places)
    oddities.add("row out of order", late, "put in order of step")
    if order is not None:
        places, steps = Runs.of(places.at(order)), None if steps is None else Runs.of(steps.at(order))
        oddities.ordered(places)
    begins = offsets[:-1]
    uneven, rise = rises(begins, steps)
    # steps that mostly rise by more than one do not count rows
    counted = size - len(names) - len(uneven)
    numbered = 2 * counted >= counted + np.count_nonzero(rise > 0)
    gap = uneven[rise > 1] if numbered else uneven[:0]
    apart = np.append(begins, gap)  # rows that the row before does not lead to

    def column(role: str) -> Codes:
        codes = cells.column(role)
        if codes is None:
            return np.broadcast_to(np.int8(UNKNOWN), size)
        return codes if order is None else codes[order]

    state, next_state = column("state"), column("next_state")
    states: tuple[str, ...] = ()
    unrecorded = UNKNOWN
    if layout.kind == "visible":
        words = cells.words("state")
        name = name_of_unknown(words)
        if "" in words:
            empty = words.index("")
            filled, filled_next = fill_empty(empty, state, next_state, apart)
            oddities.add("empty current_state", filled, "filled with the next_state of the row before")
            oddities.add("empty next_state", filled_next, "filled with the current_state of the row after")
            # where neither is given nothing was recorded, and that is a visible state of its own
            nothing = f"read as the state {name}"
            oddities.add("unrecorded current_state", np.flatnonzero(state == empty), nothing)
            oddities.add("unrecorded next_state", np.flatnonzero(next_state == empty), nothing)
        broken = np.append(False, next_state[:-1] != state[1:])
        broken[apart] = False
        oddities.add("broken chain", np.flatnonzero(broken) - 1, "kept; next_state is not the next row's current_state")
        states, [state, next_state] = renumber([word or name for word in words], state, next_state)
        unrecorded = states.index(name) if name in states else UNKNOWN
    triggers, [trigger] = renumber(cells.words("trigger"), column("trigger"))
    outputs, [output] = renumber(cells.words("output"), column("output"))
    if layout.kind == "hidden" and "" in outputs:
        last = np.zeros(size, np.bool_)
        last[offsets[1:] - 1] = True
        if np.array_equal(output != outputs.index(""), last):
            outputs, output = drop_word(outputs, output, "")
            oddities.add(
                "unrecorded output",
                np.flatnonzero(~last),
                "the output at the end of a trace is taken to label all of it",
            )

    equal = uneven[rise == 0]
    repeated = np.ones(len(equal), np.bool_)
    for codes in (state, trigger, next_state, output):
        repeated &= codes[equal - 1] == codes[equal]
    oddities.add("repeated row", equal[repeated], "kept, in file order")
    oddities.add("duplicated step", equal[~repeated], "kept, in file order")
    oddities.add("gap in steps", gap, "kept; rows seem to be lost before it")
    if steps is None:
        steps = Runs(begins, np.zeros(len(begins), np.int64), size)
    return Log(
        kind=layout.kind,
        files=files,
        columns=layout.columns,
        states=states,
        triggers=triggers,
        outputs=outputs,
        traces=names,
        offsets=offsets,
        places=places,
        steps=steps,
        state=state,
        trigger=trigger,
        next_state=next_state,
        output=output,
        oddities=tuple(oddities.found),
        unrecorded=unrecorded,
    )


def write_rows(log: Log, stream: TextIO) -> None:
    """Write the rows of a log as CSV under canonical headers; what was empty in the log is empty again."""
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
    present = [role for role in roles if role in log.columns]
    traced = "trace" in log.columns or len(log.traces) > 1
    stream.write(",".join(["trace"] * traced + ["step"] + [HEADERS[role] for role in present]) + "\n")
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
        rows = zip((trace - trace[0]).tolist(), log.steps.part(start, stop).tolist(), kind.tolist(), strict=True)
        stream.write("".join([f"{heads[r]}{step},{tails[k]}" for r, step, k in rows]))


def _quote(word: str) -> str:
    return '"' + word.replace('"', '""') + '"' if any(c in word for c in ',"\r\n') else word
