"""Runs followed together behave as runs followed one by one, and what is remembered of them stays small."""

from __future__ import annotations

import tracemalloc
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import WASH
from test_predict import COIN, machines

from fsmlearn.following import Belief, Following, Words
from fsmlearn.machine import Machine
from fsmlearn.predict import Answer, Follower

ROWS = st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from(["X", "Y", ""]), st.sampled_from("ab")), max_size=30)


def following(machine: Machine, latest: int = 100, steps: int = 100) -> Following[Answer, None]:
    def step(belief: Belief, words: Words) -> tuple[Belief, Answer]:
        follower = Follower(machine, belief)
        answer = follower.answer(words[0] or None, words[1])
        follower.move(words[1], words[2] or None)
        return follower.belief, answer

    return Following(Follower(machine).belief, step, lambda: None, latest=latest, steps=steps)


@given(machines(), ROWS, st.integers(1, 4))
def test_together_is_as_one_by_one(machine: Machine, rows: list[tuple[str, str, str]], steps: int) -> None:
    rows = [row for row in rows if row[1] in ("", *machine.labels.values())]
    runs: dict[str, Follower] = defaultdict(lambda: Follower(machine))
    together = following(machine, steps=steps)
    for run, state, trigger in rows:
        answer = runs[run].answer(state or None, trigger)
        runs[run].move(trigger)
        assert together.answer(run, (state, trigger, "")).predictions == answer.predictions


def test_a_step_that_raises_leaves_the_run_where_it_was() -> None:
    together = following(WASH)
    together.answer("1", ("Off", "Start", ""))
    with pytest.raises(Exception, match="no trigger"):
        together.answer("1", ("", "Strat", ""))
    assert [p.next_state for p in together.answer("1", ("", "Level", "")).predictions] == ["Rinse"]


def test_the_latest_runs_are_remembered_and_the_others_begin_again() -> None:
    together = following(WASH, latest=3)
    for run in "abc":
        together.answer(run, ("", "Start", ""))
    assert [p.next_state for p in together.answer("a", ("", "Level", "")).predictions] == ["Rinse"]
    for run in "defghi":
        together.answer(run, ("", "Start", ""))
    assert [p.next_state for p in together.answer("h", ("", "Level", "")).predictions] == ["Rinse"]
    assert together.answer("b", ("", "Level", "")).predictions == ()
    assert [p.next_state for p in together.answer("a", ("", "Start", "")).predictions] == ["Soak"]


def test_memory_does_not_grow_with_runs_nor_with_beliefs() -> None:
    # Every toss of the coin that shows nothing makes a belief that was never held before.
    together = following(COIN, latest=50, steps=50)

    def rows(count: int) -> None:
        for i in range(count):
            together.answer(f"new {i}", ("", "show", "heads"))
            together.answer("long", ("", "toss", ""))

    tracemalloc.start()
    try:
        rows(1000)
        before = tracemalloc.get_traced_memory()[0]
        rows(10_000)
        assert tracemalloc.get_traced_memory()[0] < before + 20_000
    finally:
        tracemalloc.stop()
