"""Distinct traces of all parts of a big log -> the few of them that are learned from.

A machine shows in far fewer rows than a big log has. Traces are drawn at random, and some that have something rare come
beside them. Each trace has a lot, a number that follows from the seed and its place in the log, and the lowest are
taken; so the same are taken however the log is divided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from fsmlearn.alike import COLUMNS, Distinct, bare, distinct, together
from fsmlearn.denoise import Denoised, Filtered
from fsmlearn.fingerprint import GOLDEN, Words64, scattered
from fsmlearn.logs import Log, LogKind
from fsmlearn.rows import wide
from fsmlearn.spread import Handle, Spread

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Keys = Callable[[Distinct], tuple[Ints, Ints, Ints]]
# of distinct traces: (m,) some of them, (m,) something that each has, as a number, and of which how many are wanted

# rows that are all learned from; of events those of distinct traces
ENOUGH: dict[LogKind, int] = {"visible": 50_000, "hidden": 200_000, "sequence": 100_000}
ROWS: dict[LogKind, int] = {"visible": 16_000, "hidden": 100_000, "sequence": 100_000}  # that are drawn from more
LEAST = 8  # traces with each kind of row, as far as there are so many
RARE = 1e-3  # share of the answers to a trigger in a state below which one may be noise that is left
PIECE = 512  # rows of the pieces that longer traces are cut into


@dataclass(frozen=True, eq=False)
class Lots:
    """Of R traces that have rows, pieces of long ones counting as traces."""

    lot: Words64  # (R,) no two alike
    number: Ints  # (R,) which of the log's traces that have rows it is; -1 if it is a piece that begins within one
    limit: np.uint64  # lots below it are drawn

    def of(self, some: Ints) -> Lots:
        """Of some of them."""
        return Lots(self.lot[some], self.number[some], self.limit)


@dataclass(frozen=True, eq=False)
class Excerpt:
    """Traces to learn from, in the order of their lots."""

    traces: Distinct
    lots: Lots

    def beginning(self) -> Excerpt:
        """Those of them that begin where a trace of the log does."""
        return _some(self.traces, self.lots, self.lots.number >= 0)


def pieces(clean: Denoised) -> Distinct:
    """The distinct traces of a part of a log, long ones in pieces, before which rows are lost for all one knows.

    In a log of events that is said of the first piece too: no piece begins or ends a trace.
    """
    offsets, trace, inside = _cut(clean.log)
    gap = clean.gap.copy()
    cut = inside > 0
    if clean.log.kind == "sequence":
        cut = np.isin(trace, trace[cut])
    gap[offsets[:-1][cut]] = True
    return distinct(bare(clean.log, [getattr(clean.log, name) for name in COLUMNS], offsets), gap)


def _cut(log: Log) -> tuple[Ints, Ints, Ints]:
    """((R + 1,) where the pieces of all traces with rows begin, (R,) trace and (R,) place in it of each)."""
    length = np.diff(log.offsets)
    many = np.where(length > 2 * PIECE, -(-length // PIECE), length > 0)
    trace = np.repeat(np.arange(len(length)), many)
    inside = np.arange(len(trace)) - np.repeat(np.cumsum(many) - many, many)
    return np.append(log.offsets[trace] + inside * PIECE, log.offsets[-1]), trace, inside


def drawn(clean: Filtered, seed: int) -> list[Handle]:
    """`Lots` of each part of a log."""
    spread, parts = clean.source.spread, clean.parts
    sizes = list(spread.bring(spread.map(_sizes, parts)))
    traces, filled = ([0, *accumulate(each)][:-1] for each in zip(*sizes, strict=True))
    salt = np.random.default_rng(seed).integers(1 << 64, dtype=np.uint64)
    limit = np.uint64(min(int(ROWS[clean.source.kind] / len(clean) * 2**64), 2**64 - 1))
    return spread.map(_lots, parts, traces, filled, [salt] * len(parts), [limit] * len(parts))


def _sizes(clean: Denoised) -> tuple[int, int]:
    """Traces, and those with rows."""
    return len(clean.log.traces), int(np.count_nonzero(np.diff(clean.log.offsets)))


def _lots(clean: Denoised, traces: int, filled: int, salt: np.uint64, limit: np.uint64) -> Lots:
    """Lots of a part before which so many traces come, and so many that have rows."""
    _, trace, inside = _cut(clean.log)
    place = (trace + traces).view(np.uint64) * GOLDEN
    lot = scattered(place ^ scattered(inside.view(np.uint64) ^ salt))
    begins = inside == 0
    return Lots(lot, np.where(begins, np.cumsum(begins) - 1 + filled, -1), limit)


def kinds(spread: Spread, kept: Sequence[Handle]) -> Keys:
    """What of all traces is wanted: every kind of row, and every state that traces begin in.

    What is so seldom beside others of its kind that it may be noise comes once, or a log in which much of that is left
    would be learned from that alone.
    """
    found, each = zip(*spread.bring(spread.map(_counted, kept)), strict=True)
    numbers, index = np.unique(np.concatenate(found), return_inverse=True)
    count = np.bincount(index, np.concatenate(each))
    [beside] = set(spread.bring(spread.map(_beside, kept[:1])))
    _, cell = np.unique(numbers // beside, return_inverse=True)
    return partial(_kinds, numbers, np.where(count > RARE * np.bincount(cell, count)[cell], LEAST, 1))


def _kinds(numbers: Ints, many: Ints, traces: Distinct) -> tuple[Ints, Ints, Ints]:
    found, kind, trace = _said(traces)
    return trace, np.searchsorted(numbers, found)[kind], many


def _counted(traces: Distinct) -> tuple[Ints, Ints]:
    """(what rows say, and the states that traces begin in, as ascending numbers; how often)."""
    found, kind, trace = _said(traces)
    return found, np.bincount(kind, traces.copies[trace]).astype(np.int64)


def _beside(traces: Distinct) -> int:
    """Of how many things that rows can say one excludes the others."""
    return (len(traces.log.states) + 1) * (len(traces.log.outputs) + 1)


def _said(traces: Distinct) -> tuple[Ints, Ints, Ints]:
    """(ascending numbers of what rows say and of the states that traces begin in, (m,) which of them, (m,) trace)."""
    log, begins = traces.log, traces.log.offsets[:-1]
    rows, beside = traces.coded, _beside(traces)
    distinct_rows, kind = rows.distinct
    state, trigger, after, output = rows.parts(distinct_rows)
    cells = (len(log.states) + 1) * len(log.triggers)
    said = (state * len(log.triggers) + trigger) * beside + after * (len(log.outputs) + 1) + output
    whole = np.flatnonzero(~traces.gap[begins])
    states, begun = np.unique(wide(rows.state[begins[whole]]), return_inverse=True)
    of_row = np.repeat(np.arange(len(begins)), np.diff(log.offsets))
    return (
        np.append(said, cells * beside + states),
        np.append(wide(kind), len(said) + begun),
        np.append(of_row, whole),
    )


def taken(
    spread: Spread, kept: Sequence[Handle], lots: Sequence[Handle], keys: Keys, known: Excerpt | None = None
) -> Excerpt:
    """The traces that are drawn, and those with the lowest lots that have what is wanted; beside those that are known
    already."""
    found: list[Excerpt] = list(spread.bring(spread.map(_taken, kept, lots, [keys] * len(kept))))
    if known is not None:
        found.append(known)
    traces, _ = together([part.traces for part in found])
    lot, number = (np.concatenate([getattr(part.lots, name) for part in found]) for name in ("lot", "number"))
    lot, once = np.unique(lot, return_index=True)
    traces, lots_of = replace(traces, like=traces.like[once]), Lots(lot, number[once], found[0].lots.limit)
    wanted = _wanted(traces, lots_of, keys)
    if known is not None:
        wanted |= np.isin(lot, known.lots.lot)
    return _some(traces, lots_of, wanted)


def _taken(kept: Distinct, lots: Lots, keys: Keys) -> Excerpt:
    return _some(kept, lots, _wanted(kept, lots, keys))


def _wanted(traces: Distinct, lots: Lots, keys: Keys) -> Bools:
    """(R,) the traces that are drawn or have what is wanted."""
    wanted: Bools = (lots.lot < lots.limit) | (lots.number == 0)  # something of it begins where the log does
    trace, key, many = keys(traces)
    times, size = np.bincount(traces.like[wanted], minlength=len(traces.log.traces)), len(traces.log.traces)

    def pairs(which: Bools) -> tuple[Ints, Ints]:
        """(key, distinct trace) of some, each pair once."""
        return np.divmod(np.unique(key[which] * size + trace[which]), size)

    keys_drawn, having = pairs(times[trace] > 0)
    scarce = np.bincount(keys_drawn, times[having], len(many)) < many
    keys_left, having = pairs(scarce[key])
    if len(keys_left):
        some = np.zeros(size, np.bool_)
        some[having] = True
        order = np.flatnonzero(some[traces.like])
        order = order[np.argsort(traces.like[order], kind="stable")]
        copies = np.where(some, traces.copies, 0)
        keys_left = np.repeat(keys_left, copies[having])
        begin = np.repeat(
            (np.cumsum(copies) - copies)[having] - np.cumsum(copies[having]) + copies[having], copies[having]
        )
        each = order[begin + np.arange(len(begin))]
        falling = np.lexsort((lots.lot[each], keys_left))
        keys_left = keys_left[falling]
        place = np.arange(len(each)) - np.searchsorted(keys_left, keys_left)
        wanted[each[falling[place < many[keys_left]]]] = True
    return wanted


def _some(traces: Distinct, lots: Lots, wanted: Bools) -> Excerpt:
    """Some of the traces in the order of their lots."""
    which = np.flatnonzero(wanted)
    which = which[np.argsort(lots.lot[which])]
    return Excerpt(traces.of(which), lots.of(which))
