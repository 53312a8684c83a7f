"""Rows of CSV as they arrive: a stream may be endless, and no more of it is held than a block.

Whatever is there is handed on before more is waited for. Where it is no table, the rows before come all the same, then
a LogError naming file and line. Standard library only; of columns it knows only how they tell one run from another.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterator, Sequence

from fsmlearn.columns import DELIMITERS
from fsmlearn.errors import LogError, not_utf8
from fsmlearn.streams import Stream

BLOCK = 1 << 18  # bytes read at most at a time; a pipe gives less
LONGEST = 1 << 24  # bytes of a line

Namer = Callable[[int, Sequence[str]], str]  # line and row -> the name of the row's run


class Arrivals:
    """The rows of a stream, with the lines they begin on. Spaces before a cell are part of it unless `trimmed`."""

    def __init__(self, stream: Stream, *, trimmed: bool = False) -> None:
        """Read the header. Raises LogError where there is none."""
        self.name = name = stream.name
        self._trimmed = trimmed
        self._lines = _lines(stream)
        self.line = 1  # of the header
        try:
            self.header = next(self._lines, "")
            while self.header and not self.header.strip():
                self.header = next(self._lines, "")
                self.line += 1
        except UnicodeDecodeError as error:
            raise LogError(f"{name}:{self.line}: {not_utf8(error)}") from None
        if not self.header:
            raise LogError(f"{name}: is empty; give a header line and rows")
        try:
            split = {each: next(csv.reader([self.header], delimiter=each)) for each in DELIMITERS}
        except csv.Error as error:
            raise LogError(f"{name}:{self.line}: is not CSV ({error}); give a header line and rows") from None
        self._delimiter, self.headers = max(split.items(), key=lambda pair: len(pair[1]))

    def rows(self, columns: Collection[int] = ()) -> Iterator[tuple[int, list[str]]]:
        """The rows after the header, each with as many cells."""
        del columns  # a line holds them all
        name, first = self.name, self.line + 1
        reader = csv.reader(self._lines, delimiter=self._delimiter, strict=True, skipinitialspace=self._trimmed)
        fields, line = len(self.headers), first
        try:
            for row in reader:
                if len(row) == fields:
                    yield line, row
                elif "".join(row).strip():
                    raise LogError(
                        f"{name}:{line}: has {len(row)} fields where the header has {fields}; quote or add fields"
                    )
                line = first + reader.line_num
        except UnicodeDecodeError as error:
            raise LogError(f"{name}:{first + reader.line_num}: {not_utf8(error)}") from None
        except csv.Error as error:
            raise LogError(f"{name}:{line}: is not CSV ({error}); quote fields as RFC 4180 has it") from None


def run_of(trace: int | None, step: int | None, name: str, runs: int = 0) -> Namer | None:
    """What names the run of a row, given the columns; None where nothing does.

    Without a trace column a new run begins where the step restarts, as in a log: where it falls by more than 2,
    or to the first step of its run or below. Such runs are numbered, the first after the number `runs`.
    """
    if trace is not None:
        return lambda _, row: row[trace].strip()
    if step is None:
        return None
    run, first, last = runs, 0, 0

    def of(line: int, row: Sequence[str]) -> str:
        nonlocal run, first, last
        try:
            now = int(row[step])
        except ValueError:
            raise LogError(f"{name}:{line}: step {row[step]!r} is not a whole number; number the rows") from None
        if run == runs or (now < last and (now <= first or now < last - 2)):
            run, first = run + 1, now
        last = now
        return str(run)

    return of


def _lines(stream: Stream) -> Iterator[str]:
    """The lines of a stream as soon as they are there, with their ends."""
    rest, begun, ended = b"", False, False
    while not ended:
        fresh = stream.read(BLOCK)
        ended = not fresh
        block = rest + fresh
        # a carriage return at the very end may be half of a line's end
        cut = len(block) if ended else max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1
        whole, rest = block[:cut], block[cut:]
        if len(rest) > LONGEST:
            raise LogError(f"{stream.name}: has a line of more than {LONGEST >> 20} MiB; give a table as CSV")
        if whole and not begun:
            whole, begun = whole.removeprefix(b"\xef\xbb\xbf"), True
        try:
            text = whole.decode()
        except UnicodeDecodeError as error:
            yield from io.StringIO(whole[: whole.rfind(b"\n", 0, error.start) + 1].decode(), newline="")
            raise
        yield from io.StringIO(text, newline="")
