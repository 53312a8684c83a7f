"""What a picture of a machine shows, what it leaves out, and the same as text."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import WASH, random_machine, truth

from fsmlearn.about import Comparison
from fsmlearn.errors import SettingsError, UnknownNameError
from fsmlearn.machine import Machine, Transition
from fsmlearn.plots.diagram import HUB, Diagram, collapsed, diagram
from fsmlearn.plots.outline import matrix, outline, tree


def shown(of: Diagram) -> list[Transition]:
    """Every learned transition of a diagram, wherever it stands."""
    edges = [*of.edges, *(edge for edges in of.inside.values() for edge in edges)]
    return [way for edge in edges if edge.kind == "learned" for way in edge.ways]


@given(st.integers(0, 10_000), st.integers(2, 12))
@settings(max_examples=30, deadline=None)
def test_everything_is_shown_once(seed: int, states: int) -> None:
    machine = random_machine(np.random.default_rng(seed), states, 2, 3)
    of = diagram(machine)
    ways = shown(of)
    assert len(ways) == len(set(ways))
    assert set(ways) == set(machine.transitions)
    assert [node.name for node in of.nodes] == list(machine.labels)
    assert of.omitted == ()
    ends = [(edge.state, edge.next_state) for edge in of.edges]
    assert len(ends) == len(set(ends)), "parallel transitions are one edge"
    assert all(start != end for start, end in ends)


def star(states: int) -> Machine:
    """A state that all others lead to, and that leads to all of them."""
    rows = [(0, f"go {i}", i, None, 10 * i) for i in range(1, states)]
    rows += [(i, "back", 0, None, 5) for i in range(1, states)]
    return Machine.build(
        "moore", 0, [f"q{i}" for i in range(states)], [row[1] for row in rows[: states - 1]] + ["back"], rows
    )


def test_ways_to_a_state_that_most_lead_to_are_written_not_drawn() -> None:
    few, many = diagram(star(HUB)), diagram(star(HUB + 1))
    assert len(few.edges) == 2 * (HUB - 1)
    assert not few.inside
    assert {edge.next_state for edge in many.edges} == {f"q{i}" for i in range(1, HUB + 1)}
    assert [edge.next_state for edges in many.inside.values() for edge in edges] == ["q0"] * HUB
    assert not diagram(star(HUB + 1), around="q0").inside, (
        "whoever asks for the neighbours of a state wants to see them"
    )


def test_neighbours_and_nothing_else() -> None:
    of = diagram(WASH, around="Rinse")
    assert {node.name for node in of.nodes} == {"Soak", "Rinse", "Soak·2", "Rinse·2", "Drain"}
    assert all({t.state, t.next_state} & {"Rinse", "Rinse·2"} for t in shown(of))
    assert of.omitted == ("1 state further away from Rinse",)
    assert {node.name for node in diagram(WASH, around="Rinse·2").nodes} == {"Soak·2", "Rinse·2", "Drain"}
    with pytest.raises(UnknownNameError, match="did you mean 'Rinse'"):
        diagram(WASH, around="Rinze")


def test_rare_transitions_and_states_without_others_are_left_out() -> None:
    of = diagram(WASH, min_count=9)
    assert {(t.state, t.next_state) for t in shown(of)} == {("Off", "Soak"), ("Soak", "Rinse"), ("Rinse", "Soak·2")}
    assert of.omitted == ("3 transitions of fewer than 9 rows", "2 states left without a transition")
    assert [node.name for node in diagram(WASH, min_count=99).nodes] == ["Off"]


def test_what_is_too_large_is_cut_to_what_has_the_most_rows() -> None:
    of = diagram(star(9), states=4)
    assert [node.name for node in of.nodes] == ["q0", "q6", "q7", "q8"]
    assert of.omitted == ("5 states with fewer rows than those shown",)
    of = diagram(star(9), transitions=3)
    assert {t.next_state for t in shown(of)} == {"q6", "q7", "q8"}
    assert of.omitted[0] == "13 transitions with fewer rows than those shown"


def test_states_that_look_alike_are_one_when_collapsed() -> None:
    one = collapsed(WASH)
    assert list(one.labels) == ["Off", "Soak", "Rinse", "Drain"]
    after = one.successors("Rinse", "Timer")
    assert [(t.next_state, t.count, t.probability) for t in after] == [("Soak", 9, 0.75), ("Drain", 3, 0.25)]
    assert sum(t.count for t in one.transitions) == sum(t.count for t in WASH.transitions)
    with pytest.raises(SettingsError, match="--collapse"):
        collapsed(truth("vending_machine"))


def noise(state: str, trigger: str, after: str, rows: int, verdict: str = "noise") -> Comparison:
    return Comparison(state, trigger, after, None, rows, rows, 0.0, verdict)  # type: ignore[arg-type]


def test_noise_stands_at_the_first_state_that_looks_so() -> None:
    rows = [
        noise("Rinse", "Level", "Off", 2),
        noise("Rinse", "Level", "Rinse", 1),
        noise("Rinse", "Timer", "Soak", 9, "learned"),
    ]
    of = diagram(WASH, noise=[*rows, noise("Nowhere", "Level", "Off", 5)])
    drawn = [edge for edge in of.edges if edge.kind == "noise"]
    assert [(edge.state, edge.next_state, edge.rows) for edge in drawn] == [("Rinse", "Off", 2)]
    assert [(edge.kind, edge.rows) for edge in of.inside["Rinse"]] == [("noise", 1)]
    assert [edge.rows for edge in diagram(WASH, noise=rows, min_count=2).edges if edge.kind == "noise"] == [2]
    assert not [edge for edge in diagram(WASH, noise=rows, around="Soak·2").edges if edge.next_state == "Off"]


def test_what_was_never_seen_is_listed_by_state() -> None:
    of = diagram(WASH, unseen=True)
    assert sorted((name, trigger) for name, triggers in of.unseen.items() for trigger in triggers) == sorted(
        WASH.unseen()
    )
    assert not diagram(WASH).unseen


def test_the_text_of_a_small_machine() -> None:
    assert (
        outline(diagram(WASH), 80)
        == """\
         Start  Level    Timer
