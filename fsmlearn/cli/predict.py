"""`fsmlearn predict`: the next state of one row given as options, or of many from standard input (`stream`).

Of a machine of events, the next event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from fsmlearn import formats
from fsmlearn.cli import console, options
from fsmlearn.cli.options import Argument, Option
from fsmlearn.errors import SettingsError

if TYPE_CHECKING:
    from fsmlearn.machine import Machine
    from fsmlearn.predict import Outlook

COLUMNS = ("next_state", "output", "probability", "count")


def run(
    rows: Annotated[str | None, Argument(metavar="-", help="- reads rows as CSV from standard input.")] = None,
    state: Annotated[
        str | None,
        Option("--state", metavar="STATE", help="A state as the log or as the table calls it."),
    ] = None,
    trigger: Annotated[str | None, Option("--trigger", metavar="TRIGGER", help="What happens in it.")] = None,
    history: Annotated[
        list[str] | None,
        Option(
            "--history",
            metavar="TRIGGERS",
            help="The triggers before, oldest first, separated by commas; may be given again.",
        ),
    ] = None,
    line_buffered: Annotated[
        bool, Option("--line-buffered", help="With -, write each row by itself as soon as it is answered.")
    ] = False,
    model: options.Model = options.MODEL,
    format: options.Format = None,
) -> int:
    """Say where a trigger leads.

    One name in the log may stand for several states of the machine; the triggers since the start of the trace
    settle which it is, and without them every next state is told with its share. Without --state the answer is for
    where the history leads. In a pipe the bare next states are printed, one a line, the likeliest first;
    the exit status is 1 where the log never showed such a transition.

    With -, rows are read as CSV with the columns state (or current state) and trigger, perhaps trace, step, history and
    output, and written with the likeliest next state and its probability added. Within a trace the rows
    before are the history; without a trace column a new one begins where the step restarts. The stream may be endless:
    what has arrived is answered before more is waited for, and the latest 100,000 traces at least are remembered.

    Of a log of events alone no --trigger is asked for: the answer is the events that come next in the state, or after
    the history. With -, rows have the column event, and the likeliest next event is added.
    """
    from fsmlearn import predict, store

    machine = store.load_machine(model)
    if rows is not None:
        if rows != "-" or state is not None or trigger is not None or history:
            raise SettingsError("predict takes either - alone, for rows on standard input, or --state and --trigger")
        if format not in (None, "csv"):
            raise SettingsError("--format: rows from standard input are written as csv")
        from fsmlearn.cli import stream

        return (stream.next_events if machine.kind == "lts" else stream.next_states)(machine, line_buffered)
    if line_buffered:
        raise SettingsError("--line-buffered: is for rows on standard input; give - as well")
    if trigger is None and machine.kind != "lts":
        raise SettingsError("predict needs --trigger, or - for rows on standard input")
    before = [word for part in history or () for word in formats.listed(part)]
    if trigger is None:
        return _next_events(machine, predict.outlook(machine, state, before), state, before, format)
    answer = predict.predict(machine, state, trigger, before)
    if not answer.predictions:
        place = f"in {state!r}" if state is not None else "there"
        console.note(f"the log never showed {trigger!r} {place}{' after this history' if before else ''}")
        return console.NO
    if not answer.followed:
        _tell_lost(machine, state, "triggers")
    found: list[formats.Row] = [{column: getattr(p, column) for column in COLUMNS} for p in answer.predictions]
    # What the log shows next: the visible state, or where it hides states, the output.
    key = "next_state" if any(machine.labels.values()) else "output"
    _print(found, key, format)
    return 0


def _next_events(machine: Machine, found: Outlook, state: str | None, before: Sequence[str], format: str | None) -> int:
    """Print the events that come next; the exit status is NO where the trace has ended."""
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
