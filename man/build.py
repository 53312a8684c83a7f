#!/usr/bin/env python3
"""Writes the man pages: `python man/build.py`, or `--check` to fail where a page is not what would be written.

NAME, SYNOPSIS, DESCRIPTION, OPTIONS and SEE ALSO come from the commands themselves, so they cannot say something else
than `--help`; what no command knows of itself (examples, exit status, files, formats) is written by hand in `text/`,
one roff file per page. Pages carry no date of the day they were made.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from fsmlearn.cli.program import app

HERE = Path(__file__).resolve().parent
DATE = "2026-11-22"  # when the hand-written text was last reworked; never today's date
FORMATS = "fsmlearn-formats"

Command = Any  # Typer carries its own Click, whose classes are not for importing


def escape(text: str) -> str:
    """Plain text as roff that prints exactly it: backslashes, hyphens, and dots or quotes that begin a line."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.split("\n"))


def ascii_only(page: str) -> str:
    """Spell other characters as roff's \\[uXXXX], which needs no agreement on the encoding of the file."""
    return "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in page)


def paragraphs(help_text: str) -> Iterator[str]:
    """A command's help as roff; a paragraph that begins with a backspace is one not to wrap, as in `--help`."""
    for block in help_text.strip().split("\n\n"):
        if block.startswith("\b"):
            yield f".EX\n{escape(block.removeprefix(chr(8)).strip(chr(10)))}\n.EE"
        else:
            yield escape(" ".join(block.split()))


def summary(command: Command) -> str:
    """The first sentence of a command's help, as the NAME section wants it: one line without the full stop."""
    first = " ".join(command.help.split("\n\n")[0].split())
    return str(first.split(". ")[0].rstrip("."))


def parameters(command: Command, context: Any, kind: str) -> Iterator[str]:
    """One tagged paragraph for each parameter that `--help` shows."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if parameter.param_type_name == kind and record:
            name = re.sub(r" <[a-z]+(\[[a-z]+\])?>$", "", record[0])  # what a word is called tells more than its type
            yield f".TP\n.B {escape(name)}\n{escape(' '.join(record[1].split()))}"


def section(title: str, body: list[str]) -> list[str]:
    return [f".SH {title}", *body] if body else []


def page(name: str, context: Any, commands: dict[str, Command], text: str) -> str:
    """One page of section 1; `commands` is empty but for the page of the program itself."""
    command: Command = context.command
    usage = re.sub(r"[{}]|(?<=\.\.\.)\.+", "", command.get_usage(context).removeprefix("Usage: "))
    listing = [f".TP\n.BR {escape(f'{name}-{key}')} (1)\n{escape(summary(each))}." for key, each in commands.items()]
    see = [f"{name}-{key} 1" for key in commands] or ["fsmlearn 1"]
    lines = [
        f'.TH {name.upper()} 1 "{DATE}" fsmlearn',
        *section("NAME", [f"{escape(name)} \\- {escape(summary(command))}"]),
        *section("SYNOPSIS", [f".B {escape(' '.join(usage.split()))}"]),
        *section("DESCRIPTION", ["\n.PP\n".join(paragraphs(command.help))]),
        *section("COMMANDS", listing),
        *section("ARGUMENTS", list(parameters(command, context, "argument"))),
        *section("OPTIONS", list(parameters(command, context, "option"))),
        text.strip(),
        ".SH SEE ALSO",
        ",\n".join(f".BR {escape(entry.split()[0])} ({entry.split()[1]})" for entry in [*see, f"{FORMATS} 5"]),
    ]
    return "\n".join(line for line in lines if line) + "\n"


def pages() -> dict[Path, str]:
    """Every page by its path."""

    def text(name: str) -> str:
        return (HERE / "text" / f"{name}.roff").read_text(encoding="utf-8")

    program: Command = typer.main.get_command(app)
    root = program.make_context("fsmlearn", [], resilient_parsing=True)
    visible = {name: command for name, command in program.commands.items() if not command.hidden}
    written = {HERE / "man1" / "fsmlearn.1": page("fsmlearn", root, visible, text("fsmlearn"))}
    for key, command in visible.items():
        name = f"fsmlearn-{key}"
        context = command.make_context(key, [], parent=root, resilient_parsing=True)
        written[HERE / "man1" / f"{name}.1"] = page(name, context, {}, text(name))
    head = f'.TH {FORMATS.upper()} 5 "{DATE}" fsmlearn\n'
    written[HERE / "man5" / f"{FORMATS}.5"] = head + text(FORMATS)
    return {path: ascii_only(content) for path, content in written.items()}


def main(arguments: list[str]) -> int:
    wanted = pages()
    present = {path: path.read_text(encoding="ascii") for path in HERE.glob("man[15]/*")}
    stale = sorted(path for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path))
    if arguments == ["--check"]:
        for path in stale:
            print(f"{path.relative_to(HERE.parent)} is not up to date; run: python man/build.py", file=sys.stderr)
        return 1 if stale else 0
    if arguments:
        print("usage: python man/build.py [--check]", file=sys.stderr)
        return 2
    for path in stale:
        if path in wanted:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted[path], encoding="ascii")
        else:
            path.unlink()
        print(path.relative_to(HERE.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
