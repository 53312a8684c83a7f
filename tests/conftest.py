"""One BLAS thread, as the program itself has it: the matrices are small, and threads wait for each other. And what else
makes the tests quick: none of it is what they test."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from functools import cache

import pytest
import typer.main
import typer.testing
from hypothesis import settings

assert "numpy" not in sys.modules, "too late to say so"
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A job that a script puts into the background ignores Ctrl-C, and so would the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Typer would make all commands anew for each line that a test gives to the program.
typer.testing._get_command = cache(typer.main.get_command)  # type: ignore[attr-defined]

# Each run draws other examples; what fails once is kept and tried first from then on.
settings.register_profile("quick", max_examples=50)
settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """What is loaded by now stays, and is not looked through for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """Nothing waits until it is on the disk: no test pulls the plug."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield
