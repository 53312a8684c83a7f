"""The tests of a machine find every machine of its size that is another, and pass the machine itself."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hidden import mealy
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import WASH, random_machine, truth
from test_machine import machines

from fsmlearn.conformance import Run, characterising, suite
from fsmlearn.equivalence import equivalent
from fsmlearn.errors import ModelError
from fsmlearn.machine import Machine, State


def passes(implementation: Machine, machine: Machine, tests: list[Run]) -> bool:
    """Whether the implementation answers all tests as expected."""
    for run in tests:
        given_ = list(implementation.run(t.trigger for t in run))
        expected = [(t.output, machine.labels[t.next_state]) for t in run]
        if [(t.output, implementation.labels[t.next_state]) for t in given_] != expected:
            return False
    return True


def mutants(machine: Machine) -> list[Machine]:
    """The machine with one transition that leads elsewhere, or gives another output."""
    found = []
    outputs = {t.output for t in machine.transitions}
    for i, t in enumerate(machine.transitions):
        others = [replace(t, next_state=name) for name in machine.labels if name != t.next_state]
        others += [replace(t, output=output) for output in outputs if output != t.output]
        for other in others:
            found.append(replace(machine, transitions=(*machine.transitions[:i], other, *machine.transitions[i + 1 :])))
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["moore", "mealy"])
def test_no_mutant_of_a_complete_machine_passes(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, 4, 2, 2) if kind == "moore" else mealy(rng, 4)
    tests = list(suite(machine))
    assert passes(machine, machine, tests)
    for mutant in mutants(machine):
        assert passes(mutant, machine, tests) == (equivalent(mutant, machine) is None)


def with_a_double(machine: Machine) -> list[Machine]:
    """Machines with one state more: a state's double, which one transition leads to, and which leads elsewhere once."""
    found = []
    for i, t in enumerate(machine.transitions):
        double = [replace(each, state="double") for each in machine.transitions if each.state == t.next_state]
        ways = (*machine.transitions[:i], replace(t, next_state="double"), *machine.transitions[i + 1 :])
        states = (*machine.states, State("double", machine.labels[t.next_state]))
        for j, each in enumerate(double):
            for name in machine.labels:
                other = [*double[:j], replace(each, next_state=name), *double[j + 1 :]]
                found.append(replace(machine, states=states, transitions=(*ways, *other)))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_no_machine_with_a_state_more_passes_tests_for_one_more(seed: int) -> None:
    machine = mealy(np.random.default_rng(seed), 4)
    tests, more = list(suite(machine)), list(suite(machine, 1))
    others = with_a_double(machine)
    differ = [each for each in others if equivalent(each, machine) is not None]
    assert all(passes(each, machine, more) == (each not in differ) for each in others)
    assert len(differ) > len(others) / 2
    assert any(passes(each, machine, tests) for each in differ)  # so it takes these tests


def test_a_state_too_many_needs_tests_for_one_more() -> None:
    # a counts to three and rings; the other rings at three and then at two
    ring = Machine.build("mealy", 0, [None] * 2, ["a"], [(0, "a", 1, "-", 1), (1, "a", 0, "ring", 1)])
    longer = Machine.build(
        "mealy",
        0,
        [None] * 4,
        ["a"],
        [(0, "a", 1, "-", 1), (1, "a", 2, "ring", 1), (2, "a", 3, "-", 1), (3, "a", 0, "-", 1)],
    )
    assert equivalent(ring, longer) == ("a",) * 4
    assert passes(longer, ring, list(suite(ring)))
    assert not passes(longer, ring, list(suite(ring, 2)))


@settings(max_examples=50)
@given(machines(deterministic=True), st.integers(0, 1))
def test_a_machine_passes_its_own_tests_and_each_says_more_than_the_others(machine: Machine, extra: int) -> None:
    tests = list(suite(machine, extra))
    assert passes(machine, machine, tests)
    words = [tuple(t.trigger for t in run) for run in tests]
    assert not any(one == other[: len(one)] for one, other in combinations(sorted(words), 2))
    assert {t for run in tests for t in run} == set(machine.transitions)
    assert all(run[0].state == machine.initial for run in tests)


@given(machines(deterministic=True))
def test_states_are_told_apart_where_a_word_does_that_both_know(machine: Machine) -> None:
    found = characterising(machine)

    def answers(state: str, word: tuple[str, ...]) -> list[tuple[str | None, str | None]]:
        return [(t.output, machine.labels[t.next_state]) for t in machine.run(word, state)]

    for p, q in combinations(machine.labels, 2):
        shared = [zip(answers(p, word), answers(q, word), strict=False) for word in found.words]
        told = machine.labels[p] != machine.labels[q] or any(left != right for each in shared for left, right in each)
        assert told == ((p, q) not in found.alike)


def test_the_washing_machine_counts_by_words_of_its_own() -> None:
    found = characterising(WASH)
    assert found.alike == ()
    assert set(found.words) == {("Level", "Timer")} or set(found.words) == {("Timer",), ("Level", "Timer")}


def test_only_what_is_known_is_tested() -> None:
    machine = truth("vending_machine")
    unseen = set(machine.unseen())
    assert not unseen & {(t.state, t.trigger) for run in suite(machine) for t in run}


def test_what_cannot_be_tested_is_told() -> None:
    with pytest.raises(ModelError, match="'Placed' \\+ 'Pay' leads to several"):
        list(suite(truth("order_process")))
    events = Machine.build("lts", 0, [None, "End"], ["End"], [(0, "End", 1, None, 1)])
    with pytest.raises(ModelError, match="is not told its triggers"):
        list(suite(events))
