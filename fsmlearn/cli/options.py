"""Options that several commands share.

Values are plain words: settings are read in one place (`config`), whether they come from here, from the
environment or from a file.
"""

from __future__ import annotations

from typing import Annotated

import typer

Model = Annotated[
    str, typer.Option("--model", metavar="FILE", envvar="FSMLEARN_MODEL", help="The model file.", show_envvar=True)
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="table|csv|json|md|yaml",
        help="How to print; a table on a terminal and CSV in a pipe unless given.",
        show_default=False,
    ),
]
Logs = Annotated[list[str], typer.Argument(metavar="LOG", help="Log files, read as one log; - is standard input.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")]


def _column(name: str, what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        f"--{name}-column",
        metavar="NAME",
        help=f"The column of {what}, where its name does not tell.",
        show_default=False,
    )
    return option


TraceColumn = Annotated[str | None, _column("trace", "the trace")]
StepColumn = Annotated[str | None, _column("step", "the step")]
StateColumn = Annotated[str | None, _column("state", "the current state")]
TriggerColumn = Annotated[str | None, _column("trigger", "the trigger")]
NextStateColumn = Annotated[str | None, _column("next-state", "the next state")]
OutputColumn = Annotated[str | None, _column("output", "the output")]
EventColumn = Annotated[
    str | None,
    typer.Option(
        "--event-column",
        metavar="NAME",
        help="The column of the event, which makes the log one of events alone.",
        show_default=False,
    ),
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
