"""Files in, one `Log` of integer arrays out; the only module that imports pandas.

Words become integers here, once. Nothing is dropped in silence: what is odd about a file is counted and
located in `Log.oddities`, what cannot be read is refused with one line naming file, line and remedy.
Files are read as blocks of whole records: the block is checked byte by byte in NumPy, so that every row
keeps its line, and pandas' C parser turns its words into codes.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import difflib
import gzip
import hashlib
import io
import json
import lzma
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsmlearn.errors import LogError

IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]
LogKind = Literal["visible", "hidden", "sequence"]

UNKNOWN = -1  # the code of a cell without a word
BLOCK = 1 << 23  # bytes read at a time
LONGEST_RECORD = 1 << 26  # bytes; a longer one is a quote that was never closed
DELIMITERS = ",\t;|"
STDIN = "<stdin>"  # what "-" is called in files and messages
SPACE = np.isin(np.arange(256), list(b" \t\r\n\v\f"))  # (256,) whether a byte is white space
UNCLOSED = "a quoted field that does not end at its closing quote, or never; double the quotes inside it, or close it"
STRAY = 'a quote (") inside a field that does not begin with one; quote the whole field and double the quotes inside it'

# Headers by role, without case, "_", "-" and spaces; the first is the canonical one and wins over the others.
SYNONYMS = {
    "trace": ("trace", "traceid", "case", "caseid", "run", "runid"),
    "step": ("step", "stepid", "index"),
    "state": ("currentstate", "state", "fromstate", "from", "source"),
    "trigger": ("trigger", "input", "action"),
    "next_state": ("nextstate", "tostate", "to", "target"),
    "output": ("output", "response"),
    "event": ("event", "activity"),
}
HEADERS = {role: role for role in SYNONYMS} | {"state": "current_state"}  # as we write and name them
NEEDED: Mapping[LogKind, tuple[str, ...]] = {
    "visible": ("state", "trigger", "next_state"),
    "hidden": ("trigger", "output"),
    "sequence": ("event",),
}
OPTIONAL: Mapping[LogKind, tuple[str, ...]] = {
    "visible": ("trace", "step", "output"),
    "hidden": ("trace", "step"),
    "sequence": ("trace", "step"),
}
WORDS_OF = {"state": "state", "next_state": "state", "event": "trigger"}  # roles that share one set of words


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in a log that a user should know of, though it could be read."""

    what: str  # e.g. "duplicated step"
    count: int  # how often
    where: str  # "file:line" of the first
    done: str  # what was done about it


