"""What is normal: tails and relations by hand and in general, and what a model file may say of them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn.normal import ALL, END, FULL, NONE, SHARES, Counted, Counts, Normal, Relation, Tail, bucket

TAIL = Tail((2.0, 3.0, 5.0), rise=0.5)  # half of the scores reach 2, a fifth 3, a tenth 5
# nine runs with one close for each open, one with two opens and one close
PAIRED = Relation(END, "open", "close", (1, 1, 6, 2, 2, 3, 2, 1, 1))
SCORES = st.floats(0, 50)


def test_rarity_by_hand() -> None:
    assert TAIL.rarity(2) == pytest.approx(math.log(2))
    assert TAIL.rarity(1) == pytest.approx(math.log(2) / 2)
    assert TAIL.rarity(4) == pytest.approx((math.log(5) + math.log(10)) / 2)
    assert TAIL.rarity(6) == pytest.approx(math.log(10) + 1 / 0.5)
    assert Tail().rarity(7.5) == 7.5


@given(st.lists(SCORES, min_size=1, max_size=len(SHARES), unique=True).map(sorted), SCORES, SCORES)
def test_rarity_rises_with_the_score(scores: list[float], one: float, other: float) -> None:
    tail = Tail(tuple(scores))
    low, high = sorted([one, other])
    assert 0 <= tail.rarity(low) <= tail.rarity(high)


@given(st.lists(SCORES, min_size=1, max_size=len(SHARES), unique=True).map(sorted), st.floats(1e-6, 0.9))
def test_the_score_that_a_share_reaches_is_as_rare(scores: list[float], share: float) -> None:
    tail = Tail(tuple(scores))
    reached = tail.reached(share)
    assert tail.rarity(reached) >= -math.log(share) - 1e-6
    assert reached < 1e-6 or tail.rarity(reached * (1 - 1e-6) - 1e-9) <= -math.log(share)


@given(st.integers(0, 10**6))
def test_greater_counts_have_greater_buckets(count: int) -> None:
    assert bucket(count) <= bucket(count + 1) <= bucket(count) + 1
    assert bucket(count) == count or bucket(count) >= 16


def test_surprise_of_counts_by_hand() -> None:
    counted = Counted(PAIRED)
    # one close with two opens: 1 of 4 rows of 2 kinds. Its backing is halved by every step away, a third of it being at
    # the place itself: of the differences, which say more than the counts, 9 are 0 and 1 is -1
    backing = (1 + 2 * (1 + 9 / 2) / 10 / 3) / (10 + 2)
    assert counted.surprise(2, 1) == pytest.approx(-math.log((1 + 2 * backing) / (4 + 2)))
    # the same where this one is left out: there is one kind then
    backing = (0 + 1 * (0 + 9 / 2) / 9 / 3) / (9 + 1)
    assert counted.surprise(2, 1, own=1) == pytest.approx(-math.log((0 + 1 * backing) / (3 + 1)))
    assert counted.expected(2) == ("2", 0.75)
    assert counted.expected(9) == ("1", 0.7)


def test_surprise_of_counts_at_an_event_by_hand() -> None:
    counted = Counted(Relation("close", "close", "open", (0, 1, 8, 0, 2, 2)))
    # with no close before it 8 of 10 times one open, of 2 kinds; three are beside two, and two away from one
    near = (8 / 4 + 2 / 2) / 10 / 3
    assert counted.surprise(0, 3) == pytest.approx(-math.log(2 * near / (10 + 2)))
    assert counted.surprise(0, 2) == pytest.approx(-math.log((2 + 2 * (8 / 2 + 2) / 10 / 3) / (10 + 2)))


@pytest.mark.parametrize(("count", "told"), [(15, "15"), (16, "about 17"), (100, "about 99"), (3000, "about 3158")])
def test_great_counts_are_told_roughly(count: int, told: str) -> None:
    assert Counted(Relation(END, ALL, ALL, (0, bucket(count), 5))).expected(0) == (told, 1.0)


def test_the_farther_a_count_is_the_more_surprising() -> None:
    counted = Counted(PAIRED)
    nats = [counted.surprise(1, count) for count in range(1, 12)]
    assert nats == sorted(nats)
    # a pair that was never seen, but like those that were
    assert counted.surprise(3, 3) < counted.surprise(3, 1) < counted.surprise(3, 7)


def test_counts_at_events_and_at_the_end() -> None:
    # at a close there is one open more than there are closes; runs have two rows
    at_close = Relation("close", "close", "open", (0, 1, 10))
    counts = Counts([PAIRED, at_close, Relation(END, ALL, ALL, (0, 2, 10))])
    held, told = counts.begin(), NONE
    for event in ("open", "close"):
        told = counts.count(event, held, told)
    usual = told[0]
    assert told[1:] == (told[1], 0, 1)
    assert counts.end(held, 2)[0] < 1
    held = counts.begin()
    early = counts.count("close", held)
    assert early[0] > usual + 2
    assert (early[2], early[3]) == (0, 0)
    relation = counts.end(held, 9)[1]
    assert relation is not None
    assert relation.relation.counted == ALL


def test_counts_of_one_kind_stop_somewhere() -> None:
    counts = Counts([PAIRED])
    held = counts.begin()
    for _ in range(1000):
        counts.count("open", held)
    assert max(held) == FULL
    assert counts.count("unheard of", held) == NONE


def change(**values: Any) -> dict[str, Any]:
    return {**Normal(relations=(PAIRED,), run=TAIL, starts={"Off": 3}, ends={"S0": (1, 2)}).to_dict(), **values}


def test_what_is_written_is_read_back() -> None:
    normal = Normal.from_dict(change())
    assert normal.relations == (PAIRED,)
    assert normal.run == TAIL
    assert Normal.from_dict(Normal().to_dict()).to_dict() == Normal().to_dict()


@pytest.mark.parametrize(
    "data",
    [
        change(runs=-1),
        change(runs=10**400),
        change(starts={"Off": -1}),
        change(ends={"S0": [1]}),
        change(ends={"S0": [1, -2]}),
        change(run={"scores": [2.0, 1.0], "rise": 1.0}),
        change(run={"scores": [1.0], "rise": 0.0}),
        change(run={"scores": [None], "rise": 1.0}),
        change(run={"scores": [float(i) for i in range(99)], "rise": 1.0}),
        change(relations=[{"moment": "", "given": "", "counted": "", "times": [1, 2]}]),
        change(relations=[{"moment": "", "given": "", "counted": "", "times": []}]),
        change(relations=[{"moment": "", "given": "", "counted": "", "times": [0, 0, 0]}]),
        change(relations=[{"moment": "", "given": "", "counted": "", "times": [0, -1, 1]}]),
        change(relations=[{"moment": "a", "given": "a", "counted": "", "times": [0, 0, 1]}]),
        change(relations=[{"moment": "", "given": "", "counted": "", "times": [0, 0, True]}]),
        {},
        [],
    ],
)
def test_what_cannot_be_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"normal|tail|relation"):
        Normal.from_dict(data)
