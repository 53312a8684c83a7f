"""The commands by name. Each is the `run` of a module of its own, which is imported when it is asked for."""

from __future__ import annotations

import keyword
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fsmlearn.cli.words import Run

COMMANDS = (
    "train",
    "extract-table",
    "predict",
    "check",
    "report",
    "filter",
    "info",
    "diff",
    "plan",
    "simulate",
    "plot",
    "view",
    "export",
    "import",
    "init",
)


def command(name: str) -> Run:
    """The function behind a command. A module cannot be called by a word of Python's own: those end in `_`."""
    module = name.replace("-", "_") + "_" * keyword.iskeyword(name)
    run: Run = import_module(f"fsmlearn.cli.{module}").run
    return run
