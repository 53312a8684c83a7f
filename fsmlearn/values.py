"""Variables of a log: which numbers their words are, and what a combination of their values is called as a state.

Shared by those who read a log as a whole (`readings`, `variables`) and row by row (`moving`). Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from fsmlearn.errors import LogError

UNRECORDED = ("?", "??", "???")  # what a value is called that no row tells; the first that is none of the variable's


def number(word: str) -> float | None:
    """The number that a word is, nan where it is empty or says so, None where it is none."""
    if not word:
        return math.nan
    try:
        found = float(word)
    except ValueError:
        return None
    return None if math.isinf(found) or "_" in word else found


def plain(found: float) -> str:
    """A number as a value, one word for all that are equal."""
    return f"{found:.15g}"


def no_number(name: str, word: str, place: str) -> LogError:
    """What is wrong with a word among the numbers of a variable."""
    return LogError(f"{place}: {name} is {word!r}, but a number elsewhere; write a number, or leave the cell empty")


def rest(values: Sequence[str], levelled: bool) -> int | None:
    """Of a variable's values the one that goes without saying: nought or off, or the lowest level."""
    if levelled:
        return 0
    found = [code for code, word in enumerate(values) if word.casefold() in ("off", "false", "no") or number(word) == 0]
    return found[0] if len(found) == 1 else None


def named(names: Iterable[str], values: Iterable[str]) -> str:
    """What variables are called that have these values: `Power=1 Program=3`."""
    return " ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
