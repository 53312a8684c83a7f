"""Graphviz's DOT, its syntax alone: nodes and edges with attributes and lines. What they mean is for `dot` to say.

The grammar is that of https://graphviz.org/doc/info/lang.html; a digraph with its subgraphs, but no edge from or to a
subgraph. `shown` makes of a label what Graphviz shows; of HTML it is the text, a line for each row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import entities
from itertools import pairwise
from typing import NoReturn

from fsmlearn.imports.draft import refuse
from fsmlearn.imports.tokens import Token, tokens

Attributes = dict[str, str]  # values with Graphviz's escapes

ESCAPE = re.compile(r"\\(.)|&(#x[0-9a-fA-F]+|#[0-9]+|\w+);", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Node:
    """A node, and the line that mentions it first."""

    line: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Link:
    """An edge."""

    line: int
    tail: str
    head: str
    attributes: Attributes


@dataclass
class Graph:
    """What a file holds, in its order."""

    attributes: Attributes = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)


def parse(text: str, file: str) -> Graph:
    """The graph in a text. Raises FormatError."""
    return _Parser(text, file).graph()


class _Parser:
    """Reads one statement after the other."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.tokens = tokens(text, file)
        self.token = next(self.tokens)
        self.found = Graph()

    def graph(self) -> Graph:
        """The whole file."""
        if self.at("strict"):
            self.take()
        if self.at("graph"):
            self.refuse("the graph has no directions; make it a digraph, with -> for --")
        if not self.at("digraph"):
            self.refuse(f"a DOT file begins with digraph, not with {self.token.text!r}; correct it")
        self.take()
        if not self.at("{"):
            self.word()
        self.block({}, {}, self.found.attributes)
        if self.token.kind != "end":
            self.refuse(f"{self.token.text!r} after the graph; give one graph in a file")
        return self.found

    def block(self, nodes: Attributes, links: Attributes, graph: Attributes) -> None:
        """`{...}`, with what nodes and edges have inside it unless they say otherwise."""
        self.expect("{")
        nodes, links = dict(nodes), dict(links)
        while not self.at("}"):
            if self.at(";"):
                self.take()
            elif self.at("subgraph", "{"):
                if self.at("subgraph"):
                    self.take()
                    if not self.at("{"):
                        self.word()
                self.block(nodes, links, {})
                if self.at("->"):
                    self.refuse("an edge from a subgraph; write an edge for each node in it")
            elif self.at("graph", "node", "edge"):
                {"graph": graph, "node": nodes, "edge": links}[self.take().text.lower()].update(self.attributes())
            else:
                self.statement(nodes, links, graph)
        self.take()

    def statement(self, nodes: Attributes, links: Attributes, graph: Attributes) -> None:
        """`key = value`, a node, or edges between nodes."""
        line = self.token.line
        name = self.word()
        if self.at("="):
            self.take()
            graph[name] = self.value()
            return
        chain = [self.node(name, line, nodes)]
        while self.at("->", "--"):
            if self.take().text == "--":
                self.refuse("an edge without direction; write ->")
            if self.at("{", "subgraph"):
                self.refuse("an edge to a subgraph; write an edge for each node in it")
            line = self.token.line
            chain.append(self.node(self.word(), line, nodes))
        given = self.attributes()
        if len(chain) == 1:
            self.found.nodes[name].attributes.update(given)
        for tail, head in pairwise(chain):
            self.found.links.append(Link(line, tail, head, {**links, **given}))

    def node(self, name: str, line: int, defaults: Attributes) -> str:
        """Note a node, and pass over a port."""
        self.found.nodes.setdefault(name, Node(line, dict(defaults)))
        while self.at(":"):
            self.take()
            self.word()
        return name

    def attributes(self) -> Attributes:
        """`[key=value ...]`, as many as there are."""
        given: Attributes = {}
        while self.at("["):
            self.take()
            while not self.at("]"):
                key = self.word()
                given[key] = "true"
                if self.at("="):
                    self.take()
                    given[key] = self.value()
                if self.at(",", ";"):
                    self.take()
            self.take()
        return given

    def value(self) -> str:
        """A word, or HTML as a word with escapes."""
        return _of_html(self.take().text[1:-1]) if self.token.kind == "html" else self.word()

    def word(self) -> str:
        """A name, or strings joined by +."""
        if self.token.kind not in ("name", "quoted", "html"):
            self.refuse_token("a name")
        token = self.take()
        text = _string(token)
        while token.kind == "quoted" and self.at("+"):
            self.take()
            text += _string(self.take())
        return text

    def at(self, *texts: str) -> bool:
        """Whether the next token is one of these; keywords in capitals or not."""
        return self.token.kind in ("mark", "name") and self.token.text.lower() in texts

    def expect(self, text: str) -> None:
        if not self.at(text):
            self.refuse_token(repr(text))
        self.take()

    def take(self) -> Token:
        token = self.token
        if token.kind == "end":
            self.refuse_token("}")
        self.token = next(self.tokens)
        return token

    def refuse_token(self, wanted: str) -> NoReturn:
        if self.token.kind == "end":
            self.refuse("the file ends inside the graph; close it with }")
        self.refuse(f"{self.token.text!r}, where {wanted} should be; correct it")

    def refuse(self, text: str) -> NoReturn:
        refuse(self.file, self.token.line, text)


def _string(token: Token) -> str:
    """What a token stands for; of escapes the quote and the end of a line alone, the others being the label's."""
    if token.kind != "quoted":
        return token.text
    return re.sub(r'\\(["\n])', lambda c: '"' if c[1] == '"' else "", token.text[1:-1])


def shown(label: str, name: str) -> str:
    """A label of something called `name` as Graphviz shows it, lines apart."""

    def meant(found: re.Match[str]) -> str:
        letter, entity = found.groups()
        if entity is not None:
            return _character(entity) or found[0]
        return {"n": "\n", "l": "\n", "r": "\n", "N": name}.get(letter, letter)

    return ESCAPE.sub(meant, label).removesuffix("\n")


def _character(entity: str) -> str:
    """What `&entity;` stands for; nothing where it is none."""
    if entity.startswith("#"):
        number = int(entity[2:], 16) if entity[1:2] == "x" else int(entity[1:])
        return chr(number) if number < 0x110000 else ""
    return chr(entities.name2codepoint[entity]) if entity in entities.name2codepoint else ""


def _of_html(text: str) -> str:
    """The text of an HTML label, a line for each row of a table."""
    text = re.sub(r"<br\s*/?>|</tr>", "\n", " ".join(text.split()), flags=re.IGNORECASE)
    lines = (" ".join(re.sub(r"<[^>]*>", "", line).split()) for line in text.split("\n"))
    return "\\n".join(line.replace("\\", "\\\\") for line in lines if line)
