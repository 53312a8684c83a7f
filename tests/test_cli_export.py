"""`export` and `import`, and what the other commands make of a model that has no log behind it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from exported import MACHINES
from machines import WASH
from test_cli import run, told, workplace
from test_store import ABOUT, NETWORK

from fsmlearn import __version__, store
from fsmlearn.about import Origin
from fsmlearn.cli import console
from fsmlearn.equivalence import equivalent
from fsmlearn.export import FORMATS, export

__all__ = ["workplace"]  # a fixture


@pytest.fixture
def imported() -> str:
    """A model made of a hand-written file."""
    Path("wash.dot").write_text(export(WASH, "dot"))
    assert run("import", "wash.dot", "--model", "imported.fsm", "--quiet").exit_code == 0
    return "imported.fsm"


@pytest.mark.parametrize("to", FORMATS)
def test_export_prints_what_the_library_writes(to: str) -> None:
    result = run("export", "--to", to, "--model", "wash.fsm")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == export(WASH, to)


def test_json_and_csv_are_those_of_extract_table() -> None:
    for to in ("json", "csv"):
        assert run("export", "--to", to, "--model", "wash.fsm").stdout == (
            run("extract-table", "--format", to, "--model", "wash.fsm").stdout
        )


def test_an_unknown_format_is_answered_with_the_known() -> None:
    for line in (told("export", "--to", "pdf", "--model", "wash.fsm"), told("export", "--model", "wash.fsm")):
        assert all(to in line for to in FORMATS)


def test_what_is_left_out_is_told_beside_the_export() -> None:
    store.save("orders.fsm", MACHINES["orders"](), ABOUT, NETWORK)
    result = run("export", "--to", "kiss2", "--model", "orders.fsm")
    assert result.exit_code == 0
    assert result.stdout == export(MACHINES["orders"](), "kiss2")
    assert result.stderr == (
        "fsmlearn: 4 states and triggers have several ways on; "
        "kiss2 has room for the likeliest, and 4 more are left out\n"
    )


def test_an_export_on_a_terminal_obeys_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "on_terminal", lambda: True)
    store.save("hard.fsm", MACHINES["hard words"](), ABOUT, NETWORK)
    assert "\x1b" not in run("export", "--to", "csv", "--model", "hard.fsm").stdout


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"{sys.executable} -m fsmlearn export --to json --model wash.fsm | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")


@pytest.mark.parametrize("to", ["dot", "json", "scxml"])
def test_what_is_exported_can_be_imported(to: str) -> None:
    Path(f"wash.{to}").write_text(run("export", "--to", to, "--model", "wash.fsm").stdout)
    result = run("import", f"wash.{to}", "--model", "again.fsm")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "6 states, 6 transitions, starting in Off; saved as again.fsm\n"
    assert equivalent(store.load_machine("again.fsm"), WASH) is None
    assert store.load_origin("again.fsm") == Origin(f"wash.{to}", __version__)


def test_import_tells_what_it_leaves_out_and_nothing_else_when_quiet() -> None:
    Path("m.dot").write_text("digraph { __start0 -> a; a [shape=doublecircle]; b; a -> a [label=x] }")
    result = run("import", "m.dot", "--quiet")
    assert [line.split(": ")[:2] for line in result.stderr.splitlines()] == [["fsmlearn", "m.dot"]] * 2


def test_import_refuses_in_one_line() -> None:
    Path("bad.dot").write_text("digraph {\n a -> }")
    assert told("import", "bad.dot") == "fsmlearn: bad.dot:2: '}', where a name should be; correct it\n"
    assert "no such file" in told("import", "missing.json")
    assert "rename it" in told("import", "log.csv")
    Path("good.dot").write_text(export(WASH, "dot"))
    assert "is the file itself" in told("import", "good.dot", "--model", "good.dot")
    assert "cannot be written" in told("import", "good.dot", "--model", "nowhere/model.fsm")


def test_a_learned_model_is_not_lost_to_an_import(imported: str) -> None:
    before = Path("wash.fsm").read_bytes()
    assert "was learned from a log" in told("import", "wash.dot", "--model", "wash.fsm")
    assert Path("wash.fsm").read_bytes() == before
    assert run("import", "wash.dot", "--model", imported).exit_code == 0


def test_an_imported_model_answers(imported: str) -> None:
    assert run("predict", "--model", imported, "--state", "Off", "--trigger", "Start").stdout == "Soak\n"
    assert run("predict", "--model", imported, "--state", "Rinse", "--trigger", "Timer").stdout == "Drain\nSoak\n"
    answer = run("predict", "--model", imported, "--state", "Rinse", "--trigger", "Timer", "--history", "Start,Level")
    assert answer.stdout == "Soak\n"
    assert run("extract-table", "--model", imported).stdout.splitlines()[1] == "Off,Start,Soak,,0,1"
    assert run("extract-table", "--model", imported, "--format", "table").exit_code == 0
    assert run("export", "--to", "dot", "--model", imported).stdout == export(WASH, "dot")
    assert run("report", "--unseen", "--model", imported).stdout.startswith("state,trigger\nOff,Level\n")


def test_info_tells_where_an_imported_model_comes_from(imported: str) -> None:
    shown = run("info", imported).stdout
    assert [line.split()[0] for line in shown.splitlines() if not line.startswith(" ")] == [
        "imported",
        "machine",
        "made",
    ]
    assert "imported   wash.dot" in shown
    assert "6 states under 4 names, 6 transitions, starting in Off" in shown


@pytest.mark.parametrize("option", [[], ["--noise"], ["--support"], ["--format", "table"]])
def test_report_has_nothing_to_tell_of_an_imported_model(imported: str, option: list[str]) -> None:
    assert told("report", *option, "--model", imported) == (
        "fsmlearn: imported.fsm: was imported and has no log behind it; learn a machine with `fsmlearn train LOG`\n"
    )


def test_an_imported_machine_of_events_answers() -> None:
    Path("presses.json").write_text(export(MACHINES["presses"](), "json"))
    assert run("import", "presses.json").exit_code == 0
    assert run("predict", "--history", "Power").stdout == "Start\nPower\nEnd\n"
    assert "5 transitions" not in run("info", "model.fsm").stdout
    assert "4 states and End" in run("info", "model.fsm").stdout
