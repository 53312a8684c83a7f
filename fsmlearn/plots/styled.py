"""`Diagram` -> text in the language of Graphviz, with the styles of a picture that is to be looked at.

Thick lines have many rows behind them. States that share a visible state have a colour. What the log shows and nobody
believes is grey and dashed, what it never shows is dotted. What leaves a state as it is stands inside of it, as the
internal transitions of UML do. Words are escaped: whatever a log calls its states, they are text and nothing else.

The label of an edge is a node on its way. Graphviz keeps nodes apart and leads lines around them, so that no word ever
lies on another or on a line; labels of its own it only puts beside one.
"""

from __future__ import annotations

import colorsys
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from fsmlearn.export.dot import escaped
from fsmlearn.formats import counted, printable
from fsmlearn.machine import Transition
from fsmlearn.plots.diagram import Diagram, Edge, Node, share, word

FONT = "Helvetica"
INK, FAINT, PLAIN = "#333333", "#8a8a8a", "#f2f2f2"
LONGEST = 40  # characters of a word that are shown; the rest is in the tooltip
WIDEST = 24  # characters of a line that takes another trigger
LINES = 8  # of a label
TURN = 0.61803398875  # of the circle of hues from one visible state to the next: any few of them lie far apart

Style = Mapping[str, str]


def dot(shown: Diagram) -> str:
    """The diagram for Graphviz's `dot`."""
    return "".join(line + "\n" for line in _lines(shown))


def caption(shown: Diagram) -> str:
    """One line that says how large the machine is and what the picture leaves out."""
    machine = shown.machine
    facts = [f"{counted(len(machine.states), 'state')}, {counted(len(machine.transitions), 'transition')}"]
    if shown.inside:
        facts.append("inside a state: triggers that leave it as it is, unless they say where they lead")
    if any(edge.kind == "noise" for edge in shown.edges):
        facts.append("dashed: in the log, but not believed")
    if shown.unseen:
        facts.append("dotted: never seen")
    if shown.omitted:
        facts.append("not shown: " + ", ".join(shown.omitted))
    return "; ".join(facts)


def _lines(shown: Diagram) -> Iterator[str]:
    names = {node.name: f"s{i}" for i, node in enumerate(shown.nodes)}
    colours = _colours(shown)
    yield "digraph machine {"
    yield _statement("graph", rankdir="TB", nodesep="0.25", ranksep="0.3", outputorder="edgesfirst", labelloc="b")
    yield _statement("graph", label=_quoted(caption(shown)), fontname=FONT, fontsize="10", fontcolor=FAINT)
    yield _statement("node", shape="box", style="rounded,filled", fontname=FONT, fontsize="13", height="0.35")
    yield _statement("node", color=INK, fontcolor="#111111", margin="0.12,0.05")
    yield _statement("edge", color=INK, arrowsize="0.7")
    for node in shown.nodes:
        yield f"  {names[node.name]} {_state(shown, node, colours.get(node.label, PLAIN))};"
    if shown.machine.initial in names:
        yield _statement("start", shape="point", width="0.12", height="0.12", color=INK, tooltip="start")
        yield _statement(f"start -> {names[shown.machine.initial]}", tooltip="start", weight="10")
    most = max((edge.rows for edge in shown.edges if edge.kind == "learned"), default=1)
    for number, edge in enumerate(shown.edges):
        ends = names[edge.state], names[edge.next_state]
        width = 0.8 + 3.2 * math.log1p(edge.rows) / math.log1p(max(most, 1))
        if edge.kind == "learned":
            yield from _way(ends, f"e{number}", _listed(edge.ways), _told(edge.ways), {"penwidth": f"{width:.2f}"})
        else:
            yield from _way(ends, f"n{number}", _strays(edge), _told(edge.ways, ", not believed"), DASHED)
    for name, triggers in shown.unseen.items():
        yield from _never(names[name], triggers)
    yield "}"


DASHED = {"style": "dashed", "penwidth": "0.6", "color": FAINT, "arrowsize": "0.5"}
DOTTED = {**DASHED, "style": "dotted"}


def _state(shown: Diagram, node: Node, colour: str) -> str:
    """A state, and below its name what is written in it."""
    initial = node.name == shown.machine.initial
    looks = f", shown as {node.label}" if node.label not in (None, node.name) else ""
    tip = [f"{node.name}{looks}: {counted(node.rows, 'row')}"]
    lines: list[tuple[str, str]] = []
    for edge in shown.inside.get(node.name, ()):
        to = "" if edge.next_state == node.name else f" → {_short(edge.next_state)}"
        if edge.kind == "learned":
            lines += [(line, INK) for line in _cut_off(_listed(edge.ways, to))]
            tip.append(_told(edge.ways, to))
        else:
            lines += [(line, FAINT) for line in _cut_off(_strays(edge))]
            tip.append(_told(edge.ways, ", not believed"))
    from_ = {edge.state for edges in shown.inside.values() for edge in edges if edge.next_state == node.name}
    if others := len(from_ - {node.name}):
        lines.append((f"← from {counted(others, 'state')}", FAINT))
    rows = [f'<tr><td><font point-size="13">{_markup(_short(node.name))}</font></td></tr>']
    if lines:
        text = "".join(f'<font color="{ink}">{_markup(line)}</font><br align="left"/>' for line, ink in lines)
        rows.append(f'<tr><td balign="left"><font point-size="9">{text}</font></td></tr>')
    table = f'<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{"".join(rows)}</table>'
    style = {"fillcolor": colour, "penwidth": "2" if initial else "1", "tooltip": _quoted("\n".join(tip))}
    return f"[label=<{table}>, {_attributes(style)[1:]}"