@dataclass(frozen=True, eq=False)
class Log:
    """Rows of one or more log files, ordered by trace and by step inside a trace.

    Letters: N rows, R traces, S visible states, A triggers, O outputs. Trace r is the rows
    offsets[r]:offsets[r + 1]. Columns that the log does not have hold UNKNOWN throughout. Words are in order
    of first appearance. The events of a sequence log are its triggers; an empty output is the word "".
    """

    kind: LogKind
    files: tuple[str, ...]
    columns: Mapping[str, str]  # role ("trace", "step", "state", "trigger", "next_state", "output", "event") -> header
    states: tuple[str, ...]  # (S,)
    triggers: tuple[str, ...]  # (A,)
    outputs: tuple[str, ...]  # (O,), () where the log has no output column
    traces: tuple[str, ...]  # (R,) names
    offsets: NDArray[np.int64]  # (R + 1,)
    file: IntArray  # (N,) index into files
    line: IntArray  # (N,) line in that file, the header being line 1
    step: NDArray[np.int64]  # (N,) as written, or counted where the log has no step column
    state: IntArray  # (N,) index into states
    trigger: IntArray  # (N,) index into triggers
    next_state: IntArray  # (N,) index into states
    output: IntArray  # (N,) index into outputs
    oddities: tuple[Oddity, ...] = ()
    unrecorded: int = UNKNOWN  # the state that stands for empty cells, if there are any

    def __len__(self) -> int:
        return len(self.trigger)

    @cached_property
    def trace(self) -> IntArray:
        """(N,) index into traces of every row."""
        return np.repeat(np.arange(len(self.traces), dtype=np.int32), np.diff(self.offsets))

    def where(self, row: int) -> str:
        """The place of a row as "file:line"."""
        return f"{self.files[self.file[row]]}:{self.line[row]}"

    def select(self, rows: NDArray[np.integer[Any]] | BoolArray) -> Log:
        """The log of some rows, given as indices or as an (N,) mask; it keeps all words, and the traces with rows left.

        Rows may change places inside a trace; ValueError where they would leave it.
        """
        index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        trace = self.trace[index]
        if len(trace) and np.diff(trace).min(initial=0) < 0:
            raise ValueError("rows must be given trace by trace")
        kept, start = np.unique(trace, return_index=True)
        return replace(
            self,
            traces=tuple(self.traces[r] for r in kept.tolist()),
            offsets=np.append(start, len(index)).astype(np.int64),
            file=self.file[index],
            line=self.line[index],
            step=self.step[index],
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
        words = [self.kind, self.states, self.triggers, self.outputs, self.traces]
        digest = hashlib.sha256(json.dumps(words).encode())
        for column in (self.offsets, self.step):
            digest.update(column.astype("<i8", copy=False).tobytes())
        for codes in (self.state, self.trigger, self.next_state, self.output):
            digest.update(codes.astype("<i4", copy=False).tobytes())
        return digest.hexdigest()


def read(sources: Sequence[str | Path] | str | Path, *, columns: Mapping[str, str] | None = None) -> Log:
    """Read one or more files as one log; "-" is standard input, .gz, .bz2, .xz and .zst are decompressed.

    `columns` maps roles to headers where the headers' own names do not tell. Raises LogError, one line with
    file, line and remedy, for whatever cannot be read.
    """
    paths = [sources] if isinstance(sources, str | Path) else list(sources)
    if not paths:
        raise LogError("no log given; name at least one file, or - for standard input")
    files = tuple(STDIN if str(path) == "-" else str(path) for path in paths)
    rows = _Rows()
    first: _Layout | None = None
    for number, path in enumerate(paths):
        name = files[number]
        with _open(path, name) as stream:
            pieces = _pieces(stream, name)
            layout, block = _begin(pieces, name, columns or {})
            if first is None:
                first = layout
            elif (first.kind, first.columns.keys()) != (layout.kind, layout.columns.keys()):
                raise LogError(
                    f"{name}:{layout.line}: the columns are {_names(layout.columns)}, but {files[0]} has "
                    f"{_names(first.columns)}; give logs with the same columns"
                )
            before = len(rows)
            rows.add(block, layout, number)
            for line, piece in pieces:
                rows.add(_records(piece, line, layout.delimiter, len(layout.headers), name), layout, number)
            if len(rows) == before:
                raise LogError(f"{name}:{layout.line}: a header but no rows; give a log with at least one row")
    assert first is not None  # there is at least one path
    return _assemble(rows, first, files)


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
        "output": (log.outputs, log.output),
    }
    present = [role for role in roles if role in log.columns]
    traced = "trace" in log.columns or len(log.traces) > 1
    heads = [_quote(name) + "," for name in log.traces] if traced else [""] * len(log.traces)
    stream.write(",".join(["trace"] * traced + ["step"] + [HEADERS[role] for role in present]) + "\n")
    for start in range(0, len(log), 100_000):
        part = slice(start, start + 100_000)
        # Logs have few distinct rows beside trace and step, so the words of each are joined only once.
        kind = np.zeros(len(log.step[part]), np.int64)
        for role in present:
            words, codes = table[role]
            _, sample, kind = np.unique(kind * len(words) + codes[part], return_index=True, return_inverse=True)
        cells = [[_quote(table[role][0][code]) for code in table[role][1][part][sample].tolist()] for role in present]
        tails = [",".join(row) + "\n" for row in zip(*cells, strict=True)]
        rows = zip(log.trace[part].tolist(), log.step[part].tolist(), kind.tolist(), strict=True)
        stream.write("".join([f"{heads[r]}{step},{tails[k]}" for r, step, k in rows]))


def _quote(word: str) -> str:
    return '"' + word.replace('"', '""') + '"' if any(c in word for c in ',"\r\n') else word


# --- bytes -> checked records ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Block:
    """Whole records as bytes, each ended by a newline, and the line that each starts on."""

    name: str  # of the file
    text: bytes
    line: NDArray[np.int64]  # one a record


