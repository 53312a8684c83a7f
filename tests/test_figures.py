"""The figures of the network: what they show is what was computed, by elements, not by pixels."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from machines import WASH, visible
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver
from matplotlib.text import Annotation
from pictured import LAMP, LAMP_ROWS, REST, lamp, stored
from test_store import ABOUT

from fsmlearn import store
from fsmlearn.about import Comparison, EpochSummary
from fsmlearn.dynamics import Network, attractors, resting, visits
from fsmlearn.errors import ModelError, PictureError, SettingsError, UnknownNameError
from fsmlearn.machine import Machine
from fsmlearn.plane import Plane, basins, field, grid, plane
from fsmlearn.plots import curves, figures, flow, heat, space
from fsmlearn.plots.labels import Labels
from fsmlearn.plots.paper import palette, saved, sheet, word
from fsmlearn.reach import depth, reach
from fsmlearn.sampling import histories_of


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The washing machine, and a small network that has not learned it."""
    round_trip = ["Start", "Level", "Timer", "Level", "Timer", "Timer"]
    walks = [list(WASH.run((round_trip * 3)[:length])) for length in range(1, 16)]
    traces = visible(WASH, walks)
    return stored(tmp_path_factory.mktemp("figures") / "model.fsm", WASH, traces, "visible")


def of_lamp() -> tuple[Network, Any, Plane]:
    network = lamp()
    visited = visits(network, LAMP)
    return network, visited, Plane(np.zeros(1), np.array([[1.0], [0.0]]), (0.9, 0.05), (1, 2))


def stars(figure: Figure) -> list[tuple[float, float]]:
    """Where stars stand: single points of many corners."""
    found = []
    for each in figure.axes[0].collections:
        offsets = np.asarray(each.get_offsets(), float)
        corners = np.asarray(each.get_paths()[0].vertices, float)
        if isinstance(each, PathCollection) and len(offsets) == 1 and 10 < len(corners) < 13:
            found.append((float(offsets[0, 0]), float(offsets[0, 1])))
    return found


def words_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_stars_stand_at_fixed_points_and_states_are_named() -> None:
    network, visited, on = of_lamp()
    found = attractors(network, LAMP, visited)
    figure = space.state_space(network, LAMP, visited, found, on)
    assert sorted(round(x, 4) for x, _ in stars(figure)) == [-round(REST, 4), round(REST, 4)]
    for x, _ in stars(figure):
        after, _ = network.move(np.array([[x]]), np.array([-1]), 0)
        assert abs(float(after[0, 0]) - x) < 1e-3
    assert sorted(words_of(figure)) == ["S0", "S1"]
    cloud = figure.axes[0].collections[0]
    np.testing.assert_allclose(np.asarray(cloud.get_offsets()), on.project(visited.memory))
    assert "95.0 % of their variance" in figure.axes[0].get_title()


def test_a_trace_goes_from_star_to_star_by_its_triggers() -> None:
    network, visited, on = of_lamp()
    found = attractors(network, LAMP, visited)
    figure = space.state_space(network, LAMP, visited, found, on, "0")
    assert {"2 on", "5 off", "↻ 1, 6 wait", "↻ 3, 4 wait"} <= set(words_of(figure))
    assert len(figure.axes[0].patches) == 2
    with pytest.raises(SettingsError, match="keeps no trace '7'; it keeps 0"):
        space.state_space(network, LAMP, visited, found, on, "7")


def test_a_state_without_an_attractor_is_a_ring_at_its_mean() -> None:
    network, visited, on = of_lamp()
    figure = space.state_space(network, LAMP, visited, {}, on)
    assert not stars(figure)
    rings = [np.asarray(each.get_offsets())[0, 0] for each in figure.axes[0].collections[1:]]
    means = [visited.memory[visited.state == q].mean() for q in (0, 1)]
    np.testing.assert_allclose(rings, means)


