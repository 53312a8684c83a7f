"""DOT as learners write it, and as `fsmlearn export --to dot` does: nodes are states, labels of edges `trigger/output`.

`__start0 -> s0` says where the machine starts, as does any unlabelled point or text with an edge. Edges without outputs
make a Moore machine, whose states show their labels (`s0 [label="idle"]`, or `s0 [label="s0|idle"]` where that is not
its name too); with outputs the states are hidden, but for those of labels with `|`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast, get_args

from fsmlearn.imports.draft import Draft, Edge, refuse
from fsmlearn.imports.graphviz import Graph, Link, Node, parse, shown
from fsmlearn.machine import Kind

SHARE = re.compile(r"(.*) \((\d+(?:\.\d+)?(?:e[+-]?\d+)?) %\)", re.DOTALL)
ESCAPE = re.compile(r"\\(?:(x[\da-f]{2}|u[\da-f]{4}|U000[\da-f]{5}|U0010[\da-f]{4}|[nrt])|(.))", re.DOTALL)


def read(text: str, file: str) -> Draft:
    """What the graph says. Raises FormatError."""
    graph = parse(text, file)
    initial = _start(graph, file)
    return (_own if "fsmlearn" in graph.attributes else _foreign)(graph, file, initial)


def _start(graph: Graph, file: str) -> str:
    """The initial state; what points to it is taken out of the graph."""
    entered = {link.head for link in graph.links}
    marks = {name for name, node in graph.nodes.items() if name not in entered and _is_mark(name, node)}
    arrows = [link for link in graph.links if link.tail in marks]
    if not arrows:
        refuse(file, 1, "does not say where it starts; add for example: __start0 [shape=none]; __start0 -> s0;")
    if len({link.head for link in arrows}) > 1:
        refuse(file, arrows[-1].line, "a second start; leave one")
    graph.links[:] = [link for link in graph.links if link.tail not in marks]
    for name in marks:
        del graph.nodes[name]
    return arrows[0].head


def _is_mark(name: str, node: Node) -> bool:
    label, shape = node.attributes.get("label", ""), node.attributes.get("shape", "")
    return name.startswith("__start") or shape == "point" or (shape in ("none", "plaintext") and not label.strip())


def _own(graph: Graph, file: str, initial: str) -> Draft:
    """A graph with words escaped as our export does."""
    kind = graph.attributes["fsmlearn"]
    if kind not in get_args(Kind):
        refuse(file, 1, f"the kind is {kind!r}; make it {', '.join(get_args(Kind))}")
    names, states = dict[str, str](), dict[str, str | None]()
    for key, node in graph.nodes.items():
        visible = node.attributes.get("visible")
        visible = None if visible is None else shown(visible, key)
        caption = shown(node.attributes.get("label", key), key)
        name = _word(caption.removesuffix(f" | {visible}"))
        if not name or name in states:
            refuse(file, node.line, f"{name!r} is no name of its own; label each state by another")
        names[key] = name
        states[name] = (name if kind == "moore" else None) if visible is None else _word(visible) or None
    edges = []
    for link in graph.links:
        for line in _lines(link):
            shared = SHARE.fullmatch(line)
            trigger, put, output = (shared[1] if shared else line).partition(" / ")
            share = float(shared[2]) / 100 if shared else None
            edges.append(
                Edge(
                    link.line,
                    names[link.tail],
                    _word(trigger),
                    names[link.head],
                    _word(output) if put else None,
                    probability=share,
                )
            )
    return Draft(file, cast(Kind, kind), names[initial], states, edges)


def _word(text: str) -> str:
    """The word that stands in a label."""

    def meant(found: re.Match[str]) -> str:
        return found[0].encode("ascii").decode("unicode_escape") if found[1] else found[2]

    return ESCAPE.sub(meant, text)


def _foreign(graph: Graph, file: str, initial: str) -> Draft:
    """A graph of another tool, or of somebody's hand."""
    ways = [(link, line.strip()) for link in graph.links for line in _lines(link)]
    unlike = [link for link, label in ways if "/" not in label]
    mealy = len(unlike) < len(ways)
    if mealy and unlike:
        refuse(file, unlike[0].line, "the edge has no output, but others have; label it trigger/output, or trigger/")
    edges = []
    for link, label in ways:
        trigger, output = _apart(label, "/") if mealy else (label, "")
        edges.append(Edge(link.line, link.tail, trigger, link.head, output or None))
    captions = {key: _caption(key, node, mealy) for key, node in graph.nodes.items()}
    called = {key: name for key, (name, _) in captions.items()}
    if len(set(called.values())) < len(called):
        called = {key: key for key in called}
    states = {called[key]: label for key, (_, label) in captions.items()}
    edges = [replace(edge, state=called[edge.state], next_state=called[edge.next_state]) for edge in edges]
    rings = {node.attributes.get("shape") == "doublecircle" for node in graph.nodes.values()}
    notes = ["which states have a double circle is left out; say it by outputs, or by labels s0|yes"] * (len(rings) > 1)
    return Draft(file, "mealy" if mealy else "moore", called[initial], states, edges, notes=notes)


def _lines(link: Link) -> list[str]:
    """The lines of an edge's label, one at least."""
    return shown(link.attributes.get("label", ""), "").split("\n")


def _caption(key: str, node: Node, mealy: bool) -> tuple[str, str | None]:
    """(name of a state, what the log calls it)."""
    text = " ".join(shown(node.attributes.get("label", key), key).strip("{} \n").split()) or key
    if "|" in text or (" / " in text and not mealy):
        name, label = _apart(text, "|" if "|" in text else "/")
        return name or key, label or None
    return text, None if mealy else text


def _apart(text: str, mark: str) -> tuple[str, str]:
    """The text before and after a mark, one with spaces around it if there is any."""
    before, _, after = text.partition(f" {mark} " if f" {mark} " in text else mark)
    return before.strip(), after.strip()
