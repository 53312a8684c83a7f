"""`Log` -> `Histories`: what the network is trained on, as integer arrays without words.

A row becomes its input words (current state and trigger where the log shows states, the trigger alone where it
hides them) and a target word (next state and output together). Where a log has events alone, each of them and the
start of a trace ask for the event that follows, or for the end. Long traces are cut into windows that know the
window before them, so that the hidden vector can be carried over and memory does not grow with a trace's length.

A hidden vector depends on the inputs since the start of its trace and on nothing else. Rows with the same history, i.e.
the same inputs up to and with their own, have one number, by which `forest` joins them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.logs import UNKNOWN, Log

Answer = tuple[int, int]  # next state and output, -1 where there is none
WINDOW = 64  # rows a gradient reaches back at most


@dataclass(frozen=True, eq=False)
class Histories:
    """Rows as the network sees them. N rows (of a log of events, one more for each trace), F input words a row,
    W windows.

    Window w is the rows starts[w] : starts[w] + lengths[w]; its hidden vector goes on from that of window
    previous[w], or from zero where previous[w] is -1. Windows with the same history at their ends are one, places[w].
    """

    inputs: NDArray[np.int32]  # (N, F)
    targets: NDArray[np.int32]  # (N,), -1 where the log does not say, as at the start and the end of a piece of a trace
    words: int  # D, input words in all
    answers: tuple[tuple[int, int], ...]  # (O,) target word -> (next state, output), -1 where there is none,
    # as in a log of events, whose target words are the events and the end
    starts: NDArray[np.int64]  # (W,)
    lengths: NDArray[np.int64]  # (W,)
    previous: NDArray[np.int64]  # (W,)
    history: NDArray[np.int64]  # (N,) number of the history up to and with each row, 0, 1, ... without gaps
    places: NDArray[np.int64]  # (W,) number of each distinct window, 0, 1, ... without gaps
    like: NDArray[np.integer[Any]]  # (R,) for each trace that is learned from, which of those with windows it is like

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def distinct(self) -> int:
        """Number of distinct histories."""
        return int(self.history.max(initial=-1)) + 1

    @cached_property
    def trace(self) -> NDArray[np.int64]:
        """(W,) trace of each window."""
        return np.cumsum(self.previous < 0) - 1

    @cached_property
    def copies(self) -> NDArray[np.int64]:
        """(W,) how many windows of traces that are learned from each window stands for."""
        return np.bincount(self.like, minlength=int(self.trace[-1]) + 1 if len(self.trace) else 0)[self.trace]

    @property
    def rows(self) -> int:
        """Rows of all the traces that are learned from."""
        return int(self.copies @ self.lengths)


def histories(
    log: Log,
    window: int = WINDOW,
    like: NDArray[np.integer[Any]] | None = None,
    answers: Sequence[Answer] = (),
    pieces: NDArray[np.bool_] | None = None,
) -> Histories:
    """Code a log for the network; windows are at most `window` rows long.

    `like` (R,) are the traces to learn from, by which trace of this log each is like; its own unless given. `answers`
    are target words that come first, whether the log has them or not; a log of events has its own. Its `pieces` (R,)
    are no whole traces: what they begin with, and that they end, says nothing.
    """
    offsets = log.offsets
    if log.kind == "sequence":
        mark = len(log.triggers)  # the start as an input word, the end as a target word
        inputs = np.insert(log.trigger.astype(np.int32), offsets[:-1], mark)[:, None]
        targets = np.insert(log.trigger.astype(np.int32), offsets[1:], mark)
        words = mark + 1
        told = tuple((UNKNOWN, UNKNOWN) for _ in range(words))
        offsets = offsets + np.arange(len(offsets))
        if pieces is not None:
            targets[offsets[:-1][pieces]] = targets[offsets[1:][pieces] - 1] = UNKNOWN
    else:
        inputs, words = log.trigger[:, None], len(log.triggers)
        if log.kind == "visible":
            inputs = np.stack([log.state.astype(np.int32), log.trigger.astype(np.int32) + len(log.states)], 1)
            words += len(log.states)
        targets, told = _answers(log, answers)
    length = np.diff(offsets)
    many = -(-length // window)  # windows per trace
    trace = np.repeat(np.arange(len(length)), many)
    first = np.cumsum(many) - many
    piece = np.arange(len(trace)) - first[trace]
    starts = offsets[:-1][trace] + piece * window
    lengths = np.minimum(length[trace] - piece * window, window)
    previous = np.where(piece > 0, np.arange(len(trace)) - 1, -1)
    history = numbered(inputs, words, offsets)
    places = np.unique(history[starts + lengths - 1], return_inverse=True)[1]
    if like is None:
        like = np.arange(np.count_nonzero(length))
    inputs = inputs.astype(np.int32)
    return Histories(inputs, targets, words, told, starts, lengths, previous, history, places, like)


def numbered(inputs: NDArray[np.integer[Any]], words: int, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the distinct histories of rows with inputs (N, F), the traces being cut at offsets (R + 1,): (N,).

    A history is known by the sum, modulo 2^64, of random numbers for its inputs times random numbers for their places
    in the trace. That two histories happen to have one sum is all but impossible, and would be found: by induction,
    rows have one history if they have the same inputs and the rows before them have one history, or both have none.
    """
    (n, features), lengths = inputs.shape, np.diff(offsets)
    place = np.arange(n) - np.repeat(offsets[:-1], lengths)
    for seed in count():
        rng = np.random.default_rng(seed)
        of_inputs = rng.integers(1 << 64, size=(features, words), dtype=np.uint64)
        of_places = rng.integers(1 << 64, size=int(lengths.max(initial=0)), dtype=np.uint64) | np.uint64(1)
        terms = of_inputs[np.arange(features), inputs].sum(1, dtype=np.uint64)
        sums = np.cumsum(terms * of_places[place], dtype=np.uint64)
        sums -= np.repeat(np.append(np.uint64(0), sums)[offsets[:-1]], lengths)
        order = np.argsort(sums)
        new = np.diff(sums[order], prepend=sums[order[:1]] + np.uint64(1)) != 0
        number = np.empty(n, np.int64)
        number[order] = np.cumsum(new) - 1
        before = np.where(place > 0, np.append(-1, number)[:n], -1)
        example = order[new][number]
        if np.array_equal(inputs, inputs[example]) and np.array_equal(before, before[example]):
            break
    return number


def _answers(log: Log, first: Sequence[Answer]) -> tuple[NDArray[np.int32], tuple[Answer, ...]]:
    """The target word of every row (N,), and what each target word stands for, those given coming first."""
    outputs = len(log.outputs) + 1
    pair = (log.next_state.astype(np.int64) + 1) * outputs + log.output + 1
    known = (log.next_state != UNKNOWN) | (log.output != UNKNOWN)
    distinct, index = np.unique(pair[known], return_inverse=True)
    found = [(int(p) // outputs - 1, int(p) % outputs - 1) for p in distinct]
    answers = tuple(dict.fromkeys((*first, *found)))
    number = {answer: code for code, answer in enumerate(answers)}
    targets = np.full(len(log), UNKNOWN, np.int32)
    targets[known] = np.array([number[answer] for answer in found], np.int32)[index]
    return targets, answers
