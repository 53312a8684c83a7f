"""`fsmlearn check` as a user meets it: what it prints in which format, its exit status, and how it refuses."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from machines import WASH
from test_cli import on_a_terminal, run, shell, told, workplace
from test_cli_events import SMALL
from test_store import ABOUT, NETWORK
from test_stream import running, sent
from test_tables import WAYS, as_json

from fsmlearn import logs, store
from fsmlearn.about import Origin
from fsmlearn.normal import END, Normal, Relation, Tail

__all__ = ["workplace"]  # a fixture, which leaves the washing machine as wash.fsm

HEADER = "trace,step,current_state,trigger,next_state\n"
DAY = [
    "Off,Start,Soak",
    "Soak,Level,Rinse",
    "Rinse,Timer,Soak",
    "Soak,Level,Rinse",
    "Rinse,Timer,Drain",
    "Drain,Timer,Off",
]
ROWS = ["file", "line", "trace", "state", "trigger", "expected", "probability", "alternatives", "came", "kind"]
EVENTS = "trace,event\n1,a\n1,c\n1,b\n2,b\n2,c\n3,a\n4,a\n4,c\n"
WRONG = {"state": "Soak", "trigger": "Level", "expected": "Rinse", "probability": 1.0, "came": "Off"}


@pytest.fixture(autouse=True)
def models(workplace: Path) -> None:
    tail = Tail((2.0,), 1.0)
    lengths = Relation(END, "", "", (0, 1, 30, 0, 2, 40, 0, 3, 30))
    normal = Normal(100, {"event": "event"}, relations=(lengths,), row=tail, worst=tail, total=tail, run=tail)
    store.save("events.fsm", SMALL, ABOUT, NETWORK, normal=normal)
    Path("log.csv").write_text(log())


def log(traces: int = 3, **wrong: str) -> str:
    """A log of whole days; `wrong` says what stands on which line in place of what happened (line4="…")."""
    lines = [HEADER.strip()]
    lines += [f"{trace},{step},{row}" for trace in range(1, traces + 1) for step, row in enumerate(DAY)]
    for place, words in wrong.items():
        line = int(place.removeprefix("line"))
        lines[line - 1] = ",".join([*lines[line - 1].split(",")[:2], words])
    return "\n".join(lines) + "\n"


def wrong_log() -> None:
    Path("log.csv").write_text(log(line9="Soak,Level,Off", line14="Off,Power,Soak"))


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def checked(*arguments: str, stdin: str | bytes = "", model: str = "wash.fsm") -> Any:
    return run("check", *arguments, "--model", model, stdin=stdin)


# --- what is printed --------------------------------------------------------------------------------------------------


def test_a_log_that_the_machine_makes_is_no_news() -> None:
    result = checked("log.csv")
    assert (result.exit_code, result.stdout) == (0, ",".join(ROWS) + "\n")
    assert result.stderr == "18 rows, 3 traces: nothing odd\n"
    assert checked("log.csv", "--quiet").stderr == ""


def test_what_it_contradicts_is_listed_with_what_was_expected() -> None:
    wrong_log()
    result = checked("log.csv")
    assert result.exit_code == 1
    first, second = rows(result.stdout)
    assert list(first) == ROWS
    assert first == {
        "file": "log.csv",
        "line": "9",
        "trace": "2",
        "state": "Soak",
        "trigger": "Level",
        "expected": "Rinse",
        "probability": "1",
        "alternatives": "",
        "came": "Off",
        "kind": "contradicted",
    }
    assert (second["line"], second["came"], second["kind"]) == ("14", "Power", "unknown")
    assert result.stderr == "18 rows, 3 traces: 1 contradicted, 1 with an unknown word\n"


def test_all_formats_say_the_same() -> None:
    wrong_log()

    def out(style: str) -> str:
        result = checked("log.csv", "--format", style)
        assert result.exit_code == 1
        return str(result.stdout)

    as_json = json.loads(out("json"))
    assert {key: as_json[0][key] for key in WRONG} == WRONG
    assert as_json[0]["line"] == 9
    assert yaml.safe_load(out("yaml")) == as_json
    assert out("md").count("\n") == 4
    assert out("table").splitlines()[1].split() == [
        "log.csv", "9", "2", "Soak", "Level", "Rinse", "100", "%", "Off", "contradicted"
    ]  # fmt: skip


def test_of_events_it_says_which_came_and_which_were_expected() -> None:
    result = checked("-", stdin=EVENTS, model="events.fsm")
    assert result.exit_code == 1
    assert rows(result.stdout) == [
        dict(zip([c for c in ROWS if c != "trigger"], each, strict=True))
        for each in [
            ["<stdin>", "6", "2", "S2", "End", "1", "", "c", "contradicted"],
            ["<stdin>", "9", "4", "S0", "a", "0.6", "b 0.4", "End", "end"],
        ]
    ]


def test_trace_scores_rank_the_traces() -> None:
    result = checked("-", "--trace-scores", stdin=EVENTS + "5,b\n5,b\n5,b\n5,b\n5,x\n", model="events.fsm")
    found = rows(result.stdout)
    assert list(found[0]) == ["file", "line", "trace", "rows", "score", "contradictions", "anomalous", "reason"]
    assert [(row["trace"], row["rows"], row["anomalous"]) for row in found] == [
        ("1", "3", "no"), ("2", "2", "no"), ("3", "1", "no"), ("4", "2", "no"), ("5", "5", "yes")
    ]  # fmt: skip
    assert max(found, key=lambda row: float(row["score"]))["trace"] == "5"
    assert result.exit_code == 1
    result = checked("-", "--trace-scores", "--false-alarms", "0.65", stdin=EVENTS, model="events.fsm")
    assert {row["trace"]: row["reason"] for row in rows(result.stdout) if row["anomalous"] == "yes"} == {
        "2": "line 6: c in S2; usually End (100 %)",
        "4": "line 9: End in S0; usually a (60 %) or b (40 %)",
    }
    assert result.exit_code == 1
    assert result.stderr == "8 rows, 4 traces: 2 anomalous\n"


def test_rare_counts_are_listed_where_false_alarms_are_asked_for() -> None:
    long = "trace,event\n" + "1,a\n1,c\n" * 9 + "1,b\n"
    assert checked("-", stdin=long, model="events.fsm").exit_code == 0
    (found,) = rows(checked("-", "--false-alarms", "0.01", stdin=long, model="events.fsm").stdout)
    assert (found["line"], found["kind"], found["came"], found["expected"]) == ("20", "count", "19 × rows", "2 × rows")


# --- what is read -----------------------------------------------------------------------------------------------------


def test_a_stream_is_judged_as_a_file_is() -> None:
    wrong_log()
    Path("day.csv.gz").write_bytes(gzip.compress(Path("log.csv").read_bytes()))
    file = rows(checked("log.csv").stdout)
    stream = rows(checked("-", stdin=Path("log.csv").read_text()).stdout)
    packed = rows(checked("day.csv.gz").stdout)
    for other, name in ((stream, "<stdin>"), (packed, "day.csv.gz")):
        assert [row | {"file": "log.csv"} for row in other] == file
        assert {row["file"] for row in other} == {name}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("piped", [False, True])
def test_a_log_has_the_same_findings_in_every_format(way: str, piped: bool) -> None:
    days = ((trace, step, row.split(",")) for trace in range(1, 5) for step, row in enumerate(DAY))
    log = [(str(trace), step, state, trigger, then) for trace, step, (state, trigger, then) in days]
    log[7] = ("2", 1, "Soak", "Level", "Off")
    log[12] = ("3", 0, "Off", "Power", "Soak")
    written = Path(f"same.{way}")
    written.write_bytes(WAYS[way](log))
    places = logs.read(written).places_of(np.arange(len(log)))
    result = checked("-", stdin=written.read_bytes()) if piped else checked(written.name)
    assert result.exit_code == 1
    name = "<stdin>" if piped else written.name
    assert [(row["file"], row["line"], row["trace"], row["came"], row["kind"]) for row in rows(result.stdout)] == [
        (name, places[7].rpartition(":")[2], "2", "Off", "contradicted"),
        (name, places[12].rpartition(":")[2], "3", "Power", "unknown"),
    ]


GARBAGE = {
    "jsonl": (as_json([("1", step, "Off", "Start", "Soak") for step in range(24)]) + b"{", ":25: is not JSON ("),
    "xes": (b"<log><trace><event>", ":1: is not well-formed XML ("),
    "parquet": (b"PAR1 and nothing else", ": cannot be read ("),
}


@pytest.mark.parametrize("way", GARBAGE)
def test_garbage_in_any_format_is_one_line(way: str) -> None:
    garbage, message = GARBAGE[way]
    Path(f"bad.{way}").write_bytes(garbage)
    result = checked(f"bad.{way}")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith(f"fsmlearn: bad.{way}{message}")


@pytest.fixture(scope="module")
def tank(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The model of a log of variables in which nothing is wrong, and that log, line by line."""
    rng = random.Random(0)
    lines = ["trace,trigger,Power,Tank"]
    for trace in range(60):
        lines.append(f"{trace},,0,{rng.gauss(0, 0.5):.2f}")
        for _ in range(3):
            lines += [f"{trace},Press,1,{rng.gauss(0, 0.5):.2f}", f"{trace},,1,{rng.gauss(0, 0.5):.2f}"]
            lines += [f"{trace},Fill,1,{rng.gauss(50, 0.5):.2f}", f"{trace},Press,0,"]
            lines.append(f"{trace},Drain,0,{rng.gauss(0, 0.5):.2f}")
    folder = tmp_path_factory.mktemp("tank")
    (folder / "tank.csv").write_text("\n".join(lines) + "\n")
    words = ["--state-variables", "Power,Tank", "--quiet", "--epochs", "3"]
    assert run("train", str(folder / "tank.csv"), "--model", str(folder / "tank.fsm"), *words).exit_code == 0
    return folder / "tank.fsm", lines


