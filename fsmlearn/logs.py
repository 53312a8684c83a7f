"""Files in, one `Log` of integer arrays out.

Words become integers here, once. Nothing is dropped in silence: what is odd about a file is counted and located in
`Log.oddities`, what cannot be read is refused with one line naming file, line and remedy. `tables` opens the files,
`columns` reads their headers, `cells` codes the words, `parts` divides the rows and `assembly` makes a log of them; all
that is joined here.

A log may be read in several parts: `gathering` reads it so that they lie wherever a `Spread` keeps them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fsmlearn import assembly, parts, steps
from fsmlearn.assembly import Facts, Outcome, Settled, Wish, Words, recoded
from fsmlearn.cells import Cells, Raw, as_sheet
from fsmlearn.columns import NONE, SYNONYMS, Layout, LogKind, Variables, quoted, read_layout
from fsmlearn.errors import LogError
from fsmlearn.log import Log, Whole, alone, write_rows, written
from fsmlearn.runs import Numerals, Runs
from fsmlearn.spread import HERE, Handle, Spread, told
from fsmlearn.streams import STDIN, size_of
from fsmlearn.tables import Table, opened
from fsmlearn.traces import UNKNOWN, Oddity, where

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


def read(
    sources: Sequence[str | Path] | str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    start_state: str | None = None,
    variables: Variables = NONE,
) -> Log:
    """Read one or more files as one log; "-" is standard input, .gz, .bz2, .xz and .zst are decompressed.

    `columns` maps roles to headers where the headers' own names do not tell. In a log with visible states a new trace
    begins where the state is `start_state` again. `variables` are columns that stand for states. Raises LogError,
    one line with file, line and remedy, for whatever cannot be read.
    """
    for value in reading(sources, columns=columns, start_state=start_state, variables=variables):
        log = value
    assert isinstance(log, Log)
    return log


def reading(
    sources: Sequence[str | Path] | str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    start_state: str | None = None,
    variables: Variables = NONE,
) -> Generator[Reading | Log]:
    """As `read`, yielding again and again how far it is, and at last the log."""
    for value in gathering(sources, columns=columns, start_state=start_state, variables=variables):
        yield value.log if isinstance(value, Whole) else value


def gathering(
    sources: Sequence[str | Path] | str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    start_state: str | None = None,
    variables: Variables = NONE,
    spread: Spread = HERE,
) -> Generator[Reading | Whole]:
    """As `reading`, the parts of the log being left where the spread reads them.

    A log of variables, or one that is cut at a start state, is one part wherever that is.
    """
    paths = [sources] if isinstance(sources, str | Path) else list(sources)
    if not paths:
        raise LogError("no log given; name at least one file, or - for standard input")
    files = tuple(STDIN if str(path) == "-" else str(path) for path in paths)
    wish = Wish(start_state, replace(variables, levels=dict(variables.levels)))  # which a worker can be sent
    groups, most = spread.divide(files), spread.most
    if wish.whole:
        groups, most = [list(files)], None
    begins = np.cumsum([0, *map(len, groups)])[:-1].tolist()
    given, wishes = [dict(columns or {})] * len(groups), [wish] * len(groups)
    first: list[tuple[str, Layout] | None] = [None]
    if len(groups) > 1:  # all are to have the columns of the first file, whoever reads them
        [layout] = spread.bring(spread.map(_layout, [(spread.place(files[0]), files[0])], given[:1], wishes[:1]))
        first = [(files[0], layout)] * len(groups)
    named = [[(spread.place(file), file) for file in group] for group in groups]
    for limit in dict.fromkeys((most, None)):
        try:
            raws = yield from spread.read(_rows, named, begins, given, wishes, first, [limit] * len(groups))
            yield _assembled(spread, raws, files, wish)
            return
        except parts.UnorderedError:
            raws = []


Source = tuple[str, str]  # where a file is, and what it is called


def _layout(file: Source, columns: Mapping[str, str], wish: Wish) -> Layout:
    """What the columns of a log's first file are."""
    with opened(*file) as table:
        return _read_layout(table, file[1], columns, wish, None)


def _read_layout(table: Table, name: str, columns: Mapping[str, str], wish: Wish, first: Layout | None) -> Layout:
    layout = read_layout(table.headers, table.line, name, columns, wish.variables)
    return _clocked(layout, table, first)


