"""Logs of events alone: from the file to the machine and its scores."""

from __future__ import annotations

import csv
import math
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import SAMPLES, chosen

from fsmlearn import excerpt, store
from fsmlearn.config import Settings
from fsmlearn.equivalence import equivalent
from fsmlearn.histories import histories
from fsmlearn.logs import read
from fsmlearn.machine import Machine
from fsmlearn.onward import Known
from fsmlearn.pipeline import Learned, learn, learning
from fsmlearn.predict import outlook
from fsmlearn.sequences import OPINION, end_word, events_of, held_out, weighed
from fsmlearn.sought import Sought

# A slot machine for tea: three coins, with any number of shakes between them, make a tea; then one may go.
TEA = Machine.build(
    "lts",
    0,
    [None, None, None, None, None, "End"],
    ["coin", "shake", "tea", "End"],
    [
        (0, "coin", 1, None, 100),
        (1, "coin", 2, None, 60),
        (1, "shake", 1, None, 40),
        (2, "coin", 3, None, 60),
        (2, "shake", 2, None, 40),
        (3, "tea", 4, None, 100),
        (4, "coin", 1, None, 70),
        (4, "End", 5, None, 30),
    ],
)


def written(folder: Path, traces: list[list[str]]) -> Path:
    path = folder / "events.csv"
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["trace", "step", "event"])
        for i, trace in enumerate(traces):
            out.writerows([i, step, word] for step, word in enumerate(trace))
    return path


def drawn(machine: Machine, rng: np.random.Generator, traces: int) -> list[list[str]]:
    """Traces of events that a machine makes until it ends."""
    found: list[list[str]] = []
    while len(found) < traces:
        state, trace = machine.initial, list[str]()
        while True:
            ways = [t for t in machine.transitions if t.state == state]
            taken = ways[chosen(rng, [t.probability for t in ways])]
            if machine.labels[taken.next_state] is not None:
                break
            trace.append(taken.trigger)
            state = taken.next_state
        found.append(trace)
    return found


def loss(learned: Learned, predictor: str) -> float:
    [score] = [score for score in learned.about.held_out.scores if score.predictor == predictor]
    return score.loss


def test_the_textbook_is_learned_as_it_stands() -> None:
    learned = learn(SAMPLES / "brown_fox.csv")
    assert [(t.state, t.trigger, t.next_state, t.count, t.probability) for t in learned.machine.transitions] == [
        ("S0", "The", "S1", 1, 1.0),
        ("S1", "little", "S2", 1, 1.0),
        ("S2", "brown", "S3", 1, 1.0),
        ("S3", "fox", "S4", 1, 1.0),
        ("S4", "End", "End", 1, 1.0),
    ]
    assert learned.about.held_out.scores == (), "a single trace leaves nothing to hold out"


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
def test_a_machine_that_counts_is_learned_from_what_it_made(seed: int, tmp_path: Path) -> None:
    made = drawn(TEA, np.random.default_rng(seed), 400)
    learned = learn(written(tmp_path, made), settings=Settings(seed=seed))
    assert equivalent(TEA, learned.machine) is None
    assert len(learned.machine.states) == len(TEA.states)
    for true, found in zip(TEA.transitions, learned.machine.transitions, strict=True):
        assert (found.state, found.trigger, found.next_state) == (true.state, true.trigger, true.next_state)
        assert found.probability == pytest.approx(true.probability, abs=0.06)
    assert loss(learned, "machine") < min(loss(learned, f"{n}-gram") for n in (1, 2, 3, 4))


def test_scores_are_of_traces_that_the_machine_has_not_seen(tmp_path: Path) -> None:
    made = drawn(TEA, np.random.default_rng(0), 100)
    learned = learn(written(tmp_path, made), settings=Settings(epochs=3))
    found = learned.about.held_out
    held = held_out(100, np.random.default_rng(0))
    assert (found.traces, held.sum()) == (15, 15)
    assert found.events == sum(len(made[i]) + 1 for i in np.flatnonzero(held))
    assert learned.about.training.rows == sum(map(len, made)) - found.events + found.traces
    assert [score.predictor for score in found.scores] == ["machine", *(f"{n}-gram" for n in (1, 2, 3, 4)), "network"]
    assert all(0 < score.perplexity <= len(learned.machine.triggers) * 2 for score in found.scores)
    assert not np.array_equal(held, held_out(100, np.random.default_rng(1)))


def test_the_saved_machine_counts_every_trace(tmp_path: Path) -> None:
    made = drawn(TEA, np.random.default_rng(1), 60)
    learned = learn(written(tmp_path, made), settings=Settings(epochs=3))
    counts = Counter(word for trace in made for word in [*trace, "End"])
    assert counts == Counter({w: sum(t.count for t in learned.machine.transitions if t.trigger == w) for w in counts})
    for state in learned.machine.states:
        shares = [t.probability for t in learned.machine.transitions if t.state == state.name]
        assert math.fsum(shares) == pytest.approx(1) or state.label == "End"


def test_a_model_of_events_is_saved_and_read_back(tmp_path: Path) -> None:
    learned = learn(SAMPLES / "brown_fox.csv", settings=Settings(epochs=2))
    store.save(tmp_path / "model.fsm", learned.machine, learned.about, learned.model.params)
    assert store.load_machine(tmp_path / "model.fsm") == learned.machine
    assert store.load_about(tmp_path / "model.fsm").held_out == learned.about.held_out


