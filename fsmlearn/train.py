"""`Histories` -> epochs -> `Model`: Adam on packed minibatches, with noise in the recurrence.

`train` is an iterator of epochs, so that the caller owns the progress bar, the early stop and Ctrl-C, and chooses which
epoch's weights to keep. It knows nothing of words or machines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsmlearn.elman import Elman
from fsmlearn.gru import Gru
from fsmlearn.histories import Histories
from fsmlearn.lstm import Lstm
from fsmlearn.rnn import Batch, Cell, FloatArray, Params


@dataclass(frozen=True)
class Plan:
    """How to train."""

    hidden: int = 64
    epochs: int = 60
    rate: float = 4e-3  # peak of the one-cycle learning rate
    noise: float = 0.5  # standard deviation of the noise on the pre-activations
    clip: float = 1.0  # largest gradient norm
    batch: int = 64  # windows per minibatch
    held_out: float = 0.1  # share of traces that is only watched


@dataclass(frozen=True, eq=False)
class Epoch:
    """What one pass over the log came to. Losses are nats per row; accuracies shares of rows."""

    index: int
    planned: int
    loss: float
    accuracy: float
    held_out_loss: float
    held_out_accuracy: float
    gradient_norm: float
    learning_rate: float
    params: Params


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network and the cell that runs it."""

    cell: Cell
    params: Params


def cell_of(name: str, activation: str = "tanh") -> Cell:
    """The cell that settings call elman, gru or lstm; only Elman's has a choice of activations."""
    return {"elman": Elman(activation), "gru": Gru(), "lstm": Lstm()}[name]


