"""Rows that say how things stand: the moves between them, by hand and in general."""

from __future__ import annotations

import csv
import io
import json
import math
import random
import runpy
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import SAMPLES, truth

from fsmlearn import readings, streams, summary
from fsmlearn.columns import Variables
from fsmlearn.config import Settings
from fsmlearn.equivalence import equivalent
from fsmlearn.errors import LogError
from fsmlearn.logs import Log, alone, read
from fsmlearn.machine import Machine
from fsmlearn.pipeline import learn

Move = tuple[str, str, str]
WASHING = Variables(("Power", "Program", "Program Start", "Water Pump", "Water Level", "Outlet", "Spin"))


def log_of(folder: Path, text: str, *state: str, inputs: str = "", **levels: list[float]) -> Log:
    (folder / "log.csv").write_text(text)
    cuts = {name: tuple(each) for name, each in levels.items()}
    return read(folder / "log.csv", variables=Variables(state, tuple(inputs.split()), cuts))


def moves(log: Log) -> list[Move]:
    columns = (log.state.tolist(), log.trigger.tolist(), log.next_state.tolist())
    return [(log.states[s], log.triggers[a], log.states[n]) for s, a, n in zip(*columns, strict=True)]


def oddities(log: Log) -> dict[str, tuple[int, int]]:
    """What -> how often, and the line of the first."""
    return {odd.what: (odd.count, int(odd.where.rpartition(":")[2])) for odd in log.oddities}


# --- moves ------------------------------------------------------------------------------------------------------------


def test_a_move_is_what_two_rows_differ_in_or_where_something_happened(tmp_path: Path) -> None:
    log = log_of(
        tmp_path,
        "trace,step,trigger,Power,Level\n"
        "A,1,,0,0\n"
        "A,2,Button,1,0\n"
        "A,3,,1,0\n"  # nothing happened
        "A,4,,1,5\n"  # nobody says why
        "A,5,Button,1,5\n"  # in vain
        "B,1,,1,5\n"  # a new trace is no move
        "B,2,Button,0,5\n",
        "Power",
        "Level",
    )
    assert moves(log) == [
        ("Power=0", "Button", "Power=1"),
        ("Power=1", "Level=5", "Power=1 Level=5"),
        ("Power=1 Level=5", "Button", "Power=1 Level=5"),
        ("Power=1 Level=5", "Button", "Level=5"),
    ]
    assert (log.kind, log.traces, log.offsets.tolist()) == ("visible", ("A", "B"), [0, 3, 4])
    assert log.line.tolist() == [3, 5, 6, 8] and log.step.tolist() == [2, 4, 5, 2]
    assert log.oddities == ()
    assert log.grid is not None and (log.grid.rows, log.grid.late) == (7, False)


def test_changes_of_inputs_are_triggers_the_first_named_before_the_others(tmp_path: Path) -> None:
    text = "Power,Start,Timer,Motor\n"
    text += "0,0,0,0\n1,0,0,0\n1,1,0,1\n1,1,1,0\n1,1,0,0\n1,0,0,0\n0,0,1,0\n"
    log = log_of(tmp_path, text, "Power", "Motor", inputs="Power Start Timer")
    assert moves(log) == [
        ("Power=0", "Power=1", "Power=1"),
        ("Power=1", "Start=1", "Power=1 Motor=1"),
        ("Power=1 Motor=1", "Timer=1", "Power=1"),
        # that Start and Timer fall back is no trigger: they are no part of the state, and mostly 0
        ("Power=1", "Power=0", "Power=0"),  # and not Timer=1
    ]
    assert oddities(log)["change in several inputs"] == (1, 8)


def test_without_inputs_whatever_changes_is_the_trigger(tmp_path: Path) -> None:
    log = log_of(tmp_path, "a,b\n0,0\n1,1\n1,0\n", "a", "b")
    assert moves(log) == [("a=0", "a=1 b=1", "a=1 b=1"), ("a=1 b=1", "b=0", "a=1")]


