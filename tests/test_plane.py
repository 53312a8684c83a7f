"""The plane of principal components: geometry that must hold, and what is shown on it against the map itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import log_of, random_machine, visible, walk
from networks import CELLS
from pictured import FLIP, LAMP, REST, drawn, flipping, lamp

from fsmlearn.dynamics import Floats, Network, Visits, nearest, settle, visits
from fsmlearn.errors import SettingsError
from fsmlearn.histories import histories
from fsmlearn.logs import alone
from fsmlearn.machine import Machine
from fsmlearn.plane import LATEST, ROUNDS, Grid, Plane, basins, field, grid, plane
from fsmlearn.sampling import sampled
from fsmlearn.train import Model


def a_space(name: str, seed: int = 0) -> tuple[Network, Machine, Visits]:
    """A machine with visible states, and a random network that has read walks through it."""
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, 4, 2, 2)
    log = log_of(visible(machine, walk(machine, rng, 10, 8)))
    sample = sampled(alone(log), histories(log))
    params = drawn(CELLS[name].initial(sample.words, 4, len(sample.answers), rng), rng)
    network = Network(Model(CELLS[name], params), sample)
    return network, machine, visits(network, machine)


@given(st.integers(0, 1000), st.integers(2, 6), st.integers(8, 40))
@settings(max_examples=40, deadline=None)
def test_components_are_what_they_should_be(seed: int, width: int, size: int) -> None:
    memory = np.random.default_rng(seed).normal(size=(size, width)) * np.arange(1, width + 1)
    on = plane(memory)
    np.testing.assert_allclose(on.axes @ on.axes.T, np.eye(2), atol=1e-12)
    spread = ((memory - memory.mean(0)) ** 2).sum()
    shadow = on.project(memory)
    np.testing.assert_allclose((shadow**2).sum(0) / spread, on.shares)
    assert on.shares[0] >= on.shares[1]
    np.testing.assert_allclose(on.project(on.lift(shadow)), shadow, atol=1e-9)
    for turn in np.linspace(0, math.pi, 7):  # no direction holds more than the first
        direction = math.cos(turn) * on.axes[1] + math.sin(turn) * np.eye(width)[0]
        along = (memory - memory.mean(0)) @ (direction / np.linalg.norm(direction))
        assert (along**2).sum() <= on.shares[0] * spread * (1 + 1e-9)
    last = plane(memory, (width, 1))
    assert last.shares[::-1] == pytest.approx(plane(memory, (1, width)).shares)


@pytest.mark.parametrize("numbers", [(1, 1), (0, 2), (1, 9), (-1, 2)])
def test_components_that_are_not_there_are_refused(numbers: tuple[int, int]) -> None:
    with pytest.raises(SettingsError, match="from 1 to 3"):
        plane(np.random.default_rng(0).normal(size=(9, 3)), numbers)


def test_a_grid_holds_the_points_and_a_little_more() -> None:
    over = grid(np.array([[0.0, 1.0], [10.0, 3.0]]), 5, 3)
    assert over.shape == (3, 5)
    assert over.points.shape == (15, 2)
    assert over.xs[0] < 0 < 10 < over.xs[-1]
    assert over.ys[0] < 1 < 3 < over.ys[-1]
    assert over.points[1].tolist() == [over.xs[1], over.ys[0]]


@pytest.mark.parametrize("name", ["tanh", "gru", "lstm"])
def test_the_field_is_the_map_itself(name: str) -> None:
    network, _, visited = a_space(name)
    on = plane(visited.memory)
    over = grid(on.project(visited.memory), 5, 4)
    found = field(network, on, over, 1)
    exact = {key: value.astype(np.float64) for key, value in network.params.items()}
    for i, (u, v) in enumerate(over.points.tolist()):
        before = on.mean + u * on.axes[0] + v * on.axes[1]
        answer = int(network.cell.logits(exact, before[None]).argmax())
        shown = network.sample.answers[answer][0]
        inputs = np.array([[shown, len(network.sample.states) + 1]])
        step = network.cell.step(exact, before[None], inputs)[0] - before
        np.testing.assert_allclose(found.motion[i], [step @ on.axes[0], step @ on.axes[1]], atol=1e-12)
        assert found.speed[i] == pytest.approx(np.linalg.norm(step))
        pairs = {pair for trace in network.sample.traces for pair in zip(trace.state, trace.trigger, strict=True)}
        assert found.met[i] == ((shown, 1) in pairs)


@pytest.mark.parametrize("name", ["tanh", "gru", "lstm"])
def test_each_point_ends_where_repeating_the_trigger_leads_it(name: str) -> None:
    network, _, visited = a_space(name, 1)
    on = plane(visited.memory)
    over = grid(on.project(visited.memory), 6, 5)
    found = basins(network, visited, on, over, 0)
    for i, point in enumerate(over.points):
        memory = on.lift(point[None])
        shown = network.told(memory)
        states = []
        for _ in range(ROUNDS):
            memory, shown = network.move(memory, shown, 0)
            states.append(int(nearest(visited, memory)[0]))
        if found.still[i]:
            assert found.ends[found.which[i]] == (states[-1],)
        else:
            assert set(found.ends[found.which[i]]) == set(states[-LATEST:])


def two_dimensions(network: Network) -> Plane:
    """The lamp's one dimension, and one in which nothing happens."""
    return Plane(np.zeros(1), np.array([[1.0], [0.0]]), (1.0, 0.0), (1, 2))


def test_the_basins_of_the_lamp_meet_at_nought() -> None:
    network = lamp()
    visited = visits(network, LAMP)
    over = Grid(np.array([-1.0, -0.2, -0.01, 0.01, 0.3]), np.array([0.0, 1.0]))
    found = basins(network, visited, two_dimensions(network), over, 0)
    assert [found.ends[end] for end in found.which.tolist()] == [(0,), (0,), (0,), (1,), (1,)] * 2
    assert found.still.all()
    assert found.met.all()
    motion = field(network, two_dimensions(network), Grid(np.array([REST, 0.5]), np.array([0.0])), 0).motion
    np.testing.assert_allclose(motion, np.array([[0, 0], [math.tanh(1) - 0.5, 0]]), atol=1e-9)


def test_a_cycle_is_told_as_the_states_it_goes_round_in() -> None:
    network = flipping()
    visited = visits(network, FLIP)
    found = basins(network, visited, two_dimensions(network), Grid(np.array([-0.5, 0.5]), np.array([0.0])), 0)
    assert found.ends == ((0, 1),)
    assert not found.still.any()
    ends: Floats = settle(network, np.array([[0.5]]), np.array([-1]), [0, 0]).memory
    assert abs(float(ends[0, 0])) > 0.5
