"""The commands: what they print, where, with which exit status, and what they leave on disk."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import big
import pytest
import typer.main
import yaml
from fake_pipeline import Pipeline, count
from hidden import hidden
from machines import WASH
from test_store import ABOUT, NETWORK
from typer.testing import CliRunner

import fsmlearn
from fsmlearn import logs, store
from fsmlearn.cli.program import app
from fsmlearn.machine import Machine

LOG = """trace,step,current_state,trigger,next_state
1,1,Off,Power,Idle
1,2,Idle,Start,Soak
1,3,Soak,Level,Rinse
1,4,Rinse,Timer,Off
2,1,Off,Power,Idle
2,2,Idle,Power,Off
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in, a model in it, and nothing set in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("FSMLEARN_") or name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    (tmp_path / "log.csv").write_text(LOG)
    store.save("wash.fsm", WASH, ABOUT, NETWORK)
    return tmp_path


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """`train` counts instead of learning."""
    fake = Pipeline()
    monkeypatch.setitem(sys.modules, "fsmlearn.pipeline", fake)
    monkeypatch.setattr(fsmlearn, "pipeline", fake, raising=False)
    return fake


def run(*arguments: str, stdin: str | bytes = "") -> Any:
    return CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)


def told(*arguments: str, stdin: str = "", status: int = 2) -> str:
    """The one line on stderr of a command that fails, and prints and leaves nothing."""
    before = sorted(Path().iterdir())
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("fsmlearn: ")
    assert sorted(Path().iterdir()) == before
    line: str = result.stderr
    return line


# --- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["", "train", "extract-table", "predict", "check", "report", "filter", "info", "export", "import", "init"]
)
def test_help_is_there_under_both_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    short, long = (run(*name.split(), option) for option in ("-h", "--help"))
    assert short.exit_code == 0
    assert short.stdout == long.stdout
    assert "Usage: " in short.stdout
    assert "\x1b" not in short.stdout


def test_the_version_is_told() -> None:
    assert run("--version").stdout == f"fsmlearn {fsmlearn.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["trian"], ["train"], ["train", "log.csv", "--bogus"], ["extract-table", "x"], ["--x"]]
)
def test_usage_errors_exit_with_2(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage" in result.stderr


# --- extract-table ----------------------------------------------------------------------------------------------------


def test_the_table_in_a_pipe_is_csv() -> None:
    result = run("extract-table", "--model", "wash.fsm")
    assert result.exit_code == 0
    assert result.stderr == ""
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert list(rows[0]) == ["state", "trigger", "next_state", "output", "count", "probability"]
    assert rows[2] == {
        "state": "Rinse",
        "trigger": "Timer",
        "next_state": "Soak·2",
        "output": "",
        "count": "9",
        "probability": "1",
    }


def test_the_table_in_all_formats() -> None:
    def out(style: str) -> str:
        return str(run("extract-table", "--model", "wash.fsm", "--format", style).stdout)

    assert json.loads(out("json")) == WASH.to_dict()
    assert yaml.safe_load(out("yaml")) == WASH.to_dict()["transitions"]
    assert out("md").count("\n") == len(WASH.transitions) + 2
    assert out("table").splitlines()[0].split() == ["state", "trigger", "next", "state", "rows", "share"]
    assert len(out("table").splitlines()) == len(WASH.transitions) + 1


def test_an_unknown_format_is_told() -> None:
    assert "'xml'; choose table, csv, json, md or yaml" in told(
        "extract-table", "--model", "wash.fsm", "--format", "xml"
    )


def test_the_model_may_be_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "model.fsm: no such model" in told("extract-table")
    monkeypatch.setenv("FSMLEARN_MODEL", "wash.fsm")
    assert run("extract-table").exit_code == 0
    Path("bad.fsm").write_text("bad")
    assert "bad.fsm: is not an fsmlearn model" in told("extract-table", "--model", "bad.fsm")


# --- predict ----------------------------------------------------------------------------------------------------------


def ask(*arguments: str) -> list[str]:
    result = run("predict", "--model", "wash.fsm", *arguments)
    assert result.exit_code == 0, result.stderr
    return str(result.stdout).splitlines()


def test_in_a_pipe_the_bare_next_states_are_printed() -> None:
    assert ask("--state", "Rinse", "--trigger", "Timer") == ["Soak", "Drain"]
    assert ask("--state", "Rinse", "--trigger", "Timer", "--history", "Start,Level") == ["Soak"]
    assert ask("--state", "Rinse", "--trigger", "Timer", "--history", "Start", "--history", "Level,Timer,Level") == [
        "Drain"
    ]
    assert ask("--state", "Rinse·2", "--trigger", "Timer") == ["Drain"]
    assert ask("--trigger", "Level", "--history", "Start") == ["Rinse"]


def test_shares_in_other_formats() -> None:
    shares = ["next_state,output,probability,count", "Soak,,0.75,9", "Drain,,0.25,3"]
    assert ask("--state", "Rinse", "--trigger", "Timer", "--format", "csv") == shares
    found = json.loads("\n".join(ask("--state", "Rinse", "--trigger", "Timer", "--format", "json")))
    assert found[0] == {"next_state": "Soak", "output": None, "probability": 0.75, "count": 9}
    assert ask("--state", "Rinse", "--trigger", "Timer", "--format", "table")[1].split() == ["Soak", "75.0", "%", "9"]


def test_where_states_are_hidden_the_output_is_printed() -> None:
    machine = Machine.build("mealy", 0, [None], ["a"], [(0, "a", 0, "beep", 1)])
    store.save("wash.fsm", machine, ABOUT, NETWORK)
    assert ask("--trigger", "a") == ["beep"]


def test_a_history_that_does_not_lead_there_is_told() -> None:
    result = run("predict", "--model", "wash.fsm", "--state", "Rinse", "--trigger", "Timer", "--history", "Timer,Level")
    assert result.stdout == "Drain\n"
    assert "does not lead" in result.stderr


def test_a_transition_never_seen_is_a_no() -> None:
    assert "never showed 'Timer' in 'Off'" in told(
        "predict", "--model", "wash.fsm", "--state", "Off", "--trigger", "Timer", status=1
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--state", "Rins", "--trigger", "Timer"], "did you mean 'Rinse'?"),
        (["--state", "Rinse", "--trigger", "timer"], "did you mean 'Timer'?"),
        (["--state", "Rinse", "--trigger", "Timer", "--history", "Sart"], "did you mean 'Start'?"),
        (["--state", "Rinse"], "--trigger"),
        (["-", "--state", "Rinse"], "either"),
        (["x"], "either"),
        (["-", "--format", "json"], "csv"),
        (["-"], "<stdin>: is empty"),
    ],
)
def test_what_cannot_be_asked_is_told(arguments: list[str], text: str) -> None:
    assert text in told("predict", "--model", "wash.fsm", *arguments)


