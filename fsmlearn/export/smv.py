"""A model for NuSMV and nuXmv. Trigger and output are inputs of a step: what the environment chooses, and what it sees.

SMV knows no probabilities: every way on that the machine has is possible, and no other. Where nothing follows the model
rests, by the trigger `none`; a state without a next one would make every property of it true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fsmlearn.export.names import ascii_name, names
from fsmlearn.export.vocabulary import Vocabulary
from fsmlearn.machine import Machine

NONE = "none"
WORDS = """
    A ABF ABG abs ABU acos AF AG array asin ASSIGN atan AX bool boolean BU case clock COMPASSION COMPID COMPUTE
    COMPWFF CONSTANTS CONSTARRAY CONSTRAINT cos count CTLSPEC CTLWFF DEFINE E EBF EBG EBU EF EG esac EX exp
    extend F FAIRNESS FALSE floor FROZENVAR FUN G H in IN INIT init Integer integer INVAR INVARSPEC ISA ITYPE
    IVAR JUSTICE ln LTLSPEC LTLWFF main max MAX MDEFINE min MIN MIRROR mod MODULE NAME next NEXTWFF
    noncontinuous none O of output PARSYNTH pi pow PRED PREDICATES process PSLSPEC PSLWFF READ real Real resize
    S self signed SIMPWFF sin sizeof SPEC sqrt state swconst T tan time toint TRANS trigger TRUE typeof U union
    unsigned URGENT uwconst V VAR Word word word1 WRITE X xnor xor Y Z
"""
TAKEN = frozenset(WORDS.split())


def write(machine: Machine) -> str:
    """The machine as an SMV module."""
    return "".join(f"{line}\n" for line in _lines(machine))


def _lines(machine: Machine) -> Iterator[str]:
    said = Vocabulary(machine, TAKEN)

    def step(state: str, trigger: str, output: str, following: str) -> str:
        put = f" & output = {output}" if said.outputs else ""
        return f"state = {state} & trigger = {trigger}{put} & next(state) = {following}"

    steps = []
    for t in machine.transitions:
        output = NONE if t.output is None else said.outputs[t.output]
        steps.append(step(said.states[t.state], said.triggers[t.trigger], output, said.states[t.next_state]))
    ends = [name for state, name in said.states.items() if not machine.ways(state)]
    steps += [step(end, NONE, NONE, end) for end in ends]
    silent = bool(ends) or any(t.output is None for t in machine.transitions)

    yield from said.remarks("--")
    yield "MODULE main"
    yield "VAR"
    yield f"  state : {_set(said.states.values())};"
    yield "IVAR"
    yield f"  trigger : {_set([*said.triggers.values(), *[NONE] * bool(ends)])};"
    if said.outputs:
        yield f"  output : {_set([*said.outputs.values(), *[NONE] * silent])};"
    shared = {label: members for label, members in said.visible.items() if members != [label]}
    called = names(shared, "is", said.taken, lambda word: f"is_{ascii_name(word)}".rstrip("_"))
    yield from (f"DEFINE {called[label]} := state in {_set(members)};" for label, members in shared.items())
    yield f"INIT state = {said.states[machine.initial]};"
    yield "TRANS"
    yield "  " + "\n| ".join(steps) + ";"


def _set(words: Iterable[str]) -> str:
    return f"{{{', '.join(words)}}}"
