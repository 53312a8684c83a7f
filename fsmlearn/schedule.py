"""What network a log is learned by where nobody says, in which steps, and when to stop: `Histories` -> `Plan`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fsmlearn.config import Settings
from fsmlearn.histories import Histories
from fsmlearn.logs import LogKind
from fsmlearn.train import Epoch, Plan

LEARNED = 1e-3  # held-out loss, nats a row, at which nothing is left to learn
SETTLED = 5  # epochs that are trained in any case
RESTED = 1 / 3  # share of the planned epochs that bring no lower one where it rests
STEPS = 2000  # of training at least, on a log of events or one that repeats itself


def usual_cell(kind: LogKind, activation: str) -> str:
    """The cell where none is asked for. Hidden states are all memory, which gates keep better; only an Elman cell has
    a choice of activations."""
    return "gru" if kind == "hidden" and activation == "tanh" else "elman"


def planned(data: Histories, cell: str, settings: Settings, *, sequence: bool = False) -> Plan:
    """Sizes that need no choice: a bigger network for a bigger log, smaller minibatches for a smaller one.

    A cell with gates bears, and wants, a higher rate; then it learns in fewer epochs than an Elman cell. Where windows
    repeat themselves an epoch has fewer steps than the log's length would make, and there are more epochs.
    """
    rows, windows, distinct = data.rows, int(data.copies.sum()), int(data.places.max()) + 1
    if cell == "elman":
        hidden, epochs, rate = 128 if rows > 20_000 else 64, 60, 4e-3
    else:
        hidden, epochs, rate = 128, 20, 1.2e-2
    batch = minibatch(distinct)
    steps = STEPS  # a few long traces of events make few steps of an epoch
    if not sequence:
        steps = min(steps, epochs * windows // minibatch(windows))
    epochs = int(np.clip(steps * batch // distinct, epochs, 5 * epochs))
    return Plan(settings.hidden or hidden, settings.epochs or epochs, rate, batch=batch)


def minibatch(windows: int) -> int:
    """Windows of a minibatch, in a log of so many."""
    return int(np.clip(windows // 30, 8, 64))


def ended(epochs: Sequence[Epoch]) -> bool:
    """Whether nothing is left to learn.

    A loss that merely rests says little: memory is often found late. Where it rests while the network comes to know the
    traces that it trains on better than it ever knew the others, these are only learned by heart.
    """
    best, last = min(epochs, key=lambda epoch: epoch.held_out_loss), epochs[-1]
    rests = last.index - best.index >= RESTED * last.planned
    by_heart = rests and last.loss < best.held_out_loss
    return (best.held_out_loss < LEARNED or by_heart) and len(epochs) > SETTLED
