#!/usr/bin/env python3
"""What a Dask cluster costs on one machine: `python benchmarks/dask_cluster.py [ROWS [FILES …]]`.

The log of `big.py`, ten million rows unless given, lies in so many files (20 and 200), and traces go on from one to the
next. It is read and filtered in one process, and by two local workers with a thread each, whose start is not counted.
Both take turns, three times; the medians are printed, the greatest peak of memory, what came over the network, and
whether both say the same.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import big

TURNS = 3
ALONE = """
import sys, time
from fsmlearn.denoise import filtered
from fsmlearn.logs import gathering
began = time.perf_counter()
*_, log = gathering(sys.argv[1:])
clean = filtered(log)
print(time.perf_counter() - began, log.fingerprint(), len(clean), clean.dropped)
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


def write(folder: Path, rows: int, files: int) -> list[str]:
    """A log of this many rows in as many files."""
    whole = folder / "log.csv"
    big.write(whole, rows)
    names = []
    with whole.open() as lines:
        header = next(lines)
        for number in range(files):
            names.append(str(folder / f"day{number}.csv"))
            with Path(names[-1]).open("w") as part:
                part.write(header)
                part.writelines(line for _, line in zip(range(-(-rows // files)), lines, strict=False))
    whole.unlink()
    return names


def alone(names: list[str]) -> tuple[float, str, int]:
    """(seconds, what came out, KiB at most) of one process."""
    run = subprocess.run([sys.executable, "-c", ALONE, *names], capture_output=True, text=True, check=True)
    told, peak = run.stdout.splitlines()
    seconds, _, said = told.partition(" ")
    return float(seconds), said, int(peak)


def status(dask_worker: Any) -> tuple[int, int]:
    """(KiB of memory at most, bytes sent) of a worker."""
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    return peak, int(dask_worker.transfer_outgoing_bytes_total)


def together(names: list[str]) -> tuple[float, str, int, int, float]:
    """(seconds, what came out, KiB at most of a worker, bytes that workers sent to workers, seconds to start) of two
    workers."""
    distributed: Any = import_module("distributed")
    from fsmlearn.denoise import filtered
    from fsmlearn.logs import Whole, gathering
    from fsmlearn.workers import Cluster, local

    began = time.perf_counter()
    with local(2) as cluster, distributed.Client(cluster) as client:
        spread = Cluster(client)
        started = time.perf_counter()
        *_, log = gathering(names, spread=spread)
        assert isinstance(log, Whole)
        clean = filtered(log)
        seconds = time.perf_counter() - started
        said = f"{log.fingerprint()} {len(clean)} {clean.dropped}"
        peaks, sent = zip(*client.run(status).values(), strict=True)
    return seconds, said, max(peaks), sum(sent), started - began


def main(rows: int, counts: list[int]) -> None:
    """Make the logs, let both take turns, and print a line for each."""
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    print(f"{rows:,} rows, {multiprocessing.cpu_count()} cores\n")
    print("| files | one process | peak | two workers | × | peak of a worker | between workers | start |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    for files in counts:
        with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1) as other:
            names = other.submit(write, Path(folder), rows, files).result()
            one, two = [], []
            for _ in range(TURNS):
                one.append(alone(names))
                two.append(together(names))
        same = {each[1] for each in (*one, *two)}
        if len(same) != 1:
            raise SystemExit(f"not the same: {same}")
        here, there = (median(each[0] for each in runs) for runs in (one, two))
        print(
            f"| {files} | {here:.2f} s | {max(each[2] for each in one) / 1024:.0f} MiB "
            f"| {there:.2f} s | {there / here:.2f} | {max(each[2] for each in two) / 1024:.0f} MiB "
            f"| {max(each[3] for each in two) / 1e6:.1f} MB | {median(each[4] for each in two):.1f} s |",
            flush=True,
        )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]] or [10_000_000]
    main(numbers[0], numbers[1:] or [20, 200])
