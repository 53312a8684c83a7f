#!/usr/bin/env python3
"""What the format of a log costs: `python benchmarks/formats.py [ROWS]`, a million rows unless given.

The log of `big` is written as CSV, Parquet, JSON lines and XES, and each file is read by a process of its own, with one
thread for linear algebra; they take turns, three times, and the medians are printed. Needs pyarrow.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from pathlib import Path
from statistics import median
from xml.sax.saxutils import quoteattr

import big

READ = "import sys\nfrom fsmlearn.logs import read\nprint(read(sys.argv[1]).fingerprint())"
FORMATS = ("csv", "parquet", "jsonl", "xes")


def write(folder: Path, rows: int) -> None:
    """The same log in all formats."""
    big.write(folder / "log.csv", rows)
    import pyarrow.csv
    from pyarrow import parquet

    parquet.write_table(pyarrow.csv.read_csv(folder / "log.csv"), folder / "log.parquet")
    with (folder / "log.csv").open() as log, (folder / "log.jsonl").open("w") as lines:
        for row in csv.DictReader(log):
            lines.write(json.dumps(row | {"step": int(row["step"])}) + "\n")
    with (folder / "log.csv").open() as log, (folder / "log.xes").open("w") as xml:
        xml.write('<log xes.version="1.0">\n')
        for trace, events in groupby(csv.DictReader(log), lambda row: row["trace"]):
            xml.write(f'<trace>\n<string key="concept:name" value={quoteattr(trace)}/>\n')
            for event in events:
                xml.write(f'<event><int key="step" value="{event["step"]}"/>')
                for key in ("current_state", "trigger", "next_state"):
                    xml.write(f'<string key="{key}" value={quoteattr(event[key])}/>')
                xml.write("</event>\n")
            xml.write("</trace>\n")
        xml.write("</log>\n")


def main(rows: int) -> None:
    """Make the files, let the processes take turns, and print the medians."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ProcessPoolExecutor(1) as other:  # this process stays small, for its memory counts in those it starts
            other.submit(write, folder, rows).result()
        runs: dict[str, list[tuple[float, float, float]]] = {each: [] for each in FORMATS}
        for _ in range(big.TURNS):
            for each, found in runs.items():
                found.append(big.measured([sys.executable, "-c", READ, str(folder / f"log.{each}")]))
        for each, found in runs.items():
            _, processor, memory = zip(*found, strict=True)
            size = (folder / f"log.{each}").stat().st_size / 1e6
            print(f"{each:8} {size:6.0f} MB {median(processor):6.2f} s of the processor, {max(memory):4.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