def batch(text: str, status: int = 0) -> tuple[list[list[str]], str]:
    result = run("predict", "-", "--model", "wash.fsm", stdin=text)
    assert result.exit_code == status, result.stderr
    return list(csv.reader(io.StringIO(result.stdout))), result.stderr


def test_rows_are_answered_each_on_its_own() -> None:
    rows, _ = batch('state,note,trigger\nRinse,"a, b",Timer\nDrain,,Timer\n')
    assert rows == [
        ["state", "note", "trigger", "next_state", "probability"],
        ["Rinse", "a, b", "Timer", "Soak", "0.75"],
        ["Drain", "", "Timer", "Off", "1"],
    ]


def test_within_a_trace_the_rows_before_are_the_history() -> None:
    log = "Trace;Current State;Trigger\n" + "".join(
        f"{trace};{state};{trigger}\n"
        for state, trigger in [
            ("Off", "Start"),
            ("Soak", "Level"),
            ("Rinse", "Timer"),
            ("Soak", "Level"),
            ("Rinse", "Timer"),
        ]
        for trace in "xy"
    )
    rows, _ = batch(log)
    assert [row[3] for row in rows[1::2]] == ["Soak", "Rinse", "Soak", "Rinse", "Drain"]
    assert rows[1::2] == [["x", *row[1:]] for row in rows[2::2]]


def test_without_a_trace_column_a_run_begins_where_the_step_restarts() -> None:
    wash = [("Off", "Start"), ("Soak", "Level"), ("Rinse", "Timer"), ("Soak", "Level"), ("Rinse", "Timer")]
    rows, _ = batch("step,state,trigger\n" + "".join(f"{i},{q},{a}\n" for _ in "xy" for i, (q, a) in enumerate(wash)))
    assert [row[3] for row in rows[1:]] == ["Soak", "Rinse", "Soak", "Rinse", "Drain"] * 2
    result = run("predict", "-", "--model", "wash.fsm", stdin="step,trigger\n1,Start\nx,Level\n")
    assert result.exit_code == 2
    assert "<stdin>:3: step 'x' is not a whole number" in result.stderr


def test_a_log_that_hides_its_states_is_answered_with_outputs_whatever_is_wrong_in_it() -> None:
    rows = [
        (0, "press", 1, "light", 5),
        (1, "press", 0, "dark", 5),
        (0, "look", 0, "dark", 5),
        (1, "look", 1, "light", 5),
    ]
    store.save("wash.fsm", Machine.build("mealy", 0, [None, None], ["press", "look"], rows), ABOUT, NETWORK)
    answered, _ = batch("step,trigger,output\n1,press,light\n2,look,hum\n3,look,light\n4,press,\n1,look,dark\n")
    assert answered[0][3:] == ["next_state", "probability", "predicted_output"]
    assert [row[3:] for row in answered[1:]] == [
        ["S1", "1", "light"],
        ["S1", "1", "light"],
        ["S1", "1", "light"],
        ["S0", "1", "dark"],
        ["S0", "1", "dark"],
    ]


