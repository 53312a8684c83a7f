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
    from fsmlearn.logs import Reading, Whole
    from fsmlearn.train import Epoch


class Progress(Protocol):
    """What can be told."""

    def say(self, text: str) -> None:
        """Name the stage that begins."""

    def reading(self, reading: Reading) -> None:
        """Show how far a log is read."""

    def epoch(self, epoch: Epoch) -> None:
        """Show an epoch that has ended."""

    def line(self, text: str) -> None:
        """A line that stays."""


class _Silent:
    """Progress where nobody watches: only the lines that were asked for."""

    def say(self, text: str) -> None:
        pass

    def reading(self, reading: Reading) -> None:
        pass

    def epoch(self, epoch: Epoch) -> None:
        pass

    def line(self, text: str) -> None:
        console.aside(text)


@contextmanager
def watched(quiet: bool) -> Iterator[Progress]:
    """Progress on stderr where that is a terminal, gone without a trace when it ends."""
    if quiet or not sys.stderr.isatty():
        yield _Silent()
        return
    from fsmlearn.cli.progress import Live

    with Live() as live:
        yield live


def show(progress: Progress, value: Reading | Whole | Filtered | Epoch) -> None:
    """Tell of a stage as it is yielded."""
    from fsmlearn.denoise import Filtered
    from fsmlearn.logs import Reading, Whole

    match value:
        case Reading():
            progress.reading(value)
        case Whole():
            progress.say(f"filtering {len(value):,} rows")
        case Filtered():
            progress.say(f"training on {len(value):,} rows")
        case _:
            progress.epoch(value)
