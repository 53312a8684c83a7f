"""Importing machines: what export writes comes back, and a model without a log is made of what people write."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from exported import HARD, MACHINES
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_export import every

from fsmlearn import imports
from fsmlearn.equivalence import equivalent
from fsmlearn.errors import FormatError
from fsmlearn.export import export
from fsmlearn.machine import Kind, Machine, State, Transition

SUFFIXES = {"json": ".json", "dot": ".dot", "scxml": ".scxml"}
formats = pytest.mark.parametrize("to", SUFFIXES)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def refused(path: Path) -> str:
    """The one line that says what is wrong, after the name of the file."""
    with pytest.raises(FormatError) as caught:
        imports.read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}:")
    assert "\n" not in text
    assert "; " in text, "no remedy"
    return text.removeprefix(f"{path}:")


@formats
@every
def test_exports_come_back(machine: Machine, to: str, tmp_path: Path) -> None:
    found = imports.read(write(tmp_path, f"machine{SUFFIXES[to]}", export(machine, to)))
    assert found.notes == ()
    assert equivalent(found.machine, machine) is None
    assert found.machine.kind == machine.kind
    assert found.machine.labels == machine.labels
    if to == "json":
        assert found.machine == machine
    known = {(t.state, t.trigger, t.next_state, t.output): t for t in machine.transitions}
    for t in found.machine.transitions:
        same = known[t.state, t.trigger, t.next_state, t.output]
        assert t.probability == pytest.approx(same.probability, rel=1e-3)
        assert t.count == (0 if to == "dot" else same.count)


words = st.sampled_from(HARD) | st.text(min_size=1, max_size=6) | st.text(" /\\(50%)|·2N:", min_size=1, max_size=9)


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Machines of any words and any kind, partial, and by chance."""
    kind: Kind = draw(st.sampled_from(["moore", "mealy", "lts"]))
    names = draw(st.lists(words, min_size=1, max_size=5, unique=True))
    labels = {name: draw(st.none() | st.just(name) | words) for name in names}
    triggers = draw(st.lists(words, min_size=1, max_size=4, unique=True))
    outputs = st.none() | words if draw(st.booleans()) else st.none()
    place = st.sampled_from(names)
    ways = draw(st.sets(st.tuples(place, st.sampled_from(triggers), place, outputs), max_size=12))
    given = [(state, None if kind == "lts" else trigger) for state, trigger, _, _ in ways]
    transitions = [
        Transition(*way, draw(st.integers(0, 9)), 1 / given.count((way[0], None if kind == "lts" else way[1])))
        for way in sorted(ways, key=repr)
    ]
    return Machine.arrange(kind, names[0], labels, triggers, transitions)


@settings(max_examples=50)
@given(machines())
@example(
    Machine("mealy", "\\N", (State("\\N", "N | N"),), ("a \\",), (Transition("\\N", "a \\", "\\N", "/ b", 1, 1.0),))
)
@example(Machine("moore", "x | N", (State("x | N", "N"),), ("/", "a / (50 %)"), ()))
def test_any_machine_comes_back(tmp_path_factory: pytest.TempPathFactory, machine: Machine) -> None:
    folder = tmp_path_factory.mktemp("any")
    for to, suffix in SUFFIXES.items():
        found = imports.read(write(folder, f"machine{suffix}", export(machine, to))).machine
        assert found.labels == machine.labels
        assert equivalent(found, machine) is None
        assert len(found.transitions) == len(machine.transitions)


@given(
    st.sampled_from([*SUFFIXES]), st.integers(0, 4000), st.sampled_from(["", "x", '"', "<", "}", "\\", "\0", "[", "é"])
)
def test_damaged_files_are_refused_in_one_line_or_read(
    tmp_path_factory: pytest.TempPathFactory, to: str, place: int, junk: str
) -> None:
    text = export(MACHINES["orders"](), to)
    place %= len(text)
    for damaged in (text[:place], text[:place] + junk + text[place + 1 :]):
        path = write(tmp_path_factory.mktemp("cut"), f"machine{SUFFIXES[to]}", damaged)
        try:
            imports.read(path)
        except FormatError as error:
            assert str(error).startswith(f"{path}:")
            assert "\n" not in str(error)


def test_files_that_are_none(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "machine.dot")
    assert "is not called *.dot, *.json or *.scxml" in refused(write(tmp_path, "machine.txt", ""))
    (tmp_path / "folder.json").mkdir()
    assert "is not a file" in refused(tmp_path / "folder.json")
    os.mkfifo(tmp_path / "pipe.dot")
    assert "is not a file" in refused(tmp_path / "pipe.dot")
    (tmp_path / "latin.dot").write_bytes(b"digraph {\n\xe9 }")
    assert refused(tmp_path / "latin.dot").startswith("2: byte 0xe9 is not UTF-8")


@pytest.mark.parametrize("name", ["empty.dot", "empty.json", "empty.scxml"])
def test_empty_files(tmp_path: Path, name: str) -> None:
    assert refused(write(tmp_path, name, "")).startswith("1: ")


