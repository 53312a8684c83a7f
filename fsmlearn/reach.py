"""How far back a network's learning reaches: the gradient of the loss by the memory, lag by lag.

A gradient that fades on its way back cannot teach what lies further back than that: the vanishing gradient (Hochreiter
1991; Bengio, Simard & Frasconi 1994). It is measured here on a trained network; nothing in training depends on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fsmlearn.errors import LogError
from fsmlearn.histories import Histories
from fsmlearn.rnn import Batch, Cell, IntArray, Params, lanes, output_gradient
from fsmlearn.train import visit

ROWS = 1000  # of a log at most, evenly spread over those that can be asked
CHUNK = 200  # rows at a time
DEEPEST = 60  # lags that are worth a look, about as far as a gradient reaches in training


def reach(data: Histories, cell: Cell, params: Params, lags: int, rows: IntArray | None = None) -> NDArray[np.float64]:
    """The mean norm of dL(t) / dm(t - lag) for lag 0, 1, ..., lags, (lags + 1,).

    L(t) is the loss of row t alone, in nats, and m(t) the memory after it: the hidden vector, and with it the cell
    state of an LSTM. The mean is over the same rows for every lag: those among `rows` (all of the log if not given)
    whose trace has `lags` rows before them and whose answer is known, at most ROWS of them. Raises LogError if there
    is none.
    """
    params = {name: value.astype(np.float64) for name, value in params.items()}
    begins = data.starts[data.previous < 0]
    asked = np.arange(len(data)) if rows is None else np.sort(rows)
    place = asked - begins[np.searchsorted(begins, asked, side="right") - 1]  # in its trace
    asked = asked[(place >= lags) & (data.targets[asked] >= 0)]
    if not len(asked):
        raise LogError(f"no row has {lags} others before it in its trace; ask for fewer")
    asked = asked[np.unique(np.linspace(0, len(asked) - 1, min(ROWS, len(asked))).astype(np.int64))]
    memory = visit(data, cell, params)
    total = np.zeros(lags + 1)
    for lo in range(0, len(asked), CHUNK):
        total += _norms(data, cell, params, asked[lo : lo + CHUNK], lags, memory).sum(1)
    return total / len(asked)


def depth(data: Histories, rows: IntArray | None = None) -> int:
    """How many lags a fifth of some rows, all of the log if not given, has rows for, DEEPEST at most. Raises LogError
    where there are no rows."""
    if rows is not None and not len(rows):
        raise LogError("no row of the kind is there to be asked; name another trigger")
    begins = data.starts[data.previous < 0]
    asked = np.arange(len(data)) if rows is None else rows
    place = asked - begins[np.searchsorted(begins, asked, side="right") - 1]
    return min(int(np.quantile(place, 0.8)), DEEPEST)


def _norms(
    data: Histories, cell: Cell, params: Params, asked: IntArray, lags: int, memory: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Norms (lags + 1, n) for n rows: each is the end of a trace of its own, and its loss the only one there."""
    n, steps = len(asked), max(lags, 1)
    run = (asked - np.arange(steps)[::-1, None]).ravel()  # packed: step by step
    sizes = np.full(steps, n)
    batch = Batch(
        inputs=data.inputs[run],
        sizes=sizes,
        parents=lanes(sizes),
        start=memory[run[:n]].astype(np.float64),
        rows=np.arange(len(run) - n, len(run)),
        targets=data.targets[run[-n:]],
        weights=np.ones(n),
    )
    forward = cell.forward(params, batch)
    by_hidden = output_gradient(batch, forward)[-n:] @ params["V"].T
    by_memory = cell.backward(params, batch, forward).memory[:-n]  # by that before each row
    by_memory = by_memory.reshape(steps, n, -1)[::-1][:lags]
    norms = [np.linalg.norm(by_hidden, axis=1), *np.linalg.norm(by_memory, axis=2)]
    return n * np.array(norms)  # the batch's loss is the mean over its n rows