@pytest.mark.parametrize("trace_scores", [False, True])
def test_a_log_of_variables_is_normal_to_its_own_model(tank: tuple[Path, list[str]], trace_scores: bool) -> None:
    model, lines = tank
    words = ["--trace-scores"] * trace_scores
    own = checked("-", *words, stdin="\n".join(lines) + "\n", model=str(model))
    assert own.exit_code == 0
    assert [row["anomalous"] for row in rows(own.stdout)] == ["no"] * 60 * trace_scores
    assert own.stderr.startswith("720 rows, 60 traces: ")


@pytest.mark.parametrize(
    ("line", "changed", "finding"),
    [
        ("9,Fill,1,", "9,Fill,0,50.1", ("Power=1", "Fill", "Power=1 Tank=high", "Tank=high", "contradicted")),
        ("9,Drain,0,", "9,Drain,0,49.3", ("Tank=high", "Drain", "Power=0", "Tank=high", "contradicted")),
        ("9,Drain,0,", "9,Drain,7,0.1", ("Tank=high", "Drain", "Power=0", "Power=7", "unknown")),
        ("9,Fill,1,", "9,Boil,1,50.1", ("Power=1", "Boil", "Fill", "Boil", "unknown")),
    ],
)
def test_a_changed_value_of_a_variable_is_one_finding(
    tank: tuple[Path, list[str]], line: str, changed: str, finding: tuple[str, ...]
) -> None:
    model, lines = tank
    place = next(n for n, each in enumerate(lines) if each.startswith(line))
    text = "\n".join([*lines[:place], changed, *lines[place + 1 :]]) + "\n"
    (found,) = rows(checked("-", stdin=text, model=str(model)).stdout)
    assert (found["line"], found["trace"]) == (str(place + 1), "9")
    assert tuple(found[key] for key in ("state", "trigger", "expected", "came", "kind")) == finding