@pytest.mark.parametrize(
    "traces",
    [
        [["x"]],
        [["x"] * 30],
        [["x"]] * 30,
        [["x", "y", "x"]] * 20,
        [["x"], ["y"]],
        [[f"e{i}" for i in range(50)]],
        [["End", "Start"], ["End"]],
    ],
)
def test_odd_logs_are_learned_too(traces: list[list[str]], tmp_path: Path) -> None:
    machine = learn(written(tmp_path, traces), settings=Settings(epochs=5)).machine
    for trace in traces:
        assert outlook(machine, None, trace).followed
        assert machine.triggers[-1] in [each.event for each in outlook(machine, None, trace).events]


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=3), st.floats(0, 1))
def test_the_network_has_a_say_where_the_log_shows_little(shown: list[int], share: float) -> None:
    rows = sum(shown)
    told = rows * np.array([share, 1 - share, 0])
    found = weighed(np.array([shown], np.float64), told[None])[0]
    assert found.sum() == pytest.approx(rows)
    if rows <= OPINION:
        assert found == pytest.approx((shown + told) / 2)
    else:
        assert np.abs(found - shown).sum() <= OPINION + 1e-9


def test_equal_traces_make_one_chain(tmp_path: Path) -> None:
    machine = learn(written(tmp_path, [["wash", "rinse", "dry"]] * 12)).machine
    assert [(t.state, t.trigger, t.probability) for t in machine.transitions] == [
        ("S0", "wash", 1.0),
        ("S1", "rinse", 1.0),
        ("S2", "dry", 1.0),
        ("S3", "End", 1.0),
    ]


def test_a_number_of_states_can_be_asked_for(tmp_path: Path) -> None:
    made = drawn(TEA, np.random.default_rng(2), 100)
    *stages, learned = learning([written(tmp_path, made)], Settings(epochs=5, states=2))
    assert isinstance(learned, Learned)
    sought = [stage.states for stage in stages if isinstance(stage, Sought)]
    assert sought[0] == 0
    assert set(sought[1:]) <= {2, 3}, "the end is one of them"
    assert sought[-1] == len(learned.machine.states)
    assert len(learned.machine.states) <= 3, "two, and the end"
    assert learned.about.held_out.states <= 2


def test_the_end_is_called_something_else_where_an_event_is_called_end() -> None:
    assert end_word(["a"]) == "End"
    assert end_word(["End", "a", "End·2"]) == "End·3"


def test_the_network_is_asked_at_the_start_and_told_of_the_end(tmp_path: Path) -> None:
    log = read(written(tmp_path, [["a", "b"], ["b"]]))
    assert list(events_of(log)) == [[0, 1], [1]]
    data = histories(log)
    assert data.inputs[:, 0].tolist() == [2, 0, 1, 2, 1]
    assert data.targets.tolist() == [0, 1, 2, 1, 2]
    assert data.words == len(data.answers) == 3
    assert (data.starts.tolist(), data.lengths.tolist()) == ([0, 3], [3, 2])


def test_a_model_is_gone_on_with_by_a_log_that_has_none_of_its_events(tmp_path: Path) -> None:
    one = learn(written(tmp_path, [["wash", "dry"]] * 5), settings=Settings(epochs=2))
    known = Known(one.machine, one.model, "elman", "tanh", one.sample)
    grown = learn(written(tmp_path, [["cook", "eat"]] * 7), settings=Settings(epochs=2), known=known).machine
    assert outlook(grown, None, ["cook", "eat"]).followed
    assert {"wash", "cook"} < set(grown.triggers)


@pytest.fixture
def excerpts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of events of which few rows are learned from."""
    monkeypatch.setattr(excerpt, "ENOUGH", {"sequence": 2000})
    monkeypatch.setattr(excerpt, "ROWS", {"sequence": 3000})
    monkeypatch.setattr(excerpt, "PIECE", 100)


@pytest.mark.usefixtures("excerpts")
def test_of_many_traces_an_excerpt_is_learned_from_and_all_are_counted(tmp_path: Path) -> None:
    made = drawn(TEA, np.random.default_rng(3), 1500)
    learned = learn(written(tmp_path, made))
    assert learned.about.training.rows < 4000 < sum(map(len, made)) / 4
    assert equivalent(TEA, learned.machine) is None
    counts = Counter(word for trace in made for word in [*trace, "End"])
    assert counts == Counter({w: sum(t.count for t in learned.machine.transitions if t.trigger == w) for w in counts})
    assert learned.sample.traces and all(
        [learned.sample.triggers[a] for a in trace.trigger] == made[int(trace.name)] for trace in learned.sample.traces
    )


@pytest.mark.usefixtures("excerpts")
def test_of_a_long_trace_pieces_are_learned_from_and_it_begins_where_it_began(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    trace = list(chain.from_iterable(drawn(TEA, rng, 600)))  # as one, whose end is one event of many
    learned = learn(written(tmp_path, [trace]))
    assert learned.about.held_out.pieces == learned.about.held_out.traces > 1
    ways = {(t.state, t.trigger): t for t in learned.machine.transitions}
    assert len(ways) == len(learned.machine.transitions) == 7, "each of four states knows its events, and one the end"
    assert len(learned.machine.states) == 5
    state = learned.machine.initial
    for event in trace:
        state = ways[state, event].next_state
    assert ways[state, "End"].count == 1
    assert learned.machine.initial == ways[ways[state, "End"].state, "coin"].state, "after a tea as at the start"


@pytest.mark.usefixtures("excerpts")
def test_what_no_trace_of_the_excerpt_shows_is_in_the_machine(tmp_path: Path) -> None:
    made = drawn(TEA, np.random.default_rng(5), 1500)
    odd = ["coin", "tea", "coin"]
    learned = learn(written(tmp_path, [*made, *[[event] for event in odd], odd]), settings=Settings(epochs=5))
    for trace in ([event] for event in odd):
        assert outlook(learned.machine, None, trace).followed
    assert outlook(learned.machine, None, odd).followed
