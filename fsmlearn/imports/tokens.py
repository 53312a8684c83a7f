"""The words and marks of Graphviz's DOT, each with its line; `graphviz` makes sentences of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fsmlearn.imports.draft import refuse

TOKEN = re.compile(
    r"""(?P<space>(?:\s|//[^\n]*|/\*.*?\*/|(?<![^\n])\#[^\n]*)+)
    |(?P<quoted>"(?:[^"\\]|\\.)*")
    |(?P<html><)
    |(?P<mark>->|--|[{}\[\];,=:+])
    |(?P<name>-?[\w.]+)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark; `kind` is space, quoted, html, mark, name or end."""

    kind: str
    text: str
    line: int


def tokens(text: str, file: str) -> Iterator[Token]:
    """The tokens of a text, space left out, and the end. Raises FormatError."""
    place, line = 0, 1
    while place < len(text):
        found = TOKEN.match(text, place)
        if not found:
            what = "a quote that is never closed" if text[place] == '"' else f"{text[place]!r}, which DOT does not know"
            refuse(file, line, f"{what}; quote the word that it belongs to, or correct it")
        kind, end = str(found.lastgroup), found.end()
        if kind == "html":
            end = _html_end(text, place, line, file)
        if kind != "space":
            yield Token(kind, text[place:end], line)
        line += text.count("\n", place, end)
        place = end
    yield Token("end", "the end of the file", line)


def _html_end(text: str, place: int, line: int, file: str) -> int:
    depth = 0
    for mark in re.compile("[<>]").finditer(text, place):
        depth += 1 if mark[0] == "<" else -1
        if not depth:
            break
    else:
        refuse(file, line, "'<' that is never closed; close it")
    return mark.end()