Off      Soak   ·        ·
Soak     ·      Rinse    ·
Rinse    ·      ·        Soak·2
Soak·2   ·      Rinse·2  ·
Rinse·2  ·      ·        Drain
Drain    ·      ·        Off

Off
└─ Start → Soak
   └─ Level → Rinse
      └─ Timer → Soak·2
         └─ Level → Rinse·2
            └─ Timer → Drain
"""
    )


def test_what_has_no_room_comes_below() -> None:
    assert list(matrix(diagram(WASH), 24))[5:9] == ["Rinse·2  ·      ·", "Drain    ·      ·", "", "         Timer"]
    assert list(tree(diagram(WASH), 16)) == [
        "Off",
        "└─ Start → Soak",
        "   └─ Level",
        "      → Rinse",
        "      └─ Timer",
        "         → Soak·2",
        "         … below",
        "",
        "Soak·2, after 3 triggers",
        "└─ Level",
        "   → Rinse·2",
        "   └─ Timer",
        "      → Drain",
    ]


def test_shares_outputs_and_wide_words_stand_in_line() -> None:
    rows = [(0, "Münze", 1, "klack", 3), (0, "Münze", 0, "鳴る", 1), (1, "取る", 0, None, 2)]
    machine = Machine.build("mealy", 0, [None, None], ["Münze", "取る"], rows)
    assert list(matrix(diagram(machine), 80)) == [
        "    Münze              取る",
        "S0  S1 / klack 75.0 %  ·",
        "    S0 / 鳴る 25.0 %",
        "S1  ·                  S0",
    ]


@given(st.integers(0, 10_000), st.integers(2, 12), st.sampled_from([30, 80, 200]))
@settings(max_examples=30, deadline=None)
def test_the_tree_has_every_state_once_at_the_end_of_a_shortest_word(seed: int, states: int, width: int) -> None:
    machine = random_machine(np.random.default_rng(seed), states, states, 3)
    lines = list(tree(diagram(machine), width))
    assert max(map(len, lines)) <= width
    at: list[str] = []
    depth = dict[str, int]()
    base = 0
    for line in lines:
        arrow = re.search(r"→ (\S+)$", line)
        if arrow:
            level = (len(line) - len(line.lstrip("│ ├└─"))) // 3
            at = [*at[:level], arrow[1]]
            assert arrow[1] not in depth
            depth[arrow[1]] = base + level
            assert any(t.next_state == arrow[1] for t in machine.transitions if t.state == at[level - 1])
        elif line and "below" not in line:
            name, _, far = line.partition(", after ")
            base = int(far.split()[0]) if far else 0
            at = [name]
    words = machine.shortest_words()
    assert depth == {name: len(word) for name, word in words.items() if word}


@given(st.integers(0, 10_000), st.sampled_from([30, 80, 200]))
@settings(max_examples=20, deadline=None)
def test_the_matrix_says_where_everything_leads(seed: int, width: int) -> None:
    machine = random_machine(np.random.default_rng(seed), 6, 3, 4)
    found = dict[tuple[str, str], str]()
    heads: list[str] = []
    for line in matrix(diagram(machine), width):
        assert len(line) <= width
        if line.startswith(" "):
            heads = line.split()
        elif line:
            name, *cells = line.split()
            found |= {(name, head): cell for head, cell in zip(heads, cells, strict=True)}
    assert found == {(t.state, t.trigger): t.next_state for t in machine.transitions}


def test_what_a_terminal_would_obey_is_spelt_out() -> None:
    machine = Machine.build("moore", 0, ["\x1b[31mred", "a\nb"], ["\x07"], [(0, "\x07", 1, None, 1)])
    text = outline(diagram(machine), 80)
    assert text.replace("\n", "").isprintable()
    assert text.count("\n") == len(text.splitlines())
