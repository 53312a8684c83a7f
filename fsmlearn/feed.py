"""Logs of any format, read row by row and handed to a `Checker`: the words of each row, its run and its place.

CSV is taken line by line as it comes, other formats block by block (`tables`); of either no more is held than a block,
but for Parquet that comes through a pipe. Rows of variables become moves (`moving`), and a run that is back in the
start state is another one. Standard library only, unless a log asks for more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, cast

from fsmlearn.about import GridSummary
from fsmlearn.arrivals import Arrivals, Namer, run_of
from fsmlearn.check import Checker
from fsmlearn.columns import NONE, SYNONYMS, VARIABLE, Clock, Layout, LogKind, bare, quoted, read_layout
from fsmlearn.errors import LogError
from fsmlearn.following import Latest, Words
from fsmlearn.judge import EmptyWordError
from fsmlearn.moving import Moving
from fsmlearn.sources import kind_of
from fsmlearn.streams import STDIN, Prompt, open_bytes

if TYPE_CHECKING:
    from fsmlearn.sheets import Sheet
    from fsmlearn.tables import Table

Row = Sequence[str]
ROLES = ("event", "state", "trigger", "next_state", "output")  # in the order of a row's words
NO_GRID = GridSummary()


class Feed:
    """Reads logs, one after the other, as rows of one log."""

    def __init__(
        self,
        checker: Checker,
        trained: Mapping[str, str],
        chosen: Mapping[str, str],
        start_state: str = "",
        grid: GridSummary = NO_GRID,
    ) -> None:
        """`trained` are the columns of the log that the model was learned from, role -> header, which other logs may
        lack; `chosen` are those that somebody names. A run that is in the start state again is another one, unless that
        is "". `grid` is what the log was read by, if it was one of variables."""
        judge = checker.judge
        self._checker = checker
        self._kind: LogKind = "sequence" if judge.events else "visible" if judge.visible else "hidden"
        # a column that is called a step has numbers, one that was taken for it may have times
        self._trained = {
            role: header
            for role, header in trained.items()
            if role in SYNONYMS and not (role == "step" and bare(header) in SYNONYMS[role])
        }
        self._chosen = dict(chosen)
        self._moving = Moving(grid) if grid.variables else None
        self._cuts = None if not start_state else _Cuts(start_state, checker.end)
        self._runs = 0  # that were numbered

    def read(self, file: str, begin: Callable[[], None], pause: Callable[[], None]) -> None:
        """Hand on the rows of a file, "-" being standard input. `begin` is called when its columns are known, and
        `pause` before more of it is waited for.

        Raises LogError with file, line and remedy for whatever cannot be read, after the rows before it.
        """
        name = STDIN if file == "-" else file
        with open_bytes(name, name) as raw:
            stream = Prompt(raw, name, pause)
            source: Arrivals | _Blocks
            if kind_of(name, stream.head) == "csv":
                source = Arrivals(stream, trimmed=True)
            else:
                from fsmlearn.tables import table

                source = _Blocks(table(name, stream))
            layout = self._layout(source, name)
            begin()
            self._hand_on(source.rows(set(layout.position.values())), layout, name)

    def _layout(self, source: Arrivals | _Blocks, name: str) -> Layout:
        headers = tuple(header.strip() for header in source.headers)
        columns = {role: header for role, header in self._trained.items() if header in headers} | self._chosen
        moving = self._moving
        layout = read_layout(headers, source.line, name, columns, moving.variables if moving else NONE, self._kind)
        if self._cuts:
            layout.check_start(name)
        if moving and moving.triggered and "trigger" not in layout.position:
            raise LogError(
                f"{name}:{source.line}: no column for the trigger in {quoted(headers)}, as there was in the log of the "
                "model; name it with --trigger-column"
            )
        return layout

    def _hand_on(self, rows: Iterator[tuple[int, Row]], layout: Layout, name: str) -> None:
        checker, place = self._checker, layout.position
        named = "trace" in place
        runs = max(self._runs, checker.runs)
        of, alone = _namer(layout, name, runs), str(runs + 1)
        words = _picked([place[role] for role in ROLES if role in place])
        changed = self._changing(layout, name) if self._moving or self._cuts else None
        last, line = "", layout.line
        try:
            for line, row in rows:
                run = of(line, row) if of else alone
                if not named and run != last:
                    self._end(last)
                    last = run
                if changed is None:
                    checker.row(run, words(row), name, line)
                elif found := changed(run, row, line):
                    checker.row(*found)
        except EmptyWordError as word:
            column = layout.columns[str(word)]
            raise LogError(f"{name}:{line}: {word} is empty; fill in column {column!r}, or delete the row") from None
        if not named:
            self._end(last)
            self._runs = int(last or runs)

    def _changing(self, layout: Layout, name: str) -> Callable[[str, Row, int], tuple[str, Words, str, int] | None]:
        """What makes of a run, a row and its line what is handed on, if anything is, where they are not that already:
        moves of rows, and other runs of those in the start state again."""
        moving, cuts, place = self._moving, self._cuts, layout.position
        named = "trace" in place
        columns = [VARIABLE + each for each in moving.variables.all] if moving else [r for r in ROLES if r in place]
        cells = _picked([place[role] for role in columns])
        trigger = place["trigger"] if moving and moving.triggered else None

        def changed(run: str, row: Row, line: int) -> tuple[str, Words, str, int] | None:
            words, told = cells(row), (name, line)
            state = words[0].strip()
            if moving is not None:
                said = "" if trigger is None else row[trigger].strip()
                found = moving.move(run, tuple(map(str.strip, words)), said, told)
                if found is None:
                    return None
                state, words, told = found
            return cuts.part(run, state, named) if cuts else run, words, *told

        return changed

    def _end(self, run: str) -> None:
        """A run that nothing names is over."""
        self._checker.end(self._cuts.name(run) if self._cuts else run)


class _Blocks:
    """A table whose rows come in blocks, as `Arrivals` has those that come line by line."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.headers, self.line = table.headers, table.line

    def rows(self, columns: Collection[int]) -> Iterator[tuple[int, Row]]:
        """The rows and their lines; other cells are empty."""
        for block, _ in self._table.blocks(columns):
            sheet = cast("Sheet", block)  # CSV alone has blocks of bytes
            cells = [sheet.columns[at].list() if at in columns else repeat("") for at in range(len(self.headers))]
            yield from zip(sheet.line.array().tolist(), zip(*cells, strict=False), strict=True)


