"""What triggers do together: against its definition, and where it must foretell right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_packing import SEEDS

from fsmlearn.laws import TRIGGERS, foretold
from fsmlearn.packing import Bools, Ints

Edge = tuple[int, int]  # a state and a trigger
# An equation: its kind, both triggers, its transitions but the one that ends it, that one, the state it should lead to,
# and whether it counts
Equation = tuple[int, int, int, list[Edge], Edge, int, bool]


def equations(met: Bools, goes: Ints) -> Iterator[Equation]:
    """All that a machine has the transitions of, one by one."""
    k, v = met.shape
    for q in range(k):
        for a in range(v):
            for b in range(v):
                if not met[q, a]:
                    continue
                one = int(goes[q, a])
                if one != q and met[one, b]:
                    yield 3, a, b, [(q, a)], (one, b), q, True
                if a == b or not met[q, b]:
                    continue
                two = int(goes[q, b])
                yield 0, a, b, [(q, a)], (q, b), one, one != q or two != q
                if met[one, b] and met[two, a] and (one != q or two != q):
                    yield 1, a, b, [(q, a), (q, b), (two, a)], (one, b), int(goes[two, a]), True
                if met[one, b] and one != q and two != q:
                    yield 2, a, b, [(q, a), (q, b)], (one, b), two, True


def by_definition(met: Bools, goes: Ints) -> np.ndarray:
    found = np.zeros((3, *met.shape))
    seen = defaultdict(list)
    for kind, a, b, others, edge, said, counts in equations(met, goes):
        if counts:
            seen[kind, a, b].append((max(q for q, _ in [*others, edge]), goes[edge] == said))
    for kind, a, b, others, edge, said, _ in equations(met, goes):
        if edge > max(others):
            before = [held for last, held in seen[kind, a, b] if last < edge[0]]
            odds = 0.5 * (sum(before) + 0.5) / (len(before) - sum(before) + 0.5)
            stays = said == edge[0]
            found[(0 if stays else 1, *edge)] += odds
            found[(2, *edge)] += odds * (not stays and said == goes[edge])
    return found


@given(SEEDS, st.integers(1, 6), st.integers(1, 4))
@settings(deadline=None, max_examples=100)
def test_equations_are_those_of_their_definition(seed: int, k: int, v: int) -> None:
    rng = np.random.default_rng(seed)
    goes, met = rng.integers(k, size=(k, v)), rng.random((k, v)) < rng.random()
    goes = np.where(rng.random((k, v)) < 0.4, np.arange(k)[:, None], goes)
    assert np.array(foretold(met, goes)) == pytest.approx(by_definition(met, goes))


def odds_on(goes: Ints, at: Edge) -> tuple[float, float]:
    """The odds on the target that a transition has, and on all others."""
    stay, leave, there = (each[at] for each in foretold(np.ones(goes.shape, np.bool_), goes))
    on = stay if goes[at] == at[0] else there
    return on, stay + leave - on


def test_parts_that_mind_their_own_business() -> None:
    # Two rings of three, each with a trigger that turns it: the corner told last is foretold by both orders.
    goes = np.array([[3 * ((q // 3 + 1) % 3) + q % 3, 3 * (q // 3) + (q % 3 + 1) % 3] for q in range(9)])
    on, others = odds_on(goes, (8, 0))
    assert on > 2 * others
    goes[8, 0] = 4
    assert odds_on(goes, (8, 0))[0] < others


def test_a_trigger_that_begins_anew() -> None:
    # A chain of states that one trigger goes along; from wherever it is, another begins in the second state.
    goes = np.array([[min(q + 1, 6), 1] for q in range(7)])
    on, others = odds_on(goes, (6, 1))
    assert on > 2 * others


def test_a_trigger_that_takes_back() -> None:
    # A chain of states, up and down.
    goes = np.array([[min(q + 1, 6), max(q - 1, 0)] for q in range(7)])
    on, others = odds_on(goes, (6, 1))
    assert on > 2 * others


def test_only_the_commonest_triggers_are_looked_at() -> None:
    met = np.ones((2, TRIGGERS + 5), np.bool_)
    met[1, :5] = False
    stay, leave, _ = foretold(met, np.tile([[1], [0]], TRIGGERS + 5))
    assert not (stay + leave)[:, :5].any()
    assert (stay + leave)[1, 5:].all()
