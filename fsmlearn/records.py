"""Tables as CSV: bytes cut into blocks of whole records and checked: where each record starts, and that it is whole.

A block is checked byte by byte in NumPy, so that every row keeps its line and nothing malformed gets through to
the parser. Knows CSV's quotes and delimiters, not what the columns mean. Raises LogError with file, line and remedy.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fsmlearn import streams
from fsmlearn.columns import DELIMITERS
from fsmlearn.errors import LogError, not_utf8
from fsmlearn.formats import counted
from fsmlearn.runs import Runs
from fsmlearn.streams import Stream

LONGEST_RECORD = 1 << 26  # bytes; a longer one is a quote that was never closed, or no text
SPACE = np.isin(np.arange(256), list(b" \t\r\n\v\f"))  # (256,) whether a byte is white space
UNCLOSED = "a quoted field that does not end at its closing quote, or never; double the quotes inside it, or close it"
STRAY = 'a quote (") inside a field that does not begin with one; quote the whole field and double the quotes inside it'
ENDLESS = "a line of more than 64 MiB; write one record a line"
CARRIAGE = "a line that ends in a carriage return alone, or never; convert the file, for example: tr '\\r' '\\n'"


@dataclass(frozen=True, slots=True)
class Block:
    """N whole records of F fields as bytes, each ended by a newline, and the line that each starts on."""

    name: str  # of the file
    text: bytes
    delimiter: str
    line: Runs  # (N,)
    marks: NDArray[np.int64] | None  # (N, F) position of the delimiter or newline behind each field; None with quotes

    def place(self, row: int) -> str:
        """Where a row stands, as "file:line"."""
        return f"{self.name}:{self.line.at(np.array([row]))[0]}"


class Records:
    """A table as CSV: its headers, and its rows block by block."""

    def __init__(self, stream: Stream) -> None:
        self._name, self._pieces = stream.name, pieces(stream)
        self.line, header, self._first = _split_header(self._pieces, self._name)
        self._delimiter, self.headers = _fields(header, f"{self._name}:{self.line}")
        self._check(header, self.line)
        self._begin, self._done = self.line + header.count(b"\n"), len(header)

    def look(self, columns: Iterable[int]) -> Block:
        """The rows that came along with the header, which `blocks` will tell again."""
        del columns  # bytes hold them all
        return self._check(self._first, self._begin)

    def blocks(self, columns: Iterable[int]) -> Iterator[tuple[Block, int]]:
        """The rows, and how many bytes of the file are read with them."""
        del columns
        first = [(self._begin, self._first)] if self._first else []
        for line, text in chain(first, self._pieces):
            self._done += len(text)
            yield self._check(text, line), self._done

    def _check(self, text: bytes, line: int) -> Block:
        return check_records(text, line, self._delimiter, len(self.headers), self._name)


def _fields(header: bytes, place: str) -> tuple[str, tuple[str, ...]]:
    """(the delimiter that makes most fields of a header, those fields)."""

    def split(delimiter: str) -> tuple[str, tuple[str, ...]]:
        rows = csv.reader(io.StringIO(header.decode(), newline=""), delimiter=delimiter, skipinitialspace=True)
        return delimiter, tuple(cell.strip() for cell in next(rows))

    try:
        return max(map(split, DELIMITERS), key=lambda found: len(found[1]))
    except csv.Error as error:
        raise LogError(f"{place}: the header cannot be read ({error}); give a CSV or TSV log") from error


def pieces(stream: Stream, *, quotes: bool = True) -> Iterator[tuple[int, bytes]]:
    """Cut a stream into pieces that end where a record ends, each with the line that it starts on.

    Where `quotes` enclose fields a record may be of many lines; else each line is one.
    """
    name, rest, line, ended = stream.name, b"", 1, False
    while not ended:
        fresh = stream.read(max(streams.BLOCK, len(rest)))
        ended = not fresh
        rest += fresh
        if b"\0" in fresh:
            if line == 1 and rest.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise LogError(f"{name}:1: the file is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8")
            line += rest.count(b"\n", 0, rest.index(b"\0"))
            raise LogError(f"{name}:{line}: a NUL byte, so this is a binary file; give a log as text, or as Parquet")
        if ended and rest and not rest.endswith(b"\n"):
            rest += b"\n"
        cut = len(rest) if ended else _last_record_end(rest, quotes)
        if not cut and len(rest) > LONGEST_RECORD:
            message = CARRIAGE if b'"' not in rest else UNCLOSED if quotes else ENDLESS
            raise LogError(f"{name}:{line}: {message}")
        piece, rest = rest[:cut], rest[cut:]
        if piece:
            _check_encoding(piece, line, name)
            yield line, piece.removeprefix(codecs.BOM_UTF8) if line == 1 else piece
            line += int(np.count_nonzero(np.frombuffer(piece, np.uint8) == ord("\n")))


def _last_record_end(text: bytes, quotes: bool) -> int:
    """The length of the whole records that text begins with."""
    if not quotes or b'"' not in text:
        return text.rfind(b"\n") + 1
    ends = _record_ends(np.frombuffer(text, np.uint8))
    return int(ends[-1]) + 1 if len(ends) else 0


def _record_ends(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Positions of the newlines outside quotes."""
    newlines = np.flatnonzero(data == ord("\n"))
    outside: NDArray[np.bool_] = np.searchsorted(np.flatnonzero(data == ord('"')), newlines) % 2 == 0
    return newlines[outside]