def pack(data: Histories, windows: NDArray[np.int64], carried: FloatArray) -> tuple[Batch, NDArray[np.int64]]:
    """Pack windows (in any order) into a batch; also return the row of the log behind each packed row (N,)."""
    order = windows[np.argsort(-data.lengths[windows], kind="stable")]
    lengths = data.lengths[order]
    steps = np.arange(lengths[0])
    sizes = np.searchsorted(-lengths, -steps, side="left")  # windows longer than t
    step = np.repeat(steps, sizes)
    lane = np.arange(len(step)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = data.starts[order][lane] + step
    previous = data.previous[order]
    start = np.where((previous >= 0)[:, None], carried[previous], 0).astype(carried.dtype)
    weights = np.ones(len(rows), carried.dtype)
    return Batch(data.inputs[rows], data.targets[rows], weights, sizes, start), rows


def last_rows(batch: Batch) -> NDArray[np.int64]:
    """Packed row at which each of the batch's windows ends, (B,), in the batch's order."""
    lengths = (batch.sizes[None, :] > np.arange(len(batch.start))[:, None]).sum(1)
    ends: NDArray[np.int64] = (np.cumsum(batch.sizes) - batch.sizes)[lengths - 1] + np.arange(len(batch.start))
    return ends


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Learning rate that rises for 15 % of the steps and falls to nothing along a cosine (Smith 2018)."""
    warm = max(1, int(0.15 * steps))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def split(data: Histories, share: float, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Windows to train on and windows held out, whole traces each. Too small a log holds nothing out."""
    trace = np.cumsum(data.previous < 0) - 1
    traces = int(trace[-1]) + 1
    out = rng.permutation(traces)[: int(traces * share)]
    held = np.isin(trace, out)
    everything = np.arange(len(trace))
    return everything[~held], everything[held]


def train(data: Histories, cell: Cell, plan: Plan, rng: np.random.Generator) -> Iterator[Epoch]:
    """Train on a log, yielding every epoch with its weights; a later epoch does not change an earlier one's.

    Adam (Kingma & Ba 2015) under a one-cycle rate, gradients clipped to norm `plan.clip`, Gaussian noise on the
    pre-activations (Jim, Giles & Horne 1996): it drives the units into saturation, i.e. makes attractors.
    """
    params = cell.initial(data.words, plan.hidden, len(data.answers), rng)
    moments = {name: (np.zeros_like(p), np.zeros_like(p)) for name, p in params.items()}
    training, held = split(data, plan.held_out, rng)
    carried = np.zeros((len(data.starts), cell.width(params)), np.float32)  # memory after each window
    pool = rng.standard_normal(1 << 20, np.float32) * np.float32(plan.noise)
    batches = -(-len(training) // plan.batch)
    step = 0
    for index in range(1, plan.epochs + 1):
        loss = right = rows = norm = 0.0
        order = rng.permutation(training)
        for chosen in np.array_split(order, batches):
            batch, _ = pack(data, chosen, carried)
            size = len(batch.targets) * plan.hidden
            # Fresh Gaussians would cost more than the matrix products: reuse a pool at a random offset.
            offset = int(rng.integers(max(1, len(pool) - size)))
            noise = np.resize(pool[offset : offset + size], (len(batch.targets), plan.hidden))
            forward = cell.forward(params, batch, noise)
            grads = cell.backward(params, batch, forward).grads
            remember(data, batch, chosen, forward.memory, carried)
            length = float(np.sqrt(sum(float(np.vdot(g, g)) for g in grads.values())))
            rate = one_cycle(step, plan.epochs * batches, plan.rate)
            step += 1
            adam(params, grads, moments, step, rate, min(1.0, plan.clip / max(length, 1e-12)))
            count = float(batch.weights[batch.targets >= 0].sum())
            loss, right, rows, norm = loss + forward.loss * count, right + forward.right, rows + count, norm + length
        held_loss, held_accuracy = (
            evaluate(data, cell, params, held, carried) if len(held) else (loss / rows, right / rows)
        )
        yield Epoch(
            index, plan.epochs, loss / rows, right / rows, held_loss, held_accuracy, norm / batches, rate, dict(params)
        )


def remember(
    data: Histories, batch: Batch, windows: NDArray[np.int64], memory: FloatArray, carried: FloatArray
) -> None:
    """Keep the last memories of windows for the windows that go on from them."""
    order = windows[np.argsort(-data.lengths[windows], kind="stable")]
    carried[order] = memory[last_rows(batch)]


def adam(
    params: dict[str, FloatArray],
    grads: Params,
    moments: dict[str, tuple[FloatArray, FloatArray]],
    step: int,
    rate: float,
    scale: float,
) -> None:
    """One step of Adam on gradients times `scale`. Parameters are replaced, not changed: epochs keep theirs."""
    for name, value in params.items():
        m, v = moments[name]
        g = grads[name] * np.float32(scale)
        m += np.float32(0.1) * (g - m)
        v += np.float32(0.001) * (g * g - v)
        unit = np.sqrt(v / np.float32(1 - 0.999**step)) + np.float32(1e-8)
        params[name] = value - np.float32(rate / (1 - 0.9**step)) * m / unit


def evaluate(
    data: Histories, cell: Cell, params: Params, windows: NDArray[np.int64], carried: FloatArray
) -> tuple[float, float]:
    """Loss and accuracy on windows, without noise."""
    loss = right = rows = 0.0
    for chosen in np.array_split(windows, -(-len(windows) // 256)):
        batch, _ = pack(data, chosen, carried)
        forward = cell.forward(params, batch)
        remember(data, batch, chosen, forward.memory, carried)
        count = float(batch.weights[batch.targets >= 0].sum())
        loss, right, rows = loss + forward.loss * count, right + forward.right, rows + count
    return loss / max(rows, 1), right / max(rows, 1)


def visit(data: Histories, cell: Cell, params: Params) -> FloatArray:
    """Memory *before* each row of the log, (N, M), the windows run in order."""
    before = np.zeros((len(data), cell.width(params)), np.float32)
    carried = np.zeros((len(data.starts), cell.width(params)), np.float32)
    depth = np.zeros(len(data.starts), np.int64)
    for w in np.flatnonzero(data.previous >= 0):
        depth[w] = depth[data.previous[w]] + 1
    for d in range(int(depth.max()) + 1):
        level = np.flatnonzero(depth == d)
        for chosen in np.array_split(level, -(-len(level) // 256)):
            batch, rows = pack(data, chosen, carried)
            memory = cell.forward(params, batch).memory
            remember(data, batch, chosen, memory, carried)
            first = data.starts[chosen]
            before[first] = np.where((data.previous[chosen] >= 0)[:, None], carried[data.previous[chosen]], 0)
            inner = ~np.isin(rows, data.starts[chosen] + data.lengths[chosen] - 1)
            before[rows[inner] + 1] = memory[inner]
    return before