def _picked(columns: Sequence[int]) -> Callable[[Row], Words]:
    """What takes the cells of some columns out of a row."""
    if not columns:
        return lambda _: ()
    if len(columns) == 1:
        (column,) = columns
        return lambda row: (row[column],)
    return itemgetter(*columns)


def _namer(layout: Layout, name: str, runs: int) -> Namer | None:
    """What names the run of a row, as `run_of` has it; the step may be a time."""
    place = layout.position
    if "trace" in place or "step" not in place or not layout.timed:
        return run_of(place.get("trace"), place.get("step"), name, runs)
    return _by_time(layout, name, runs)


def _by_time(layout: Layout, name: str, runs: int) -> Namer:
    """As `run_of` where the step is what the first one is: a number of rows or, of seconds, one that restarts where it
    falls to the first of its run or below; or a date, which never does. A column that nobody chose may be neither."""
    from fsmlearn import steps
    from fsmlearn.plain import unnumbered

    at, run, first, last = layout.position["step"], runs, 0, 0
    clock: Clock = ""

    def number(word: str, place: str) -> int | None:
        """The step as a number, None where steps say nothing."""
        nonlocal clock, first, last
        kind = steps.clock([word])
        if run == runs:
            if kind is None and "step" not in layout.chosen:
                return None
            clock = kind or ""
        elif clock == "" and kind == "number":
            clock, first, last = kind, first * steps.SECOND, last * steps.SECOND
        found = steps.numbers([word], clock)
        if isinstance(found, list):
            raise unnumbered(word, place, replace(layout, clock=clock))
        return int(found[0])

    def of(line: int, row: Row) -> str:
        nonlocal run, first, last
        now: int | None
        try:
            now = int(row[at]) if clock == "" else None
        except ValueError:
            now = None
        if now is None:
            now = number(row[at].strip(), f"{name}:{line}")
        if now is None:
            return str(runs + 1)
        if run == runs or (clock != "date" and now < last and (now <= first or (not clock and now < last - 2))):
            run, first = run + 1, now
        last = now
        return str(run)

    return of


class _Cuts:
    """Runs that are others where they are in the start state again, after another state."""

    def __init__(self, start: str, end: Callable[[str], None]) -> None:
        self._start = start
        self._end = end
        self._count = 0
        self._parts: Latest[_Part] = Latest(_Part)

    def part(self, run: str, state: str, named: bool) -> str:
        """The name of what a row of a run is in, given its state."""
        part = self._parts.of(run)
        there = state == self._start
        if not part.number or (there and not part.there):
            self._end(part.name)
            part.number += 1
            self._count += 1
            again = f"{run}.{part.number}" if part.number > 1 else run
            part.name = again if named else str(self._count)
        part.there = there
        return part.name

    def name(self, run: str) -> str:
        """What the latest part of a run is called, "" where it has none."""
        return self._parts.of(run).name


class _Part:
    """Where a run is."""

    __slots__ = ("name", "number", "there")

    def __init__(self) -> None:
        self.name = ""
        self.number = 0
        self.there = False  # in the start state
