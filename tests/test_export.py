"""Exports by what Python alone can say of them; the tools that they are for read them in `test_interop`."""

from __future__ import annotations

import csv
import io
import json
import keyword
import random
import re
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from exported import HARD, MACHINES, assert_walks, words
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn.errors import SettingsError
from fsmlearn.export import FORMATS, export, omission, python_statemachine
from fsmlearn.export.names import ascii_name, names
from fsmlearn.formats import printable
from fsmlearn.machine import Machine

every = pytest.mark.parametrize("machine", [make() for make in MACHINES.values()], ids=list(MACHINES))


@given(st.lists(st.text(min_size=1)), st.sets(st.sampled_from(["if", "state", "a", "Off"])))
def test_names_are_valid_and_distinct(given_words: list[str], taken: set[str]) -> None:
    found = names(given_words, "state", taken)
    assert list(found) == list(dict.fromkeys(given_words))
    assert len(set(found.values())) == len(found)
    assert not taken & set(found.values())
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) for name in found.values())


@given(st.lists(st.text(min_size=1)), st.randoms())
def test_names_that_are_valid_stay_whatever_else_there_is(given_words: list[str], rng: random.Random) -> None:
    shuffled = [*given_words, "Rinse_2", "Off"]
    rng.shuffle(shuffled)
    found = names(shuffled, "state")
    assert (found["Rinse_2"], found["Off"]) == ("Rinse_2", "Off")


def test_names_say_what_they_can() -> None:
    found = names(["Rinse·2", "Rinse 2", "Müller", "2nd", "日本", "!", "class", "Program 1"], "state", {"class"})
    expected = "Rinse_2 state_Rinse_2 Muller state_2nd state state_2 state_class Program_1"
    assert " ".join(found.values()) == expected


def test_names_differ_where_case_is_no_difference() -> None:
    found = names(["End", "end", "END"], "state", {"end"}, fold=str.casefold)
    assert list(found.values()) == ["state_End", "state_end_2", "state_END_3"]


@pytest.mark.parametrize("word", HARD)
def test_hard_words_become_names(word: str) -> None:
    name = names([word], "state")[word]
    assert name.isascii() and name.isidentifier()
    assert ascii_name(name) == name


def test_names_of_python_statemachine_keep_off_those_of_python() -> None:
    assert set(keyword.kwlist) <= python_statemachine.TAKEN


