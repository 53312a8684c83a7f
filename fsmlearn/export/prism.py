"""A model for PRISM and Storm: a Markov decision process that chooses triggers, or, of a machine that makes its events
itself, a Markov chain whose variable `event` is the latest of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from fsmlearn.export.names import names
from fsmlearn.export.vocabulary import Vocabulary
from fsmlearn.machine import Machine, Transition

WORDS = """
    A bool C ceil clock const ctmc deadlock double dtmc E endinit endinvariant endmodule endobservables
    endplayer endrewards endsystem event F false filter floor formula func G global I init int invariant label
    log ma machine max mdp min mod module multi nondeterministic none observable observables of output P player
    Pmax Pmin pomdp popta pow prob probabilistic pta R rate rewards Rmax Rmin round S smg state stochastic
    system true U W X
"""
TAKEN = frozenset(WORDS.split())


def write(machine: Machine) -> str:
    """The machine in PRISM's language, with all its probabilities."""
    return "".join(f"{line}\n" for line in _lines(machine))


def _lines(machine: Machine) -> Iterator[str]:
    said, markov = Vocabulary(machine, TAKEN), machine.kind == "lts"
    last, values = ("event", said.triggers) if markov else ("output", said.outputs)
    yield from said.remarks("//")
    yield "dtmc" if markov else "mdp"
    yield ""
    yield from (f"const int {name} = {i};" for i, name in enumerate(said.states.values()))
    if values:
        yield "const int none = 0;"
        yield from (f"const int {name} = {i};" for i, name in enumerate(values.values(), 1))
    yield ""
    yield "module machine"
    yield f"  state : [0..{max(1, len(said.states) - 1)}] init {said.states[machine.initial]};"
    if values:
        yield f"  {last} : [0..{len(values)}] init none;"

    def update(t: Transition) -> str:
        word = t.trigger if markov else t.output
        put = f" & ({last}'={'none' if word is None else values[word]})" if values else ""
        share = "" if t.probability == 1 else f"{t.probability!r} : "
        return f"{share}(state'={said.states[t.next_state]}){put}"

    for state, name in said.states.items():
        ways = machine.ways(state)
        if not ways:
            yield f"  [] state={name} -> true;"
        elif markov:
            yield f"  [] state={name} -> {' + '.join(map(update, chain.from_iterable(ways.values())))};"
        else:
            for trigger, each in ways.items():
                yield f"  [{said.triggers[trigger]}] state={name} -> {' + '.join(map(update, each))};"
    yield "endmodule"
    if said.visible:
        yield ""
    called = names(said.visible, "is", TAKEN)
    for label, members in said.visible.items():
        yield f'label "{called[label]}" = {" | ".join(f"state={name}" for name in members)};'
