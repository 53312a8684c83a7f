"""`Diagram` -> plain text for a page of any width: a matrix of states and triggers, and a tree of shortest ways.

Graphs drawn in letters are hard to read, and these two are not. Everything that is shown stands in the matrix; the tree
says which triggers lead to each state soonest.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from fsmlearn.formats import counted, printable
from fsmlearn.machine import Transition
from fsmlearn.plots.diagram import Diagram, share, word

GAP = "  "  # between columns
NEVER = "·"  # in the matrix, for what the log never shows


def outline(shown: Diagram, width: int) -> str:
    """The matrix and the tree, on lines of so many cells wherever no single word is longer."""
    return "".join(f"{line}\n" for line in (*matrix(shown, width), "", *tree(shown, width)))


def matrix(shown: Diagram, width: int) -> Iterator[str]:
    """A line for each state and a column for each trigger: where it leads. What has no room beside it comes below."""
    ways: dict[tuple[str, str], list[str]] = {}
    for way in _ways(shown):
        ways.setdefault((way.state, way.trigger), []).append(_led(way))
    names = [node.name for node in shown.nodes]
    head = max((_cells(printable(name)) for name in names), default=0)
    columns: list[tuple[str, int]] = []
    for trigger in shown.machine.triggers:
        lines = [line for name in names for line in ways.get((name, trigger), ())]
        if lines:
            columns.append((trigger, max(map(_cells, (printable(trigger), *lines)))))
    for number, block in enumerate(_blocks(columns, width - head)):
        if number:
            yield ""
        yield _row("", head, [printable(trigger) for trigger, _ in block], block)
        for name in names:
            cells = [ways.get((name, trigger), [NEVER]) for trigger, _ in block]
            for i in range(max(map(len, cells))):
                line = [cell[i] if i < len(cell) else "" for cell in cells]
                yield _row("" if i else printable(name), head, line, block)


def tree(shown: Diagram, width: int) -> Iterator[str]:
    """From the initial state a shortest way to every state, deeper where it takes more triggers.

    A state that is too deep for the page begins a tree of its own below, and so does one that nothing shown leads to.
    """
    leaving: dict[str, dict[str, list[str]]] = {node.name: {} for node in shown.nodes}
    for way in _ways(shown):
        leaving[way.state].setdefault(way.next_state, []).append(printable(word(way)) + share(way))
    roots, children, steps = _soonest(leaving, shown.machine.initial)
    todo = deque(roots)
    while todo:
        root = todo.popleft()
        yield printable(root) + (f", after {counted(steps[root], 'trigger')}" if steps[root] else "")
        deep: list[str] = []
        yield from _branches(root, children, leaving, width, deep)
        todo.extendleft(reversed(deep))
        if todo:
            yield ""


def _soonest(
    leaving: Mapping[str, Mapping[str, object]], initial: str
) -> tuple[list[str], dict[str, list[str]], dict[str, int]]:
    """Where the trees begin, the states that are first met behind each state, and after how many triggers."""
    roots, children, steps = [], {}, dict[str, int]()
    for root in sorted(leaving, key=lambda name: name != initial):
        if root in steps:
            continue
        roots.append(root)
        steps[root] = 0
        todo = deque([root])
        while todo:
            name = todo.popleft()
            children[name] = [to for to in leaving[name] if to not in steps]
            steps |= dict.fromkeys(children[name], steps[name] + 1)
            todo.extend(children[name])
    return roots, children, steps


def _branches(
    root: str,
    children: Mapping[str, Sequence[str]],
    leaving: Mapping[str, Mapping[str, Sequence[str]]],
    width: int,
    deep: list[str],
) -> Iterator[str]:
    """The lines below a root. What would be too deep for the page is put into `deep` instead."""
    todo = [(root, "", iter(children[root]))]
    while todo:
        name, indent, rest = todo[-1]
        to = next(rest, None)
        if to is None:
            todo.pop()
            continue
        last = to == children[name][-1]
        inner = indent + ("   " if last else "│  ")
        pieces = [*(f"{each}," for each in leaving[name][to][:-1]), leaving[name][to][-1], f"→ {printable(to)}"]
        first, *more = _filled(pieces, width - len(inner))
        yield f"{indent}{'└─' if last else '├─'} {first}"
        yield from (inner + line for line in more)
        if children[to] and len(inner) > width // 2:
            yield f"{inner}… below"
            deep.append(to)
        else:
            todo.append((to, inner, iter(children[to])))


def _filled(pieces: Iterable[str], width: int) -> list[str]:
    """Pieces in lines of so many cells, wherever none of them is longer."""
    lines = [""]
    for piece in pieces:
        if lines[-1] and _cells(lines[-1]) + 1 + _cells(piece) > width:
            lines.append(piece)
        else:
            lines[-1] = f"{lines[-1]} {piece}" if lines[-1] else piece
    return lines


def _ways(shown: Diagram) -> Iterable[Transition]:
    """Every transition that is shown, in the order of the machine."""
    edges = [*shown.edges, *(edge for edges in shown.inside.values() for edge in edges)]
    there = {way for edge in edges if edge.kind == "learned" for way in edge.ways}
    return [way for way in shown.machine.transitions if way in there]


def _blocks(columns: Sequence[tuple[str, int]], room: int) -> Iterator[list[tuple[str, int]]]:
    """Columns, as many at a time as there is room for, one at least."""
    block: list[tuple[str, int]] = []
    left = room
    for column in columns:
        needed = len(GAP) + column[1]
        if block and needed > left:
            yield block
            block, left = [], room
        block.append(column)
        left -= needed
    if block:
        yield block


def _row(head: str, width: int, cells: Sequence[str], block: Sequence[tuple[str, int]]) -> str:
    padded = [_padded(cell, column[1]) for cell, column in zip(cells, block, strict=True)]
    return GAP.join([_padded(head, width), *padded]).rstrip()


def _led(way: Transition) -> str:
    return printable(way.next_state if way.output is None else f"{way.next_state} / {way.output}") + share(way)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _cells(text))


def _cells(text: str) -> int:
    """Cells that a terminal takes for a text: two for a wide character, none for one that joins the one before."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
