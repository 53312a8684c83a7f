"""Logs as XES, the XML of process mining (IEEE 1849): traces of events, and attributes of both.

The columns are the keys of the events' attributes, and those of the traces' after "case:", as process mining has it in
tables. Read element by element with the standard library, so that memory does not grow with the file; entities, which
XES has no use for, are refused. Raises LogError with file, line and remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from xml.parsers import expat

from fsmlearn.errors import LogError
from fsmlearn.sheets import Sheet
from fsmlearn.streams import Stream

ATTRIBUTES = frozenset(("string", "date", "int", "float", "boolean", "id"))
CASE = "case:"  # before the keys of a trace's attributes
NAME = f"{CASE}concept:name"
EVENTS = 10_000  # told at a time
BYTES = 1 << 16  # read at a time

Event = tuple[int, dict[str, str]]  # line, and the attributes of the event and of its trace


class Xes:
    """A log as XES as a table: its headers are the keys of the events that come first."""

    def __init__(self, stream: Stream) -> None:
        self._name, self._done = stream.name, 0
        self._open: list[str] = []  # elements that are open
        self._trace: dict[str, str] = {}
        self._event: dict[str, str] = {}
        self._traces = self._line = 0
        self._found: list[Event] = []
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._entity
        self._events = self._read(stream)
        self._first = next(self._events, [])
        if not self._first:
            raise LogError(f"{self._name}: no events in this log; give a log with traces of events")
        self.line = self._first[0][0]
        self.headers = tuple(dict.fromkeys(key for _, event in self._first for key in event))

    def look(self, columns: Iterable[int]) -> Sheet:
        """These columns of the events that come first, which `blocks` will tell again."""
        return self._sheet(self._first, columns)

    def blocks(self, columns: Iterable[int]) -> Iterator[tuple[Sheet, int]]:
        """These columns of the events, and how many bytes of the file are read with them."""
        columns = list(columns)
        for events in chain([self._first], self._events):
            yield self._sheet(events, columns), self._done

    def _sheet(self, events: list[Event], columns: Iterable[int]) -> Sheet:
        cells = {at: [event.get(self.headers[at], "") for _, event in events] for at in columns}
        return Sheet.of(self._name, [line for line, _ in events], cells)

    def _read(self, stream: Stream) -> Iterator[list[Event]]:
        """The events, some thousand at a time."""
        ended = False
        while not ended:
            data = stream.read(BYTES)
            ended = not data
            self._done += len(data)
            try:
                self._parser.Parse(data, ended)
            except expat.ExpatError as error:
                reason = expat.ErrorString(error.code)
                raise LogError(
                    f"{self._name}:{error.lineno}: is not well-formed XML ({reason}); check that the file is whole"
                ) from None
            if len(self._found) >= EVENTS or (ended and self._found):
                found, self._found = self._found, []
                yield found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        inside = self._open[-1] if self._open else ""
        self._open.append(tag)
        if not inside and tag != "log":
            raise self._error(f"the root is <{tag}>, but that of XES is <log>; give a XES log")
        if tag == "trace" and inside == "log":
            self._traces += 1
            self._trace = {NAME: str(self._traces)}  # where it has no name of its own
        elif tag == "event":
            if inside != "trace":
                raise self._error("an event outside a trace; put it into one")
            self._event, self._line = {}, self._parser.CurrentLineNumber
        elif tag in ATTRIBUTES and inside in ("trace", "event"):
            if "key" not in attributes:
                raise self._error(f"a <{tag}> without a key; name what it says")
            value = attributes.get("value", "")
            if inside == "event":
                self._event[attributes["key"]] = value
            else:
                self._trace[CASE + attributes["key"]] = value

    def _end(self, name: str) -> None:
        del name
        if self._open.pop() == "event":
            self._found.append((self._line, self._trace | self._event))

    def _entity(self, *declared: object) -> None:
        del declared
        raise self._error("declares an entity, which XES has no use for; take the <!DOCTYPE> away")

    def _error(self, message: str) -> LogError:
        return LogError(f"{self._name}:{self._parser.CurrentLineNumber}: {message}")