def _rows(
    files: Sequence[Source],
    number: int,
    columns: Mapping[str, str],
    wish: Wish,
    first: tuple[str, Layout] | None,
    most: int | None,
) -> Generator[Reading | Raw]:
    """Read some files, the first of which has this number in the log, as one part, or as several of about `most` rows.

    `first` are name and layout of the log's first file, None where that is the first of these.
    """
    np.empty(31 << 20, np.uint8)  # let go at once, which teaches malloc to keep what a block leaves for the next one
    cells, closed, full, parted = Cells(), parts.Closed(), most, 0
    for file, (path, name) in enumerate(files, number):
        with opened(path, name) as table:
            layout = _read_layout(table, name, columns, wish, first and first[1])
            leader, usual = first = first or (name, layout)
            if (layout.kind, layout.position.keys()) != (usual.kind, usual.position.keys()):
                raise LogError(
                    f"{name}:{table.line}: the columns are {quoted(layout.position)}, but {leader} has "
                    f"{quoted(usual.position)}; give logs with the same columns"
                )
            if wish.start_state is not None:
                layout.check_start(name)
            before, size = parted + cells.rows, size_of(path)
            for block, done in table.blocks(dict.fromkeys(layout.position.values())):
                cells.add(block, layout, file)
                yield Reading(name, parted + cells.rows, done, size)
                if most is None or full is None or cells.rows < full or layout.kind == "hidden":
                    continue
                raw = cells.raw(usual)
                part, after = parts.divided(raw) or (None, raw)
                cells.put(after)
                full = cells.rows + most
                if part is not None:
                    closed.add(part)
                    parted += len(part)
                    yield part
            if parted + cells.rows == before:
                raise LogError(f"{name}:{table.line}: a header but no rows; give a log with at least one row")
    assert first is not None
    last = cells.raw(first[1])
    if parted:
        closed.add(last)
    yield last


def _clocked(layout: Layout, table: Table, first: Layout | None) -> Layout:
    """The layout with what its steps are, as its first rows tell, or as those of the first file did; without steps
    where times were only guessed and nobody can read them."""
    if not layout.timed:
        return layout
    if first is not None:
        return replace(layout, clock=first.clock) if "step" in first.position else layout.without_step()
    at = layout.position["step"]
    column = as_sheet(table.look([at]), [at], len(layout.headers)).columns[at]
    clock = steps.clock(column.words)
    if clock is None and "step" not in layout.chosen:
        return layout.without_step()
    # somebody chose the column: what does not fit to its first step is told where it stands
    return replace(layout, clock=(steps.clock(column.list()[:1]) or "") if clock is None else clock)


def _assembled(spread: Spread, raws: list[Handle], files: tuple[str, ...], wish: Wish) -> Whole:
    """Put the rows in order of trace and step, settle what they say, and count what is odd."""
    if len(raws) > 1 and spread.most is None:
        raws = _at_home(spread, raws)
    many = len(raws)
    arranged = spread.map(assembly.arranged, raws, [wish] * many)
    del raws
    facts: list[Facts] = list(told(spread, arranged))
    rules, layout = assembly.rules(facts), facts[0].layout
    settled = spread.map(_settled, arranged, [rules] * many, [wish] * many, [files[0]] * many)
    del arranged
    found: list[Outcome] = list(told(spread, settled))
    words = zip(*(each.words for each in found), strict=True)
    everything: Words = tuple(assembly.in_order(each) for each in words)  # type: ignore[assignment]
    before = np.cumsum([0, *(each.traces for each in found)])[:-1].tolist()
    head = Head(layout, files, everything, rules.unknown)
    return Whole(
        spread,
        spread.map(_log, settled, [head] * many, before),
        layout.kind,
        files,
        layout.columns,
        *everything,
        tuple(
            Oddity(odd.what, odd.count, where(files, odd.place), odd.done)
            for odd in assembly.added(e.odd for e in found)
        ),
        tuple(each.rows for each in found),
        tuple(each.traces for each in found),
        layout.guessed,
    )


def _at_home(spread: Spread, raws: list[Handle]) -> list[Handle]:
    """Bring the rows of each trace together in the part that it begins in; parts without rows are left out."""
    homes = parts.spanning(list(spread.bring(spread.map(parts.names, raws))))
    if not any(homes):
        return raws
    own = list(range(len(raws)))
    parcels = spread.map(parts.sent, raws, homes, own)
    guests = [[part for part in own if home in homes[part]] for home in own]
    come = [
        spread.map(_parcel, [parcels[part] for part in [home, *guests[home]]], [home] * (1 + len(guests[home])))
        for home in own
    ]
    found = spread.map(parts.joined, come)
    sizes = list(spread.bring(spread.map(len, found)))
    return [part for part, size in zip(found, sizes, strict=True) if size]


def _settled(part: tuple[assembly.Arranged, Facts], *given: Any) -> tuple[Settled, Outcome]:
    return assembly.settled(part[0], *given)


def _parcel(parcels: dict[int, Raw], home: int) -> Raw:
    return parcels[home]


@dataclass(frozen=True)
class Head:
    """What the parts of a log have in common."""

    layout: Layout
    files: tuple[str, ...]
    words: Words
    unknown: str  # what a state would be called that nobody recorded


def _log(part: tuple[Settled, Outcome], head: Head, before: int) -> Log:
    """A part as a log of its own, with the words of all; so many traces come before it."""
    rows, words = part[0], part[1].words
    states, triggers, outputs = head.words
    numbers = [{word: code for code, word in enumerate(each)} for each in head.words]
    names = rows.names
    if names is None:
        names = Numerals(Runs.count(before + rows.opens, len(rows.offsets) - 1))
    return Log(
        kind=head.layout.kind,
        files=head.files,
        columns=head.layout.columns,
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
        guessed=head.layout.guessed,
        clock=head.layout.clock,
        grid=rows.grid,
        opens=rows.opens,
        closes=rows.closes,
    )