def test_a_run_that_is_back_in_the_start_state_of_the_training_is_another_one() -> None:
    text = "".join(line.partition(",")[2].partition(",")[2] for line in log().splitlines(keepends=True))
    assert checked("-", stdin=text).stderr.startswith("18 rows, 1 trace: ")
    about = replace(ABOUT, settings={**ABOUT.settings, "start_state": "Off"})
    store.save("wash.fsm", WASH, about, NETWORK)
    assert checked("-", stdin=text).stderr == "18 rows, 3 traces: nothing odd\n"
    Path("fsmlearn.yaml").write_text("start_state: Soak\n")
    assert checked("-", stdin=text).stderr.startswith("18 rows, 7 traces: ")


def test_settings_are_read_as_for_training() -> None:
    text = log().replace("current_state", "Mode").replace("next_state", "Then")
    Path("mine.yaml").write_text("columns:\n  state: Mode\n  next_state: Then\n")
    assert checked("-", "--config", "mine.yaml", stdin=text).exit_code == 0
    assert "none.yaml: no such file" in told("check", "-", "--config", "none.yaml", "--model", "wash.fsm", stdin=text)
    Path("mine.yaml").rename("fsmlearn.yaml")
    assert checked("-", stdin=text).exit_code == 0


def test_several_files_are_one_log() -> None:
    lines = log(line9="Soak,Level,Off").splitlines(keepends=True)
    Path("logs").mkdir()
    Path("logs/day1.csv").write_text("".join(lines[:10]))
    Path("logs/day2.csv").write_text(HEADER.replace(",", ";") + "".join(lines[10:]).replace(",", ";"))
    for word in ("logs", "logs/*.csv"):
        result = checked(word)
        assert [(row["file"], row["line"], row["trace"]) for row in rows(result.stdout)] == [
            ("logs/day1.csv", "9", "2")
        ]
        assert result.stderr.startswith("18 rows, 3 traces: ")