def _open(path: str | Path, name: str) -> AbstractContextManager[BinaryIO]:
    if name == STDIN:
        return nullcontext(sys.stdin.buffer)  # not ours to close
    path = Path(path)
    try:
        match path.suffix.lower():
            case ".gz":
                return cast(BinaryIO, gzip.open(path))
            case ".bz2":
                return cast(BinaryIO, bz2.open(path))
            case ".xz":
                return cast(BinaryIO, lzma.open(path))
            case ".zst":
                return _open_zstd(path, name)
        return path.open("rb")
    except FileNotFoundError as error:
        raise LogError(f"{name}: no such file; check the name and the folder") from error
    except IsADirectoryError as error:
        raise LogError(f"{name}: is a directory; name the log files in it") from error
    except PermissionError as error:
        raise LogError(f"{name}: permission denied; make the file readable") from error
    except OSError as error:
        raise LogError(f"{name}: cannot be opened ({error.strerror}); check the name") from error


def _open_zstd(path: Path, name: str) -> BinaryIO:
    """Zstandard is in the standard library from Python 3.14 on; before, a package brings the same module.

    The package zstandard, which pandas uses, would end a truncated file in silence.
    """
    for module in ("compression.zstd", "backports.zstd"):
        with suppress(ImportError):
            return cast(BinaryIO, import_module(module).open(path, "rb"))
    raise LogError(
        f"{name}: reading .zst needs the package backports.zstd; install it, or unpack the file with: unzstd"
    )


