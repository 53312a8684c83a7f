"""How far a command is, told on stderr where that is a terminal and nobody asked for silence; gone when it ends.

The stages of `pipeline` come in as they are yielded. What the line looks like is for `progress` to say, which is loaded
only where there is somebody to look at it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from fsmlearn.cli import console

if TYPE_CHECKING:
    from fsmlearn.denoise import Filtered
    from fsmlearn.logs import Log, Reading, Whole
    from fsmlearn.sought import Sought
    from fsmlearn.train import Epoch


class Progress(Protocol):
    """What can be told."""

    def say(self, text: str) -> None:
        """Name the stage that begins."""

    def reading(self, reading: Reading) -> None:
        """Show how far a log is read."""

    def epoch(self, epoch: Epoch) -> None:
        """Show an epoch that has ended."""

    def sought(self, sought: Sought) -> None:
        """Show how far the machine is extracted."""

    def line(self, text: str) -> None:
        """A line that stays."""

    def news(self, text: str) -> None:
        """The same, unless somebody asked for silence."""


class _Silent:
    """Progress where nobody watches: only lines that stay."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def say(self, text: str) -> None:
        pass

    def reading(self, reading: Reading) -> None:
        pass

    def epoch(self, epoch: Epoch) -> None:
        pass

    def sought(self, sought: Sought) -> None:
        pass

    def line(self, text: str) -> None:
        console.aside(text)

    def news(self, text: str) -> None:
        if not self._quiet:
            console.aside(text)


@contextmanager
def watched(quiet: bool) -> Iterator[Progress]:
    """Progress on stderr where that is a terminal, gone without a trace when it ends."""
    if quiet or not sys.stderr.isatty():
        yield _Silent(quiet)
        return
    from fsmlearn.cli.progress import Live

    with Live() as live:
        yield live


def show(progress: Progress, value: Reading | Whole | Filtered | Epoch | Sought) -> None:
    """Tell of a stage as it is yielded."""
    from fsmlearn.denoise import Filtered
    from fsmlearn.logs import Reading, Whole
    from fsmlearn.sought import Sought

    match value:
        case Reading():
            progress.reading(value)
        case Whole():
            tell_guesses(progress, value)
            progress.say(f"filtering {len(value):,} rows")
        case Filtered():
            progress.say(f"training on {len(value):,} rows")
        case Sought():
            progress.sought(value)
        case _:
            progress.epoch(value)


def tell_guesses(progress: Progress, log: Log | Whole) -> None:
    """Tell which columns were taken for what though their headers do not say so themselves."""
    if not log.guessed:
        return
    from fsmlearn.columns import HEADERS

    took = ", ".join(f"{log.columns[role]!r} for the {HEADERS[role]}" for role in log.guessed)
    options = ", ".join(f"--{role.replace('_', '-')}-column" for role in log.guessed)
    progress.news(f"guessed    took {took}; name others with {options}")
