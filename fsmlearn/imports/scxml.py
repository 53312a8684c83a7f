"""SCXML: states side by side, and transitions by an event to a target, as `fsmlearn export --to scxml` writes them too.

An output is what a transition assigns to `output`, or the event that it sends. What could make the machine do otherwise
than its states and events say (conditions, raised events, states inside states) is refused; what could not is left out,
and that is told.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn, TypeVar, cast, get_args
from xml.parsers import expat

from fsmlearn.imports.draft import Draft, Edge, refuse
from fsmlearn.machine import Kind

OWN = "urn:fsmlearn "  # the namespace of what SCXML has no place for
NESTED = "states are inside a state or beside others at once; write each state by itself at the top"
REFUSED = {
    **dict.fromkeys(("parallel", "history", "initial", "state", "final"), NESTED),
    **dict.fromkeys(("raise", "if", "foreach", "invoke"), "changes what happens; write it as states and events"),
}
SILENT = {"datamodel", "data"}  # of which conditions alone would make use

N = TypeVar("N", int, float)


def read(text: str, file: str) -> Draft:
    """What the document says. Raises FormatError."""
    reader = _Reader(file)
    try:
        reader.parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        refuse(file, error.lineno, f"is no XML ({expat.ErrorString(error.code)}); correct it")
    return reader.draft()


class _Reader:
    """Listens to the parser."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = lambda *_: self.refuse("has a document type; remove it")
        self.path: list[str] = []  # of the elements that are open
        self.root: tuple[int, dict[str, str]] = (1, {})  # line and attributes
        self.states: dict[str, tuple[int, dict[str, str]]] = {}  # the same by id
        self.moves: list[tuple[int, str, dict[str, str], list[str]]] = []  # line, state, attributes, outputs
        self.left_out: Counter[str] = Counter()

    def refuse(self, text: str) -> NoReturn:
        """Raise FormatError for where the parser is."""
        refuse(self.file, self.parser.CurrentLineNumber, text)

    def start(self, tag: str, given: dict[str, str]) -> None:
        """An element begins."""
        name = tag.rpartition(" ")[2]
        match self.path, name:
            case [], "scxml":
                self.root = (self.parser.CurrentLineNumber, given)
            case [], _:
                self.refuse(f"begins with <{name}>, not with <scxml>; give an SCXML file")
            case ["scxml"], "state" | "final":
                self.state(given)
            case ["scxml", _], "transition" if self.path[1] in ("state", "final"):
                self.transition(given)
            case [*_, "transition"], "assign" if given.get("location") == "output":
                self.output(given.get("expr", ""))
            case [*_, "transition"], "send" if "event" in given:
                self.moves[-1][3].append(given["event"])
            case _, _ if name in REFUSED:
                self.refuse(f"<{name}>: {REFUSED[name]}")
            case _, _ if name not in SILENT:
                self.left_out[name] += 1
        self.path.append(name)

    def end(self, _: str) -> None:
        """An element ends."""
        self.path.pop()

    def state(self, given: dict[str, str]) -> None:
        if not given.get("id"):
            self.refuse("the state has no id; add one")
        if given["id"] in self.states:
            self.refuse(f"the state {given['id']!r} is given twice; remove one")
        self.states[given["id"]] = (self.parser.CurrentLineNumber, given)

    def transition(self, given: dict[str, str]) -> None:
        if "cond" in given:
            self.refuse("the transition has a condition; write what it depends on as states")
        if not given.get("event", "").split():
            self.refuse("the transition has no event; name what triggers it")
        if len(given.get("target", "").split()) > 1:
            self.refuse("the transition has several targets; write the states that they mean together as one")
        self.moves.append((self.parser.CurrentLineNumber, next(reversed(self.states)), given, []))

    def output(self, expression: str) -> None:
        try:
            word = json.loads(expression) if expression.startswith('"') else expression.strip("'")
        except ValueError:
            word = expression
        self.moves[-1][3].append(word)

    def draft(self) -> Draft:
        """What was heard, as a whole."""
        line, root = self.root
        if not self.states:
            refuse(self.file, line, "has no states; add one")
        own = root.get(f"{OWN}kind")
        if own is not None and own not in get_args(Kind):
            refuse(self.file, line, f"the kind is {own!r}; make it {', '.join(get_args(Kind))}")
        outputs = any(outputs for *_, outputs in self.moves)
        kind: Kind = cast(Kind, own) if own else "mealy" if outputs else "moore"
        names: dict[str, str] = {}
        states: dict[str, str | None] = {}
        for key, (place, given) in self.states.items():
            names[key] = name = _word(given.get(f"{OWN}name", key))
            if not name or name in states:
                refuse(self.file, place, f"the state {key!r} has no name of its own ({name!r}); give it one")
            label = given.get(f"{OWN}label")
            states[name] = (name if kind == "moore" else None) if label is None else _word(label) or None
        initial = root.get("initial", next(iter(self.states)))
        if initial not in self.states:
            refuse(self.file, line, f"the initial state {initial!r} is not among the states; correct its name")
        edges = [edge for move in self.moves for edge in self.edges(names, *move)]
        self.check_order(edges)
        notes = [", ".join(f"{number} <{tag}>" for tag, number in self.left_out.items()) + " left out"]
        return Draft(self.file, kind, names[initial], states, edges, notes=notes if self.left_out else [])

    def edges(
        self, names: Mapping[str, str], line: int, state: str, given: Mapping[str, str], outputs: list[str]
    ) -> Iterator[Edge]:
        """A transition for each event that an element names."""
        target = given.get("target", "").strip() or state
        if target not in names:
            refuse(self.file, line, f"there is no state {target!r}; add it, or correct the name")
        if len(outputs) > 1:
            refuse(self.file, line, "the transition has several outputs; make them one word")
        share = given.get(f"{OWN}probability")
        for event in given["event"].split():
            event = event.removesuffix(".*").removesuffix(".")
            if event == "*":
                refuse(self.file, line, "the event * is any event; write a transition for each")
            yield Edge(
                line,
                names[state],
                _word(given.get(f"{OWN}trigger", event)),
                names[target],
                outputs[0] if outputs else None,
                self.number(line, given.get(f"{OWN}count", "0"), int),
                None if share is None else self.number(line, share, float),
            )

    def number(self, line: int, text: str, kind: Callable[[str], N]) -> N:
        """An attribute that is a number of some kind."""
        try:
            return kind(text)
        except ValueError:
            refuse(self.file, line, f"{text!r} is no such number; correct it")

    def check_order(self, edges: list[Edge]) -> None:
        """Refuse a second transition by the same event, which SCXML never takes, unless it has a probability."""
        first: dict[tuple[str, str], int] = {}
        for edge in edges:
            line = first.setdefault((edge.state, edge.trigger), edge.line)
            if line != edge.line and edge.probability is None:
                refuse(
                    self.file,
                    edge.line,
                    f"state {edge.state!r} has a transition by {edge.trigger!r} on line {line} already, and SCXML "
                    "takes the first; remove one",
                )


def _word(text: str) -> str:
    """An attribute of our own as the word it stands for."""
    return re.sub(r"\\(\\|u[0-9a-f]{4})", lambda c: "\\" if c[1] == "\\" else chr(int(c[1][1:], 16)), text)
