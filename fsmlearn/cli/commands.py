"""The commands by name. Each is the `run` of a module of its own, which is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsmlearn.cli.words import Run

COMMANDS = ("train", "extract-table", "predict", "report", "filter", "info", "plot", "view")


def command(name: str) -> Run:
    """The function behind a command."""
    run: Run = import_module(f"fsmlearn.cli.{name.replace('-', '_')}").run
    return run
