"""The program as Typer has it: what is said of a command line that is not in order, and completion in shells that
`shells` does not know.

Made of the declarations in the commands. Typer takes several times as long to import as a light command takes to run,
so `app` comes here only with a line that `words` does not understand.
"""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from fsmlearn.cli import console
from fsmlearn.cli.commands import COMMANDS, command
from fsmlearn.cli.help import ABOUT, NAME
from fsmlearn.cli.options import HELP, VERSION, Option
from fsmlearn.cli.words import Run, declared


class Program(TyperGroup):
    """The group of all commands, whose exit status is what they return, or what their errors come to."""

    def invoke(self, ctx: Any) -> Any:
        call = super().invoke
        raise typer.Exit(console.status(lambda: call(ctx)))


def typed(run: Run) -> Run:
    """A command whose parameters are declared as Typer wants it."""

    def typed(**values: Any) -> int | None:
        return run(**values)

    parameters = []
    signature = inspect.signature(run)
    for name, (kind, each) in declared(run).items():
        own = signature.parameters.get(name)
        default = own.default if own else None  # of one of a group
        shown: dict[str, Any] = {"help": each.help, "metavar": each.metavar}
        if default is None:
            shown["show_default"] = False
        info: Any
        if isinstance(each, Option):
            info = typer.Option(*each.names, envvar=each.variable, show_envvar=True, **shown)
        else:
            info = typer.Argument(**shown)
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter(name, keyword, default=default, annotation=Annotated[kind, info]))
    typed.__doc__ = run.__doc__
    typed.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    typed.__annotations__ = {each.name: each.annotation for each in parameters}
    return typed


def _version(wanted: bool) -> None:
    if wanted:
        from fsmlearn import __version__

        typer.echo(f"fsmlearn {__version__}")
        raise typer.Exit


def fsmlearn(
    version: Annotated[bool, typer.Option(*VERSION.names, callback=_version, is_eager=True, help=VERSION.help)] = False,
) -> None:
    """Takes the options of the program itself."""


app = typer.Typer(
    cls=Program,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: quicker, and never with escapes in a pipe
    context_settings={"help_option_names": [*HELP]},
)
app.callback(help=ABOUT)(fsmlearn)
for _name in COMMANDS:
    app.command(_name)(typed(command(_name)))


def start(*, completing: bool) -> None:
    """Run the program by Typer, for a shell that wants to complete a line or for a user, and exit."""
    if completing:
        from typer._completion_classes import completion_init  # what Typer itself calls where it adds its own options

        completion_init()
    typer.main.get_command(app)(prog_name=NAME)
