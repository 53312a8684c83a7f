"""How many rows a second `fsmlearn check -` judges through a pipe, on one core, and what memory it takes.

`python benchmarks/check.py [ROWS]` feeds it traces of a washing machine in several forms and prints a table, measured
as `stream` does. What is normal was measured on a thousand of these traces.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from startup import WASH, about
from stream import CYCLE, ROWS, measure, show

from fsmlearn import logs, store
from fsmlearn.calibrate import calibrated
from fsmlearn.machine import Machine

NEXT = [state for state, _ in CYCLE[1:] + CYCLE[:1]]
EVENTS = Machine.build(
    "lts",
    0,
    [None, None, None, None, None, "End"],
    ["Start", "Level", "Timer", "End"],
    [
        (0, "Start", 1, None, 1000),
        (1, "Level", 2, None, 1000),
        (2, "Timer", 3, None, 1000),
        (3, "Timer", 4, None, 1000),
        (4, "End", 5, None, 1000),
    ],
)
HIDDEN = Machine.build(
    "mealy", 0, [None] * 4, WASH.triggers, [(i, CYCLE[i][1], (i + 1) % 4, NEXT[i], 9) for i in range(4)]
)


def visible(i: int) -> str:
    return "{},{},{},{},{}\n".format(i // 4, i % 4, *CYCLE[i % 4], NEXT[i % 4])


def wrong(i: int) -> str:
    return visible(i) if i % 100 else "{},{},{},{},Off\n".format(i // 4, i % 4, *CYCLE[i % 4])


def event(i: int) -> str:
    return f"{i // 4},{i % 4},{CYCLE[i % 4][1]}\n"


def record(i: int) -> str:
    """A row as JSON."""
    return RECORD.format(i // 4, i % 4, *CYCLE[i % 4], NEXT[i % 4])


RECORD = '{{"trace": {}, "step": {}, "state": "{}", "trigger": "{}", "next state": "{}"}}\n'
VISIBLE, SEQUENCE = "trace,step,state,trigger,next state\n", "trace,step,event\n"
# Name -> model, header, rows, options, exit status
FORMS: dict[str, tuple[Machine, str, Callable[[int], str], list[str], int]] = {
    "trace, step, three words": (WASH, VISIBLE, visible, [], 0),
    "the same, 1 % wrong": (WASH, VISIBLE, wrong, [], 1),
    "the same as JSON lines": (WASH, "", record, [], 0),
    "a new trace every row": (
        WASH,
        "trace,state,trigger,next state\n",
        lambda i: "{},{},{},{}\n".format(i, *CYCLE[i % 4], NEXT[i % 4]),
        [],
        0,
    ),
    "step alone": (
        WASH,
        "step,state,trigger,next state\n",
        lambda i: "{},{},{},{}\n".format(i % 4, *CYCLE[i % 4], NEXT[i % 4]),
        [],
        0,
    ),
    "trigger, output": (
        HIDDEN,
        "trace,step,trigger,output\n",
        lambda i: f"{i // 4},{i % 4},{CYCLE[i % 4][1]},{NEXT[i % 4]}\n",
        [],
        0,
    ),
    "events": (EVENTS, SEQUENCE, event, [], 0),
    "three words, --trace-scores": (WASH, VISIBLE, visible, ["--trace-scores"], 0),
    "events, --trace-scores": (EVENTS, SEQUENCE, event, ["--trace-scores"], 0),
    "--line-buffered, 1 % wrong": (WASH, VISIBLE, wrong, ["--line-buffered"], 1),
}


def save(place: Path, machine: Machine, header: str, row: Callable[[int], str]) -> None:
    """A model, and what is normal in a thousand traces."""
    log = place / "normal.csv"
    log.write_text(header + "".join(map(row, range(4000))))
    normal = calibrated(machine, logs.read(log))
    store.save(place / "model.fsm", machine, about(), {}, normal=normal)


def main(arguments: list[str]) -> None:
    rows = int(arguments[0]) if arguments else ROWS
    print(f"{rows:,} rows, Python {sys.version.split()[0]}\n")
    print(f"{'':30}{'rows/s of one core':>20}{'by the clock':>14}{'memory':>10}")
    with tempfile.TemporaryDirectory() as place:
        for name, (machine, header, row, options, status) in FORMS.items():
            save(Path(place), machine, *((VISIBLE, visible) if row in (wrong, record) else (header, row)))
            command = ["check", "-", "--quiet", *options]
            show(name, rows, measure(place, header, row, rows, command, status))


if __name__ == "__main__":
    main(sys.argv[1:])
