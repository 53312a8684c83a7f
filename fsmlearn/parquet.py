"""Logs as Parquet, read by pyarrow (`fsmlearn[parquet]`) batch by batch; only the columns that are asked for.

A cell of any plain type is the word that Arrow writes for it; null is an empty cell. A file has no lines, so a row's
place is its number, the first being 1. Raises LogError with file, row and remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from fsmlearn.errors import LogError
from fsmlearn.remote import is_remote
from fsmlearn.runs import Runs
from fsmlearn.sheets import Sheet, Words
from fsmlearn.streams import Stream, size_of

ROWS = 1 << 16  # told at a time


class Parquet:
    """A Parquet file as a table."""

    line = 0  # the header is no row

    def __init__(self, path: str | Path, stream: Stream) -> None:
        name = stream.name
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise LogError(
                f"{name}: reading Parquet needs the package pyarrow; install it with: pip install 'fsmlearn[parquet]'"
            ) from None
        self._name, self._arrow = name, pyarrow
        with self._explained():
            # the end of a file tells where its columns are; packed, from a pipe or from elsewhere it is taken whole
            size = size_of(path)
            whole = size is None or is_remote(str(path))
            self._file = parquet.ParquetFile(pyarrow.BufferReader(stream.rest()) if whole else path)
            nested = pyarrow.types.is_nested
            self.headers = tuple(each.name for each in self._file.schema_arrow if not nested(each.type))
            self._rows = self._file.metadata.num_rows
        self._size = size or 0

    def look(self, columns: Iterable[int]) -> Sheet:
        """These columns of the first rows, which `blocks` will tell again."""
        return next((sheet for sheet, _ in self.blocks(columns)), Sheet(self._name, Runs.count(1, 0), {}))

    def blocks(self, columns: Iterable[int]) -> Iterator[tuple[Sheet, int]]:
        """These columns of the rows, and about how many bytes of the file are read with them."""
        columns = list(columns)
        done = 0
        with self._explained():
            batches = self._file.iter_batches(ROWS, columns=[self.headers[at] for at in columns])
        while True:
            with self._explained():
                batch = next(batches, None)
            if batch is None:
                return
            lines = Runs.count(done + 1, batch.num_rows)
            done += batch.num_rows
            found = {at: self._words(batch.column(self.headers[at]), self.headers[at]) for at in columns}
            yield Sheet(self._name, lines, found), self._size * done // max(self._rows, 1)

    def _words(self, column: Any, header: str) -> Words:
        arrow = self._arrow
        try:
            coded = column.cast(arrow.string()).fill_null("").dictionary_encode()
            words = coded.dictionary.to_pylist()
        except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError, UnicodeDecodeError) as error:
            raise LogError(
                f"{self._name}: column {header!r} is {column.type}, which makes no words ({_short(error)}); "
                "name another column, or write it as text"
            ) from None
        return Words([word.strip() for word in words], coded.indices.to_numpy().astype(np.int64))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (self._arrow.ArrowException, OSError, ValueError) as error:
            raise LogError(f"{self._name}: cannot be read ({_short(error)}); check that the file is whole") from None


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
