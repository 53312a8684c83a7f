"""How long the light commands take to start: whole processes, as multiples of `python -c pass`.

`python benchmarks/startup.py [ROUNDS]` prints a table. The runs are interleaved and the least time of each counts,
since whatever else the machine does only ever adds to it; times are of this machine, multiples nearly of any.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fsmlearn import store
from fsmlearn.about import About, ExtractionSummary, LogSummary, NoiseSummary, TrainingSummary
from fsmlearn.machine import Machine

ROUNDS = 20
WASH = Machine.build(
    "moore",
    0,
    ["Off", "Soak", "Rinse", "Drain"],
    ["Start", "Level", "Timer"],
    [(0, "Start", 1, None, 9), (1, "Level", 2, None, 9), (2, "Timer", 3, None, 9), (3, "Timer", 0, None, 9)],
)
PASS = "python -c pass"


def about() -> About:
    """What stands in a model beside the machine; a machine without a log has little to say."""
    return About(
        LogSummary("visible", ("log.csv",), {}, 36, 9, 4, 3, 0, "", ()),
        NoiseSummary({}, {}, 0, 0, 0, ()),
        TrainingSummary("elman", "tanh", 64, 0, 36, 4, (), 0, False, 0.0),
        ExtractionSummary(0, 0, 4, 0, 0.0),
        (),
        (),
        {},
    )


def commands(program: list[str]) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Name -> words and environment."""

    def tab(line: str) -> dict[str, str]:
        return {
            "_FSMLEARN_COMPLETE": "complete_bash",
            "COMP_WORDS": line.replace(" ", "\n"),
            "COMP_CWORD": str(line.count(" ")),
        }

    return {
        PASS: ([sys.executable, "-c", "pass"], {}),
        "predict --state … --trigger …": ([*program, "predict", "--state", "Rinse", "--trigger", "Timer"], {}),
        "extract-table": ([*program, "extract-table"], {}),
        "report": ([*program, "report"], {}),
        "--help": ([*program, "--help"], {}),
        "predict --help": ([*program, "predict", "--help"], {}),
        "TAB after fsmlearn": (program, tab("fsmlearn ")),
        "TAB after fsmlearn predict --": (program, tab("fsmlearn predict --")),
        "TAB after … predict --state": (program, tab("fsmlearn predict --state ")),
    }


def main(arguments: list[str]) -> None:
    rounds = int(arguments[0]) if arguments else ROUNDS
    script = Path(sys.executable).with_name("fsmlearn")
    program = [str(script)] if script.exists() else [sys.executable, "-m", "fsmlearn"]
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        store.save(Path(place) / "model.fsm", WASH, about(), {})
        for _ in range(rounds):
            for name, (words, environment) in commands(program).items():
                began = time.perf_counter()
                subprocess.run(words, cwd=place, env={**os.environ, **environment}, capture_output=True, check=True)
                best[name] = min(best.get(name, float("inf")), time.perf_counter() - began)
    print(f"least of {rounds} runs, Python {sys.version.split()[0]}\n")
    for name, seconds in best.items():
        print(f"{name:32}{seconds * 1e3:8.1f} ms{seconds / best[PASS]:8.1f} ×")


if __name__ == "__main__":
    main(sys.argv[1:])
