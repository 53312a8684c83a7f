"""What a press of TAB is answered, without Typer, which would take several times as long to start.

The commands, the options that are not on the line yet, and after an option that takes a state or triggers the names in
the model. Where there is nothing to say the shell completes names of files. How a shell asks and how it quotes is for
`shells` to say; here words are words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fsmlearn import formats
from fsmlearn.cli.commands import COMMANDS, command
from fsmlearn.cli.options import HELP, MODEL, Option
from fsmlearn.cli.words import declared, takes_many
from fsmlearn.errors import FsmlearnError

if TYPE_CHECKING:
    from fsmlearn.machine import Machine

STATE, TRIGGER, TRIGGERS = "STATE", "TRIGGER", "TRIGGERS"  # what options call values that are names of the model


def answers(before: Sequence[str], start: str, environment: Mapping[str, str]) -> list[str]:
    """The words that `start` may become, after those before it on the line, the program's own name left out."""
    if not before:
        return _beginning([*COMMANDS] if not start.startswith("-") else ["--version", *HELP], start)
    if before[0] not in COMMANDS:
        return []
    options = [(kind, each) for kind, each in declared(command(before[0])).values() if isinstance(each, Option)]
    spelt = {name: each for _, each in options for name in each.names}
    given, open_option = _given(before[1:], spelt)
    spelling, equals, value = start.partition("=")
    if open_option is None and equals and (option := spelt.get(spelling)):
        return [f"{spelling}={each}" for each in _values(option, value, given, environment)]
    if open_option is not None:
        return _values(open_option, start, given, environment)
    if not start.startswith("-"):
        return []
    free = [each for kind, each in options if each not in given or takes_many(kind)]
    return _beginning([name for each in free for name in each.names] + [*HELP], start)


def _beginning(words: Iterable[str], start: str) -> list[str]:
    return [each for each in words if each.startswith(start)]


def _given(words: Sequence[str], spelt: Mapping[str, Option]) -> tuple[dict[Option, str], Option | None]:
    """The options on the line with their values; and the last of them, where its value is still to come."""
    given: dict[Option, str] = {}
    todo = iter(words)
    for word in todo:
        spelling, equals, value = word.partition("=")
        option = spelt.get(spelling)
        if option is None:
            continue
        given[option] = value
        if option.metavar is not None and not equals:
            following = next(todo, None)
            if following is None:
                return given, option
            given[option] = following
    return given, None


def _values(option: Option, start: str, given: Mapping[Option, str], environment: Mapping[str, str]) -> list[str]:
    """The values of an option that begin with `start`: names in the model that the line speaks of."""
    if option.metavar not in (STATE, TRIGGER, TRIGGERS):
        return []
    machine = _machine(given, environment)
    if machine is None:
        return []
    if option.metavar == STATE:
        shown = [machine.visible(name) for name in machine.labels]
        return _beginning(dict.fromkeys([*shown, *machine.labels]), start)
    if option.metavar == TRIGGER:
        return _beginning(machine.triggers, start)
    done, last = _cut(start)
    return [done + _listed(each) for each in _beginning(machine.triggers, last)]


def _machine(given: Mapping[Option, str], environment: Mapping[str, str]) -> Machine | None:
    """The machine of the model that the line or the environment names, None where there is none to be read."""
    from fsmlearn import store

    named = next((value for option, value in given.items() if "--model" in option.names), None)
    path = named or environment.get("FSMLEARN_MODEL") or MODEL
    try:
        return store.load_machine(Path(path).expanduser())  # the shell has not done it yet
    except (FsmlearnError, RuntimeError):  # a home that nobody has
        return None


def _cut(text: str) -> tuple[str, str]:
    """`Power,"Level, 2",So` -> what is complete, with its comma; and the beginning of a name, without its quotes."""
    quoted, at = False, 0
    for i, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            at = i + 1
    rest = text[at:]
    return text[: len(text) - len(rest.lstrip())], rest.lstrip().removeprefix('"').replace('""', '"')


def _listed(name: str) -> str:
    """A name as it stands among others that commas separate."""
    return formats.csv_line([name]).rstrip("\n")
