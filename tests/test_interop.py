"""Pictures, state charts and Python modules are read by the tools that they are for, and lead there by 1,000 words to
the machine's own states. `test_interop_models` does so with what other tools calculate with.

`.ci/tools` installs the tools. `.ci/run` does so, and fails where one of these tests is skipped.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from exported import MACHINES, assert_walks, of_picture, words
from foreign import HERE, program, run
from test_export import every, module
from test_imported_dot import SYNTAX

from fsmlearn.export import export, python_statemachine
from fsmlearn.formats import printable
from fsmlearn.imports.graphviz import parse, shown
from fsmlearn.machine import Machine

pytestmark = pytest.mark.slow

NODE = HERE / "node"


def node(script: str, *arguments: str | Path, given: str | None = None) -> Any:
    """What a script of `node` prints as JSON."""
    if not (NODE / "node_modules").exists():
        pytest.skip("the packages of tests/node are not installed; .ci/tools does it")
    return json.loads(run(program("node"), NODE / script, *arguments, given=given))


def texts(part: dict[str, Any]) -> list[str]:
    """The lines that Graphviz draws of a label."""
    return [drawing["text"] for drawing in part.get("_ldraw_", []) if drawing["op"] == "T"]


def put(tmp_path: Path, to: str, suffix: str) -> dict[str, Path]:
    """Every machine as a file."""
    paths = {}
    for i, (name, make) in enumerate(MACHINES.items()):
        paths[name] = tmp_path / f"{i}{suffix}"
        paths[name].write_text(export(make(), to), encoding="utf-8")
    return paths


# Pictures


def test_graphviz(tmp_path: Path) -> None:
    def spelt(word: str) -> str:
        text = printable(word.replace("\\", "\\\\"))
        return {"/": "\\/", "a / b": "a \\/ b", "x (50 %)": "x \\(50 %)", "/* x */": "/* x */"}.get(word, text)

    dot = program("dot")
    for name, path in put(tmp_path, "dot", ".dot").items():
        machine, drawn = MACHINES[name](), json.loads(run(dot, "-Tjson", path))

        nodes = {each["_gvid"]: "".join(texts(each)) for each in drawn["objects"]}
        edges = [
            (nodes[each["tail"]], line, nodes[each["head"]]) for each in drawn.get("edges", []) for line in texts(each)
        ]
        starts = [nodes[each["head"]] for each in drawn["edges"] if not nodes[each["tail"]]]
        assert_walks(machine, *of_picture(machine, starts, edges, spelt))


def test_dot_is_read_as_graphviz_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "syntax.dot"
    path.write_text(SYNTAX, encoding="utf-8")
    drawn, read = json.loads(run(program("dot"), "-Tjson", path)), parse(SYNTAX, "syntax.dot")
    nodes = {each["_gvid"]: each for each in drawn["objects"] if "nodes" not in each}
    names = {number: each["name"] for number, each in nodes.items()}
    assert set(names.values()) == set(read.nodes)
    for each in nodes.values():
        label = read.nodes[each["name"]].attributes.get("label", "\\N")
        assert shown(label, each["name"]) == "\n".join(texts(each))
    links = [(names[each["tail"]], names[each["head"]], "\n".join(texts(each))) for each in drawn["edges"]]
    found = [(each.tail, each.head, shown(each.attributes.get("label", ""), "")) for each in read.links]
    assert sorted(found) == sorted(links)


def test_mermaid(tmp_path: Path) -> None:
    paths = put(tmp_path, "mermaid", ".mmd")
    for name, drawn in zip(paths, node("mermaid.mjs", *paths.values()), strict=True):
        states = drawn["states"]
        starts = [states[head] for tail, _, head in drawn["relations"] if tail == "root_start"]
        edges = [
            (states[tail], line, states[head])
            for tail, text, head in drawn["relations"]
            if tail != "root_start"
            for line in text.split("\n")
        ]
        assert_walks(MACHINES[name](), *of_picture(MACHINES[name](), starts, edges))


def test_plantuml(tmp_path: Path) -> None:
    paths = put(tmp_path, "plantuml", ".puml")
    run(program("plantuml"), "-tsvg", "-charset", "UTF-8", *paths.values())
    for name, path in paths.items():
        machine = MACHINES[name]()
        text, drawn = path.read_text("utf-8"), path.with_suffix(".svg").read_text("utf-8")
        captions: dict[str, str] = {}
        for line in text.splitlines():
            if state := re.fullmatch(r'state (?:"(.*)" as )?(\w+)', line):
                captions[state[2]] = state[1] or state[2]
        assert len(captions) == len(machine.states)
        shown: dict[str, list[str]] = {"": []}
        edges, starts, place = [], [], ("", "")
        for link, line in re.findall(r"link (\S+ to \S+?)-->|<text[^>]*>([^<]*)</text>", drawn):
            if link:
                tail, _, head = link.partition(" to ")
                place = (tail, head)
                starts += [head] * (tail == "*start")
            elif place == ("", ""):
                shown[""].append(html.unescape(line))
            else:
                edges.append((place[0], html.unescape(line).replace("\xa0", " "), place[1]))
        # states are drawn in the order in which they are declared
        texts = dict(zip(captions, (line.replace("\xa0", " ") for line in shown[""]), strict=True))
        assert_walks(
            machine,
            *of_picture(machine, [texts[s] for s in starts], [(texts[t], line, texts[h]) for t, line, h in edges]),
        )


# State charts


@every
def test_scxml_by_python_statemachine(machine: Machine) -> None:
    load = pytest.importorskip("statemachine.io").load
    text, own = export(machine, "scxml"), "{urn:fsmlearn}"

    def word(spelt: str) -> str:
        return re.sub(r"\\(\\|u(....))", lambda c: chr(int(c[2], 16)) if c[2] else "\\", spelt)

    states, events = {}, {}
    for place in ElementTree.fromstring(text):
        if "id" in place.attrib:
            states[place.attrib["id"]] = word(place.attrib.get(f"{own}name", place.attrib["id"]))
        for way in place:
            if "event" in way.attrib:
                events[word(way.attrib.get(f"{own}trigger", way.attrib["event"]))] = way.attrib["event"]
    made = load(text, format="scxml")
    walker = made()
    for walk in words(machine):
        if walker.is_terminated:
            walker = made()
        walker.current_state_value = made.initial_state.value  # a second walker would have no data
        assert [states[each] for each in walker.configuration_values] == [machine.initial]
        for t in walk:
            walker.send(events[t.trigger])
            assert [states[each] for each in walker.configuration_values] == [t.next_state]
            assert t.output is None or walker.model.output == t.output


def test_xstate(tmp_path: Path) -> None:
    paths = put(tmp_path, "xstate", ".mjs")
    (tmp_path / "node_modules").symlink_to(NODE / "node_modules")
    walks = {name: list(words(MACHINES[name]())) for name in paths}
    asked = [[f"{paths[name]}", [[t.trigger for t in walk] for walk in walks[name]]] for name in paths]
    for name, seen in zip(paths, node("xstate.mjs", given=json.dumps(asked)), strict=True):
        initial = MACHINES[name]().initial
        assert seen == [[[initial, None], *([t.next_state, t.output] for t in walk)] for walk in walks[name]]


# Python


@every
def test_transitions(machine: Machine) -> None:
    pytest.importorskip("transitions")
    made = module(export(machine, "transitions"))
    triggers, states = {"state": "trigger_state", "output": "trigger_output"}, {"*": "state_*"}
    model = made["Model"]()
    engine = made["machine"](model)
    assert model.state == engine.initial
    for walk in words(machine):
        engine.set_state(engine.initial)
        for t in walk:
            assert model.trigger(triggers.get(t.trigger, t.trigger))
            assert (model.state, model.output) == (states.get(t.next_state, t.next_state), t.output)


@every
def test_python_statemachine(machine: Machine) -> None:
    pytest.importorskip("statemachine")
    made = module(export(machine, "python-statemachine"))["Machine"]
    events = {event.name: event.id for event in made.events}
    assert [state.name for state in made.states] == list(machine.labels)
    walker = made()
    for walk in words(machine):
        if walker.is_terminated:
            walker = made()
        walker.current_state_value = made.initial_state.value
        assert [state.name for state in walker.configuration] == [machine.initial]
        for t in walk:
            assert walker.send(events[t.trigger]) == t.output
            assert [state.name for state in walker.configuration] == [t.next_state]


def test_names_that_python_statemachine_has_itself_are_taken() -> None:
    pytest.importorskip("statemachine")
    made = module(export(MACHINES["wash"](), "python-statemachine"))["Machine"]
    own = {name for name in (*dir(made), *dir(made())) if not name.startswith("_")}
    own -= {state.id for state in made.states} | {event.id for event in made.events}
    assert own <= python_statemachine.TAKEN
