"""A settings file from a look at a log: it is read as it is written, and says of the log what there is."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import SAMPLES

from fsmlearn import project
from fsmlearn.columns import Variables
from fsmlearn.config import FILE, Settings, gather
from fsmlearn.logs import Log, read


def settings_of(log: Log, folder: Path, *, uncommented: bool = False) -> Settings:
    """The settings that the text for a log gives, perhaps with everything that it leaves to its reader."""
    text = project.text(log)
    if uncommented:
        lines = text[text.index("columns:") :].split("\n")
        keys = [
            line.replace("# ", "", 1) if line.lstrip().startswith(("# -", '#   "', "# levels")) else line
            for line in lines
        ]
        text = "\n".join(keys)
    (folder / FILE).write_text(text, encoding="utf-8")
    return gather({}, {}, folder)


@pytest.mark.parametrize("name", ["washing_machine", "washing_cycle", "vending_machine", "brown_fox", "door_lock"])
def test_a_log_is_read_with_its_settings_as_without(tmp_path: Path, name: str) -> None:
    log = read(SAMPLES / f"{name}.csv")
    found = settings_of(log, tmp_path)
    assert found == Settings(columns=dict(log.columns))
    again = read(SAMPLES / f"{name}.csv", **found.reading)
    assert (again.fingerprint(), again.columns) == (log.fingerprint(), log.columns)
    everything = settings_of(log, tmp_path, uncommented=True)
    assert set(everything.external) == (set(log.triggers) if log.kind != "sequence" else set())


def test_variables_are_guessed_and_listed(tmp_path: Path) -> None:
    variables = project.variables(SAMPLES / "washing_variables.csv")
    assert len(variables.state) == 8 and not project.variables(SAMPLES / "washing_machine.csv")
    log = read(SAMPLES / "washing_variables.csv", variables=variables)
    found = settings_of(log, tmp_path)
    assert (found.variables, set(found.columns)) == (variables, {"trace", "step", "trigger"})
    everything = settings_of(log, tmp_path, uncommented=True)
    assert everything.variables.inputs == variables.state
    assert log.grid is not None
    cuts = {each.name: each.cuts for each in log.grid.variables if each.cuts}
    assert everything.variables.levels.keys() == cuts.keys() == {"Water Level"}
    assert everything.variables.levels["Water Level"] == pytest.approx(cuts["Water Level"], rel=1e-4)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("a,b,c\n0,x,1\n1,y,1\n", "a b"),  # what never changes is no variable
        ("time,a,b,note\n" + "".join(f"{n},{n % 2},{n / 3},word {n}\n" for n in range(99)), "a b"),
        ("a,trigger\n0,x\n1,y\n", ""),  # one alone is not enough to guess
        ("trace,step,trigger\n1,1,x\n", ""),
    ],
)
def test_what_may_be_a_variable(tmp_path: Path, text: str, variables: str) -> None:
    (tmp_path / "log.csv").write_text(text)
    assert project.variables(tmp_path / "log.csv") == Variables(tuple(variables.split()))


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)
plain = words.map(str.strip).filter(bool)


@settings(max_examples=25, deadline=None)
@given(st.lists(plain, min_size=3, max_size=3, unique=True), st.lists(plain, min_size=1, max_size=4))
def test_whatever_words_a_log_has_its_settings_are_read(headers: list[str], triggers: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([headers, *(("a", word, "b") for word in triggers)])
    chosen = dict(zip(("state", "trigger", "next_state"), headers, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        log = read(path, columns=chosen)
        assert settings_of(log, Path(folder)).columns == log.columns
        everything = settings_of(log, Path(folder), uncommented=True)
        assert everything.external == tuple(sorted(log.triggers, key=lambda word: -triggers.count(word)))
        assert all(line.isprintable() for line in project.text(log).split("\n"))
        yaml.safe_load(project.text(log))
