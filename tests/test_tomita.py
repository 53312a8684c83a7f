"""Tomita's grammars: the benchmark's strings are what it says, and machines are learned from them exactly."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
import tomita

from fsmlearn.logs import UNKNOWN, read
from fsmlearn.machine import Machine

BY_PATTERN = {1: "1*", 2: "(10)*", 4: "(?!.*000).*", 7: "0*1*0*1*"}


def member(grammar: int, word: str) -> bool:
    """Membership by the definition, without an automaton."""
    if grammar in BY_PATTERN:
        return re.fullmatch(BY_PATTERN[grammar], word) is not None
    if grammar == 3:
        blocks = re.findall("1+|0+", word)
        odd = [len(block) % 2 == 1 for block in blocks]
        return not any(odd[i] and odd[i + 1] and blocks[i][0] == "1" for i in range(len(blocks) - 1))
    zeros, ones = word.count("0"), word.count("1")
    return zeros % 2 == ones % 2 == 0 if grammar == 5 else (zeros - ones) % 3 == 0


@pytest.mark.parametrize("grammar", tomita.GRAMMARS)
def test_automata_accept_the_languages(grammar: int) -> None:
    for length in range(11):
        for symbols in product("01", repeat=length):
            word = "".join(symbols)
            assert tomita.label(grammar, word) is member(grammar, word), word


def test_smallest_mealy_machines() -> None:
    # by hand: states that say and lead to the same under both symbols are one, whether accepting or not
    assert [len(tomita.mealy(grammar).states) for grammar in tomita.GRAMMARS] == [2, 3, 5, 4, 4, 3, 5]


@pytest.mark.parametrize("grammar", tomita.GRAMMARS)
def test_half_of_the_strings_are_in_the_language(grammar: int) -> None:
    strings = tomita.sample(grammar, 300, seed=1)
    assert sum(tomita.label(grammar, word) for word in strings) == 150
    assert {len(word) for word in strings} <= set(range(1, 16))
    assert strings == tomita.sample(grammar, 300, seed=1) != tomita.sample(grammar, 300, seed=2)


def test_strings_are_labelled_in_their_last_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    tomita.write(4, ["11", "0001"], path)
    log = read(path)
    assert [log.triggers[code] for code in log.trigger] == ["1", "1", "0", "0", "0", "1"]
    assert log.outputs == ("yes", "no") and log.output.tolist() == [UNKNOWN, 0, UNKNOWN, UNKNOWN, UNKNOWN, 1]


def test_what_counts_as_exact() -> None:
    true = tomita.mealy(5)
    assert tomita.judged(5, true, 0, 0.0)[:4] == (True, 4, 4, 1.0)
    rows = [(t.state, t.trigger, t.next_state, t.output) for t in true.transitions]
    names = [state.name for state in true.states]
    copied = [(names.index(q), a, names.index(p), o, 1) for q, a, p, o in rows]
    copied += [(q + 4, a, p, o, n) for q, a, p, o, n in copied]
    copied[0] = (*copied[0][:2], copied[0][2] + 4, *copied[0][3:])
    assert not tomita.judged(5, Machine.build("mealy", 0, [None] * 8, "01", copied), 0, 0.0).exact  # equal, too large
    less = Machine.build("mealy", 0, [None], "01", [(0, a, 0, "no", 1) for a in "01"])
    assert not tomita.judged(5, less, 0, 0.0).exact


@pytest.mark.parametrize(
    ("grammar", "seed"),
    [
        pytest.param(grammar, seed, marks=() if grammar in (4, 7) and seed == 0 else pytest.mark.slow)
        for grammar in tomita.GRAMMARS
        for seed in range(3)
    ],
)
def test_grammars_are_learned_exactly(grammar: int, seed: int, tmp_path: Path) -> None:
    result = tomita.learned(grammar, 300, seed, tmp_path)
    assert result.exact and result.right == 1
