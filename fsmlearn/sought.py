"""How far the search for a machine is: what it yields while it works, until it returns what it has found."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Sought:
    """The best machine so far, by its number of states; 0 before there is any."""

    states: int


def outcome(search: Generator[Sought, None, T]) -> T:
    """What a search returns, for those who do not watch it."""
    while True:
        try:
            next(search)
        except StopIteration as ended:
            found: T = ended.value
            return found
