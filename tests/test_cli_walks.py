"""`diff`, `plan` and `simulate` as commands: what they print and where, their exit status, and how they refuse."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from machines import WASH, truth
from test_cli import run, told, workplace
from test_store import ABOUT, NETWORK

from fsmlearn import logs, store
from fsmlearn.machine import Machine, State

__all__ = ["workplace"]  # a fixture

# the second rinse goes on to a spin
SPUN = Machine.build(
    "moore",
    0,
    ["Off", "Soak", "Rinse", "Soak", "Rinse", "Drain", "Spin"],
    WASH.triggers,
    [
        (0, "Start", 1, None, 10),
        (1, "Level", 2, None, 10),
        (2, "Timer", 3, None, 9),
        (3, "Level", 4, None, 8),
        (4, "Timer", 6, None, 4),
        (6, "Timer", 5, None, 4),
        (5, "Timer", 0, None, 3),
    ],
)
EVENTS = Machine.build("lts", 0, [None, "End"], ["a", "End"], [(0, "a", 0, None, 8), (0, "End", 1, None, 2)])


@pytest.fixture(autouse=True)
def models(workplace: Path) -> None:
    found = {"spun": SPUN, "orders": truth("order_process"), "events": EVENTS, "vending": truth("vending_machine")}
    for name, machine in found.items():
        store.save(f"{name}.fsm", machine, ABOUT, NETWORK)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# --- diff -------------------------------------------------------------------------------------------------------------


def test_a_difference_has_both_sides() -> None:
    done = run("diff", "wash.fsm", "spun.fsm")
    assert (done.exit_code, done.stderr) == (1, "")
    first, *others = rows(done.stdout)
    assert first == {
        "difference": "other answer",
        "old_word": "Start,Level,Timer,Level",
        "new_word": "Start,Level,Timer,Level",
        "old_state": "Rinse·2",
        "new_state": "Rinse·2",
        "trigger": "Timer",
        "old": "Drain",
        "new": "Spin",
        "old_rows": "3",
        "new_rows": "4",
        "then": "",
        "old_then": "",
        "new_then": "",
    }
    assert [(each["difference"], each["new_state"]) for each in others] == [("state only in new", "Spin")]
    # the words are what --history takes
    assert (
        run("predict", "--model", "wash.fsm", "--history", first["old_word"], "--trigger", "Timer").stdout == "Drain\n"
    )


def test_machines_that_do_the_same_print_nothing() -> None:
    names = {state.name: f"q{i}" for i, state in enumerate(WASH.states)}
    ways = [replace(t, state=names[t.state], next_state=names[t.next_state]) for t in WASH.transitions]
    states = tuple(State(names[state.name], state.label) for state in WASH.states)
    other = Machine("moore", names["Off"], states, WASH.triggers, tuple(ways))
    store.save("other.fsm", other, ABOUT, NETWORK)
    done = run("diff", "wash.fsm", "other.fsm")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "no difference\n")


def test_differences_as_a_table_begin_with_the_shortest_word() -> None:
    table = run("diff", "wash.fsm", "spun.fsm", "--format", "table").stdout.splitlines()
    assert table[0] == "they differ after Start,Level,Timer,Level,Timer"
    assert table[2].split() == ["difference", "after", "state", "trigger", "old", "new"]
    assert table[3].endswith("Drain (3 rows)  Spin (4 rows)")
    assert len(table) == 5


def test_a_table_says_in_how_many_rows_nothing_was_seen_and_what_shows_later() -> None:
    # of the vending machine: Return is not seen with a coin in it; the second coin counts for two
    vending = truth("vending_machine")
    ways = [t for t in vending.transitions if (t.state, t.trigger) != ("S1", "Return")]
    ways = [replace(t, next_state="S4") if (t.state, t.trigger) == ("S1", "Coin") else t for t in ways]
    store.save("other.fsm", replace(vending, transitions=tuple(ways)), ABOUT, NETWORK)
    table = run("diff", "vending.fsm", "other.fsm", "--format", "table").stdout
    rows = sum(t.count for t in ways if t.state == "S1")
    assert re.search(rf"S0 / coins back \(112 rows\) +unseen in {rows:,} rows\n", table)
    assert "S4 / clink, then Cocoa: S0 / cocoa (685 rows)" in table


def test_differences_in_other_formats() -> None:
    found = [json.loads(run("diff", "wash.fsm", "spun.fsm", "--format", "json").stdout)]
    found.append(yaml.safe_load(run("diff", "wash.fsm", "spun.fsm", "--format", "yaml").stdout))
    for each in found:
        assert [row["difference"] for row in each] == ["other answer", "state only in new"]
        assert each[0]["old_rows"] == 3
        assert each[1]["old_state"] is None


def test_machines_that_have_nothing_in_common_are_told_apart() -> None:
    store.save("far.fsm", Machine.build("moore", 0, ["Off"], ["x"], [(0, "x", 0, None, 1)]), ABOUT, NETWORK)
    done = run("diff", "wash.fsm", "far.fsm")
    assert done.exit_code == 1
    assert done.stderr == "fsmlearn: the machines have no trigger in common\n"
    store.save(
        "b.fsm",
        Machine.build("lts", 0, [None, "End"], ["b", "End"], [(0, "b", 0, None, 1), (0, "End", 1, None, 1)]),
        ABOUT,
        NETWORK,
    )
    assert "no event in common" in run("diff", "events.fsm", "b.fsm").stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["wash.fsm", "events.fsm"], "a Moore machine and a machine of events cannot be compared"),
        (["wash.fsm", "none.fsm"], "none.fsm: no such model"),
        (["log.csv", "wash.fsm"], "log.csv: is not an fsmlearn model"),
        (["wash.fsm", "spun.fsm", "--format", "xml"], "no format 'xml'"),
    ],
)
def test_what_cannot_be_compared_is_told(arguments: list[str], text: str) -> None:
    assert text in told("diff", *arguments)


# --- plan -------------------------------------------------------------------------------------------------------------


def test_a_plan_says_what_to_fire_and_what_to_wait_for() -> None:
    done = run("plan", "--from", "Off", "--to", "Rinse", "--external", "Start", "--model", "wash.fsm")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "step,action,trigger,state,next_state,output,probability",
        "1,fire,Start,Off,Soak,,1",
        "2,wait,Level,Soak,Rinse,,1",
    ]
    assert run("plan", "--to", "Rinse", "--model", "wash.fsm").stdout.count("fire") == 2


def test_plan_takes_the_triggers_to_fire_from_the_settings_of_the_project() -> None:
    def actions(*more: str) -> list[str]:
        rows = run("plan", "--to", "Rinse", "--model", "wash.fsm", "--format", "json", *more).stdout
        return [row["action"] for row in json.loads(rows)]

    assert set(actions()) == {"fire"}
    Path("fsmlearn.yaml").write_text("external: [Start]\n")
    assert actions()[0] == "fire"
    assert set(actions()[1:]) == {"wait"}
    assert set(actions("--external", "")) == {"wait"}


def test_a_plan_as_a_table_says_how_likely_it_is() -> None:
    table = run("plan", "--to", "Paid", "--model", "orders.fsm", "--format", "table").stdout.splitlines()
    assert table[0].split() == ["step", "action", "trigger", "state", "next", "state", "probability"]
    assert table[-1].startswith("all steps go as planned in 8")
    sure = run("plan", "--to", "Soak", "--model", "wash.fsm", "--format", "table").stdout.splitlines()
    assert sure[0].split() == ["step", "action", "trigger", "state", "next", "state"]
    assert len(sure) == 2


def test_a_name_for_several_states_is_told() -> None:
    done = run("plan", "--from", "Rinse", "--to", "Drain", "--model", "wash.fsm")
    assert done.stderr == "Rinse may be Rinse or Rinse·2; this is the way from Rinse·2\n"
    assert [row["state"] for row in rows(done.stdout)] == ["Rinse·2"]
    assert run("plan", "--from", "Rinse·2", "--to", "Drain", "--model", "wash.fsm").stderr == ""


def test_where_the_machine_is_nothing_is_to_do() -> None:
    done = run("plan", "--to", "Off", "--model", "wash.fsm", "--format", "table")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "nothing to do: the machine is in Off\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--to", "Drain", "--avoid", "Rinse"], "leads through states to avoid, the best through 'Rinse'"),
        (["--model", "events.fsm", "--from", "End", "--to", "S0"], "that anything follows there"),
        (
            ["--model", "orders.fsm", "--from", "Lost", "--to", "Paid"],
            "'Lost' to 'Paid', only to Shipped, Delivered, Refunded, Closed",
        ),
    ],
)
def test_where_no_way_leads_there_it_says_why(arguments: list[str], text: str) -> None:
    assert text in told("plan", "--model", "wash.fsm", *arguments, status=1)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "plan needs --to"),
        (["--to", "Dran"], "no state 'Dran'; did you mean 'Drain'?"),
        (["--to", "Drain", "--external", "Start,Tmer"], "no trigger 'Tmer'; did you mean 'Timer'?"),
        (["--to", "Drain", "--avoid", "Drain"], "'Drain' is both wanted and to be avoided"),
        (["--to", "Drain", "--format", "dot"], "no format 'dot'"),
    ],
)
def test_what_cannot_be_planned_is_told(arguments: list[str], text: str) -> None:
    assert text in told("plan", "--model", "wash.fsm", *arguments)


# --- simulate ---------------------------------------------------------------------------------------------------------


def test_traces_are_drawn_as_a_log() -> None:
    done = run("simulate", "--traces", "4", "--length", "3", "--seed", "1", "--model", "orders.fsm")
    assert (done.exit_code, done.stderr) == (0, "")
    assert {row["trace"] for row in rows(done.stdout)} == {"1", "2", "3", "4"}
    assert (
        run("simulate", "--traces", "4", "--length", "3", "--seed", "1", "--model", "orders.fsm").stdout == done.stdout
    )
    assert (
        run("simulate", "--traces", "4", "--length", "3", "--seed", "2", "--model", "orders.fsm").stdout != done.stdout
    )
    Path("drawn.csv").write_text(done.stdout)
    log = logs.read("drawn.csv")
    assert (log.kind, len(log.traces), len(log)) == ("visible", 4, 12)


def test_as_many_and_as_long_as_unless_said() -> None:
    found = rows(run("simulate", "--model", "wash.fsm").stdout)
    assert len(found) == 100 * 50
    # events end by themselves: one in five
    found = rows(run("simulate", "--model", "events.fsm", "--traces", "400").stdout)
    assert len(found) / 400 == pytest.approx(5, abs=0.9)
    assert max(int(row["step"]) for row in found) > 20


def test_all_transitions_are_taken() -> None:
    done = run("simulate", "--cover", "transitions", "--model", "wash.fsm")
    assert done.stderr == "1 trace that takes 6 transitions\n"
    assert [row["trigger"] for row in rows(done.stdout)] == ["Start", "Level", "Timer", "Level", "Timer", "Timer"]
    assert run("simulate", "--cover", "transitions", "--model", "orders.fsm", "--quiet").stderr == ""


def test_tests_tell_what_is_expected_and_what_is_not_tested() -> None:
    done = run("simulate", "--tests", "--model", "vending.fsm")
    assert done.stderr == "44 tests\n5 pairs of state and trigger that the log never showed are not tested\n"
    assert list(rows(done.stdout)[0]) == ["trace", "step", "trigger", "output"]
    more = run("simulate", "--tests", "--extra-states", "1", "--model", "vending.fsm", "--quiet")
    assert len(rows(more.stdout)) > 3 * len(rows(done.stdout))
    assert more.stderr == ""


def test_states_that_cannot_be_told_apart_are_told() -> None:
    machine = Machine.build("moore", 0, ["A", "A"], ["x", "y"], [(0, "x", 1, None, 1), (1, "y", 0, None, 1)])
    store.save("twins.fsm", machine, ABOUT, NETWORK)
    assert (
        "1 pair of states cannot be told apart by what the log shows: A and A·2"
        in run("simulate", "--tests", "--model", "twins.fsm").stderr
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--traces", "0"], "--traces is '0'; give a whole number, at least 1"),
        (["--length", "many"], "--length is 'many'; give a whole number"),
        (["--seed", "1.5"], "--seed is '1.5'; give a whole number, at least 0"),
        (["--cover", "states"], "'states' cannot be covered; say --cover transitions"),
        (["--cover", "transitions", "--tests"], "choose --cover or --tests"),
        (["--tests", "--seed", "2"], "--seed: is for traces that are drawn"),
        (["--cover", "transitions", "--uniform"], "--uniform: is for traces that are drawn"),
        (["--extra-states", "1"], "give --tests as well"),
        (["--tests", "--extra-states", "-1"], "--extra-states is '-1'; give a whole number, at least 0"),
        (["--tests", "--model", "events.fsm"], "is not told its triggers"),
        (["--tests", "--model", "orders.fsm"], "an answer left to chance cannot be tested"),
        (["--model", "none.fsm"], "none.fsm: no such model"),
    ],
)
def test_what_cannot_be_simulated_is_told(arguments: list[str], text: str) -> None:
    assert text in told("simulate", "--model", "wash.fsm", *arguments)


def test_a_million_traces_can_be_cut_off() -> None:
    command = f"{sys.executable} -m fsmlearn simulate --traces 1000000 --model wash.fsm | head -3"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == ["1,1,Off,Start,Soak", "1,2,Soak,Level,Rinse"]


def test_an_interruption_is_one_line() -> None:
    command = [sys.executable, "-m", "fsmlearn", "simulate", "--traces", "1000000000", "--model", "wash.fsm"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert errors == "fsmlearn: interrupted; nothing was saved\n"
