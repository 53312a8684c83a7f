"""The fast way through the bytes of a log: what it says of spans is what Python says of them, or nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn import fields
from fsmlearn.fields import Ints, Spans, Text, numbers, same_as_before


def spans(words: list[bytes]) -> tuple[Text, Ints, Ints]:
    """Words one after another, with a byte between that none of them has."""
    ends = np.cumsum([len(word) + 1 for word in words]) - 1
    return Text(b"\n".join(words) + b"\n"), ends - [len(word) for word in words], ends


words = st.lists(st.text("ab0é", max_size=20).map(str.encode), min_size=1, max_size=30)


@given(st.lists(words, min_size=1, max_size=3))
def test_equal_spans_have_equal_codes_and_new_ones_are_learned_in_order(blocks: list[list[bytes]]) -> None:
    learned: list[bytes] = []
    known = Spans(lambda span, row: learned.append(span))
    codes = []
    for block in blocks:
        found = known.codes(*spans(block))
        assert found is not None
        codes += found.tolist()
    everything = [word for block in blocks for word in block]
    assert sorted(learned) == sorted(set(everything))
    assert [learned[code] for code in codes] == everything


def test_many_spans_and_spans_that_share_a_slot() -> None:
    everything = [b"%d" % (n * n) for n in range(9000)]
    known = Spans(lambda span, row: None)
    for _ in range(2):
        codes = known.codes(*spans(everything))
        assert codes is not None and sorted(codes.tolist()) == list(range(9000))


def test_spans_that_are_too_many_or_too_long_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "MOST", 3)
    assert Spans(lambda span, row: None).codes(*spans([b"a", b"b", b"c", b"d"])) is None
    assert Spans(lambda span, row: None).codes(*spans([b"a" * (fields.LONGEST + 1)])) is None


@given(words)
def test_a_span_is_compared_with_the_one_before_it(block: list[bytes]) -> None:
    same = same_as_before(*spans(block)).tolist()
    assert same == [False, *(one == other for one, other in pairwise(block))]


@given(st.lists(st.integers(0, 10**16 - 1), min_size=1), st.sampled_from([b"", b"-1", b"+1", b" 1", b"1.0", b"1" * 17]))
def test_digits_are_numbers_and_nothing_else_is(values: list[int], odd: bytes) -> None:
    block = [b"%d" % value for value in values]
    found = numbers(*spans(block))
    assert found is not None and found.tolist() == values
    assert numbers(*spans([*block, odd])) is None
