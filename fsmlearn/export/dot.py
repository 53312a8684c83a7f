"""Graphviz's DOT, as a picture and for `fsmlearn import`, which reads it back.

Words stand in labels: a backslash in a word is doubled, what cannot be printed is spelt out, and ` / ` and `(50 %)`
inside a word get a backslash, so that a label says without doubt which words it is made of. Attributes that Graphviz
does not know (`fsmlearn`, `visible`) say the kind of machine, and the visible state where it is not the state's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fsmlearn.export.names import names
from fsmlearn.export.picture import arrows, caption, label
from fsmlearn.formats import printable
from fsmlearn.machine import Machine, State

KEYWORDS = {"digraph", "edge", "graph", "node", "strict", "subgraph"}
START = "__start0"  # as LearnLib and AALpy call it


def write(machine: Machine) -> str:
    """The machine in DOT; transitions between the same states share an edge, a line each."""
    return "".join(f"{line}\n" for line in _lines(machine))


def _lines(machine: Machine) -> Iterator[str]:
    ids = names(machine.labels, "state", KEYWORDS, fold=str.casefold)
    yield "digraph machine {"
    yield f'    fsmlearn="{machine.kind}"'
    yield "    rankdir=LR"
    yield '    node [shape=box style=rounded fontname="sans-serif"]'
    yield '    edge [fontname="sans-serif" fontsize=11]'
    yield f'    {START} [label="" shape=point]'
    yield f"    {START} -> {ids[machine.initial]}"
    for state in machine.states:
        yield f"    {ids[state.name]} [label={_quoted(caption(machine, state.name, spelt))}{_visible(machine, state)}]"
    for (tail, head), ways in arrows(machine).items():
        yield f"    {ids[tail]} -> {ids[head]} [label={_quoted(*(label(t, spelt) for t in ways))}]"
    yield "}"


def spelt(word: str) -> str:
    """A word as it stands in a label."""
    text = printable(word.replace("\\", "\\\\"))
    text = re.sub(r"(?:(?<= )|^)/(?= |$)", r"\\/", text)
    return re.sub(r"\((?=[\d.e+-]+ %\)$)", r"\\(", text)


def _visible(machine: Machine, state: State) -> str:
    if state.label == (state.name if machine.kind == "moore" else None):
        return ""
    return f" visible={_quoted(spelt(state.label or ''))}"


def escaped(line: str) -> str:
    """A line as Graphviz shows it letter for letter inside quotes, where backslashes would be commands."""
    return re.sub(r"&(?=#?\w+;)", "&amp;", line.replace("\\", "\\\\").replace('"', '\\"'))


def _quoted(*lines: str) -> str:
    return '"' + "\\n".join(map(escaped, lines)) + '"'
