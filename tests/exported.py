"""Machines for the tests of exports, among them one made of words that are hard to write down, and words to walk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

import numpy as np
from machines import WASH, truth

from fsmlearn.formats import printable
from fsmlearn.machine import Machine, Transition

HARD = [
    *("Rinse·2", "Rinse_2", "Rinse 2", "<b>x</b>", "<br/>", '"quoted"', "it's", "a/b", "a / b", "/", "x (50 %)"),
    *("a\\b", "\\", "\\n", "new\nline", "tab\t", "\x1b[31m", "ünïcode", "日本", "2nd", "007", "7", "²", "true"),
    *("None", "class", "end", "End", "state", "State", "note", "init", "next", "self", "send", "states", "model"),
    *("trigger", "name", "id", "__start0", "__proto__", "constructor", "on_enter_state", "before_x", "done_x"),
    *("error_x", "put", "Machine", "main", "#1;", "#quot;", "&amp;", "&lt;", "<U+0041>", "%%", "%date%", "->"),
    *("-->", "::", "[*]", "{}", "$x", "*", "a.b", "a|b", "x:y", "x: y", ":0.5", "a,b", "**b**", "--s--", "~", "`"),
    *("=1+1", "module", "mdp", "none", "output", "X", "TRUE", "in", "graph", "digraph", "style"),
    *("classDef a:b#c;d", "\u200b", "\u2028", "\ufeff", "\U000e0001", "🚀", "…", "null", "label=", "label = x"),
    *("doublecircle", "}", "];", "//", "/* x */", "--", "<!-- -->", "]]>", "é", "e", "root_start"),
]


def hard(outputs: bool) -> Machine:
    """A machine whose states and triggers, and outputs or labels, are the hard words: from the first state every word
    leads to another, and back by two words and in a circle by one."""
    n, first = len(HARD), HARD[0]
    transitions = []
    for i, state in enumerate(HARD):
        for step, (tail, head) in enumerate([(first, state), (state, first), (state, first), (state, state)]):
            if i or not step:
                trigger, output = HARD[(i + 5 * step) % n], HARD[(7 * i + step) % n] if outputs else None
                transitions.append(Transition(tail, trigger, head, output, i, 1.0))
    labels = {word: HARD[i - 1] if i % 3 else word for i, word in enumerate(HARD)}
    hidden = dict.fromkeys(HARD)
    return Machine.arrange("mealy" if outputs else "moore", first, hidden if outputs else labels, HARD, transitions)


def presses() -> Machine:
    """A machine that makes its events itself."""
    rows = [
        (0, "Power", 1, None, 10),
        (1, "Start", 2, None, 6),
        (1, "Power", 3, None, 3),
        (1, "End", 4, None, 1),
        (2, "Timer", 2, None, 4),
        (2, "Timer", 3, None, 1),
        (2, "Power", 3, None, 1),
        (3, "End", 4, None, 1),
    ]
    return Machine.build("lts", 0, [None, None, None, None, "End"], ["Power", "Start", "Timer", "End"], rows)


MACHINES: dict[str, Callable[[], Machine]] = {
    "wash": cache(lambda: WASH),
    "washing machine": cache(lambda: truth("washing_machine")),
    "vending machine": cache(lambda: truth("vending_machine")),
    "door lock": cache(lambda: truth("door_lock")),
    "orders": cache(lambda: truth("order_process")),
    "presses": cache(presses),
    "hard words": cache(lambda: hard(outputs=False)),
    "hard outputs": cache(lambda: hard(outputs=True)),
    "one state": cache(lambda: Machine.build("moore", 0, ["Off"], ["Power"], [])),
}


def words(machine: Machine, number: int = 1000, longest: int = 12) -> Iterator[list[Transition]]:
    """So many walks along the likeliest ways, by random triggers that are known in each state."""
    rng = np.random.default_rng(0)
    for _ in range(number):
        state, walk = machine.initial, list[Transition]()
        for _ in range(int(rng.integers(1, longest + 1))):
            known = list(machine.ways(state))
            if not known:
                break
            walk.append(machine.successors(state, known[rng.integers(len(known))])[0])
            state = walk[-1].next_state
        yield walk


Graph = Mapping[tuple[str, str], tuple[str, str | None]]  # (state, trigger) -> likeliest (next state, output)


def assert_walks(machine: Machine, initial: str, graph: Graph, outputs: bool = True) -> None:
    """What another tool has read leads by 1,000 words to the same states, with the same outputs."""
    walked = 0
    for walk in words(machine):
        state = initial
        for t in walk:
            assert state == t.state
            state, output = graph[state, t.trigger]
            assert state == t.next_state
            assert output == t.output or not outputs
            walked += 1
    assert walked >= 1000 or not machine.transitions
    assert initial == machine.initial
    assert graph.keys() == {(t.state, t.trigger) for t in machine.transitions}


def captions(machine: Machine, spelt: Callable[[str], str] = printable) -> dict[str, str]:
    """What a picture shows for each state -> the state."""
    shown = {}
    for state in machine.labels:
        visible = machine.visible(state)
        own = state == visible or (state.startswith(f"{visible}·") and state.removeprefix(f"{visible}·").isdigit())
        shown[spelt(state) if own else f"{spelt(state)} | {spelt(visible)}"] = state
    assert len(shown) == len(machine.states)
    return shown


def lines(machine: Machine, spelt: Callable[[str], str] = printable) -> dict[tuple[str, str, str], Transition]:
    """(state, line of a picture's label, next state) -> the transition."""
    shown = {}
    for t in machine.transitions:
        text = spelt(t.trigger) + ("" if t.output is None else f" / {spelt(t.output)}")
        text += "" if t.probability == 1 else f" ({100 * t.probability:.4g} %)"
        shown[t.state, text, t.next_state] = t
    assert len(shown) == len(machine.transitions)
    return shown


def of_picture(
    machine: Machine,
    starts: list[str],
    shown: list[tuple[str, str, str]],
    spelt: Callable[[str], str] = printable,
) -> tuple[str, Graph]:
    """The initial state and the graph of a picture, given as captions that start arrows lead to, and as all others:
    (caption, line, caption)."""
    states, known = captions(machine, spelt), lines(machine, spelt)
    (start,) = starts
    found = [known[states[tail], line, states[head]] for tail, line, head in shown]
    assert len(found) == len(set(found)) == len(machine.transitions)
    found.sort(key=lambda t: t.probability)  # the likeliest last, which stays
    return states[start], {(t.state, t.trigger): (t.next_state, t.output) for t in found}
