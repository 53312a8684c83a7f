"""How many rows a second `fsmlearn predict -` answers through a pipe, on one core, and what memory it takes.

`python benchmarks/stream.py [ROWS]` feeds it traces of a washing machine in several forms and prints a table. The
time is the program's own (user and system), since whatever else the machine does is no part of it; wall time stands
beside it. Starting up counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from startup import WASH, about

from fsmlearn import store

ROWS = 2_000_000
CYCLE = [("Off", "Start"), ("Soak", "Level"), ("Rinse", "Timer"), ("Drain", "Timer")]
PIECE = 10_000  # rows written at a time

FORMS: dict[str, tuple[str, Callable[[int], str]]] = {
    "trace, step, state, trigger": (
        "trace,step,state,trigger\n",
        lambda i: "{},{},{},{}\n".format(i // 4, i % 4, *CYCLE[i % 4]),
    ),
    "a new trace every row": ("trace,state,trigger\n", lambda i: "{},{},{}\n".format(i, *CYCLE[i % 4])),
    "step alone": ("step,state,trigger\n", lambda i: "{},{},{}\n".format(i % 4, *CYCLE[i % 4])),
    "state, trigger": ("state,trigger\n", lambda i: "{},{}\n".format(*CYCLE[i % 4])),
    "quoted, semicolons": ("trace;state;trigger\n", lambda i: '"{}";"{}";"{}"\n'.format(i // 4, *CYCLE[i % 4])),
}


def pieces(row: Callable[[int], str], rows: int) -> Iterator[bytes]:
    for start in range(0, rows, PIECE):
        yield "".join(map(row, range(start, min(start + PIECE, rows)))).encode()


def measure(
    place: str, header: str, row: Callable[[int], str], rows: int, command: list[str], status: int = 0
) -> tuple[float, float, int]:
    """Seconds of processor, seconds of wall clock, KiB held at most, by a command that ends with this status."""
    path = Path(place) / "rows.csv"
    with path.open("wb") as file:
        file.write(header.encode())
        file.writelines(pieces(row, rows))
    words = [sys.executable, "-m", "fsmlearn", *command]
    began = time.perf_counter()
    with path.open("rb") as source, subprocess.Popen(["cat"], stdin=source, stdout=subprocess.PIPE) as cat:
        process = subprocess.Popen(words, stdin=cat.stdout, stdout=subprocess.PIPE, cwd=place)
        assert cat.stdout is not None
        assert process.stdout is not None
        cat.stdout.close()
        reader = threading.Thread(target=drain, args=[process.stdout])
        reader.start()
        _, ended, used = os.wait4(process.pid, 0)
        reader.join()
        process.returncode = os.waitstatus_to_exitcode(ended)
    if process.returncode != status:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss


def drain(stream: IO[bytes]) -> None:
    while stream.read(1 << 20):
        pass


def main(arguments: list[str]) -> None:
    rows = int(arguments[0]) if arguments else ROWS
    print(f"{rows:,} rows, Python {sys.version.split()[0]}\n")
    print(f"{'':30}{'rows/s of one core':>20}{'by the clock':>14}{'memory':>10}")
    with tempfile.TemporaryDirectory() as place:
        store.save(Path(place) / "model.fsm", WASH, about(), {})
        for name, (header, row) in FORMS.items():
            show(name, rows, measure(place, header, row, rows, ["predict", "-"]))
        name, (header, row) = next(iter(FORMS.items()))
        few = rows // 10
        show("--line-buffered", few, measure(place, header, row, few, ["predict", "-", "--line-buffered"]))


def show(name: str, rows: int, measured: tuple[float, float, int]) -> None:
    used, waited, memory = measured
    print(f"{name:30}{rows / used:20,.0f}{rows / waited:14,.0f}{memory / 1024:7.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
