"""`fsmlearn import`: a machine that was written by hand, or by another tool, as a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fsmlearn.cli import console, options
from fsmlearn.cli.options import Argument
from fsmlearn.errors import ModelError
from fsmlearn.formats import counted


def run(
    file: Annotated[
        str, Argument(metavar="FILE", help="The machine: *.dot (or *.gv), *.json or *.scxml, which says the format.")
    ],
    model: options.Model = options.MODEL,
    quiet: options.Quiet = False,
) -> None:
    """Make a model of a machine that was written down, so that other commands can use it.

    DOT is read as fsmlearn export writes it, and as LearnLib and AALpy do: nodes are states, edges are labelled
    trigger or trigger/output, and __start0 -> s0 says where the machine starts. A node labelled name|label shows the
    label. JSON is what export --to json writes, of which much may be left out. SCXML has states side by side, and
    transitions with event and target.

    There is no log behind such a model: its counts are 0 unless the file has some, several ways on are equally
    probable unless it says otherwise, and report has nothing to tell. A model that was learned is never overwritten.
    """
    from fsmlearn import __version__, imports, store
    from fsmlearn.about import Origin

    if Path(file).exists() and Path(model).exists() and Path(file).samefile(model):
        raise ModelError(f"{model}: is the file itself; name another place with --model")
    found = imports.read(file)
    store.save_imported(model, found.machine, Origin(file, __version__))
    for note in found.notes:
        console.note(note)
    if not quiet:
        states, transitions = len(found.machine.states), len(found.machine.transitions)
        size = f"{counted(states, 'state')}, {counted(transitions, 'transition')}"
        console.aside(f"{size}, starting in {found.machine.initial}; saved as {model}")
