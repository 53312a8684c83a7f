"""Predictions against hand-computed ones, and against enumeration of all runs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from machines import WASH

from fsmlearn.errors import UnknownNameError
from fsmlearn.machine import Machine
from fsmlearn.predict import Answer, Follower, Prediction, predict

# A coin: heads and tails by chance, told only by the output.
COIN = Machine.build(
    "mealy",
    0,
    [None, None],
    ["toss", "show"],
    [
        (0, "toss", 0, "done", 1),
        (0, "toss", 1, "done", 3),
        (1, "toss", 1, "done", 4),
        (0, "show", 0, "heads", 2),
        (1, "show", 1, "tails", 8),
    ],
)


def brief(answer: Answer) -> list[tuple[str, float]]:
    return [(p.next_state, round(p.probability, 6)) for p in answer.predictions]


def test_without_a_history_every_state_that_looks_like_it_counts_by_its_rows() -> None:
    assert predict(WASH, "Rinse", "Timer") == Answer(
        (Prediction("Soak", None, 0.75, 9), Prediction("Drain", None, 0.25, 3))
    )


def test_a_history_settles_it() -> None:
    once = ["Start", "Level"]
    assert brief(predict(WASH, "Rinse", "Timer", once)) == [("Soak", 1)]
    assert brief(predict(WASH, "Rinse", "Timer", [*once, "Timer", "Level"])) == [("Drain", 1)]
    assert predict(WASH, "Rinse", "Timer", once).followed


def test_a_states_own_name_settles_it() -> None:
    assert brief(predict(WASH, "Rinse·2", "Timer")) == [("Drain", 1)]


def test_a_history_that_does_not_start_at_the_start_counts_from_anywhere() -> None:
    # Timer, Level can only have begun in the first Rinse.
    answer = predict(WASH, "Rinse", "Timer", ["Timer", "Level"])
    assert brief(answer) == [("Drain", 1)]
    assert not answer.followed
    # Level may have begun in either Soak, which 10 and 8 of their rows left.
    assert brief(predict(WASH, "Rinse", "Timer", ["Level"])) == [
        ("Soak", round(10 / 18, 6)),
        ("Drain", round(8 / 18, 6)),
    ]


def test_a_history_that_cannot_end_in_the_state_tells_nothing() -> None:
    answer = predict(WASH, "Rinse", "Timer", ["Start"])
    assert answer == Answer(predict(WASH, "Rinse", "Timer").predictions, followed=False)
    # What cannot be followed at all is forgotten: after Start, Start only the last one counts.
    assert predict(WASH, "Soak", "Level", ["Start", "Start"]) == Answer((Prediction("Rinse", None, 1, 10),), False)


def test_without_a_state_the_history_leads() -> None:
    assert predict(WASH, None, "Start") == Answer((Prediction("Soak", None, 1, 10),))
    assert brief(predict(WASH, None, "Level", ["Start"])) == [("Rinse", 1)]
    # A coin that was tossed shows tails three times in four.
    assert [(p.output, p.probability) for p in predict(COIN, None, "show", ["toss"]).predictions] == [
        ("tails", 0.75),
        ("heads", 0.25),
    ]
    assert predict(COIN, "S1", "show") == Answer((Prediction("S1", "tails", 1, 8),))


def test_a_transition_never_seen_has_no_answer() -> None:
    assert predict(WASH, "Off", "Timer") == Answer(())
    assert predict(WASH, "Off", "Timer", ["Start", "Level", "Timer", "Level", "Timer", "Timer"]) == Answer(())


@pytest.mark.parametrize(
    ("state", "trigger", "history", "text"),
    [
        ("Rins", "Timer", (), "there is no state 'Rins'; did you mean 'Rinse'?"),
        ("rinse", "Timer", (), "there is no state 'rinse'; did you mean 'Rinse'?"),
        ("Rinse", "tmier", (), "there is no trigger 'tmier'; did you mean 'Timer'?"),
        ("Rinse", "Timer", ("Strat",), "there is no trigger 'Strat'; did you mean 'Start'?"),
        (
            "?",
            "Timer",
            (),
            "there is no state '?'; the machine knows 'Off', 'Soak', 'Rinse', 'Drain', 'Soak·2', 'Rinse·2'",
        ),
        ("a\nb\x1b[0m", "Timer", (), None),
    ],
)
def test_unknown_names_suggest_the_nearest(
    state: str, trigger: str, history: tuple[str, ...], text: str | None
) -> None:
    with pytest.raises(UnknownNameError) as caught:
        predict(WASH, state, trigger, history)
    assert text is None or str(caught.value) == text
    assert str(caught.value).isprintable()


def test_a_follower_uses_what_each_row_shows() -> None:
    follower = Follower(WASH)
    answers = []
    for state, trigger in [
        ("Off", "Start"),
        ("Soak", "Level"),
        ("Rinse", "Timer"),
        ("Soak", "Level"),
        ("Rinse", "Timer"),
    ]:
        answers.append(follower.answer(state, trigger))
        follower.move(trigger)
    assert [brief(answer) for answer in answers] == [
        [(name, 1)] for name in ("Soak", "Rinse", "Soak", "Rinse", "Drain")
    ]
    assert follower.followed


def test_a_follower_starts_again_where_a_row_contradicts_the_machine() -> None:
    follower = Follower(WASH)
    answer = follower.answer("Rinse", "Timer")
    assert not answer.followed
    assert [p.next_state for p in answer.predictions] == ["Soak", "Drain"]
    follower.move("Timer")
    assert brief(follower.answer("Drain", "Timer")) == [("Off", 1)]
    assert not follower.followed


def test_a_follower_learns_from_outputs() -> None:
    follower = Follower(COIN)
    follower.answer(None, "toss")
    follower.move("toss", "done")
    follower.answer(None, "show")
    follower.move("show", "heads")
    assert [p.output for p in follower.answer(None, "show").predictions] == ["heads"]


@st.composite
def machines(draw: st.DrawFn, least: int = 0) -> Machine:
    """Moore machines with at least `least` ways on from each state under each trigger."""
    labels = draw(st.lists(st.sampled_from("XY"), min_size=1, max_size=4))
    state = st.integers(0, len(labels) - 1)
    rows = [
        (name, trigger, following, None, draw(st.integers(1, 5)))
        for name, trigger in itertools.product(range(len(labels)), "ab")
        for following in draw(st.lists(state, min_size=least, max_size=2))
    ]
    return Machine.build("moore", 0, labels, ["a", "b"], rows)


@given(machines(least=1), st.text(alphabet="ab", min_size=1, max_size=4), st.sampled_from("ab"), st.integers())
def test_a_followed_history_gives_the_shares_of_all_runs(machine: Machine, word: str, trigger: str, pick: int) -> None:
    runs: dict[tuple[str, ...], float] = {(machine.initial,): 1.0}
    for each in word:
        runs = {
            (*run, t.next_state): share * t.probability
            for run, share in runs.items()
            for t in machine.transitions
            if (t.state, t.trigger) == (run[-1], each)
        }
    label = machine.visible(sorted(runs)[pick % len(runs)][-1])
    shares: dict[str, float] = {}
    for (run, share), t in itertools.product(runs.items(), machine.transitions):
        if (t.state, t.trigger) == (run[-1], trigger) and machine.labels[run[-1]] == label:
            key = machine.visible(t.next_state)
            shares[key] = shares.get(key, 0) + share * t.probability
    answer = predict(machine, label, trigger, word)
    assert answer.followed
    total = sum(shares.values())
    assert {p.next_state: p.probability for p in answer.predictions} == pytest.approx(
        {name: share / total for name, share in shares.items()}
    )


@given(machines(), st.text(alphabet="ab", max_size=6), st.sampled_from("ab"), st.sampled_from("XY"))
def test_shares_sum_to_one_or_there_is_no_such_transition(
    machine: Machine, word: str, trigger: str, label: str
) -> None:
    assume(label in machine.labels.values())
    answer = predict(machine, label, trigger, word)
    known = any(machine.labels[t.state] == label and t.trigger == trigger for t in machine.transitions)
    if answer.predictions:
        assert known
        assert sum(p.probability for p in answer.predictions) == pytest.approx(1)
    assert known == bool(predict(machine, label, trigger).predictions)


def test_an_output_that_the_machine_cannot_give_is_noise_and_loses_nothing() -> None:
    rows = [(0, "press", 1, "light", 5), (1, "press", 0, "dark", 5), (0, "look", 0, "dark", 5)]
    lamp = Machine.build("mealy", 0, [None, None], ["press", "look"], [*rows, (1, "look", 1, "light", 5)])
    follower = Follower(lamp)
    shown = []
    for trigger, output in [("press", "light"), ("look", "dark"), ("press", "hum"), ("look", "dark"), ("press", None)]:
        [prediction] = follower.answer(None, trigger).predictions
        shown.append((prediction.output, prediction.probability))
        follower.move(trigger, output)
    assert shown == [("light", 1), ("light", 1), ("dark", 1), ("dark", 1), ("light", 1)]
    assert follower.followed
