"""The trained network as a dynamical system: where its memory was, and where it goes when triggers are repeated.

The network's map takes a memory and an input to the next memory. Where a log hides its states the input is the trigger.
Where it shows them the input is the visible state as well, and there the circle is closed: the visible state of the
next step is the one that the network has just answered with, as in `extract`. So a trigger can be repeated by itself,
and a memory with its visible state is all that the future depends on.

Letters: P visited memories, n any memories, M numbers of memory, S visible states. All in float64.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fsmlearn.errors import ModelError
from fsmlearn.machine import Machine
from fsmlearn.predict import Follower
from fsmlearn.rnn import Cell, Params
from fsmlearn.sample import Sample, SampledTrace
from fsmlearn.train import Model

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNSURE = -1  # in place of a state, where the rows leave it open
SURE = 0.9  # share of a belief that makes it a state
STILL = 1e-6  # that a memory moves at most where it rests
REPEATS = 500  # of a word, within which it has to
TRIED = 16  # visited memories of a state that are tried
APART = 1e-3  # between two points of rest
NUDGE = 1e-2  # from which a memory must find back to a point of rest that attracts


class Network:
    """A network with the words of its log. Raises ModelError where the two do not belong together."""

    def __init__(self, model: Model, sample: Sample) -> None:
        self.cell: Cell = model.cell
        self.params: Params = {name: value.astype(np.float64) for name, value in model.params.items()}
        self.sample = sample
        answers = len(sample.triggers) + 1 if sample.kind == "sequence" else len(sample.answers)
        if (sample.words, answers) != (len(self.params["U"]), len(self.params["c"])):
            raise ModelError("the model's network and its sample of the log do not belong together; train it again")

    @property
    def width(self) -> int:
        """M."""
        return self.cell.width(self.params)

    @cached_property
    def _shown(self) -> Ints:
        """The visible state that each answer names."""
        return np.array([state for state, _ in self.sample.answers], np.int64)

    def told(self, memory: Floats) -> Ints:
        """The visible states (n,) that the network answers with at memories (n, M); -1 where the log hides them."""
        if self.sample.kind != "visible":
            return np.full(len(memory), -1)
        answers: Ints = self._shown[self.cell.logits(self.params, memory).argmax(1)]
        return answers

    def move(self, memory: Floats, shown: Ints, trigger: Ints | int) -> tuple[Floats, Ints]:
        """One step: memories (n, M) and visible states (n,) -> those after a trigger, or after one (n,) for each."""
        inputs = np.broadcast_to(trigger, len(memory))[:, None]
        if self.sample.kind == "visible":
            inputs = np.column_stack([shown, inputs + len(self.sample.states)])
        after = np.asarray(self.cell.step(self.params, memory, inputs), np.float64)
        answered = self.told(after)
        return after, np.where(answered < 0, shown, answered)

    def repeat(self, memory: Floats, shown: Ints, word: Sequence[int]) -> tuple[Floats, Ints]:
        """The triggers of a word one after the other."""
        for trigger in word:
            memory, shown = self.move(memory, shown, trigger)
        return memory, shown

    def lead(self, memory: Floats, shown: Ints, moving: Ints, word: Sequence[int]) -> Ints:
        """Repeat a word, in place, at those of some memories (n, M) that still move (k,), and say which still do."""
        after, then = self.repeat(memory[moving], shown[moving], word)
        still = (np.linalg.norm(after - memory[moving], axis=1) <= STILL) & (then == shown[moving])
        memory[moving], shown[moving] = after, then
        rest: Ints = moving[~still]
        return rest


@dataclass(frozen=True, eq=False)
class Visits:
    """Where the network's memory was between the rows of the sample: before the first of a trace, and after each."""

    memory: Floats  # (P, M)
    shown: Ints  # (P,) visible state, -1 where the log hides it
    state: Ints  # (P,) of the machine, an index into its states, or UNSURE
    trace: Ints  # (P,) of the sample
    place: Ints  # (P,) rows of the trace before it

    def of(self, trace: int) -> Ints:
        """The visits of one trace, in order."""
        return np.flatnonzero(self.trace == trace)


