"""Where the parts of a log are worked on: in this process, unless something else that does the same is given.

All work on the rows of a log is a function of one of its parts, mapped over them; what it returns stays where the part
is and is known here by a handle. What has to be known of all parts together is small, and is brought here. Knows
nothing of logs. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, Protocol

Handle = Any  # of a value: the value itself, or something that stands for it


class Spread(Protocol):
    """Something that keeps parts and works on them."""

    most: int | None  # rows after which a part is to end where it can

    def divide(self, files: Sequence[str]) -> list[list[str]]:
        """Files, in their order, in groups, whose rows are parts of their own."""

    def place(self, file: str) -> str:
        """A file by the name under which it is opened where parts are read."""

    def read(self, work: Callable[..., Iterable[Any]], *columns: Iterable[Any]) -> Generator[Any, None, list[Handle]]:
        """Map work that yields how far it is and, sooner or later, parts. Yields how far it is, and returns the parts.

        A part is a value that has rows, i.e. that `len` can count.
        """

    def map(self, work: Callable[..., Any], *columns: Iterable[Any]) -> list[Handle]:
        """Call `work` once for each part, with an item of every column, which may be a handle."""

    def keep(self, value: Any) -> Handle:
        """Something that was made here of all parts, for one of them."""

    def bring(self, handles: Sequence[Handle]) -> Iterator[Any]:
        """The values of handles, in their order."""

    def text(self, work: Callable[..., Iterable[str]], *columns: Iterable[Any]) -> Iterator[str]:
        """Map work that yields text, and bring the text of one part after the other."""


class Here:
    """This process: all rows are one part, and a handle is the value itself."""

    most: int | None = None

    def divide(self, files: Sequence[str]) -> list[list[str]]:
        """All files are one group."""
        return [list(files)]

    def place(self, file: str) -> str:
        """The same."""
        return file

    def read(self, work: Callable[..., Iterable[Any]], *columns: Iterable[Any]) -> Generator[Any, None, list[Handle]]:
        """What the work yields, as it comes."""
        parts = []
        for each in zip(*columns, strict=True):
            for value in work(*each):
                if is_part(value):
                    parts.append(value)
                else:
                    yield value
        return parts

    def map(self, work: Callable[..., Any], *columns: Iterable[Any]) -> list[Handle]:
        """Work is done at once."""
        return [work(*each) for each in zip(*columns, strict=True)]

    def keep(self, value: Any) -> Handle:
        """The same."""
        return value

    def bring(self, handles: Sequence[Handle]) -> Iterator[Any]:
        """They are here already."""
        return iter(handles)

    def text(self, work: Callable[..., Iterable[str]], *columns: Iterable[Any]) -> Iterator[str]:
        """As the work yields it."""
        return chain.from_iterable(map(work, *columns))


HERE = Here()


def is_part(value: Any) -> bool:
    """Whether what was yielded while parts are read is one of them."""
    return hasattr(value, "__len__")


def told(spread: Spread, handles: Sequence[Handle]) -> Iterator[Any]:
    """The second item of each value, which is what has to be known here; the first one stays where it is."""
    return spread.bring(spread.map(itemgetter(1), handles))
