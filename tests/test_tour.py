"""Tours against the shortest that an exhaustive search finds."""

from __future__ import annotations

import heapq
import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from machines import WASH, truth
from test_machine import machines

from fsmlearn.machine import Machine, Transition
from fsmlearn.simulate import ends
from fsmlearn.tour import tour


@st.composite
def event_machines(draw: st.DrawFn, sure: bool = False) -> Machine:
    """Small machines of events; `sure` ones do not end where they begin, and come to an end from everywhere."""
    states = draw(st.integers(1 + sure, 3))
    rows = []
    for state in range(states):
        ways = draw(st.dictionaries(st.sampled_from("ab"), st.integers(0, states - 1), max_size=2))
        if sure:
            ways |= {"b": states - 1} if state == 0 else {}
        rows += [(state, event, following, None, 1) for event, following in ways.items()]
        if state == states - 1 if sure else not ways or draw(st.booleans()):
            rows.append((state, "End", states, None, 1))
    return Machine.build("lts", 0, [None] * states + ["End"], ["a", "b", "End"], rows)


def coming(machine: Machine) -> set[str]:
    """The states from which the machine may come to an end."""
    found = {t.state for t in machine.transitions if ends(machine, t)}
    for _ in machine.labels:
        found |= {t.state for t in machine.transitions if t.next_state in found}
    return found


def check(machine: Machine, traces: list[list[Transition]]) -> None:
    for trace in traces:
        states = [machine.initial, *(t.next_state for t in trace)]
        assert trace
        assert [t.state for t in trace] == states[:-1]


def cheapest(machine: Machine) -> tuple[int, int]:
    """(rows, traces) of the best cover, by Dijkstra's algorithm over where one is and what has been taken."""
    done = frozenset(machine.transitions)
    start = (machine.initial, frozenset[Transition]())
    todo = [((0, 1), 0, start)]
    number = itertools.count(1)
    seen = set()
    while True:
        (rows, traces), _, place = heapq.heappop(todo)
        if place in seen:
            continue
        seen.add(place)
        state, taken = place
        if taken == done and (machine.kind != "lts" or machine.labels[state] is not None):
            return rows, traces
        for t in machine.transitions:
            if t.state == state:
                row = 0 if ends(machine, t) else 1
                heapq.heappush(todo, ((rows + row, traces), next(number), (t.next_state, taken | {t})))
        if machine.kind != "lts" or machine.labels[state] is not None:
            heapq.heappush(todo, ((rows, traces + 1), next(number), (machine.initial, taken)))


@settings(max_examples=50)
@given(machines())
def test_a_tour_takes_every_transition(machine: Machine) -> None:
    traces = tour(machine)
    check(machine, traces)
    assert {t for trace in traces for t in trace} == set(machine.transitions)


@given(machines())
def test_no_cover_has_fewer_rows_or_as_many_in_fewer_traces(machine: Machine) -> None:
    assume(1 <= len(machine.transitions) <= 8)
    traces = tour(machine)
    assert (sum(map(len, traces)), len(traces)) == cheapest(machine)


@settings(max_examples=50)
@given(event_machines(sure=True))
def test_no_cover_of_events_has_fewer_rows_or_as_many_in_fewer_traces(machine: Machine) -> None:
    assume(coming(machine) >= {name for name, label in machine.labels.items() if label is None})
    traces = tour(machine)
    assert (sum(not ends(machine, t) for trace in traces for t in trace), len(traces)) == cheapest(machine)


@settings(max_examples=50)
@given(event_machines())
def test_traces_of_events_end_where_the_machine_does(machine: Machine) -> None:
    traces = tour(machine)
    check(machine, traces)
    missing = set(machine.transitions) - {t for trace in traces for t in trace}
    for trace in traces:
        assert not ends(machine, trace[0])
        assert ends(machine, trace[-1]) or trace[-1].next_state not in coming(machine)
        assert not any(ends(machine, t) for t in trace[:-1])
    # only the end of a trace without rows cannot be shown
    back = any(t.next_state == machine.initial for t in machine.transitions)
    assert missing <= {t for t in machine.transitions if ends(machine, t) and t.state == machine.initial and not back}


def test_one_loop_is_one_trace() -> None:
    (trace,) = tour(WASH)
    assert [t.trigger for t in trace] == ["Start", "Level", "Timer", "Level", "Timer", "Timer"]


def test_a_star_needs_a_trace_for_each_ray() -> None:
    star = Machine.build(
        "moore", 0, ["O", "A", "B", "C"], ["a", "b", "c"], [(0, x, i, None, 1) for i, x in enumerate("abc", 1)]
    )
    assert [[t.trigger for t in trace] for trace in tour(star)] == [["a"], ["b"], ["c"]]


def test_nothing_to_take_is_no_trace() -> None:
    assert tour(Machine.build("moore", 0, ["Off"], ["a"], [])) == []


@pytest.mark.parametrize("name", ["washing_machine", "vending_machine", "door_lock", "order_process"])
def test_tours_of_true_machines(name: str) -> None:
    machine = truth(name)
    traces = tour(machine)
    check(machine, traces)
    assert {t for trace in traces for t in trace} == set(machine.transitions)
