"""`fsmlearn report`: what was read, dropped, trained and found, from the stored model alone."""

from __future__ import annotations

from fsmlearn import store
from fsmlearn.cli import console, options


def run(model: options.Model = options.MODEL, format: options.Format = None) -> None:
    """Show how the machine was learned.

    It tells what was read and dropped, how training went, and compares learned with observed transitions.

    Each transition, in the words of the log, is one of: learned; noise (seen, but not believed); only learned
    (the machine has it, no row shows it); only seen (believed rows show it, the machine has it not).
    The table is the whole report; the other formats hold the transitions.
    """
    style = console.chosen_format(format)
    machine, about = store.load_machine(model), store.load_about(model)
    if style == "table":
        from fsmlearn import report

        console.show(report.whole(machine, about, console.width(), full=True))
        return
    columns = ("state", "trigger", "next_state", "output", "observed", "noise", "learned", "verdict")
    console.write_rows(
        style, columns, [{column: getattr(row, column) for column in columns} for row in about.comparison]
    )