def test_arrows_are_the_motion_of_the_map() -> None:
    network, visited, on = of_lamp()
    over = grid(np.array([[-1.0, -1.0], [1.0, 1.0]]), 6, 5)
    found = field(network, on, over, 1)
    rests = resting(network, visited, [1], np.arange(len(visited.state)))
    figure = flow.vector_field(network, LAMP, visited, on, over, found, rests, 1)
    (arrows,) = (each for each in figure.axes[0].collections if isinstance(each, Quiver))
    drawn = np.column_stack([arrows.U, arrows.V])
    long = np.linalg.norm(found.motion, axis=1).argmax()
    np.testing.assert_allclose(drawn / drawn[long, 0], found.motion / found.motion[long, 0], atol=1e-12)
    np.testing.assert_allclose(np.asarray(arrows.XY, float), over.points)
    assert words_of(figure) == ["S1"]
    assert stars(figure)[0][0] == pytest.approx(np.tanh(2 * stars(figure)[0][0] + 3), abs=1e-4)


def test_a_map_of_basins_has_the_colours_of_the_states() -> None:
    network, visited, on = of_lamp()
    over = grid(np.array([[-1.0, -1.0], [1.0, 1.0]]), 8, 4)
    found = basins(network, visited, on, over, 0)
    figure = flow.basin_map(network, LAMP, visited, on, found, [], 0)
    shades = np.asarray(figure.axes[0].images[0].get_array())
    assert shades.shape == (4, 8, 3)
    left, right = shades[0, 0], shades[0, -1]
    assert not np.allclose(left, right)
    for (row, column), end in np.ndenumerate(found.which.reshape(over.shape)):
        np.testing.assert_allclose(shades[row, column], left if found.ends[end] == (0,) else right)
    assert sorted(words_of(figure)) == ["S0", "S1"]


def test_no_label_lies_on_another() -> None:
    rng = np.random.default_rng(0)
    figure = sheet(8, 6)
    axes = figure.subplots()
    points = rng.normal(size=(40, 2)) * [1, 0.3]
    axes.scatter(*points.T)
    labels = Labels(axes, points)
    for i, (x, y) in enumerate(points.tolist()):
        labels.add((x, y), f"a state, number {i}")
    labels.place()
    boxes = [text.get_window_extent().extents for text in axes.texts if isinstance(text, Annotation)]
    assert len(boxes) == 40
    for one, other in itertools.combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def epochs(count: int) -> tuple[EpochSummary, ...]:
    return tuple(EpochSummary(i, 1 / i, 0.5, 2 / i, 0.25, 3 / i, 0.1 * i) for i in range(1, count + 1))


def test_the_course_of_training_is_drawn_as_it_was() -> None:
    training = ABOUT.to_dict() | {}
    about = type(ABOUT).from_dict(training)
    figure = curves.learning(type(about.training)(**{**_fields(about.training), "epochs": epochs(5), "best": 4}))
    loss, right, norm, rate = (
        [np.asarray(line.get_ydata(), float) for line in axes.lines if len(np.asarray(line.get_xdata())) == 5]
        for axes in figure.axes
    )
    np.testing.assert_allclose(loss, [1 / np.arange(1, 6), 2 / np.arange(1, 6)])
    np.testing.assert_allclose(right, [[50] * 5, [25] * 5])
    np.testing.assert_allclose(norm, [3 / np.arange(1, 6)])
    np.testing.assert_allclose(rate, [0.1 * np.arange(1, 6)])
    assert all(any(set(np.asarray(line.get_xdata())) == {4} for line in axes.lines) for axes in figure.axes)


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def test_gradients_are_those_that_reach_measures(model: Path) -> None:
    figure = figures.gradients([model, model])
    network = Network(store.load_model(model), store.load_sample(model))
    data = histories_of(network.sample)
    norms = reach(data, network.cell, network.params, depth(data))
    (line, *_) = figure.axes[0].lines
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), norms / norms[0])
    only = figures.gradients([model], "Timer")
    rows = np.flatnonzero(data.inputs[:, 1] == len(WASH.labels) - 2 + WASH.triggers.index("Timer"))
    norms = reach(data, network.cell, network.params, max(1, depth(data, rows)), rows)
    np.testing.assert_allclose(np.asarray(only.axes[0].lines[0].get_ydata(), float), norms / norms[0])


