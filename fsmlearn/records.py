"""The bytes of log files, cut into blocks of whole records and checked: where each record starts, and that it is whole.

A block is checked byte by byte in NumPy, so that every row keeps its line and nothing malformed gets through to
the parser. Knows CSV's quotes and delimiters, not what the columns mean. Raises LogError with file, line and remedy.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from fsmlearn import remote
from fsmlearn.errors import LogError
from fsmlearn.runs import Runs

BLOCK = 1 << 20  # bytes read at a time; what is made of them should stay in the processor's cache
LONGEST_RECORD = 1 << 26  # bytes; a longer one is a quote that was never closed, or no text
STDIN = "<stdin>"  # what "-" is called in files and messages
SPACE = np.isin(np.arange(256), list(b" \t\r\n\v\f"))  # (256,) whether a byte is white space
UNCLOSED = "a quoted field that does not end at its closing quote, or never; double the quotes inside it, or close it"
STRAY = 'a quote (") inside a field that does not begin with one; quote the whole field and double the quotes inside it'
CARRIAGE = "a line that ends in a carriage return alone, or never; convert the file, for example: tr '\\r' '\\n'"


@dataclass(frozen=True, slots=True)
class Block:
    """N whole records of F fields as bytes, each ended by a newline, and the line that each starts on."""

    name: str  # of the file
    text: bytes
    line: Runs  # (N,)
    marks: NDArray[np.int64] | None  # (N, F) position of the delimiter or newline behind each field; None with quotes


def open_bytes(path: str | Path, name: str) -> AbstractContextManager[BinaryIO]:
    """The bytes of a file, unpacked; "-" is standard input."""
    if str(path) == STDIN:
        return nullcontext(sys.stdin.buffer)  # not ours to close
    if remote.is_remote(str(path)):
        return _unpacked_from(remote.open_file(str(path)), name)
    try:
        return _unpacked(Path(path), name)
    except FileNotFoundError as error:
        raise LogError(f"{name}: no such file; check the name and the folder") from error
    except IsADirectoryError as error:
        raise LogError(f"{name}: is a directory; name the log files in it") from error
    except PermissionError as error:
        raise LogError(f"{name}: permission denied; make the file readable") from error
    except OSError as error:
        raise LogError(f"{name}: cannot be opened ({error.strerror}); check the name") from error


def _unpacked(source: Path | BinaryIO, name: str) -> BinaryIO:
    """A file that is opened, or one that is open, without its packing."""
    file: Any = source
    match Path(name).suffix.lower():
        case ".gz":
            return cast(BinaryIO, gzip.open(file))
        case ".bz2":
            return cast(BinaryIO, bz2.open(file))
        case ".xz":
            return cast(BinaryIO, lzma.open(file))
        case ".zst":
            return _open_zstd(file, name)
    return source.open("rb") if isinstance(source, Path) else source


@contextmanager
def _unpacked_from(stream: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """As `_unpacked`, and the stream is closed with it."""
    with stream, _unpacked(stream, name) as bare:
        yield bare


def size_of(path: str | Path) -> int | None:
    """Bytes of an open file, None where that is not known before they are read: in a pipe, and if they are packed."""
    if str(path) == STDIN or Path(path).suffix.lower() in (".gz", ".bz2", ".xz", ".zst"):
        return None
    if remote.is_remote(str(path)):
        return remote.size_of(str(path))
    if not Path(path).is_file():
        return None
    return Path(path).stat().st_size


def _open_zstd(path: Any, name: str) -> BinaryIO:
    """Zstandard is in the standard library from Python 3.14 on; before, a package brings the same module.

    The package zstandard, which pandas uses, would end a truncated file in silence.
    """
    for module in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            return cast(BinaryIO, import_module(module).open(path, "rb"))
    raise LogError(
        f"{name}: reading .zst needs the package backports.zstd; install it, or unpack the file with: unzstd"
    )


def pieces(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Cut a stream into pieces that end where a record ends, each with the line that it starts on."""
    rest, line, ended = b"", 1, False
    while not ended:
        try:
            fresh = stream.read(max(BLOCK, len(rest)))
        except Exception as error:  # every codec has errors of its own
            raise LogError(f"{name}: cannot be read ({error}); check that the file is whole") from error
        ended = not fresh
        rest += fresh
        if b"\0" in fresh:
            if line == 1 and rest.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise LogError(f"{name}:1: the file is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8")
            line += rest.count(b"\n", 0, rest.index(b"\0"))
            raise LogError(f"{name}:{line}: a NUL byte, so this is a binary file; give a CSV or TSV log")
        if ended and rest and not rest.endswith(b"\n"):
            rest += b"\n"
        cut = len(rest) if ended else _last_record_end(rest)
        if not cut and len(rest) > LONGEST_RECORD:
            message = UNCLOSED if b'"' in rest else CARRIAGE
            raise LogError(f"{name}:{line}: {message}")
        piece, rest = rest[:cut], rest[cut:]
        if piece:
            _check_encoding(piece, line, name)
            yield line, piece.removeprefix(codecs.BOM_UTF8) if line == 1 else piece
            line += int(np.count_nonzero(np.frombuffer(piece, np.uint8) == ord("\n")))


def _last_record_end(text: bytes) -> int:
    """The length of the whole records that text begins with."""
    if b'"' not in text:
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
        raise LogError(
            f"{name}:{line}: byte 0x{text[error.start]:02x} is not UTF-8; convert the file, "
            "for example: iconv -f WINDOWS-1252 -t UTF-8"
        ) from error


def split_header(pieces: Iterator[tuple[int, bytes]], name: str) -> tuple[int, bytes, bytes]:
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
        return Block(name, text, Runs.count(line, len(marks)), marks)
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
        n = int(found[wrong[0]])
        raise LogError(
            f"{name}:{lines[wrong[0]]}: {n} field{'s' * (n != 1)}, but the header has {fields}; "
            f"add or remove fields, or quote a field that contains {delimiter!r}"
        )
    if blank.any():
        data = data[np.repeat(~blank, np.diff(ends, prepend=-1))]
        text, lines = data.tobytes(), lines[~blank]
    return Block(name, text, Runs.of(lines), None if b'"' in text else _marks(data, delimiter, fields))


def _marks(data: NDArray[np.uint8], delimiter: str, fields: int) -> NDArray[np.int64] | None:
    """(N, F) where the fields of unquoted records end; None where some record has more fields, or fewer."""
    newline = data == ord("\n")
    marks = np.flatnonzero(newline | (data == ord(delimiter)))
    if len(marks) != fields * np.count_nonzero(newline):
        return None
    cells = marks.reshape(-1, fields)
    return cells if (data[cells[:, -1]] == ord("\n")).all() else None


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
