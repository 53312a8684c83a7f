"""Rows of a log as columns of words, whatever file they come from: each distinct word once, and which a row has.

What is not read as bytes, as most CSV is, passes through here on its way to the codes of `cells`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsmlearn.errors import LogError
from fsmlearn.runs import Runs


@dataclass(frozen=True, slots=True)
class Words:
    """One column of N rows, stripped of the white space around its words."""

    words: list[str]  # distinct but for that white space
    codes: NDArray[np.integer[Any]]  # (N,) index into words

    @classmethod
    def of(cls, column: Sequence[str]) -> Words:
        """The column of these cells."""
        index = {word: code for code, word in enumerate(dict.fromkeys(column))}
        return cls([word.strip() for word in index], np.array([index[word] for word in column], np.int64))

    def list(self) -> list[str]:
        """The N words, row by row."""
        return [self.words[code] for code in self.codes.tolist()]


@dataclass(frozen=True, slots=True)
class Sheet:
    """N rows of one file."""

    name: str  # of the file
    line: Runs  # (N,) line or, where a file has none, record
    columns: Mapping[int, Words]  # by their place among the headers

    def __post_init__(self) -> None:
        """LogError where a word is none that a text file could hold."""
        for column in self.columns.values():
            if not _written("".join(column.words)):
                wrong = next(code for code, word in enumerate(column.words) if not _written(word))
                row, word = int(np.argmax(column.codes == wrong)), column.words[wrong]
                raise LogError(f"{self.place(row)}: {word!r} holds a NUL or half a character; write it otherwise")

    @classmethod
    def of(cls, name: str, lines: Sequence[int], columns: Mapping[int, Sequence[str]]) -> Sheet:
        """The sheet of cells as they come."""
        return cls(name, Runs.of(np.array(lines, np.int64)), {at: Words.of(cells) for at, cells in columns.items()})

    def __len__(self) -> int:
        return len(self.line)

    def place(self, row: int) -> str:
        """Where a row stands, as "file:line"."""
        return f"{self.name}:{self.line.at(np.array([row]))[0]}"


def _written(text: str) -> bool:
    """Whether a text file can hold these characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
