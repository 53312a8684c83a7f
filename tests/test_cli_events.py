"""The commands on logs of events alone: what they print, and how they refuse."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from machines import SAMPLES
from test_cli import run, told, workplace
from test_store import ABOUT, NETWORK

from fsmlearn import store
from fsmlearn.machine import Machine

# S0 -a-> S1, -b-> S2; S1 ends or goes back by c; S2 ends
SMALL = Machine.build(
    "lts",
    0,
    [None, None, None, "End"],
    ["a", "b", "c", "End"],
    [(0, "a", 1, None, 6), (0, "b", 2, None, 4), (1, "c", 0, None, 2), (1, "End", 3, None, 4), (2, "End", 3, None, 4)],
)
FOX = str(SAMPLES / "brown_fox.csv")

__all__ = ["workplace"]  # a fixture


@pytest.fixture(autouse=True)
def model(workplace: Path) -> None:
    store.save("model.fsm", SMALL, ABOUT, NETWORK)


def test_the_textbook_from_log_to_answers() -> None:
    trained = run("train", FOX, "--model", "fox.fsm")
    assert trained.exit_code == 0, trained.output
    assert "5 states and End, 5 transitions" in trained.stdout
    table = list(csv.DictReader(io.StringIO(run("extract-table", "--model", "fox.fsm").stdout)))
    assert [(row["state"], row["trigger"], row["next_state"], row["probability"]) for row in table] == [
        ("S0", "The", "S1", "1"),
        ("S1", "little", "S2", "1"),
        ("S2", "brown", "S3", "1"),
        ("S3", "fox", "S4", "1"),
        ("S4", "End", "End", "1"),
    ]
    assert run("predict", "--model", "fox.fsm", "--history", "The,little").stdout == "brown\n"
    report = run("report", "--model", "fox.fsm", "--format", "table").stdout
    assert "nothing: the log has one trace" in report
    assert "5 states and End" in run("info", "fox.fsm").stdout


def test_naming_the_event_makes_any_log_one_of_events() -> None:
    Path("log.csv").write_text("state,trigger,next state\n" + "A,x,B\nB,y,A\n" * 5)
    assert run("train", "log.csv", "--event-column", "trigger", "--epochs", "2", "--quiet").exit_code == 0
    assert store.load_machine("model.fsm").kind == "lts"
    assert store.load_about("model.fsm").log.columns == {"event": "trigger"}
    Path("fsmlearn.yaml").write_text("columns:\n  event: trigger\n")
    assert "trigger (as event)" in run("info", "log.csv").stdout
    assert run("filter", "log.csv", "--quiet").stdout.startswith("step,event\n0,x\n")


def test_scores_stand_in_the_report_and_come_as_csv() -> None:
    rows = "".join(
        f"{trace},{step},{word}\n" for trace in range(20) for step, word in enumerate("ab" * (1 + trace % 2))
    )
    Path("log.csv").write_text("trace,step,event\n" + rows)
    shown = run("train", "log.csv", "--epochs", "2").stdout
    assert "3 traces of" in shown
    assert "perplexity" in shown
    scores = list(csv.DictReader(io.StringIO(run("report", "--format", "csv").stdout)))
    assert [row["predictor"] for row in scores] == ["machine", "1-gram", "2-gram", "3-gram", "4-gram", "network"]
    assert all(float(row["perplexity"]) >= 1 and 0 <= float(row["accuracy"]) <= 1 for row in scores)
    as_json = json.loads(run("report", "--format", "json").stdout)
    assert [row["predictor"] for row in as_json] == [row["predictor"] for row in scores]


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["--state", "S1"], "End,0.666667,4\nc,0.333333,2\n"),
        (["--history", "a,c"], "a,0.6,6\nb,0.4,4\n"),
        ([], "a,0.6,6\nb,0.4,4\n"),
        (["--state", "S0", "--history", "a,c"], "a,0.6,6\nb,0.4,4\n"),
    ],
)
def test_predict_lists_the_events_that_come_next(arguments: list[str], printed: str) -> None:
    result = run("predict", *arguments, "--format", "csv")
    assert (result.stdout, result.exit_code) == ("event,probability,count\n" + printed, 0)


def test_in_a_pipe_the_events_come_bare_the_likeliest_first() -> None:
    assert run("predict", "--state", "S1").stdout == "End\nc\n"


def test_a_trigger_still_leads_to_a_state() -> None:
    assert run("predict", "--state", "S1", "--trigger", "c", "--format", "csv").stdout.splitlines()[1].startswith("S0,")


def test_a_history_that_leads_nowhere_is_taken_for_the_end_of_one() -> None:
    result = run("predict", "--history", "b,a")
    assert (result.exit_code, result.stdout) == (0, "End\nc\n")
    assert "taken for the latest events" in result.stderr


def test_after_the_end_comes_nothing() -> None:
    assert "the trace has ended" in told("predict", "--history", "b,End", status=1)


def test_unknown_words_are_refused() -> None:
    assert "there is no event 'x'" in told("predict", "--history", "x")
    assert "there is no state 'S7'" in told("predict", "--state", "S7")


def test_rows_are_answered_with_the_next_event() -> None:
    result = run("predict", "-", stdin="trace,event\n1,a\n2,b\n1,c\n")
    assert result.stdout == "trace,event,next_event,probability\n1,a,End,0.666667\n2,b,End,1\n1,c,a,0.6\n"
    assert result.exit_code == 0
    restarted = run("predict", "-", stdin="step,event\n1,a\n2,c\n1,b\n")
    assert restarted.stdout.splitlines()[1:] == ["1,a,End,0.666667", "2,c,a,0.6", "1,b,End,1"]


def test_rows_without_an_answer_say_so() -> None:
    result = run("predict", "-", stdin="event\na\nzebra\nEnd\n")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[2:] == ["zebra,,", "End,,"]
    assert "2 rows have no answer; the first: <stdin>:3: there is no event 'zebra'" in result.stderr
    assert "no column `event`" in told("predict", "-", stdin="what\nx\n")


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("step,event\n", "no rows"),
        ("step,event\n1,\n", "event is empty"),
        ("step,event\nx,a\n", "log.csv:2"),
        ("", "log.csv"),
    ],
)
def test_logs_that_cannot_be_read_are_refused_in_a_line(log: str, message: str) -> None:
    Path("log.csv").write_text(log)
    assert message in told("train", "log.csv")


def test_an_event_column_that_is_not_there_is_named() -> None:
    Path("log.csv").write_text("step,event\n1,a\n")
    assert "no column 'evnt' for the event" in told("train", "log.csv", "--event-column", "evnt")
