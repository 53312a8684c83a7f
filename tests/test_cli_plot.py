"""`fsmlearn plot` as a user meets it: what is written, what is said, and what is refused in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from machines import WASH, visible
from pictured import stored
from typer.testing import CliRunner, Result

from fsmlearn import store
from fsmlearn.about import Origin
from fsmlearn.cli.plot import KINDS
from fsmlearn.cli.program import app
from fsmlearn.machine import Machine
from fsmlearn.plots import graphviz

PICTURES = [kind for kind in KINDS if kind != "machine"]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a model that has learned nothing."""
    monkeypatch.chdir(tmp_path)
    word = ["Start", "Level", "Timer", "Level", "Timer", "Timer"] * 2
    stored(tmp_path / "model.fsm", WASH, visible(WASH, [list(WASH.run(word[:n])) for n in (3, 7, 12)]), "visible")
    return tmp_path


def plot(*line: str) -> Result:
    return CliRunner().invoke(app, ["plot", *line], env={"COLUMNS": "80"})


def told(result: Result) -> str:
    """The one line that a refusal is."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_the_machine_as_text_goes_to_stdout_alone() -> None:
    done = plot("machine")
    assert done.exit_code == 0
    assert done.stdout.startswith("         Start  Level    Timer\n")
    assert "└─ Start → Soak" in done.stdout
    assert done.stderr == ""
    done = plot("machine", "--min-count", "9")
    assert done.stderr == "not shown: 3 transitions of fewer than 9 rows, 2 states left without a transition\n"
    assert plot("machine", "--min-count", "9", "--quiet").stderr == ""


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_machine_as_a_picture(directory: Path, suffix: str) -> None:
    done = plot("machine", "--noise", "--unseen", "-o", f"machine.{suffix}")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"saved as machine.{suffix}\n")
    data = (directory / f"machine.{suffix}").read_bytes()
    if suffix == "svg":
        ElementTree.fromstring(data)
    else:
        assert data.startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
@pytest.mark.parametrize("kind", PICTURES)
def test_every_kind_is_written_in_every_format(directory: Path, kind: str, suffix: str) -> None:
    more = ["--trigger", "Timer"] if "--trigger" in KINDS[kind] else []
    more += ["--components", "2,1"] if "--components" in KINDS[kind] else []
    more += ["--trace", "2"] if kind == "state-space" else []
    done = plot(kind, *more, "-o", f"a.{suffix}")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"saved as a.{suffix}\n")
    begin = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[suffix]
    assert (directory / f"a.{suffix}").read_bytes().startswith(begin)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ([], "say what to plot; choose machine, state-space"),
        (["maschine"], "there is no plot 'maschine'; choose machine"),
        (["machine", "-o", "machine.gif"], "machine.gif: the suffix says what to write"),
        (["machine", "-o", "machine"], "name a .svg, .png or .pdf file"),
        (["machine", "-o", "nowhere/machine.svg"], "nowhere/machine.svg: cannot be written"),
        (["machine", "--noise"], "--noise and --unseen are for pictures"),
        (["machine", "--around", "Rinze"], "did you mean 'Rinse'?"),
        (["machine", "--min-count", "few"], "--min-count is 'few'"),
        (["machine", "--trigger", "Timer"], "it is for vector-field, basins, gradients"),
        (["learning", "--collapse", "-o", "a.svg"], "--collapse says nothing of learning"),
        (["state-space"], "state-space is a picture; name its file with -o"),
        (["state-space", "--components", "1", "-o", "a.svg"], "give two numbers such as 1,3"),
        (["state-space", "--components", "1,x", "-o", "a.svg"], "give two numbers such as 1,3"),
        (["state-space", "--components", "0,1", "-o", "a.svg"], "from 1 to"),
        (["state-space", "--trace", "99", "-o", "a.svg"], "keeps no trace '99'; it keeps "),
        (["basins", "-o", "a.svg"], "name it with --trigger"),
        (["basins", "--trigger", "Timmer", "-o", "a.svg"], "did you mean 'Timer'?"),
        (["gradients", "--beside", "gone.fsm", "-o", "a.svg"], "gone.fsm: no such model"),
        (["machine", "--model", "gone.fsm"], "gone.fsm: no such model"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(directory: Path, line: list[str], word: str) -> None:
    assert word in told(plot(*line))
    assert [path.name for path in directory.iterdir()] == ["model.fsm"]


def test_an_old_picture_stays_where_a_new_one_fails(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "machine.svg").write_text("old")
    monkeypatch.setattr(graphviz, "program", lambda: None)
    assert "install Graphviz" in told(plot("machine", "-o", "machine.svg"))
    assert (directory / "machine.svg").read_text() == "old"
    assert plot("machine").exit_code == 0, "the text needs nothing"


def test_without_matplotlib_one_line_says_so_and_the_machine_is_drawn_all_the_same() -> None:
    code = "import sys; sys.modules['matplotlib'] = None; from fsmlearn.cli.app import main; main()"

    def run(*line: str) -> tuple[int, str]:
        command = [sys.executable, "-c", code, "plot", *line]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    said = "fsmlearn: learning needs matplotlib; pip install 'fsmlearn[plots]'\n"
    assert run("learning", "-o", "a.svg") == (2, said)
    assert run("machine", "-o", "machine.svg") == (0, "saved as machine.svg\n")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    program = f"{sys.executable} -m fsmlearn plot machine"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {program} | head -1"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "         Start  Level    Timer\n", "")


def test_ctrl_c_while_graphviz_works_leaves_nothing_behind(directory: Path, tmp_path: Path) -> None:
    bin = tmp_path / "bin"
    bin.mkdir()
    slow = bin / "dot"
    slow.write_text("#!/bin/sh\nkill -INT $PPID\nexec sleep 20\n")
    slow.chmod(0o755)
    path = os.pathsep.join([str(bin), os.environ["PATH"]])
    command = [sys.executable, "-m", "fsmlearn", "plot", "machine", "-o", "machine.svg"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    assert (done.returncode, done.stderr) == (130, "fsmlearn: interrupted; nothing was saved\n")
    shutil.rmtree(bin)
    assert [each.name for each in directory.iterdir()] == ["model.fsm"]


def test_a_machine_that_was_written_down_is_drawn_though_it_has_no_rows(tmp_path: Path) -> None:
    store.save_imported(
        "spec.fsm",
        Machine.build("moore", 0, ["Dark", "Light"], ["press"], [(0, "press", 1, None, 0)]),
        Origin("spec.dot", "0"),
    )
    done = plot("machine", "--model", str(tmp_path / "spec.fsm"))
    assert done.exit_code == 0
    assert "press → Light" in done.stdout
