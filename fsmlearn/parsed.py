"""Records of CSV -> columns of words, by the C parser of pandas, which this module alone imports: the long way.

It reads what `fields` cannot: quotes, and words that hardly ever repeat themselves.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np

from fsmlearn.records import Block
from fsmlearn.sheets import Sheet, Words


def parse(block: Block, columns: Iterable[int], fields: int) -> Sheet:
    """These columns of a block whose records have so many fields."""
    import pandas as pd

    # pandas turns the categories of a column into numbers where all look like numbers, so that 1 and 01 would be
    # one word. A first row of words, which belongs to no record, keeps them strings.
    text = (block.delimiter.join(["x"] * fields) + "\n").encode() + block.text
    columns = list(columns)
    frame = pd.read_csv(
        io.BytesIO(text),
        sep=block.delimiter,
        header=None,
        names=list(range(fields)),
        usecols=columns,
        dtype=dict.fromkeys(columns, "category"),
        engine="c",
        lineterminator="\n",
        skipinitialspace=True,
        skip_blank_lines=False,
        na_filter=False,
        low_memory=False,
    )
    assert len(frame) == len(block.line) + 1, "pandas and records disagree on where records end"

    def words(column: int) -> Words:
        cells = frame[column].cat
        codes = cells.codes.to_numpy()[1:]
        used = np.bincount(codes, minlength=len(cells.categories)) > 0  # "x" may be no word of the log
        words = [word.strip() for word, there in zip(cells.categories.tolist(), used.tolist(), strict=True) if there]
        return Words(words, codes if used.all() else (np.cumsum(used) - 1)[codes])

    return Sheet(block.name, block.line, {column: words(column) for column in columns})