def test_without_traces_a_run_begins_where_the_step_restarts() -> None:
    text = "".join(line.partition(",")[2] for line in log(line9="Soak,Level,Off").splitlines(keepends=True))
    result = checked("-", stdin=text)
    assert [(row["line"], row["trace"]) for row in rows(result.stdout)] == [("9", "2")]
    assert result.stderr == "18 rows, 3 traces: 1 contradicted\n"


def test_without_steps_either_a_file_is_a_run() -> None:
    text = "state,trigger,next state\n" + "\n".join(DAY) + "\n"
    Path("one.csv").write_text(text)
    Path("two.csv").write_text(text)
    assert checked("one.csv", "two.csv").stderr == "12 rows, 2 traces: nothing odd\n"


def test_columns_are_guessed_named_or_as_they_were_in_training() -> None:
    text = log().replace("current_state", "Mode").replace("next_state", "Then")
    assert "no column for the current_state and next_state" in told("check", "-", "--model", "wash.fsm", stdin=text)
    named = ("--state-column", "Mode", "--next-state-column", "Then")
    assert checked("-", *named, stdin=text).exit_code == 0
    store.save("wash.fsm", WASH, ABOUT, NETWORK, normal=Normal(columns={"state": "Mode", "next_state": "Then"}))
    assert checked("-", stdin=text).exit_code == 0
    assert checked("-", stdin=log()).exit_code == 0
    assert "no column 'Modus'" in told("check", "-", "--state-column", "Modus", "--model", "wash.fsm", stdin=text)


def test_a_log_of_another_kind_is_read_as_the_machine_needs_it() -> None:
    assert checked("-", stdin="trace,trigger,state\n1,a,x\n", model="events.fsm").exit_code == 0
    assert "no column for the" in told("check", "-", "--model", "wash.fsm", stdin="trace,event\n1,a\n")


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("garbage", "line"),
    [
        ("3,7,Off\n", "log.csv:5: has 3 fields where the header has 5; quote or add fields"),
        ("3,7,Off,,Soak\n", "log.csv:5: trigger is empty; fill in column 'trigger', or delete the row"),
        ('3,7,Off,"Start,Soak\n', "log.csv:5: is not CSV (unexpected end of data); quote fields as RFC 4180 has it"),
    ],
)
def test_a_malformed_row_is_named_and_what_came_before_is_told(garbage: str, line: str) -> None:
    Path("log.csv").write_text("".join(log(line3="Soak,Level,Off").splitlines(keepends=True)[:4]) + garbage)
    result = checked("log.csv")
    assert result.exit_code == 2
    assert [row["line"] for row in rows(result.stdout)] == ["3"]
    assert result.stderr == f"fsmlearn: {line}\n"


