"""KISS2, the tables of Berkeley's tools for logic synthesis: input bits, state, next state, output bits.

Triggers and outputs are numbered in bits. The output of a machine without outputs is the visible state that it enters,
as its log shows it. What the log never showed is left out, which a synthesiser takes for free to choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fsmlearn.export.names import ascii_name, names
from fsmlearn.formats import printable
from fsmlearn.machine import Machine, Transition


def write(machine: Machine) -> str:
    """The machine in KISS2; of several ways on the likeliest."""
    return "".join(f"{line}\n" for line in _lines(machine))


def _lines(machine: Machine) -> Iterator[str]:
    outputs = any(t.output is not None for t in machine.transitions)

    def shown(t: Transition) -> str | None:
        return t.output if outputs else machine.labels[t.next_state]

    ways = [found[0] for state in machine.labels for found in machine.ways(state).values()]
    states = names(machine.labels, "state", clean=_token)
    inputs, results = _bits(machine.triggers), _bits(dict.fromkeys(map(shown, ways)))
    yield from (f"# state {name} is {printable(state)}" for state, name in states.items() if state != name)
    yield from (f"# input {bits} is {printable(word or '')}" for word, bits in inputs.items())
    yield from (f"# output {bits} is {printable(word or '')}" for word, bits in results.items())
    yield f".i {len(next(iter(inputs.values()), '0'))}"
    yield f".o {len(next(iter(results.values()), '0'))}"
    yield f".p {len(ways)}"
    yield f".s {len(states)}"
    yield f".r {states[machine.initial]}"
    yield from (f"{inputs[t.trigger]} {states[t.state]} {states[t.next_state]} {results[shown(t)]}" for t in ways)
    yield ".e"


def _bits(words: Iterable[str | None]) -> dict[str | None, str]:
    """Each word's number in as many bits as all of them need, one at least."""
    words = list(words)
    width = max(1, (len(words) - 1).bit_length())
    return {word: f"{i:0{width}b}" for i, word in enumerate(words)}


def _token(word: str) -> str:
    """A name that may begin with a digit: some readers want states to be numbers."""
    return ascii_name(f"s{word}")[1:]
