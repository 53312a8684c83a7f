"""Files -> tables: which reader a file needs, as its name or its first bytes tell.

A table has headers, the line that they stand on, and rows in blocks: bytes of CSV (`Block`), or columns of words
(`Sheet`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from fsmlearn.jsonlines import JsonLines
from fsmlearn.parquet import Parquet
from fsmlearn.records import Block, Records
from fsmlearn.sheets import Sheet
from fsmlearn.sources import kind_of
from fsmlearn.streams import Stream, open_bytes
from fsmlearn.xes import Xes


class Table(Protocol):
    """A table that is read from its beginning to its end, once."""

    headers: tuple[str, ...]
    line: int  # of the headers

    def look(self, columns: Iterable[int]) -> Block | Sheet:
        """These columns of some first rows, which `blocks` will tell again."""

    def blocks(self, columns: Iterable[int]) -> Iterator[tuple[Block | Sheet, int]]:
        """These columns of all rows (perhaps with others), and how many bytes of the file are read with them."""


@contextmanager
def opened(path: str | Path, name: str) -> Iterator[Table]:
    """The table in a file; "-" is standard input. Raises LogError where it is none."""
    with open_bytes(path, name) as raw:
        yield table(path, Stream(raw, name))


def table(path: str | Path, stream: Stream) -> Table:
    """The table in a file that is open. Raises LogError where it is none."""
    match kind_of(stream.name, stream.head):
        case "parquet":
            return Parquet(path, stream)
        case "xes":
            return Xes(stream)
        case "json":
            return JsonLines(stream)
        case _:
            return Records(stream)
