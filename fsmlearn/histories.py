"""`Log` -> `Histories`: what the network is trained on, as integer arrays without words.

A row becomes its input words (current state and trigger where the log shows states, the trigger alone where it
hides them) and a target word (next state and output together). Where a log has events alone, each of them and the
start of a trace ask for the event that follows, or for the end. Long traces are cut into windows that know the
window before them, so that the hidden vector can be carried over and memory does not grow with a trace's length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsmlearn.logs import UNKNOWN, Log

WINDOW = 64  # rows a gradient reaches back at most


@dataclass(frozen=True, eq=False)
class Histories:
    """Rows as the network sees them. N rows (of a log of events, one more for each trace), F input words a row,
    W windows.

    Window w is the rows starts[w] : starts[w] + lengths[w]; its hidden vector goes on from that of window
    previous[w], or from zero where previous[w] is -1.
    """

    inputs: NDArray[np.int32]  # (N, F)
    targets: NDArray[np.int32]  # (N,), -1 where the log does not say
    words: int  # D, input words in all
    answers: tuple[tuple[int, int], ...]  # (O,) target word -> (next state, output), -1 where there is none,
    # as in a log of events, whose target words are the events and the end
    starts: NDArray[np.int64]  # (W,)
    lengths: NDArray[np.int64]  # (W,)
    previous: NDArray[np.int64]  # (W,)

    def __len__(self) -> int:
        return len(self.targets)


def histories(log: Log, window: int = WINDOW) -> Histories:
    """Code a log for the network; windows are at most `window` rows long."""
    offsets = log.offsets
    if log.kind == "sequence":
        mark = len(log.triggers)  # the start as an input word, the end as a target word
        inputs = np.insert(log.trigger.astype(np.int32), offsets[:-1], mark)[:, None]
        targets = np.insert(log.trigger.astype(np.int32), offsets[1:], mark)
        words = mark + 1
        answers = tuple((UNKNOWN, UNKNOWN) for _ in range(words))
        offsets = offsets + np.arange(len(offsets))
    else:
        inputs, words = log.trigger[:, None], len(log.triggers)
        if log.kind == "visible":
            inputs = np.stack([log.state.astype(np.int32), log.trigger.astype(np.int32) + len(log.states)], 1)
            words += len(log.states)
        targets, answers = _answers(log)
    length = np.diff(offsets)
    pieces = -(-length // window)  # windows per trace
    trace = np.repeat(np.arange(len(length)), pieces)
    first = np.cumsum(pieces) - pieces
    piece = np.arange(len(trace)) - first[trace]
    starts = offsets[:-1][trace] + piece * window
    lengths = np.minimum(length[trace] - piece * window, window)
    previous = np.where(piece > 0, np.arange(len(trace)) - 1, -1)
    return Histories(inputs.astype(np.int32), targets, words, answers, starts, lengths, previous)


def _answers(log: Log) -> tuple[NDArray[np.int32], tuple[tuple[int, int], ...]]:
    """The target word of every row (N,), and the (next state, output) that each target word stands for."""
    pair = (log.next_state.astype(np.int64) + 1) * (len(log.outputs) + 1) + log.output + 1
    known = (log.next_state != UNKNOWN) | (log.output != UNKNOWN)
    distinct, code = np.unique(pair[known], return_inverse=True)
    targets = np.full(len(log), UNKNOWN, np.int32)
    targets[known] = code
    return targets, tuple((int(p) // (len(log.outputs) + 1) - 1, int(p) % (len(log.outputs) + 1) - 1) for p in distinct)
