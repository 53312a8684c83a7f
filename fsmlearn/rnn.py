"""What all recurrent cells share: packed batches, the output layer, the loss, and the frame of both passes.

Arrays in, arrays out, by hand in NumPy. Neither this module nor the cells (`elman`, `gru`, `lstm`) know of logs,
machines, optimisers or epochs; `train` drives a cell and `extract` asks it what it would answer. A batch is
*packed*: its traces are sorted by falling length and the rows of step t stand together, so that no arithmetic is spent
on padding. Only what depends on the step before runs step by step; all else is one operation over all rows.

Letters: B traces in a batch, T steps of the longest, N rows of the batch (the sum of the trace lengths), F input words
per row, D input words in all, H hidden units, M numbers of memory, Z pre-activations of a row, O output words.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
Params = Mapping[str, FloatArray]  # a gradient is also a Params

LONGEST = 64  # rows that a gate keeps a memory for at first, at most
BLOCK = 4096  # rows that `step` takes at a time, to stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Batch:
    """Packed traces. The rows of step t are sizes[:t].sum() and the sizes[t] that follow; row j of a step
    continues row j of the step before it, hence sizes never rise."""

    inputs: IntArray  # (N, F) the input words of a row; their columns of U are added up
    targets: IntArray  # (N,) output words, -1 where the log does not say
    weights: FloatArray  # (N,) how many rows of the log this row stands for
    sizes: IntArray  # (T,) traces still running at step t, falling
    start: FloatArray  # (B, M) memories that the traces start from


@dataclass(frozen=True, eq=False)
class Forward:
    """What the backward pass needs of the forward pass."""

    memory: FloatArray  # (N, M) memory after each row; its first H numbers are the hidden vector
    kept: tuple[FloatArray, ...]  # what else the cell wants to find again
    probabilities: FloatArray  # (N, O) softmax of the output layer
    loss: float  # mean negative log-likelihood, nats per weighted row
    right: float  # weighted rows whose likeliest output is the target


@dataclass(frozen=True, eq=False)
class Backward:
    """The gradient of the loss by every parameter, and by the memory."""

    grads: dict[str, FloatArray]
    memory: FloatArray  # (N, M) by the memory before each row, of this row's loss and all later ones of the trace


@dataclass(frozen=True)
class Cell(ABC):
    """A recurrent cell with a softmax output layer: o(t) = softmax(V h(t) + c).

    What it carries from row to row is its *memory*, M numbers that begin with the H of the hidden vector h.
    Parameters of every cell: U (D, Z), W (H, Z), b (Z,), V (H, O), c (O,). They are stored so that rows multiply from
    the left: h W stands for the textbook's W h. x(t) is a sum of one-hot vectors, so U x is a sum of rows of U. Of
    the Z pre-activations the last H are what the new hidden vector is made of; noise goes there.
    """

    blocks: ClassVar[int] = 1  # Z / H
    vectors: ClassVar[int] = 1  # M / H

    @abstractmethod
    def run(
        self, params: Params, z: FloatArray, sizes: IntArray, start: FloatArray
    ) -> tuple[FloatArray, tuple[FloatArray, ...]]:
        """The recurrence: memory after each row (N, M), and what `unwind` wants kept.

        z (N, Z), the inputs' share of the pre-activations, may be overwritten.
        """

    @abstractmethod
    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_hidden: FloatArray
    ) -> tuple[FloatArray, FloatArray, dict[str, FloatArray]]:
        """The recurrence backwards, from dL/dh by each row's own output (N, H), which may be overwritten.

        Returns dL/dz by the inputs' share (N, Z), dL/dmemory before each row (N, M), and the gradients of the
        recurrent parameters.
        """

    def initial(self, inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> dict[str, FloatArray]:
        """Draw parameters for D input words, H hidden units and O output words, in float32.

        Every H columns of W are orthogonal, so that memories neither fade nor grow at first.
        """
        turns = []
        for _ in range(self.blocks):
            q, r = np.linalg.qr(rng.standard_normal((hidden, hidden)))
            turns.append(q * np.sign(np.diag(r)))
        params = {
            "W": np.concatenate(turns, 1),
            "U": rng.standard_normal((inputs, self.blocks * hidden)),
            "b": np.zeros(self.blocks * hidden),
            "V": rng.standard_normal((hidden, outputs)) / np.sqrt(hidden),
            "c": np.zeros(outputs),
        }
        return {name: value.astype(np.float32) for name, value in params.items()}

    def shapes(self, inputs: int, hidden: int, outputs: int) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter."""
        z = self.blocks * hidden
        return {"W": (hidden, z), "U": (inputs, z), "b": (z,), "V": (hidden, outputs), "c": (outputs,)}

    def fits(self, params: Params) -> bool:
        """Whether arrays that come from elsewhere have the names and the shapes of this cell's parameters."""
        found = {name: value.shape for name, value in params.items()}
        match found.get("U"), found.get("V"):
            case (inputs, _), (hidden, outputs):
                return found == self.shapes(inputs, hidden, outputs)
        return False

    def width(self, params: Params) -> int:
        """M, the length of a memory."""
        return self.vectors * len(params["V"])

    def logits(self, params: Params, memory: FloatArray) -> FloatArray:
        """What the output layer makes of memories (n, M): logits (n, O)."""
        p: FloatArray = memory[:, : len(params["V"])] @ params["V"]
        p += params["c"]
        return p

    def step(self, params: Params, memory: FloatArray, inputs: IntArray) -> FloatArray:
        """One step without noise: memories (n, M), inputs (n, F) -> the next memories (n, M)."""
        after = np.empty_like(memory)
        for lo in range(0, len(memory), BLOCK):
            now = memory[lo : lo + BLOCK]
            after[lo : lo + BLOCK], _ = self.run(
                params, _gather(params, inputs[lo : lo + BLOCK]), np.array([len(now)]), now
            )
        return after

    def forward(self, params: Params, batch: Batch, noise: FloatArray | None = None) -> Forward:
        """Run a batch; `noise` (N, H), if given, is added to the pre-activations that become the hidden vector."""
        z = _gather(params, batch.inputs)
        if noise is not None:
            z[:, -noise.shape[1] :] += noise
        memory, kept = self.run(params, z, batch.sizes, batch.start)
        p = softmax(self.logits(params, memory))
        weight = np.where(batch.targets >= 0, batch.weights, 0)
        target = np.maximum(batch.targets, 0)
        likelihood = np.maximum(p[np.arange(len(p)), target], np.finfo(p.dtype).tiny)
        loss = -float(np.log(likelihood) @ weight) / max(float(weight.sum()), 1e-12)
        right = float(weight[p.argmax(1) == target].sum())
        return Forward(memory, kept, p, loss, right)

    def backward(self, params: Params, batch: Batch, forward: Forward) -> Backward:
        """Back-propagation through time (Werbos 1990)."""
        d_logits = output_gradient(batch, forward)
        d_z, d_memory, grads = self.unwind(params, batch, forward, d_logits @ params["V"].T)
        hidden = forward.memory[:, : len(params["V"])]
        grads |= {
            "U": _gather_gradient(batch.inputs, d_z, len(params["U"])),
            "b": d_z.sum(0),
            "V": hidden.T @ d_logits,
            "c": d_logits.sum(0),
        }
        return Backward(grads, d_memory)