def test_a_column_of_histories_and_columns_that_are_there_already() -> None:
    rows, _ = batch('history,state,trigger,next_state\n"Start,Level",Rinse,Timer,?\n,Rinse,Timer,?\n')
    assert rows[0][-2:] == ["predicted_next_state", "probability"]
    assert [row[-2:] for row in rows[1:]] == [["Soak", "1"], ["Soak", "0.75"]]


def test_rows_without_an_answer_are_kept_counted_and_a_no() -> None:
    rows, line = batch("state,trigger\nOff,Timer\nOf,Timer\nOff,Start\n", status=1)
    assert [row[2:] for row in rows[1:]] == [["", ""], ["", ""], ["Soak", "1"]]
    assert line == "fsmlearn: 2 rows have no answer; the first: <stdin>:2: the log never showed this transition\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("state\nOff\n", ":1: there is no column `trigger`"),
        ("trigger\nTimer\n", ":1: there is no column `state`"),
        ("state,trigger\nOff,Start\nOff\n", ":3: has 1 fields where the header has 2"),
        ('state,trigger\n"Off,Start\n', ":2: is not CSV"),
    ],
)
def test_rows_that_cannot_be_read_are_told(text: str, told: str) -> None:
    result = run("predict", "-", "--model", "wash.fsm", stdin=text)
    assert result.exit_code == 2
    assert f"fsmlearn: <stdin>{told}" in result.stderr


# --- filter and info --------------------------------------------------------------------------------------------------


def noisy() -> str:
    """Many good runs, and one in which Idle + Start is said to lead to Rinse though the run goes on from Soak."""
    good = [("Off", "Power", "Idle"), ("Idle", "Start", "Soak"), ("Soak", "Level", "Rinse"), ("Rinse", "Timer", "Off")]
    lines = ["trace,step,current_state,trigger,next_state"]
    for trace in range(200):
        for step, (state, trigger, following) in enumerate(good):
            wrong = (trace, step) == (120, 1)
            lines.append(f"{trace},{step},{state},{trigger},{'Rinse' if wrong else following}")
    return "\n".join(lines) + "\n"


def test_filter_prints_clean_rows_and_lists_the_others() -> None:
    Path("noisy.csv").write_text(noisy())
    result = run("filter", "noisy.csv", "--dropped", "dropped.csv")
    assert result.exit_code == 0
    machine = count(logs.read(["noisy.csv"]))
    Path("clean.csv").write_text(result.stdout)
    clean = count(logs.read(["clean.csv"]))
    assert len(machine.transitions) == 5
    assert len(clean.transitions) == 4
    (row,) = csv.DictReader(io.StringIO(Path("dropped.csv").read_text()))
    columns = ["file", "line", "action", "kind", "trace", "step", "current_state", "trigger", "next_state", "reason"]
    assert list(row) == columns
    assert [row[c] for c in columns[:2]] == ["noisy.csv", str(2 + 120 * 4 + 1)]
    assert [row[c] for c in columns[4:-1]] == ["120", "1", "Idle", "Start", "Rinse"]
    assert row["reason"]
    assert f"noisy.csv:{2 + 120 * 4 + 1}: " in result.stderr


def test_filter_can_be_quiet_and_read_a_pipe() -> None:
    result = run("filter", "-", "--quiet", stdin=noisy())
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.startswith("trace,step,current_state,trigger,next_state\n")


HIDDEN = "trace,step,trigger,output\n" + "".join(
    f"{trace},{step},{trigger},{'hum' if (trace, step) == (17, 2) else output}\n"
    for trace in range(40)
    for step, (trigger, output) in enumerate(
        [("look", "dark"), ("press", "light"), ("look", "light"), ("press", "dark"), ("look", "dark")]
    )
)


