"""Words -> the order of rows: steps, which are whole numbers, or times, which are kept in microseconds.

A time is a date with or without a time of day (ISO 8601), which without a zone means UTC, or a number of seconds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from fsmlearn.columns import Clock

Ints = NDArray[np.int64]

SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WHOLE = re.compile(r"([+-]?\d{1,18})(\.0*)?", re.ASCII)
_DECIMAL = re.compile(r"([+-]?)(\d{1,12})(?:\.(\d*))?", re.ASCII)


def clock(words: Sequence[str]) -> Clock | None:
    """How to read these words: as whole numbers, else as seconds, else as dates; None where they are neither."""
    kinds: tuple[Clock, ...] = ("", "number", "date")
    return next((kind for kind in kinds if all(_number(word, kind) is not None for word in words)), None)


def numbers(words: Sequence[str], kind: Clock) -> Ints | list[int]:
    """(N,) the numbers that the words are, or the indices of those that are none."""
    digits = "".join(words)
    if kind == "" and digits.isdecimal() and digits.isascii() and all(0 < len(word) <= 18 for word in words):
        return np.array(list(map(int, words)), np.int64)  # most are like this
    found = [_number(word, kind) for word in words]
    wrong = [at for at, number in enumerate(found) if number is None]
    return wrong or np.array(found, np.int64)


def shown(numbers: Ints, kind: Clock) -> list[str]:
    """Numbers as words again."""
    if kind == "":
        return [str(number) for number in numbers.tolist()]
    if kind == "number":
        return [_decimal(number) for number in numbers.tolist()]
    return [(_EPOCH + number * _MICROSECOND).isoformat().replace("+00:00", "Z") for number in numbers.tolist()]


def _number(word: str, kind: Clock) -> int | None:
    if kind == "":
        whole = _WHOLE.fullmatch(word)
        return int(whole[1]) if whole else None
    if kind == "number":
        decimal = _DECIMAL.fullmatch(word)
        if not decimal:
            return None
        size = int(decimal[2]) * SECOND + int(f"{decimal[3] or '':0<6.6}")
        return -size if decimal[1] == "-" else size
    if word.isdigit():  # fromisoformat would read 20240131
        return None
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def _decimal(number: int) -> str:
    whole, rest = divmod(abs(number), SECOND)
    text = f"{'-' if number < 0 else ''}{whole}.{rest:06}".rstrip("0")
    return text.removesuffix(".")
