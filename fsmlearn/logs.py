"""Files in, one `Log` of integer arrays out; and a `Log` written as CSV again.

Words become integers here, once. Nothing is dropped in silence: what is odd about a file is counted and located in
`Log.oddities`, what cannot be read is refused with one line naming file, line and remedy. `records` checks the bytes,
`columns` reads the header, `cells` codes the words and `traces` orders the rows; all that is joined here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from fsmlearn.cells import Cells
from fsmlearn.columns import HEADERS, SYNONYMS, Layout, LogKind, quoted, read_header
from fsmlearn.errors import LogError
from fsmlearn.records import STDIN, check_records, open_bytes, pieces, split_header
from fsmlearn.traces import UNKNOWN, Oddities, Oddity, arrange, cut, drop_word, fill_empty, name_of_unknown, renumber

__all__ = ["SYNONYMS", "UNKNOWN", "Log", "LogKind", "Oddity", "read", "write_rows"]

IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Log:
    """Rows of one or more log files, ordered by trace and by step inside a trace.

    Letters: N rows, R traces, S visible states, A triggers, O outputs. Trace r is the rows
    offsets[r]:offsets[r + 1]. Columns that the log does not have hold UNKNOWN throughout. Words are in order
    of first appearance. The events of a sequence log are its triggers; an empty output is the word "", but UNKNOWN in a
    hidden log where every trace has an output in its last row and in no other.
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
            before = cells.rows
            first = [(line + header.count(b"\n"), rest)] if rest else []
            for start, text in chain(first, stretches):
                block = check_records(text, start, layout.delimiter, len(layout.headers), name)
                cells.add(block, layout, number)
            if cells.rows == before:
                raise LogError(f"{name}:{line}: a header but no rows; give a log with at least one row")
    return _assemble(cells, layouts[0], files)


def _assemble(cells: Cells, layout: Layout, files: tuple[str, ...]) -> Log:
    """Put the rows in order of trace and step, settle the empty states, and count what is odd."""
    file, line, trace, step = (cells.column(role) for role in ("file", "line", "trace", "step"))
    assert file is not None and line is not None
    if trace is None:
        trace = cut(file, step)
        names = tuple(str(r + 1) for r in range(trace[-1] + 1))
    else:
        names, [trace] = renumber(cells.words("trace"), trace)
    order, late = arrange(trace, step)
    offsets = np.searchsorted(trace[order], np.arange(len(names) + 1)).astype(np.int64)
    step = np.arange(len(order)) - np.repeat(offsets[:-1], np.diff(offsets)) if step is None else step[order]

    def column(role: str) -> IntArray:
        codes = cells.column(role)
        return np.full(len(order), UNKNOWN, np.int32) if codes is None else codes[order]

    oddities = Oddities(files, file, line)
    oddities.add("row out of order", late, "put in order of step")
    same, rise = np.diff(trace[order]) == 0, np.diff(step)  # (N - 1,) of a row and the next: of one trace? steps apart
    # steps that mostly rise by more than one do not count rows
    numbered = 2 * np.count_nonzero(same & (rise == 1)) >= np.count_nonzero(same & (rise > 0))
    gap = same & (rise > 1) & numbered
    state, next_state = column("state"), column("next_state")
    states: tuple[str, ...] = ()
    unrecorded = UNKNOWN
    if layout.kind == "visible":
        words, joined = cells.words("state"), same & ~gap
        empty, name = words.index("") if "" in words else UNKNOWN, name_of_unknown(words)
        filled, filled_next = fill_empty(empty, state, next_state, joined)
        oddities.add("empty current_state", order[filled], "filled with the next_state of the row before")
        oddities.add("empty next_state", order[filled_next], "filled with the current_state of the row after")
        # where neither is given nothing was recorded, and that is a visible state of its own
        oddities.add("unrecorded current_state", order[state == empty], f"read as the state {name}")
        oddities.add("unrecorded next_state", order[next_state == empty], f"read as the state {name}")
        broken = np.flatnonzero(joined & (next_state[:-1] != state[1:]))
        oddities.add("broken chain", order[broken], "kept; next_state is not the next row's current_state")
        states, [state, next_state] = renumber([word or name for word in words], state, next_state)
        unrecorded = states.index(name) if name in states else UNKNOWN
    triggers, [trigger] = renumber(cells.words("trigger"), column("trigger"))
    outputs, [output] = renumber(cells.words("output"), column("output"))
    if layout.kind == "hidden" and "" in outputs:
        last = np.append(~same, True)
        if np.array_equal(output != outputs.index(""), last):
            outputs, output = drop_word(outputs, output, "")
            oddities.add(
                "unrecorded output", order[~last], "the output at the end of a trace is taken to label all of it"
            )

    equal = same & (rise == 0)
    repeated = equal.copy()
    for codes in (state, trigger, next_state, output):
        repeated &= codes[:-1] == codes[1:]
    oddities.add("repeated row", order[1:][repeated], "kept, in file order")
    oddities.add("duplicated step", order[1:][equal & ~repeated], "kept, in file order")
    oddities.add("gap in steps", order[1:][gap], "kept; rows seem to be lost before it")
    return Log(
        kind=layout.kind,
        files=files,
        columns=layout.columns,
        states=states,
        triggers=triggers,
        outputs=outputs,
        traces=names,
        offsets=offsets,
        file=file[order],
        line=line[order],
        step=step,
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
