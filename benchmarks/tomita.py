#!/usr/bin/env python3
"""How many of Tomita's grammars are learned exactly from labelled strings: `python benchmarks/tomita.py --seeds 10`.

The seven regular languages over {0, 1} of Tomita (1982), each from 300 strings that are labelled as wholes: in the log
`trace,step,trigger,output` the output stands in the last row of a trace, yes or no. Half of the strings are in the
language and half are not. Lengths are uniform among those from 1 to 15 that have such a string, and a string is drawn
uniformly from all of its length; but every other string outside the language is one inside it with one or two symbols
changed. Strings may repeat, since the language 1* has only fifteen to offer. All is learned with the default settings.

A machine is exact if it gives every word but the empty one, which has no row, its label, in no more states than the
smallest Mealy machine that does. `right` is the share of 1,000 uniform strings of 90 symbols with the right label.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

import fsmlearn
from fsmlearn.equivalence import equivalent
from fsmlearn.machine import Machine

LONGEST = 15


class Automaton(NamedTuple):
    """A minimal deterministic automaton that starts in state 0."""

    says: str
    after: tuple[tuple[int, int], ...]  # state -> states after 0 and after 1
    accepting: frozenset[int]


GRAMMARS = {
    1: Automaton("1*", ((1, 0), (1, 1)), frozenset({0})),
    2: Automaton("(10)*", ((2, 1), (0, 2), (2, 2)), frozenset({0})),
    3: Automaton(
        "no odd block of 0s after an odd block of 1s", ((0, 1), (2, 0), (3, 4), (2, 1), (4, 4)), frozenset({0, 1, 3})
    ),
    4: Automaton("no 000", ((1, 0), (2, 0), (3, 0), (3, 3)), frozenset({0, 1, 2})),
    5: Automaton("even number of 0s and of 1s", ((1, 2), (0, 3), (3, 0), (2, 1)), frozenset({0})),
    6: Automaton("#0 - #1 divisible by 3", ((1, 2), (2, 0), (0, 1)), frozenset({0})),
    7: Automaton("0*1*0*1*", ((0, 1), (2, 1), (2, 3), (4, 3), (4, 4)), frozenset({0, 1, 2, 3})),
}


class Result(NamedTuple):
    """What one learned machine is worth."""

    exact: bool
    states: int
    fewest: int  # states of the smallest Mealy machine
    right: float  # share of long strings with the right label
    seconds: float


def label(grammar: int, word: str) -> bool:
    """Whether a word is in the language."""
    automaton, state = GRAMMARS[grammar], 0
    for symbol in word:
        state = automaton.after[state][int(symbol)]
    return state in automaton.accepting


def mealy(grammar: int) -> Machine:
    """The smallest machine that gives the label of every word but the empty one with the word's last symbol."""
    automaton = GRAMMARS[grammar]
    ways = [
        (state, str(symbol), after, "yes" if after in automaton.accepting else "no", 1)
        for state, afters in enumerate(automaton.after)
        for symbol, after in enumerate(afters)
    ]
    return Machine.build("mealy", 0, [None] * len(automaton.after), "01", ways).minimise()


@cache
def words(grammar: int, state: int, length: int, wanted: bool) -> int:
    """How many words of a length lead from a state to the wanted label."""
    automaton = GRAMMARS[grammar]
    if not length:
        return int((state in automaton.accepting) is wanted)
    return sum(words(grammar, after, length - 1, wanted) for after in automaton.after[state])


def drawn(grammar: int, wanted: bool, rng: np.random.Generator) -> str:
    """A random string of the wanted label: a length that has one, then any of that length."""
    lengths = [n for n in range(1, LONGEST + 1) if words(grammar, 0, n, wanted)]
    state, word = 0, ""
    for left in range(int(rng.choice(lengths)) - 1, -1, -1):
        zero, one = (words(grammar, after, left, wanted) for after in GRAMMARS[grammar].after[state])
        symbol = int(rng.random() * (zero + one) >= zero)
        state, word = GRAMMARS[grammar].after[state][symbol], word + str(symbol)
    return word


def near(grammar: int, rng: np.random.Generator) -> str:
    """A string outside the language that one or two changed symbols keep out of it."""
    while True:
        symbols = list(drawn(grammar, True, rng))
        for place in rng.choice(len(symbols), min(len(symbols), int(rng.integers(1, 3))), replace=False):
            symbols[place] = "10"[int(symbols[place])]
        if not label(grammar, word := "".join(symbols)):
            return word


def sample(grammar: int, strings: int, seed: int) -> list[str]:
    """Labelled strings as the first lines of this file describe them."""
    rng = np.random.default_rng([grammar, seed])
    chosen = [drawn(grammar, True, rng) for _ in range(strings // 2)]
    for i in range(strings - len(chosen)):
        chosen.append(near(grammar, rng) if i % 2 else drawn(grammar, False, rng))
    return [chosen[i] for i in rng.permutation(strings)]


def write(grammar: int, strings: list[str], path: Path) -> None:
    """Write strings as a log that hides its states."""
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["trace", "step", "trigger", "output"])
        for trace, word in enumerate(strings):
            said = "yes" if label(grammar, word) else "no"
            table.writerows([trace, i, symbol, said if i == len(word) - 1 else ""] for i, symbol in enumerate(word))


def judged(grammar: int, machine: Machine, seed: int, seconds: float) -> Result:
    """Compare a learned machine with the language."""
    true, rng = mealy(grammar), np.random.default_rng(seed)
    right = 0
    for symbols in rng.integers(2, size=(1000, 90)):
        word = "".join(map(str, symbols))
        steps = list(machine.run(word))
        right += len(steps) == len(word) and steps[-1].output == ("yes" if label(grammar, word) else "no")
    exact = equivalent(true, machine) is None and len(machine.states) <= len(true.states)
    return Result(exact, len(machine.states), len(true.states), right / 1000, seconds)


def learned(grammar: int, strings: int, seed: int, folder: Path) -> Result:
    """Learn one grammar from strings drawn with a seed."""
    path = folder / f"tomita_{grammar}.{seed}.csv"
    write(grammar, sample(grammar, strings, seed), path)
    began = time.perf_counter()
    machine = fsmlearn.learn(path).machine
    return judged(grammar, machine, seed, time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--strings", type=int, default=300)
    parser.add_argument("--grammars", default="1,2,3,4,5,6,7")
    parser.add_argument("--keep", type=Path, help="keep the logs in this folder")
    args = parser.parse_args()
    total: list[Result] = []
    print("| grammar | language | exact | states | right at length 90 | median s |\n|--:|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for grammar in map(int, args.grammars.split(",")):
            results = [learned(grammar, args.strings, seed, folder) for seed in range(args.seeds)]
            total += results
            states = " ".join(str(r.states) for r in results)
            right = np.mean([r.right for r in results])
            seconds = np.median([r.seconds for r in results])
            exact = f"{sum(r.exact for r in results)}/{len(results)}"
            of = results[0].fewest
            print(
                f"| {grammar} | {GRAMMARS[grammar].says} | {exact} | {states} of {of} | {right:.1%} | {seconds:.1f} |"
            )
    print(f"| | all | {sum(r.exact for r in total)}/{len(total)} | | | |")


if __name__ == "__main__":
    main()
