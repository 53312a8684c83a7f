#!/usr/bin/env python3
"""What a big log costs: `python benchmarks/big.py [ROWS [train]]`, ten million rows unless given.

The washing machine of the sample logs is used for so many days that its log has that many rows; one row in thirty is
wrong, as in the sample log. Reading it and filtering it, and with `train` the whole command, are then set beside the
least that anybody must do: pandas reading the three columns of words in chunks, as categories, and counting
(current state, trigger, next state). Every measurement is a process of its own, with one thread for linear algebra and
with modules that are compiled, as they are once installed; they take turns, three times, and the medians are printed.
"""

from __future__ import annotations

import compileall
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import fsmlearn

if TYPE_CHECKING:
    from collections.abc import Sequence

Ints = NDArray[np.int64]
SAMPLES = Path(__file__).resolve().parent.parent / "sample_logs" / "make_sample_logs.py"
NOISE = 0.03  # share of rows that something happens to
DAYS = 50_000  # traces that are made at a time
TURNS = 3

BARE = """
import sys, numpy as np, pandas as pd
names = ["current_state", "trigger", "next_state"]
total = None
for chunk in pd.read_csv(sys.argv[1], usecols=names, dtype="category", chunksize=500_000):
    counts = chunk.groupby(names, observed=True).size()
    total = counts if total is None else total.add(counts, fill_value=0)
print(len(total))
"""
FILTERED = """
import os, sys
os.environ["NUMPY_MADVISE_HUGEPAGE"] = "0"  # as the program does
from fsmlearn.denoise import denoise
from fsmlearn.logs import read
clean = denoise(read(sys.argv[1]))
print(len(clean.findings))
"""


def world() -> Any:
    """The washing machine of the sample logs."""
    spec = importlib.util.spec_from_file_location("make_sample_logs", SAMPLES)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.washing_machine()


