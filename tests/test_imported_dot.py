"""DOT files of learners and of people: what they mean, and what is refused where."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_imported import refused, write

from fsmlearn import imports
from fsmlearn.equivalence import equivalent
from fsmlearn.machine import Machine

LEARNED = """digraph "coffee" {
s0 [label=s0];
s1 [label="s1"];
s0 -> s1  [label="coin/ beep"];
s0 -> s0  [label="button/init"];
s1 -> s1  [label="coin / beep"];
s1 -> s0  [label="button/ coffee"];
__start0 [label="", shape=none];
__start0 -> s0  [label=""];
}
"""
COFFEE = Machine.build(
    "mealy",
    0,
    [None, None],
    ["coin", "button"],
    [(0, "coin", 1, "beep", 0), (0, "button", 0, "init", 0), (1, "coin", 1, "beep", 0), (1, "button", 0, "coffee", 0)],
)


def test_a_mealy_machine_of_a_learner(tmp_path: Path) -> None:
    machine = imports.read(write(tmp_path, "coffee.dot", LEARNED)).machine
    assert equivalent(machine, COFFEE) is None
    assert machine.kind == "mealy"
    assert machine.labels == {"s0": None, "s1": None}
    assert {(t.count, t.probability) for t in machine.transitions} == {(0, 1.0)}


@pytest.mark.parametrize(
    "nodes",
    [
        'a [label="a|Off"]; b [label="b|On"]; c [label="c|Off"];',
        'a [shape=record, label="{ a | Off }"]; b [label="{b|On}"]; c [label="{c|Off}"];',
        'a [label="a / Off"]; b [label="b / On"]; c [label="c / Off"];',
        "a [label=Off]; b [label=On]; c [label=Off];",
        "a [label=<a|<b>Off</b>>]; b [label=<b|On>]; c [label=<c|Off>];",
    ],
)
def test_moore_machines(tmp_path: Path, nodes: str) -> None:
    text = f"digraph {{ {nodes} __start0 -> a; a -> b -> c [label=press]; c -> a [label=hold]; }}"
    machine = imports.read(write(tmp_path, "lamp.dot", text)).machine
    assert machine.kind == "moore"
    assert machine.labels == {"a": "Off", "b": "On", "c": "Off"}
    assert [(t.state, t.trigger, t.next_state, t.output) for t in machine.transitions] == [
        *[("a", "press", "b", None), ("b", "press", "c", None), ("c", "hold", "a", None)]
    ]


def test_states_of_a_mealy_machine_that_show_labels(tmp_path: Path) -> None:
    text = 'digraph { __start0 -> a; a [label="a|Off"]; b [label="b|On"]; a -> b [label="press/click"] }'
    assert imports.read(write(tmp_path, "lamp.dot", text)).machine.labels == {"a": "Off", "b": "On"}


def test_an_output_may_be_missing(tmp_path: Path) -> None:
    text = 'digraph { __start0 -> a; a -> a [label="a/x"]; a -> a [label="b/"] }'
    machine = imports.read(write(tmp_path, "m.dot", text)).machine
    assert [(t.trigger, t.output) for t in machine.transitions] == [("a", "x"), ("b", None)]


def test_several_ways_on_are_equally_probable(tmp_path: Path) -> None:
    text = "digraph { __start0 -> a; a -> a [label=toss]; a -> b [label=toss]; a -> c [label=toss]; a -> b [label=x] }"
    machine = imports.read(write(tmp_path, "m.gv", text)).machine
    assert [t.probability for t in machine.successors("a", "toss")] == [pytest.approx(1 / 3)] * 3
    assert [t.probability for t in machine.successors("a", "x")] == [1.0]


def test_a_label_of_several_lines_is_several_transitions(tmp_path: Path) -> None:
    text = r'digraph { start [shape=point]; start -> a; a -> b [label="x/1\ny/2\l"]; b -> a [label=<x/1<br/>y/2>]; }'
    machine = imports.read(write(tmp_path, "m.dot", text)).machine
    assert [(t.state, t.trigger, t.output) for t in machine.transitions] == [
        *[("a", "x", "1"), ("a", "y", "2"), ("b", "x", "1"), ("b", "y", "2")]
    ]


SYNTAX = """/* a machine
       of two */ strict DIGRAPH "x" + "y" {
# not read
    graph [rankdir=LR]; node [shape=circle, label="\\N"] ; edge [color=red]
    rankdir = TB  // nor this
    { rank=same; "a b"; Ünï }
    subgraph cluster_1 { label="group" c }
    __start0 [shape=none label=""] __start0 -> "a b"
    "a b":n -> Ünï:sw -> c [label="go \\
on" color="blue"; weight=2][style=dotted]
    c->-1.5 [label="&lt;&#65;&amp;&gt; \\"q\\" \\\\ &nix;"]
}"""


def test_syntax_that_graphviz_allows(tmp_path: Path) -> None:
    machine = imports.read(write(tmp_path, "m.dot", SYNTAX)).machine
    assert [(t.state, t.trigger, t.next_state) for t in machine.transitions][:2] == [
        *[("a b", "go on", "Ünï"), ("Ünï", "go on", "c")]
    ]
    assert machine.transitions[-1].trigger == '<A&> "q" \\ &nix;'


def test_names_are_the_labels_where_these_are_distinct(tmp_path: Path) -> None:
    text = 'digraph { __start0 -> 6; 6 [label="s6"]; 4 [label="s4"]; 6 -> 4 [label="a/x"]; 4 -> 6 [label="a/y"] }'
    assert list(imports.read(write(tmp_path, "m.dot", text)).machine.labels) == ["s6", "s4"]
    text = 'digraph { __start0 -> 6; 6 [label="s"]; 4 [label="s"]; 6 -> 4 [label="a"]; 4 -> 6 [label="a"] }'
    assert imports.read(write(tmp_path, "m.dot", text)).machine.labels == {"6": "s", "4": "s"}


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    text = "digraph { __start0 -> a; a [shape=doublecircle]; b; a -> b [label=0]; b -> a [label=1] }"
    (note,) = imports.read(write(tmp_path, "dfa.dot", text)).notes
    assert "double circle is left out" in note


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("graph { a -- b }", "1: the graph has no directions"),
        ("strict digraph x {\n a -- b }", "2: an edge without direction"),
        ("flowchart", "1: a DOT file begins with digraph, not with 'flowchart'"),
        ('digraph {\n\n a -> b [label="x', "3: a quote that is never closed"),
        ("digraph {\n a -> b [label=<x", "2: '<' that is never closed"),
        ("digraph {\n a -> b ", "2: the file ends inside the graph"),
        ("digraph { a -> b }\n}", "2: '}' after the graph"),
        ("digraph {\n a -> ; }", "2: ';', where a name should be"),
        ("digraph {\n a -> {b c} }", "2: an edge to a subgraph"),
        ("digraph {\n {b c} -> a }", "2: an edge from a subgraph"),
        ("digraph {\n a -> b % c }", "2: '%', which DOT does not know"),
        ("digraph { }", "1: does not say where it starts"),
        ("digraph {\n a -> b [label=x] }", "1: does not say where it starts"),
        ("digraph { __start0 -> a\n __start1 -> b\n a -> b [label=x] }", "2: a second start"),
        ("digraph { __start0 -> a\n a -> b }", "2: the transition has no trigger"),
        ('digraph { __start0 -> a\n a -> b [label="/x"] }', "2: the transition has no trigger"),
        ('digraph { __start0 -> a\n a -> b [label="x/1"]\n b -> a [label="y"] }', "3: the edge has no output"),
        (
            "digraph { __start0 -> a\n a -> b [label=x]\n a -> b [label=x] }",
            "3: the transition stands on line 2 already",
        ),
        ("digraph { fsmlearn=dfa __start0 -> a }", "1: the kind is 'dfa'; make it moore, mealy, lts"),
        ("digraph { fsmlearn=moore __start0 -> a\n b [label=a] }", "2: 'a' is no name of its own"),
        (
            'digraph { fsmlearn=moore __start0 -> a\n a -> a [label="x (0 %)"] }',
            "2: a count is 0 or more, a probability",
        ),
        (
            'digraph { fsmlearn=moore __start0 -> a\n a -> a [label="x (9 %)"] }',
            "2: the probabilities of 'a' under 'x'",
        ),
    ],
)
def test_refused_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert refused(write(tmp_path, "machine.dot", text)).startswith(told)
