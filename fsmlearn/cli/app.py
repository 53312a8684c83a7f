"""The program `fsmlearn`: how it starts and ends.

It starts with the standard library and imports the one command that is asked for, and so answers a question in about
the time that the import of Typer alone would take. Only mistakes, and shells other than bash, zsh and fish, go the
longer way of `program`.
"""

from __future__ import annotations

import os
import sys

from fsmlearn.cli import console, words
from fsmlearn.cli.commands import COMMANDS, command
from fsmlearn.cli.options import HELP

TAB = "_FSMLEARN_COMPLETE"  # set by a shell that wants to complete a command line


def main() -> None:
    """Run the program and exit: 0 yes, 1 no, 2 could not tell; a bug keeps its traceback."""
    # More threads make products of this size slower, by far where the processor has other work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Memory in huge pages takes the kernel longer to find than it saves in arrays that are soon let go.
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
    if hasattr(sys.stdout, "reconfigure"):  # tables and logs are UTF-8 wherever they go
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    try:
        sys.exit(console.status(lambda: _start(sys.argv[1:])))
    except Exception:
        import traceback

        traceback.print_exc()
        sys.exit(console.ERROR)


def _start(line: list[str]) -> int | None:
    asked = os.environ.get(TAB)
    if asked:
        from fsmlearn.cli import shells

        answer = shells.asked(asked, line, os.environ)
        if answer is not None:
            console.out(answer)
            return 0
    if line and line[0] in COMMANDS and not asked:
        run = command(line[0])
        values = words.parse(run, line[1:], os.environ)
        if values is not None:
            return run(**values)
    if line and line[-1] in HELP and line[:-1] in ([], *([name] for name in COMMANDS)) and not asked:
        import shutil

        from fsmlearn.cli import help

        columns = shutil.get_terminal_size().columns
        console.out(help.of_command(line[0], columns) if line[:-1] else help.of_program(columns))
        return 0
    from fsmlearn.cli import program

    program.start(completing=bool(asked))
    return None