def _pieces(stream: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
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
            raise LogError(f"{name}:{line}: {UNCLOSED}")
        piece, rest = rest[:cut], rest[cut:]
        if piece:
            _check_encoding(piece, line, name)
            yield line, piece.removeprefix(codecs.BOM_UTF8) if line == 1 else piece
            line += piece.count(b"\n")


def _last_record_end(text: bytes) -> int:
    """The length of the whole records that text begins with."""
    if b'"' not in text:
        return text.rfind(b"\n") + 1
    ends = _record_ends(np.frombuffer(text, np.uint8))
    return int(ends[-1]) + 1 if len(ends) else 0


def _record_ends(data: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Positions of the newlines outside quotes."""
    newlines = np.flatnonzero(data == ord("\n"))
    outside: BoolArray = np.searchsorted(np.flatnonzero(data == ord('"')), newlines) % 2 == 0
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


def _records(text: bytes, line: int, delimiter: str, fields: int, name: str) -> _Block:
    """Check that every record has its fields, and find its line. Blank lines are left out."""
    data = np.frombuffer(text, np.uint8)
    ends = newlines = np.flatnonzero(data == ord("\n"))
    delimiters = np.flatnonzero(data == ord(delimiter))
    if b'"' in text:
        _check_quotes(data, line, delimiter, name)
        inside = np.cumsum(data == ord('"'), dtype=np.uint8) % 2  # the sum wraps at 256, which is even
        ends, delimiters = newlines[inside[newlines] == 0], delimiters[inside[delimiters] == 0]
    starts = np.append(0, ends[:-1] + 1)
    lines = line + (np.arange(len(ends)) if len(ends) == len(newlines) else np.searchsorted(newlines, starts))
    if fields > 1 and len(delimiters) == len(ends) * (fields - 1):
        cells = delimiters.reshape(len(ends), fields - 1)
        if (cells[:, 0] >= starts).all() and (cells[:, -1] < ends).all():
            return _Block(name, text, lines)
    found = np.diff(np.searchsorted(delimiters, ends), prepend=0) + 1
    blank = (np.add.reduceat(~SPACE[data], starts, dtype=np.int64) == 0) & (found == 1)
    wrong = np.flatnonzero((found != fields) & ~blank)
    if len(wrong):
        n = int(found[wrong[0]])
        raise LogError(
            f"{name}:{lines[wrong[0]]}: {n} field{'s' * (n != 1)}, but the header has {fields}; "
            f"add or remove fields, or quote a field that contains {delimiter!r}"
        )
    kept = np.repeat(~blank, np.diff(ends, prepend=-1))
    return _Block(name, data[kept].tobytes(), lines[~blank])


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


# --- header -> roles of columns ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the columns of one file are."""

    kind: LogKind
    delimiter: str
    headers: tuple[str, ...]
    columns: Mapping[str, str]  # role -> header
    position: Mapping[str, int]  # role -> index into headers
    line: int  # of the header


def _begin(pieces: Iterator[tuple[int, bytes]], name: str, chosen: Mapping[str, str]) -> tuple[_Layout, _Block]:
    """The layout told by a file's header, and the records that came along with it."""
    line, piece = next(((line, piece) for line, piece in pieces if piece.strip()), (1, b""))
    if not piece:
        raise LogError(f"{name}: the file is empty; give a log with a header and rows")
    above = piece.rfind(b"\n", 0, len(piece) - len(piece.lstrip())) + 1  # blank lines above the header
    line, piece = line + piece.count(b"\n", 0, above), piece[above:]
    ends = _record_ends(np.frombuffer(piece, np.uint8))
    header = piece[: ends[0] + 1] if len(ends) else piece
    delimiter, headers = _split_header(header, line, name)
    records = _records(piece, line, delimiter, len(headers), name)
    layout = _layout(delimiter, headers, line, name, chosen)
    return layout, _Block(name, records.text[len(header) :], records.line[1:])


def _split_header(header: bytes, line: int, name: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter that makes most fields of the header, and these."""
    text = header.decode()
    best: tuple[str, tuple[str, ...]] = (",", ())
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True))
        except csv.Error as error:
            raise LogError(f"{name}:{line}: the header cannot be read ({error}); give a CSV or TSV log") from error
        if len(cells) > len(best[1]):
            best = delimiter, tuple(cell.strip() for cell in cells)
    return best


def _plain(header: str) -> str:
    return re.sub(r"[\s_-]", "", header.casefold())


def _layout(delimiter: str, headers: tuple[str, ...], line: int, name: str, chosen: Mapping[str, str]) -> _Layout:
    place = f"{name}:{line}"
    position = {role: _chosen_column(role, header, headers, place) for role, header in chosen.items()}
    for role, synonyms in SYNONYMS.items():
        if role in position:
            continue
        found = [i for i, header in enumerate(headers) if _plain(header) in synonyms and i not in position.values()]
        exact = [i for i in found if _plain(headers[i]) == synonyms[0]]
        found = exact or found
        if len(found) > 1:
            raise LogError(
                f"{place}: the columns {_names(headers[i] for i in found)} could all be the {HEADERS[role]}; "
                f"rename the one that is meant to {HEADERS[role]}, or the others"
            )
        if found:
            position[role] = found[0]
    kind = _kind(position, chosen, headers, place)
    if kind != "sequence" and "trigger" not in position:
        position["trigger"] = position["event"]
    position = {role: position[role] for role in (*NEEDED[kind], *OPTIONAL[kind]) if role in position}
    columns = {role: headers[i] for role, i in position.items()}
    return _Layout(kind, delimiter, headers, columns, position, line)


def _chosen_column(role: str, header: str, headers: tuple[str, ...], place: str) -> int:
    if role not in SYNONYMS:
        raise LogError(f"{role!r} is no role of a column; the roles are {', '.join(SYNONYMS)}")
    found = [i for i, h in enumerate(headers) if h == header] or [
        i for i, h in enumerate(headers) if _plain(h) == _plain(header)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise LogError(f"{place}: {len(found)} columns are called {header!r}; rename all but one")
    near = difflib.get_close_matches(header, headers, 1)
    raise LogError(
        f"{place}: no column {header!r} for the {HEADERS[role]}; the columns are {_names(headers)}"
        + (f"; did you mean {near[0]!r}?" if near else "; choose one of them")
    )


def _kind(position: Mapping[str, int], chosen: Mapping[str, str], headers: tuple[str, ...], place: str) -> LogKind:
    """The kind of log that the roles make; one named half only (a state without a next state) is an error."""
    states = "state" in position, "next_state" in position
    named = "trigger" in position or "event" in position
    kind: LogKind
    if any(states) and not {"output", "event"} & chosen.keys():
        kind = "visible"
    elif "output" in position and named and "event" not in chosen:
        kind = "hidden"
    elif "event" in position:
        kind = "sequence"
    else:
        kind = "hidden" if "trigger" in position or "output" in position else "visible"
    known = position.keys() | ({"trigger"} if named else set())  # an event serves as trigger
    missing = [role for role in NEEDED[kind] if role not in known]
    if not missing:
        return kind
    free = [header for i, header in enumerate(headers) if i not in position.values()]
    hints = []
    for role in missing:
        near = difflib.get_close_matches(SYNONYMS[role][0], [_plain(h) for h in free], 1)
        if near:
            header = next(h for h in free if _plain(h) == near[0])
            hints.append(f"rename {header!r} to {HEADERS[role]}")
        else:
            hints.append(f"add or name a column {HEADERS[role]}")
    raise LogError(
        f"{place}: no column for the {' and '.join(HEADERS[role] for role in missing)} in {_names(headers)}; a log has "
        "[trace,] step, current_state, trigger, next_state [, output], or [step,] trigger, output, or [step,] event; "
        + ", ".join(hints)
    )


def _names(headers: Iterable[str]) -> str:
    return ", ".join(repr(header) for header in headers)


# --- records -> codes -------------------------------------------------------------------------------------------


class _Rows:
    """The rows read so far, in file order, as codes; words get their codes as they come."""

    def __init__(self) -> None:
        self.codes: dict[str, dict[str, int]] = {"trace": {}, "state": {}, "trigger": {}, "output": {}}
        self.parts: dict[str, list[NDArray[Any]]] = {}
        self.rows = 0

    def __len__(self) -> int:
        return self.rows

    def add(self, block: _Block, layout: _Layout, file: int) -> None:
        """Add the records of one block. LogError where a trigger, event or trace is empty or a step is no number."""
        n = len(block.line)
        if n == 0:
            return
        frame = _parse(block, layout)
        found: dict[str, NDArray[Any]] = {"file": np.full(n, file, np.int32), "line": block.line.astype(np.int32)}
        for role, column in layout.position.items():
            if role == "step":
                found["step"] = _steps(frame[column], block, layout)
                continue
            cells = frame[column].cat
            codes = self.codes[WORDS_OF.get(role, role)]
            words = [word.strip() for word in cells.categories.tolist()]
            code = np.array([codes.setdefault(word, len(codes)) for word in words], np.int32)
            coded = code[cells.codes.to_numpy()[1:]]
            if role in ("trigger", "event", "trace") and "" in codes:
                row = int(np.argmax(coded == codes[""]))
                raise LogError(
                    f"{block.name}:{block.line[row]}: {role} is empty; fill in column {layout.columns[role]!r}, "
                    "or delete the row"
                )
            found["trigger" if role == "event" else role] = coded
        self.rows += n
        for role, values in found.items():
            self.parts.setdefault(role, []).append(values)

    def column(self, role: str) -> NDArray[Any]:
        """One column of all rows; its parts are let go."""
        return np.concatenate(self.parts.pop(role))


def _parse(block: _Block, layout: _Layout) -> pd.DataFrame:
    """The cells of a block as categories of strings, and the steps as integers where they all are.

    pandas turns the categories of a column into numbers where all look like numbers, so that 1 and 01 would be
    one word. A first row of words, which belongs to no record, keeps them strings.
    """
    kinds = dict.fromkeys(layout.position.values(), "category")
    words = ["x"] * len(layout.headers)
    if "step" in layout.position:
        kinds[layout.position["step"]] = "int64"
        words[layout.position["step"]] = "0"
    text = (layout.delimiter.join(words) + "\n").encode() + block.text
    try:
        frame = _read_csv(text, layout, kinds)
    except (ValueError, OverflowError):  # some step is no integer: `_steps` finds out which
        kinds[layout.position["step"]] = "str"
        frame = _read_csv(text, layout, kinds)
    assert len(frame) == len(block.line) + 1, "pandas and _records disagree on where records end"
    return frame


def _read_csv(text: bytes, layout: _Layout, kinds: dict[int, str]) -> pd.DataFrame:
    with np.errstate(invalid="ignore"):  # pandas casts infinite steps before it refuses them
        return pd.read_csv(
            io.BytesIO(text),
            sep=layout.delimiter,
            header=None,
            names=list(range(len(layout.headers))),
            usecols=list(kinds),
            dtype=kinds,
            engine="c",
            lineterminator="\n",
            skipinitialspace=True,
            skip_blank_lines=False,
            na_filter=False,
            low_memory=False,
        )


def _steps(cells: pd.Series[Any], block: _Block, layout: _Layout) -> NDArray[np.int64]:
    if cells.dtype == np.int64:
        return cells.to_numpy()[1:]
    steps = []
    for line, cell in zip(block.line.tolist(), cells.tolist()[1:], strict=True):
        number = re.fullmatch(r"([+-]?\d{1,18})(\.0*)?", cell.strip(), re.ASCII)
        if not number:
            raise LogError(
                f"{block.name}:{line}: step {cell.strip()!r} is no whole number; number the rows of each trace 1, 2, 3 "
                f"in column {layout.columns['step']!r}, or leave the column out"
            )
        steps.append(int(number[1]))
    return np.array(steps, np.int64)


# --- codes -> Log -----------------------------------------------------------------------------------------------


def _assemble(rows: _Rows, layout: _Layout, files: tuple[str, ...]) -> Log:
    """Put the rows in order of trace and step, settle the empty states, and count what is odd."""
    n, has = len(rows), layout.columns
    file, line = rows.column("file"), rows.column("line")
    step = rows.column("step") if "step" in has else None
    if "trace" in has:
        names, [trace] = _renumber(list(rows.codes["trace"]), rows.column("trace"))
    else:
        trace = _cut(file, step)
        names = tuple(str(r + 1) for r in range(trace[-1] + 1))

    order: NDArray[np.int64] | None = None
    if (np.diff(trace) < 0).any():
        order = np.argsort(trace, kind="stable")
        file, line, trace = file[order], line[order], trace[order]
        step = None if step is None else step[order]
    offsets = np.searchsorted(trace, np.arange(len(names) + 1)).astype(np.int64)
    same = np.diff(trace) == 0  # (N - 1,) whether a row and the next are of one trace
    if step is None:
        step = np.arange(n) - np.repeat(offsets[:-1], np.diff(offsets))
    rise = np.diff(step)
    late = np.flatnonzero(same & (rise < 0)) + 1
    oddities = _Oddities(files, file, line)
    if len(late):
        oddities.add("row out of order", late, "put in order of step")
        by_step = np.lexsort((step, trace))
        order = by_step if order is None else order[by_step]
        file, line, step = file[by_step], line[by_step], step[by_step]
        oddities.file, oddities.line = file, line
        rise = np.diff(step)

    def column(role: str) -> IntArray:
        if role not in rows.parts:
            return np.full(n, UNKNOWN, np.int32)
        codes: IntArray = rows.column(role)
        return codes if order is None else codes[order]

    triggers, [trigger] = _renumber(list(rows.codes["trigger"]), column("trigger"))
    outputs, [output] = _renumber(list(rows.codes["output"]), column("output"))
    state, next_state = column("state"), column("next_state")
    states: tuple[str, ...] = ()
    unrecorded = UNKNOWN

    numbered = 2 * np.count_nonzero(same & (rise == 1)) >= np.count_nonzero(same & (rise > 0))
    gap = same & (rise > 1) & numbered  # steps that mostly rise by more than one do not count rows
    joined = same & ~gap
    if layout.kind == "visible":
        words = list(rows.codes["state"])
        unrecorded = _settle_empty(words, state, next_state, joined, oddities)
        broken = np.flatnonzero(joined & (next_state[:-1] != state[1:]))
        oddities.add("broken chain", broken, "kept; next_state is not the next row's current_state")
        states, [state, next_state] = _renumber(words, state, next_state)
        unrecorded = states.index(words[unrecorded]) if unrecorded != UNKNOWN else UNKNOWN

    equal = same & (rise == 0)
    repeated = equal.copy()
    for codes in (state, trigger, next_state, output):
        repeated &= codes[:-1] == codes[1:]
    oddities.add("repeated row", np.flatnonzero(repeated) + 1, "kept, in file order")
    oddities.add("duplicated step", np.flatnonzero(equal & ~repeated) + 1, "kept, in file order")
    oddities.add("gap in steps", np.flatnonzero(gap) + 1, "kept; rows seem to be lost before it")
    return Log(
        kind=layout.kind,
        files=files,
        columns=layout.columns,
        states=states,
        triggers=triggers,
        outputs=outputs,
        traces=names,
        offsets=offsets,
        file=file,
        line=line,
        step=step,
        state=state,
        trigger=trigger,
        next_state=next_state,
        output=output,
        oddities=tuple(oddities.found),
        unrecorded=unrecorded,
    )


@dataclass(slots=True)
class _Oddities:
    """The oddities found so far, and where the rows are."""

    files: tuple[str, ...]
    file: IntArray
    line: IntArray
    found: list[Oddity] = field(default_factory=list)

    def add(self, what: str, rows: NDArray[np.int64], done: str) -> None:
        if len(rows):
            first = rows[np.lexsort((self.line[rows], self.file[rows]))[0]]
            self.found.append(Oddity(what, len(rows), f"{self.files[self.file[first]]}:{self.line[first]}", done))


def _renumber(words: Sequence[str], *columns: IntArray) -> tuple[tuple[str, ...], list[IntArray]]:
    """Words in order of first appearance, row by row, without those that no code names; and the columns recoded."""
    rows, width = len(columns[0]), len(columns)
    first = np.full(len(words), rows * width)
    for start in range(0, rows if words else 0, 1 << 20):  # in parts, for the sake of memory
        for c, codes in enumerate(columns):
            part = codes[start : start + (1 << 20)]
            place = np.full(len(words), rows * width)
            place[part[::-1]] = np.arange(start + len(part) - 1, start - 1, -1) * width + c  # the last one stays
            np.minimum(first, place, out=first)
    order = np.argsort(first)[: np.count_nonzero(first < rows * width)]
    if not len(order):
        return (), list(columns)
    new = np.full(len(words), UNKNOWN, np.int32)
    new[order] = np.arange(len(order))
    return tuple(words[code] for code in order.tolist()), [new[codes] for codes in columns]


def _cut(file: IntArray, step: NDArray[np.int64] | None) -> IntArray:
    """Trace of each row of a log without a trace column: a new one begins with each file, and where step restarts.

    Step restarts where it falls by more than 2, or falls to the first step of its trace or below; a smaller fall is
    disorder inside the trace.
    """
    begins = np.append(True, np.diff(file) != 0)
    if step is not None:
        fall = np.append(0, step[:-1] - step[1:])
        start = 0
        for row in np.flatnonzero(begins | (fall > 0)).tolist():
            if begins[row] or fall[row] > 2 or step[row] <= step[start]:
                begins[row] = True
                start = row
    return (np.cumsum(begins) - 1).astype(np.int32)


def _settle_empty(
    words: list[str], state: IntArray, next_state: IntArray, joined: BoolArray, oddities: _Oddities
) -> int:
    """Fill empty states in place, and return the code of the state that stands for what stays empty, or UNKNOWN.

    A row's next_state and the next row's current_state are the same state of the machine, so an empty one takes the
    word of the other. Where neither is given nothing was recorded, and that is a visible state of its own.
    """
    if "" not in words:
        return UNKNOWN
    empty = words.index("")
    no_state, no_next = state == empty, next_state == empty
    take_next = np.flatnonzero(no_state[1:] & ~no_next[:-1] & joined) + 1
    take_state = np.flatnonzero(no_next[:-1] & ~no_state[1:] & joined)
    state[take_next] = next_state[take_next - 1]
    next_state[take_state] = state[take_state + 1]
    oddities.add("empty current_state", take_next, "filled with the next_state of the row before")
    oddities.add("empty next_state", take_state, "filled with the current_state of the row after")
    left = [np.flatnonzero(state == empty), np.flatnonzero(next_state == empty)]
    if not len(left[0]) and not len(left[1]):
        return UNKNOWN
    name = next(name for name in _unknown_names() if name not in words)
    oddities.add("unrecorded current_state", left[0], f"read as the state {name}")
    oddities.add("unrecorded next_state", left[1], f"read as the state {name}")
    words[empty] = name
    return empty


def _unknown_names() -> Iterator[str]:
    yield "(unknown)"
    yield from (f"(unknown {n})" for n in count(2))
