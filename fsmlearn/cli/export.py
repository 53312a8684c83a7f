"""`fsmlearn export`: the machine in the formats of other tools."""

from __future__ import annotations

from typing import Annotated

from fsmlearn.cli import console, options
from fsmlearn.cli.options import Option
from fsmlearn.errors import SettingsError


def run(
    to: Annotated[
        str | None,
        Option("--to", metavar="FORMAT", help="The format: dot, mermaid, plantuml, scxml, ...; a wrong one lists all."),
    ] = None,
    model: options.Model = options.MODEL,
) -> None:
    """Print the machine in the format of another tool.

    For pictures: dot (Graphviz), mermaid, plantuml. For state chart tools: scxml, xstate. For Python: python (a module
    that needs nothing else), transitions, python-statemachine. For model checkers: smv (NuSMV, nuXmv), prism (PRISM,
    Storm). For others: aalpy (AALpy's DOT), kiss2 (logic synthesis), json, yaml, csv.

    Where a format has names in the place of words, these are kept beside them. Where it has no probabilities, a line on
    standard error says what is done instead. fsmlearn import reads dot, json and scxml back.
    """
    from fsmlearn import export, store

    if to is None:
        raise SettingsError(f"export needs --to FORMAT, one of {', '.join(export.FORMATS)}")
    export.check(to)
    machine = store.load_machine(model)
    console.out(export.export(machine, to))
    missing = export.omission(machine, to)
    if missing is not None:
        console.note(missing)
