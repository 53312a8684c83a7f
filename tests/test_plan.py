"""Plans against enumeration of all ways."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import WASH, truth
from test_machine import machines

from fsmlearn.errors import SettingsError, UnknownNameError
from fsmlearn.machine import Machine, Transition
from fsmlearn.plan import NoPlan, Plan, plan

ORDERS = truth("order_process")
EVENTS = Machine.build(
    "lts",
    0,
    [None, None, "End"],
    ["a", "b", "End"],
    [(0, "a", 1, None, 3), (0, "b", 0, None, 1), (1, "b", 0, None, 1), (1, "End", 2, None, 4)],
)


def ways(machine: Machine, start: str, goal: str, closed: set[str]) -> list[tuple[Transition, ...]]:
    """All ways without a state twice, by plain enumeration."""
    found: list[tuple[Transition, ...]] = []
    todo: list[tuple[str, tuple[Transition, ...]]] = [(start, ())]
    while todo:
        state, way = todo.pop()
        if state == goal:
            found.append(way)
            continue
        been = {start, *(t.next_state for t in way)}
        for t in machine.transitions:
            if t.state == state and t.next_state not in been | closed:
                todo.append((t.next_state, (*way, t)))
    return found


def share(way: tuple[Transition, ...]) -> float:
    return math.prod(t.probability for t in way)


@given(machines(), st.booleans(), st.data())
def test_a_plan_leads_there_and_none_is_better(machine: Machine, likeliest: bool, data: st.DataObject) -> None:
    names = list(machine.labels)
    start, goal, closed = (data.draw(st.sampled_from(names)) for _ in range(3))
    avoid = {closed} - {goal} if data.draw(st.booleans()) else set()
    # every state by its own name: no visible state must stand for several
    plain = Machine.from_dict(machine.to_dict() | {"states": [{"name": name, "label": None} for name in names]})
    found = plan(plain, start, goal, avoid=avoid, likeliest=likeliest)
    all_ways = ways(plain, start, goal, avoid)
    if isinstance(found, NoPlan):
        assert not all_ways
        around = ways(plain, start, goal, set())
        assert (found.avoided in avoid) == bool(around)
        return
    way = tuple(step.way for step in found.steps)
    assert way in all_ways
    assert found.probability == pytest.approx(share(way))
    if likeliest:
        assert found.probability == pytest.approx(max(map(share, all_ways)))
    else:
        fewest = min(map(len, all_ways))
        assert len(way) == fewest
        assert found.probability == pytest.approx(max(share(each) for each in all_ways if len(each) == fewest))


def steps(found: Plan | NoPlan) -> list[tuple[str, str, str]]:
    assert isinstance(found, Plan)
    return [(step.action, step.way.trigger, step.way.next_state) for step in found.steps]


def test_external_triggers_are_fired_and_others_waited_for() -> None:
    assert steps(plan(WASH, "Off", "Rinse", external=["Start"])) == [
        ("fire", "Start", "Soak"),
        ("wait", "Level", "Rinse"),
    ]
    assert [each[0] for each in steps(plan(WASH, "Off", "Rinse"))] == ["fire", "fire"]
    assert [each[0] for each in steps(plan(WASH, "Off", "Rinse", external=[]))] == ["wait", "wait"]


def test_a_visible_state_stands_for_all_that_look_like_it() -> None:
    found = plan(WASH, "Rinse", "Drain")  # one Rinse comes three moves before Drain, the other one
    assert isinstance(found, Plan)
    assert found.start == "Rinse·2"
    assert steps(found) == [("fire", "Timer", "Drain")]
    assert [each[2] for each in steps(plan(WASH, None, "Rinse·2"))] == ["Soak", "Rinse", "Soak·2", "Rinse·2"]
    refused = plan(WASH, "Off", "Drain", avoid=["Rinse"])
    assert refused == NoPlan(("Off",), frozenset({"Off", "Soak"}), "Rinse")


def test_where_one_is_nothing_is_to_do() -> None:
    assert plan(WASH, None, "Off") == Plan("Off", ())
    assert plan(WASH, "Off", "Off", avoid=["Soak"]) == Plan("Off", ())


def test_one_may_leave_a_state_to_avoid() -> None:
    assert len(steps(plan(WASH, "Drain", "Soak·2", avoid=["Drain"]))) == 4


def test_the_wanted_outcome_has_its_probability() -> None:
    found = plan(ORDERS, "New", "Paid")
    assert isinstance(found, Plan)
    (paid,) = (t for t in ORDERS.successors("Placed", "Pay") if t.next_state == "Paid")
    assert [step.probability for step in found.steps] == [1.0, paid.probability]
    assert found.probability == paid.probability < 1


def test_an_event_that_is_fired_does_not_come_by_chance() -> None:
    waited = plan(EVENTS, None, "End", external=[])
    assert isinstance(waited, Plan)
    assert [step.probability for step in waited.steps] == [0.75, 0.8]
    fired = plan(EVENTS, None, "End", external=["a"])
    assert isinstance(fired, Plan)
    assert [(step.action, step.probability) for step in fired.steps] == [("fire", 1.0), ("wait", 0.8)]
    assert plan(EVENTS, "End", "S0") == NoPlan(("End",), frozenset({"End"}), None)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"start": "Of", "goal": "Drain"}, "no state 'Of'; did you mean 'Off'"),
        ({"start": None, "goal": "Dry"}, "no state 'Dry'"),
        ({"start": None, "goal": "Drain", "avoid": ["Dry"]}, "no state 'Dry'"),
        ({"start": None, "goal": "Drain", "external": ["Timmer"]}, "no trigger 'Timmer'; did you mean 'Timer'"),
    ],
)
def test_unknown_names_are_told(arguments: dict[str, object], line: str) -> None:
    with pytest.raises(UnknownNameError, match=line):
        plan(WASH, **arguments)  # type: ignore[arg-type]


def test_a_state_cannot_be_wanted_and_avoided() -> None:
    with pytest.raises(SettingsError, match="'Rinse·2' is both wanted and to be avoided"):
        plan(WASH, None, "Rinse·2", avoid=["Rinse"])
    assert len(steps(plan(WASH, None, "Rinse", avoid=["Rinse·2"]))) == 2


def test_likeliest_and_shortest_differ() -> None:
    # a leads to 2 once in ten times, b for sure to 1 and from there to 2
    rows = [(0, "a", 2, "x", 1), (0, "a", 0, "x", 9), (0, "b", 1, "y", 1), (1, "b", 2, "y", 1)]
    machine = Machine.build("mealy", 0, [None] * 3, ["a", "b"], rows)
    goal = machine.successors("S0", "a")[1].next_state
    assert [each[1] for each in steps(plan(machine, None, goal))] == ["a"]
    assert [each[1] for each in steps(plan(machine, None, goal, likeliest=True))] == ["b", "b"]
