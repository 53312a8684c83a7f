"""`Model` + clean `Log` -> `Machine`: the network proposes, the log disposes.

Rows before which the network gives the same answers (`oracle`) are a first, too fine guess at the states; `search`
makes it a machine by the log's description length, and the network is asked again about what is left in doubt inside
each state of that machine, until the log gains nothing. What a log without noise leaves open is settled by the network
(`counsel`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from fsmlearn import evidence, mending, merging, search
from fsmlearn.counsel import counsel
from fsmlearn.evidence import Table
from fsmlearn.growth import Walk
from fsmlearn.histories import Histories
from fsmlearn.logs import Log
from fsmlearn.machine import Kind, Machine, Transition
from fsmlearn.mending import Mended
from fsmlearn.oracle import Oracle, first_answers, groups_of
from fsmlearn.packing import Ints, Rows, pack
from fsmlearn.sought import Sought
from fsmlearn.standing import Standing, anywhere, from_groups, leading, stand
from fsmlearn.train import Model

PIECE = 2048  # rows of the pieces of a long trace
COARSER = 2  # times as many rows to a group where the search begins anew
AGAIN = 4  # times at most that the network is asked about the states of the machine so far


@dataclass(frozen=True, eq=False)
class Extraction:
    """The machine, and how it was found."""

    machine: Machine
    names: tuple[str, ...]  # (k,) what the machine calls each state of the standing table
    rows: Rows
    standing: Standing
    vectors: int  # hidden vectors grouped
    clusters: int  # groups that the search started from


def packed(log: Log, data: Histories, gap: NDArray[np.bool_]) -> Rows:
    """A log of distinct traces as rows for `evidence`; `gap` (N,) marks rows before which others are lost.

    All traces are stepped through at once, so a very long one is cut into pieces; what led to a piece is then found by
    what follows, as where rows are lost.
    """
    visible = log.kind == "visible"
    length = np.diff(log.offsets)
    pieces = np.where(length > 2 * PIECE, -(-length // PIECE), 1)
    inside = np.arange(int(pieces.sum())) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    offsets = np.append(np.repeat(log.offsets[:-1], pieces) + inside * PIECE, log.offsets[-1])
    if len(inside) > len(length):
        gap = gap.copy()
        gap[offsets[:-1][inside > 0]] = True
    return pack(
        log.state.astype(np.int64) if visible else np.zeros(len(log), np.int64),
        log.trigger.astype(np.int64),
        data.targets.astype(np.int64),
        offsets,
        gap,
        labels=len(log.states) if visible else 1,
        triggers=len(log.triggers),
        answer_label=np.array([state for state, _ in data.answers], np.int64),
        certain=not visible,
        copies=np.repeat(np.bincount(data.like, minlength=len(length)), pieces),
    )


def extract(
    model: Model,
    log: Log,
    data: Histories,
    gap: NDArray[np.bool_],
    states: int | None = None,
    old: Machine | None = None,
) -> Generator[Sought, None, Extraction]:
    """Find the machine behind a clean log of distinct traces with the help of a network trained on it, and of an old
    machine. Yields the best machine so far whenever there is a better one.

    `gap` (N,) marks rows before which others are lost. `states` forces at most that many states (but never fewer than
    there are visible states); by itself the number of states follows from the description length.
    """
    whole = packed(log, data, gap)
    oracle = Oracle.of(model, log, data, whole)
    first = first_answers(oracle)
    least = int(np.clip(data.rows / 4000, 3, 20))
    groups, clusters = groups_of(oracle, first, whole.label, least)
    before = None if old is None else known(old, log, data, whole)
    length = np.inf
    for found in _machines(oracle, first, least, groups, clusters, before):
        if found.length < length:
            length = found.length
            yield Sought(len(found.standing.table))
    rows, now = found.rows, found.standing
    if rows.certain and not now.fit.misfits:
        now = counsel(replace(oracle, rows=rows), now)
    if states is not None:
        now = search.shrink(rows, now, states)
    found = mending.agreed(Mended(rows, now))
    rows, now = found.rows, found.standing
    learned = machine(log, data, rows, now)
    return Extraction(learned, names(log, data, rows, now, learned), rows, now, len(whole), clusters)


def _machines(
    oracle: Oracle, first: NDArray[np.int16], least: int, groups: Ints, k: int, old: Standing | None
) -> Iterator[Mended]:
    """Machines as they are found, given a first guess at the states in k groups of rows (N,) and the old machine; the
    last is the one to take."""
    whole = oracle.rows
    proposed = from_groups(whole, groups, k)
    if not whole.certain:
        for found in asked_again(oracle, first, least, Mended(whole, search.descend(whole, proposed, groups))):
            yield found
        if old is not None:
            yield Mended(whole, crossed(whole, found.standing, old, least))
        return
    bare = search.descend(whole, proposed, groups, growth=0)
    start = mending.refine(Mended(whole, bare), growth=0)
    yield start
    others = [start]
    if old is not None:
        others.append(mending.refine(Mended(whole, old), growth=0))
    if not start.explains:
        yield from kept(mending.merge(whole, merging.proposals(whole)), others)
    now, merged = min(others, key=attrgetter("length")), len(others)
    agreed = start.rows.repairs and any(other.like(start) for other in others[1:])
    if not now.explains and not agreed:
        yield from kept(doubted(oracle, first, least, bare, now.length), others)
    if not now.explains and (whole.few or len(others) == merged):
        grown = Mended(start.rows, search.descend(start.rows, start.standing.table, start.standing.found))
        yield from kept(asked_again(oracle, first, least, grown), others)
    now = min(others, key=attrgetter("length"))
    drawn = evidence.fit(replace(now.rows, certain=False), now.standing.table, now.standing.found)
    if drawn.misfits < now.standing.fit.misfits / 2:  # most of what does not fit may be no noise but drawn
        whole = replace(whole, certain=False)
        *_, chance = asked_again(oracle, first, least, Mended(whole, search.descend(whole, proposed, groups)))
        if chance.length < now.length:
            yield chance
            return
    now = mending.onward(now)
    others.append(now)
    if now.explains and now.standing.fit.misfits and not now.like(start):
        # Merging alone did not do, so what has grown may depend on where it began.
        groups, k = groups_of(oracle, first, whole.label, COARSER * least)
        anew = search.attempt(whole, from_groups(whole, groups, k), groups, now.length, attrgetter("length"))
        if anew is not None:
            others.append(Mended(whole, anew))
    yield from mending.best(others, least)


def kept(found: Iterator[Mended], others: list[Mended]) -> Iterator[Mended]:
    """Machines as they are found, each put among others."""
    for each in found:
        others.append(each)
        yield each


def asked_again(oracle: Oracle, first: NDArray[np.int16], least: int, now: Mended) -> Iterator[Mended]:
    """A machine, and each shorter one that is found by asking the network what is in doubt inside each state of the one
    before it, and searching on."""
    yield now
    for _ in range(AGAIN):
        groups, k = groups_of(replace(oracle, rows=now.rows), first, now.standing.fit.states, least)
        finer = mending.regrouped(now, groups, k)
        if now.rows.repairs and not finer.like(now):
            finer = mending.refine(finer, refined=now)
        if finer.length >= now.length - 1e-6:
            break
        now = finer
        yield now


def doubted(oracle: Oracle, first: NDArray[np.int16], least: int, bare: Standing, below: float) -> Iterator[Mended]:
    """Machines found by asking the network what is in doubt inside the states of one that is merged only, or none where
    nothing shorter than `below` is in sight.

    Few states hide little from the network, and none has grown yet where another should have. What looks like lost rows
    may be a state that is missing, so breaks are sought only in what has grown, and where asking once more comes to
    something shorter than they do, only when asking has come to an end.
    """
    rows = oracle.rows
    groups, k = groups_of(oracle, first, bare.fit.states, least)

    def worth(now: Standing) -> float:
        return mending.broken(rows, now).length

    found = search.attempt(rows, from_groups(rows, groups, k), groups, below, worth)
    if found is None or (promised := worth(found)) >= below:
        return
    now, *shorter = islice(asked_again(oracle, first, least, Mended(rows, found)), 2)
    if shorter and shorter[0].length < promised:
        *_, now = asked_again(oracle, first, least, shorter[0])
    now = mending.refine(now)
    if now.rows.repairs:
        yield from asked_again(oracle, first, least, now)
    else:  # asked before
        yield now


def crossed(rows: Rows, one: Standing, other: Standing, least: int) -> Standing:
    """The shortest of two machines, the other searched on, and of what comes of crossing them."""
    other = search.descend(rows, other.table, other.found)
    groups, k = mending.pairs(rows, one.fit.states, other.fit.states, least)
    both = search.descend(rows, from_groups(rows, groups, k), groups)
    return min(one, other, both, key=lambda each: each.length)


def machine(log: Log, data: Histories, rows: Rows, now: Standing) -> Machine:
    """The table in the words of the log.

    Where states are visible the filter has judged the rows already: an answer that no state of a visible state is
    believed to give still stands in the table, with its small share, for the log shows nothing better there.
    """
    visible = log.kind == "visible"
    table, counts = now.table, now.fit.counts
    listed = now.fit.believed.copy()
    if visible:
        somewhere = np.zeros((rows.labels, rows.symbols), np.bool_)
        np.logical_or.at(somewhere, table.label, now.fit.believed)
        listed |= (counts > 0) & ~somewhere[table.label] & (rows.symbol_answer >= 0)
    transitions = []
    for q, u in zip(*(index.tolist() for index in np.nonzero(listed & (counts > 0))), strict=True):
        trigger = log.triggers[rows.cell_trigger[rows.symbol_cell[u]]]
        transitions.append((q, trigger, int(table.target[q, u]), output_of(log, data, rows, u), int(counts[q, u])))
    initial = _initial(rows, now)
    labels = [log.states[c] if visible else None for c in table.label.tolist()]
    kind: Kind = "mealy" if log.outputs else "moore"
    return Machine.build(kind, initial, labels, log.triggers, transitions)


def output_of(log: Log, data: Histories, rows: Rows, symbol: int) -> str | None:
    """What a symbol puts out, in the words of the log; None where the log does not say."""
    code = data.answers[rows.symbol_answer[symbol]][1] if rows.symbol_answer[symbol] >= 0 else -1
    return log.outputs[code] if code >= 0 else None


def names(log: Log, data: Histories, rows: Rows, now: Standing, learned: Machine) -> tuple[str, ...]:
    """(k,) the name in the machine of every state of the table that it was made of, both being walked together."""
    found = {_initial(rows, now): learned.initial}
    todo = list(found)
    for q in todo:
        for u in np.flatnonzero(now.fit.counts[q]).tolist():
            after = int(now.table.target[q, u])
            shown = output_of(log, data, rows, u), log.states[now.table.label[after]] if log.states else None
            for t in learned.successors(found[q], log.triggers[rows.cell_trigger[rows.symbol_cell[u]]]):
                if after not in found and (t.output, learned.labels[t.next_state]) == shown:
                    found[after] = t.next_state
                    todo.append(after)
    return tuple(found.get(q, "(unreached)") for q in range(len(now.table)))


def _initial(rows: Rows, now: Standing) -> int:
    """The state that most traces begin in."""
    return int(rows.counted(now.fit.states[rows.begun], rows.begun).argmax())


def table_of(machine: Machine, log: Log, data: Histories, rows: Rows) -> Table:
    """A machine as a table over the rows of a log; what it does not know leads to any state that shows the answer.

    Visible states that it does not have get a state each.
    """
    visible = log.kind == "visible"
    names = list(machine.labels)
    shown = [machine.visible(name) if visible else "" for name in names]
    shown += [word for word in log.states if word not in shown]
    label = np.array([log.states.index(word) if visible else 0 for word in shown], np.int64)
    target = anywhere(rows, label)
    for u in range(rows.symbols):
        trigger, answer = log.triggers[rows.cell_trigger[rows.symbol_cell[u]]], int(rows.symbol_answer[u])
        said = output_of(log, data, rows, u), log.states[data.answers[answer][0]] if visible and answer >= 0 else None
        for q, name in enumerate(names):
            ways = machine.successors(name, trigger)
            same = [t for t in ways if (t.output, machine.labels[t.next_state]) == said]
            for t in same[:1] or ways[: not visible]:
                target[q, u] = names.index(t.next_state)
    start = [shown.index(word) for word in log.states] if visible else [0]
    start[label[names.index(machine.initial)]] = names.index(machine.initial)
    return Table(label, target, np.array(start, np.int64))


def known(machine: Machine, log: Log, data: Histories, rows: Rows) -> Standing:
    """A machine over the rows of a log."""
    table = table_of(machine, log, data, rows)
    some = np.zeros(rows.labels, np.int64)
    some[table.label[::-1]] = np.arange(len(table))[::-1]
    return stand(rows, table, stand(rows, table, some[rows.label]).found)


@dataclass(frozen=True, eq=False)
class Ways:
    """What the machine of an extraction does in each of its k states at each of U symbols: k U, state by state."""

    transitions: Sequence[Transition | None]  # None where the machine has none
    shown: Sequence[bool]  # whether a row with this symbol shows it

    @classmethod
    def of(cls, log: Log, data: Histories, found: Extraction) -> Ways:
        """Those of a machine that was extracted from a log, given with its histories."""
        rows, now, transitions = found.rows, found.standing, list[Transition | None]()
        for q, leads in enumerate(leading(rows, now.fit).tolist()):
            for u, lead in enumerate(leads):
                trigger = log.triggers[rows.cell_trigger[rows.symbol_cell[u]]]
                said = output_of(log, data, rows, lead), found.names[int(now.table.target[q, u])]
                ways = found.machine.successors(found.names[q], trigger)
                transitions.append(next((t for t in ways if (t.output, t.next_state) == said), None))
        return cls(transitions, (now.fit.believed | (log.kind == "visible")).ravel().tolist())

    def walks(self, rows: Rows, states: Ints) -> Iterator[Walk]:
        """Traces as the machine explains them, given as rows with the states before them (N,)."""
        code, following = (states * rows.symbols + rows.symbol).tolist(), rows.following.tolist()
        for lane, copies in enumerate(rows.weight[rows.first].tolist()):
            steps, row = [], lane
            while row >= 0:
                steps.append(code[row])
                row = following[row]
            yield Walk([self.transitions[s] for s in steps], [self.shown[s] for s in steps], copies)


def restated(found: Extraction, machine: Machine, log: Log, data: Histories) -> Extraction:
    """The same of another machine of the log."""
    now = known(machine, log, data, found.rows)
    return replace(found, machine=machine, names=names(log, data, found.rows, now, machine), standing=now)
