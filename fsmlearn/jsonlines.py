"""Logs as JSON lines: an object a line, whose keys are the columns.

A word is a string, a number as it is written, true or false; null and a missing key are an empty cell. Raises LogError
with file, line and remedy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from fsmlearn.errors import LogError
from fsmlearn.records import pieces
from fsmlearn.sheets import Sheet
from fsmlearn.streams import Stream

REMEDY = "write one object a line, for example with: jq -c '.[]' or jq -c ."
PLAIN = {True: "true", False: "false", None: ""}

Record = tuple[int, dict[str, Any]]  # line and object


class JsonLines:
    """A table as JSON lines: its headers are the keys of the records that come first."""

    def __init__(self, stream: Stream) -> None:
        self._name, self._pieces = stream.name, pieces(stream, quotes=False)
        # numbers stay the words that they are written as
        self._decode = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str).decode
        self._first: list[Record] = []
        self._done = 0
        while not self._first and (piece := next(self._pieces, None)):
            self._first = self._records(*piece)
        if not self._first:
            raise LogError(f"{self._name}: the file is empty; give a log with records")
        self.line = self._first[0][0]
        # a key that holds nothing but objects and lists is no column
        cells = (pair for _, record in self._first for pair in record.items())
        self.headers = tuple(dict.fromkeys(key for key, value in cells if not isinstance(value, dict | list)))

    def look(self, columns: Iterable[int]) -> Sheet:
        """These columns of the records that came first, which `blocks` will tell again."""
        return self._sheet(self._first, columns)

    def blocks(self, columns: Iterable[int]) -> Iterator[tuple[Sheet, int]]:
        """These columns of the rows, and how many bytes of the file are read with them."""
        columns = list(columns)
        rest = (self._records(line, text) for line, text in self._pieces)
        for records in chain([self._first], rest):
            yield self._sheet(records, columns), self._done

    def _records(self, line: int, text: bytes) -> list[Record]:
        self._done += len(text)
        found = []
        for number, each in enumerate(text.decode().split("\n"), line):
            if not each or each.isspace():
                continue
            try:
                record = self._decode(each)
            except json.JSONDecodeError as error:
                raise LogError(
                    f"{self._name}:{number}: is not JSON ({error.msg} at character {error.colno}); {REMEDY}"
                ) from None
            except RecursionError:
                raise LogError(f"{self._name}:{number}: is nested too deeply; {REMEDY}") from None
            if not isinstance(record, dict):
                raise LogError(f"{self._name}:{number}: is no JSON object; {REMEDY}")
            found.append((number, record))
        return found

    def _sheet(self, records: list[Record], columns: Iterable[int]) -> Sheet:
        def word(line: int, record: dict[str, Any], key: str) -> str:
            value = record.get(key)
            if isinstance(value, str):
                return value
            if isinstance(value, dict | list):
                raise LogError(
                    f"{self._name}:{line}: {key!r} is an object or a list; give a word, or name another column"
                )
            return PLAIN[value]

        cells = {at: [word(line, record, self.headers[at]) for line, record in records] for at in columns}
        return Sheet.of(self._name, [line for line, _ in records], cells)
