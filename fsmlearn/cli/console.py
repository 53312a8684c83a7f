"""Where the commands meet the terminal: results to stdout, everything else to stderr, errors to an exit status.

What goes to a terminal is made harmless there; what goes to a pipe or a file is exact.
"""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from fsmlearn import formats
from fsmlearn.errors import FsmlearnError, SettingsError

if TYPE_CHECKING:
    from rich.console import RenderableType

NO = 1  # the answer is no
ERROR = 2  # could not tell
INTERRUPTED = 130

FORMATS = ("table", "csv", "json", "md", "yaml")


def status(run: Callable[[], int | None]) -> int:
    """What `run` returns as an exit status: the one place where what goes wrong becomes a line and a number."""
    try:
        code = run() or 0
        sys.stdout.flush()
        return code
    except FsmlearnError as error:
        note(str(error))
        return ERROR
    except KeyboardInterrupt:
        note("interrupted; nothing was saved")
        return INTERRUPTED
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC, errno.EIO):
            raise
        # Python flushes once more when it exits; what is left must find an open door.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if error.errno == errno.EPIPE:  # `head` has seen enough
            return 0
        note(f"standard output: cannot be written ({error.strerror})")
        return ERROR


def note(text: str) -> None:
    """One line on stderr, made harmless."""
    sys.stderr.write(f"fsmlearn: {formats.printable(text)}\n")
    sys.stderr.flush()


def aside(text: str) -> None:
    """One line on stderr that is news, not trouble."""
    sys.stderr.write(f"{formats.printable(text)}\n")
    sys.stderr.flush()


def on_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def chosen_format(given: str | None) -> str:
    """The format asked for; a table on a terminal and CSV in a pipe where none is."""
    if given is None:
        return "table" if on_terminal() else "csv"
    if given not in FORMATS:
        raise SettingsError(
            f"--format: there is no format {given!r}; choose {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        )
    return given


def out(text: str) -> None:
    """Text to stdout: as it is into a pipe, without anything that a terminal would obey on a terminal."""
    if on_terminal():
        text = re.sub(r"[^\n]+", lambda line: formats.printable(line[0]), text)
    sys.stdout.write(text)


class Page(io.StringIO):
    """Standard output as a file for text: what is written goes out at once, and as `out` has it."""

    def write(self, text: str) -> int:
        out(text)
        return len(text)


def write_rows(style: str, columns: Iterable[str], rows: Iterable[formats.Row]) -> None:
    """Rows to stdout in one of FORMATS."""
    columns, rows = list(columns), list(rows)
    if style == "table":
        from fsmlearn.renderables import rows_table

        show(rows_table(columns, rows))
        return
    if style == "json":
        out(formats.json_text([{column: row[column] for column in columns} for row in rows]))
        return
    writer = {"csv": formats.csv, "md": formats.markdown, "yaml": formats.yaml}[style]
    for line in writer(columns, rows):
        out(line)


class Batch:
    """Text for stdout that leaves when `flush` is called, such as before more input is waited for, or where `each` is
    set at once."""

    def __init__(self, *, each: bool) -> None:
        self._each = each
        self._held: list[str] = []

    def add(self, text: str) -> None:
        """Take whole lines."""
        self._held.append(text)
        if self._each:
            self.flush()

    def flush(self) -> None:
        """Let go of what is held."""
        if self._held:
            text = "".join(self._held)
            self._held.clear()
            out(text)
            sys.stdout.flush()


def width() -> int:
    """Cells that a line of stdout should take: the terminal's, or what COLUMNS says, or 100."""
    import shutil

    return max(40, shutil.get_terminal_size((100, 24)).columns)


def show(renderable: RenderableType) -> None:
    """A renderable to stdout: coloured and folded to fit a terminal, plain and never folded into a pipe."""
    sys.stdout.write(_rendered(renderable, on_terminal()))


def show_aside(renderable: RenderableType) -> None:
    """A renderable to stderr."""
    sys.stderr.write(_rendered(renderable, sys.stderr.isatty()))
    sys.stderr.flush()


def _rendered(renderable: RenderableType, terminal: bool) -> str:
    from io import StringIO

    from rich.console import Console

    colours = wants_colour(terminal)
    page = StringIO()
    paper = Console(
        file=page,
        width=width() if terminal else 10_000,
        force_terminal=colours,
        color_system=None if not colours else "auto" if terminal else "standard",
        highlight=False,
        legacy_windows=False,
    )
    paper.print(renderable)
    return "".join(line.rstrip() + "\n" for line in page.getvalue().splitlines())


def wants_colour(terminal: bool) -> bool:
    """Whether to colour, as NO_COLOR and FORCE_COLOR have it (FORCE_COLOR=0 means no)."""
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR")
    if forced:
        return forced != "0"
    return terminal and os.environ.get("TERM") != "dumb"