@pytest.mark.parametrize("piped", [False, True])
def test_filter_learns_first_where_the_log_hides_its_states(piped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSMLEARN_EPOCHS", "15")
    Path("lamp.csv").write_text(HIDDEN)
    result = run("filter", "-" if piped else "lamp.csv", "--dropped", "dropped.csv", stdin=HIDDEN)
    assert result.exit_code == 0, result.output
    assert result.stdout == HIDDEN.replace("hum", "light")
    assert result.stderr.startswith("the log hides its states: learning the machine that judges its rows\n")
    name = "<stdin>" if piped else "lamp.csv"
    assert f"{name}:89: repaired, output hum -> light: S1 + look answers light in 39 of 40 rows" in result.stderr
    (row,) = csv.DictReader(io.StringIO(Path("dropped.csv").read_text()))
    columns = ["file", "line", "action", "kind", "trace", "step", "state", "trigger", "output", "reason"]
    assert list(row) == columns
    assert [row[c] for c in columns[:-1]] == [name, "89", "repaired", "output", "17", "2", "S1", "look", "hum"]


def test_filter_puts_the_rows_of_a_log_that_hides_its_states_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSMLEARN_EPOCHS", "5")
    case, _ = hidden(0, swapped=0.01)
    log = case.log
    words = zip(log.trace, log.step, log.trigger, log.output, strict=True)
    rows = [f"{trace},{step},{log.triggers[a]},{log.outputs[o]}\n" for trace, step, a, o in words]
    read = "trace,step,trigger,output\n" + "".join(rows)
    Path("mixed.csv").write_text(read)
    result = run("filter", "mixed.csv", "--dropped", "dropped.csv")
    assert result.exit_code == 0, result.output
    named = [row for row in csv.DictReader(io.StringIO(Path("dropped.csv").read_text())) if row["kind"] == "swap"]
    early = [int(row["line"]) for row in named if "the row after it" in row["reason"]]
    assert len(early) > len(case.swapped) / 4
    assert {row["action"] for row in named} == {"repaired"}
    true = {int(log.line[row]) for row in case.swapped}
    assert len(true.intersection(early)) > 0.8 * len(early)
    before, after = read.splitlines(), result.stdout.splitlines()
    assert len(before) == len(after)
    for line in true.intersection(early):
        one, two = (row.split(",") for row in before[line - 1 : line + 1])
        assert after[line - 1 : line + 1] == [",".join(one[:2] + two[2:]), ",".join(two[:2] + one[2:])]
    assert f"rows in wrong order: estimated {len(named) / len(log) * 100:.1f} % of the rows" in result.stderr
    assert f"{len(named)} found" in result.stderr


def test_filtering_is_quiet_where_it_is_asked_to_be_and_a_second_time_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FSMLEARN_EPOCHS", "15")
    once = run("filter", "-", "--quiet", stdin=HIDDEN)
    again = run("filter", "-", "--quiet", "--dropped", "dropped.csv", stdin=once.stdout)
    assert (once.stderr, again.stderr) == ("", "")
    assert again.stdout == once.stdout
    assert Path("dropped.csv").read_text().count("\n") == 1


def test_the_list_of_dropped_rows_never_replaces_the_log() -> None:
    assert "is the log itself" in told("filter", "log.csv", "--dropped", "./log.csv")
    assert Path("log.csv").read_text() == LOG
    assert "cannot be written" in told("filter", "log.csv", "--dropped", "missing/d.csv")
    assert "cannot be written" in told("filter", "log.csv", "--dropped", ".")


def test_logs_that_cannot_be_read_are_told_by_every_command(pipeline: Pipeline) -> None:
    Path("bad.csv").write_text("trace,step,current_state,trigger,next_state\n1,1,Off,,Idle\n")
    for command in ("filter", "info", "train"):
        assert "bad.csv:2" in told(command, "bad.csv")
        assert "missing.csv" in told(command, "missing.csv")


def test_many_files_are_one_log_however_they_are_named(pipeline: Pipeline) -> None:
    header, *rows = LOG.splitlines(keepends=True)
    Path("parts").mkdir()
    for number, part in ((2, rows[:4]), (10, rows[4:])):
        Path(f"parts/day{number}.csv").write_text("".join([header, *part]))
    files = ["parts/day2.csv", "parts/day10.csv"]
    for names in (["parts"], ["parts/*.csv"], ["parts/day[12]*"], files):
        assert run("filter", *names, "--quiet").stdout == LOG
        assert "parts/day2.csv, parts/day10.csv" in run("info", *names).stdout
        assert run("train", *names, "--quiet").exit_code == 0
        assert store.load_machine("model.fsm") == count(logs.read(["log.csv"]))
        Path("model.fsm").unlink()
    for command in ("filter", "info", "train"):
        assert "none*.csv: no file matches" in told(command, "log.csv", "none*.csv")
        assert ".: no log in this folder" not in run(command, ".").stderr
    assert "is the log itself" in told("filter", "parts", "--dropped", "parts/day2.csv")
    assert "is the log itself" in told("train", "parts", "--model", "parts/day10.csv")


def test_a_report_does_not_list_a_thousand_files() -> None:
    Path("parts").mkdir()
    for number in range(9):
        Path(f"parts/{number}.csv").write_text(LOG)
    assert "parts/4.csv and 4 more files" in run("info", "parts").stdout


GRID = "trace,time,event,Power,Level\n" + "".join(
    f"1,{n / 10},{'Button' if n % 20 == 0 and n else ''},{n // 20 % 2},{n // 20 % 2 * 40 + n * 7 % 11 / 10}\n"
    for n in range(100)
)


def test_columns_that_were_guessed_are_told_once_on_stderr() -> None:
    Path("strange.csv").write_text("session,src,action,dst\n1,Off,Power,On\n")
    told = (
        "guessed    took 'session' for the trace, 'src' for the current_state, 'action' for the trigger, 'dst' for the "
        "next_state; name others with --trace-column, --state-column, --trigger-column, --next-state-column\n"
    )
    for command in ("info", "filter"):
        assert run(command, "strange.csv").stderr.startswith(told)
        assert run(command, "log.csv").stderr.count("guessed") == 0
    assert run("filter", "strange.csv", "--quiet").stderr == ""
    named = ["--trace-column", "session", "--state-column", "src", "--trigger-column", "action"]
    assert "took 'dst' for the next_state; " in run("info", "strange.csv", *named).stderr
    assert run("info", "strange.csv", *named, "--next-state-column", "dst").stderr == ""


def test_train_tells_guesses_too(pipeline: Pipeline) -> None:
    Path("strange.csv").write_text("state,action,next_state\nOff,Power,On\n")
    assert "took 'action' for the trigger" in run("train", "strange.csv").stderr
    assert run("train", "strange.csv", "--quiet").stderr == ""


def test_a_start_state_and_variables_reach_every_command(pipeline: Pipeline) -> None:
    Path("grid.csv").write_text(GRID)
    options = ["--state-variables", "Power,Level", "--levels", "Level=20", "--start-state", "Power=0"]
    info = run("info", "grid.csv", *options).stdout
    assert "4 rows, 2 traces, 1 trigger, 2 visible states" in info
    assert "variables  100 rows, each saying how things stand; its trigger is what had led to it" in info
    assert "Level  low, high: cut at 20, as given" in info
    assert "Button      4  100 %  100 %" in info
    assert run("filter", "grid.csv", *options, "--quiet").stdout.splitlines()[:2] == [
        "trace,time,current_state,trigger,next_state",
        "1,2,Power=0,Button,Power=1 Level=high",
    ]
    run("train", "grid.csv", *options, "--input-variables", "Power")
    settings = pipeline.settings[-1]
    assert settings.start_state == "Power=0" and settings.variables.inputs == ("Power",)
    assert "no column 'Pwoer' for the variable" in told("info", "grid.csv", "--state-variables", "Pwoer,Level")
    assert "did you mean 'Power=0'" in told("info", "grid.csv", *options[:4], "--start-state", "Power=")


def test_a_settings_file_may_be_named(pipeline: Pipeline) -> None:
    Path("mine.yaml").write_text("seed: 3\ncolumns:\n  trigger: next_state\n")
    run("train", "log.csv", "--config", "mine.yaml", "--seed", "4")
    assert pipeline.settings[0].seed == 4 and pipeline.settings[0].columns == {"trigger": "next_state"}
    for command in ("train", "filter", "info"):
        assert "none.yaml: no such file" in told(command, "log.csv", "--config", "none.yaml")


def test_logs_in_other_formats_are_logs_everywhere() -> None:
    columns, *rows = [line.split(",") for line in LOG.splitlines()]
    lines = "".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)
    Path("day.jsonl").write_text(lines)
    assert run("filter", "day.jsonl", "--quiet").stdout == run("filter", "-", "--quiet", stdin=lines).stdout == LOG
    assert "day.jsonl:2: is not JSON" in told_of("day.jsonl", lines.replace('"Idle", "trigger"', '"Idle" "trigger"'))
    assert "log.xes:1: is not well-formed XML" in told_of("log.xes", LOG)
    assert "log.parquet: cannot be read" in told_of("log.parquet", LOG)


