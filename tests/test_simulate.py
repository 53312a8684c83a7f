"""Drawn traces against the probabilities they come from, and their log as it is read back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import WASH, truth
from test_machine import machines

from fsmlearn import logs
from fsmlearn.logs import UNKNOWN, Log
from fsmlearn.machine import Machine, Transition
from fsmlearn.simulate import as_log, draw

# a: two outcomes, 3 to 1, and 40 of the 100 rows; b: 60 of them
COIN = Machine.build(
    "mealy", 0, [None], ["a", "b"], [(0, "a", 0, "heads", 30), (0, "a", 0, "tails", 10), (0, "b", 0, "none", 60)]
)
EVENTS = Machine.build(
    "lts",
    0,
    [None, None, "End"],
    ["a", "b", "End"],
    [(0, "a", 1, None, 6), (0, "b", 0, None, 2), (0, "End", 2, None, 2), (1, "b", 0, None, 1), (1, "End", 2, None, 3)],
)


def drawn(
    machine: Machine, traces: int, length: int | None, seed: int = 1, uniform: bool = False
) -> list[list[Transition]]:
    return [list(trace) for trace in draw(machine, traces, length, Random(seed), uniform=uniform)]


def read(path: Path, machine: Machine, traces: Iterable[Iterable[Transition]]) -> Log:
    path.write_text("".join(as_log(machine, traces)))
    return logs.read(path)


@settings(max_examples=50)
@given(machines(), st.integers(0, 5), st.booleans())
def test_every_trace_is_a_run_of_the_machine(machine: Machine, seed: int, uniform: bool) -> None:
    traces = drawn(machine, 5, 6, seed, uniform)
    assert len(traces) == 5
    for trace in traces:
        states = [machine.initial, *(t.next_state for t in trace)]
        assert all(t in machine.successors(state, t.trigger) for state, t in zip(states, trace, strict=False))
        assert len(trace) == 6 or not any(t.state == states[-1] for t in machine.transitions)
    assert traces == drawn(machine, 5, 6, seed, uniform)


@pytest.mark.parametrize(
    ("uniform", "shares"),
    [(False, {"heads": 0.3, "tails": 0.1, "none": 0.6}), (True, {"heads": 0.375, "tails": 0.125, "none": 0.5})],
)
def test_triggers_come_by_rows_or_alike_and_outcomes_by_their_probability(
    uniform: bool, shares: dict[str, float]
) -> None:
    seen = Counter(t.output for trace in drawn(COIN, 100, 100, uniform=uniform) for t in trace)
    assert seen.total() == 10_000
    for output, share in shares.items():
        assert seen[output] == pytest.approx(10_000 * share, abs=4 * (10_000 * share * (1 - share)) ** 0.5)


def test_triggers_that_nothing_was_counted_for_come_alike() -> None:
    rows = [(0, "a", 0, "1", 0), (0, "b", 0, "2", 0)]
    seen = Counter(
        t.trigger for trace in drawn(Machine.build("mealy", 0, [None], ["a", "b"], rows), 10, 200) for t in trace
    )
    assert min(seen["a"], seen["b"]) > 850


def test_events_come_by_their_probability_and_the_end_ends_a_trace() -> None:
    traces = drawn(EVENTS, 4000, None)
    assert all(trace[-1].trigger == "End" and len(trace) > 1 for trace in traces)
    assert "End" not in {t.trigger for trace in traces for t in trace[:-1]}
    first = Counter(trace[0].trigger for trace in traces)
    assert first["a"] == pytest.approx(3000, abs=110)  # 6 of 8: the end does not come first
    later = Counter(t.trigger for trace in traces for t in trace[1:] if t.state == "S0")
    assert later["End"] / later.total() == pytest.approx(0.2, abs=0.05)
    alike = Counter(t.trigger for trace in drawn(EVENTS, 4000, None, uniform=True) for t in trace if t.state == "S1")
    assert alike["b"] / alike.total() == pytest.approx(0.5, abs=0.03)


def test_an_endless_trace_is_written_as_it_goes() -> None:
    loop = Machine.build("lts", 0, [None], ["a"], [(0, "a", 0, None, 1)])
    text = "".join(islice(as_log(loop, draw(loop, 1, None, Random(0))), 3))
    assert text.startswith("trace,step,event\n1,1,a\n1,2,a\n")


def test_where_nothing_follows_a_trace_has_no_rows() -> None:
    still = Machine.build("moore", 0, ["Off"], ["a"], [])
    assert "".join(as_log(still, draw(still, 3, 9, Random(0)))) == "trace,step,current_state,trigger,next_state\n"


def test_a_log_of_visible_states_is_read_back(tmp_path: Path) -> None:
    traces = drawn(WASH, 3, 8)
    log = read(tmp_path / "log.csv", WASH, traces)
    assert (log.kind, log.traces, log.steps.array().tolist()) == ("visible", ("1", "2", "3"), [*range(1, 9)] * 3)
    steps = [t for trace in traces for t in trace]
    assert [log.states[code] for code in log.state] == [WASH.visible(t.state) for t in steps]
    assert [log.states[code] for code in log.next_state] == [WASH.visible(t.next_state) for t in steps]
    assert not log.oddities


@pytest.mark.parametrize("name", ["vending_machine", "door_lock"])
def test_a_log_with_outputs_is_read_back(tmp_path: Path, name: str) -> None:
    machine = truth(name)
    traces = drawn(machine, 20, 30)
    steps = [t for trace in traces for t in trace]
    log = read(tmp_path / "log.csv", machine, traces)
    assert log.kind == ("hidden" if name == "vending_machine" else "visible")
    assert [log.triggers[code] for code in log.trigger] == [t.trigger for t in steps]
    assert [log.outputs[code] for code in log.output] == [t.output for t in steps]
    assert (log.state != UNKNOWN).all() == (log.kind == "visible")


def test_a_log_of_events_has_no_row_for_the_end(tmp_path: Path) -> None:
    traces = drawn(EVENTS, 50, None)
    log = read(tmp_path / "log.csv", EVENTS, traces)
    assert (log.kind, len(log.traces)) == ("sequence", 50)
    assert [log.triggers[code] for code in log.trigger] == [t.trigger for trace in traces for t in trace[:-1]]


def test_words_come_back_whatever_they_are(tmp_path: Path) -> None:
    words = ['a "b", c', "=1+1", "ä\tö", "NA", "-"]
    rows = [(i, words[i], (i + 1) % 5, None, 1) for i in range(5)]
    machine = Machine.build("moore", 0, words, words, rows)
    log = read(tmp_path / "log.csv", machine, drawn(machine, 1, 5))
    assert list(log.states) == words
    assert [log.triggers[code] for code in log.trigger] == words
