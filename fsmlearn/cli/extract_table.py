"""`fsmlearn extract-table`: the learned machine as a table."""

from __future__ import annotations

from fsmlearn.cli import console, options


def run(model: options.Model = options.MODEL, format: options.Format = None) -> None:
    """Print the learned machine, a transition a line.

    States that the log calls by one name but that behave differently are numbered: Rinse, Rinse·2. Rows is the
    number of log rows behind a transition, share its probability among those of its state and trigger.
    JSON also has the initial state and all states and triggers.
    """
    from fsmlearn import store

    style = console.chosen_format(format)
    machine = store.load_machine(model)
    if style == "json":
        from fsmlearn.formats import json_text

        console.out(json_text(machine.to_dict()))
        return
    if style == "table":
        from fsmlearn import report

        console.show(report.transition_table(machine))
        return
    columns = ("state", "trigger", "next_state", "output", "count", "probability")
    console.write_rows(
        style, columns, [{column: getattr(t, column) for column in columns} for t in machine.transitions]
    )
