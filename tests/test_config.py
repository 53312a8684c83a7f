"""Settings: where they come from, which wins, and how a wrong one is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn.columns import Variables
from fsmlearn.config import FILE, Settings, gather
from fsmlearn.errors import SettingsError


def test_nothing_given_is_left_to_the_tool(tmp_path: Path) -> None:
    assert gather({}, {}, tmp_path) == Settings()
    assert (Settings().hidden, Settings().epochs, Settings().states, Settings().seed) == (None, None, None, 0)


def test_the_command_line_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("hidden: 1\nepochs: 1\nseed: 1\ncolumns:\n  state: a\n  trace: a\n")
    environment = {"FSMLEARN_EPOCHS": "2", "FSMLEARN_SEED": "2", "FSMLEARN_MODEL": "x", "FSMLEARN_STATES": ""}
    given = {"seed": "3", "states": None, "state_column": "c"}
    found = gather(given, environment, tmp_path)
    assert (found.hidden, found.epochs, found.seed, found.states) == (1, 2, 3, None)
    assert found.columns == {"state": "c", "trace": "a"}


def test_words_of_yaml_are_taken_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("columns: {state: On, next_state: 01, trigger: null, output: ~, trace: 'No'}\n")
    assert gather({}, {}, tmp_path).columns == {
        "state": "On",
        "next_state": "01",
        "trigger": "null",
        "output": "~",
        "trace": "No",
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_is_no_setting(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert gather({}, {}, tmp_path) == Settings()


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_only_an_elman_cell_has_a_choice_of_activations(tmp_path: Path, cell: str) -> None:
    (tmp_path / FILE).write_text("activation: relu\n")
    assert gather({"cell": "elman"}, {}, tmp_path).activation == "relu"
    assert gather({"cell": cell, "activation": "tanh"}, {}, tmp_path).cell == cell
    with pytest.raises(SettingsError, match=f"activation is relu, but cell {cell} has tanh; choose cell elman"):
        gather({"cell": cell}, {}, tmp_path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seed: 1\nepoch: 5\n", ":2: there is no setting 'epoch'; did you mean 'epochs'?"),
        ("on: 5\n", ":1: there is no setting 'on'; the keys are cell,"),
        ("seed: 1\nseed: 2\n", ":2: 'seed' is given twice"),
        ("seed: yes\n", ":1: 'yes' is not a whole number"),
        ("seed: 1.5\n", ":1: '1.5' is not a whole number"),
        ("hidden: 0\n", ":1: hidden is 0; give a whole number from 1 to 4096"),
        ("activation: tan\n", ":1: activation is 'tan'; choose tanh, sigmoid or relu"),
        ("cell: rnn\n", ":1: cell is 'rnn'; choose elman, gru or lstm"),
        ("seed: [1]\n", ":1: must be one word"),
        ("seed:\n", ":1: must be one word"),
        ("- seed\n", ":1: must be `key: value` lines"),
        ("columns: x\n", ":1: must be `key: value` lines"),
        ("columns:\n  staet: x\n", ":2: there is no setting 'staet'; did you mean 'state'?"),
        ("external:\n  a: b\n", ":1: must be a list of words"),
        ("external: [[a]]\n", ":1: must be one word"),
        ("state_variables: [a]\nlevels: [1]\n", ":2: must be `key: value` lines, the keys being variables"),
        ("state_variables: [a]\nlevels:\n  a: x\n", ":3: 'a=x' are no levels; say where to cut"),
        ("state_variables: [a]\nlevels:\n  a: [2, 1]\n", ":3: the levels of 'a' do not ascend"),
        ("start_state: [a]\n", ":1: must be one word"),
        ("seed: 1\n\tx: {\n", ":2: is not YAML"),
        ("seed: 1\n--- \nseed: 2\n", ":2: is not YAML"),
        ("[" * 5000, ": is not YAML"),
        ("\0", ": is not YAML"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(SettingsError) as caught:
        gather({}, {}, tmp_path)
    assert str(caught.value).startswith(str(tmp_path / FILE) + told)
    assert "\n" not in str(caught.value)


LISTS = ("a, b", "[a, b]", "\n- a\n- b\n- a", '["a", "b"]')


@pytest.mark.parametrize("words", LISTS)
@pytest.mark.parametrize("key", ["external", "state_variables"])
def test_a_list_is_written_in_any_way(tmp_path: Path, key: str, words: str) -> None:
    (tmp_path / FILE).write_text(f"{key}: {words}\n")
    found = gather({}, {}, tmp_path)
    assert (found.external if key == "external" else found.variables.state) == ("a", "b")


def test_words_of_lists_are_taken_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('external: [On, 01, "a, b", ~, "say \\"x\\""]\n')
    assert gather({}, {}, tmp_path).external == ("On", "01", "a, b", "~", 'say "x"')
    (tmp_path / FILE).write_text("external:\n  # - Timer\nstate_variables:\n")
    assert gather({}, {}, tmp_path) == Settings()


def test_variables_and_their_levels_come_from_everywhere(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("state_variables: [a, b]\ninput_variables: c\nlevels:\n  a: 5\n  b: [1, 2.5]\n")
    given = {"levels": "a=7,8; c = -1", "start_state": "a=0"}
    found = gather(given, {"FSMLEARN_INPUT_VARIABLES": "c,b"}, tmp_path)
    assert found.variables == Variables(("a", "b"), ("c", "b"), {"a": (7.0, 8.0), "b": (1.0, 2.5), "c": (-1.0,)})
    assert found.reading == {"columns": {}, "start_state": "a=0", "variables": found.variables}
    without = gather({"state_variables": "", "input_variables": "", "levels": ""}, {}, tmp_path / "none")
    assert without == Settings()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"input_variables": "a"}, "input_variables are given, but no state_variables"),
        ({"state_variables": "a", "state_column": "x"}, "in place of a column for the current_state; leave one"),
        ({"state_variables": "a", "output_column": "x"}, "in place of a column for the output"),
        ({"state_variables": "a", "levels": "b=1"}, "levels: 'b' is no variable; the variables are a"),
        ({"levels": "b=1"}, "levels: 'b' is no variable; the variables are none"),
        ({"levels": "=1"}, "--levels: '=1' are no levels"),
        ({"levels": "a=nan"}, "--levels: 'a=nan' are no levels"),
        ({"levels": "a"}, "--levels: 'a' are no levels"),
    ],
)
def test_settings_that_contradict_each_other_are_told(given: dict[str, str | None], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        gather(given, {}, "/nonexistent")
    assert told in str(caught.value)


def test_another_file_may_be_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("seed: 1\n")
    (tmp_path / "other.yaml").write_text("seed: 2\n")
    assert gather({}, {}, tmp_path, file=str(tmp_path / "other.yaml")).seed == 2
    with pytest.raises(SettingsError, match=r"none.yaml: no such file; check the name, or write one with"):
        gather({}, {}, tmp_path, file=str(tmp_path / "none.yaml"))


def test_without_a_file_no_yaml_is_loaded(tmp_path: Path) -> None:
    code = "import sys; from fsmlearn.config import gather; gather({}, {}, sys.argv[1])\n"
    code += "print(sorted({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert "'fsmlearn'" in done.stdout and "yaml" not in done.stdout and "numpy" not in done.stdout


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is not YAML"):
        gather({}, {}, tmp_path)


@given(st.text(max_size=5))
def test_words_on_the_command_line_are_numbers_or_told(word: str) -> None:
    try:
        found = gather({"epochs": word}, {}, "/nonexistent").epochs
    except SettingsError as error:
        assert str(error).startswith("--epochs: ")
    else:
        assert found == int(word)


def test_the_source_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^FSMLEARN_SEED: 'x' is not a whole number"):
        gather({}, {"FSMLEARN_SEED": "x"}, "/nonexistent")
    with pytest.raises(SettingsError, match=r"^--hidden: hidden is -1"):
        gather({"hidden": "-1"}, {}, "/nonexistent")
    with pytest.raises(SettingsError, match="there is no role 'events'"):
        Settings(columns={"events": "x"})
