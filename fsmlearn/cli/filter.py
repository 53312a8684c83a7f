"""`fsmlearn filter`: the clean rows of a log, and the rows that were not believed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

from fsmlearn.cli import console, options, place, watch
from fsmlearn.cli.options import Option
from fsmlearn.errors import LogError

if TYPE_CHECKING:
    from fsmlearn.config import Settings
    from fsmlearn.denoise import Filtered
    from fsmlearn.spread import Spread

SHOWN = 5  # findings on stderr, unless all are asked for


def run(
    logs: options.Logs,
    dropped: Annotated[
        str | None,
        Option(
            "--dropped",
            metavar="FILE",
            help="Write every row that was dropped or repaired to this CSV file, with the reason.",
        ),
    ] = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    dask: options.Dask = None,
    **log: Unpack[options.Reading],
) -> None:
    """Print the believable rows of a log as CSV.

    What was dropped or repaired, and why, goes to standard error: a summary and the first rows, all of them with
    --verbose, nothing with --quiet.

    The rows of a log that hides its states are judged by its machine, which is learned first. An output that the
    machine does not give is replaced by the one that it gives; no such row is dropped, for the machine did move. Rows
    that changed places are put back in order.
    """
    from fsmlearn import sources

    settings = options.settings(log)
    logs = sources.expand(logs)
    if dropped is not None:
        _check(dropped, logs)

    with place.for_rows(dask, logs) as spread:
        found = _judged(logs, settings, spread, quiet)
        _print(found, dropped, quiet, verbose)


def _print(found: Filtered, dropped: str | None, quiet: bool, verbose: bool) -> None:
    from fsmlearn import filtered, report, summary

    spread, parts = found.source.spread, found.parts
    if dropped is not None:
        try:
            with Path(dropped).open("w", encoding="utf-8", newline="") as file:
                file.writelines(spread.text(filtered.dropped, parts, _first(parts)))
        except OSError as error:
            raise LogError(
                f"{dropped}: cannot be written ({error.strerror}); name another file with --dropped"
            ) from None
    traced = "trace" in found.source.columns or sum(found.source.traces) > 1
    for text in spread.text(filtered.clean, parts, _first(parts), [traced] * len(parts)):
        console.out(text)
    sys.stdout.flush()
    if not quiet:
        every = "fsmlearn filter LOG --dropped FILE"
        shown = 0 if verbose else SHOWN
        told = report.noise(summary.of_noise(found, shown), len(found.source), shown, every)
        console.show_aside(told)
    if verbose:
        for text in spread.text(filtered.told, parts):
            sys.stderr.write(text)


def _first(parts: Sequence[object]) -> list[bool]:
    """Which of the parts is the first."""
    return [part == 0 for part in range(len(parts))]


def _judged(logs: list[str], settings: Settings, spread: Spread, quiet: bool) -> Filtered:
    """The log and what is not believed of it: judged beforehand, or by its machine where the log hides its states."""
    from fsmlearn import pipeline
    from fsmlearn.denoise import Filtered

    with watch.watched(quiet) as progress:
        for value in pipeline.learning(logs, settings, spread):
            if isinstance(value, Filtered):
                if value.source.kind != "hidden":
                    return value
                if not quiet:
                    progress.line("the log hides its states: learning the machine that judges its rows")
            if not isinstance(value, pipeline.Learned):
                watch.show(progress, value)
    assert isinstance(value, pipeline.Learned)
    if value.about.training.interrupted:
        raise KeyboardInterrupt
    return value.filtered


def _check(dropped: str, logs: list[str]) -> None:
    """Find out before the work that the file of dropped rows cannot be written, or would overwrite a log."""
    path = Path(dropped)
    if any(log != "-" and path.exists() and Path(log).exists() and path.samefile(log) for log in logs):
        raise LogError(f"{dropped}: is the log itself; name another file with --dropped")
    place = path if path.exists() else path.parent
    if path.is_dir() or not os.access(place, os.W_OK):
        raise LogError(f"{dropped}: cannot be written; name another file with --dropped")
