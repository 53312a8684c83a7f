"""Rows of many runs: each is judged as it would be alone, every run is told once, and memory does not grow."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines import WASH
from test_cli_events import SMALL
from test_predict import COIN

from fsmlearn.check import Checker, Odd, Whole
from fsmlearn.following import Words
from fsmlearn.machine import Machine
from fsmlearn.normal import END, Normal, Relation, Tail

EVENTS = st.lists(st.tuples(st.sampled_from("pqrs"), st.sampled_from(["a", "b", "c", "x"])), max_size=40)
FEW = Normal(relations=(Relation(END, "", "a", (0, 1, 100)), Relation("c", "c", "a", (0, 1, 50, 1, 2, 5))), run=Tail())


def checked(
    machine: Machine, rows: Iterable[tuple[str, Words]], normal: Normal = FEW, latest: int = 100
) -> tuple[list[Odd], dict[str, list[Whole]]]:
    """What is odd, and what each run came to."""
    odd: list[Odd] = []
    runs: dict[str, list[Whole]] = {}
    checker = Checker(
        machine, normal, odd.append, lambda whole: runs.setdefault(whole.run, []).append(whole), latest=latest
    )
    for line, (run, words) in enumerate(rows, 2):
        checker.row(run, words, "log.csv", line)
    checker.finish()
    return odd, runs


@given(EVENTS)
def test_together_is_as_one_by_one(events: list[tuple[str, str]]) -> None:
    rows = [(run, (event,)) for run, event in events]
    odd, runs = checked(SMALL, rows)
    for run in runs:
        alone, whole = checked(SMALL, [row for row in rows if row[0] == run])
        assert [each.finding for each in alone] == [each.finding for each in odd if each.run == run]
        assert [(w.rows, w.score, w.contradictions) for w in whole[run]] == [
            (w.rows, w.score, w.contradictions) for w in runs[run]
        ]


@given(EVENTS, st.integers(1, 5))
def test_every_run_is_told_once_it_is_over_and_every_row_counts(events: list[tuple[str, str]], latest: int) -> None:
    odd, runs = checked(SMALL, [(run, (event,)) for run, event in events], latest=latest)
    wholes = [whole for told in runs.values() for whole in told]
    assert sum(whole.rows for whole in wholes) == len(events)
    assert sum(whole.contradictions for whole in wholes) == len(odd)
    if latest == 5:
        assert [len(told) for told in runs.values()] == [1] * len({run for run, _ in events})


def test_places_are_those_of_the_rows() -> None:
    odd, runs = checked(SMALL, [("p", ("a",)), ("q", ("a",)), ("p", ("b",)), ("q", ("c",))])
    assert [(each.place, each.run, each.finding.kind) for each in odd] == [
        (("log.csv", 4), "p", "contradicted"),
        (("log.csv", 5), "q", "end"),
    ]
    assert runs["p"][0].place == ("log.csv", 4)


def test_a_run_that_is_known_to_be_over_is_told_at_once() -> None:
    told: list[str] = []
    checker = Checker(SMALL, Normal(), lambda _: None, lambda whole: told.append(whole.run))
    checker.row("p", ("b",), "log.csv", 2)
    checker.end("p")
    assert told == ["p"]
    checker.end("never begun")
    checker.finish()
    assert told == ["p"]
    assert (checker.rows, checker.runs) == (1, 1)


def test_rare_rows_are_told_only_where_they_are_asked_for() -> None:
    machine = Machine.build("mealy", 0, [None], ["toss"], [(0, "toss", 0, "heads", 9999), (0, "toss", 0, "edge", 1)])
    normal = Normal(row=Tail((1e-4, 2e-4), 1.0))
    rows = [("1", ("toss", "heads")), ("1", ("toss", "edge"))]
    for share, kinds in ((None, []), (0.001, ["rare"]), (1e-9, [])):
        odd: list[Odd] = []
        checker = Checker(machine, normal, odd.append, None, share)
        for run, words in rows:
            checker.row(run, words, "log.csv", 2)
        checker.finish()
        assert [each.finding.kind for each in odd] == kinds


def test_counts_that_are_rare_are_told_of_the_run() -> None:
    odd: list[Odd] = []
    checker = Checker(SMALL, FEW, odd.append, None, 0.01)
    for event in "acacacac":
        checker.row("p", (event,), "log.csv", 9)
    checker.row("p", ("b",), "log.csv", 10)
    checker.finish()
    (found,) = odd
    assert (found.place, found.finding.kind, found.finding.expected[0][0]) == (("log.csv", 10), "count", "1 × a")
    assert found.finding.came == "4 × a"


def test_a_run_without_anything_known_of_what_is_normal_is_judged_by_its_surprise() -> None:
    _, runs = checked(WASH, [("p", ("Off", "Start", "Soak")), ("p", ("Soak", "Level", "Off"))], Normal())
    (whole,) = runs["p"]
    assert whole.contradictions == 1
    assert whole.score > 2
    assert whole.reason is None, "ten rows do not make one in a thousand"


@pytest.mark.parametrize("machine", [SMALL, COIN])
def test_memory_does_not_grow_with_runs_nor_with_what_is_odd(machine: Machine) -> None:
    rng = random.Random(0)
    count = 0
    checker = Checker(machine, FEW, lambda _: None, lambda _: None, latest=50, steps=200)

    def rows(number: int) -> None:
        nonlocal count
        for _ in range(number):
            count += 1
            words = (rng.choice("abcx"),) if machine is SMALL else ("toss", rng.choice(["heads", "tails", "?"]))
            checker.row(f"new {count}", words, "log.csv", count)
            checker.row("long", words, "log.csv", count)

    tracemalloc.start()
    try:
        rows(2000)
        before = tracemalloc.get_traced_memory()[0]
        rows(2000)
        assert tracemalloc.get_traced_memory()[0] < before + 50_000
    finally:
        tracemalloc.stop()