def test_shares_are_those_of_the_rows_in_the_order_of_the_machine() -> None:
    machine = Machine.build("moore", 0, ["b", "a"], ["x"], [(0, "x", 1, None, 3), (1, "x", 0, None, 4)])
    rows = [
        Comparison("a", "x", "b", None, 4, 0, 1.0, "learned"),
        Comparison("b", "x", "a", None, 3, 0, 1.0, "learned"),
        Comparison("b", "x", "b", None, 1, 1, 0.0, "noise"),
    ]
    pairs, following, observed, learned, sizes = heat.table(rows, machine)
    assert pairs == [("b", "x"), ("a", "x")]
    assert following == ["b", "a"]
    assert observed.tolist() == [[0.25, 0.75], [1, 0]]
    np.testing.assert_allclose(learned, np.eye(2)[::-1])
    assert sizes.tolist() == [4, 4]
    figure = heat.transitions(rows, machine)
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes] == [["25", "75", "100"], ["100", "100"]]


def test_where_states_are_hidden_the_outputs_are_compared() -> None:
    rows = [
        Comparison("S0", "wait", "S0", "dark", 9, 0, 1.0, "learned"),
        Comparison("S0", "wait", "S0", "light", 1, 1, 0.0, "noise"),
    ]
    _, following, observed, learned, _ = heat.table(rows, LAMP)
    assert following == ["dark", "light"]
    np.testing.assert_allclose(observed, [[0.9, 0.1]])
    np.testing.assert_allclose(learned, [[1, 0]])


def test_from_a_model_file_to_a_picture(model: Path) -> None:
    figure = figures.state_space(model, (1, 3))
    assert "component 3" in figure.axes[0].get_ylabel()
    root = ElementTree.fromstring(saved(figure, "svg"))
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(WASH.labels) <= set(texts)
    assert saved(figure, "svg") == saved(figure, "svg")


def test_what_cannot_be_shown_is_told(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="no trigger 'Tiner'; did you mean 'Timer'"):
        figures.vector_field(model, "Tiner")
    with pytest.raises(SettingsError, match="from 1 to"):
        figures.state_space(model, (1, 99))
    bare = tmp_path / "bare.fsm"
    store.save(bare, store.load_machine(model), store.load_about(model), store.load_network(model))
    with pytest.raises(ModelError, match="do not belong together"):
        figures.state_space(bare)
    about = type(ABOUT).from_dict({**ABOUT.to_dict(), "comparison": []})
    store.save(bare, LAMP, about, store.load_network(model))
    with pytest.raises(PictureError, match="nothing to compare"):
        figures.transitions(bare)


def test_words_are_shown_as_they_are() -> None:
    figure = sheet(3, 2)
    axes = figure.subplots()
    for i, text in enumerate(["$x^2$", "_a", "a$b", r"\$1$", "\x1b[31m"]):
        axes.text(0.1, 0.1 + 0.15 * i, word(text))
    root = ElementTree.fromstring(saved(figure, "svg"))
    texts = {"".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"$x^2$", "_a", "a$b", r"\x1b[31m"} <= texts
    assert len(set(palette(60))) == 60


def test_letters_that_no_font_has_are_no_warning() -> None:
    network, visited, on = of_lamp()
    strange = Machine.build("mealy", 0, [None, None], ["待つ", "on", "off"], [(0, "待つ", 1, None, 1)])
    sample = {**network.sample.to_dict(), "triggers": ["待つ", "on", "off"]}
    named = Network(store_model(network), type(network.sample).from_dict(sample))
    figure = space.state_space(named, strange, visited, {}, on, "0")
    assert saved(figure, "png").startswith(b"\x89PNG")
    assert LAMP_ROWS


def store_model(network: Network) -> Any:
    from fsmlearn.train import Model

    return Model(network.cell, network.params)


def test_the_plane_of_a_model_is_that_of_its_memories(model: Path) -> None:
    network = Network(store.load_model(model), store.load_sample(model))
    visited = visits(network, WASH)
    on = plane(visited.memory)
    figure = figures.vector_field(model, "Timer")
    (arrows,) = (each for each in figure.axes[0].collections if isinstance(each, Quiver))
    motion = field(network, on, grid(on.project(visited.memory), *figures.ARROWS), WASH.triggers.index("Timer")).motion
    turned = np.column_stack([arrows.U, arrows.V])
    np.testing.assert_allclose(turned / np.abs(turned).max(), motion / np.abs(motion).max(), atol=1e-9)
