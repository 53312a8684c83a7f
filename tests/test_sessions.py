"""The processes of benchmarks/anomalies.py make what they can make, and nothing that was planted."""

from __future__ import annotations

import anomalies
import numpy as np
import pytest
from sessions import KINDS, PROCESSES, again, could_make, draw, par, perhaps, plant, seq


def test_membership_by_hand() -> None:
    process = seq("a", par(seq("b", "c"), again(0.5, 2, "d")), perhaps(0.5, "e"))
    for session, made in {
        "abc": True,
        "abdcd": True,
        "adbdce": True,
        "adddbc": False,
        "acb": False,
        "abce": True,
        "abcee": False,
        "ab": False,
        "": False,
    }.items():
        assert could_make(process, session) == made, session


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_could_make_what_it_makes_but_not_what_is_planted(name: str) -> None:
    process, rng = PROCESSES[name](), np.random.default_rng(0)
    made = [draw(process, rng) for _ in range(20)]
    assert all(could_make(process, session) for session in made)
    for kind in KINDS:
        assert not could_make(process, plant(kind, process, made, rng))


def test_the_other_detectors_know_what_they_have_seen() -> None:
    known = [["a", "b", "c"], ["a", "c", "b"], ["a", "b", "c", "b", "c"]] * 40
    for detector in (anomalies.grams(known), anomalies.counts(known), anomalies.pca(known, 0.95)):
        assert detector(known) == [False] * len(known)
    odd = [["a", "b"], ["b", "a", "c"], ["a", "b", "c", "x"], ["a", *"bc" * 30]]
    assert anomalies.grams(known)(odd) == [True, True, True, False]
    assert anomalies.counts(known)(odd) == [True, False, True, True]
    assert anomalies.pca(known, 0.95)(odd)[3]
