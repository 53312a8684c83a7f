"""What the network says beside the table, against the network run by hand."""

from __future__ import annotations

import numpy as np
import pytest
from machines import WASH, visible, write

from fsmlearn import pipeline
from fsmlearn.config import Settings
from fsmlearn.dynamics import Network
from fsmlearn.errors import UnknownNameError
from fsmlearn.machine import Machine, Transition
from fsmlearn.opinion import Listener
from fsmlearn.predict import likeliest_way, path, predict
from fsmlearn.rnn import softmax

ROUND = ["Start", "Level", "Timer", "Level", "Timer", "Timer"]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> pipeline.Learned:
    log = write(tmp_path_factory.mktemp("opinion") / "wash.csv", visible(WASH, [list(WASH.run(ROUND))] * 40))
    return pipeline.learn(log, settings=Settings(epochs=60, hidden=16))


def test_the_network_is_asked_with_state_and_trigger_of_every_row(learned: pipeline.Learned) -> None:
    network = Network(learned.model, learned.sample)
    listener = Listener(network, learned.machine)
    listener.follow("Rinse", ["Start", "Level"])
    listener.hear("Rinse", "Timer")
    sample, memory = learned.sample, np.zeros((1, network.width))
    for state, trigger in (("Off", "Start"), ("Soak", "Level"), ("Rinse", "Timer")):
        row = [[sample.states.index(state), len(sample.states) + sample.triggers.index(trigger)]]
        memory = np.asarray(network.cell.step(network.params, memory, np.array(row)), np.float64)
    shares = softmax(network.cell.logits(network.params, memory))[0]
    opinion = listener.opinion()
    assert opinion.best == ("Soak", None)
    assert sum(opinion.shares.values()) == pytest.approx(1)
    assert list(opinion.shares.values()) == sorted(opinion.shares.values(), reverse=True)
    for (code, output), share in zip(sample.answers, shares.tolist(), strict=True):
        assert opinion.shares[sample.states[code], None] == pytest.approx(share)
        assert output == -1
    with pytest.raises(UnknownNameError, match="never learned the trigger 'Kick'"):
        listener.hear("Off", "Kick")


def test_the_network_remembers_the_way(learned: pipeline.Learned) -> None:
    """The second Rinse is followed by Drain; a question about it has the shortest way to it behind it."""
    network = Network(learned.model, learned.sample)
    for name, after in (("Rinse", "Soak"), ("Rinse·2", "Drain")):
        way = likeliest_way(learned.machine, name)
        assert [t.trigger for t in way] == (ROUND[:2] if name == "Rinse" else ROUND[:4])
        listener = Listener(network, learned.machine)
        listener.follow(name, [])
        listener.hear("Rinse", "Timer")
        assert listener.opinion().best == (after, None)


def test_a_history_that_is_the_end_of_a_longer_one_is_put_behind_a_shortest_way() -> None:
    way = likeliest_way(WASH, "Rinse", ["Timer", "Level"])
    assert [t.trigger for t in way] == ["Start", "Level", "Timer", "Level"]
    assert likeliest_way(WASH, None) == ()
    assert likeliest_way(WASH, "Rinse", ["Start"]) == ()  # no way leads there so


def test_a_path_is_the_likeliest_answers_one_by_one() -> None:
    found = path(WASH, None, ROUND, from_start=True)
    assert [(s.state, s.trigger, s.next_state, s.probability) for s in found.steps] == [
        (WASH.visible(t.state), t.trigger, WASH.visible(t.next_state), 1) for t in WASH.run(ROUND)
    ]
    # Without a history either Rinse may be meant, 9 rows to 3; that Timer led to Soak settles it.
    steps = path(WASH, "Rinse", ["Timer", "Level", "Timer"], from_start=False).steps
    assert [(s.next_state, s.probability) for s in steps] == [("Soak", 0.75), ("Rinse", 1), ("Drain", 1)]
    assert len(path(WASH, "Off", ["Start", "Start", "Level"], from_start=False).steps) == 1


def test_a_path_of_events_has_their_probabilities() -> None:
    ways = [(0, "a", 1, None, 8), (1, "b", 0, None, 6), (1, "End", 2, None, 2)]
    machine = Machine.build("lts", 0, [None, None, "End"], ["a", "b", "End"], ways)
    steps = path(machine, None, ["a", "b", "a", "End"], from_start=True).steps
    assert [s.probability for s in steps] == [1, 0.75, 1, 0.25]


def test_from_the_start_a_history_is_followed_from_nowhere_else() -> None:
    assert predict(WASH, "Rinse", "Timer", ["Start", "Level"], from_start=True).predictions[0].next_state == "Soak"
    for state, history in (("Rinse", ["Timer", "Level"]), ("Rinse", []), (None, ["Level"])):
        answer = predict(WASH, state, "Timer", history, from_start=True)
        assert (answer.predictions, answer.followed) == ((), False)


def test_a_way_goes_by_the_likeliest_transitions() -> None:
    ways = [(0, "x", 1, None, 9), (0, "x", 2, None, 1), (1, "y", 3, None, 1), (2, "y", 3, None, 1)]
    machine = Machine.build("moore", 0, ["A", "B", "C", "D"], ["x", "y"], ways)
    assert likeliest_way(machine, None, ["x", "y"])[0] == Transition("A", "x", "B", None, 9, 0.9)
    assert likeliest_way(machine, "C")[0].next_state == "C"
