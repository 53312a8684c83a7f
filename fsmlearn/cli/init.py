"""`fsmlearn init`: a settings file for a project, from a look at its log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fsmlearn.cli import console, options, watch
from fsmlearn.cli.options import Option
from fsmlearn.config import FILE
from fsmlearn.errors import LogError, SettingsError

if TYPE_CHECKING:
    from fsmlearn.columns import Variables
    from fsmlearn.logs import Log


def run(
    logs: options.Logs,
    output: Annotated[
        str, Option("--output", "-o", metavar="FILE", help="The file to write; - is standard output.")
    ] = FILE,
    force: Annotated[bool, Option("--force", help="Overwrite the file if it is there.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a settings file, fsmlearn.yaml, from a look at a log.

    It says which column is what, and lists the triggers with their counts, for you to mark those that somebody can
    fire. A log without states whose columns are numbers and few words is taken for one of variables. Commands in the
    same folder then read it; see fsmlearn-formats(5).
    """
    from fsmlearn import files, project, sources

    if output != "-" and Path(output).exists() and not force:
        raise SettingsError(f"{output}: is there already; read it, or overwrite it with --force")
    logs = sources.expand(logs)
    try:
        log = _read(logs, None, quiet)
    except LogError:
        if "-" in logs or not (variables := project.variables(logs[0])):
            raise
        log = _read(logs, variables, quiet)
    text = project.text(log)
    if output == "-":
        console.out(text)
        sys.stdout.flush()
        return
    files.write(output, text.encode(), "--output", SettingsError)
    if not quiet:
        console.aside(f"written as {output}; look through it, it says what it does not know")


def _read(logs: list[str], variables: Variables | None, quiet: bool) -> Log:
    from fsmlearn.columns import NONE
    from fsmlearn.logs import Log, reading

    with watch.watched(quiet) as progress:
        for value in reading(logs, variables=variables or NONE):
            if not isinstance(value, Log):
                progress.reading(value)
        assert isinstance(value, Log)
        watch.tell_guesses(progress, value)
    return value
