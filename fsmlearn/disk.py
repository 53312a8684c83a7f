"""A folder that the parts of a log are kept in: a `Spread` for a log that is too big for the memory of this process.

One part at a time is in memory, whatever is done to them; a handle is a file with the pickled value, which goes with
the last handle. Standard input is copied there first, for it may have to be read twice.
"""

from __future__ import annotations

import pickle
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from weakref import finalize

from fsmlearn.errors import LogError
from fsmlearn.sources import PARQUET
from fsmlearn.spread import Handle, is_part
from fsmlearn.streams import BLOCK, STDIN, stdin

ROWS = 1 << 19  # of a part
T = TypeVar("T")


@contextmanager
def spooled() -> Iterator[Disk]:
    """A temporary folder, which ends with it. Raises LogError where the disk is full."""
    with tempfile.TemporaryDirectory(prefix="fsmlearn-", ignore_cleanup_errors=True) as folder:
        yield Disk(Path(folder))


class _Kept:
    """A value in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        finalize(self, path.unlink, missing_ok=True)


class Disk:
    """Parts in a folder."""

    most: int | None = ROWS

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()

    def divide(self, files: Sequence[str]) -> list[list[str]]:
        """All files are one group, whose rows are divided as they come."""
        return [list(files)]

    def place(self, file: str) -> str:
        """Standard input is there as a file."""
        if file != STDIN:
            return file
        path = self._folder / "stdin"
        if not path.exists():
            with path.open("wb") as copy:
                first = stdin().read(BLOCK)
                self._written(copy.write, first)
                if b"\0" not in first or first.startswith(PARQUET):  # else it is no log, and may never end
                    self._written(shutil.copyfileobj, stdin(), copy, BLOCK)
        return str(path)

    def read(self, work: Callable[..., Iterable[Any]], *columns: Iterable[Any]) -> Generator[Any, None, list[Handle]]:
        """Each part is put away before the next one is read."""
        parts = []
        for each in zip(*columns, strict=True):
            for value in work(*each):
                if is_part(value):
                    parts.append(self.keep(value))
                else:
                    yield value
        return parts

    def map(self, work: Callable[..., Any], *columns: Iterable[Any]) -> list[Handle]:
        """Part by part."""
        return [self.keep(work(*map(self._value, each))) for each in zip(*columns, strict=True)]

    def keep(self, value: Any) -> Handle:
        """In a file of its own."""
        path = self._folder / str(next(self._numbers))
        with path.open("wb") as file:
            self._written(pickle.dump, value, file, pickle.HIGHEST_PROTOCOL)
        return _Kept(path)

    def bring(self, handles: Sequence[Handle]) -> Iterator[Any]:
        """One after the other."""
        return map(self._value, handles)

    def text(self, work: Callable[..., Iterable[str]], *columns: Iterable[Any]) -> Iterator[str]:
        """Part by part, as the work yields it."""
        for each in zip(*columns, strict=True):
            yield from work(*map(self._value, each))

    def _value(self, handle: Any) -> Any:
        if not isinstance(handle, _Kept):
            return handle
        with handle.path.open("rb") as file:
            return pickle.load(file)

    def _written(self, write: Callable[..., T], *given: Any) -> T:
        try:
            return write(*given)
        except OSError as error:
            raise LogError(
                f"{self._folder}: the log cannot be kept there ({error.strerror}); set TMPDIR to a roomier folder"
            ) from None
