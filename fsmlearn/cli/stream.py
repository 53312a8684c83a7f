"""`fsmlearn predict -`: rows on standard input, answered one after the other for as long as they come.

Whatever has arrived is answered before more is waited for, and what is remembered of it does not grow: a stream may be
endless. Where it is no table, what came before is answered all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fsmlearn import formats, predict
from fsmlearn.arrivals import Arrivals, run_of
from fsmlearn.cli import console
from fsmlearn.columns import SYNONYMS, bare
from fsmlearn.errors import LogError, UnknownNameError
from fsmlearn.following import Belief, Following, Words
from fsmlearn.formats import listed
from fsmlearn.machine import Machine
from fsmlearn.predict import Follower
from fsmlearn.streams import STDIN, Prompt, open_bytes

HEADERS = {role: SYNONYMS[role] for role in ("trace", "step", "state", "trigger", "output")} | {"history": ("history",)}

Ask = Callable[[int, list[str]], str]  # line and row -> the cells to add as a line of CSV, "" where there is no answer
Why = Callable[[list[str]], str]  # a row -> why it has no answer


class _Rows:
    """The rows of standard input, and the answers to them, which leave when the input pauses, or one by one."""

    def __init__(self, each: bool) -> None:
        self._answers = console.Batch(each=each)
        with open_bytes(STDIN, STDIN) as stream:
            self._rows = Arrivals(Prompt(stream, STDIN, self._answers.flush))
        self.headers = self._rows.headers
        self.place = {role: _column(self.headers, names) for role, names in HEADERS.items()}

    def answer(self, added: Sequence[str], ask: Ask, why: Why) -> int:
        """Print every row with its answer; the exit status is NO where a row has none."""
        missing, first = 0, ""
        nothing = "," * (len(added) - 1) + "\n"
        try:
            self._answers.add(f"{_joined(self.headers)},{','.join(added)}\n")
            for line, row in self._rows.rows():
                tail = ask(line, row)
                if not tail:
                    missing += 1
                    first = first or f"{STDIN}:{line}: {why(row)}"
                self._answers.add(f"{_joined(row)},{tail or nothing}")
        finally:
            self._answers.flush()
        if not missing:
            return 0
        console.note(f"{missing} {'row has' if missing == 1 else 'rows have'} no answer; the first: {first}")
        return console.NO


def next_states(machine: Machine, each: bool) -> int:
    """Answer rows with the next state; within a trace the rows before are the history."""
    rows = _Rows(each)
    place = rows.place
    trace, step, state, trigger, output, history = (
        place[role] for role in ("trace", "step", "state", "trigger", "output", "history")
    )
    if trigger is None:
        raise LogError(f"{STDIN}:1: there is no column `trigger`; give rows with the columns state and trigger")
    if state is trace is step is history is None:
        raise LogError(f"{STDIN}:1: there is no column `state`; give it, or `trace`, `step` or `history`")
    outputs = {t.output for t in machine.transitions if t.output}
    tell_output = any(t.output is not None for t in machine.transitions)
    states = {word for name, label in machine.labels.items() for word in (name, label)} | {""}
    triggers = set(machine.triggers)
    name_of = run_of(trace, step, STDIN)

    def told(answer: predict.Answer) -> str:
        if not answer.predictions:
            return ""
        best = answer.predictions[0]
        return formats.csv_line([best.next_state, best.probability, *[best.output] * tell_output])

    def on(belief: Belief, words: Words) -> tuple[Belief, str]:
        follower = Follower(machine, belief)
        answer = follower.answer(words[0] or None, words[1])
        follower.move(words[1], words[2] or None)
        return follower.belief, told(answer)

    def alone(belief: Belief, words: Words) -> tuple[Belief, str]:
        return belief, told(predict.predict(machine, words[0] or None, words[1], listed(words[2])))

    begun = Follower(machine).belief
    followed, single = Following(begun, on, _nothing), Following(begun, alone, _nothing)

    def ask(line: int, row: list[str]) -> str:
        run = name_of(line, row) if name_of else ""
        now = row[state] if state is not None else ""
        before = row[history] if history is not None else ""
        if row[trigger] not in triggers or now not in states:
            return ""
        if before or not name_of:
            try:
                return single.answer("", (now, row[trigger], before))
            except UnknownNameError:  # in the history
                return ""
        # an output that no transition has is noise, and tells as little as none
        seen = row[output] if output is not None and row[output] in outputs else ""
        return followed.answer(run, (now, row[trigger], seen))

    def why(row: list[str]) -> str:
        before = listed(row[history]) if history is not None else ()
        try:
            predict.predict(machine, (row[state] if state is not None else "") or None, row[trigger], before)
        except UnknownNameError as error:
            return str(error)
        return "the log never showed this transition"

    added = ["next_state", "probability", *["output"] * tell_output]
    return rows.answer([_free(name, rows.headers) for name in added], ask, why)


def next_events(machine: Machine, each: bool) -> int:
    """Answer each event with the one that comes next."""
    rows = _Rows(each)
    event = _column(rows.headers, (*SYNONYMS["event"], *SYNONYMS["trigger"]))
    if event is None:
        raise LogError(f"{STDIN}:1: there is no column `event`; give rows with the columns trace and event")
    events = set(machine.triggers)
    name_of = run_of(rows.place["trace"], rows.place["step"], STDIN)

    def on(belief: Belief, words: Words) -> tuple[Belief, str]:
        follower = Follower(machine, belief)
        upcoming = follower.outlook(words[0]).events
        told = formats.csv_line([upcoming[0].event, upcoming[0].probability]) if upcoming else ""
        return follower.belief, told

    following = Following(Follower(machine).belief, on, _nothing)

    def ask(line: int, row: list[str]) -> str:
        run = name_of(line, row) if name_of else ""
        return following.answer(run, (row[event],)) if row[event] in events else ""

    def why(row: list[str]) -> str:
        try:
            Follower(machine).outlook(row[event])
        except UnknownNameError as error:
            return str(error)
        return "the trace has ended"

    added = [_free(name, rows.headers) for name in ("next_event", "probability")]
    return rows.answer(added, ask, why)


def _nothing() -> None:
    """What is kept of a run beside where it is."""


def _joined(row: Sequence[str]) -> str:
    """A row as CSV without its newline."""
    text = ",".join(row)
    if text.count(",") >= len(row) or '"' in text or "\n" in text or "\r" in text:
        return formats.csv_line(row)[:-1]
    return text


def _column(headers: Sequence[str], names: tuple[str, ...]) -> int | None:
    plain = [bare(header) for header in headers]
    return next((plain.index(name) for name in names if name in plain), None)


def _free(name: str, headers: Sequence[str]) -> str:
    """The name of a column to add, kept apart from the columns that are there."""
    return f"predicted_{name}" if _column(headers, (name.replace("_", ""),)) is not None else name
