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
from fsmlearn.forest import Forest, Hand, Ints, forest, pack, whole
from fsmlearn.gru import Gru
from fsmlearn.histories import Histories
from fsmlearn.lstm import Lstm
from fsmlearn.products import FloatArray
from fsmlearn.rnn import Cell, Params, Room


@dataclass(frozen=True)
class Plan:
    """How to train."""

    hidden: int = 64
    epochs: int = 60
    rate: float = 4e-3  # peak of the one-cycle learning rate
    noise: float = 0.5  # standard deviation of the noise on the pre-activations
    clip: float = 1.0  # largest gradient norm
    batch: int = 64  # distinct windows per minibatch
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


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Learning rate that rises for 15 % of the steps and falls to nothing along a cosine (Smith 2018)."""
    warm = max(1, int(0.15 * steps))
    if step < warm:
        return peak * (step + 1) / warm
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def split(data: Histories, share: float, rng: np.random.Generator) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Windows to train on and windows held out, whole traces each, and how often each is meant.

    Too small a log holds nothing out. Of traces that are alike some may be held out.
    """
    traces = len(data.like)
    out = rng.permutation(traces)[: int(traces * share)]
    held = np.bincount(data.like[out], minlength=int(data.trace[-1]) + 1)[data.trace]
    left = data.copies - held
    training, watched = np.flatnonzero(left), np.flatnonzero(held)
    return (training, left[training]), (watched, held[watched])