def _way(ends: tuple[str, str], name: str, lines: Sequence[str], told: str, style: Style) -> Iterator[str]:
    """An edge with its label on its way. One that leads back is laid out from its end to its beginning: Graphviz would
    put the label below both."""
    tip = _quoted(told)
    text = "\\n".join(_quoted(line) for line in _cut_off(lines))
    faint = style.get("color", INK)
    looks = {"shape": "plaintext", "style": "", "margin": "0.03,0.02", "height": "0", "width": "0", "fontcolor": faint}
    yield _statement(name, label=text, fontsize="10" if faint == INK else "8", tooltip=tip, **looks)
    line = {**style, "tooltip": tip}
    if int(ends[0][1:]) < int(ends[1][1:]):
        yield _statement(f"{ends[0]} -> {name}", **line, dir="none")
        yield _statement(f"{name} -> {ends[1]}", **line)
    else:
        yield _statement(f"{ends[1]} -> {name}", **line, dir="back")
        yield _statement(f"{name} -> {ends[0]}", **line, dir="none")


def _never(state: str, triggers: Sequence[str]) -> Iterator[str]:
    """A dotted way to nowhere, for what the log never shows in a state."""
    text = "\\n".join(_quoted(line) for line in _cut_off(_wrapped([_short(trigger) for trigger in triggers])))
    tip = _quoted("never seen: " + ", ".join(triggers))
    looks = {"shape": "plaintext", "style": "", "margin": "0.03,0.02", "height": "0", "width": "0", "fontcolor": FAINT}
    yield _statement(f"never_{state}", label=text, fontsize="8", tooltip=tip, **looks)
    yield _statement(f"{state} -> never_{state}", **DOTTED, tooltip=tip)


def _listed(ways: Iterable[Transition], to: str = "") -> list[str]:
    """Triggers that do the same share lines; an output stands behind them, a share, and where they lead to."""
    alike: dict[tuple[str | None, str, str], list[str]] = {}
    for way in ways:
        own = way.trigger if share(way) else ""  # a share is that of one trigger
        alike.setdefault((way.output, share(way), own), []).append(_short(way.trigger))
    lines = []
    for (output, often, _), triggers in alike.items():
        *before, last = _wrapped(triggers)
        lines += [*before, last + (f" / {_short(output)}" if output is not None else "") + often + to]
    return lines


def _strays(edge: Edge) -> list[str]:
    return [f"{_short(word(way))} ×{way.count:,}" for way in sorted(edge.ways, key=lambda way: -way.count)]


def _told(ways: Iterable[Transition], more: str = "") -> str:
    """Every way with its rows, for the tooltip."""
    return "\n".join(f"{word(way)}{share(way)}: {counted(way.count, 'row')}{more}" for way in ways)


def _wrapped(words: Sequence[str]) -> list[str]:
    """Words in lines, commas between them."""
    lines = [""]
    for i, each in enumerate(words):
        text = each + "," * (i < len(words) - 1)
        if lines[-1] and len(lines[-1]) + 1 + len(text) > WIDEST:
            lines.append(text)
        else:
            lines[-1] = f"{lines[-1]} {text}".strip()
    return lines


def _cut_off(lines: Sequence[str]) -> Sequence[str]:
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], f"+ {len(lines) - LINES + 1} more lines"]


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _colours(shown: Diagram) -> Mapping[str | None, str]:
    """A light colour for each visible state that several states of the machine share."""
    shared = [label for label, count in Counter(shown.machine.labels.values()).items() if label and count > 1]
    found: dict[str | None, str] = {}
    for i, label in enumerate(shared):
        red, green, blue = colorsys.hls_to_rgb((0.55 + i * TURN) % 1, 0.85, 0.75)
        found[label] = f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
    return found


def _quoted(text: str) -> str:
    """Text in quotes that is shown as it is."""
    return "\\n".join(escaped(printable(line)) for line in text.split("\n"))


def _markup(text: str) -> str:
    """The same in a label that is markup; there, too, backslashes are commands."""
    return escape(text.replace("\\", "\\\\"))


def _statement(name: str, **style: str) -> str:
    return f"  {name} {_attributes(style)};"


def _attributes(style: Style) -> str:
    return "[" + ", ".join(f'{key}="{value}"' for key, value in style.items()) + "]"
