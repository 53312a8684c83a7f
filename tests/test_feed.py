"""Logs row by row: whatever the format, the rows, runs and places are those of the same log read as a whole."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import SAMPLES, WASH
from test_cli_events import SMALL
from test_predict import COIN
from test_tables import WAYS, Rows, rows, write

from fsmlearn import logs, streams, summary, xes
from fsmlearn.about import GridSummary
from fsmlearn.check import Checker
from fsmlearn.columns import Variables
from fsmlearn.errors import LogError
from fsmlearn.feed import NO_GRID, Feed
from fsmlearn.following import Words
from fsmlearn.logs import Log, alone
from fsmlearn.machine import Machine
from fsmlearn.moving import Moving
from fsmlearn.normal import Normal

Place = tuple[str, int]


class Recorder(Checker):
    """Keeps what it is handed."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine, Normal(), lambda _: None)
        self.rows_of: dict[str, list[tuple[Words, Place]]] = {}

    def row(self, run: str, words: Words, file: str, line: int) -> None:
        self.runs += run not in self.rows_of
        self.rows_of.setdefault(run, []).append((tuple(map(str.strip, words)), (file, line)))


def fed(
    *files: Path | str,
    machine: Machine = WASH,
    trained: Mapping[str, str] | None = None,
    chosen: Mapping[str, str] | None = None,
    start: str = "",
    grid: GridSummary = NO_GRID,
) -> dict[str, list[tuple[Words, Place]]]:
    """Run -> its rows, and where they stand."""
    recorder = Recorder(machine)
    feed = Feed(recorder, trained or {}, chosen or {}, start, grid)
    for file in files:
        feed.read(str(file), lambda: None, lambda: None)
    return recorder.rows_of


def whole(log: Log) -> dict[str, list[tuple[Words, Place]]]:
    """The same of a log that was read as a whole."""
    codes = (log.state.tolist(), log.trigger.tolist(), log.next_state.tolist())
    words: list[Words] = [(log.states[s], log.triggers[a], log.states[n]) for s, a, n in zip(*codes, strict=True)]
    places = (place.rpartition(":") for place in log.places_of(np.arange(len(log))))
    both = [(row, (file, int(line))) for row, (file, _, line) in zip(words, places, strict=True)]
    offsets = log.offsets.tolist()
    return {name: both[lo:hi] for name, lo, hi in zip(log.traces, offsets, offsets[1:], strict=False)}


def in_order(rows: Iterable[tuple[Words, Place]]) -> list[tuple[Words, Place]]:
    return sorted(rows, key=lambda row: row[1])


# --- formats ----------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(rows)
def test_rows_runs_and_lines_are_those_of_the_log_read_as_a_whole(log: Rows) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK", 300)
        patch.setattr("fsmlearn.arrivals.BLOCK", 70)
        patch.setattr(xes, "EVENTS", 3)
        for way, write_as in WAYS.items():
            path = write(folder, f"log.{way}", write_as(log))
            read = whole(logs.read(path))
            found = fed(path)
            assert found.keys() == read.keys()
            for run in read:
                assert in_order(found[run]) == in_order(read[run]), way


@pytest.mark.parametrize("way", WAYS)
def test_what_a_file_is_its_first_bytes_tell(tmp_path: Path, way: str) -> None:
    log = [("1", 1, "Off", "Start", "Soak"), ("1", 2, "Soak", "Level", "Rinse")]
    named, nameless = (write(tmp_path, name, WAYS[way](log)) for name in (f"log.{way}", "log"))
    assert [row for row, _ in fed(nameless)["1"]] == [row for row, _ in fed(named)["1"]] == [row[2:] for row in log]


def test_several_files_of_several_formats_are_one_log(tmp_path: Path) -> None:
    log = [(str(trace), step, "Off", "Start", "Soak") for trace in range(3) for step in range(8)]
    parts = [write(tmp_path, f"log{n}.{way}", WAYS[way](log[3 * n : 3 * n + 3])) for n, way in enumerate([*WAYS] * 2)]
    assert {run: len(found) for run, found in fed(*parts).items()} == {"0": 8, "1": 8, "2": 8}


