"""Grouping of patterns and of points: cases by hand, and a plain dictionary as judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fsmlearn.cluster import group, means

EVERY = 1_000  # a limit that nothing reaches

PATTERN = st.tuples(*[st.integers(-2, 1)] * 3)


def grouped(
    patterns: Sequence[tuple[int, ...]], kinds: list[int], least: int, most: int = EVERY
) -> tuple[list[int], list[int]]:
    groups, examples = group(np.array(patterns, np.int16), np.array(kinds), least, most)
    return groups.tolist(), examples.tolist()


def parts(groups: list[int]) -> set[frozenset[int]]:
    """The rows of each group, whatever its number."""
    return {frozenset(i for i, g in enumerate(groups) if g == one) for one in groups}


def test_equal_rows_are_one_group_and_others_another() -> None:
    groups, examples = grouped([(1, 2), (3, 4), (1, 2), (2, 1)], [0, 0, 0, 0], least=1)
    assert parts(groups) == {frozenset({0, 2}), frozenset({1}), frozenset({3})}
    assert [groups[row] for row in examples] == [0, 1, 2]


def test_a_pattern_that_fewer_than_least_rows_show_joins_the_nearest() -> None:
    # five of a, three of b, and one that differs from b in one place and from a in three
    patterns = [(0, 0, 0, 0)] * 5 + [(1, 1, 1, 1)] * 3 + [(1, 1, 1, 0)]
    assert parts(grouped(patterns, [0] * 9, least=2)[0]) == {frozenset(range(5)), frozenset({5, 6, 7, 8})}
    assert len(parts(grouped(patterns, [0] * 9, least=1)[0])) == 3


def test_least_is_enough() -> None:
    patterns = [(0,)] * 4 + [(1,)] * 2
    assert len(parts(grouped(patterns, [0] * 6, least=2)[0])) == 2
    assert len(parts(grouped(patterns, [0] * 6, least=3)[0])) == 1


def test_of_equally_near_patterns_the_more_frequent_one_is_joined() -> None:
    patterns = [(0, 0)] * 2 + [(1, 1)] * 3 + [(0, 1)]
    assert parts(grouped(patterns, [0] * 6, least=2)[0]) == {frozenset({0, 1}), frozenset({2, 3, 4, 5})}


def test_only_the_commonest_patterns_stay_when_there_are_too_many() -> None:
    patterns = [(0, 0, 0)] * 4 + [(1, 1, 1)] * 3 + [(0, 0, 1)] * 2 + [(1, 1, 0)] * 2
    groups, examples = grouped(patterns, [0] * 11, least=1, most=2)
    assert parts(groups) == {frozenset({0, 1, 2, 3, 7, 8}), frozenset({4, 5, 6, 9, 10})}
    assert {patterns[row] for row in examples} == {(0, 0, 0), (1, 1, 1)}


def test_kinds_never_mix_and_each_keeps_its_commonest_pattern() -> None:
    # the rare rows of kind 1 are exactly kind 0's pattern, but belong to their own kind
    patterns = [(0, 0)] * 5 + [(1, 1)] * 2 + [(0, 0)]
    groups, examples = grouped(patterns, [0] * 5 + [1] * 3, least=4, most=1)
    assert parts(groups) == {frozenset(range(5)), frozenset({5, 6, 7})}
    assert {patterns[row] for row in examples} == {(0, 0), (1, 1)}


@settings(max_examples=60)
@given(st.lists(st.tuples(PATTERN, st.integers(0, 2)), min_size=1, max_size=40), st.integers(1, 4))
def test_groups_are_what_a_dictionary_says(rows: list[tuple[tuple[int, ...], int]], least: int) -> None:
    patterns, kinds = [row[0] for row in rows], [row[1] for row in rows]
    groups, examples = grouped(patterns, kinds, least)
    count = Counter(rows)
    commonest = {kind: max(n for (_, k), n in count.items() if k == kind) for kind in set(kinds)}
    stays = {(pattern, kind) for (pattern, kind), n in count.items() if n >= least or n == commonest[kind]}
    assert sorted((patterns[row], kinds[row]) for row in examples) == sorted(stays)
    assert [groups[row] for row in examples] == list(range(len(examples)))
    for (pattern, kind), g in zip(rows, groups, strict=True):
        shown = patterns[examples[g]], kinds[examples[g]]
        if (pattern, kind) in stays:
            assert shown == (pattern, kind)
            continue

        def nearness(other: tuple[tuple[int, ...], int], mine: tuple[int, ...] = pattern) -> tuple[int, int]:
            return sum(a != b for a, b in zip(mine, other[0], strict=True)), -count[other]

        assert shown[1] == kind
        assert nearness(shown) == min(nearness(other) for other in stays if other[1] == kind)


@settings(max_examples=60)
@given(st.lists(st.tuples(PATTERN, st.integers(0, 2)), min_size=1, max_size=40), st.integers(1, 5))
def test_no_more_groups_than_most_beside_the_commonest_of_each_kind(
    rows: list[tuple[tuple[int, ...], int]], most: int
) -> None:
    kinds: NDArray[np.int64] = np.array([row[1] for row in rows])
    groups, examples = group(np.array([row[0] for row in rows], np.int16), kinds, 1, most)
    assert set(groups.tolist()) == set(range(len(examples)))
    assert {len(set(kinds[groups == g].tolist())) for g in range(len(examples))} == {1}
    count = Counter(rows)
    kept_anyway = [row for row in count if count[row] == max(count[other] for other in count if other[1] == row[1])]
    assert len(examples) <= most + len(kept_anyway)
    assert len(examples) >= min(most, len(count))


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(0, 99))
def test_means_finds_clouds_that_lie_apart(clouds: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    cloud = rng.permutation(np.repeat(np.arange(clouds), 20))
    vectors = np.column_stack([10.0 * cloud, -10.0 * cloud]) + rng.uniform(-0.1, 0.1, (len(cloud), 2))
    found = means(vectors, rng.integers(1, 5, len(cloud)), clouds, rng)
    assert len(set(zip(cloud.tolist(), found.tolist(), strict=True))) == clouds
    assert set(found.tolist()) == set(range(clouds))


def test_there_are_no_more_means_than_vectors_that_differ() -> None:
    vectors = np.repeat(np.eye(3), 30, axis=0)
    found = means(vectors, np.ones(90, np.int64), 50, np.random.default_rng(0))
    assert found.max() == 2
    assert len(set(zip(found.tolist(), vectors.argmax(1).tolist(), strict=True))) == 3


def test_a_vector_that_stands_for_none_moves_no_centre_and_has_a_group_nonetheless() -> None:
    vectors = np.array([[0.0], [1.0], [10.0], [11.0], [4.0]])
    found = means(vectors, np.array([1, 1, 1, 1, 0]), 2, np.random.default_rng(0)).tolist()
    assert found[0] == found[1] == found[4] != found[2] == found[3]


def test_centres_lie_where_most_of_what_vectors_stand_for_is() -> None:
    # if all counted once, 6 and 10 would be a group; the centres are all but at 4 and at 10
    vectors = np.array([[0.0], [4.0], [6.0], [10.0]])
    found = means(vectors, np.array([1, 1000, 1, 1000]), 2, np.random.default_rng(0)).tolist()
    assert found[0] == found[1] == found[2] != found[3]
