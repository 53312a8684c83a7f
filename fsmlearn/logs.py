"""Files in, one `Log` of integer arrays out.

Words become integers here, once. Nothing is dropped in silence: what is odd about a file is counted and located in
`Log.oddities`, what cannot be read is refused with one line naming file, line and remedy. `tables` opens the files,
`columns` reads their headers, `cells` codes the words and `assembly` makes a log of the rows; all that is joined here.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fsmlearn import steps
from fsmlearn.assembly import assembled
from fsmlearn.cells import Cells, as_sheet
from fsmlearn.columns import NONE, SYNONYMS, Layout, LogKind, Variables, quoted, read_layout
from fsmlearn.errors import LogError
from fsmlearn.log import Log, write_rows
from fsmlearn.streams import STDIN, size_of
from fsmlearn.tables import Table, opened
from fsmlearn.traces import UNKNOWN, Oddity

__all__ = ["SYNONYMS", "UNKNOWN", "Log", "LogKind", "Oddity", "Reading", "read", "reading", "write_rows"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a log is read."""

    name: str  # of the file
    rows: int  # of all files so far
    bytes: int  # of this file so far
    size: int | None  # of this file in bytes, None where that is not known beforehand


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
    paths = [sources] if isinstance(sources, str | Path) else list(sources)
    if not paths:
        raise LogError("no log given; name at least one file, or - for standard input")
    files = tuple(STDIN if str(path) == "-" else str(path) for path in paths)
    np.empty(31 << 20, np.uint8)  # let go at once, which teaches malloc to keep what a block leaves for the next one
    cells = Cells()
    layouts: list[Layout] = []
    for number, (path, name) in enumerate(zip(paths, files, strict=True)):
        with opened(path, name) as table:
            layout = read_layout(table.headers, table.line, name, columns or {}, variables)
            layout = _clocked(layout, table, layouts[0] if layouts else None)
            layouts.append(layout)
            if (layout.kind, layout.position.keys()) != (layouts[0].kind, layouts[0].position.keys()):
                raise LogError(
                    f"{name}:{table.line}: the columns are {quoted(layout.position)}, but {files[0]} has "
                    f"{quoted(layouts[0].position)}; give logs with the same columns"
                )
            if start_state is not None and layout.kind != "visible":
                raise LogError(
                    f"{name}:{table.line}: a start state cuts traces, but this log shows no states; leave it out"
                )
            before, size = cells.rows, size_of(path, name)
            for block, done in table.blocks(dict.fromkeys(layout.position.values())):
                cells.add(block, layout, number)
                yield Reading(name, cells.rows, done, size)
            if cells.rows == before:
                raise LogError(f"{name}:{table.line}: a header but no rows; give a log with at least one row")
    yield assembled(cells, layouts[0], files, start_state, variables)


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