def visits(network: Network, machine: Machine) -> Visits:
    """Run the network over the sample, all traces side by side, and the machine beside it. Raises ModelError where the
    sample is empty."""
    traces = network.sample.traces
    if not traces:
        raise ModelError("the model keeps no rows of its log; train it again with `fsmlearn train LOG`")
    lengths = np.array([len(trace) for trace in traces])
    size, longest = len(traces), int(lengths.max())
    triggers = np.full((size, longest), -1)
    shown = np.full((size, longest + 1), -1)
    state = np.full((size, longest + 1), UNSURE)
    for r, trace in enumerate(traces):
        triggers[r, : len(trace)] = trace.trigger
        shown[r, : len(trace) + 1] = (*trace.state, trace.next_state[-1])
        state[r, : len(trace) + 1] = states_of(machine, network.sample, trace)
    memory = np.zeros((longest + 1, size, network.width))
    if network.sample.kind == "sequence":  # the start of a trace is an input of its own
        memory[0], _ = network.move(memory[0], shown[:, 0], np.full(size, len(network.sample.triggers)))
    for t in range(longest):
        on = np.flatnonzero(lengths > t)
        memory[t + 1, on], _ = network.move(memory[t, on], shown[on, t], triggers[on, t])
    of, place = np.nonzero(np.arange(longest + 1) <= lengths[:, None])
    return Visits(memory[place, of], shown[of, place], state[of, place], of, place)


def states_of(machine: Machine, sample: Sample, trace: SampledTrace) -> list[int]:
    """The state of the machine before the first row of a trace and after each: an index, or UNSURE."""
    number = {name: i for i, name in enumerate(machine.labels)}
    labels = set(machine.labels.values())
    follower = Follower(machine)
    found = []

    def note(shown: int) -> None:
        belief = follower.belief
        if sample.kind == "visible":
            belief = {name: share for name, share in belief.items() if machine.labels[name] == sample.states[shown]}
        likely = max(belief, key=lambda name: belief[name], default=None)
        sure = likely is not None and belief[likely] >= SURE * sum(belief.values())
        found.append(number[likely] if sure and likely is not None else UNSURE)

    for row, trigger in enumerate(trace.trigger):
        word = sample.triggers[trigger]
        state = sample.states[trace.state[row]] if sample.kind == "visible" else None
        if machine.kind == "lts":
            note(UNSURE)
            follower.outlook(word)
            continue
        if state is None or state in labels:
            follower.answer(state, word)  # starts anew where the machine has no place for the row
        note(trace.state[row])
        follower.move(word, sample.outputs[trace.output[row]] if trace.output[row] >= 0 else None)
    note(trace.next_state[-1])
    return found


@dataclass(frozen=True, eq=False)
class Rest:
    """Where memories (n, M) came to, and whether each rests there: the word that was repeated moves it no more."""

    memory: Floats  # (n, M)
    shown: Ints  # (n,)
    still: NDArray[np.bool_]  # (n,)


def settle(network: Network, memory: Floats, shown: Ints, word: Sequence[int], most: int = REPEATS) -> Rest:
    """Repeat a word until a memory rests, `most` times at most. Iterates the map itself, in all M numbers."""
    memory, shown = memory.copy(), shown.copy()
    moving = np.arange(len(memory))
    for _ in range(most):
        moving = network.lead(memory, shown, moving, word)
        if not len(moving):
            break
    rests = np.ones(len(memory), np.bool_)
    rests[moving] = False
    return Rest(memory, shown, rests)


@dataclass(frozen=True, eq=False)
class Attractor:
    """A point that the network settles to. Where `word` is longer than one trigger, a point of a cycle."""

    state: int  # of the machine, or UNSURE where nothing near was visited
    word: tuple[int, ...]  # what is repeated, indices of triggers
    memory: Floats  # (M,)
    shown: int  # visible state
    share: float  # of the visited memories that were tried, those that settle here


