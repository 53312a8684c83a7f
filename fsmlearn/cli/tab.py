"""What a press of TAB in bash is answered, without Typer, which would take several times as long.

The answers are those that Typer gives (it keeps the other shells, and writes the script that asks): the commands, or
the options that are not on the line yet. Where there is nothing to say bash completes names of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fsmlearn.cli.commands import COMMANDS, command
from fsmlearn.cli.options import HELP, Option
from fsmlearn.cli.words import declared, takes_many

if TYPE_CHECKING:
    from fsmlearn.cli.words import Run


def answers(environment: Mapping[str, str]) -> list[str]:
    """The words that the one under the cursor may become, of the line that bash describes in the environment."""
    import shlex

    line, cursor = environment["COMP_WORDS"], int(environment["COMP_CWORD"])
    try:
        words = shlex.split(line)
    except ValueError:  # a quote is still open, and so the last word
        return []
    words += [""] * (cursor + 1 - len(words))
    before, start = words[1:cursor], words[cursor]
    if not before:
        found = [*COMMANDS] if not start.startswith("-") else ["--version", *HELP]
    elif before[0] not in COMMANDS:
        return []
    else:
        found = _options(command(before[0]), before[1:]) if start.startswith("-") else []
    return [each for each in found if each.startswith(start)]


def _options(run: Run, before: list[str]) -> list[str]:
    """The spellings of the options that may follow the words; none where the last of them wants a value."""
    options = [(kind, each) for kind, each in declared(run).values() if isinstance(each, Option)]
    spelt = {name: each for _, each in options for name in each.names}
    given = set()
    todo = iter(before)
    for word in todo:
        option = spelt.get(word.partition("=")[0])
        if option is None:
            continue
        given.add(option)
        if option.metavar is not None and "=" not in word and next(todo, None) is None:
            return []
    free = [each for kind, each in options if each not in given or takes_many(kind)]
    return [name for each in free for name in each.names] + [*HELP]
