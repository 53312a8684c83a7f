"""The live line on a terminal: stage and bar, rows while a log is read, loss and accuracy while a network learns, the
states found while its machine is extracted."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from fsmlearn.cli import console
from fsmlearn.formats import printable

if TYPE_CHECKING:
    from fsmlearn.logs import Reading
    from fsmlearn.sought import Sought
    from fsmlearn.train import Epoch


class Live:
    """A bar for the epochs; a spinner for the stages whose length nobody knows. A context manager."""

    def __init__(self) -> None:
        colours = console.wants_colour(terminal=True)
        self._paper = Console(file=sys.stderr, force_terminal=True, no_color=not colours, highlight=False)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            BarColumn(bar_width=10),  # leaves room for the ^C on a line of 80 columns, which would break it
            TimeElapsedColumn(),
            console=self._paper,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._began = self._first = time.perf_counter()

    def __enter__(self) -> Live:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Name the stage that begins."""
        task = self._bar.tasks[0]
        task.total = task.finished_time = None  # else it stands still once a stage before it has ended
        self._bar.update(self._task, description=printable(text))

    def reading(self, reading: Reading) -> None:
        """Show how far a log is read."""
        rate = reading.rows / max(time.perf_counter() - self._began, 1e-3)
        share = f", {reading.bytes / reading.size:.0%}" if reading.size else ""
        text = f"reading {reading.name}  {reading.rows:,} rows, {rate:,.0f} a second{share}"
        self._bar.update(self._task, description=printable(text), total=reading.size, completed=reading.bytes)

    def epoch(self, epoch: Epoch) -> None:
        """Show an epoch that has ended."""
        self._bar.update(self._task, total=epoch.planned, completed=epoch.index)
        text = (
            f"epoch {epoch.index}/{epoch.planned}  loss {epoch.held_out_loss:.3f}  right {epoch.held_out_accuracy:.1%}"
        )
        if epoch.index == 1:
            self._first = time.perf_counter()
        else:
            each = (time.perf_counter() - self._first) / (epoch.index - 1)
            text += f"  {each * (epoch.planned - epoch.index):.0f} s left at most"  # training may end before
        self._bar.update(self._task, description=text)

    def sought(self, sought: Sought) -> None:
        """Show how far the machine is extracted."""
        self.say(f"extracting the machine  states found: {sought.states:,}")

    def line(self, text: str) -> None:
        """A line that stays, above the bar."""
        self._paper.print(Text(printable(text)))

    def news(self, text: str) -> None:
        """The same: whoever wants silence is shown no bar."""
        self.line(text)
