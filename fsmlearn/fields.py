"""Unquoted records -> codes and numbers, in NumPy alone: the fast way through the bytes of a log.

A log says few different things very often. So the words of a row are not parsed: the span of bytes that holds them is
looked up as a whole among the spans met so far, eight bytes at a time, and only a new span is cut into words. What is
too rare, too long or too odd for that is left to `cells`, which can read everything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bytes8 = NDArray[np.uint64]  # eight bytes each, the first the lowest

LONGEST = 256  # bytes of a span
MOST = 1 << 15  # distinct spans; more are no behaviour that repeats itself
ZEROS = np.uint64(0x3030303030303030)  # "00000000"
# the last n of eight bytes, and "0" in all bytes but those
LAST = np.array([(1 << 64) - (1 << (64 - 8 * n)) for n in range(9)], np.uint64)  # (9,)
LEADING = ZEROS & ~LAST  # (9,)


class Text:
    """The bytes of a block, to be looked at eight at a time."""

    def __init__(self, text: bytes) -> None:
        self._padded = b"".join((b"\0" * 8, text, b"\0" * LONGEST))
        self._eight = np.ndarray(len(text) + 1, "<u8", self._padded, strides=(1,))  # [i]: those that end before byte i

    def cut(self, begin: int, end: int) -> bytes:
        """One span."""
        return self._padded[begin + 8 : end + 8]

    def zero(self, begin: Ints) -> bool:
        """Whether "0" is the first byte of one of these spans."""
        return bool((np.frombuffer(self._padded, np.uint8)[begin + 8] == ord("0")).any())

    def eights(self, begin: Ints, end: Ints) -> list[Bytes8]:
        """Spans (N,) as words of eight bytes (N,): two are equal where these and the lengths are.

        The last eight bytes come last, whatever came before; a short span has zeros in place of what is before it.
        """
        length = end - begin
        longest = int(length.max())
        words = [self._eight[np.minimum(begin + at, end)] for at in range(8, longest, 8)]
        words.append(self._eight[end])
        if length.min() < 8:
            mask = LAST[np.minimum(length, 8)]
            for word in words:
                word &= mask
        return words

    def words(self, begin: Ints, length: Ints, width: int) -> Bytes8:
        """Spans (N,) of at most LONGEST bytes, from their first byte on, as (N, width) words that hold the longest, and
        zeros behind. NumPy takes all bytes of a span in one go."""
        wide = np.ndarray(len(self._eight), f"V{8 * width}", self._padded, 8, (1,))
        words = wide[begin].view("<u8").reshape(-1, width)
        words &= _leading(width).take(length, axis=0)
        return words


@cache
def _leading(width: int) -> Bytes8:
    """(8 width + 1, width) words whose first n bytes are all ones, for every n."""
    ones: Bytes8 = ~LAST[8 - np.clip(np.arange(8 * width + 1)[:, None] - 8 * np.arange(width), 0, 8)]
    return ones


def same_as_before(text: Text, begin: Ints, end: Ints) -> NDArray[np.bool_]:
    """(N,) whether a span equals the one before it; the first does not."""
    length = end - begin
    same = np.append(False, length[1:] == length[:-1])
    for word in text.eights(begin, end):
        same[1:] &= word[1:] == word[:-1]
    return same


def numbers(text: Text, begin: Ints, end: Ints) -> Ints | None:
    """(N,) the whole numbers that these spans are; None where one is anything else than 1 to 16 digits."""
    length = end - begin
    longest = int(length.max())
    if length.min() < 1 or longest > 16:
        return None
    if longest <= 8:
        return _small(text, begin, end, longest)
    middle = np.maximum(end - 8, begin)
    high, low = _small(text, begin, middle, longest - 8), _small(text, middle, end, 8)
    return None if high is None or low is None else high * 100_000_000 + low


def _small(text: Text, begin: Ints, end: Ints, longest: int) -> Ints | None:
    """As `numbers`, for at most 8 digits; no digits are 0."""
    [digits] = text.eights(begin, end)
    digits |= LEADING[end - begin]
    odd = (digits + np.uint64(0x4646464646464646)) | (digits - ZEROS)
    if (odd & np.uint64(0x8080808080808080)).any():
        return None
    digits -= ZEROS
    # neighbours become numbers of two digits, then of four, then of eight, until the last of them is all there is
    for shift, ten, mask in ((8, 10, 0x00FF00FF00FF00FF), (16, 100, 0x0000FFFF0000FFFF), (32, 10_000, 0xFFFFFFFF)):
        digits = (digits * np.uint64(ten) + (digits >> np.uint64(shift))) & np.uint64(mask)
        if 4 * longest <= shift:
            break
    return (digits >> np.uint64(64 - 2 * shift)).view(np.int64)


class Spans:
    """Distinct spans and their codes 0, 1, …, a hash table whose answers are checked byte by byte.

    `learn` is called with each new span, in order of appearance; what it raises goes through.
    """

    def __init__(self, learn: Callable[[bytes, int], None]) -> None:
        self._learn = learn  # (span, its row in the block)
        self._size = 0
        self._words: Bytes8 = np.zeros((0, 1), np.uint64)  # (K + spare, W); the last of them is like no text
        self._slots: Ints = np.zeros(0, np.int64)
        self._room(1, 1 << 10)

    def codes(self, text: Text, begin: Ints, end: Ints) -> Ints | None:
        """(N,) codes of spans; None where they are too many or too long to be known by heart."""
        length = end - begin
        longest = int(length.max())
        if longest > LONGEST:
            return None
        self._room(-(-longest // 8), len(self._slots))
        words = text.words(begin, length, self._words.shape[1])
        hashed = _hash(words)
        code = self._find(hashed, words)
        while len(new := np.flatnonzero(code < 0)):
            _, first = np.unique(hashed[new], return_index=True)
            if self._size + len(first) > MOST:
                return None
            for row in np.sort(new[first]).tolist():
                self._learn(text.cut(int(begin[row]), int(end[row])), row)
                self._add(words[row], hashed[row])
            code[new] = self._find(hashed[new], words[new])
        return code

    def _find(self, hashed: Bytes8, words: Bytes8) -> Ints:
        """(N,) codes, -1 for what is not there. Where a slot is taken by another span the next one is tried."""
        bits = len(self._slots).bit_length() - 1
        slot = (hashed >> np.uint64(64 - bits)).view(np.int64)
        code = self._slots[slot]
        wrong = self._unlike(code, words)
        while len(wrong := wrong[code[wrong] >= 0]):
            slot[wrong] = (slot[wrong] + 1) % len(self._slots)
            code[wrong] = self._slots[slot[wrong]]
            wrong = wrong[self._unlike(code[wrong], words[wrong])]
        return code

    def _unlike(self, code: Ints, words: Bytes8) -> Ints:
        """Rows (N, W) that are not what their codes stand for, ascending; -1 stands for nothing."""
        known = self._words.take(code, axis=0, mode="wrap")
        rows: Ints = np.unique(np.flatnonzero(known != words) // words.shape[1])
        return rows

    def _add(self, words: Bytes8, hashed: np.uint64) -> None:
        if 4 * (self._size + 1) > len(self._slots):
            self._room(1, 4 * len(self._slots))
        self._words[self._size] = words
        self._place(hashed, self._size)
        self._size += 1

    def _place(self, hashed: np.uint64, code: int) -> None:
        slot = int(hashed) >> (64 - (len(self._slots).bit_length() - 1))
        while self._slots[slot] >= 0:
            slot = (slot + 1) % len(self._slots)
        self._slots[slot] = code

    def _room(self, width: int, slots: int) -> None:
        """Make room for spans of so many words, and as many slots."""
        known = self._words[: self._size]
        shape = slots // 4 + 1, max(width, known.shape[1])
        if shape != self._words.shape:
            self._words = np.full(shape, ~np.uint64(0))
            self._words[: len(known)] = 0
            self._words[: len(known), : known.shape[1]] = known
        if slots > len(self._slots):
            self._slots = np.full(slots, -1)
            for code, hashed in enumerate(_hash(known)):
                self._place(hashed, code)


ODD = np.array([pow(0x9E3779B97F4A7C15, 2 * n + 1, 1 << 64) for n in range(LONGEST // 8)], np.uint64)


def _hash(words: Bytes8) -> Bytes8:
    """(N,) a hash of words (N, W) whose highest bits are the best. Zeros that follow make no difference."""
    hashed: Bytes8 = words @ ODD[: words.shape[1]]
    return hashed
