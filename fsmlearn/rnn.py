"""What all recurrent cells share: packed batches, the output layer, the loss, and the frame of both passes.

Arrays in, arrays out, by hand in NumPy. Neither this module nor the cells (`elman`, `gru`, `lstm`) know of logs,
machines, optimisers or epochs; `train` drives a cell and `extract` asks it what it would answer. A batch is
*packed*: the rows of step t stand together, so that no arithmetic is spent on padding, and what traces have in common
is one row. Only what depends on the step before runs step by step; all else is one operation over all rows.

Letters: B memories that a batch starts from, T steps of its longest trace, N rows, E targets, F input words per row, D
input words in all, H hidden units, M numbers of memory, in V vectors, Z pre-activations of a row, in K blocks, O output
words.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fsmlearn.products import FloatArray, summed, times

IntArray = NDArray[np.integer[Any]]
Params = Mapping[str, FloatArray]  # a gradient is also a Params
Step = tuple[slice, "slice | IntArray"]  # rows of a batch, and of the memories that they go on from

LONGEST = 64  # rows that a gate keeps a memory for at first, at most
BLOCK = 1024  # rows that `step` takes at a time, to stay in the processor's cache


class Room:
    """Arrays to work in, kept from one batch to the next: memory that is fresh from the system is slow at first.

    What a pass gives back lies in them, and holds until the next pass in the same room.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, FloatArray] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> FloatArray:
        """The array of this name, in this shape, with anything in it."""
        size = math.prod(shape)
        found = self._arrays.get(name)
        if found is None or found.size < size or found.dtype != dtype:
            found = self._arrays[name] = np.empty(size + size // 4, dtype)
        return found[:size].reshape(shape)


@dataclass(frozen=True, eq=False)
class Batch:
    """Packed traces that may have their beginnings in common: rows of a tree, step by step.

    The rows of step t are sizes[:t].sum() and the sizes[t] that follow. Each goes on from row parents[i] of the starts
    with the rows of the batch put below them, several from the same one where traces part. Rows may be meant to answer
    with many targets, or with none.
    """

    inputs: IntArray  # (N, F) the input words of a row; their rows of U are added up
    sizes: IntArray  # (T,) rows of step t
    parents: IntArray  # (N,)
    start: FloatArray  # (B, M) memories that the traces start from; B is sizes[0]
    rows: IntArray  # (E,) the row that has
    targets: IntArray  # (E,) this output word for a target
    weights: FloatArray  # (E,) so many times

    @cached_property
    def steps(self) -> list[Step]:
        """The rows of each step and the memories that they go on from. As long as no trace parts or joins, those are a
        slice, which costs nothing."""
        begins = np.cumsum(self.sizes) - self.sizes
        moved = np.diff(self.parents, prepend=-1) != 1
        moved[begins] = self.parents[begins] != np.append(0, begins[:-1] + len(self.start))
        moved = np.logical_or.reduceat(moved, begins)
        steps: list[Step] = []
        lo, before = 0, 0
        for size, parted in zip(self.sizes.tolist(), moved.tolist(), strict=True):
            hi = lo + size
            steps.append((slice(lo, hi), self.parents[lo:hi] if parted else slice(before, before + size)))
            lo, before = hi, lo + len(self.start)
        return steps


@dataclass(frozen=True, eq=False)
class Forward:
    """What the backward pass needs of the forward pass."""

    states: FloatArray  # (V, B + N, H) the starts, then the memory after each row; the first vector is the hidden one
    kept: tuple[FloatArray, ...]  # what else the cell wants to find again
    probabilities: FloatArray  # (N, O) softmax of the output layer
    weight: float  # of all targets
    loss: float  # mean negative log-likelihood, nats per weighted target
    right: float  # weighted targets that are the likeliest output
    room: Room  # where all this lies

    @property
    def memory(self) -> FloatArray:
        """(N, M) memory after each row."""
        return self.after(np.arange(len(self.probabilities)))

    def after(self, rows: IntArray) -> FloatArray:
        """(n, M) memory after some rows."""
        return joined(self.states[:, rows + (self.states.shape[1] - len(self.probabilities))])


@dataclass(frozen=True, eq=False)
class Backward:
    """The gradient of the loss by every parameter, and by the memory."""

    grads: dict[str, FloatArray]
    d_states: FloatArray  # (V, B + N, H) by the starts, then by the memory after each row

    @property
    def memory(self) -> FloatArray:
        """(B + N, M) by the memories that the batch starts from, then by the memory after each row: of the losses of
        this row and of all that go on from it."""
        return joined(self.d_states)


@dataclass(frozen=True)
class Cell(ABC):
    """A recurrent cell with a softmax output layer: o(t) = softmax(V h(t) + c).

    What it carries from row to row is its *memory*, M numbers that begin with the H of the hidden vector h.
    Parameters of every cell: U (D, Z), W (H, Z), b (Z,), V (H, O), c (O,). They are stored so that rows multiply from
    the left: h W stands for the textbook's W h. x(t) is a sum of one-hot vectors, so U x is a sum of rows of U. Of
    the Z pre-activations the last H are what the new hidden vector is made of; noise goes there.
    """

    blocks: ClassVar[int] = 1  # K = Z / H
    vectors: ClassVar[int] = 1  # V = M / H
    gates: ClassVar[int] = 0  # of the blocks, the first, that a sigmoid makes gates of

    @abstractmethod
    def run(
        self, params: Params, z: FloatArray, states: FloatArray, steps: list[Step], room: Room
    ) -> tuple[FloatArray, ...]:
        """The recurrence: fills in the memory after each row (V, B + N, H), of which the B starts are there already.

        z (K, N, H), the inputs' share of the pre-activations, may be overwritten; that of the gates is halved, for
        `open_gates`. Returns what `unwind` wants kept. Rows may be lots (..., N, n, H) if a step goes on from only one.
        """

    @abstractmethod
    def unwind(
        self, params: Params, batch: Batch, forward: Forward, d_states: FloatArray
    ) -> tuple[FloatArray, dict[str, FloatArray]]:
        """The recurrence backwards, from dL/dmemory by each row's own output (V, B + N, H), to which it adds that of
        the rows that go on from it.

        Returns dL/dz by the inputs' share (K, N, H), and the gradients of the recurrent parameters.
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
        """One step without noise: memories (n, M), A lots of inputs for them (A n, F) -> the next memories (A n, M)."""
        (n, m), room = memory.shape, Room()
        after = np.empty((len(inputs), m), memory.dtype)
        size = max(BLOCK * n // max(len(inputs), 1), 1)
        for some in (slice(lo, lo + size) for lo in range(0, n, size)):
            words = inputs.reshape(-1, n, inputs.shape[1])[:, some]
            lots, rows, _ = words.shape
            z = self._gathered(params, words.reshape(lots * rows, -1), room).reshape(self.blocks, lots, rows, -1)
            states = self._started(memory[some], lots * rows, room).reshape(self.vectors, 1 + lots, rows, -1)
            self.run(params, z, states, [(slice(0, lots), slice(0, 1))], room)
            after.reshape(-1, n, m)[:, some] = states[:, 1:].transpose(1, 2, 0, 3).reshape(lots, rows, m)
        return after

    def forward(
        self, params: Params, batch: Batch, noise: FloatArray | None = None, room: Room | None = None
    ) -> Forward:
        """Run a batch; `noise` (N, H), if given, is added to the pre-activations that become the hidden vector."""
        room = room or Room()
        z = self._gathered(params, batch.inputs, room)
        if noise is not None:
            z[-1] += noise
        states = self._started(batch.start, len(batch.inputs), room)
        kept = self.run(params, z, states, batch.steps, room)
        # The outputs lie output by output in memory: NumPy finds the largest of a few numbers slowly in each of many
        # rows, but fast across many. The product is faster the other way round.
        rows, words = len(batch.inputs), len(params["c"])
        answers, logits = room.array("answers", (rows, words), z.dtype), room.array("logits", (words, rows), z.dtype)
        times(states[0, len(batch.start) :], params["V"], answers)
        np.add(answers.T, params["c"][:, None], out=logits)
        p = softmax(logits.T)
        likelihood = p[batch.rows, batch.targets]
        weight = float(batch.weights.sum())
        loss = -float(np.log(np.maximum(likelihood, np.finfo(p.dtype).tiny)) @ batch.weights) / max(weight, 1e-12)
        right = float((likelihood >= p.max(1)[batch.rows]) @ batch.weights)
        return Forward(states, kept, p, weight, loss, right, room)

    def backward(self, params: Params, batch: Batch, forward: Forward) -> Backward:
        """Back-propagation through time (Werbos 1990), along the branches of a tree."""
        d_logits = output_gradient(batch, forward)
        starts, (n, words) = len(batch.start), batch.inputs.shape
        d_states = forward.room.array("d_states", forward.states.shape, d_logits.dtype)
        d_states[0, :starts] = 0
        d_states[1:] = 0
        times(d_logits, params["V"].T.copy(), d_states[0, starts:])
        d_z, grads = self.unwind(params, batch, forward, d_states)
        by_u = joined(summed(one_hots(batch.inputs, len(params["U"]), d_z.dtype), d_z))
        grads |= {
            "U": by_u,
            "b": by_u.sum(0) / words,  # every row has as many words, and b once
            "V": summed(d_logits.T, forward.states[0, starts:]).T,
            "c": np.ones(n, d_z.dtype) @ d_logits,
        }
        return Backward(grads, d_states)

    def _gathered(self, params: Params, inputs: IntArray, room: Room) -> FloatArray:
        """U x + b, the inputs' share of the pre-activations, (K, N, H)."""
        first, *others = inputs.T
        z = room.array("z", (self.blocks, len(inputs), len(params["V"])), params["U"].dtype)
        for each, u in zip(z, self.halved(params["U"] + params["b"]), strict=True):
            np.take(u, first, axis=0, out=each, mode="clip")  # the only mode that writes straight into it
        for feature in others:
            for each, u in zip(z, self.halved(params["U"]), strict=True):
                each += np.take(u, feature, axis=0)
        return z

    def halved(self, weights: FloatArray) -> FloatArray:
        """Weights (n, Z) block by block, (K, n, H), those of the gates halved."""
        parts = split(weights, self.blocks)
        parts[: self.gates] *= 0.5
        return parts

    def _started(self, start: FloatArray, rows: int, room: Room) -> FloatArray:
        """Memories (B, M), and room for those after so many rows: (V, B + N, H)."""
        n, m = start.shape
        states = room.array("states", (self.vectors, n + rows, m // self.vectors), start.dtype)
        states[:, :n] = split(start, self.vectors)
        return states


def split(vectors: FloatArray, parts: int) -> FloatArray:
    """Rows (n, parts * H) as (parts, n, H). Each part is a whole in memory, where NumPy and BLAS are fastest."""
    return np.ascontiguousarray(vectors.reshape(len(vectors), parts, -1).transpose(1, 0, 2))


def joined(parts: FloatArray) -> FloatArray:
    """The inverse of `split`."""
    return parts.transpose(1, 0, 2).reshape(parts.shape[1], -1)


def lanes(sizes: IntArray) -> IntArray:
    """The parents (N,) of packed traces that have nothing in common, `sizes` (T,) of them being left at each step.

    Row j of a step goes on from row j of the step before.
    """
    begins = np.cumsum(sizes) - sizes
    before = np.append(0, begins[:-1] + sizes[0])
    parents: IntArray = np.arange(int(sizes.sum())) + np.repeat(before - begins, sizes)
    return parents


def open_gates(tanh: FloatArray) -> None:
    """The sigmoid of 2 z from tanh z, which overflows on neither side, in place."""
    tanh += 1.0
    tanh *= 0.5


def hand_back(d_states: FloatArray, source: slice | IntArray, carried: FloatArray) -> None:
    """Add what rows hand back (..., n, H) to the memories that they went on from, among (..., B + N, H)."""
    if isinstance(source, slice):
        before = d_states[..., source, :]
        before += carried
    else:  # several may go on from one: a matrix product adds them up
        lo = source.min()
        hot = one_hots(source[:, None] - lo, int(source.max() - lo) + 1, carried.dtype)
        d_states[..., lo : lo + len(hot), :] += hot @ carried


def one_hots(words: IntArray, of: int, dtype: np.dtype[Any]) -> FloatArray:
    """(of, n): for each of n rows a column with ones at its words (n, F). Times n rows it adds up those of a word."""
    hot = np.zeros((of, len(words)), dtype)
    rows = np.arange(len(words))
    first, *others = words.T
    hot[first, rows] = 1
    for feature in others:
        hot[feature, rows] += 1
    return hot


def softmax(logits: FloatArray) -> FloatArray:
    """Logits (n, O) as distributions, in place."""
    logits -= logits.max(1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(1, keepdims=True)
    return logits


def output_gradient(batch: Batch, forward: Forward) -> FloatArray:
    """dL/dlogits (N, O) = (p times the weight of a row's targets, less the weight of each) / the weight of all."""
    p = forward.probabilities
    weights = batch.weights / np.asarray(max(forward.weight, 1e-12), p.dtype)
    d = forward.room.array("d_logits", p.T.shape, p.dtype).T
    np.multiply(p, np.bincount(batch.rows, weights, len(p)).astype(p.dtype)[:, None], out=d)
    # a row may have the same target twice
    np.subtract.at(d.T.reshape(-1), batch.targets * len(p) + batch.rows, weights)
    return d


def before(batch: Batch, forward: Forward) -> FloatArray:
    """The hidden vector that each row went on from, (N, H)."""
    states = forward.states[0]
    found = forward.room.array("before", (len(batch.parents), states.shape[1]), states.dtype)
    return np.take(states, batch.parents, axis=0, out=found, mode="clip")


def keeping(hidden: int, rng: np.random.Generator) -> FloatArray:
    """Biases (H,) for gates that keep a memory: unit by unit for 2 to LONGEST + 1 rows, evenly on a log scale.

    A gate at sigmoid(b) lets a memory last 1 + exp(b) rows (after Tallec & Ollivier 2018, "Can recurrent neural
    networks warp time?", whose evenly drawn spans leave few units for what is near).
    """
    return rng.uniform(0, np.log(LONGEST), hidden).astype(np.float32)
