"""JSON as `fsmlearn export --to json` writes it, of which a hand-written file may leave out what goes without saying.

Of a transition `output`, `count` and `probability` may be missing, and `label` of a state: a Moore machine then shows
its name, another nothing. So may `states` (those of the transitions), `triggers`, `initial` (the first state) and
`kind` (mealy where there are outputs, else moore).
"""

from __future__ import annotations

import json
import json.decoder
import json.scanner
import re
from bisect import bisect
from typing import Any, NoReturn, get_args

from fsmlearn.imports.draft import Draft, Edge, refuse
from fsmlearn.machine import Kind

MACHINE = ("kind", "initial", "triggers", "states", "transitions")
STATE = ("name", "label")
TRANSITION = ("state", "trigger", "next_state", "output", "count", "probability")


class Located(dict[str, Any]):
    """An object, and behind how many characters of the text it begins."""

    at = 0


class _Decoder(json.JSONDecoder):
    """Reads JSON and keeps the place of each object; only Python's own scanner tells it."""

    def __init__(self) -> None:
        super().__init__()
        self.parse_object = self._located
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]

    def _located(self, place: tuple[str, int], *rest: Any) -> tuple[Located, int]:
        found, end = json.decoder.JSONObject(place, *rest)  # type: ignore[attr-defined]
        located = Located(found)
        located.at = place[1]
        return located, end


def read(text: str, file: str) -> Draft:
    """What the JSON says. Raises FormatError."""
    try:
        data = _Decoder().decode(text)
    except json.JSONDecodeError as error:
        refuse(file, error.lineno, f"is no JSON ({error.msg}, column {error.colno}); correct it")
    except (RecursionError, ValueError) as error:
        refuse(file, 1, f"is no JSON that can be read ({error}); correct it")
    return _Reader(text, file).machine(data)


class _Reader:
    """Takes the values of one file apart, and tells the line of what is wrong."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.breaks = [each.start() for each in re.finditer("\n", text)]

    def machine(self, data: Any) -> Draft:
        """The whole."""
        top = self.checked(data, MACHINE, "the machine")
        edges = [self.edge(each) for each in self.field(top, "transitions", list)]
        kind = self.field(top, "kind", str, default="mealy" if any(e.output is not None for e in edges) else "moore")
        if kind not in get_args(Kind):
            self.refuse(top, f"'kind' is {kind!r}; make it {', '.join(get_args(Kind))}")
        hidden = kind != "moore"
        states: dict[str, str | None] = {}
        for each in self.field(top, "states", list, default=[]):
            state = self.checked(each, STATE, "a state")
            name = self.word(state, "name")
            if name in states:
                self.refuse(state, f"the state {name!r} is given twice; remove one")
            states[name] = self.field(state, "label", str, type(None), default=None if hidden else name)
        if "states" not in top:
            names = [name for edge in edges for name in (edge.state, edge.next_state)]
            states = {name: None if hidden else name for name in names}
        if not states:
            self.refuse(top, "has no states; give transitions, or at least one state")
        triggers = self.field(top, "triggers", list, default=[])
        if not all(isinstance(word, str) and word for word in triggers) or len({*triggers}) < len(triggers):
            self.refuse(top, "'triggers' is no list of different words; correct it, or leave it out")
        initial = self.word(top, "initial", default=next(iter(states)))
        if initial not in states:
            self.refuse(top, f"the initial state {initial!r} is not among the states; correct its name")
        return Draft(self.file, kind, initial, states, edges, triggers)

    def edge(self, data: Any) -> Edge:
        """One transition."""
        t = self.checked(data, TRANSITION, "a transition")
        return Edge(
            self.line(t),
            self.word(t, "state"),
            self.word(t, "trigger"),
            self.word(t, "next_state"),
            self.field(t, "output", str, type(None), default=None),
            self.field(t, "count", int, default=0),
            self.field(t, "probability", int, float, type(None), default=None),
        )

    def checked(self, data: Any, keys: tuple[str, ...], what: str) -> Located:
        """The value as an object that has no other keys than these."""
        if not isinstance(data, Located):
            refuse(self.file, 1, f"{what} is {json.dumps(data)[:60]}, not an object; write {{...}} with {_list(keys)}")
        for key in data:
            if key not in keys:
                self.refuse(data, f"{what} has no {key!r}; it has {_list(keys)}")
        return data

    def word(self, data: Located, key: str, **default: str) -> str:
        """A field that is a word, and not empty."""
        word: str = self.field(data, key, str, **default)
        if not word:
            self.refuse(data, f"{key!r} is empty; give a name")
        return word

    def field(self, data: Located, key: str, *kinds: type, **default: Any) -> Any:
        """A field of one of the kinds (true and false are no numbers); `default` where it is missing."""
        if key not in data and default:
            return default["default"]
        if key not in data:
            self.refuse(data, f"{key!r} is missing; add it")
        value = data[key]
        if not isinstance(value, kinds) or isinstance(value, bool):
            self.refuse(data, f"{key!r} is {json.dumps(value)[:60]}; make it {_list([KINDS[kind] for kind in kinds])}")
        return value

    def refuse(self, data: Located, text: str) -> NoReturn:
        """Raise FormatError for an object."""
        refuse(self.file, self.line(data), text)

    def line(self, data: Located) -> int:
        """The line on which an object begins."""
        return bisect(self.breaks, data.at - 1) + 1


KINDS = {str: "a word", int: "a whole number", float: "a number", list: "a list", type(None): "null"}


def _list(words: tuple[str, ...] | list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
