"""`fsmlearn diff`: what two machines do differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from fsmlearn import formats
from fsmlearn.cli import console, options
from fsmlearn.cli.options import Argument

if TYPE_CHECKING:
    from fsmlearn.diff import Difference, Differences
    from fsmlearn.machine import Machine, Transition

COLUMNS = (
    *("difference", "old_word", "new_word", "old_state", "new_state", "trigger"),
    *("old", "new", "old_rows", "new_rows", "then", "old_then", "new_then"),
)

Row = dict[str, formats.Cell]


def run(
    old: Annotated[str, Argument(metavar="OLD", help="The model file of one machine.")],
    new: Annotated[str, Argument(metavar="NEW", help="The model file of the other.")],
    format: options.Format = None,
) -> int:
    """Tell what two machines do differently.

    Both are walked side by side from their initial states, and a difference is a place in their behaviour, with the
    triggers that lead there and what either machine does: another output or visible state; a trigger that one log never
    showed there; the same answer, but a state that answers differently later (then); other shares than chance
    explains. A visible state that is called otherwise, and triggers and states that only one of them has, are told
    once. The first line has a shortest sequence of triggers on which they differ.

    The names that the machines give to their states do not matter. The exit status is 0 where nothing differs, and then
    nothing is printed, and 1 where something does.
    """
    from fsmlearn import diff, store

    style = console.chosen_format(format)
    machines = store.load_machine(old), store.load_machine(new)
    found = diff.diff(*machines)
    if not found.found:
        console.aside("no difference")
        return 0
    if not _triggers(machines[0]) & _triggers(machines[1]):
        console.note(f"the machines have no {'event' if machines[0].kind == 'lts' else 'trigger'} in common")
    if style == "table":
        show(found, machines)
    else:
        console.write_rows(style, COLUMNS, [_row(each, machines) for each in found.found])
    return console.NO


def _triggers(machine: Machine) -> set[str]:
    """The triggers, or the events without the end of a trace."""
    return {t.trigger for t in machine.transitions if machine.kind != "lts" or machine.labels[t.next_state] is None}


def _row(each: Difference, machines: tuple[Machine, Machine]) -> Row:
    row: Row = dict.fromkeys(COLUMNS)
    row |= {"difference": each.kind, "trigger": each.trigger, "then": _word(each.then)}
    for name, side, machine in zip(("old", "new"), (each.old, each.new), machines, strict=True):
        if side.states:
            row[f"{name}_word"] = _word(side.word)
            row[f"{name}_state"] = " or ".join(side.states)
            row[name] = _told(side.ways) if each.trigger is not None else machine.visible(side.states[0])
            row[f"{name}_rows"] = side.rows if each.trigger is not None else None
            row[f"{name}_then"] = _told(side.then)
            row[f"{name}_left"] = sum(t.count for t in machine.transitions if t.state in side.states)  # by all triggers
    return row


def _word(word: Sequence[str]) -> str:
    """Triggers as `--history` takes them."""
    return formats.csv_line(word).rstrip("\n")


def _told(ways: Sequence[Transition]) -> str:
    """What a machine does: `Idle`, `S1 / beep`, or with shares `Soak 75.0 %, Drain 25.0 %`."""
    texts = []
    for t in ways:
        text = t.next_state if t.output is None else f"{t.next_state} / {t.output}"
        texts.append(text if t.probability == 1 else f"{text} {formats.percent(t.probability)}")
    return ", ".join(texts)


def show(found: Differences, machines: tuple[Machine, Machine]) -> None:
    """The differences as a table of few columns: one for what is the same of both machines all along."""
    rows = [_row(each, machines) for each in found.found]
    if found.witness is not None:
        console.out(f"they differ after {_word(found.witness) or 'nothing, from the start'}\n\n")
    shown: list[Row] = [
        row
        | {"after": row["old_word"] or row["new_word"], "state": row["old_state"] or row["new_state"]}
        | {side: _side(row, side) for side in ("old", "new")}
        for row in rows
    ]
    places = [*_columns(rows, "word", "after"), *_columns(rows, "state", "state")]
    columns = ["difference", *places, "trigger", "old", "new"]
    columns = [column for column in columns if any(row[column] not in (None, "") for row in shown)]
    console.write_rows("table", columns, shown)


def _columns(rows: Sequence[Row], what: str, name: str) -> list[str]:
    """One column where it is the same of both machines, or there is but one, in all rows; else two."""
    pair = [f"old_{what}", f"new_{what}"]
    same = all(None in (values := {row[column] for column in pair}) or len(values) == 1 for row in rows)
    return [name] if same else pair


def _side(row: Row, side: str) -> str:
    """What one machine does, for people: `Drain (497 rows)`, `S3 / clink, then Coin: S4 / clink (667 rows)`."""
    if row[f"{side}_rows"] is None:
        return str(row[side] or "")
    if not row[side]:
        return f"unseen in {formats.counted(int(row[f'{side}_left'] or 0), 'row')}"
    text = str(row[side])
    if row["then"]:
        text += f", then {row['then']}: {row[f'{side}_then'] or 'unseen'}"
    return f"{text} ({formats.counted(int(row[f'{side}_rows'] or 0), 'row')})"