def test_white_space_around_words_is_no_part_of_them(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", " trace , state,trigger ,next state\n 1 , Off , Start,Soak \n")
    found: list[object] = []
    checker = Checker(WASH, Normal(), found.append)
    Feed(checker, {}, {}).read(str(path), lambda: None, lambda: None)
    checker.finish()
    assert not found and checker.rows == 1


# --- runs -------------------------------------------------------------------------------------------------------------

steps = st.lists(st.integers(0, 9), min_size=1, max_size=30)
WHEN: dict[str, Callable[[int], str]] = {
    "step": str,
    "time": lambda n: f"{n / 4:.2f}",
    "timestamp": lambda n: f"2024-01-{n + 1:02}T09:30:00",
}


@given(steps, st.sampled_from([*WHEN]), st.sampled_from(["csv", "jsonl"]))
@settings(max_examples=60, deadline=None)
def test_without_traces_runs_are_cut_where_those_of_a_whole_log_are(times: list[int], header: str, way: str) -> None:
    """A log that is read as a whole is put in order of its steps afterwards."""
    spelt = [WHEN[header](n) for n in times]
    with tempfile.TemporaryDirectory() as folder:
        if way == "csv":
            text = f"{header},state,trigger,next state\n" + "".join(f"{word},Off,Start,Soak\n" for word in spelt)
        else:
            row = '{{"{}": "{}", "state": "Off", "trigger": "Start", "next state": "Soak"}}\n'
            text = "".join(row.format(header, word) for word in spelt)
        path = write(folder, f"log.{way}", text)
        read = whole(logs.read(path))
        assert {run: in_order(found) for run, found in fed(path, path).items()} == {
            str(int(run) + again * len(read)): in_order(found) for again in (0, 1) for run, found in read.items()
        }


def test_seconds_may_begin_with_a_whole_number(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", "time,event\n0,a\n0.5,c\n4,b\n0,a\n3.5,b\n")
    assert {run: len(rows) for run, rows in fed(path, machine=SMALL).items()} == {"1": 3, "2": 2}


def test_times_that_nobody_can_read_say_nothing_unless_somebody_chose_them(tmp_path: Path) -> None:
    path = write(tmp_path, "log.csv", "time,event\nnoon,a\nnight,c\n")
    assert [*fed(path, machine=SMALL)] == ["1"]
    with pytest.raises(LogError, match=r"log.csv:2: step 'noon' is neither a whole number nor a time"):
        fed(path, machine=SMALL, chosen={"step": "time"})
    path = write(tmp_path, "log.csv", "time,event\n2024-01-31,a\nnight,c\n")
    with pytest.raises(LogError, match=r"log.csv:3: time 'night' is no date and time"):
        fed(path, machine=SMALL)


@given(st.lists(st.sampled_from(["Off", "Soak", "Rinse"]), min_size=1, max_size=30), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_start_state_cuts_runs_as_it_cuts_traces(states: list[str], traced: bool) -> None:
    text = "trace,state,trigger,next state\n" if traced else "state,trigger,next state\n"
    text += "".join(f"{'AB'[n % 5 > 2] + ',' if traced else ''}{state},Start,Soak\n" for n, state in enumerate(states))
    with tempfile.TemporaryDirectory() as folder:
        path = write(folder, "log.csv", text)
        if "Off" not in states:
            return
        assert fed(path, start="Off") == whole(logs.read(path, start_state="Off"))


@pytest.mark.parametrize(("machine", "header"), [(SMALL, "event"), (COIN, "trigger,output")])
def test_without_states_there_is_nothing_to_cut(tmp_path: Path, machine: Machine, header: str) -> None:
    with pytest.raises(LogError, match=r"log.csv:1: a start state cuts traces, but this log shows no states"):
        fed(write(tmp_path, "log.csv", f"{header}\n{header}\n"), machine=machine, start="Off")


# --- variables --------------------------------------------------------------------------------------------------------


def sensors(rng: random.Random, traces: int, rows: int, trigger: str) -> str:
    """A log of a switch, a mode, a tank that fills and drains, and a button, with cells left empty. What happened is
    told in the row that it led to, or in the one before, or not at all."""
    text = f"trace,{'trigger,' if trigger else ''}Power,Mode,Tank,Button\n"
    for trace in range(traces):
        power, mode, phase = "off", "1", rng.random()
        for n in range(rows):
            happened = rng.choice(["", "", "Press", "Turn"])
            stood = power, mode
            if happened == "Press":
                power = "on" if power == "off" else "off"
            elif happened == "Turn":
                mode = rng.choice(["1", "2.0", "2", "03"])
            tank = f"{25 - 25 * math.cos(phase + n / 9) + rng.gauss(0, 1):.2f}"
            cells = [*(stood if trigger == "after" else (power, mode)), tank, "1" if rng.random() < 0.2 else "0"]
            cells = [cell if rng.random() > 0.1 else "" for cell in cells]
            text += ",".join([str(trace), *([happened] if trigger else []), *cells]) + "\n"
    return text


VARIABLES = [
    Variables(("Power", "Mode", "Tank")),
    Variables(("Power", "Tank"), ("Button", "Mode")),
    Variables(("Mode", "Power"), ("Power", "Button")),
    Variables(("Tank",), ("Tank", "Power"), {"Tank": (10.0, 40.0)}),
]


@pytest.mark.parametrize("trigger", ["", "before", "after"])
@pytest.mark.parametrize("variables", VARIABLES)
def test_moves_row_by_row_are_those_of_the_log_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: Variables, trigger: str
) -> None:
    nothing = np.zeros(0, np.int64)
    monkeypatch.setattr("fsmlearn.variables.misread", lambda *_: (nothing, nothing))  # nothing is put right
    path = write(tmp_path, "log.csv", sensors(random.Random(1), 20, 80, trigger))
    log = logs.read(path, variables=variables)
    grid = summary.of_grid(alone(log))
    read, found = whole(log), fed(path, trained=log.columns, grid=grid)
    assert len(log) > 200
    assert found.keys() == read.keys()
    for run in read:
        # each state is told once: it is what the move before has led to
        assert [row[1:] for row, _ in found[run]] == [row[1:] for row, _ in read[run]]
        assert [row[0] for row, _ in found[run]] == [read[run][0][0][0], *[""] * (len(read[run]) - 1)]
        assert [place for _, place in found[run]] == [place for _, place in read[run]]


HEADER = "trigger,Power,Program,Program Start,Water Pump,Water Level,Outlet,Spin\n"


def washing() -> tuple[Log, GridSummary]:
    state = ("Power", "Program", "Program Start", "Water Pump", "Water Level", "Outlet", "Spin")
    log = logs.read(SAMPLES / "washing_variables.csv", variables=Variables(state))
    return log, summary.of_grid(alone(log))


def test_a_value_that_was_not_there_in_training_is_a_state_of_its_own(tmp_path: Path) -> None:
    log, grid = washing()
    path = write(tmp_path, "log.csv", "trace," + HEADER + "1,,0,0,0,0,0,0,0\n1,Power,1,9,0,0,,0,0.0\n")
    assert fed(path, trained=log.columns, grid=grid) == {
        "1": [(("Power=0", "Power", "Power=1 Program=9"), (str(path), 3))]
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trace,trigger,Power\n", "log.csv:1: no column 'Program' for the variable"),
        (
            "trace,Power,Program,Program Start,Water Pump,Water Level,Outlet,Spin\n",
            "log.csv:1: no column for the trigger",
        ),
        (
            HEADER + ",0,0,0,0,0,0,0\n,0,0,0,0,full,0,0\n",
            "log.csv:3: Water Level is 'full', but a number elsewhere; write a number, or leave the cell empty",
        ),
    ],
)
def test_a_log_without_what_the_model_was_read_from_is_refused(tmp_path: Path, text: str, message: str) -> None:
    log, grid = washing()
    with pytest.raises(LogError, match=message):
        fed(write(tmp_path, "log.csv", text), trained=log.columns, grid=grid)


def test_of_many_runs_the_latest_alone_are_remembered() -> None:
    _, grid = washing()
    moving = Moving(grid, latest=2)
    off, on = ("0",) * 7, ("1", *("0",) * 6)
    assert moving.move("A", off, "", ("log.csv", 2)) is None
    assert moving.move("B", off, "", ("log.csv", 3)) is None
    assert moving.move("A", on, "Power", ("log.csv", 4)) is not None
    for line, run in enumerate("BCDEF", 5):
        moving.move(run, off, "", ("log.csv", line))
    assert moving.move("A", off, "Power", ("log.csv", 10)) is None, "a run that was forgotten begins anew"


def test_a_value_that_nothing_tells_is_not_recorded(tmp_path: Path) -> None:
    log, grid = washing()
    rows = "1,,0,0,0,0,,0,0\n1,Power,1,0,0,0,,0,0\n1,Power,0,0,0,0,0,0,0\n"
    path = write(tmp_path, "log.csv", "trace," + HEADER + rows)
    assert [row for row, _ in fed(path, trained=log.columns, grid=grid)["1"]] == [
        ("", "Power", ""), ("", "Power", "Power=0")
    ]  # fmt: skip