def _check_encoding(text: bytes, line: int, name: str) -> None:
    if text.isascii():
        return
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line += text.count(b"\n", 0, error.start)
        raise LogError(f"{name}:{line}: {not_utf8(error)}") from error


def _split_header(pieces: Iterator[tuple[int, bytes]], name: str) -> tuple[int, bytes, bytes]:
    """(line of the header, the header, the records that came along with it); blank lines above it are skipped."""
    line, piece = next(((line, piece) for line, piece in pieces if piece.strip()), (1, b""))
    if not piece:
        raise LogError(f"{name}: the file is empty; give a log with a header and rows")
    above = piece.rfind(b"\n", 0, len(piece) - len(piece.lstrip())) + 1
    line, piece = line + piece.count(b"\n", 0, above), piece[above:]
    ends = _record_ends(np.frombuffer(piece, np.uint8))
    end = int(ends[0]) + 1 if len(ends) else len(piece)
    header = piece[:end]
    if b"\r" in re.sub(rb'"[^"]*"', b"", header).strip():
        raise LogError(f"{name}:{line}: {CARRIAGE}")
    return line, header, piece[end:]


def check_records(text: bytes, line: int, delimiter: str, fields: int, name: str) -> Block:
    """Check that every record has its fields, and find its line. Blank lines are left out."""
    data = np.frombuffer(text, np.uint8)
    marks = None if b'"' in text else _marks(data, delimiter, fields)
    if marks is not None and (fields > 1 or not SPACE[data].any()):
        return Block(name, text, delimiter, Runs.count(line, len(marks)), marks)
    ends = newlines = np.flatnonzero(data == ord("\n"))
    delimiters = np.flatnonzero(data == ord(delimiter))
    if b'"' in text:
        _check_quotes(data, line, delimiter, name)
        inside = np.cumsum(data == ord('"'), dtype=np.uint8) % 2  # the sum wraps at 256, which is even
        ends, delimiters = newlines[inside[newlines] == 0], delimiters[inside[delimiters] == 0]
    starts = np.append(0, ends[:-1] + 1)
    lines = line + (np.arange(len(ends)) if len(ends) == len(newlines) else np.searchsorted(newlines, starts))
    found = np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1
    blank = (np.add.reduceat(~SPACE[data], starts, dtype=np.int64) == 0) & (found == 1)
    wrong = np.flatnonzero((found != fields) & ~blank)
    if len(wrong):
        raise LogError(
            f"{name}:{lines[wrong[0]]}: {counted(int(found[wrong[0]]), 'field')}, but the header has {fields}; "
            f"add or remove fields, or quote a field that contains {delimiter!r}"
        )
    if blank.any():
        data = data[np.repeat(~blank, np.diff(ends, prepend=-1))]
        text, lines = data.tobytes(), lines[~blank]
    return Block(name, text, delimiter, Runs.of(lines), None if b'"' in text else _marks(data, delimiter, fields))


def _marks(data: NDArray[np.uint8], delimiter: str, fields: int) -> NDArray[np.int64] | None:
    """(N, F) where the fields of unquoted records end; None where some record has more fields, or fewer."""
    newline = data == ord("\n")
    marks = np.flatnonzero(newline | (data == ord(delimiter)))
    if len(marks) != fields * np.count_nonzero(newline):
        return None
    cells = marks.reshape(-1, fields)
    return cells if newline[cells[:, -1]].all() else None


def _check_quotes(data: NDArray[np.uint8], line: int, delimiter: str, name: str) -> None:
    """Refuse quotes that do not enclose a whole field: there, readers differ on where a field ends."""
    newline, quote, space, carriage = b'\n" \r'
    padded = np.concatenate(([newline], data, [newline])).astype(np.uint8)
    quotes = np.flatnonzero(padded == quote)
    opening, closing = quotes[0::2], quotes[1::2]
    before, after = opening - 1, closing + 1
    while (skip := padded[before] == space).any():
        before[skip] -= 1
    while (skip := (padded[after] == space) | (padded[after] == carriage)).any():
        after[skip] += 1
    edge = (newline, ord(delimiter))
    stray = opening[~(np.isin(padded[before], edge) | (padded[opening - 1] == quote))]
    open_ended = opening[: len(closing)][~(np.isin(padded[after], edge) | (padded[closing + 1] == quote))]
    if len(opening) > len(closing):
        open_ended = np.append(open_ended, opening[-1])
    if not len(stray) and not len(open_ended):
        return
    first = min(stray[:1].tolist() + open_ended[:1].tolist())
    message = STRAY if first in stray[:1] else UNCLOSED
    raise LogError(f"{name}:{line + np.count_nonzero(data[: first - 1] == newline)}: {message}")