def told_of(name: str, text: str) -> str:
    Path(name).write_text(text)
    return told("info", name)


# --- init -------------------------------------------------------------------------------------------------------------


def test_init_writes_settings_that_the_other_commands_read() -> None:
    result = run("init", "log.csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "written as fsmlearn.yaml; look through it, it says what it does not know\n"
    text = Path("fsmlearn.yaml").read_text()
    assert yaml.safe_load(text)["columns"]["state"] == "current_state"
    assert '  # - "Power"  # 3 rows\n' in text
    assert run("filter", "log.csv", "--quiet").stdout == LOG
    assert not [path.name for path in Path().iterdir() if path.name.startswith(".")]


def test_init_overwrites_nothing_unless_it_is_told_to() -> None:
    Path("fsmlearn.yaml").write_text("seed: 5\n")
    assert "fsmlearn.yaml: is there already; read it, or overwrite it with --force" in told("init", "log.csv")
    assert Path("fsmlearn.yaml").read_text() == "seed: 5\n"
    assert run("init", "log.csv", "--force", "--quiet").stderr == ""
    assert "columns:" in Path("fsmlearn.yaml").read_text()
    assert run("init", "log.csv", "-o", "-").stdout == Path("fsmlearn.yaml").read_text()
    assert run("init", "log.csv", "--output", "other.yaml").exit_code == 0
    assert "cannot be written" in told("init", "log.csv", "-o", "missing/f.yaml")


def test_init_guesses_variables_where_a_log_shows_no_states() -> None:
    Path("grid.csv").write_text(GRID)
    shown = run("init", "grid.csv", "-o", "-").stdout
    assert yaml.safe_load(shown)["state_variables"] == ["Power", "Level"]
    assert '#   "Level": [' in shown
    assert "no column for the current_state" in told("init", "-", stdin=GRID.replace("event", "e"))
    Path("no.csv").write_text("a,b\nx,y\n")
    assert "no column for the" in told("init", "no.csv")


def test_info_tells_logs_from_models() -> None:
    log, model = run("info", "log.csv"), run("info", "wash.fsm")
    assert (log.exit_code, model.exit_code) == (0, 0)
    assert "6 rows, 2 traces" in log.stdout
    assert "Power 3" in log.stdout
    assert "6 states under 4 names" in model.stdout
    assert ABOUT.log.fingerprint in model.stdout
    assert run("info", "-", stdin=LOG).stdout.splitlines()[1:] == log.stdout.splitlines()[1:]


def test_columns_may_be_named() -> None:
    Path("log.csv").write_text("Schritt,von,Taste,nach\n1,Aus,Ein,An\n")
    names = [
        "--step-column",
        "Schritt",
        "--state-column",
        "von",
        "--trigger-column",
        "Taste",
        "--next-state-column",
        "nach",
    ]
    assert "1 row" in run("info", "log.csv", *names).stdout
    assert run("filter", "log.csv", *names, "--quiet").stdout.splitlines()[1] == "1,Aus,Ein,An"


# --- train and report -------------------------------------------------------------------------------------------------


def test_train_saves_a_model_and_prints_the_report(pipeline: Pipeline) -> None:
    result = run("train", "log.csv")
    assert result.exit_code == 0, result.output
    assert result.stderr == "saved as model.fsm\n"
    assert store.load_machine("model.fsm") == count(logs.read(["log.csv"]))
    assert store.load_network("model.fsm").keys() == {"W"}
    for text in ("6 rows", "Elman", "4 states", "learned against observed"):
        assert text in result.stdout
    assert run("report", "--format", "table").stdout.splitlines()[:3] == result.stdout.splitlines()[:3]


def test_train_can_be_quiet_and_read_a_pipe(pipeline: Pipeline) -> None:
    result = run("train", "-", "--quiet", "--model", "new.fsm", stdin=LOG)
    assert (result.exit_code, result.output) == (0, "")
    assert store.load_machine("new.fsm") == count(logs.read(["log.csv"]))


def test_settings_reach_the_pipeline(pipeline: Pipeline) -> None:
    Path("fsmlearn.yaml").write_text("epochs: 7\nseed: 7\n")
    options = [
        "--seed",
        "5",
        "--hidden",
        "9",
        "--states",
        "4",
        "--cell",
        "elman",
        "--activation",
        "relu",
        "--state-column",
        "current_state",
    ]
    assert run("train", "log.csv", *options, "--quiet").exit_code == 0
    (settings,) = pipeline.settings
    assert (settings.epochs, settings.seed, settings.hidden, settings.states) == (7, 5, 9, 4)
    assert (settings.cell, settings.activation, settings.columns) == ("elman", "relu", {"state": "current_state"})


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--seed", "x"], "--seed: 'x' is not a whole number"),
        (["--hidden", "0"], "--hidden: hidden is 0"),
        (["--activation", "tan"], "tanh, sigmoid or relu"),
        (["--cell", "rnn"], "--cell: cell is 'rnn'; choose elman, gru or lstm"),
        (["--cell", "lstm", "--activation", "relu"], "activation is relu, but cell lstm has tanh"),
        (["--model", "missing/m.fsm"], "missing/m.fsm: cannot be written"),
        (["--model", "."], "is not a file"),
        (["--model", "log.csv"], "is the log itself"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_read(pipeline: Pipeline, arguments: list[str], text: str) -> None:
    assert text in told("train", "log.csv", *arguments)
    assert not pipeline.settings
    assert Path("log.csv").read_text() == LOG


def test_an_interrupted_training_is_saved_and_says_so(pipeline: Pipeline) -> None:
    pipeline.interrupt = "note"
    result = run("train", "log.csv", "--quiet")
    assert result.exit_code == 130
    assert result.stderr == "fsmlearn: interrupted; the best machine so far is saved as model.fsm\n"
    assert store.load_machine("model.fsm")


def test_an_interruption_before_training_saves_nothing(pipeline: Pipeline) -> None:
    pipeline.interrupt = "raise"
    Path("model.fsm").write_text("old")
    assert "interrupted; nothing was saved" in told("train", "log.csv", status=130)
    assert Path("model.fsm").read_text() == "old"


def test_verbose_tells_each_epoch_and_everything(pipeline: Pipeline) -> None:
    result = run("train", "log.csv", "--verbose")
    assert [line.split(":")[0] for line in result.stderr.splitlines()][:3] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]


def test_report_in_other_formats_holds_the_comparison() -> None:
    rows = list(csv.DictReader(io.StringIO(run("report", "--model", "wash.fsm").stdout)))
    assert rows == [
        {
            "state": "Off",
            "trigger": "Power",
            "next_state": "On",
            "output": "",
            "observed": "3",
            "noise": "0",
            "learned": "1",
            "verdict": "learned",
        }
    ]
    assert json.loads(run("report", "--model", "wash.fsm", "--format", "json").stdout)[0]["observed"] == 3


def test_report_lists_what_was_not_believed() -> None:
    (row,) = csv.DictReader(io.StringIO(run("report", "--noise", "--model", "wash.fsm").stdout))
    assert row == {"file": "a.csv", "line": "3", "action": "dropped", "kind": "label", "reason": "seen once"}
    lines = run("report", "--noise", "--model", "wash.fsm", "--format", "table").stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["file", "line", "action", "kind", "reason"],
        ["a.csv", "3", "dropped", "label", "seen", "once"],
    ]


