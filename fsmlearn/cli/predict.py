"""`fsmlearn predict`: the next state of one row given as options, or of many from standard input (`stream`).

Of a machine of events, the next event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from fsmlearn import formats
from fsmlearn.cli import console, options
from fsmlearn.cli.options import Argument, Option
from fsmlearn.errors import ModelError, SettingsError

if TYPE_CHECKING:
    from fsmlearn.machine import Machine
    from fsmlearn.opinion import Listener, Opinion
    from fsmlearn.predict import Path

COLUMNS = ("next_state", "output", "probability", "count")
EVENTS = ("event", "probability", "count")
STEPS = ("step", "state", "trigger", "output", "next_state", "probability")
Seen = tuple[str | None, str | None]  # as in `opinion`
LEAST = 0.01  # probability from which the network's answers are told that the table does not have


def run(
    rows: Annotated[str | None, Argument(metavar="-", help="- reads rows as CSV from standard input.")] = None,
    state: Annotated[
        str | None,
        Option("--state", metavar="STATE", help="A state as the log or as the table calls it."),
    ] = None,
    trigger: Annotated[
        list[str] | None,
        Option(
            "--trigger",
            metavar="TRIGGERS",
            help="What happens in it; several, separated by commas or given again, make a path.",
        ),
    ] = None,
    history: Annotated[
        list[str] | None,
        Option(
            "--history",
            metavar="TRIGGERS",
            help="The triggers before, oldest first, separated by commas; may be given again.",
        ),
    ] = None,
    top: Annotated[str | None, Option("--top", metavar="K", help="The K likeliest answers alone.")] = None,
    from_start: Annotated[
        bool, Option("--from-start", help="The trace begins with the history: follow it from the initial state alone.")
    ] = False,
    network: Annotated[bool, Option("--network", help="Ask the network as well, and say where it disagrees.")] = False,
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

    Several triggers are fired one after the other: each line is a step of the likeliest path, with its probability
    where it is taken. It ends where the log never showed the next trigger, and then the exit status is 1.

    With --network the network is asked as well, after the rows that the history stands for, or the shortest way to the
    state. A column tells how probable it holds each answer, and a line on standard error where it holds another for
    the likeliest.

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
        if rows != "-" or state is not None or trigger or history or top or from_start or network:
            raise SettingsError("predict takes either - alone, for rows on standard input, or --state and --trigger")
        if format not in (None, "csv"):
            raise SettingsError("--format: rows from standard input are written as csv")
        from fsmlearn.cli import stream

        return (stream.next_events if machine.kind == "lts" else stream.next_states)(machine, line_buffered)
    if line_buffered:
        raise SettingsError("--line-buffered: is for rows on standard input; give - as well")
    if not trigger and machine.kind != "lts":
        raise SettingsError("predict needs --trigger, or - for rows on standard input")
    word = [each for part in trigger or () for each in ([part] if part in machine.triggers else formats.listed(part))]
    if trigger and not word:
        raise SettingsError("--trigger: is empty; name a trigger")
    most = None if top is None else options.whole("--top", top, 1)
    before = [each for part in history or () for each in formats.listed(part)]
    what = "events" if machine.kind == "lts" else "triggers"
    if len(word) > 1:
        if top is not None:
            raise SettingsError("--top: is for one trigger; a path has the likeliest answer to each")
        found = predict.path(machine, state, word, before, from_start=from_start)
        listener = _listener(model, machine, state, before) if network else None
        if not _told(machine, state, found.followed, what, from_start):
            return console.NO
        return _print_path(machine, found, word, listener, format)
    if not word:
        events = predict.outlook(machine, state, before, from_start=from_start)
        followed, key = events.followed, "event"
        answers: list[formats.Row] = [{c: getattr(each, c) for c in EVENTS} for each in events.events]
    else:
        answer = predict.predict(machine, state, word[0], before, from_start=from_start)
        followed = answer.followed
        answers = [{c: getattr(each, c) for c in COLUMNS} for each in answer.predictions]
        # What the log shows next: the visible state, or where it hides states, the output.
        key = "next_state" if any(machine.labels.values()) else "output"
    if from_start and not followed:
        _told(machine, state, followed, what, from_start)
        return console.NO
    opinion = None
    if network:
        if word and machine.kind == "lts":
            raise SettingsError("--network: a network of events knows what comes next; leave out --trigger")
        listener = _listener(model, machine, state, before)
        if word:
            listener.hear(_shown(machine, state, before), word[0])
        opinion = listener.opinion()
    if not answers:
        _tell_nothing(state, word, before, opinion)
        return console.NO
    _told(machine, state, followed, what, from_start)
    if opinion is not None:
        answers = _beside(answers, key, opinion)
    _print(answers[:most], key, format)
    return 0


def _listener(model: str, machine: Machine, state: str | None, before: Sequence[str]) -> Listener:
    """The network of a model, told what the question has behind it."""
    from fsmlearn import store
    from fsmlearn.dynamics import Network
    from fsmlearn.opinion import Listener

    if store.load_origin(model) is not None:
        raise ModelError(f"{model}: was imported and has no network; ask the table, without --network")
    listener = Listener(Network(store.load_model(model), store.load_sample(model)), machine)
    listener.follow(state, before)
    return listener


def _shown(machine: Machine, state: str | None, before: Sequence[str]) -> str:
    """The visible state that a question is about."""
    from fsmlearn.predict import likeliest_way

    if state is not None:
        return machine.visible(state) if state in machine.labels else state
    way = likeliest_way(machine, None, before)
    return machine.visible(way[-1].next_state if way else machine.initial)


def _beside(answers: Sequence[formats.Row], key: str, opinion: Opinion) -> list[formats.Row]:
    """The table's answers with the network's probabilities, and what the network alone holds for possible."""

    def seen(row: formats.Row) -> Seen:
        word = None if key == "output" else str(row[key])
        output = row.get("output")
        return word, None if output is None else str(output)

    rows: list[formats.Row] = [{**row, "network": opinion.shares.get(seen(row), 0.0)} for row in answers]
    table = {seen(row) for row in answers}
    for (word, output), share in opinion.shares.items():
        if share >= LEAST and (word, output) not in table:
            names: dict[str, formats.Cell] = (
                {"event": word} if key == "event" else {"next_state": word, "output": output}
            )
            rows.append({**names, "probability": 0.0, "count": 0, "network": share})
    best = seen(answers[0])
    if opinion.best != best:
        told = f"{_word(opinion.best)!r} for likeliest ({formats.percent(opinion.shares[opinion.best])})"
        console.aside(f"the network holds {told}, the table {_word(best)!r}")
    return rows


def _word(seen: Seen) -> str:
    """An answer in one word or two: `Soak`, `beep`, `Open / click`."""
    return " / ".join(str(each) for each in seen if each is not None)


def _print_path(
    machine: Machine, found: Path, word: Sequence[str], listener: Listener | None, format: str | None
) -> int:
    """Print the steps; the exit status is NO where they end before the triggers do."""
    rows: list[formats.Row] = []
    hides = not any(machine.labels.values())
    for number, step in enumerate(found.steps, 1):
        row: dict[str, formats.Cell] = {"step": number} | {c: getattr(step, c) for c in STEPS[1:]}
        if listener is not None:
            if machine.kind != "lts":
                listener.hear(step.state, step.trigger)
            opinion = listener.opinion()
            seen: Seen = (None if hides else step.next_state, step.output)
            if machine.kind == "lts":
                seen = step.trigger, None
                if number < len(found.steps):
                    listener.hear(step.state, step.trigger)
            row |= {"network": opinion.shares.get(seen, 0.0)}
            row |= {"network_expects": _word(opinion.best) if opinion.best != seen else None}
        rows.append(row)
    if rows:
        columns = [
            c for c in rows[0] if c not in ("output", "network_expects") or any(row[c] is not None for row in rows)
        ]
        _print_rows(columns, rows, format)
        apart = sum(row.get("network_expects") is not None for row in rows)
        if apart:
            console.aside(f"the network expects something else in {formats.counted(apart, 'step')}")
    if len(rows) == len(word):
        return 0
    place = f"in {found.steps[-1].next_state!r}" if rows else "there"
    console.note(f"the log never showed {word[len(rows)]!r} {place}: step {len(rows) + 1} of {len(word)}")
    return console.NO


def _tell_nothing(state: str | None, word: Sequence[str], before: Sequence[str], opinion: Opinion | None) -> None:
    guess = ""
    if opinion is not None:
        guess = f"; the network would say {_word(opinion.best)!r} ({formats.percent(opinion.shares[opinion.best])})"
    if not word:
        console.note(f"nothing comes after {before[-1] if before else state!r}: the trace has ended")
        return
    place = f"in {state!r}" if state is not None else "there"
    console.note(f"the log never showed {word[0]!r} {place}{' after this history' if before else ''}{guess}")


def _told(machine: Machine, state: str | None, followed: bool, what: str, from_start: bool) -> bool:
    """Say where the history does not lead from the initial state; whether there is an answer all the same."""
    if followed:
        return True
    end = "" if state is None else f" to {state!r}"
    rest = "" if from_start else f"; taken for the latest {what} of a longer one"
    console.note(f"the history does not lead from {machine.initial!r}{end}{rest}")
    return not from_start


def _print(found: Sequence[formats.Row], key: str, format: str | None) -> None:
    """Print what may follow; in a pipe the words in the column `key` alone."""
    if format is None and not console.on_terminal():
        for word in dict.fromkeys(str(row[key] or "") for row in found):
            console.out(formats.printable(word) + "\n")
        return
    _print_rows([c for c in found[0] if c != "output" or any(row[c] is not None for row in found)], found, format)


def _print_rows(columns: Sequence[str], rows: Sequence[formats.Row], format: str | None) -> None:
    """Print rows with the columns that say something; programs get all of them."""
    style = console.chosen_format(format)
    console.write_rows(style, rows[0] if style in ("csv", "json") else columns, rows)
