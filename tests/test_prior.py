"""Nats to describe a machine: by hand, and what they must not depend on."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evidence import hidden_rows
from test_packing import SEEDS

from fsmlearn.packing import Ints, Rows
from fsmlearn.prior import described, kinds


def known(machine: Mapping[tuple[int, int], tuple[int, int]], sizes: Ints) -> tuple[Rows, Ints, Ints]:
    """Rows of a log, the targets and the counts of the machine that gave it: (state, trigger) -> (answer, next state);
    each trigger of a state was met as often as the state's size (k,)."""
    triggers = max(a for _, a in machine) + 1
    answers = max(o for o, _ in machine.values()) + 1
    symbols = sorted({(a, o) for (_, a), (o, _) in machine.items()})
    rows = hidden_rows([symbols], triggers, answers)
    target, counts = np.zeros((2, len(sizes), len(symbols)), np.int64)
    for (q, a), (o, r) in machine.items():
        target[q, symbols.index((a, o))], counts[q, symbols.index((a, o))] = r, sizes[q]
    return rows, target, counts


def nats(machine: Mapping[tuple[int, int], tuple[int, int]], sizes: Ints) -> float:
    rows, target, counts = known(machine, sizes)
    return described(rows, target, counts > 0, counts)


def drawn(rng: np.random.Generator, k: int, triggers: int, answers: int) -> dict[tuple[int, int], tuple[int, int]]:
    """A machine anyhow."""
    cells = [(q, a) for q in range(k) for a in range(triggers)]
    return {cell: (int(rng.integers(answers)), int(rng.integers(k))) for cell in cells}


def test_two_states_by_hand() -> None:
    # Three triggers: t0 and t1 answer 0 and 1 in both states and stay; t2 answers 0 in the first and leads to the
    # second, and answers 1 in the second and leads back.
    machine = {(0, 0): (0, 0), (0, 1): (1, 0), (0, 2): (0, 1), (1, 0): (0, 1), (1, 1): (1, 1), (1, 2): (1, 0)}
    # Answers, in both: either is as likely; then 0 came once, then each of them once.
    answers = (0 + 4 / 2) / (0 + 4) * (0 + 4 / 2) / (1 + 4) * (1 + 4 / 2) / (2 + 4)
    # The first: whether t0 leaves it is as open; t1 is foretold from t0, and so is t2, and again from t0, for it
    # answers as that does. Then the laws (`test_laws`): that t1 and t2 do as those before them, at half of even odds.
    # Where t2 leads is as open.
    t1, t2 = (1 + 2 * 1 / 2) / (1 + 2), (2 + 2 * 1 / 2) / (2 + 2)
    first = answers * 1 / 2 * (1 / 2 + 2 * t1) / (1 / 2 + 2) * (1 - (1 + 2 * (1 + 2 * t2) / (1 + 2)) / (1 + 2)) * 1 / 2
    # The second: of three triggers two stayed. What t0 and t1 do was seen in the first. That t2 answers 1 was not. By
    # the laws t0 and t1 do as before t2, or take it back, t1 does as t0, and t2 as they do, as it did not in the first,
    # or it takes back what it did there.
    usual = (2 + 1 / 2) / (3 + 1)
    t1, t2 = (1 + 2 * usual) / (1 + 2), (2 + 2 * usual) / (2 + 2)
    stays = (1 / 2 + 2 * (1 + 2 * usual) / (1 + 2)) / (1 + 2), (1 + 2 * (1 + 2 * t1) / (1 + 2)) / (3 / 2 + 2)
    leaves = 1 - (2 * 1 / 6 + 2 * (1 + 2 * t2) / (1 + 2)) / (2 * 1 / 6 + 1 / 2 + 2)
    leads = leaves * (1 / 2 + 2 * ((0 + 4) / (1 + 2 * 4) + 1 / 2) / 2) / (1 / 2 + 2)
    full = answers * stays[0] * stays[1] * leads
    # Or as the first one but for one of three triggers.
    twin = 1 / 3 * (1 + 4 / 2) / (2 + 4) * leads
    assert nats(machine, np.array([2, 1])) == pytest.approx(2 * math.log(2) - math.log(first) - math.log(full + twin))


@given(SEEDS)
@settings(deadline=None, max_examples=50)
def test_how_states_are_numbered_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 6))
    machine, sizes, to = drawn(rng, k, 3, 2), rng.permutation(k) + 1, rng.permutation(k)
    moved = {(int(to[q]), a): (o, int(to[r])) for (q, a), (o, r) in machine.items()}
    assert nats(moved, sizes[np.argsort(to)]) == pytest.approx(nats(machine, sizes))


@given(SEEDS)
@settings(deadline=None, max_examples=50)
def test_it_never_pays_to_have_two_of_a_kind(seed: int) -> None:
    # A state is doubled, and what led to it leads to any of the two.
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 6))
    machine, sizes = drawn(rng, k, 3, 2), 2 * rng.permutation(k) + 2
    two = {(q, a): (o, k if r == 0 and rng.random() < 0.5 else r) for (q, a), (o, r) in machine.items()}
    two |= {(k, a): (o, k if r == 0 and rng.random() < 0.5 else r) for (q, a), (o, r) in machine.items() if q == 0}
    halved = np.append(sizes, sizes[0] // 2)
    halved[0] //= 2
    assert nats(two, halved) == pytest.approx(nats(machine, sizes) + math.log(2))


@given(SEEDS, st.integers(1, 12), st.integers(1, 4))
@settings(deadline=None, max_examples=50)
def test_kinds_are_those_of_plain_refinement(seed: int, k: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    symbol, goes = rng.integers(-1, 2, size=(k, cells)), rng.integers(k, size=(k, cells))
    symbol[rng.random(k) < 0.7] = symbol[0]
    kind = [tuple(row) for row in symbol.tolist()]
    for _ in range(k):
        kind = [(kind[q], *(kind[r] for r in goes[q])) for q in range(k)]
        numbers = {name: i for i, name in enumerate(dict.fromkeys(kind))}
        kind = [(numbers[name],) for name in kind]
    alike = np.array(kind) == np.array(kind).T
    found = kinds(symbol, goes)
    assert np.array_equal(found[:, None] == found, alike)
    assert set(found.tolist()) == set(range(int(found.max()) + 1))


def test_a_state_does_by_an_answer_what_it_did_by_it_before() -> None:
    # Each of three states has two triggers of its own and four that it refuses, with which it goes to the last state.
    # That it goes there with the last refusal too is foretold so.
    ring = {(q, a): (q, (q + 1) % 3) if a < 2 else (3, 3) for q in range(3) for a in range(6)}
    ring |= {(3, a): (4, 3) for a in range(6)}
    sizes = np.array([40, 30, 20, 90])
    costs = [nats(ring | {(1, 5): (3, goal)}, sizes) for goal in range(4)]
    assert min(costs[:3]) > costs[3] + math.log(4)


def test_triggers_that_led_to_the_same_state_elsewhere_do_so_again() -> None:
    # Two triggers, answered differently, lead on together in a ring of five states, and a third one tells these apart.
    ring = {(q, a): (a, (q + 1) % 5) if a < 2 else (a + q, q) for q in range(5) for a in range(3)}
    sizes = np.array([50, 40, 30, 20, 10])
    costs = [nats(ring | {(4, 1): (1, goal)}, sizes) for goal in range(5)]
    assert min(costs[1:]) > costs[0]  # though more transitions lead to each of the others