def nearest(visited: Visits, memory: Floats) -> Ints:
    """The state (n,) of the visited memory that lies nearest to each of some memories (n, M); UNSURE where all of them
    are further away than the furthest is from their mean."""
    known = np.flatnonzero(visited.state != UNSURE)
    others = visited.memory[known] - visited.memory.mean(0)
    square = (others**2).sum(1)
    found = []
    for part in np.array_split(memory - visited.memory.mean(0), -(-len(memory) // 512)):
        distance = square - 2 * part @ others.T
        closest = distance.argmin(1)
        far = distance[np.arange(len(part)), closest] + (part**2).sum(1) > square.max()
        found.append(np.where(far, UNSURE, visited.state[known[closest]]))
    return np.concatenate(found)


def resting(network: Network, visited: Visits, word: Sequence[int], among: Ints, most: int = TRIED) -> list[Attractor]:
    """The points that attract visited memories `among` when a word is repeated, the commonest first; at most `most`
    memories are tried, evenly spread."""
    tried = among[np.unique(np.linspace(0, len(among) - 1, min(most, len(among))).astype(np.int64))]
    rest = settle(network, visited.memory[tried], visited.shown[tried], word)
    left = np.flatnonzero(rest.still)
    found = []
    while len(left):
        memory, shown = rest.memory[left[0]], int(rest.shown[left[0]])
        here = (np.linalg.norm(rest.memory[left] - memory, axis=1) < APART) & (rest.shown[left] == shown)
        if _attracts(network, memory, shown, word):
            state = int(nearest(visited, memory[None])[0])
            found.append(Attractor(state, tuple(word), memory, shown, float(here.sum()) / len(tried)))
        left = left[~here]
    return sorted(found, key=lambda each: -each.share)


def _attracts(network: Network, memory: Floats, shown: int, word: Sequence[int]) -> bool:
    """Whether memories beside a point of rest, in a few random directions, come back to it."""
    beside = np.random.default_rng(0).normal(size=(4, len(memory)))
    beside *= NUDGE / np.linalg.norm(beside, axis=1, keepdims=True)
    back = settle(network, memory + beside, np.full(4, shown), word)
    return bool((np.linalg.norm(back.memory - memory, axis=1) < APART).all())


def attractors(network: Network, machine: Machine, visited: Visits) -> dict[int, Attractor]:
    """For each state the point that half of its visited memories or more settle to when what keeps it is repeated: a
    trigger that leads back to it at once, the one with the most rows first, or else a shortest word that does.

    A state that nothing leads back to has no attractor, nor has one whose memories drift on, or end in another state. A
    network that has learned a machine robustly has one for every such state and word (Casey 1996, "The dynamics of
    discrete-time computation"); how slowly a cell with gates forgets is not told apart from drifting.
    """
    number = {trigger: i for i, trigger in enumerate(machine.triggers)}
    found = {}
    for q, name in enumerate(machine.labels):
        among = np.flatnonzero(visited.state == q)
        for way in ways_back(machine, name) if len(among) else ():
            points = resting(network, visited, [number[trigger] for trigger in way], among)
            if points and points[0].share >= 0.5 and points[0].state == q:
                found[q] = points[0]
                break
    return found


def ways_back(machine: Machine, name: str) -> list[tuple[str, ...]]:
    """Words that lead from a state back to it, always by the likeliest way: the triggers that keep it, the one with the
    most rows first, or where there is none a shortest word."""
    keeping = [ways[0] for trigger in machine.triggers if (ways := machine.successors(name, trigger))]
    keeping = sorted((t for t in keeping if t.next_state == name), key=lambda t: -t.count)
    if keeping:
        return [(t.trigger,) for t in keeping]
    words: dict[str, tuple[str, ...]] = {name: ()}
    todo = deque([name])
    while todo:
        state = todo.popleft()
        for trigger in machine.triggers:
            for t in machine.successors(state, trigger)[:1]:
                if t.next_state == name:
                    return [(*words[state], trigger)]
                if t.next_state not in words:
                    words[t.next_state] = (*words[state], trigger)
                    todo.append(t.next_state)
    return []
