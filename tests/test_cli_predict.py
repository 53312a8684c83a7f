"""`fsmlearn predict` with sequences, --top, --from-start and --network; `fsmlearn train --continue`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from machines import WASH, visible, write
from test_cli import run, told, workplace  # noqa: F401  # the fixture is for every test here
from test_store import ABOUT, NETWORK

from fsmlearn import store
from fsmlearn.about import Origin
from fsmlearn.machine import Machine

COIN = Machine.build(
    "mealy",
    0,
    [None, None],
    ["toss"],
    [(0, "toss", 0, "heads", 5), (0, "toss", 1, "tails", 3), (1, "toss", 0, "edge", 2)],
)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_several_triggers_make_a_path() -> None:
    for words in (["--trigger", "Start,Level,Timer"], ["--trigger", "Start", "--trigger=Level,Timer"]):
        result = run("predict", "--model", "wash.fsm", "--from-start", *words)
        assert result.exit_code == 0
        found = [(row["step"], row["state"], row["trigger"], row["next_state"]) for row in rows(result.stdout)]
        assert found == [
            ("1", "Off", "Start", "Soak"),
            ("2", "Soak", "Level", "Rinse"),
            ("3", "Rinse", "Timer", "Soak"),
        ]


def test_a_path_ends_where_nothing_is_known() -> None:
    result = run("predict", "--model", "wash.fsm", "--trigger", "Start,Level,Start", "--format", "json")
    assert result.exit_code == 1
    assert [step["probability"] for step in json.loads(result.stdout)] == [1, 1]
    assert result.stderr == "fsmlearn: the log never showed 'Start' in 'Rinse': step 3 of 3\n"


def test_the_likeliest_alone() -> None:
    store.save("coin.fsm", COIN, ABOUT, NETWORK)
    assert run("predict", "--model", "coin.fsm", "--trigger", "toss", "--top", "1").stdout == "heads\n"
    assert run("predict", "--model", "coin.fsm", "--trigger", "toss", "--top", "9").stdout == "heads\ntails\n"
    for wrong in ("0", "x"):
        assert "--top" in told("predict", "--model", "coin.fsm", "--trigger", "toss", "--top", wrong)
    assert "--top" in told("predict", "--model", "coin.fsm", "--trigger", "toss,toss", "--top", "2")


def test_a_trigger_that_has_a_comma_is_one() -> None:
    odd = Machine.build("moore", 0, ["A", "B"], ["a,b", "a"], [(0, "a,b", 1, None, 1), (1, "a", 0, None, 1)])
    store.save("odd.fsm", odd, ABOUT, NETWORK)
    assert run("predict", "--model", "odd.fsm", "--trigger", "a,b").stdout == "B\n"
    assert len(rows(run("predict", "--model", "odd.fsm", "--trigger", '"a,b",a').stdout)) == 2


def test_from_the_start_or_not_at_all() -> None:
    question = ["predict", "--model", "wash.fsm", "--state", "Rinse", "--trigger", "Timer", "--history", "Timer,Level"]
    assert run(*question).stdout == "Drain\n"
    assert told(*question, "--from-start", status=1) == "fsmlearn: the history does not lead from 'Off' to 'Rinse'\n"


def test_where_there_is_no_network_one_line_says_so() -> None:
    store.save_imported("hand.fsm", WASH, Origin("wash.dot", "1"))
    line = told("predict", "--model", "hand.fsm", "--trigger", "Start", "--network")
    assert line == "fsmlearn: hand.fsm: was imported and has no network; ask the table, without --network\n"


@pytest.fixture
def washed(workplace: Path) -> Path:  # noqa: F811
    log = write(workplace / "wash.csv", visible(WASH, [list(WASH.run(["Start", "Level", "Timer", "Level"]))] * 30))
    assert run("train", str(log), "--quiet", "--epochs", "80", "--hidden", "16").exit_code == 0
    return workplace


def test_the_network_is_asked_as_well(washed: Path) -> None:
    asked = ["predict", "--state", "Soak", "--trigger", "Level", "--network"]
    row, *_ = json.loads(run(*asked, "--format", "json").stdout)
    assert (row["next_state"], row["probability"]) == ("Rinse", 1.0)
    assert 0.5 < row["network"] <= 1
    steps = rows(run("predict", "--trigger", "Start,Level", "--network").stdout)
    assert [float(step["network"]) > 0.5 for step in steps] == [True, True]


def test_where_network_and_table_disagree_it_is_told(washed: Path) -> None:
    """The table is changed behind the network's back."""
    machine = Machine.build("moore", 0, ["Off", "Soak", "Rinse"], ["Start", "Level"], [(0, "Start", 2, None, 3)])
    about, model = store.load_about("model.fsm"), store.load_network("model.fsm")
    store.save("model.fsm", machine, about, model, store.load_sample("model.fsm"))
    result = run("predict", "--trigger", "Start", "--network", "--format", "csv")
    assert result.exit_code == 0
    found = rows(result.stdout)
    assert [(row["next_state"], row["count"]) for row in found] == [("Rinse", "3"), ("Soak", "0")]
    assert result.stderr.startswith("the network holds 'Soak' for likeliest (")
    assert result.stderr.endswith("%), the table 'Rinse'\n")


def test_training_goes_on_and_tells_what_is_new(washed: Path) -> None:
    more = [("Off", "Start", "Soak"), ("Soak", "Stop", "Off")]
    log = write(washed / "more.csv", [more] * 20)
    result = run("train", str(log), "--continue", "model.fsm", "--model", "grown.fsm", "--epochs", "10")
    assert result.exit_code == 0
    assert "changed    1 difference from model.fsm\n" in result.stdout
    assert "trigger only in new" in result.stdout
    grown = store.load_machine("grown.fsm")
    assert grown.successors("Soak", "Stop")[0].count == 20
    assert grown.successors("Off", "Start")[0].count == 50
    assert grown.successors("Rinse", "Timer")[0].count == 30
    assert run("predict", "--model", "grown.fsm", "--state", "Rinse", "--trigger", "Timer", "--network").exit_code == 0
    assert run("report", "--model", "grown.fsm", "--support").exit_code == 0


def test_what_cannot_be_gone_on_with_is_refused(washed: Path) -> None:
    assert "no such model" in told("train", "wash.csv", "--continue", "missing.fsm")
    line = told("train", "wash.csv", "--event-column", "trigger", "--continue", "model.fsm")
    assert "this one has events alone" in line
