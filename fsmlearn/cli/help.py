"""The pages of `--help`, from the declarations of the commands, letter for letter as Typer would set them.

To import Typer for a page of text would take several times as long as all the rest. Knows no terminal: how wide it is,
the caller says.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from fsmlearn.cli.commands import COMMANDS, command
from fsmlearn.cli.options import HELP, VERSION, Argument, Option
from fsmlearn.cli.words import declared, defaults, takes_many

NAME = "fsmlearn"
ABOUT = """Learn the state machine behind a log.

Train on a log, then ask the learned machine: fsmlearn train LOG, fsmlearn extract-table, fsmlearn predict.
"""
WIDEST = 30  # column of names; longer ones have a line of their own

Entry = tuple[str, str]  # what is typed, what it does
THIS = (", ".join(HELP), "Show this message and exit.")


def of_program(columns: int) -> str:
    """The page of the program itself, on so many columns."""
    width = _width(columns)
    room = width - 6 - max(map(len, COMMANDS))
    commands = [(name, _short(command(name).__doc__ or "", room)) for name in COMMANDS]
    return "\n".join(
        [
            _usage(f"{NAME} [OPTIONS] COMMAND [ARGS]...", width),
            _prose(ABOUT, width),
            _entries("Options", [(", ".join(VERSION.names), VERSION.help), THIS], width),
            _entries("Commands", commands, width),
        ]
    )


def of_command(name: str, columns: int) -> str:
    """The page of a command."""
    width, run = _width(columns), command(name)
    usage = f"{NAME} {name} [OPTIONS]"
    arguments: list[Entry] = []
    options: list[Entry] = []
    given = defaults(run)
    for parameter, (kind, each) in declared(run).items():
        if isinstance(each, Argument):
            many, required = takes_many(kind), parameter not in given
            usage += (f" {{{each.metavar}}}" if required else f" [{each.metavar}]") + "..." * many
            typed = f"{each.metavar} <list[str]>" if many else f"{each.metavar} <str>"
            arguments.append((typed, f"{each.help}  [required]" if required else each.help))
        else:
            options.append((_typed(each), each.help + _otherwise(each, given[parameter])))
    pages = [_usage(usage, width), _prose(run.__doc__ or "", width)]
    if arguments:
        pages.append(_entries("Arguments", arguments, width))
    return "\n".join([*pages, _entries("Options", [*options, THIS], width)])


def _width(columns: int) -> int:
    return max(min(columns, 80) - 2, 50)


def _typed(option: Option) -> str:
    names = ", ".join(sorted(option.names, key=lambda name: name.startswith("--")))
    return names if option.metavar is None else f"{names} {option.metavar}"


def _otherwise(option: Option, default: object) -> str:
    """What holds where an option is not given."""
    facts = [f"env var: {option.variable}"] if option.variable else []
    facts += [f"default: {default}"] if isinstance(default, str) else []
    return f"  [{'; '.join(facts)}]" if facts else ""


def _usage(text: str, width: int) -> str:
    begun = f"Usage: {text.partition(' [')[0]} "
    rest = text.removeprefix(begun.removeprefix("Usage: "))
    return textwrap.fill(rest, width, initial_indent=begun, subsequent_indent=" " * len(begun)) + "\n"


def _prose(doc: str, width: int) -> str:
    blocks = [" ".join(block.split()) for block in doc.strip().split("\n\n")]
    return "\n\n".join(_filled(block, width, "  ") for block in blocks) + "\n"


def _entries(title: str, entries: Sequence[Entry], width: int) -> str:
    names = min(max(len(name) for name, _ in entries), WIDEST) + 2
    lines = [f"{title}:"]
    for name, text in entries:
        first, *rest = _filled(text, max(width - names - 2, 10)).split("\n")
        lines += [f"  {name:{names}}{first}"] if len(name) <= names - 2 else [f"  {name}", " " * (names + 2) + first]
        lines += [" " * (names + 2) + line for line in rest]
    return "\n".join(lines) + "\n"


def _filled(text: str, width: int, indent: str = "") -> str:
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)


def _short(doc: str, room: int) -> str:
    """The first sentence, or as much of it as there is room for."""
    words = doc.strip().split("\n\n")[0].split()
    end = next((i for i, word in enumerate(words, 1) if word.endswith(".")), len(words))
    words = words[:end]
    if len(" ".join(words)) <= room:
        return " ".join(words)
    while words and len(" ".join(words)) + 3 > room:
        words.pop()
    return " ".join(words) + "..."
