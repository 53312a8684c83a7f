"""Files in, one `Log` of integer arrays out; and a `Log` written as CSV again.

Words become integers here, once. Nothing is dropped in silence: what is odd about a file is counted and located in
`Log.oddities`, what cannot be read is refused with one line naming file, line and remedy. `records` checks the bytes,
`columns` reads the header, `cells` codes the words and `parts` orders the rows; all that is joined here.

A log may be read in several parts, which are logs of some traces each, with the words of all: `gathering` reads a log
so that its parts lie wherever a `Spread` keeps them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from fsmlearn import parts as stages
from fsmlearn.cells import Cells, Raw
from fsmlearn.columns import HEADERS, SYNONYMS, Layout, LogKind, quoted, read_header
from fsmlearn.errors import LogError
from fsmlearn.fingerprint import NO_MARKS, Marks, marks
from fsmlearn.parts import Settled, Words, recoded
from fsmlearn.records import STDIN, check_records, open_bytes, pieces, size_of, split_header
from fsmlearn.runs import Numerals, Runs
from fsmlearn.spread import HERE, Handle, Spread, told
from fsmlearn.traces import FILE, UNKNOWN, Codes, Oddity, where

__all__ = [
    "SYNONYMS",
    "UNKNOWN",
    "Log",
    "LogKind",
    "Oddity",
    "Reading",
    "Whole",
    "alone",
    "gathering",
    "read",
    "reading",
    "write_rows",
    "written",
]

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
        """128 bits (hex) of words and coded rows: equal logs in other files, or on other lines, have the same."""
        return self.marks(0, 0).digest(self.kind, (self.states, self.triggers, self.outputs))

    def marks(self, rows: int, traces: int) -> Marks:
        """What the fingerprint is made of, of a part of a log before which so many rows and traces come."""
        columns = (self.state, self.trigger, self.next_state, self.output)
        return marks(columns, self.steps, self.offsets, self.traces, rows, traces)


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a log is read."""

    name: str  # of the file
    rows: int  # of all files so far
    bytes: int  # of this file so far
    size: int | None  # of this file in bytes, None where that is not known beforehand

    def after(self, rows: int) -> Reading:
        """The same where there are as many rows by then."""
        return replace(self, rows=rows)


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
    return Whole(HERE, [log], log.kind, log.files, log.columns, *words, log.oddities, (len(log),), (len(log.traces),))


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
    for value in gathering(sources, columns=columns):
        yield value.log if isinstance(value, Whole) else value


def gathering(
    sources: Sequence[str | Path] | str | Path, *, columns: Mapping[str, str] | None = None, spread: Spread = HERE
) -> Generator[Reading | Whole]:
    """As `reading`, the parts of the log being left where the spread reads them."""
    paths = [sources] if isinstance(sources, str | Path) else list(sources)
    if not paths:
        raise LogError("no log given; name at least one file, or - for standard input")
    files = tuple(STDIN if str(path) == "-" else str(path) for path in paths)
    groups = spread.divide(files)
    begins = np.cumsum([0, *map(len, groups)])[:-1].tolist()
    given = [dict(columns or {})] * len(groups)
    first: list[tuple[str, Layout] | None] = [None]
    if len(groups) > 1:  # all are to have the columns of the first file, whoever reads them
        [layout] = spread.bring(spread.map(_layout, [(spread.place(files[0]), files[0])], given[:1]))
        first = [(files[0], layout)] * len(groups)
    named = [[(spread.place(file), file) for file in group] for group in groups]
    for most in (spread.most, None):
        try:
            raws = yield from spread.read(_rows, named, begins, given, first, [most] * len(groups))
            yield _assembled(spread, raws, files)
            return
        except stages.UnorderedError:
            raws = []


Source = tuple[str, str]  # where a file is, and what it is called


def _layout(file: Source, columns: Mapping[str, str]) -> Layout:
    """What the columns of a file are."""
    with open_bytes(*file) as stream:
        line, header, _ = split_header(pieces(stream, file[1]), file[1])
    return read_header(header.decode(), line, file[1], columns)


def _rows(
    files: Sequence[Source],
    number: int,
    columns: Mapping[str, str],
    first: tuple[str, Layout] | None,
    most: int | None,
) -> Generator[Reading | Raw]:
    """Read some files, the first of which has this number in the log, as one part, or as several of about `most` rows.

    `first` are name and layout of the log's first file, None where that is the first of these.
    """
    np.empty(31 << 20, np.uint8)  # let go at once, which teaches malloc to keep what a block leaves for the next one
    cells, closed, full, parted = Cells(), stages.Closed(), most, 0
    for file, (path, name) in enumerate(files, number):
        with open_bytes(path, name) as stream:
            stretches = pieces(stream, name)
            line, header, rest = split_header(stretches, name)
            layout = read_header(header.decode(), line, name, columns)
            check_records(header, line, layout.delimiter, len(layout.headers), name)
            leader, usual = first = first or (name, layout)
            if (layout.kind, layout.position.keys()) != (usual.kind, usual.position.keys()):
                raise LogError(
                    f"{name}:{line}: the columns are {quoted(layout.position)}, but {leader} has "
                    f"{quoted(usual.position)}; give logs with the same columns"
                )
            before, done, size = parted + cells.rows, len(header), size_of(path)
            begun = [(line + header.count(b"\n"), rest)] if rest else []
            for start, text in chain(begun, stretches):
                block = check_records(text, start, layout.delimiter, len(layout.headers), name)
                cells.add(block, layout, file)
                done += len(text)
                yield Reading(name, parted + cells.rows, done, size)
                if most is None or full is None or cells.rows < full or layout.kind == "hidden":
                    continue
                raw = cells.raw(usual)
                part, after = stages.divided(raw) or (None, raw)
                cells.put(after)
                full = cells.rows + most
                if part is not None:
                    closed.add(part)
                    parted += len(part)
                    yield part
            if parted + cells.rows == before:
                raise LogError(f"{name}:{line}: a header but no rows; give a log with at least one row")
    assert first is not None
    last = cells.raw(first[1])
    if parted:
        closed.add(last)
    yield last


