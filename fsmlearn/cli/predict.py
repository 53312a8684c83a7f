"""`fsmlearn predict`: the next state of one row given as options, or of many from standard input.

Of a machine of events, the next event.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from fsmlearn import formats, predict, store
from fsmlearn.cli import console, options
from fsmlearn.columns import SYNONYMS
from fsmlearn.errors import LogError, SettingsError, UnknownNameError
from fsmlearn.machine import Machine
from fsmlearn.predict import Answer, Follower

COLUMNS = ("next_state", "output", "probability", "count")
STDIN = "<stdin>"
HEADERS = {role: SYNONYMS[role] for role in ("trace", "step", "state", "trigger", "output")} | {"history": ("history",)}


def run(
    rows: Annotated[
        str | None, typer.Argument(metavar="-", help="- reads rows as CSV from standard input.", show_default=False)
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state", metavar="STATE", help="A state as the log or as the table calls it.", show_default=False
        ),
    ] = None,
    trigger: Annotated[
        str | None, typer.Option("--trigger", metavar="TRIGGER", help="What happens in it.", show_default=False)
    ] = None,
    history: Annotated[
        list[str] | None,
        typer.Option(
            "--history",
            metavar="TRIGGERS",
            help="The triggers before, oldest first, separated by commas; may be given again.",
            show_default=False,
        ),
    ] = None,
    model: options.Model = options.MODEL,
    format: options.Format = None,
) -> None:
    """Say where a trigger leads.

    One name in the log may stand for several states of the machine; the triggers since the start of the trace
    settle which it is, and without them every next state is told with its share. Without --state the answer is for
    where the history leads. In a pipe the bare next states are printed, one a line, the likeliest first;
    the exit status is 1 where the log never showed such a transition.

    With -, rows are read as CSV with the columns state (or current state) and trigger, perhaps trace, step, history and
    output, and written with the likeliest next state and its probability added. Within a trace the rows
    before are the history; without a trace column a new one begins where the step restarts.

    Of a log of events alone no --trigger is asked for: the answer is the events that come next in the state, or after
    the history. With -, rows have the column event, and the likeliest next event is added.
    """
    machine = store.load_machine(model)
    if rows is not None:
        if rows != "-" or state is not None or trigger is not None or history:
            raise SettingsError("predict takes either - alone, for rows on standard input, or --state and --trigger")
        if format not in (None, "csv"):
            raise SettingsError("--format: rows from standard input are written as csv")
        raise typer.Exit((_events if machine.kind == "lts" else _batch)(machine))
    if trigger is None and machine.kind != "lts":
        raise SettingsError("predict needs --trigger, or - for rows on standard input")
    before = [word for part in history or () for word in _words(part)]
    if trigger is None:
        raise typer.Exit(_next_events(machine, state, before, format))
    answer = predict.predict(machine, state, trigger, before)
    if not answer.predictions:
        place = f"in {state!r}" if state is not None else "there"
        console.note(f"the log never showed {trigger!r} {place}{' after this history' if before else ''}")
        raise typer.Exit(console.NO)
    if not answer.followed:
        _tell_lost(machine, state, "triggers")
    found: list[formats.Row] = [{column: getattr(p, column) for column in COLUMNS} for p in answer.predictions]
    # What the log shows next: the visible state, or where it hides states, the output.
    key = "next_state" if any(machine.labels.values()) else "output"
    _print(found, key, format)


def _next_events(machine: Machine, state: str | None, before: Sequence[str], format: str | None) -> int:
    """Print the events that come next; the exit status is NO where the trace has ended."""
    found = predict.outlook(machine, state, before)
    if not found.events:
        console.note(f"nothing comes after {before[-1] if before else state!r}: the trace has ended")
        return console.NO
    if not found.followed:
        _tell_lost(machine, state, "events")
    columns = ("event", "probability", "count")
    _print([{column: getattr(each, column) for column in columns} for each in found.events], "event", format)
    return 0


def _tell_lost(machine: Machine, state: str | None, what: str) -> None:
    end = "" if state is None else f" to {state!r}"
    console.note(
        f"the history does not lead from {machine.initial!r}{end}; taken for the latest {what} of a longer one"
    )


def _print(found: Sequence[formats.Row], key: str, format: str | None) -> None:
    """Print what may follow; in a pipe the words in the column `key` alone."""
    if format is None and not console.on_terminal():
        for word in dict.fromkeys(str(row[key] or "") for row in found):
            console.out(formats.printable(word) + "\n")
        return
    style = console.chosen_format(format)
    columns = [c for c in found[0] if c != "output" or any(row[c] is not None for row in found)]
    if style == "table":
        from fsmlearn import report

        console.show(report.rows_table(columns, found))
    else:
        console.write_rows(style, found[0] if style in ("csv", "json") else columns, found)


def _events(machine: Machine) -> int:
    """Say after each event on stdin which comes next; the exit status is NO where that is not known."""
    headers, rows = _read()
    place = {role: _column(headers, names) for role, names in HEADERS.items()}
    event = _column(headers, (*SYNONYMS["event"], *SYNONYMS["trigger"]))
    if event is None:
        raise LogError(f"{STDIN}:1: there is no column `event`; give rows with the columns trace and event")
    console.out(formats.csv_line([*headers, _free("next_event", headers), _free("probability", headers)]))
    followers: dict[str, Follower] = {}
    runs = _Runs()
    unanswered: list[str] = []
    for line, row in rows:
        if place["trace"] is not None:
            trace = row[place["trace"]]
        else:
            trace = "" if place["step"] is None else runs.of(row[place["step"]], f"{STDIN}:{line}")
        follower = followers.setdefault(trace, Follower(machine))
        try:
            upcoming, reason = follower.outlook(row[event]).events[:1], "the trace has ended"
        except UnknownNameError as error:
            upcoming, reason = (), str(error)
        if not upcoming:
            unanswered.append(f"{STDIN}:{line}: {reason}" if not unanswered else "")
        cells: list[formats.Cell] = [upcoming[0].event, upcoming[0].probability] if upcoming else [None, None]
        console.out(formats.csv_line([*row, *cells]))
        sys.stdout.flush()  # somebody may be waiting for this row before sending the next
    return _unanswered(unanswered)


def _unanswered(places: Sequence[str]) -> int:
    if not places:
        return 0
    console.note(f"{len(places)} {'row has' if len(places) == 1 else 'rows have'} no answer; the first: {places[0]}")
    return console.NO


def _batch(machine: Machine) -> int:
    """Answer the rows on stdin as they come; the exit status is NO where a row has no answer."""
    headers, rows = _read()
    place = {role: _column(headers, names) for role, names in HEADERS.items()}
    if place["trigger"] is None:
        raise LogError(f"{STDIN}:1: there is no column `trigger`; give rows with the columns state and trigger")
    if all(place[role] is None for role in ("state", "trace", "step", "history")):
        raise LogError(f"{STDIN}:1: there is no column `state`; give it, or `trace`, `step` or `history`")
    outputs = any(t.output is not None for t in machine.transitions)
    added = [_free(name, headers) for name in ("next_state", "probability", *["output"] * outputs)]
    console.out(formats.csv_line([*headers, *added]))
    followers: dict[str, Follower] = {}
    runs = _Runs()
    unanswered: list[str] = []
    for line, row in rows:
        cell = {role: row[i] if i is not None else None for role, i in place.items()}
        if cell["trace"] is None and cell["step"] is not None:
            cell["trace"] = runs.of(cell["step"], f"{STDIN}:{line}")
        try:
            answer = _answer(machine, cell, followers)
            reason = "the log never showed this transition"
        except UnknownNameError as error:
            answer, reason = Answer(()), str(error)
        if answer.predictions:
            best = answer.predictions[0]
            cells: list[formats.Cell] = [best.next_state, best.probability, *[best.output] * outputs]
        else:
            unanswered.append(f"{STDIN}:{line}: {reason}" if not unanswered else "")
            cells = [None] * len(added)
        console.out(formats.csv_line([*row, *cells]))
        sys.stdout.flush()  # somebody may be waiting for this row before sending the next
    return _unanswered(unanswered)


class _Runs:
    """Names the runs of rows without a trace column: a new one begins where the step restarts, as in a log.

    It restarts where it falls by more than 2, or to the first step of its run or below.
    """

    def __init__(self) -> None:
        self._run = 0
        self._first: int | None = None
        self._last = 0

    def of(self, word: str, place: str) -> str:
        """The run that a row with this step belongs to."""
        try:
            step = int(word)
        except ValueError:
            raise LogError(f"{place}: step {word!r} is not a whole number; number the rows") from None
        if self._first is None or (step < self._last and (step <= self._first or step < self._last - 2)):
            self._run, self._first = self._run + 1, step
        self._last = step
        return str(self._run)


def _answer(machine: Machine, cell: dict[str, str | None], followers: dict[str, Follower]) -> Answer:
    state, trigger = cell["state"] or None, cell["trigger"] or ""
    if cell["history"]:
        return predict.predict(machine, state, trigger, _words(cell["history"]))
    if cell["trace"] is None:
        return predict.predict(machine, state, trigger)
    follower = followers.get(cell["trace"])
    if follower is None:
        follower = followers[cell["trace"]] = Follower(machine)
    answer = follower.answer(state, trigger)
    follower.move(trigger, cell["output"] or None)
    return answer


def _read() -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The header of stdin, and its rows with the lines they end on."""
    text = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="")
    try:
        first = text.readline()
    except UnicodeDecodeError:
        raise LogError(f"{STDIN}:1: is not UTF-8; convert it first") from None
    if not first.strip():
        raise LogError(f"{STDIN}: is empty; give a header line and rows")
    delimiter = max(",\t;|", key=first.count)
    headers = next(csv.reader([first], delimiter=delimiter))

    def rows() -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            for row in reader:
                if row and len(row) != len(headers):
                    place = f"{STDIN}:{reader.line_num + 1}"
                    raise LogError(
                        f"{place}: has {len(row)} fields where the header has {len(headers)}; quote or add fields"
                    )
                if row:
                    yield reader.line_num + 1, row
        except UnicodeDecodeError:
            raise LogError(f"{STDIN}:{reader.line_num + 2}: is not UTF-8; convert it first") from None
        except csv.Error as error:
            raise LogError(
                f"{STDIN}:{reader.line_num + 1}: is not CSV ({error}); quote fields as RFC 4180 has it"
            ) from None

    return headers, rows()


def _words(text: str) -> list[str]:
    """`Power,"Program 1, 2"` -> its words."""
    return [word.strip() for word in next(csv.reader([text], skipinitialspace=True), []) if word.strip()]


def _column(headers: Sequence[str], names: tuple[str, ...]) -> int | None:
    plain = ["".join(c for c in header.casefold() if c not in "_- ") for header in headers]
    return next((plain.index(name) for name in names if name in plain), None)


def _free(name: str, headers: Sequence[str]) -> str:
    """The name of a column to add, kept apart from the columns that are there."""
    return f"predicted_{name}" if _column(headers, (name.replace("_", ""),)) is not None else name