@every
@pytest.mark.parametrize(("to", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_json_and_yaml_hold_everything(machine: Machine, to: str, load: Any) -> None:
    assert Machine.from_dict(load(export(machine, to))) == machine


@every
def test_csv_is_the_table(machine: Machine) -> None:
    rows = list(csv.DictReader(io.StringIO(export(machine, "csv"), newline="")))
    columns = ("state", "trigger", "next_state", "output")
    for row, t in zip(rows, machine.transitions, strict=True):
        # a word that a spreadsheet would calculate has an apostrophe
        assert [row[key].removeprefix("'") for key in columns] == [
            (getattr(t, key) or "").removeprefix("'") for key in columns
        ]
        assert int(row["count"]) == t.count
        assert float(row["probability"]) == pytest.approx(t.probability, rel=1e-5)


def module(text: str) -> dict[str, Any]:
    """What a Python module defines."""
    space: dict[str, Any] = {"__name__": "exported"}
    exec(compile(text, "exported.py", "exec"), space)
    return space


@every
def test_python_walks(machine: Machine) -> None:
    made = module(export(machine, "python"))
    for walk in words(machine):
        walker = made["Machine"]()
        for t in walk:
            assert walker.state == t.state
            assert walker.step(t.trigger) == t.output
            assert walker.state == t.next_state
    assert made["LABELS"] == machine.labels
    with pytest.raises(LookupError, match=r"no way on from .* by 'nonsense'"):
        made["Machine"]().step("nonsense")


def test_python_draws_by_the_probabilities() -> None:
    machine = MACHINES["orders"]()
    walker, rng = module(export(machine, "python"))["Machine"](), random.Random(0)
    seen = []
    for _ in range(4000):
        walker.state = "Placed"
        walker.step("Pay", rng)
        seen.append(walker.state)
    for way in machine.successors("Placed", "Pay"):
        assert seen.count(way.next_state) / len(seen) == pytest.approx(way.probability, abs=0.03)


@pytest.mark.parametrize("to", ["python", "transitions", "python-statemachine"])
@every
def test_python_modules_compile(machine: Machine, to: str) -> None:
    compile(export(machine, to), "exported.py", "exec")


@every
def test_kiss2_walks(machine: Machine) -> None:
    """By the grammar of Berkeley's tools: cubes of bits, and words without spaces; comments say what is meant."""
    head: dict[str, str] = {}
    meant: dict[tuple[str, str], str] = {}
    rows = []
    for line in export(machine, "kiss2").splitlines():
        if comment := re.fullmatch(r"# (state|input|output) (\S+) is (.*)", line):
            meant[comment[1], comment[2]] = comment[3]
        elif line.startswith("."):
            assert re.fullmatch(r"\.[iops] \d+|\.r \w+|\.e", line)
            head[line[:2]] = line[3:]
        else:
            row = re.fullmatch(r"([01]+) ([A-Za-z0-9_]+) ([A-Za-z0-9_]+) ([01]+)", line)
            assert row, line
            assert (len(row[1]), len(row[4])) == (int(head[".i"]), int(head[".o"]))
            rows.append(row.groups())
    assert list(head) == [".i", ".o", ".p", ".s", ".r", ".e"]
    assert len(rows) == len({row[:2] for row in rows}) == int(head[".p"])
    assert len({name for row in rows for name in row[1:3]} | {head[".r"]}) == int(head[".s"])
    states, triggers = ({printable(word): word for word in group} for group in (machine.labels, machine.triggers))
    put = {printable(t.output): t.output for t in machine.transitions if t.output is not None}
    graph: dict[tuple[str, str], tuple[str, str | None]] = {}
    for bits, state, following, shown in rows:
        state, following = (states[meant.get(("state", name), name)] for name in (state, following))
        said = meant["output", shown]
        graph[state, triggers[meant["input", bits]]] = (following, put[said] if put else None)
        assert put or said == printable(machine.labels[following] or "")
    assert_walks(machine, states[meant.get(("state", head[".r"]), head[".r"])], graph)


@every
def test_scxml_is_xml_with_names_that_are_allowed(machine: Machine) -> None:
    root = ElementTree.fromstring(export(machine, "scxml"))
    ids = [state.attrib["id"] for state in root if state.tag.endswith(("}state", "}final"))]
    assert len(set(ids)) == len(ids) == len(machine.states)
    for place in root.iter():
        for name in (place.attrib.get("id"), place.attrib.get("event"), place.attrib.get("target")):
            assert name is None or re.fullmatch(r"[A-Za-z]\w*", name)


@every
@pytest.mark.parametrize("to", [to for to in FORMATS if to != "csv"])
def test_exports_have_nothing_that_a_terminal_obeys(machine: Machine, to: str) -> None:
    text = export(machine, to)
    assert text.endswith("\n")
    assert all(line.isprintable() for line in text[:-1].split("\n"))
    assert export(machine, to) == text


def test_an_unknown_format_is_answered_with_all_there_are() -> None:
    with pytest.raises(SettingsError, match=r"^--to: there is no format 'pdf'; choose dot, mermaid, .* or kiss2$"):
        export(MACHINES["wash"](), "pdf")


@pytest.mark.parametrize(
    ("name", "to", "told"),
    [
        ("wash", "kiss2", None),
        ("hard outputs", "scxml", None),
        ("orders", "prism", None),
        (
            "orders",
            "xstate",
            "4 states and triggers have several ways on; xstate takes the first of them, which is the",
        ),
        ("orders", "kiss2", "4 states and triggers have several ways on; kiss2 has room for the likeliest, and 4 more"),
        ("orders", "smv", "smv has no probabilities: they are left out, and every way on is possible"),
        ("presses", "xstate", "1 state and trigger has several ways on; xstate takes the first of them"),
        ("presses", "dot", None),
    ],
)
def test_what_a_format_cannot_say_is_told(name: str, to: str, told: str | None) -> None:
    found = omission(MACHINES[name](), to)
    assert found is None if told is None else str(found).startswith(told)
