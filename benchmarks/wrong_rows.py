#!/usr/bin/env python3
"""Wrong rows that `fsmlearn check` finds in new logs of known machines.

`python benchmarks/wrong_rows.py [--bench FOLDER] [MODEL...]`: mklogs.py in that folder writes two logs of each machine,
600 traces of 30 rows with 5 % noise, and says which rows are noise. The machine is learned from one, noise and all, and
the other is checked. A row is found that is printed, whatever its kind. Right are rows printed that are noise; where
rows are lost, so is the row after the place, for no other can be printed. Noise that changes nothing (a swap of two
equal rows) need not be found.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent.parent / "shared" / "bench"
MODELS = ["coffee_mealy", "car_alarm", "OpenSSL_1.0.2_server_regular", "CC2640R2-no-feature-req"]
MODELS += ["mosquitto__two_client_will_retain"]
KINDS = ["label", "mixed"]


def log(bench: Path, model: str, kind: str, hidden: bool, seed: int, path: Path) -> None:
    """A log, and beside it the truth."""
    options = f"--traces 600 --length 30 --walk guided --seed {seed} --noise 0.05 --noise-kind {kind} --out {path}"
    words = [str(bench / "mklogs.py"), str(bench / "models" / f"{model}.dot"), *options.split()]
    subprocess.run([sys.executable, *words, *["--hide-states"] * hidden], check=True, stdout=subprocess.DEVNULL)


def measure(bench: Path, model: str, kind: str, hidden: bool) -> tuple[float, float, dict[str, float]]:
    """Share of the printed rows that are right, of the noise that is found, and that of each kind of noise."""
    with tempfile.TemporaryDirectory() as folder:
        old, new, learned = (Path(folder) / name for name in ("old.csv", "new.csv", "model.fsm"))
        log(bench, model, kind, hidden, 1, old)
        log(bench, model, kind, hidden, 2, new)
        program = [sys.executable, "-m", "fsmlearn"]
        subprocess.run([*program, "train", str(old), "--quiet", "--model", str(learned)], check=True)
        command = [*program, "check", str(new), "--quiet", "--model", str(learned)]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
        truth = json.loads(new.with_suffix(".truth.json").read_text())
    found = {int(row["line"]) for row in csv.DictReader(io.StringIO(printed))}
    noise = {row["row"] + 2: row for row in truth["noise_rows"]}
    lost = {row["before_row"] + 2 for row in truth["dropped_rows"]}
    shares = {}
    for each in ["", *sorted({row["kind"] for row in noise.values()})]:
        lines = {line for line, row in noise.items() if row["kind"].startswith(each) and not row.get("harmless")}
        shares[each] = len(lines & found) / max(len(lines), 1)
    return len(found & (noise.keys() | lost)) / max(len(found), 1), shares.pop(""), shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", metavar="MODEL", nargs="*", default=MODELS)
    parser.add_argument("--bench", metavar="FOLDER", type=Path, default=BENCH)
    given = parser.parse_args()
    print(f"{'machine':36}{'states':>9}{'noise':>7}{'right':>9}{'found':>9}")
    for model in given.models:
        for hidden in (False, True):
            for kind in KINDS:
                right, found, each = measure(given.bench, model, kind, hidden)
                kinds = ", ".join(f"{name} {share:.1%}" for name, share in each.items()) if len(each) > 1 else ""
                seen = "hidden" if hidden else "visible"
                print(f"{model:36}{seen:>9}{kind:>7}{right:9.1%}{found:9.1%}  {kinds}", flush=True)


if __name__ == "__main__":
    main()
