"""The machine as a value: naming and order, minimisation, equivalence, the JSON shape."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn.equivalence import equivalent
from fsmlearn.machine import Machine, State, Transition


@st.composite
def machines(draw: st.DrawFn, deterministic: bool = False) -> Machine:
    """Small machines, Moore or Mealy, partial, possibly random, built from a table of integers."""
    states = draw(st.integers(1, 5))
    triggers = draw(st.sampled_from([("a",), ("a", "b")]))
    mealy = draw(st.booleans())
    labels = [None] * states if mealy else draw(st.lists(st.sampled_from("XY"), min_size=states, max_size=states))
    output = st.sampled_from(["0", "1"]) if mealy else st.none()
    rows = []
    for state, trigger in itertools.product(range(states), triggers):
        for _ in range(draw(st.integers(0, 1 if deterministic else 2))):
            rows.append((state, trigger, draw(st.integers(0, states - 1)), draw(output), draw(st.integers(0, 9))))
    return Machine.build("mealy" if mealy else "moore", 0, labels, triggers, rows)


def shown(machine: Machine, word: tuple[str, ...]) -> set[tuple[Any, ...]]:
    """Everything that the machine can show from its initial state under `word`, by plain enumeration."""
    runs: list[tuple[str, tuple[Any, ...]]] = [(machine.initial, (machine.labels[machine.initial],))]
    for trigger in word:
        runs = [
            (t.next_state, (*seen, t.output, machine.labels[t.next_state]))
            for state, seen in runs
            for t in machine.transitions
            if (t.state, t.trigger) == (state, trigger)
        ]
    return {seen for _, seen in runs}


def test_names_follow_breadth_first_order_from_the_initial_state() -> None:
    # 3 -go-> 1 -go-> 0 -go-> 1; state 2 cannot be reached.
    machine = Machine.build(
        "moore",
        3,
        ["Rinse", "Rinse", "Lost", "Off"],
        ["go", "stay"],
        [(0, "go", 1, None, 4), (1, "go", 0, None, 3), (3, "go", 1, None, 2), (2, "go", 3, None, 1)],
    )
    assert machine.initial == "Off"
    assert machine.states == (State("Off", "Off"), State("Rinse", "Rinse"), State("Rinse·2", "Rinse"))
    assert [(t.state, t.next_state, t.count) for t in machine.transitions] == [
        ("Off", "Rinse", 2),
        ("Rinse", "Rinse·2", 3),
        ("Rinse·2", "Rinse", 4),
    ]
    assert machine.visible("Rinse·2") == "Rinse"


def test_a_word_of_the_log_that_looks_like_a_made_name_keeps_it() -> None:
    labels = ["A", "A", "A·2", "A·2", None, "S0"]
    rows = [(i, "go", i + 1, None, 1) for i in range(5)]
    machine = Machine.build("moore", 0, labels, ["go"], rows)
    assert [s.name for s in machine.states] == ["A", "A·3", "A·2", "A·2·2", "S1", "S0"]


def test_states_without_labels_are_numbered() -> None:
    machine = Machine.build("mealy", 1, [None, None], ["a"], [(1, "a", 0, "x", 1), (0, "a", 1, "y", 1)])
    assert [(s.name, s.label) for s in machine.states] == [("S0", None), ("S1", None)]
    assert machine.visible("S1") == "S1"


def test_probabilities_are_shares_of_the_rows_and_the_likeliest_comes_first() -> None:
    rows = [
        (0, "a", 0, None, 1),
        (0, "a", 1, None, 2),
        (0, "a", 1, None, 1),
        (1, "a", 1, None, 0),
        (0, "b", 1, None, 0),
    ]
    rows += [(0, "a", 2, None, 0)]
    machine = Machine.build("moore", 0, ["X", "Y", "Z"], ["a", "b"], rows)
    assert machine.transitions == (
        Transition("X", "a", "Y", None, 3, 0.75),
        Transition("X", "a", "X", None, 1, 0.25),
        Transition("X", "b", "Y", None, 0, 1.0),
        Transition("Y", "a", "Y", None, 0, 1.0),
    )
    assert [t.next_state for t in machine.successors("X", "a")] == ["Y", "X"]
    assert machine.successors("Y", "b") == machine.successors("nowhere", "a") == ()


def test_a_run_takes_the_likeliest_way_and_ends_where_there_is_none() -> None:
    machine = Machine.build("mealy", 0, [None, None], ["a", "b"], [(0, "a", 1, "x", 1), (1, "b", 0, "y", 1)])
    assert [t.output for t in machine.run("aba")] == ["x", "y", "x"]
    assert [t.output for t in machine.run("abba")] == ["x", "y"]
    assert [t.output for t in machine.run("b", start="S1")] == ["y"]


def test_minimise_merges_what_behaves_alike_and_adds_the_rows() -> None:
    # 1 and 2 are twins under Y; 3 shows Y too but has no way on, so it is another state.
    rows = [(0, "a", 1, None, 6), (0, "b", 2, None, 2), (0, "c", 3, None, 1)]
    rows += [(1, "a", 0, None, 3), (1, "a", 1, None, 1), (2, "a", 0, None, 1), (2, "a", 2, None, 3)]
    small = Machine.build("moore", 0, ["X", "Y", "Y", "Y"], ["a", "b", "c"], rows).minimise()
    assert [s.name for s in small.states] == ["X", "Y", "Y·2"]
    assert small.successors("Y", "a") == (
        Transition("Y", "a", "X", None, 4, 0.5),
        Transition("Y", "a", "Y", None, 4, 0.5),
    )


@given(machines())
def test_the_minimal_machine_is_equivalent_and_minimal(machine: Machine) -> None:
    small = machine.minimise()
    assert equivalent(machine, small) is None
    assert small.minimise() == small
    assert len(small.states) <= len(machine.states)
    assert sum(t.count for t in small.transitions) == sum(t.count for t in machine.transitions)


@given(machines(deterministic=True))
def test_no_two_states_of_a_minimal_deterministic_machine_are_equivalent(machine: Machine) -> None:
    small = machine.minimise()
    for a, b in itertools.combinations(small.states, 2):
        starts = [Machine(small.kind, s.name, small.states, small.triggers, small.transitions) for s in (a, b)]
        assert equivalent(*starts) is not None


@given(machines(), machines())
def test_equivalent_finds_a_shortest_witness(a: Machine, b: Machine) -> None:
    word = equivalent(a, b)
    triggers = sorted({*a.triggers, *b.triggers})
    longest = 5 if word is None else len(word)
    for length in range(longest + 1):
        differ = {w for w in itertools.product(triggers, repeat=length) if shown(a, w) != shown(b, w)}
        if length == longest and word is not None:
            assert word in differ
        else:
            assert not differ


def test_equivalent_tells_the_deep_difference_and_the_immediate_one() -> None:
    def chain(last: str) -> Machine:
        rows = [(0, "a", 1, "0", 1), (1, "a", 2, "0", 1), (2, "a", 0, last, 1), (0, "b", 0, "0", 1)]
        return Machine.build("mealy", 0, [None] * 3, ["b", "a"], rows)

    assert equivalent(chain("0"), chain("1")) == ("a", "a", "a")
    assert equivalent(chain("1"), chain("1")) is None
    one, other = (Machine.build("moore", 0, [label], ["a"], []) for label in "XY")
    assert equivalent(one, other) == ()


@given(machines())
def test_shortest_words_reach_each_state_and_none_is_shorter(machine: Machine) -> None:
    words = machine.shortest_words()
    assert words.keys() == machine.labels.keys()
    reached = {machine.initial}
    depth = {machine.initial: 0}
    for n in range(1, len(machine.states) + 1):
        reached |= {t.next_state for t in machine.transitions if t.state in reached}
        for name in reached:
            depth.setdefault(name, n)
    assert {name: len(word) for name, word in words.items()} == depth


@given(machines())
def test_json_round_trip(machine: Machine) -> None:
    assert Machine.from_dict(json.loads(json.dumps(machine.to_dict()))) == machine


def test_the_json_shape_is_the_documented_one() -> None:
    machine = Machine.build("mealy", 0, [None, None], ["Power"], [(0, "Power", 1, "ok", 12)])
    assert machine.to_dict() == {
        "kind": "mealy",
        "initial": "S0",
        "triggers": ["Power"],
        "states": [{"name": "S0", "label": None}, {"name": "S1", "label": None}],
        "transitions": [
            {
                "state": "S0",
                "trigger": "Power",
                "next_state": "S1",
                "output": "ok",
                "count": 12,
                "probability": 1.0,
            }
        ],
    }


GOOD = Machine.build("moore", 0, ["X", "Y"], ["a"], [(0, "a", 1, None, 3), (0, "a", 0, None, 1)]).to_dict()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "petri net"),
        (("initial",), "Z"),
        (("initial",), None),
        (("states",), {}),
        (("states", 0, "name"), "Y"),
        (("states", 0, "name"), ""),
        (("states", 0, "label"), 7),
        (("triggers", 0), True),
        (("triggers",), ["a", "a"]),
        (("triggers",), []),
        (("transitions", 0), "a"),
        (("transitions", 0, "next_state"), "Z"),
        (("transitions", 0, "next_state"), "X"),
        (("transitions", 0, "count"), -1),
        (("transitions", 0, "count"), True),
        (("transitions", 0, "count"), 1.5),
        (("transitions", 0, "probability"), 0),
        (("transitions", 0, "probability"), 0.5),
        (("transitions", 0, "probability"), float("nan")),
        (("transitions", 0, "output"), 3),
    ],
)
def test_a_machine_whose_parts_do_not_fit_is_refused(path: tuple[str | int, ...], value: object) -> None:
    data = json.loads(json.dumps(GOOD))
    assert Machine.from_dict(data).to_dict() == GOOD
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=r"."):
        Machine.from_dict(data)


@pytest.mark.parametrize("key", GOOD.keys())
def test_a_missing_part_is_named(key: str) -> None:
    with pytest.raises(ValueError, match=f"'{key}' is missing"):
        Machine.from_dict({k: v for k, v in GOOD.items() if k != key})


def test_build_refuses_what_no_log_can_count() -> None:
    with pytest.raises(ValueError, match="count -1"):
        Machine.build("moore", 0, ["X"], ["a"], [(0, "a", 0, None, -1)])
    with pytest.raises(ValueError, match="trigger 'b'"):
        Machine.build("moore", 0, ["X"], ["a"], [(0, "b", 0, None, 1)])


def test_in_a_labelled_transition_system_the_events_of_a_state_share_its_rows() -> None:
    rows = [(0, "a", 0, None, 3), (0, "b", 1, None, 1), (0, "End", 2, None, 4), (1, "End", 2, None, 1)]
    machine = Machine.build("lts", 0, [None, None, "End"], ["a", "b", "End"], rows)
    assert {(t.state, t.trigger): t.probability for t in machine.transitions} == {
        ("S0", "a"): 0.375,
        ("S0", "b"): 0.125,
        ("S0", "End"): 0.5,
        ("S1", "End"): 1.0,
    }
    assert Machine.from_dict(machine.to_dict()) == machine
    with pytest.raises(ValueError, match="must sum to 1"):
        Machine.from_dict(machine.to_dict() | {"kind": "mealy"})


def test_minimising_a_labelled_transition_system_weighs_states_by_their_rows() -> None:
    ends = [(1, "End", 3, None, 1), (1, "a", 1, None, 1), (2, "End", 3, None, 6), (2, "a", 2, None, 2)]
    rows = [(0, "a", 1, None, 2), (0, "b", 2, None, 8), *ends]
    machine = Machine.build("lts", 0, [None, None, None, "End"], ["a", "b", "End"], rows).minimise()
    assert len(machine.states) == 3
    assert {t.trigger: t.probability for t in machine.transitions if t.state == "S1"} == pytest.approx(
        {"a": 0.3, "End": 0.7}
    )