def softmax(logits: FloatArray) -> FloatArray:
    """Logits (n, O) as distributions, in place."""
    logits -= logits.max(1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(1, keepdims=True)
    return logits


def output_gradient(batch: Batch, forward: Forward) -> FloatArray:
    """dL/dlogits (N, O) = weight (p - onehot(target)) / sum of weights."""
    d = forward.probabilities.copy()
    weight = np.where(batch.targets >= 0, batch.weights, 0).astype(d.dtype)
    weight /= max(float(weight.sum()), 1e-12)
    d[np.arange(len(d)), np.maximum(batch.targets, 0)] -= 1
    d *= weight[:, None]
    return d


def before(batch: Batch, memory: FloatArray) -> FloatArray:
    """The memory that each row started from, (N, M)."""
    found = np.empty_like(memory)
    found[: len(batch.start)] = batch.start
    lo = 0
    for size, following in zip(batch.sizes.tolist(), batch.sizes[1:].tolist(), strict=False):
        found[lo + size : lo + size + following] = memory[lo : lo + following]
        lo += size
    return found


def keeping(hidden: int, rng: np.random.Generator) -> FloatArray:
    """Biases (H,) for gates that keep a memory: unit by unit for 2 to LONGEST + 1 rows, evenly on a log scale.

    A gate at sigmoid(b) lets a memory last 1 + exp(b) rows (after Tallec & Ollivier 2018, "Can recurrent neural
    networks warp time?", whose evenly drawn spans leave few units for what is near).
    """
    return rng.uniform(0, np.log(LONGEST), hidden).astype(np.float32)


def _gather(params: Params, inputs: IntArray) -> FloatArray:
    """U x + b, the inputs' share of the pre-activations, (N, Z)."""
    z: FloatArray = params["U"][inputs[:, 0]]
    for feature in inputs.T[1:]:
        z += params["U"][feature]
    z += params["b"]
    return z


def _gather_gradient(inputs: IntArray, d_z: FloatArray, words: int) -> FloatArray:
    """Gradient of U: the rows of d_z summed by input word, as one matrix product with the one-hot inputs."""
    hot = np.zeros((len(inputs), words), d_z.dtype)
    rows = np.arange(len(inputs))
    for feature in inputs.T:
        hot[rows, feature] += 1
    grad: FloatArray = hot.T @ d_z
    return grad