def test_a_report_of_more_rows_than_are_kept_says_so() -> None:
    store.save("many.fsm", WASH, replace(ABOUT, noise=replace(ABOUT.noise, repaired=7)), NETWORK)
    result = run("report", "--noise", "--model", "many.fsm")
    assert result.stdout.count("\n") == 2
    assert "7 more rows are not kept" in result.stderr


def test_report_lists_what_the_log_never_shows() -> None:
    pairs = [(state.name, trigger) for state in WASH.states for trigger in WASH.triggers]
    unseen = [pair for pair in pairs if pair not in {(t.state, t.trigger) for t in WASH.transitions}]
    assert len(unseen) == 12
    result = run("report", "--unseen", "--model", "wash.fsm")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "state,trigger\n" + "".join(f"{state},{trigger}\n" for state, trigger in unseen)
    found = json.loads(run("report", "--unseen", "--model", "wash.fsm", "--format", "json").stdout)
    assert [(row["state"], row["trigger"]) for row in found] == unseen
    assert len(run("report", "--unseen", "--model", "wash.fsm", "--format", "table").stdout.splitlines()) == 13


def test_where_nothing_is_unseen_the_list_is_empty_and_no_failure() -> None:
    store.save("all.fsm", Machine.build("mealy", 0, [None], ["a"], [(0, "a", 0, "ok", 1)]), ABOUT, NETWORK)
    shown = {"csv": "state,trigger\n", "json": "[]\n", "yaml": "[]\n", "table": "state  trigger\n"}
    for style, text in shown.items():
        result = run("report", "--unseen", "--model", "all.fsm", "--format", style)
        assert (result.exit_code, result.stdout, result.stderr) == (0, text, "")


