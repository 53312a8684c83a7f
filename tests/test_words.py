"""Without Typer, a command line means what Typer takes it for, and help and TAB say what Typer would."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer._completion_classes import completion_init
from typer.testing import CliRunner

from fsmlearn.cli import program, shells, words
from fsmlearn.cli.commands import COMMANDS, command
from fsmlearn.cli.help import NAME, of_command, of_program
from fsmlearn.cli.options import Option


def spellings(name: str) -> list[str]:
    return [
        word for _, each in words.declared(command(name)).values() if isinstance(each, Option) for word in each.names
    ]


def by_typer(name: str, line: list[str], environment: dict[str, str]) -> dict[str, Any] | None:
    """What Typer gives to the parameters of a command; None where it refuses."""
    seen: dict[str, Any] = {}
    run = command(name)

    @wraps(run)
    def record(**values: Any) -> None:
        seen.update(values)

    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(program.typed(record))
    return seen if CliRunner().invoke(app, line, env=environment).exit_code == 0 and seen else None


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    name = draw(st.sampled_from(COMMANDS))
    known = st.sampled_from(spellings(name))
    plain = st.sampled_from(["a", "log.csv", "-", "", "ä b", "=", "--", "-x", "--bogus", "--help"])
    return name, draw(st.lists(known | plain | st.builds("{}={}".format, known, plain), max_size=6))


@given(lines(), st.sampled_from(["", "other.fsm"]))
@example(("predict", ["--history", "a,b", "--state=", "--history=c", "--trigger", "x"]), "")
@example(("train", ["-q", "a.csv", "--seed", "3", "b.csv", "--seed=4"]), "m.fsm")
@settings(max_examples=150, deadline=None)
def test_what_is_read_is_what_typer_reads(given_line: tuple[str, list[str]], model: str) -> None:
    name, line = given_line
    environment = {"FSMLEARN_MODEL": model}
    values = words.parse(command(name), line, environment)
    if values is not None:
        found = by_typer(name, line, environment)
        assert found is not None
        assert all(found[key] == value for key, value in values.items())
        left = {key: each or None for key, each in words.defaults(command(name)).items() if key not in values}
        assert left == {key: value or None for key, value in found.items() if key not in values}


@pytest.mark.parametrize(
    ("name", "line", "values"),
    [
        ("predict", ["--state", "Off", "--trigger=Power"], {"state": "Off", "trigger": ["Power"]}),
        ("predict", ["-", "--line-buffered"], {"rows": "-", "line_buffered": True}),
        ("predict", ["--history", "a", "--history=b"], {"history": ["a", "b"]}),
        ("predict", ["--state", "-"], {"state": "-"}),
        ("train", ["a.csv", "-q", "-", "--seed", "1"], {"logs": ["a.csv", "-"], "quiet": True, "seed": "1"}),
        ("report", [], {}),
    ],
)
def test_lines_in_order_are_read(name: str, line: list[str], values: dict[str, Any]) -> None:
    assert words.parse(command(name), line, {}) == values


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("predict", ["--state"]),
        ("predict", ["--state", "--trigger", "x"]),
        ("predict", ["-", "-"]),
        ("predict", ["--sta", "Off"]),
        ("predict", ["--help"]),
        ("train", []),
        ("train", ["a.csv", "--quiet=1"]),
        ("train", ["-qv", "a.csv"]),
        ("train", ["--", "a.csv"]),
        ("extract-table", ["x"]),
    ],
)
def test_whatever_else_is_left_to_typer(name: str, line: list[str]) -> None:
    assert words.parse(command(name), line, {}) is None


@cache
def of_typer() -> Any:
    return typer.main.get_command(program.app)


@pytest.mark.parametrize("name", ["", *COMMANDS])
@pytest.mark.parametrize("columns", [*range(30, 90, 7), 60, 80, 200])
def test_help_is_set_as_typer_would(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    theirs: Any = of_typer()
    context = typer.Context(theirs, info_name=NAME, **theirs.context_settings)
    if name:
        theirs = theirs.commands[name]
        context = typer.Context(theirs, info_name=name, parent=context)
    assert (of_command(name, columns) if name else of_program(columns)) == theirs.get_help(context) + "\n"


def pressed(line: str) -> dict[str, str]:
    """The environment of a program that bash asks about a line."""
    return {"COMP_WORDS": line.replace(" ", "\n"), "COMP_CWORD": str(line.count(" "))}


@pytest.mark.parametrize(
    "line",
    [
        "fsmlearn ",
        "fsmlearn pre",
        "fsmlearn -",
        "fsmlearn --v",
        "fsmlearn nonsense",
        "fsmlearn predict ",
        "fsmlearn predict -",
        "fsmlearn predict --st",
        "fsmlearn predict --state ",
        "fsmlearn predict --state Off --",
        "fsmlearn predict --state=Off --",
        "fsmlearn predict --history a --h",
        "fsmlearn predict --line-buffered -",
        "fsmlearn train log.csv -q -",
        "fsmlearn train --quiet -v log.csv --s",
        "fsmlearn report --noise --",
        "fsmlearn extract-table --format ",
    ],
)
def test_tab_is_answered_as_typer_would(line: str) -> None:
    completion_init()
    environment = {"_FSMLEARN_COMPLETE": "complete_bash", **pressed(line)}
    theirs = CliRunner().invoke(program.app, [], prog_name="fsmlearn", env=environment).stdout.split()
    ours = shells.bash(environment)
    assert sorted(ours) == sorted(set(theirs))


@pytest.mark.parametrize("line", ["fsmlearn predict 'a b", "fsmlearn bogus --", "fsmlearn predict --state --t"])
def test_tab_has_no_answer_where_there_is_none(line: str) -> None:
    assert shells.bash(pressed(line)) == []


def test_words_in_quotes_are_one_word() -> None:
    line = "fsmlearn\npredict\n--state\n'Rinse 2'\n--tr"
    assert shells.bash({"COMP_WORDS": line, "COMP_CWORD": "4"}) == ["--trigger"]


def test_bash_completes_a_line(tmp_path: Path) -> None:
    called = tmp_path / "fsmlearn"
    called.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fsmlearn "$@"\n')
    called.chmod(0o755)
    typed = """
eval "$(_FSMLEARN_COMPLETE=source_bash fsmlearn)"
COMP_WORDS=(fsmlearn predict --tri) COMP_CWORD=2
_fsmlearn_completion fsmlearn
echo "${COMPREPLY[@]}"
"""
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", typed], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "--trigger\n", done.stderr
