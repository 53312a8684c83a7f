"""Groups of rows that look alike -> a deterministic automaton, by majority of the rows of each group.

The groups know what may come next but not how one follows from the other: the rows of a group that show an event go on
to many groups, most of them to one. Where the automaton of these majorities runs, every row gets the state that its
past leads to, the rows vote again, and strays are gone. Codes in, codes out, as in `contexts`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fsmlearn.contexts import CUT, STOP

Ints = NDArray[np.int64]

ROUNDS = 4  # of voting at most


def elect(groups: Ints, traces: Sequence[Sequence[int]], copies: Ints, mark: int) -> tuple[Ints, list[dict[int, int]]]:
    """Make an automaton of groups of rows: one group before every event and every end, (N + R,), trace after trace, of
    which each stands for so many copies (R,).

    Returns what `contexts.remember` does: the state before every event and every end, and for each state where the
    events that the traces have there lead, the end (the code `mark`, which traces have last, or CUT) leading to STOP.
    State 0 is the initial one.
    """
    events = np.concatenate(traces).astype(np.int64)
    length = np.array([len(trace) for trace in traces])
    ends = np.cumsum(length) - 1
    begin = np.append(0, ends[:-1] + 1)
    inside = np.ones(len(events), np.bool_)
    inside[ends] = False
    moves = np.flatnonzero(inside)
    times = np.repeat(copies, length)[moves]
    states, size = groups, int(groups.max()) + 1
    for _ in range(ROUNDS):
        initial = int(np.bincount(states[begin], copies).argmax())
        target = _majority(states[moves] * mark + events[moves], states[moves + 1], times, size * mark)
        anywhere = _majority(events[moves], states[moves + 1], times, mark)
        step = np.where(target >= 0, target, np.tile(anywhere, size)).tolist()
        walked = []
        for trace in traces:
            state = initial
            walked.append(state)
            for event in trace[:-1]:
                state = step[state * mark + event]
                walked.append(state)
        before, states = states, np.array(walked, np.int64)
        if np.array_equal(before, states):
            break
    met, first = np.unique(states, return_index=True)
    number = np.empty(size, np.int64)
    number[met[np.argsort(first)]] = np.arange(len(met))  # the first row is in the initial state
    states = number[states]
    targets: list[dict[int, int]] = [{} for _ in met]
    for state, event, following in zip(
        states[moves].tolist(), events[moves].tolist(), states[moves + 1].tolist(), strict=True
    ):
        targets[state][event] = following
    for state in states[ends[events[ends] != CUT]].tolist():
        targets[state][mark] = STOP
    return states, targets


def _majority(keys: Ints, votes: Ints, times: Ints, size: int) -> Ints:
    """The commonest vote under every key (size,), each vote being cast so many times; STOP where there is none."""
    winner = np.full(size, STOP)
    if len(keys):
        many = int(votes.max()) + 1
        pairs, index = np.unique(keys * many + votes, return_inverse=True)
        order = np.argsort(np.bincount(index, times), kind="stable")
        winner[pairs[order] // many] = pairs[order] % many  # of several, the last one stays: the commonest
    return winner