def test_report_lists_how_well_each_thing_is_borne_out() -> None:
    lines = run("report", "--support", "--model", "wash.fsm").stdout.splitlines()
    assert lines == [
        "state,trigger,next_state,output,rows,against,rival,nats",
        "Off,,,,3,0,Off·2,0.5",
        "Off,Power,On,,3,1,,",
    ]
    found = json.loads(run("report", "--support", "--model", "wash.fsm", "--format", "json").stdout)
    assert [(row["trigger"], row["nats"]) for row in found] == [(None, 0.5), ("Power", None)]
    table = run("report", "--support", "--model", "wash.fsm", "--format", "table").stdout.splitlines()
    assert table[1].split() == ["Off", "3", "0", "Off·2", "0.5"]


def test_report_lists_one_thing_at_a_time() -> None:
    assert "one thing at a time" in told("report", "--unseen", "--noise", "--model", "wash.fsm")


# --- the world outside ------------------------------------------------------------------------------------------------


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line typed into bash, `fsmlearn` being this one."""
    line = f'fsmlearn() {{ "{sys.executable}" -m fsmlearn "$@"; }}\nset -o pipefail\n{command}'
    return subprocess.run(
        ["bash", "-c", line], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_a_pipe_that_closes_early_is_no_error() -> None:
    rows = [(i, "a", i + 1, None, 1) for i in range(3000)]
    store.save("long.fsm", Machine.build("moore", 0, [f"state {i}" for i in range(3001)], ["a"], rows), ABOUT, NETWORK)
    done = shell("fsmlearn extract-table --model long.fsm | head -1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("state,")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk here")
def test_a_full_disk_is_told() -> None:
    done = shell("fsmlearn extract-table --model wash.fsm > /dev/full")
    assert done.returncode == 2
    assert done.stderr == "fsmlearn: standard output: cannot be written (No space left on device)\n"


def test_tables_are_utf8_whatever_the_locale() -> None:
    done = shell("fsmlearn extract-table --model wash.fsm", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "Rinse·2" in done.stdout


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_in_a_pipe_only_where_forced(environment: dict[str, str], coloured: bool, monkeypatch: Any) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in run("extract-table", "--model", "wash.fsm", "--format", "table").stdout) == coloured


def on_a_terminal(*arguments: str, columns: int = 80) -> str:
    """What a terminal is sent by a command whose stdout and stderr it is."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "fsmlearn", *arguments]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=environment):
        os.close(theirs)
        sent = b""
        while True:
            try:
                sent += os.read(ours, 65536)
            except OSError:  # how Linux says that the other side has closed
                break
    os.close(ours)
    return sent.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("style", ["table", "csv", "json", "md", "yaml"])
