"""Rows as read, divided into parts and brought together: how a log is read in parts of whole traces.

A log is read in parts, of some files each, or of the rows of one reading that are at hand. The rows of a trace are
brought together in the part in which it begins (`spanning`, `sent`, `joined`); where rows come one after the other, a
part ends where nothing before it depends on what follows (`divided`). Each part is then put in order by `assembly`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fsmlearn.cells import Ints, Raw
from fsmlearn.plain import WORDS_OF, narrow
from fsmlearn.runs import Numerals, Runs, chosen
from fsmlearn.traces import FILE, cut

# --- traces that several parts have rows of ----------------------------------------------------------------------


def names(raw: Raw) -> Sequence[str] | None:
    """The names of the traces of a part; None where the log has no column of traces."""
    return None if raw.stretches is None else raw.stretches[2]


Homes = dict[int, Ints]  # part in which traces begin -> their codes in another part


def spanning(parts: Sequence[Sequence[str] | None]) -> list[Homes]:
    """For each part the traces that begin in an earlier one, by the names of the traces of all parts."""
    homes: list[Homes] = [{} for _ in parts]
    if all(isinstance(each, Numerals) for each in parts):
        numbers = [each.numbers for each in parts if isinstance(each, Numerals)]
        for later in range(len(parts)):
            mine = None
            for earlier in range(later):
                if not _overlap(numbers[earlier], numbers[later]):
                    continue
                mine = numbers[later].array() if mine is None else mine
                codes = np.flatnonzero(np.isin(mine, numbers[earlier].array(), assume_unique=True))
                codes = codes[~np.isin(codes, np.concatenate([codes[:0], *homes[later].values()]))]
                if len(codes):
                    homes[later][earlier] = codes
        return homes
    home: dict[str, int] = {}
    for part, each in enumerate(parts):
        found: dict[int, list[int]] = {}
        for code, name in enumerate(each or ()):
            if home.setdefault(name, part) != part:
                found.setdefault(home[name], []).append(code)
        homes[part] = {earlier: np.array(codes) for earlier, codes in found.items()}
    return homes


def _overlap(one: Runs, other: Runs) -> bool:
    """Whether two columns that rise may have an entry in common."""
    if not len(one) or not len(other):
        return False
    (low, high), (least, most) = (each.at(np.array([0, len(each) - 1])).tolist() for each in (one, other))
    return bool(low <= most and least <= high)


def sent(raw: Raw, homes: Homes, own: int) -> dict[int, Raw]:
    """The rows of a part by the part that they belong to, its `own` number among these."""
    if not homes:
        return {own: raw}
    assert raw.stretches is not None
    begins, traces, words = raw.stretches
    to = np.full(len(words), own)
    for home, codes in homes.items():
        to[codes] = home
    trace = np.repeat(traces, np.diff(begins, append=len(raw)))
    return {home: _some(raw, trace, np.flatnonzero(to[trace] == home)) for home in (own, *homes)}


def _some(raw: Raw, trace: Ints, rows: Ints) -> Raw:
    """Some rows of a part; `trace` (N,) is that of each of its rows."""
    trace = trace[rows]
    begins = np.flatnonzero(np.diff(trace, prepend=-1))
    codes, index = np.unique(trace[begins], return_inverse=True)
    assert raw.stretches is not None
    return Raw(
        raw.layout,
        raw.words,
        {role: column[rows] for role, column in raw.columns.items()},
        Runs.of(raw.places.at(rows)),
        None if raw.steps is None else Runs.of(raw.steps.at(rows)),
        (begins, index, chosen(raw.stretches[2], codes)),
        raw.readings,
    )


def _places(words: Sequence[str], among: Sequence[str]) -> Ints:
    """Where each of the words stands among others."""
    if isinstance(words, Numerals) and isinstance(among, Numerals):
        return np.searchsorted(among.numbers.array(), words.numbers.array())
    number = {name: code for code, name in enumerate(among)}
    return np.array([number[name] for name in words], np.int64)


def joined(parts: Sequence[Raw]) -> Raw:
    """Rows of several parts, one part after the other, as one; all their traces are those of the first."""
    first, *others = parts
    if not others:
        return first
    words = {role: list(known) for role, known in first.words.items()}
    columns = {role: [column] for role, column in first.columns.items()}
    code = {role: {word: code for code, word in enumerate(known)} for role, known in words.items()}
    for part in others:
        new = {
            role: np.array([known.setdefault(word, len(known)) for word in part.words[role]], np.int64)
            for role, known in code.items()
        }
        for role, column in part.columns.items():
            columns[role].append(new[WORDS_OF.get(role, role)][column])
    words = {role: list(known) for role, known in code.items()}
    before = np.cumsum([0, *map(len, parts)]).tolist()
    stretches = [part.stretches for part in parts if part.stretches is not None]
    home = stretches[0][2]
    traces = [stretches[0][1], *(_places(names, home)[traces] for _, traces, names in stretches[1:])]
    return Raw(
        first.layout,
        words,
        {role: narrow(np.concatenate(parts), len(words[WORDS_OF.get(role, role)])) for role, parts in columns.items()},
        Runs.join([part.places for part in parts]),
        None if first.steps is None else Runs.join([part.steps for part in parts if part.steps is not None]),
        (
            np.concatenate([begins + n for (begins, _, _), n in zip(stretches, before, strict=False)]),
            np.concatenate(traces),
            home,
        ),
        first.readings,
    )


# --- parts of one reading --------------------------------------------------------------------------------------------

CALM = 4  # junctions on either side of a cut through a trace that must be whole


class UnorderedError(Exception):
    """Rows stand far from where they belong, so the log can be read as one part only."""


def divided(raw: Raw) -> tuple[Raw, Raw] | None:
    """(rows that are a part by themselves, those after them); None where there is no good place to cut.

    A good place is where a trace begins, if none goes on from before it; in one long trace it is where many junctions
    in a row are whole and the steps count, so that nothing about the rows before a cut depends on those after it.
    """
    if raw.stretches is None:
        begins = cut(raw.places, raw.steps, raw.layout.clock, raw.since)
        place = int(begins[-1])
    else:
        begins, traces, names = raw.stretches
        last = np.zeros(len(names), np.int64)
        last[traces] = np.arange(len(traces))
        apart = np.flatnonzero(np.maximum.accumulate(last[traces])[:-1] < np.arange(1, len(traces)))
        place = int(begins[apart[-1] + 1]) if len(apart) else 0
    if place:
        return _slice(raw, 0, place), _slice(raw, place, len(raw))
    calm = _calm(raw) if len(begins) == 1 else 0
    if not calm:
        return None
    if raw.steps is None:
        since = (raw.since or 0) + calm
    else:
        since = int(raw.steps.values[0]) if raw.since is None else raw.since
    head, rest = _slice(raw, 0, calm), _slice(raw, calm, len(raw))
    return replace(head, goes_on=True), replace(rest, since=since)


def _slice(raw: Raw, start: int, stop: int) -> Raw:
    rows = np.arange(start, stop)
    traces = rows[:0]
    if raw.stretches is not None:
        begins, codes, _ = raw.stretches
        traces = np.repeat(codes, np.diff(begins, append=len(raw)))
        return replace(_some(raw, traces, rows), since=raw.since if start == 0 else None)
    return replace(
        raw,
        columns={role: column[start:stop].copy() for role, column in raw.columns.items()},
        places=Runs.of(raw.places.at(rows)),
        steps=None if raw.steps is None else Runs.of(raw.steps.at(rows)),
        since=raw.since if start == 0 else None,
    )


def _calm(raw: Raw) -> int:
    """The last row of a trace before which it may be cut; 0 where there is none."""
    whole = np.ones(len(raw), np.bool_)  # the junction before each row
    whole[0] = False
    if raw.steps is not None:
        whole[raw.steps.starts] = False
    whole[raw.places.starts[np.diff(raw.places.values >> FILE, prepend=-1) != 0]] = False
    if raw.layout.kind == "visible":
        state, after, words = raw.columns["state"], raw.columns["next_state"], raw.words["state"]
        whole[1:] &= state[1:] == after[:-1]
        if "" in words:
            whole &= state != words.index("")
    upto = np.append(0, np.cumsum(whole))
    around = np.arange(CALM, len(raw) - CALM)
    found = around[upto[around + CALM + 1] - upto[around - CALM] == 2 * CALM + 1]
    return int(found[-1]) if len(found) else 0


class Closed:
    """The names of traces that ended in a part, so that none is taken for new that comes again."""

    def __init__(self) -> None:
        self._highest = -1
        self._hashes = np.zeros(0, np.int64)

    def add(self, raw: Raw) -> None:
        """Those of the next part. Raises UnorderedError where a trace is there again."""
        if raw.stretches is None:
            return
        names = raw.stretches[2][1 if raw.since is not None else 0 :]  # the first goes on from the part before
        if isinstance(raw.stretches[2], Numerals) and not len(self._hashes):
            numbers = raw.stretches[2].numbers.array()[len(raw.stretches[2]) - len(names) :]
            if len(numbers):
                if numbers[0] <= self._highest:
                    raise UnorderedError
                self._highest = int(numbers[-1])
            return
        hashes = np.array([hash(name) for name in names], np.int64)
        if self._highest >= 0 or np.isin(hashes, self._hashes).any():
            raise UnorderedError
        self._hashes = np.sort(np.append(self._hashes, hashes))
