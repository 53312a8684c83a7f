"""Rows as read -> rows in order, with the words of the whole log: what of reading can be done part by part.

A log is read in parts, of some files each. Of every part a few facts are told, and what follows from those of all parts
is given back to each: so the log is the same however it is divided. First the rows of a trace are brought together in
the part in which it begins (`spanning`, `sent`, `joined`); then each part is put in order (`arranged`), settled by the
rules that hold for all of them (`settled`), and given the words of all (`recoded`, by `logs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fsmlearn.cells import WORDS_OF, Codes, Ints, Raw, narrow
from fsmlearn.columns import Layout
from fsmlearn.runs import Numerals, Runs
from fsmlearn.traces import (
    FILE,
    UNKNOWN,
    Odd,
    arrange,
    cut,
    drop_word,
    fill_empty,
    name_of_unknown,
    odd,
    renumber,
    rises,
)

ODDITIES = (  # in the order in which they are told
    "row out of order",
    "empty current_state",
    "empty next_state",
    "unrecorded current_state",
    "unrecorded next_state",
    "broken chain",
    "unrecorded output",
    "repeated row",
    "duplicated step",
    "gap in steps",
)

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
        (begins, index, _chosen(raw.stretches[2], codes)),
    )


def _chosen(words: Sequence[str], codes: Ints) -> Sequence[str]:
    """Some of the names, in their order."""
    if isinstance(words, Numerals):
        return Numerals(Runs.of(words.numbers.at(codes)))
    return tuple(words[code] for code in codes.tolist())


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
        begins = cut(raw.places, raw.steps, raw.since)
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


# --- order, and what is odd --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Arranged:
    """N rows in order of trace and step, R traces."""

    layout: Layout
    words: dict[str, list[str]]
    columns: dict[str, Codes]
    places: Runs
    steps: Runs | None
    offsets: Ints  # (R + 1,)
    names: Sequence[str] | None  # of the traces, None where they are counted
    late: Odd | None  # rows that stood elsewhere
    uneven: Ints  # rows whose step is not the next of their trace's row before
    rise: Ints  # and by how much it is greater
    since: int | None  # as `Raw` has it
    closes: bool  # the last row ends a trace


@dataclass(frozen=True)
class Facts:
    """What all parts are settled by."""

    layout: Layout
    rows: int
    traces: int
    uneven: int
    rising: int  # of the uneven
    states: tuple[str, ...]  # words
    blank: bool  # an output is empty
    labels: bool  # outputs are empty but in the last rows of traces, and in no such row


def arranged(raw: Raw) -> tuple[Arranged, Facts]:
    """Put the rows of a part in order."""
    size, places, steps, columns = len(raw), raw.places, raw.steps, raw.columns
    called: Sequence[str] | None = None
    if raw.stretches is None:
        begins = cut(places, steps, raw.since)
        traces = np.arange(len(begins))
    else:
        begins, traces, called = raw.stretches
    order, offsets, late = arrange(begins, traces, steps, size)
    if raw.since is not None and order is not None and order[0] != 0:
        raise UnorderedError
    lately = odd("row out of order", late, places, "put in order of step")
    if order is not None:
        places, steps = Runs.of(places.at(order)), None if steps is None else Runs.of(steps.at(order))
        columns = {role: column[order] for role, column in columns.items()}
    uneven, rise = rises(offsets[:-1], steps)
    blank = labels = False
    if raw.layout.kind == "hidden":
        words, output = raw.words["output"], columns["output"]
        said = output != words.index("") if "" in words else np.ones(size, np.bool_)
        last = np.zeros(size, np.bool_)
        last[offsets[1:] - 1] = True
        blank, labels = not said.all(), np.array_equal(said, last)
    facts = Facts(
        raw.layout,
        size,
        len(offsets) - 1 - (raw.since is not None),
        len(uneven),
        int(np.count_nonzero(rise > 0)),
        tuple(raw.words["state"]),
        blank,
        labels,
    )
    rows = (raw.layout, raw.words, columns, places, steps, offsets, called)
    return Arranged(*rows, lately, uneven, rise, raw.since, not raw.goes_on), facts


@dataclass(frozen=True)
class Rules:
    """What follows from the facts of all parts."""

    numbered: bool  # steps count rows
    unknown: str  # what a state is called that nobody recorded
    labelled: bool  # the output at the end of a trace labels all of it


def rules(facts: Sequence[Facts]) -> Rules:
    """Of a log in these parts."""
    rows, traces, uneven, rising = map(sum, zip(*((f.rows, f.traces, f.uneven, f.rising) for f in facts), strict=True))
    # steps that mostly rise by more than one do not count rows
    counted = rows - traces - uneven
    numbered = 2 * counted >= counted + rising
    states = {word for each in facts for word in each.states}
    labelled = any(each.blank for each in facts) and all(each.labels for each in facts)
    return Rules(numbered, name_of_unknown(states), labelled)


@dataclass(frozen=True, eq=False)
class Settled:
    """N rows, R traces, with their words in order of first appearance."""

    columns: dict[str, Codes]  # state, trigger, next_state and output, (N,) each
    offsets: Ints
    places: Runs
    steps: Runs
    names: Sequence[str] | None
    opens: bool
    closes: bool


Words = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]  # states, triggers, outputs


def settled(part: Arranged, rules: Rules) -> tuple[Settled, tuple[Words, tuple[Odd, ...]]]:
    """Settle the empty states of a part, and count what is odd; its words are told, and the oddities."""
    size, places, steps, offsets = len(part.places), part.places, part.steps, part.offsets
    begins = offsets[:-1]
    gap = part.uneven[part.rise > 1] if rules.numbered else part.uneven[:0]
    apart = np.append(begins, gap)  # rows that the row before does not lead to
    found = [part.late]

    def add(what: str, rows: Ints, done: str) -> None:
        found.append(odd(what, rows, places, done))

    def column(role: str) -> Codes:
        codes = part.columns.get(role)
        return np.broadcast_to(np.int8(UNKNOWN), size) if codes is None else codes

    state, next_state = column("state"), column("next_state")
    states: tuple[str, ...] = ()
    if part.layout.kind == "visible":
        words = part.words["state"]
        if "" in words:
            empty = words.index("")
            state, next_state = state.copy(), next_state.copy()
            filled, filled_next = fill_empty(empty, state, next_state, apart)
            add("empty current_state", filled, "filled with the next_state of the row before")
            add("empty next_state", filled_next, "filled with the current_state of the row after")
            # where neither is given nothing was recorded, and that is a visible state of its own
            nothing = f"read as the state {rules.unknown}"
            add("unrecorded current_state", np.flatnonzero(state == empty), nothing)
            add("unrecorded next_state", np.flatnonzero(next_state == empty), nothing)
        broken = np.append(False, next_state[:-1] != state[1:])
        broken[apart] = False
        add("broken chain", np.flatnonzero(broken) - 1, "kept; next_state is not the next row's current_state")
        states, [state, next_state] = renumber([word or rules.unknown for word in words], state, next_state)
    triggers, [trigger] = renumber(part.words["trigger"], column("trigger"))
    outputs, [output] = renumber(part.words["output"], column("output"))
    if rules.labelled:
        if "" in outputs:
            outputs, output = drop_word(outputs, output, "")
        last = np.zeros(size, np.bool_)
        last[offsets[1:] - 1] = True
        add("unrecorded output", np.flatnonzero(~last), "the output at the end of a trace is taken to label all of it")

    equal = part.uneven[part.rise == 0]
    repeated = np.ones(len(equal), np.bool_)
    for codes in (state, trigger, next_state, output):
        repeated &= codes[equal - 1] == codes[equal]
    add("repeated row", equal[repeated], "kept, in file order")
    add("duplicated step", equal[~repeated], "kept, in file order")
    add("gap in steps", gap, "kept; rows seem to be lost before it")
    if steps is None:
        before = np.zeros(len(begins), np.int64)
        before[:1] = part.since or 0
        steps = Runs(begins, before, size)
    columns = {"state": state, "trigger": trigger, "next_state": next_state, "output": output}
    rows = Settled(columns, offsets, places, steps, part.names, part.since is None, part.closes)
    return rows, ((states, triggers, outputs), tuple(each for each in found if each is not None))


def recoded(codes: Codes, words: Sequence[str], everything: Mapping[str, int]) -> Codes:
    """Codes of a part's words as those of all words; UNKNOWN stays."""
    if not everything:
        return codes
    new = np.array([*(everything[word] for word in words), UNKNOWN], np.int64)
    codes = narrow(codes, len(everything))
    return codes if np.array_equal(new[:-1], np.arange(len(words))) else narrow(new, len(everything))[codes]


def in_order(parts: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The words of all parts in order of first appearance."""
    return tuple(dict.fromkeys(word for words in parts for word in words))


def added(parts: Iterable[Sequence[Odd]]) -> list[Odd]:
    """What is odd about all parts together."""
    found: dict[str, Odd] = {}
    for each in (each for part in parts for each in part):
        other = found.get(each.what, Odd(each.what, 0, each.place, each.done))
        found[each.what] = Odd(each.what, each.count + other.count, min(each.place, other.place), each.done)
    return sorted(found.values(), key=lambda each: ODDITIES.index(each.what))
