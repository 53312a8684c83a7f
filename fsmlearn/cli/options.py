"""How commands declare their parameters, and the parameters that several commands share.

A declaration is plain data: `words` reads a command line by it, `help` and `tab` tell of it, and `program` makes
Typer's own declarations of it. Values are plain words: settings are read in one place (`config`), whether they come
from here, from the environment or from a file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

if TYPE_CHECKING:
    from fsmlearn.config import Settings

HELP = ("-h", "--help")  # what every command knows beside its own options


class Option:
    """An option: its spellings, what its value is called (None for one without a value), the variable that may stand
    for it in the environment."""

    def __init__(self, *names: str, help: str, metavar: str | None = None, variable: str | None = None) -> None:
        self.names = names
        self.help = help
        self.metavar = metavar
        self.variable = variable


class Argument:
    """A word, or where it is a list the words, beside the options."""

    def __init__(self, metavar: str, help: str) -> None:
        self.metavar = metavar
        self.help = help


VERSION = Option("--version", help="Print the version and exit.")  # of the program, not of a command

Model = Annotated[str, Option("--model", metavar="FILE", variable="FSMLEARN_MODEL", help="The model file.")]
Format = Annotated[
    str | None,
    Option(
        "--format",
        metavar="table|csv|json|md|yaml",
        help="How to print; a table on a terminal and CSV in a pipe unless given.",
    ),
]
Logs = Annotated[
    list[str],
    Argument(
        metavar="LOG",
        help="Log files (CSV, JSON lines, XES, Parquet), read as one log; patterns such as 'logs/*.csv', folders of "
        "logs, or - for standard input.",
    ),
]
Dask = Annotated[
    str | None,
    Option(
        "--dask",
        metavar="ADDRESS",
        help="Read and filter on a Dask cluster, tcp://scheduler:8786, or local for one on this machine.",
    ),
]
Quiet = Annotated[bool, Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[bool, Option("--verbose", "-v", help="Say more.")]


def _column(name: str, what: str) -> Option:
    return Option(f"--{name}-column", metavar="NAME", help=f"The column of {what}, where its name does not tell.")


class Columns(TypedDict, total=False):
    """Which column of a log is what. A command takes them all at once: `**log: Unpack[Columns]`."""

    trace_column: Annotated[str | None, _column("trace", "the trace")]
    step_column: Annotated[str | None, _column("step", "the step")]
    state_column: Annotated[str | None, _column("state", "the current state")]
    trigger_column: Annotated[str | None, _column("trigger", "the trigger")]
    next_state_column: Annotated[str | None, _column("next-state", "the next state")]
    output_column: Annotated[str | None, _column("output", "the output")]
    event_column: Annotated[
        str | None,
        Option(
            "--event-column",
            metavar="NAME",
            help="The column of the event, which makes the log one of events alone.",
        ),
    ]


Config = Annotated[
    str | None,
    Option("--config", metavar="FILE", help="Settings of this project, in place of fsmlearn.yaml in this folder."),
]


class Reading(Columns, total=False):
    """How to read a log, and the file that says so where the command line does not."""

    start_state: Annotated[
        str | None,
        Option("--start-state", metavar="STATE", help="Begin a new trace wherever this is the current state again."),
    ]
    state_variables: Annotated[
        str | None,
        Option(
            "--state-variables",
            metavar="NAMES",
            help="Columns whose values together are the state, separated by commas; numbers with many values are cut "
            "into levels.",
        ),
    ]
    input_variables: Annotated[
        str | None,
        Option(
            "--input-variables",
            metavar="NAMES",
            help="Columns whose changes are triggers, the most telling first, where no column names the trigger.",
        ),
    ]
    levels: Annotated[
        str | None,
        Option(
            "--levels",
            metavar="NAME=CUTS",
            help="Where to cut variables into levels, such as 'Water Level=10,50; Speed=300'; found unless given.",
        ),
    ]
    config: Config


MODEL = "model.fsm"  # in the working directory


def settings(log: Mapping[str, Any], **given: str | None) -> Settings:
    """The settings of a command: what is given, how to read a log among it (`Reading`), else the environment's, else
    those of a file. Raises SettingsError naming the source of what cannot be used."""
    from fsmlearn.config import gather

    words = {name: word for name, word in log.items() if name != "config"}
    return gather(given | words, os.environ, file=log.get("config"))


def whole(option: str, text: str, least: int) -> int:
    """The value of an option as a whole number; SettingsError where it is none, or less than `least`."""
    from fsmlearn.errors import SettingsError

    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least):
        raise SettingsError(f"{option} is {text!r}; give a whole number, at least {least}")
    return int(text)