def test_a_trigger_may_stand_in_the_row_before_what_it_led_to(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows, state = [], 0
    for _ in range(200):  # what is seen, and what is done then, which is up to chance
        act = int(rng.integers(3))
        rows.append((state, ("stay", "next", "reset")[act]))
        state = (state, (state + 1) % 4, 0)[act]
    text = "seen,action\n" + "".join(f"{state},{act}\n" for state, act in rows)
    log = log_of(tmp_path, text, "seen")
    assert log.grid is not None and log.grid.late
    expected = [(f"seen={one}", act, f"seen={other}") for (one, act), (other, _) in pairwise(rows)]
    assert moves(log) == expected
    assert log.line.tolist() == list(range(2, 201))
    assert oddities(log) == {"trigger in the last row of a trace": (1, 201)}


def test_an_empty_cell_says_that_nothing_has_changed(tmp_path: Path) -> None:
    text = "trace,a,b\nA,,1\nA,x,\nA,,2\nA,y,\nB,,3\nB,x,3\n"
    log = log_of(tmp_path, text, "a", "b")
    assert moves(log) == [
        ("a=? b=1", "a=x", "a=x b=1"),
        ("a=x b=1", "b=2", "a=x b=2"),
        ("a=x b=2", "a=y", "a=y b=2"),
        ("a=? b=3", "a=x", "a=x b=3"),
    ]
    assert oddities(log) == {
        "empty cell in a": (1, 4),
        "unrecorded value in a": (2, 2),
        "empty cell in b": (2, 3),
    }


def test_numbers_are_one_value_however_they_are_written(tmp_path: Path) -> None:
    log = log_of(tmp_path, "a\n1\n1.0\n01\n2\n", "a")
    assert moves(log) == [("a=1", "a=2", "a=2")]


@pytest.mark.parametrize(
    ("values", "first", "second"),
    [
        ("0 1", "a=0 b=0", "a=1"),
        ("Off On", "a=Off b=Off", "a=On"),
        ("false true", "a=false b=false", "a=true"),
        ("auto manual", "a=auto b=auto", "a=manual b=auto"),
        ("0 off", "a=0 b=0", "a=off b=0"),  # two that might go without saying
    ],
)
def test_what_is_nought_goes_without_saying(tmp_path: Path, values: str, first: str, second: str) -> None:
    one, other = values.split()
    log = log_of(tmp_path, f"a,b\n{one},{one}\n{other},{one}\n{one},{other}\n", "a", "b")
    shown = first.split()[0] if "auto" not in first and "off" not in values else first
    assert log.states[:2] == (shown, second)


words = st.sampled_from(["0", "1", "2", "off", "no", "", "auto", "?"])
grids = st.lists(st.tuples(words, words, words, st.sampled_from(["", "x", "y"])), min_size=2, max_size=30)


@settings(max_examples=30, deadline=None)
@given(grids)
def test_each_combination_is_one_state_with_a_name_of_its_own(rows: list[tuple[str, str, str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b", "c", "trigger"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        try:
            log = log_of(Path(folder), text.getvalue(), "a", "b", "c")
        except LogError as error:
            assert "never change" in str(error)
            return
    assert log.grid is not None
    tuples = [tuple(v.values[v.of_state[state]] for v in log.grid.variables) for state in range(len(log.states))]
    assert len(set(tuples)) == len(set(log.states)) == len(log.states)
    assert all(log.triggers[code] for code in log.trigger.tolist())
    # a state follows another as long as no trace begins
    inside = np.setdiff1d(np.arange(1, len(log)), log.offsets)
    assert (log.state[inside] == log.next_state[inside - 1]).all()
    seen = summary.of_grid(alone(log))
    assert sum(each.rows for each in seen.moves) == len(log)


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_numbers_with_many_values_are_cut_into_levels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    level = np.repeat([0.0, 50.0, 0.0, 50.0, 0.0], 20) + rng.normal(0, 1, 100)
    text = "Level,few\n" + "".join(f"{each:.3f},{n // 50}\n" for n, each in enumerate(level))
    log = log_of(tmp_path, text, "Level", "few")
    assert log.grid is not None
    number, few = log.grid.variables
    assert (number.values, few.values, few.cuts) == (("low", "high"), ("0", "1"), None)
    assert number.cuts is not None and 5 < number.cuts[0] < 45 and not number.given
    assert [trigger for _, trigger, _ in moves(log)] == ["Level=high", "Level=low", "few=1", "Level=high", "Level=low"]
    given = log_of(tmp_path, text, "Level", Level=[-100.0, 25.0, 45.0, 100.0]).grid
    assert given is not None and given.variables[0].given
    assert given.variables[0].values == ("1 of 5", "2 of 5", "3 of 5", "4 of 5", "5 of 5")
    assert set(given.variables[0].of_state) <= {1, 2, 3}


def test_a_cut_that_is_given_is_exact(tmp_path: Path) -> None:
    log = log_of(tmp_path, "v\n9.9\n10\n10.1\n9\n50\n", "v", v=[10.0, 50.0])
    assert moves(log) == [
        ("v=low", "v=middle", "v=middle"),
        ("v=middle", "v=low", "v=low"),
        ("v=low", "v=high", "v=high"),
    ]


@pytest.mark.parametrize("many", [100, 6000])  # words, or too many of them
def test_what_is_no_number_among_numbers_is_told_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(streams, "BLOCK", 4096)
    text = "L,p\n" + "".join(f"{n / 7:.4f},{n % 2}\n" for n in range(many))
    with pytest.raises(LogError, match=rf"log.csv:{many + 2}: L is 'err', but a number elsewhere; write a number"):
        log_of(tmp_path, text + "err,1\n", "L", "p")
    log = log_of(tmp_path, text + "nan,0\n,1\n", "L", "p")
    assert oddities(log)["empty cell in L"] == (2, many + 2)


def test_many_numbers_are_read_alike_in_blocks_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    level = np.repeat(rng.integers(0, 2, 500), 20) * 50.0 + rng.normal(0, 1, 10_000)
    text = "L\n" + "".join(f"{each}\n" for each in level.tolist())
    one = log_of(tmp_path, text, "L")
    monkeypatch.setattr(streams, "BLOCK", 10_000)
    monkeypatch.setattr(readings, "MOST", 100)
    other = log_of(tmp_path, text, "L")
    assert (one.fingerprint(), one.grid) == (other.fingerprint(), other.grid)
    assert len(one) == np.count_nonzero(np.diff(level > 25))


def test_too_many_words_and_no_change_are_told(tmp_path: Path) -> None:
    text = "a\n" + "".join(f"w{n}\n" for n in range(5000))
    with pytest.raises(LogError, match=r"log.csv:2: variable 'a' has too many different words, such as 'w0'; leave"):
        log_of(tmp_path, text, "a")
    text = (
        "a,b\n"
        + "".join(f"w{n},v{n % 3999}\n" for n in range(4000))
        + "".join(f"w{n},v{n // 3}\n" for n in range(4000))
    )
    with pytest.raises(LogError, match=r"log.csv: the variables make 1\d,\d+ different states; name fewer"):
        log_of(tmp_path, text + "".join(f"w{n},v{n // 2}\n" for n in range(4000)), "a", "b")
    with pytest.raises(LogError, match="the variables never change, so that there is no move; name others"):
        log_of(tmp_path, "a,b\n1,1\n1,2\n", "a")


# --- misreadings ------------------------------------------------------------------------------------------------------


def ring(rng: np.random.Generator, rows: int) -> list[list[int]]:
    """A light of three lamps that goes round, and stays where it is every other time, up to chance."""
    at, found = 0, []
    for _ in range(rows):
        go = int(rng.integers(2))
        at = (at + go) % 3
        found.append([go, at == 0, at == 1, at == 2])
    return [[int(each) for each in row] for row in found]


def test_a_variable_that_is_misread_is_put_right(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    true = ring(rng, 3000)
    read_rows = [list(row) for row in true]
    wrong = (rng.choice(1000, 30, replace=False) * 3 + 1).tolist()  # never two in a row
    for row in wrong:
        lamp = int(rng.integers(1, 4))
        read_rows[row][lamp] = 1 - read_rows[row][lamp]

    def text(rows: list[list[int]]) -> str:
        return "trigger,a,b,c\n" + "".join(f"{('wait', 'go')[go]},{a},{b},{c}\n" for go, a, b, c in rows)

    clean, noisy = log_of(tmp_path, text(true), "a", "b", "c"), log_of(tmp_path, text(read_rows), "a", "b", "c")
    assert clean.oddities[0].what == "trigger in the first row of a trace" and len(clean.oddities) == 1
    assert oddities(noisy)["misread variable"] == (30, min(wrong) + 2)
    assert noisy.fingerprint() == clean.fingerprint()
    assert noisy.grid is not None
    for at, state in enumerate(noisy.states):  # a variable has the value that the name of the state says
        said = {f"{each.name}={each.values[each.of_state[at]]}" for each in noisy.grid.variables}
        assert {each for each in said if not each.endswith("=0")} == set(state.split())


def test_what_is_rare_but_always_the_same_is_no_misreading(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = ring(rng, 6000)
    alarms = [n for n, row in enumerate(rows) if row[1] and row[0]][::100]  # once in a hundred times, in one place
    text = "trigger,a,b,c,alarm\n" + "".join(
        f"{('wait', 'go')[row[0]]},{row[1]},{row[2]},{row[3]},{int(n in alarms)}\n" for n, row in enumerate(rows)
    )
    log = log_of(tmp_path, text, "a", "b", "c", "alarm")
    assert "misread variable" not in oddities(log)
    assert np.count_nonzero(log.next_state == log.states.index("a=1 alarm=1")) == len(alarms) > 5


# --- the sample log ---------------------------------------------------------------------------------------------------


def sample(variables: Variables = WASHING) -> Log:
    return read(SAMPLES / "washing_variables.csv", variables=variables)


def test_the_sample_log_shows_the_states_of_its_truth() -> None:
    log, machine = sample(), truth("washing_variables")
    assert set(log.states) == {machine.visible(state.name) for state in machine.states}
    [odd] = log.oddities
    facts = json.loads((SAMPLES / "washing_variables.truth.json").read_text())
    assert (odd.what, odd.count) == ("misread variable", len(facts["noise"]))
    assert odd.where.endswith(f":{facts['noise'][0]['line']}")


@pytest.mark.slow
def test_nearly_all_misreadings_are_put_right_and_no_true_row_is(tmp_path: Path) -> None:
    script = runpy.run_path(str(SAMPLES / "make_sample_logs.py"))
    wrong = right = 0
    for seed in range(21, 27):
        text, facts = script["washing_variables"](seed)
        (tmp_path / "log.csv").write_text(text)
        log = read(tmp_path / "log.csv", variables=WASHING)
        misread = {row["line"] for row in json.loads(facts)["noise"]}
        wrong += len(misread)
        right += oddities(log)["misread variable"][0]
        lines = [line.split(",") for line in text.splitlines()]
        states = [names(dict(zip(lines[0], row, strict=True))) for row in lines[1:]]
        shown = [log.states[code] for code in log.next_state.tolist()]
        changed = {n for n, state in zip(log.line.tolist(), shown, strict=True) if states[n - 2] != state}
        assert changed <= misread
    assert (right, wrong) == (300, 304)


def names(row: dict[str, str]) -> str:
    """The visible state of a row of the sample log as it stands."""
    row["Water Level"] = "high" if float(row["Water Level"]) > 20 else "0"
    return " ".join(f"{name}={row[name]}" for name in WASHING.state if row[name] != "0") or "Power=0"


def test_the_report_tells_what_moves_on_which_trigger() -> None:
    seen = summary.of_grid(alone(sample()))
    names = [each.name for each in seen.variables]
    share = {
        each.trigger: {name: moved / each.rows for name, moved in zip(names, each.moved, strict=True) if moved}
        for each in seen.moves
    }
    assert share["Level"] == {"Water Pump": 1, "Water Level": 1}
    assert share["Start"] == {"Program": 1, "Program Start": 1, "Water Pump": 1}
    assert set(share["Program 1"]) == {"Program"} and share["Power"]["Power"] == 1
    assert {"Outlet", "Spin"} <= set(share["Timer"])


@pytest.mark.slow
def test_the_machine_of_the_washing_log_is_learned_from_its_variables() -> None:
    machine = learn(SAMPLES / "washing_variables.csv", settings=Settings(variables=WASHING)).machine
    assert equivalent(machine, truth("washing_variables")) is None
    assert renamed(machine, truth("washing_machine"))


def sampled(path: Path, days: int, ways: bool) -> Path:
    """The washing machine looked at ten times a second or so, with no word of what happened. The water rises and falls
    at once, or it takes its time (`ways`), and its level is noisy."""
    script = runpy.run_path(str(SAMPLES / "make_sample_logs.py"))
    world, rng = script["washing_machine"](), random.Random(1)
    lines, level = ["trace,time," + ",".join(script["VARIABLES"])], 0.0
    for day in range(days):
        state, trigger, time, moved = world.initial, "", 0, 0
        while trigger is not None:
            values = script["variables"](state, trigger)
            full = {"Soak": script["FULL"], "Drain": 0.0}.get(script["label"](state), values["Water Level"])
            begin, size = level, rng.randint(6, 14)
            for n in range(size):
                turn = (1 - math.cos(math.pi * (n + 1) / size)) / 2
                level = begin + (full - begin) * turn if ways else values["Water Level"]
                shown = values | {"Water Level": round(level + rng.gauss(0, 1), 2), "Timer": values["Timer"] * (n == 0)}
                lines.append(f"{day},{time / 10}," + ",".join(f"{value:g}" for value in shown.values()))
                time += 1
            trigger, moved = world.user(rng, state, moved), moved + 1
            if trigger is not None:
                [branch] = world.machine[state, trigger]
                state = branch.next_state
                level = 0.0 if script["label"](state) in ("Off", "Soak") else level
    path.write_text("\n".join(lines) + "\n")
    return path


INPUTS = ("Power", "Program Start", "Program", "Timer", "Water Level")


@pytest.mark.slow
def test_the_machine_is_learned_from_samples_where_changes_of_inputs_are_the_triggers(tmp_path: Path) -> None:
    settings = Settings(variables=Variables(WASHING.state, INPUTS))
    machine = learn(sampled(tmp_path / "log.csv", 300, ways=False), settings=settings).machine
    words = {"Power=0": "Power", "Power=1": "Power", "Timer=1": "Timer", "Water Level=high": "Level"}
    words |= {"Program Start=1": "Start"} | {f"Program={n}": f"Program {n}" for n in (1, 2, 3)}
    true = truth("washing_machine")
    ways = [replace(t, trigger=words[t.trigger]) for t in machine.transitions]
    # a programme that is chosen again changes nothing, so the samples do not show it
    seen = [t for t in true.transitions if not t.trigger.startswith("Program") or t.state != t.next_state]
    called = replace(machine, triggers=true.triggers, transitions=tuple(ways))
    assert renamed(called, replace(true, transitions=tuple(seen)))


@pytest.mark.slow
def test_what_rises_and_falls_slowly_passes_its_cut_once(tmp_path: Path) -> None:
    settings = Settings(variables=Variables(WASHING.state, INPUTS))
    machine = learn(sampled(tmp_path / "log.csv", 300, ways=True), settings=settings).machine
    soak, drain = "Power=1 Program Start=1 Water Pump=1", "Power=1 Program Start=1 Water Level=high Outlet=1"
    ways = {(machine.visible(t.state), t.trigger, machine.visible(t.next_state)) for t in machine.transitions}
    assert (soak, "Water Level=high", f"{soak} Water Level=high") in ways
    assert (drain, "Water Level=low", "Power=1 Program Start=1 Outlet=1") in ways
    assert not [way for way in ways if way[1] == "Water Level=low" and "Water Pump=1" in way[2]]  # nor back again


def renamed(one: Machine, other: Machine) -> bool:
    """Whether two machines without chance differ only in the names of their states."""
    same, todo = {one.initial: other.initial}, [one.initial]
    for state in todo:
        if {t.trigger for t in one.transitions if t.state == state} != {
            t.trigger for t in other.transitions if t.state == same[state]
        }:
            return False
        for way in (t for t in one.transitions if t.state == state):
            [twin] = other.successors(same[state], way.trigger)
            if way.next_state not in same:
                same[way.next_state] = twin.next_state
                todo.append(way.next_state)
            if same[way.next_state] != twin.next_state:
                return False
    return len(set(same.values())) == len(one.states) == len(other.states)
