"""How commands declare their parameters, and the parameters that several commands share.

A declaration is plain data: `words` reads a command line by it, `help` and `tab` tell of it, and `program` makes
Typer's own declarations of it. Values are plain words: settings are read in one place (`config`), whether they come
from here, from the environment or from a file.
"""

from __future__ import annotations

from typing import Annotated

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


TraceColumn = Annotated[str | None, _column("trace", "the trace")]
StepColumn = Annotated[str | None, _column("step", "the step")]
StateColumn = Annotated[str | None, _column("state", "the current state")]
TriggerColumn = Annotated[str | None, _column("trigger", "the trigger")]
NextStateColumn = Annotated[str | None, _column("next-state", "the next state")]
OutputColumn = Annotated[str | None, _column("output", "the output")]
EventColumn = Annotated[
    str | None,
    Option(
        "--event-column",
        metavar="NAME",
        help="The column of the event, which makes the log one of events alone.",
    ),
]

StartState = Annotated[
    str | None,
    Option("--start-state", metavar="STATE", help="Begin a new trace wherever this is the current state again."),
]
StateVariables = Annotated[
    str | None,
    Option(
        "--state-variables",
        metavar="NAMES",
        help="Columns whose values together are the state, separated by commas; numbers with many values are cut into "
        "levels.",
    ),
]
InputVariables = Annotated[
    str | None,
    Option(
        "--input-variables",
        metavar="NAMES",
        help="Columns whose changes are triggers, the most telling first, where no column names the trigger.",
    ),
]
Levels = Annotated[
    str | None,
    Option(
        "--levels",
        metavar="NAME=CUTS",
        help="Where to cut variables into levels, such as 'Water Level=10,50; Speed=300'; found unless given.",
    ),
]
Config = Annotated[
    str | None,
    Option("--config", metavar="FILE", help="Settings of this project, in place of fsmlearn.yaml in this folder."),
]

MODEL = "model.fsm"  # in the working directory


def columns(
    trace: str | None,
    step: str | None,
    state: str | None,
    trigger: str | None,
    next_state: str | None,
    output: str | None,
    event: str | None,
) -> dict[str, str | None]:
    """The column options as settings."""
    return {
        "trace_column": trace,
        "step_column": step,
        "state_column": state,
        "trigger_column": trigger,
        "next_state_column": next_state,
        "output_column": output,
        "event_column": event,
    }


def whole(option: str, text: str, least: int) -> int:
    """The value of an option as a whole number; SettingsError where it is none, or less than `least`."""
    from fsmlearn.errors import SettingsError

    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least):
        raise SettingsError(f"{option} is {text!r}; give a whole number, at least {least}")
    return int(text)


def shape(
    start_state: str | None, state_variables: str | None, input_variables: str | None, levels: str | None
) -> dict[str, str | None]:
    """The options that say how a log is made as settings."""
    return {
        "start_state": start_state,
        "state_variables": state_variables,
        "input_variables": input_variables,
        "levels": levels,
    }