def test_steps_that_are_no_numbers_are_named() -> None:
    text = "step,state,trigger,next state\n1,Off,Start,Soak\nx,Soak,Level,Rinse\n"
    result = checked("-", stdin=text)
    assert result.exit_code == 2
    assert result.stderr == "fsmlearn: <stdin>:3: step 'x' is not a whole number; number the rows\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["none.csv"], "none.csv: no such file; check the name and the folder"),
        (["no*.csv"], "no*.csv: no file matches"),
        (["empty.csv"], "empty.csv: is empty; give a header line and rows"),
        (["broken.csv.gz"], "broken.csv.gz: cannot be read"),
        (["log.csv", "--false-alarms", "2"], "--false-alarms: '2' is no share; give a number between 0 and 1"),
        (["log.csv", "--false-alarms", "few"], "--false-alarms: 'few' is no share"),
        (["log.csv", "--format", "xml"], "--format: there is no format 'xml'"),
        (["log.csv", "--line-buffered", "--format", "json"], "--line-buffered: is for rows as csv"),
        (["log.csv", "--model", "none.fsm"], "none.fsm: no such model"),
    ],
)
def test_errors_are_one_line(arguments: list[str], line: str) -> None:
    Path("empty.csv").touch()
    Path("broken.csv.gz").write_bytes(gzip.compress(log().encode())[:60])
    arguments = arguments if "--model" in arguments else [*arguments, "--model", "wash.fsm"]
    assert f"fsmlearn: {line}" in told("check", *arguments)


# --- the world outside ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--line-buffered"]])
def test_an_endless_stream_is_told_what_is_odd_before_more_is_waited_for(options: list[str]) -> None:
    with running("check", *options) as process:
        assert sent(process, HEADER + "1,1,Off,Start,Soak\n1,2,Soak,Level,Off\n", 2).splitlines()[1:] == [
            "<stdin>,3,1,Soak,Level,Rinse,1,,Off,contradicted"
        ]
        assert sent(process, "1,3,Rinse,Timer,Soak\n2,1,Off,Power,Soak\n", 1).endswith(",Power,unknown\n")
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert process.returncode == 130
    assert error.count(b"\n") == 1


def test_an_endless_stream_of_records_is_told_what_is_odd_before_more_is_waited_for() -> None:
    record = '{{"trace": 1, "state": "{}", "trigger": "{}", "next state": "{}"}}\n'
    with running("check") as process:
        back = sent(process, record.format("Off", "Start", "Soak") + record.format("Soak", "Level", "Off"), 2)
        assert back.splitlines()[1:] == ["<stdin>,2,1,Soak,Level,Rinse,1,,Off,contradicted"]
        assert sent(process, record.format("Off", "Power", "Soak"), 1).endswith(",Power,unknown\n")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    Path("log.csv").write_text(HEADER + "1,1,Off,Timer,Soak\n" * 20_000)
    done = shell("fsmlearn check log.csv --model wash.fsm --quiet | head -2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 2


def test_a_terminal_gets_a_table_without_escapes() -> None:
    Path("log.csv").write_text(HEADER + "\x1b[31m1,1,Off,\x1b]0;owned\x07,[red]\n")
    sent_to = on_a_terminal("check", "log.csv", "--model", "wash.fsm", columns=200)
    assert sent_to.splitlines()[0].split()[:3] == ["file", "line", "trace"]
    assert all(c.isprintable() for c in sent_to.replace("\n", "")), sent_to
    assert "owned" in sent_to


def test_a_spreadsheet_calculates_nothing() -> None:
    assert ",'=1+1," in checked("-", stdin=HEADER + "1,1,Off,=1+1,Soak\n").stdout


def test_what_training_measured_is_used() -> None:
    steps = [f"{trace},{step},{row}" for trace in range(60) for step, row in enumerate(DAY)]
    Path("log.csv").write_text(HEADER + "\n".join(steps) + "\n")
    assert run("train", "log.csv", "--quiet", "--epochs", "2", "--model", "new.fsm").exit_code == 0
    assert store.load_normal("new.fsm").runs == 60
    assert store.load_normal("new.fsm").starts == {"Off": 60}
    assert checked("log.csv", model="new.fsm").exit_code == 0
    scores = rows(checked("log.csv", "--trace-scores", model="new.fsm").stdout)
    assert {row["anomalous"] for row in scores} == {"no"}


def test_a_machine_that_was_written_down_tells_contradictions_but_not_what_is_rare() -> None:
    store.save_imported("spec.fsm", WASH, Origin("wash.dot", "0"))
    assert checked("-", model="spec.fsm", stdin=log()).exit_code == 0
    for asked in (["--trace-scores"], ["--false-alarms", "0.01"]):
        done = checked("-", *asked, model="spec.fsm", stdin=log())
        assert done.exit_code == 2
        assert (
            done.stderr == f"fsmlearn: spec.fsm: was imported, so nothing says what is normal; leave out {asked[0]}\n"
        )
