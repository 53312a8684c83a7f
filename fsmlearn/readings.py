"""One variable of a log -> one code a row: the word that stands there, or the level that the number there is on.

Words are kept as long as they are few; a variable with more numbers than that is kept as numbers, which take as much
room however often they differ. An empty cell says that nothing has changed. Knows nothing of the other variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn import levels
from fsmlearn.errors import LogError
from fsmlearn.levels import Cut
from fsmlearn.sheets import Sheet, Words
from fsmlearn.values import UNRECORDED, no_number, number, plain, rest

Ints = NDArray[np.int64]
Codes = NDArray[np.integer[Any]]
Floats = NDArray[np.float64]

MANY = 20  # different numbers of a variable; more are cut into levels
MOST = 1 << 12  # different words of a variable
EMPTY = -1  # the code of a cell that is empty


@dataclass(frozen=True, slots=True)
class Column:
    """A variable of N rows, in the order of traces and steps."""

    values: tuple[str, ...]  # words, numbers ascending, or names of levels
    codes: Codes  # (N,) index into values
    cuts: tuple[Cut, ...] | None  # between levels; None where the values are words of the log
    given: bool  # whether somebody gave the cuts
    empty: Ints  # rows that were empty and have the value of the row before
    unknown: Ints  # rows that no value comes before

    @property
    def rest(self) -> int | None:
        """The value that goes without saying: nought or off, or the lowest level."""
        return rest(self.values, self.cuts is not None)

    @property
    def usual(self) -> int:
        """The value that it has most often."""
        return int(np.bincount(self.codes).argmax())


class Readings:
    """The values of one variable, as blocks of rows come in."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._index: dict[str, int] = {}
        self._first: list[str] = []  # where each word was first met
        self._parts: list[NDArray[Any]] = []  # of codes or, where there are too many words, of numbers
        self._numbers = False

    def add(self, column: Words, sheet: Sheet) -> None:
        """Add the values of a block. LogError where most were numbers and one is none."""
        if self._numbers:
            self._parts.append(self._numbered(column.words, sheet, column.codes)[column.codes])
            return
        for code, word in enumerate(column.words):
            if word not in self._index:
                self._index[word] = len(self._index)
                self._first.append(sheet.place(int(np.argmax(column.codes == code))))
        table = np.array([self._index[word] for word in column.words], np.min_scalar_type(-len(self._index)))
        self._parts.append(table[column.codes])
        if len(self._index) > MOST:
            table = self._all_numbers()
            self._parts, self._numbers = [table[codes] for codes in self._parts], True

    def column(self, cuts: Sequence[float] | None, order: Ints | None, begins: Ints) -> Column:
        """The variable by row, put in this order, in which traces begin on these rows; `cuts` are None where they are
        to be found."""
        whole = np.concatenate(self._parts)
        self._parts.clear()
        if order is not None:
            whole = whole[order]
        words = list(self._index)
        numeric = sum(number(word) is not None for word in words) * 2 > len(words)
        if not self._numbers and (cuts is not None or (numeric and len(words) > MANY)):
            whole, self._numbers = self._all_numbers()[whole], True
        if self._numbers:
            return _levelled(whole, cuts, begins)
        return _worded(whole, words, begins)

    def _all_numbers(self) -> Floats:
        """(W,) the words so far as numbers."""
        values = [number(word) for word in self._index]
        if None not in values:
            return np.array(values, np.float64)
        wrong = values.index(None)
        word, place = list(self._index)[wrong], self._first[wrong]
        if 2 * values.count(None) > len(values):
            raise LogError(
                f"{place}: variable {self._name!r} has too many different words, such as {word!r}; leave it out"
            )
        raise no_number(self._name, word, place)

    def _numbered(self, words: Sequence[str], sheet: Sheet, codes: Codes) -> Floats:
        values = [number(word) for word in words]
        if None in values:
            wrong = values.index(None)
            raise no_number(self._name, words[wrong], sheet.place(int(np.argmax(codes == wrong))))
        return np.array(values, np.float64)


def varies(words: Sequence[str]) -> bool:
    """Whether these distinct words may be the values of a variable: numbers, or few and not one alone."""
    values = [number(word) for word in words]
    return len(words) > 1 and (len(words) <= MANY or 2 * values.count(None) < len(values))


def _levelled(numbers: Floats, given: Sequence[float] | None, begins: Ints) -> Column:
    """Numbers (N,) as levels."""
    found = levels.cuts(numbers) if given is None else tuple(Cut(at, at, at) for at in given)
    known, latest, empty, unknown = _filled(~np.isnan(numbers), begins)
    numbers = numbers[latest]
    fresh = np.flatnonzero(known & ~np.append(False, known[:-1]))
    begins = np.append(begins, fresh)
    cuts = levels.holding(numbers, found, begins)
    codes = levels.levels(numbers, cuts, begins)
    return _column(_level_names(len(cuts) + 1), codes, known, cuts, given is not None, empty, unknown)


def _worded(codes: Codes, words: list[str], begins: Ints) -> Column:
    """Codes (N,) of words as they are; where all are numbers, equal ones are one value, and they ascend."""
    there = [word for word in words if word]
    numbers = [found for found in map(number, there) if found is not None]
    if len(numbers) < len(there):
        key = {word: word for word in there}
        values = there
    else:
        key = {word: plain(found) for word, found in zip(there, numbers, strict=True)}
        values = sorted(dict.fromkeys(key.values()), key=float)
    table = np.array([values.index(key[word]) if word else EMPTY for word in words], np.int16)
    codes = table[codes]
    known, latest, empty, unknown = _filled(codes != EMPTY, begins)
    return _column(tuple(values), codes[latest], known, None, False, empty, unknown)


def _column(
    values: tuple[str, ...],
    codes: Codes,
    known: NDArray[np.bool_],
    cuts: tuple[Cut, ...] | None,
    given: bool,
    empty: Ints,
    unknown: Ints,
) -> Column:
    if len(unknown):
        name = next(name for name in UNRECORDED if name not in values)
        codes, values = np.where(known, codes, len(values)), (*values, name)
    return Column(values, codes.astype(np.min_scalar_type(-len(values))), cuts, given, empty, unknown)


def _filled(there: NDArray[np.bool_], begins: Ints) -> tuple[NDArray[np.bool_], Ints, Ints, Ints]:
    """What stands in for empty cells: (whether each row has a value or one before it in its trace, the row whose value
    it has, the rows that take one, the rows without)."""
    latest = np.where(there, np.arange(len(there)), 0)
    latest[begins] = begins
    latest = np.maximum.accumulate(latest)
    known = there[latest]
    return known, latest, np.flatnonzero(~there & known), np.flatnonzero(~known)


def _level_names(size: int) -> tuple[str, ...]:
    few = {1: ("any",), 2: ("low", "high"), 3: ("low", "middle", "high")}
    return few.get(size) or tuple(f"{n} of {size}" for n in range(1, size + 1))