class Walker:
    """The machine as arrays, so that many days are lived at once."""

    def __init__(self) -> None:
        machine = world().machine
        self.states = list(dict.fromkeys(["Off", *(b.next_state for branches in machine.values() for b in branches)]))
        self.labels = list(dict.fromkeys(state.partition("_")[0] for state in self.states))
        self.triggers = list(dict.fromkeys(trigger for _, trigger in machine))
        self.label = np.array([self.labels.index(state.partition("_")[0]) for state in self.states])
        self.after = np.full((len(self.states), len(self.triggers)), -1)
        for (state, trigger), (branch,) in machine.items():
            self.after[self.states.index(state), self.triggers.index(trigger)] = self.states.index(branch.next_state)
        self.known = np.zeros((len(self.labels), len(self.triggers)), bool)
        for s, a in zip(*np.nonzero(self.after >= 0), strict=True):
            self.known[self.label[s], a] = True

    def days(self, rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
        """(day, visible state, trigger, next visible state) of every row of DAYS traces, day by day."""
        power, start, level, timer = (self.triggers.index(word) for word in ("Power", "Start", "Level", "Timer"))
        programme = np.array([self.triggers.index(f"Program {n}") for n in (1, 2, 3)])
        named = {word: self.labels.index(word) for word in self.labels}
        usual = np.full(len(self.labels), timer)
        usual[[named["Programmed"], named["Soak"]]] = start, level
        day, state, parts = np.arange(DAYS), np.zeros(DAYS, np.int64), []
        while len(day):
            label = self.label[state]
            chosen = programme[np.searchsorted([0.36, 0.68], rng.random(len(day)))]
            choose = (label == named["Idle"]) | ((label == named["Programmed"]) & (rng.random(len(day)) < 0.25))
            trigger = np.where(choose, chosen, usual[label])
            off = (label == named["Off"]) | (label == named["Stop"]) | (rng.random(len(day)) < 0.06)
            trigger[off] = power
            after = self.after[state, trigger]
            parts.append(np.stack([day, label, trigger, self.label[after]]))
            on = (after != 0) | (rng.random(len(day)) < 0.3)
            day, state = day[on], after[on]
        rows = np.concatenate(parts, 1)
        day, label, trigger, after = rows[:, np.argsort(rows[0], kind="stable")]
        return day, label, trigger, after

    def disturbed(self, rows: Sequence[Ints], rng: np.random.Generator) -> tuple[Ints, Ints, Ints, Ints]:
        """The rows as a poor logger writes them: a wrong next state, a row of nothing, a lost row, or two swapped."""
        day, label, trigger, after = (column.copy() for column in rows)
        n = len(day)
        what = np.where(rng.random(n) < NOISE, rng.integers(0, 4, n), -1)
        wrong = np.flatnonzero(what == 0)
        after[wrong] = (after[wrong] + rng.integers(1, len(self.labels), len(wrong))) % len(self.labels)
        swap = np.flatnonzero((what[:-1] == 3) & (day[:-1] == day[1:]) & (what[1:] < 0))
        order = np.arange(n)
        order[swap], order[swap + 1] = swap + 1, swap
        made_up = np.flatnonzero(what == 1)
        ignored = np.argmax(rng.random((len(made_up), len(self.triggers))) * ~self.known[label[made_up]], 1)
        other = (label[made_up] + rng.integers(1, len(self.labels), len(made_up))) % len(self.labels)
        keep = what[order] != 2
        place = np.append(np.flatnonzero(keep), made_up - 0.5)  # a row of nothing stands before the row that follows it
        fresh = np.stack([day[made_up], label[made_up], ignored, other])
        whole = np.concatenate([np.stack([day, label, trigger, after])[:, order[keep]], fresh], 1)
        day, label, trigger, after = whole[:, np.argsort(place, kind="stable")]
        return day, label, trigger, after


def write(path: Path, rows: int) -> None:
    """A log of this many rows."""
    rng, walker, first = np.random.default_rng(14), Walker(), 1
    with path.open("w") as file:
        file.write("trace,step,current_state,trigger,next_state\n")
        while rows:
            day, *codes = walker.disturbed(walker.days(rng), rng)
            day, codes = day[:rows], [column[:rows] for column in codes]
            starts = np.flatnonzero(np.diff(day, prepend=-1))
            step = np.arange(1, len(day) + 1) - np.repeat(starts, np.diff(np.append(starts, len(day))))
            tails = {
                (s, a, t): f"{walker.labels[s]},{walker.triggers[a]},{walker.labels[t]}\n"
                for s, a, t in set(zip(*(column.tolist() for column in codes), strict=True))
            }
            cells = zip((day + first).tolist(), step.tolist(), *(column.tolist() for column in codes), strict=True)
            file.write("".join([f"{d},{i},{tails[s, a, t]}" for d, i, s, a, t in cells]))
            rows, first = rows - len(day), first + DAYS


def measured(command: Sequence[str]) -> tuple[float, float, float]:
    """(seconds of wall time, seconds of the processor, peak MiB of memory) of a process."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | threads)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command[1]} failed")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main(rows: int, train: bool) -> None:
    """Make the log, let the processes take turns, and print the medians."""
    compileall.compile_dir(Path(fsmlearn.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        path, model = Path(folder) / "log.csv", Path(folder) / "model.fsm"
        with ProcessPoolExecutor(1) as other:  # this process stays small, for its memory counts in those it starts
            other.submit(write, path, rows).result()
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:.0f} MB", flush=True)
        commands = {
            "bare pandas": [sys.executable, "-c", BARE, str(path)],
            "read and filter": [sys.executable, "-c", FILTERED, str(path)],
        }
        if train:
            commands["train"] = [sys.executable, "-m", "fsmlearn", "train", "--quiet", str(path), "--model", str(model)]
        runs: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
        for _ in range(TURNS):
            for name, command in commands.items():
                runs[name].append(measured(command))
        columns = {name: list(zip(*found, strict=True)) for name, found in runs.items()}
        bare = [median(column) for column in columns["bare pandas"]]
        for name, (wall, processor, memory) in columns.items():
            times = ((median(wall), bare[0]), (median(processor), bare[1]))
            shown = " of the clock,".join(f" {each:6.2f} s ({each / least:5.2f} x)" for each, least in times)
            print(f"{name:16}{shown} of the processor, {max(memory):5.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000, sys.argv[2:] == ["train"])
