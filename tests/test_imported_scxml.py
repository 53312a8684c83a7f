"""SCXML that people write: what it means, what is left out, and what is refused where."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_imported import refused, write

from fsmlearn import imports

LAMP = """<?xml version="1.0"?>
<!-- by hand -->
<scxml xmlns="http://www.w3.org/2005/07/scxml" initial="off" version="1.0" datamodel="ecmascript">
  <datamodel><data id="n" expr="0"/></datamodel>
  <state id="on">
    <onentry><log label="on"/></onentry>
    <transition event="press hold.*" target="off"><script>n++</script></transition>
    <transition event="look"/>
  </state>
  <state id="off"><transition event="press." target="on"/></state>
  <final id="broken"/>
</scxml>
"""


def test_a_state_chart(tmp_path: Path) -> None:
    found = imports.read(write(tmp_path, "lamp.scxml", LAMP))
    machine = found.machine
    assert (machine.kind, machine.initial) == ("moore", "off")
    assert machine.labels == {"off": "off", "on": "on"}
    assert {(t.state, t.trigger, t.next_state) for t in machine.transitions} == {
        *[("off", "press", "on"), ("on", "press", "off"), ("on", "hold", "off"), ("on", "look", "on")]
    }
    assert [note.removeprefix(f"{tmp_path / 'lamp.scxml'}: ") for note in found.notes] == [
        "1 <onentry>, 1 <log>, 1 <script> left out",
        "no way leads to 'broken': left out",
    ]


def chart(*lines: str, **root: str) -> str:
    """A document whose second line is the first given."""
    given = "".join(f' {key}="{value}"' for key, value in root.items())
    return f'<scxml xmlns="http://www.w3.org/2005/07/scxml"{given}>\n' + "\n".join(lines) + "\n</scxml>"


@pytest.mark.parametrize(
    "output",
    ["<send event='x'/>", "<assign location='output' expr='\"x\"'/>", "<assign location='output' expr=\"'x'\"/>"],
)
def test_outputs(tmp_path: Path, output: str) -> None:
    text = chart(f"<state id='a'><transition event='e' target='a'>{output}</transition></state>")
    found = imports.read(write(tmp_path, "m.scxml", text))
    assert found.machine.kind == "mealy"
    assert found.machine.labels == {"a": None}
    assert [(t.trigger, t.output) for t in found.machine.transitions] == [("e", "x")]
    assert found.notes == ()


def test_without_an_initial_state_the_first_is_it(tmp_path: Path) -> None:
    text = chart("<state id='b'><transition event='x' target='a'/></state>", "<state id='a'/>")
    assert imports.read(write(tmp_path, "m.scxml", text)).machine.initial == "b"


A = "<state id='a'/>"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<scxml>\n<state id='a'></scxml>", "2: is no XML (mismatched tag)"),
        ("<state id='a'/>", "1: begins with <state>, not with <scxml>"),
        ("<!DOCTYPE scxml [<!ENTITY x 'y'>]>\n<scxml/>", "1: has a document type; remove it"),
        (chart(), "1: has no states"),
        (chart("<state/>"), "2: the state has no id"),
        (chart(A, A), "3: the state 'a' is given twice"),
        (chart("<parallel id='p'/>"), "2: <parallel>: states are inside a state or beside others at once"),
        (chart("<state id='a'>", "<state id='b'/>", "</state>"), "3: <state>: states are inside a state"),
        (chart("<state id='a'>", "<final id='b'/>", "</state>"), "3: <final>: states are inside a state"),
        (chart("<state id='a'>", "<history id='h'/>", "</state>"), "3: <history>: states are inside a state"),
        (chart("<state id='a'>", "<initial/>", "</state>"), "3: <initial>: states are inside a state"),
        (chart("<state id='a'>", "<invoke/>", "</state>"), "3: <invoke>: changes what happens"),
        (
            chart("<state id='a'><onentry>", "<raise event='x'/>", "</onentry></state>"),
            "3: <raise>: changes what happens",
        ),
        (chart("<state id='a'>", "<transition target='a'/></state>"), "3: the transition has no event"),
        (chart("<state id='a'><transition event='x' cond='n > 1'/></state>"), "2: the transition has a condition"),
        (chart("<state id='a'><transition event='*'/></state>"), "2: the event * is any event"),
        (chart("<state id='a'><transition event='x' target='a b'/></state>"), "2: the transition has several targets"),
        (chart("<state id='a'>", "<transition event='x' target='c'/></state>"), "3: there is no state 'c'"),
        (
            chart(
                "<state id='a'><transition event='x'/>", "<transition event='x' target='b'/></state>", "<state id='b'/>"
            ),
            "3: state 'a' has a transition by 'x' on line 2 already, and SCXML takes the first",
        ),
        (
            chart("<state id='a'><transition event='x'><send event='1'/><send event='2'/></transition></state>"),
            "2: the transition has several outputs",
        ),
        (chart(A, initial="b"), "1: the initial state 'b' is not among the states"),
        (
            chart("<state xmlns:f='urn:fsmlearn' id='a'><transition event='x' f:count='many'/></state>"),
            "2: 'many' is no such number",
        ),
        (
            chart("<state xmlns:f='urn:fsmlearn' id='a'><transition event='x' f:count='nan'/></state>"),
            "2: 'nan' is no such number",
        ),
        (
            chart("<state xmlns:f='urn:fsmlearn' id='a'><transition event='x' f:probability='nan'/></state>"),
            "2: a count is 0 or more, a probability above 0",
        ),
        (
            chart("<state xmlns:f='urn:fsmlearn' id='a'><transition event='x' f:probability='2'/></state>"),
            "2: a count is 0 or more, a probability above 0",
        ),
        (chart("<state xmlns:f='urn:fsmlearn' id='a' f:name=''/>"), "2: the state 'a' has no name of its own"),
    ],
    ids=lambda each: str(each)[-50:],
)
def test_refused_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert refused(write(tmp_path, "machine.scxml", text)).startswith(told)
