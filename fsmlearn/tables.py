"""Files -> tables: which reader a file needs, as its name or its first bytes tell.

A table has headers, the line that they stand on, and rows in blocks: bytes of CSV (`Block`), or columns of words
(`Sheet`).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from fsmlearn.jsonlines import JsonLines
from fsmlearn.parquet import MAGIC, Parquet
from fsmlearn.records import Block, Records
from fsmlearn.sheets import Sheet
from fsmlearn.sources import kind
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
        stream = Stream(raw, name)
        match _kind(name, stream.head):
            case "parquet":
                yield Parquet(path, stream)
            case "xes":
                yield Xes(stream)
            case "json":
                yield JsonLines(stream)
            case _:
                yield Records(stream)


def _kind(name: str, head: bytes) -> str:
    """What a file is by its name or, where that does not tell, by its first bytes."""
    if head.startswith(MAGIC):
        return "parquet"
    begin = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    return kind(name) or {b"{": "json", b"<": "xes"}.get(begin, "csv")
