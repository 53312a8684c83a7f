"""Rows that say how things stand -> those in which one variable was misread.

Such a row breaks no chain, for its state is what one move leads to and the next one comes from. It shows as an
excursion: with another value of one variable the moves into it and out of it would be far more usual. Rare moves can be
true. Misreadings are spread over all moves alike, so where one has more of them than the others would let expect, it is
no misreading.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.signedinteger[Any]]

TIMES = 30  # as likely as the moves that a row shows are those that it would show without its misreading
CHANCE = 1e-4  # of so many misreadings of one move, or more, at which they are taken for the truth

Move = tuple[int, int, int]  # state (-1 where a trace begins), trigger, next state (-1 where it ends)
Pattern = tuple[int, int, int, int, int]  # state and trigger before, state, trigger and state after
Claim = tuple[Move, int, int]  # the move that there truly is, the variable that was misread, the state that was read


def misread(values: Ints, state: Codes, trigger: Codes, begins: Ints) -> tuple[Ints, Ints]:
    """(rows in which a variable was misread, their true states).

    The states (S, V) are given by the values of their variables. Of each row (N,) there are its state and the trigger
    that led to it, -1 where there is none; traces begin on the rows `begins`.
    """
    first = np.zeros(len(state) + 1, np.bool_)
    first[begins], first[-1] = True, True
    rows, patterns, kind = _patterns(state, trigger, first, len(values))
    claims = _claims(patterns, _neighbours(values))
    into = Counter[Move]()
    for (a, x, s, _, _), times in patterns.items():
        into[a, x, s] += times
    told, total = Counter[Claim](), Counter[int]()
    for claim, times in zip(claims, patterns.values(), strict=True):
        if claim is not None:
            told[claim[0]] += times
            total[claim[0][1]] += times
    true, sure = np.full(len(claims), -1), np.zeros(len(claims))
    for k, claim in enumerate(claims):
        if claim is not None:
            (move, variable, _), better = claim
            others = (total[variable] - told[claim[0]] + 1) / len(state)  # misreadings a row, but for these
            if _more(told[claim[0]], into[move] * others) > CHANCE:
                true[k], sure[k] = move[2], better
    wrong = (true >= 0)[kind]
    at, kind = rows[wrong], kind[wrong]
    # one misreading makes its neighbours unusual too, so of two rows in a row only the surer one is misread
    surest = np.ones(len(at), np.bool_)
    for one, other in pairwise(range(len(at))):
        if at[other] == at[one] + 1 and not first[at[other]]:
            surest[one if sure[kind[one]] < sure[kind[other]] else other] = False
    return at[surest], true[kind[surest]]


def _patterns(
    state: Codes, trigger: Codes, first: NDArray[np.bool_], states: int
) -> tuple[Ints, dict[Pattern, int], Ints]:
    """(the rows (M,) around which something happens, how often each pattern comes, (M,) which one each shows), for
    rows that are alike are judged once."""
    still = (trigger < 0) & ~first[:-1]
    still[1:] &= state[1:] == state[:-1]
    still[:-1] &= still[1:]
    still[-1:] = False  # a trace ends there
    rows = np.flatnonzero(~still)
    calm = np.bincount(state[still], minlength=states).tolist()
    begin, end = first[rows], first[rows + 1]
    next_rows = np.where(end, rows, rows + 1)
    here = state[rows].astype(np.int64)
    before = np.where(begin, -1, state[rows - 1].astype(np.int64))
    after = np.where(end, -1, state[next_rows].astype(np.int64))
    led = np.where(begin, -1, trigger[rows].astype(np.int64))
    leads = np.where(end, -1, trigger[next_rows].astype(np.int64))
    triggers = int(trigger.max(initial=-1)) + 2
    into = np.unique(((before + 1) * triggers + led + 1) * states + here, return_inverse=True)[1]
    out = np.unique((leads + 1) * (states + 1) + after + 1, return_inverse=True)[1]
    both = into * (int(out.max(initial=0)) + 1) + out
    _, sample, kind, count = np.unique(both, return_index=True, return_inverse=True, return_counts=True)
    columns = (each[sample].tolist() for each in (before, led, here, leads, after))
    patterns: dict[Pattern, int] = dict(zip(zip(*columns, strict=True), count.tolist(), strict=True))
    for s, times in enumerate(calm):
        if times:
            calmly = (s, -1, s, -1, s)
            patterns[calmly] = patterns.get(calmly, 0) + times
    return rows, patterns, kind


def _claims(patterns: dict[Pattern, int], near: list[list[tuple[int, int]]]) -> list[tuple[Claim, float] | None]:
    """For each pattern, what is claimed to be there in truth, and how much more usual that is."""
    into, out, all_out = Counter[Move](), Counter[Move](), Counter[tuple[int, int]]()
    for (a, x, s, y, c), rows in patterns.items():
        into[a, x, s] += rows
        out[s, y, c] += rows
        all_out[s, y] += rows

    def usual(a: int, x: int, s: int, y: int, c: int) -> float:
        return into[a, x, s] * out[s, y, c] / max(all_out[s, y], 1)

    found: list[tuple[Claim, float] | None] = []
    for a, x, s, y, c in patterns:
        others = ((usual(a, x, other, y, c), other, variable) for other, variable in near[s])
        best, other, variable = max(others, default=(0.0, s, 0))
        times = best / usual(a, x, s, y, c)
        found.append((((a, x, other), variable, s), times) if times >= TIMES else None)
    return found


def _neighbours(values: Ints) -> list[list[tuple[int, int]]]:
    """Of each state those that differ from it in one variable, and that variable."""
    near: list[list[tuple[int, int]]] = [[] for _ in values]
    for variable in range(values.shape[1]):
        alike: dict[tuple[int, ...], list[int]] = {}
        for state, rest in enumerate(np.delete(values, variable, 1).tolist()):
            alike.setdefault(tuple(rest), []).append(state)
        for states in alike.values():
            for state in states:
                near[state] += [(other, variable) for other in states if other != state]
    return near


def _more(count: int, expected: float) -> float:
    """The chance of so many or more where so many are expected (Poisson)."""
    term, below = math.exp(-expected), 0.0
    for n in range(count):
        below += term
        term *= expected / (n + 1)
    return max(1.0 - below, 0.0)
