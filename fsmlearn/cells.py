"""Checked records -> codes: the one module that imports pandas, whose C parser turns words into codes fast.

Words get their codes as they come, the same for all files of a log. Order, traces and what is odd are not judged here.
"""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsmlearn.columns import Layout
from fsmlearn.errors import LogError
from fsmlearn.records import Block

WORDS_OF = {"next_state": "state", "event": "trigger"}  # roles that take their words from another's


class Cells:
    """The rows read so far, in the order of the files, as columns of codes (steps as numbers)."""

    def __init__(self) -> None:
        self.rows = 0
        self._codes: dict[str, dict[str, int]] = {"trace": {}, "state": {}, "trigger": {}, "output": {}}
        self._parts: dict[str, list[NDArray[Any]]] = {}

    def add(self, block: Block, layout: Layout, file: int) -> None:
        """Add the records of one block. LogError where a trigger, event or trace is empty or a step is no number."""
        n = len(block.line)
        if n == 0:
            return
        frame = _parse(block, layout)
        found: dict[str, NDArray[Any]] = {"file": np.full(n, file, np.int32), "line": block.line.astype(np.int32)}
        for role, column in layout.position.items():
            if role == "step":
                found["step"] = _steps(frame[column], block, layout)
                continue
            cells = frame[column].cat
            codes = self._codes[WORDS_OF.get(role, role)]
            words = [word.strip() for word in cells.categories.tolist()]
            code = np.array([codes.setdefault(word, len(codes)) for word in words], np.int32)
            coded = code[cells.codes.to_numpy()[1:]]
            if role in ("trigger", "event", "trace") and "" in codes:
                row = int(np.argmax(coded == codes[""]))
                raise LogError(
                    f"{block.name}:{block.line[row]}: {role} is empty; fill in column {layout.columns[role]!r}, "
                    "or delete the row"
                )
            found["trigger" if role == "event" else role] = coded
        self.rows += n
        for role, values in found.items():
            self._parts.setdefault(role, []).append(values)

    def words(self, role: str) -> list[str]:
        """The words of a role by their codes."""
        return list(self._codes[role])

    def column(self, role: str) -> NDArray[Any] | None:
        """One column of all rows, None where the log has none; its parts are let go."""
        parts = self._parts.pop(role, None)
        return None if parts is None else np.concatenate(parts)


def _parse(block: Block, layout: Layout) -> pd.DataFrame:
    """The cells of a block as categories of strings, and the steps as integers where they all are.

    pandas turns the categories of a column into numbers where all look like numbers, so that 1 and 01 would be
    one word. A first row of words, which belongs to no record, keeps them strings.
    """
    kinds = dict.fromkeys(layout.position.values(), "category")
    words = ["x"] * len(layout.headers)
    if "step" in layout.position:
        kinds[layout.position["step"]] = "int64"
        words[layout.position["step"]] = "0"
    text = (layout.delimiter.join(words) + "\n").encode() + block.text
    try:
        frame = _read_csv(text, layout, kinds)
    except (ValueError, OverflowError):  # some step is no integer: `_steps` finds out which
        kinds[layout.position["step"]] = "str"
        frame = _read_csv(text, layout, kinds)
    assert len(frame) == len(block.line) + 1, "pandas and _records disagree on where records end"
    return frame


def _read_csv(text: bytes, layout: Layout, kinds: dict[int, str]) -> pd.DataFrame:
    with np.errstate(invalid="ignore"):  # pandas casts infinite steps before it refuses them
        return pd.read_csv(
            io.BytesIO(text),
            sep=layout.delimiter,
            header=None,
            names=list(range(len(layout.headers))),
            usecols=list(kinds),
            dtype=kinds,
            engine="c",
            lineterminator="\n",
            skipinitialspace=True,
            skip_blank_lines=False,
            na_filter=False,
            low_memory=False,
        )


def _steps(cells: pd.Series[Any], block: Block, layout: Layout) -> NDArray[np.int64]:
    if cells.dtype == np.int64:
        return cells.to_numpy()[1:]
    steps = []
    for line, cell in zip(block.line.tolist(), cells.tolist()[1:], strict=True):
        number = re.fullmatch(r"([+-]?\d{1,18})(\.0*)?", cell.strip(), re.ASCII)
        if not number:
            raise LogError(
                f"{block.name}:{line}: step {cell.strip()!r} is no whole number; number the rows of each trace 1, 2, 3 "
                f"in column {layout.columns['step']!r}, or leave the column out"
            )
        steps.append(int(number[1]))
    return np.array(steps, np.int64)
