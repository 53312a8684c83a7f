"""The program `fsmlearn`: the list of its commands, and how it starts."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer
import typer.main

from fsmlearn.cli import extract_table, filter, info, predict, report, train
from fsmlearn.cli.console import ERROR, Program

app = typer.Typer(
    cls=Program,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: quicker, and never with escapes in a pipe
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train")(train.run)
app.command("extract-table")(extract_table.run)
app.command("predict")(predict.run)
app.command("report")(report.run)
app.command("filter")(filter.run)
app.command("info")(info.run)


def _version(wanted: bool) -> None:
    if wanted:
        from fsmlearn import __version__

        typer.echo(f"fsmlearn {__version__}")
        raise typer.Exit


@app.callback()
def fsmlearn(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Learn the state machine behind a log.

    Train on a log, then ask the learned machine: fsmlearn train LOG, fsmlearn extract-table, fsmlearn predict.
    """


def main() -> None:
    """Run the program and exit: 0 yes, 1 no, 2 could not tell; a bug keeps its traceback."""
    # More threads make products of this size slower, by far where the processor has other work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if hasattr(sys.stdout, "reconfigure"):  # tables and logs are UTF-8 wherever they go
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    try:
        typer.main.get_command(app)(prog_name="fsmlearn")
    except Exception:
        traceback.print_exc()
        sys.exit(ERROR)