def test_a_terminal_is_never_sent_the_escapes_of_a_log(style: str) -> None:
    word = "\x1b]0;owned\x07\x9b31m[red]"
    store.save("evil.fsm", Machine.build("moore", 0, [word], ["=1"], [(0, "=1", 0, None, 1)]), ABOUT, NETWORK)
    sent = on_a_terminal("extract-table", "--model", "evil.fsm", "--format", style, columns=200)
    assert "owned" in sent
    assert all(c.isprintable() for c in sent.replace("\n", "")), sent


def test_a_terminal_gets_a_table() -> None:
    sent = on_a_terminal("predict", "--model", "wash.fsm", "--state", "Rinse", "--trigger", "Timer")
    assert sent.splitlines()[1].split() == ["Soak", "75.0", "%", "9"]


def test_a_terminal_is_told_how_far_a_log_is_read_unless_quiet() -> None:
    Path("day.csv").write_text("step,current_state,trigger,next_state\n" + "1,Off,Power,Idle\n2,Idle,Power,Off\n" * 40)
    told = on_a_terminal("info", "day.csv", columns=200)  # what it told last is drawn however quick it was
    assert re.search(r"reading day\.csv +80 rows, [\d,]+ a second, 100%", told)
    assert "filtering 80 rows" in on_a_terminal("filter", "day.csv", columns=200)
    assert "filtering" not in on_a_terminal("filter", "day.csv", "--quiet", columns=200)
    assert "filtering" not in run("filter", "day.csv").stderr


def test_a_terminal_is_told_the_states_found_and_then_no_more_of_it(pipeline: Pipeline) -> None:
    Path("day.csv").write_text("step,current_state,trigger,next_state\n" + "1,Off,Power,Idle\n2,Idle,Power,Off\n" * 40)
    told = on_a_terminal("train", "day.csv", "--epochs", "2")
    assert "extracting the machine  states found: 2 " in told, "whole, on a line of 80 columns"
    assert "states found" not in told.rpartition("\x1b[2K")[2]
    assert run("train", "day.csv").stderr == "saved as model.fsm\n"


def test_a_bug_keeps_its_traceback_and_is_no_no(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fsmlearn.cli import app as program

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(typer.main, "get_command", lambda _: broken)
    with pytest.raises(SystemExit) as end:
        program.main()
    assert end.value.code == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["1-5", "3-5"])  # traces, or one long trace
def test_filtering_a_pipe_takes_the_memory_of_what_differs_not_of_the_rows(columns: str, tmp_path: Path) -> None:
    program = "from fsmlearn import disk\ndisk.Disk.most = 50_000\nfrom fsmlearn.cli.app import main\nmain()"
    peaks, rows = [], (300_000, 1_500_000)
    for number in rows:
        big.write(tmp_path / "log.csv", number)
        with (tmp_path / "log.csv").open() as log:
            cut = subprocess.Popen(["cut", "-d,", f"-f{columns}"], stdin=log, stdout=subprocess.PIPE)
            run = [sys.executable, "-c", program, "filter", "--quiet", "-"]
            with subprocess.Popen(run, stdin=cut.stdout, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None and cut.stdout is not None
                cut.stdout.close()
                lines, held = 0, ""
                while block := process.stdout.read(1 << 20):
                    lines += block.count(b"\n")
                    status = Path(f"/proc/{process.pid}/status").read_text()
                    held = status if "VmHWM:" in status else held
                peaks.append(int(held.split("VmHWM:")[1].split()[0]) // 1024)
            assert process.returncode == cut.wait() == 0 and 0.98 * number < lines < number
    assert peaks[1] - peaks[0] < 20  # MiB; held in memory, 1,200,000 rows take twice that