def _assembled(spread: Spread, raws: list[Handle], files: tuple[str, ...]) -> Whole:
    """Put the rows in order of trace and step, settle the empty states, and count what is odd."""
    if len(raws) > 1 and spread.most is None:
        raws = _at_home(spread, raws)
    arranged = spread.map(stages.arranged, raws)
    del raws
    facts = list(told(spread, arranged))
    settled = spread.map(_settle, arranged, [stages.rules(facts)] * len(arranged))
    layout = facts[0].layout
    del arranged
    words, oddities = zip(*told(spread, settled), strict=True)
    everything: Words = tuple(stages.in_order(each) for each in zip(*words, strict=True))  # type: ignore[assignment]
    before = np.cumsum([0, *(each.traces for each in facts)])[:-1].tolist()
    head = Head(layout.kind, files, layout.columns, everything, stages.rules(facts).unknown)
    parts = spread.map(_log, settled, [head] * len(settled), before)
    return Whole(
        spread,
        parts,
        layout.kind,
        files,
        layout.columns,
        *everything,
        tuple(Oddity(odd.what, odd.count, where(files, odd.place), odd.done) for odd in stages.added(oddities)),
        tuple(each.rows for each in facts),
        tuple(each.traces for each in facts),
    )


def _at_home(spread: Spread, raws: list[Handle]) -> list[Handle]:
    """Bring the rows of each trace together in the part that it begins in; parts without rows are left out."""
    homes = stages.spanning(list(spread.bring(spread.map(stages.names, raws))))
    if not any(homes):
        return raws
    own = list(range(len(raws)))
    parcels = spread.map(stages.sent, raws, homes, own)
    guests = [[part for part in own if home in homes[part]] for home in own]
    come = [
        spread.map(_parcel, [parcels[part] for part in [home, *guests[home]]], [home] * (1 + len(guests[home])))
        for home in own
    ]
    found = spread.map(stages.joined, come)
    sizes = list(spread.bring(spread.map(len, found)))
    return [part for part, size in zip(found, sizes, strict=True) if size]


def _settle(part: tuple[stages.Arranged, stages.Facts], rules: stages.Rules) -> Any:
    return stages.settled(part[0], rules)


def _parcel(parcels: dict[int, Raw], home: int) -> Raw:
    return parcels[home]


@dataclass(frozen=True)
class Head:
    """What the parts of a log have in common."""

    kind: LogKind
    files: tuple[str, ...]
    columns: Mapping[str, str]
    words: Words
    unknown: str  # what a state would be called that nobody recorded


def _log(part: tuple[Settled, tuple[Words, object]], head: Head, before: int) -> Log:
    """A part as a log of its own, with the words of all; so many traces come before it."""
    rows, (words, _) = part
    states, triggers, outputs = head.words
    numbers = [{word: code for code, word in enumerate(each)} for each in head.words]
    names = rows.names
    if names is None:
        names = Numerals(Runs.count(before + rows.opens, len(rows.offsets) - 1))
    return Log(
        kind=head.kind,
        files=head.files,
        columns=head.columns,
        states=states,
        triggers=triggers,
        outputs=outputs,
        traces=names,
        offsets=rows.offsets,
        places=rows.places,
        steps=rows.steps,
        state=recoded(rows.columns["state"], words[0], numbers[0]),
        trigger=recoded(rows.columns["trigger"], words[1], numbers[1]),
        next_state=recoded(rows.columns["next_state"], words[0], numbers[0]),
        output=recoded(rows.columns["output"], words[2], numbers[2]),
        unrecorded=numbers[0].get(head.unknown, UNKNOWN),
        opens=rows.opens,
        closes=rows.closes,
    )


def write_rows(log: Log, stream: TextIO) -> None:
    """Write the rows of a log as CSV under canonical headers; what was empty in the log is empty again."""
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
    present = [role for role in roles if role in log.columns]
    if headed:
        yield ",".join(["trace"] * traced + ["step"] + [HEADERS[role] for role in present]) + "\n"
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
        yield "".join([f"{heads[r]}{step},{tails[k]}" for r, step, k in rows])


def _quote(word: str) -> str:
    return '"' + word.replace('"', '""') + '"' if any(c in word for c in ',"\r\n') else word