def test_states_that_nothing_leads_to_are_told(tmp_path: Path) -> None:
    text = json.dumps({"transitions": [{"state": s, "trigger": "x", "next_state": n} for s, n in ("ab", "ca")]})
    found = imports.read(write(tmp_path, "m.json", text))
    assert list(found.machine.labels) == ["a", "b"]
    assert found.notes == (f"{tmp_path / 'm.json'}: no way leads to 'c': left out",)


def test_a_byte_order_mark_is_none_of_the_machine(tmp_path: Path) -> None:
    path = write(tmp_path, "m.json", "\ufeff" + export(MACHINES["wash"](), "json"))
    assert imports.read(path).machine == MACHINES["wash"]()


# JSON


def test_json_may_leave_out_what_goes_without_saying(tmp_path: Path) -> None:
    def way(state: str, trigger: str, to: str, **more: Any) -> dict[str, Any]:
        return {"state": state, "trigger": trigger, "next_state": to, **more}

    moore = imports.read(
        write(
            tmp_path, "moore.json", json.dumps({"transitions": [way("Off", "press", "On"), way("On", "press", "Off")]})
        )
    ).machine
    assert (moore.kind, moore.initial, moore.triggers) == ("moore", "Off", ("press",))
    assert moore.labels == {"Off": "Off", "On": "On"}
    given = {
        "initial": "b",
        "triggers": ["look"],
        "states": [{"name": "a"}, {"name": "b", "label": "B"}],
        "transitions": [way("a", "press", "b", output="x"), way("b", "press", "a"), way("b", "look", "b", count=3)],
    }
    mealy = imports.read(write(tmp_path, "mealy.json", json.dumps(given))).machine
    assert (mealy.kind, mealy.initial, mealy.triggers) == ("mealy", "b", ("look", "press"))
    assert mealy.labels == {"b": "B", "a": None}
    assert [t.count for t in mealy.transitions] == [3, 0, 0]


WAY = '{"state": "a", "trigger": "x", "next_state": "a"}'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"transitions":\n [', "2: is no JSON (Expecting value, column 3)"),
        ("[]", "1: the machine is [], not an object"),
        ("{}", "1: 'transitions' is missing"),
        ('{"transitions": []}', "1: has no states"),
        ('{"transitions": [\n"x"]}', '1: a transition is "x", not an object'),
        ('{"transitions": [\n{"state": "a"}]}', "2: 'trigger' is missing"),
        ('{"transitions": [\n{"state": "a", "from": "b"}]}', "2: a transition has no 'from'; it has state, trigger"),
        ('{"transitions": [\n{"state": 1, "trigger": "x", "next_state": "a"}]}', "2: 'state' is 1; make it a word"),
        ('{"transitions": [\n{"state": "", "trigger": "x", "next_state": "a"}]}', "2: 'state' is empty"),
        (f'{{"transitions": [{WAY},\n\n{WAY}]}}', "3: the transition stands on line 1 already"),
        (f'{{"kind": "dfa", "transitions": [{WAY}]}}', "1: 'kind' is 'dfa'; make it moore, mealy, lts"),
        (f'{{"initial": "b", "transitions": [{WAY}]}}', "1: the initial state 'b' is not among the states"),
        (f'{{"triggers": ["x", "x"], "transitions": [{WAY}]}}', "1: 'triggers' is no list of different words"),
        (f'{{"states": [{{"name": "b"}}],\n"transitions": [{WAY}]}}', "2: there is no state 'a'"),
        (
            f'{{"states": [{{"name": "a"}},\n{{"name": "a"}}], "transitions": [{WAY}]}}',
            "2: the state 'a' is given twice",
        ),
        ('{"transitions": [{"state": "a", "trigger": "x", "next_state": "a", "count": true}]}', "1: 'count' is true"),
        (
            '{"transitions": [{"state": "a", "trigger": "x", "next_state": "a", "count": -1}]}',
            "1: a count is 0 or more",
        ),
        (
            '{"transitions": [{"state": "a", "trigger": "x", "next_state": "a", "probability": NaN}]}',
            "1: a count is 0 or",
        ),
        (
            '{"transitions": [{"state": "a", "trigger": "x", "next_state": "a", "probability": 0.5}]}',
            "1: the probabilities of 'a' under 'x' sum to 0.5; make it 1",
        ),
        (
            f'{{"transitions": [{WAY},\n{{"state": "a", "trigger": "x", "next_state": "b", "probability": 0.5}}]}}',
            "2: only some ways on from 'a' under 'x' have a probability",
        ),
        ("[" * 100_000, "1: is no JSON that can be read"),
        ('{"transitions": ' + "9" * 5000 + "}", "1: is no JSON that can be read"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_json_is_refused_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert refused(write(tmp_path, "machine.json", text)).startswith(told)


def test_a_shuffled_file_is_the_same_machine(tmp_path: Path) -> None:
    data = MACHINES["washing machine"]().to_dict()
    random.Random(0).shuffle(data["transitions"])
    random.Random(1).shuffle(data["states"])
    assert imports.read(write(tmp_path, "m.json", json.dumps(data))).machine == MACHINES["washing machine"]()