def train(
    data: Histories, cell: Cell, plan: Plan, rng: np.random.Generator, start: Params | None = None
) -> Iterator[Epoch]:
    """Train on a log, yielding every epoch with its weights; a later epoch does not change an earlier one's.

    The weights begin at `start`, or where they are drawn.

    Adam (Kingma & Ba 2015) under a one-cycle rate, gradients clipped to norm `plan.clip`, Gaussian noise on the
    pre-activations (Jim, Giles & Horne 1996): it drives the units into saturation, i.e. makes attractors.
    """
    values = Flat(start or cell.initial(data.words, plan.hidden, len(data.answers), rng))
    adam = Adam(values.vector)
    training, held = (forest(data, *windows) for windows in split(data, plan.held_out, rng))
    carried = np.zeros((int(data.places.max()) + 1, cell.width(values.params)), np.float32)  # memory after each window
    pool = rng.standard_normal(1 << 20, np.float32) * np.float32(plan.noise)
    batches = -(-len(training) // plan.batch)
    usual = float(training.weights.sum()) / batches  # weight of a batch
    room, step = Room(), 0
    for index in range(1, plan.epochs + 1):
        loss = right = rows = norm = 0.0
        for packed in pack(training, deal(training, batches, rng)):
            batch = packed.batch(carried)
            # Fresh Gaussians would cost more than the matrix products: reuse a pool at a random offset.
            size = len(packed.rows) * plan.hidden
            if len(pool) < 2 * size:
                pool = np.resize(pool, 2 * size)
            offset = int(rng.integers(len(pool) - size))
            noise = pool[offset : offset + size].reshape(-1, plan.hidden)
            forward = cell.forward(values.params, batch, noise, room)
            gradient = values.flattened(cell.backward(values.params, batch, forward).grads)
            carried[packed.places] = forward.after(packed.ends)
            # A batch counts as much as it weighs, or heavy traces would be worth less than they are.
            gradient *= np.float32(forward.weight / usual)
            length = math.sqrt(float(gradient @ gradient))
            gradient *= np.float32(min(1.0, plan.clip / max(length, 1e-12)))
            rate = one_cycle(step, plan.epochs * batches, plan.rate)
            step += 1
            adam.step(gradient, rate)
            loss, right, rows = loss + forward.loss * forward.weight, right + forward.right, rows + forward.weight
            norm += length
        held_loss, held_accuracy = (
            evaluate(held, cell, values.params, carried) if len(held) else (loss / rows, right / rows)
        )
        yield Epoch(
            index, plan.epochs, loss / rows, right / rows, held_loss, held_accuracy, norm / batches, rate, values.copy()
        )


def deal(grove: Forest, batches: int, rng: np.random.Generator) -> Iterator[Hand]:
    """Deal distinct windows out to so many minibatches, and say what share (B,) of a window's weight each gets.

    A window that outweighs a whole minibatch goes to several, and they share its weight: else one gradient would be all
    that is learned of it.
    """
    weights = np.add.reduceat(np.append(grove.weights, 0), grove.begins[:-1]) * (np.diff(grove.begins) > 0)
    times = np.clip(np.rint(weights * batches / max(float(weights.sum()), 1e-12)), 1, batches).astype(np.int64)
    order = rng.permutation(len(grove))
    cards = np.repeat(order, times[order])
    for k in range(batches):
        hand = cards[k::batches]
        yield hand, (1 / times[hand]).astype(np.float32)


class Flat:
    """Parameters as one vector, so that an optimiser's step is a few operations whatever their number."""

    def __init__(self, params: Params) -> None:
        self.shapes = {name: value.shape for name, value in params.items()}
        self.vector = self.flattened(params)
        self.params = self._named(self.vector)

    def flattened(self, grads: Params) -> FloatArray:
        """A gradient in the order of the vector."""
        return np.concatenate([grads[name].ravel() for name in self.shapes])

    def copy(self) -> dict[str, FloatArray]:
        """The parameters as they are now."""
        return self._named(self.vector.copy())

    def _named(self, vector: FloatArray) -> dict[str, FloatArray]:
        ends = np.cumsum([math.prod(shape) for shape in self.shapes.values()])[:-1]
        parts = np.split(vector, ends)
        return {name: part.reshape(shape) for (name, shape), part in zip(self.shapes.items(), parts, strict=True)}


class Adam:
    """Adam on a vector of parameters, which it changes in place."""

    def __init__(self, vector: FloatArray) -> None:
        self.vector, self.steps = vector, 0
        self.mean, self.square = np.zeros_like(vector), np.zeros_like(vector)

    def step(self, gradient: FloatArray, rate: float) -> None:
        """One step against a gradient, which may be overwritten."""
        self.steps += 1
        scratch = gradient - self.mean
        scratch *= 0.1
        self.mean += scratch
        gradient *= gradient
        gradient -= self.square
        gradient *= 0.001
        self.square += gradient
        np.multiply(self.square, 1 / (1 - 0.999**self.steps), out=gradient)
        np.sqrt(gradient, out=gradient)
        gradient += 1e-8
        np.divide(self.mean, gradient, out=scratch)
        scratch *= rate / (1 - 0.9**self.steps)
        self.vector -= scratch


def evaluate(grove: Forest, cell: Cell, params: Params, carried: FloatArray) -> tuple[float, float]:
    """Loss and accuracy on windows, without noise."""
    room, loss, right, rows = Room(), 0.0, 0.0, 0.0
    hands = np.array_split(np.arange(len(grove)), -(-len(grove) // 256))
    for packed in pack(grove, map(whole, hands)):
        forward = cell.forward(params, packed.batch(carried), room=room)
        carried[packed.places] = forward.after(packed.ends)
        loss, right, rows = loss + forward.loss * forward.weight, right + forward.right, rows + forward.weight
    return loss / max(rows, 1), right / max(rows, 1)


def visit(data: Histories, cell: Cell, params: Params) -> FloatArray:
    """Memory *before* each row of the log, (N, M)."""
    return remember(data, cell, params)[history_before(data, np.arange(len(data)))]


def history_before(data: Histories, rows: NDArray[np.int64]) -> Ints:
    """The history before each of some rows (n,), the number of histories where a trace begins."""
    before = data.history[rows - 1]
    before[np.isin(rows, data.starts[data.previous < 0])] = data.distinct
    return before


def remember(data: Histories, cell: Cell, params: Params) -> FloatArray:
    """Memory after each history of the log, and after none, (P + 1, M); equal windows are run once."""
    grove = forest(data, np.arange(len(data.starts)))
    after = np.empty((data.distinct + 1, cell.width(params)), np.float32)
    after[-1] = 0
    carried = np.zeros((len(grove), after.shape[1]), np.float32)
    numbers = np.arange(len(data.starts))
    depth = numbers - np.maximum.accumulate(np.where(data.previous < 0, numbers, 0))
    depth = depth[grove.windows]
    room = Room()
    levels = np.split(np.argsort(depth, kind="stable"), np.cumsum(np.bincount(depth))[:-1])
    for level in levels:
        for packed in pack(grove, map(whole, np.array_split(level, -(-len(level) // 256)))):
            memory = cell.forward(params, packed.batch(carried), room=room).memory
            carried[packed.places] = memory[packed.ends]
            after[data.history[packed.rows]] = memory
    return after
