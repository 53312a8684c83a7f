"""A look at a log -> the text of a fsmlearn.yaml for it, to be looked through by whoever knows the machine.

What the log tells is set, what only its reader can know stands there behind a #. Reads a log only to guess which of its
columns are variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fsmlearn.cells import as_sheet
from fsmlearn.columns import Variables, perhaps_variables
from fsmlearn.formats import counted, plain, printable
from fsmlearn.logs import Log, alone
from fsmlearn.readings import varies
from fsmlearn.summary import frequencies
from fsmlearn.tables import opened

WORDS = 100  # triggers that are listed

SHOWN = {"visible": "visible states", "hidden": "states hidden", "sequence": "events alone"}
ROLES = ("trace", "step", "state", "trigger", "next_state", "output", "event")


def variables(path: str | Path) -> Variables:
    """The columns of a file that may be state variables, as its headers and first rows have it; perhaps none."""
    with opened(path, str(path)) as table:
        columns = perhaps_variables(table.headers)
        sheet = as_sheet(table.look(columns), columns, len(table.headers)) if columns else None
        found = [table.headers[at] for at in columns if sheet and varies(sheet.columns[at].words)]
    return Variables(tuple(found) if len(found) > 1 else ())


def text(log: Log) -> str:
    """The settings file of a log."""
    return "".join(line.rstrip() + "\n" for line in _lines(log))


def _lines(log: Log) -> Iterator[str]:
    more = f" and {counted(len(log.files) - 1, 'more file')}" if len(log.files) > 1 else ""
    yield "# What fsmlearn should know of this project. Options and environment variables win over this file."
    yield "# A line behind # says nothing: take the # away, and the space behind it, to make it a setting."
    yield "#"
    kind = "variables" if log.grid else SHOWN[log.kind]
    yield f"# From a look at {printable(log.files[0])}{more}:"
    yield f"# {counted(len(log), 'row')}, {counted(len(log.traces), 'trace')}, {kind}."
    yield ""
    yield "# Which column is what."
    yield "columns:"
    usual = {"visible": ("event",), "hidden": ("state", "next_state", "event"), "sequence": ROLES[2:-1]}[log.kind]
    for role in ROLES:
        if role in log.columns:
            yield f"  {role}: {_quoted(log.columns[role])}"
        elif role not in usual and not (log.grid and role in ("state", "next_state", "output")):
            yield f"  # {role}:"
    if log.grid:
        yield from _of_variables(log)
    if log.kind == "visible":
        yield ""
        yield "# Cut traces where the machine is back here; of use where one trace holds many runs."
        yield f"# start_state: {_quoted(log.states[log.state[0]])}"
    if log.kind != "sequence":
        yield ""
        yield "# Triggers that somebody can fire, for a plan; the others it has to wait for."
        yield from _listed(
            "external", [(name, counted(rows, "row")) for name, rows in frequencies(alone(log))["triggers"]]
        )
    yield ""
    yield "# How to learn. Each is chosen for you unless it is given."
    yield "# cell: elman  # or gru, lstm"
    yield "# hidden: 64  # units"
    yield "# epochs: 60  # at most"
    yield "# states: 8  # of the machine"
    yield "# seed: 0  # of the random numbers"


def _of_variables(log: Log) -> Iterator[str]:
    assert log.grid is not None
    yield ""
    yield "# Columns whose values together are the visible state. Leave out pulses, which are gone in the next row."
    yield "state_variables:"
    for each in log.grid.variables:
        values = ", ".join(each.values[:8]) + (", ..." if len(each.values) > 8 else "")
        yield f"  - {_quoted(each.name)}  # {printable(values)}"
    yield ""
    yield "# Where no column names the trigger: columns whose changes are triggers, the most telling first."
    yield from _listed("input_variables", [(each.name, "") for each in log.grid.variables])
    levelled = [each for each in log.grid.variables if each.cuts]
    if levelled:
        yield ""
        yield "# Where to cut numbers into levels. These cuts were found; give them and they stay where they are."
        yield "# levels:"
        for each in levelled:
            yield f"#   {_quoted(each.name)}: [{', '.join(plain(cut) for cut in each.cuts or ())}]"


def _listed(key: str, words: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A list of which nothing is chosen yet, with a remark on each of its words."""
    yield f"{key}:"
    for word, remark in words[:WORDS]:
        yield f"  # - {_quoted(word)}" + (f"  # {remark}" if remark else "")
    if len(words) > WORDS:
        yield f"  # and {len(words) - WORDS:,} more"


def _quoted(word: str) -> str:
    """A word as YAML takes it for nothing else, without anything that a terminal would obey."""

    def spelt(c: str) -> str:
        if c in '"\\':
            return "\\" + c
        return c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 1 << 16 else f"\\U{ord(c):08x}"

    return f'"{"".join(map(spelt, word))}"'
