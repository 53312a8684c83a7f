"""The network as a dynamical system, against maps whose motion is known by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import WASH, log_of, random_machine, visible, walk
from networks import CELLS
from pictured import FLIP, LAMP, LAMP_ROWS, REST, drawn, flipping, lamp, sample_of

from fsmlearn.dynamics import (
    STILL,
    UNSURE,
    Network,
    attractors,
    nearest,
    resting,
    settle,
    states_of,
    visits,
    ways_back,
)
from fsmlearn.elman import Elman
from fsmlearn.errors import ModelError
from fsmlearn.histories import histories
from fsmlearn.logs import alone, read
from fsmlearn.machine import Machine
from fsmlearn.products import FloatArray
from fsmlearn.sample import Sample
from fsmlearn.sampling import histories_of, sampled
from fsmlearn.train import Model, visit

WAIT, ON, OFF = range(3)


def test_the_visited_memories_are_those_of_the_network() -> None:
    rng = np.random.default_rng(0)
    machine = random_machine(rng, 5, 3, 2)
    log = log_of(visible(machine, walk(machine, rng, 12, 9)))
    sample = sampled(alone(log), histories(log))
    for cell in CELLS.values():
        params = drawn(cell.initial(sample.words, 4, len(sample.answers), rng), rng)
        found = visits(Network(Model(cell, params), sample), machine)
        data = histories_of(sample)
        before = np.concatenate([found.memory[found.of(r)[:-1]] for r in range(len(sample.traces))])
        np.testing.assert_allclose(before, visit(data, cell, params), atol=1e-5)
        after = np.concatenate([found.memory[found.of(r)[1:]] for r in range(len(sample.traces))])
        np.testing.assert_allclose(after, cell.step(params, before.astype(np.float32), data.inputs), atol=1e-5)


def test_the_states_are_those_of_the_walk() -> None:
    rng = np.random.default_rng(1)
    machine = random_machine(rng, 6, 3, 2)
    walks = walk(machine, rng, 30, 8)
    names = list(machine.labels)
    sample = sample_of(visible(machine, walks), "visible")
    for trace in sample.traces:
        steps = walks[int(trace.name)]
        true = [names.index(t.state) for t in steps] + [names.index(steps[-1].next_state)]
        assert states_of(machine, sample, trace) == true


def test_a_state_that_the_rows_leave_open_is_not_guessed() -> None:
    sample = sample_of([[("Rinse", "Timer", "Soak"), ("Soak", "Level", "Rinse")]], "visible")
    assert states_of(WASH, sample, sample.traces[0])[0] == UNSURE  # it may be either, by 9 rows and 3
    sample = sample_of([[("Rinse", "Timer", "Drain"), ("Drain", "Timer", "Off")]], "visible")
    assert states_of(WASH, sample, sample.traces[0]) == [UNSURE, 5, 0]


def test_of_a_log_of_events_the_first_memory_is_that_after_the_start(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,event\n1,a\n2,b\n")
    log = read([tmp_path / "log.csv"])
    sample = sampled(alone(log), histories(log))
    ways = [(0, "a", 1, None, 1), (1, "b", 2, None, 1), (2, "End", 3, None, 1)]
    machine = Machine.build("lts", 0, [None, None, None, "End"], ["a", "b", "End"], ways)
    rng = np.random.default_rng(0)
    params = drawn(Elman().initial(3, 4, 3, rng), rng)
    found = visits(Network(Model(Elman(), params), sample), machine)
    assert found.state.tolist() == [0, 1, 2]
    memory: FloatArray = np.zeros((1, 4))
    for place, word in enumerate((2, 0, 1)):  # the start, then a and b
        memory = Elman().step({k: v.astype(np.float64) for k, v in params.items()}, memory, np.array([[word]]))
        np.testing.assert_allclose(found.memory[place], memory[0], atol=1e-12)


def test_a_trigger_repeated_leads_to_the_fixed_point_known_by_hand() -> None:
    network = lamp()
    none = np.array([-1, -1, -1])
    rest = settle(network, np.array([[0.1], [-0.001], [0.9]]), none, [WAIT])
    np.testing.assert_allclose(rest.memory[:, 0], [REST, -REST, REST], atol=1e-5)
    assert rest.still.all()
    after, _ = network.move(rest.memory, none, WAIT)
    assert np.abs(after - rest.memory).max() <= STILL


def test_the_attractors_of_the_lamp_are_its_two_fixed_points() -> None:
    network = lamp()
    visited = visits(network, LAMP)
    assert visited.state.tolist() == [0, 0, 1, 1, 1, 0, 0]
    found = attractors(network, LAMP, visited)
    assert {q: round(float(each.memory[0]), 5) for q, each in found.items()} == {0: -round(REST, 5), 1: round(REST, 5)}
    assert [found[q].word for q in (0, 1)] == [(WAIT,), (WAIT,)]
    points = resting(network, visited, [WAIT], np.arange(7), 7)
    assert [round(each.share * 7) for each in points] == [
        3,
        2,
    ]  # h = 0 rests too, between the two, but attracts nothing
    assert settle(network, np.zeros((1, 1)), np.array([-1]), [WAIT]).still.all()


def test_a_state_without_an_attractor_has_none() -> None:
    network = lamp()
    forgetful = {**network.params, "W": np.array([[0.5]])}  # waiting ends at 0 from wherever: on is no place to stay
    found = attractors(Network(Model(Elman(), forgetful), network.sample), LAMP, visits(network, LAMP))
    assert set(found) <= {0}
    growing = {**network.params, "W": np.array([[1.0]]), "b": np.array([0.1])}
    drifting = Network(Model(Elman("relu"), growing), network.sample)
    assert not settle(drifting, np.array([[0.5]]), np.array([-1]), [WAIT]).still.any()
    assert attractors(drifting, LAMP, visits(drifting, LAMP)) == {}


def test_where_no_trigger_keeps_a_state_a_cycle_does() -> None:
    network = flipping()
    found = attractors(network, FLIP, visits(network, FLIP))
    assert {q: each.word for q, each in found.items()} == {0: (0, 0), 1: (0, 0)}
    one, other = (float(found[q].memory[0]) for q in (0, 1))
    assert one == pytest.approx(math.tanh(0.2 - 2 * other), abs=1e-5)
    assert other == pytest.approx(math.tanh(0.2 - 2 * one), abs=1e-5)
    assert one * other < 0
    assert not settle(network, np.array([[0.5]]), np.array([-1]), [0]).still.any()


def test_in_a_log_with_states_the_network_hears_its_own_answer() -> None:
    sample = sample_of([[("a", "x", "b"), ("b", "x", "a")]], "visible")
    assert sample.answers == ((0, -1), (1, -1)) or sample.answers == ((1, -1), (0, -1))
    rng = np.random.default_rng(2)
    params = drawn(Elman().initial(3, 4, 2, rng), rng)
    network = Network(Model(Elman(), params), sample)
    memory, shown = rng.normal(size=(20, 4)), np.arange(20) % 2
    after, then = network.repeat(memory, shown, [0, 0])
    exact = {name: value.astype(np.float64) for name, value in params.items()}
    for i in range(20):
        m: FloatArray = memory[[i]]
        s = int(shown[i])
        for _ in range(2):
            m = Elman().step(exact, m, np.array([[s, 2]]))
            s = sample.answers[int(Elman().logits(exact, m).argmax())][0]
        np.testing.assert_allclose(after[i], m[0])
        assert then[i] == s


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_every_way_back_leads_back_and_none_is_shorter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, 5, 2, 2)
    for name in machine.labels:
        ways = ways_back(machine, name)
        assert len(ways) > 0 or all(
            name != t.next_state for word in machine.shortest_words().values() for t in machine.run(word, name)
        )
        for way in ways:
            steps = list(machine.run(way, name))
            assert len(steps) == len(way)
            assert steps[-1].next_state == name
            assert all(t.next_state != name for t in steps[:-1])
    keeps = Machine.build("moore", 0, ["a"], ["x", "y"], [(0, "x", 0, None, 1), (0, "y", 0, None, 5)])
    assert ways_back(keeps, "a") == [("y",), ("x",)]


def test_the_nearest_visited_memory_names_the_state() -> None:
    network = lamp()
    visited = visits(network, LAMP)
    assert nearest(visited, np.array([[0.8], [-0.8], [5.0], [-5.0]])).tolist() == [1, 0, UNSURE, UNSURE]
    spread = float(np.abs(visited.memory - visited.memory.mean(0)).max())
    edge = float(visited.memory.max()) + spread * np.array([[0.99], [1.01]])
    assert nearest(visited, edge).tolist() == [1, UNSURE], "as far from all as the furthest is from their mean"
    assert len(nearest(visited, np.zeros((1200, 1)))) == 1200


def test_what_does_not_belong_together_is_refused() -> None:
    network = lamp()
    with pytest.raises(ModelError, match="do not belong together"):
        Network(Model(Elman(), network.params), sample_of([[("a", "x"), *LAMP_ROWS]], "hidden"))
    empty = Sample.from_dict({**network.sample.to_dict(), "traces": []})
    with pytest.raises(ModelError, match="keeps no rows"):
        visits(Network(Model(Elman(), network.params), empty), LAMP)
