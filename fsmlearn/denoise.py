"""Judges the rows of a log before anything is learned from it: `Log` -> `Denoised`.

Two witnesses are heard. The *chain*: a row's next state should be the current state of the row after it, and
where it is not, the likeliest story of wrong words, swapped rows and lost rows is found. The *counts*: a transition
is noise where a noise rate, estimated from every place where such noise would show, produces it as often as it is
seen. A log with neither witness against it loses nothing. It knows nothing of networks or machines.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fsmlearn.logs import UNKNOWN, Log

Action = Literal["dropped", "repaired"]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that was not believed as it stood."""

    row: int  # index into the log as read
    action: Action
    kind: Literal["label", "spurious", "swap"]
    reason: str  # one sentence in the words of the log


@dataclass(frozen=True, eq=False)
class Denoised:
    """The clean log, and what was done to the log as read to get it. N rows as read, M clean rows."""

    source: Log  # as read
    log: Log  # what to learn from: rows dropped, next states repaired, swapped rows back in order
    row: NDArray[np.int64]  # (M,) for each clean row its index in source
    gap: NDArray[np.bool_]  # (M,) True where rows seem to be lost between this row and the one before it in its trace
    findings: tuple[Finding, ...]  # ordered by row
    rates: Mapping[str, float]  # estimated share of rows by kind of noise: label, spurious, swap, drop


# ---------------------------------------------------------------------------------------------------- rows as codes


@dataclass(frozen=True, eq=False)
class _Rows:
    """N rows as codes without UNKNOWN (an unknown word has a code of its own), in some order of the traces' rows."""

    state: Ints
    trigger: Ints
    next: Ints
    output: Ints
    first: Bools  # the first row of its trace
    last: Bools
    states: int  # S, with the unknown one where there is one
    triggers: int  # A
    outputs: int  # O, 1 where the log has none
    unknown: int  # code of the unknown state, or UNKNOWN

    def slots(self) -> Ints:
        """(N,) one number for each (state, trigger, next state, output)."""
        return ((self.state * self.triggers + self.trigger) * self.states + self.next) * self.outputs + self.output

    def unslot(self, slot: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        rest, output = np.divmod(slot, self.outputs)
        rest, after = np.divmod(rest, self.states)
        state, trigger = np.divmod(rest, self.triggers)
        return state, trigger, after, output

    def broken(self) -> Bools:
        """(N,) True where the row does not go on from the next state of the row before; the unknown fits anything."""
        out = np.zeros(len(self.state), bool)
        before, here = self.next[:-1], self.state[1:]
        out[1:] = (before != here) & (before != self.unknown) & (here != self.unknown) & ~self.first[1:]
        return out


def _codes(log: Log) -> _Rows:
    def filled(codes: NDArray[np.int32], size: int) -> Ints:
        wide = codes.astype(np.int64)
        return np.where(wide == UNKNOWN, size, wide)

    n_states, n_outputs = len(log.states), len(log.outputs)
    unknown_state = bool(np.any(log.state == UNKNOWN) or np.any(log.next_state == UNKNOWN))
    first, last = np.zeros(len(log), bool), np.zeros(len(log), bool)
    length = np.diff(log.offsets)
    first[log.offsets[:-1][length > 0]] = True
    last[log.offsets[1:][length > 0] - 1] = True
    return _Rows(
        state=filled(log.state, n_states),
        trigger=log.trigger.astype(np.int64),
        next=filled(log.next_state, n_states),
        output=filled(log.output, n_outputs),
        first=first,
        last=last,
        states=n_states + unknown_state,
        triggers=len(log.triggers),
        outputs=n_outputs + bool(np.any(log.output == UNKNOWN)),
        unknown=n_states if unknown_state else UNKNOWN,
    )


# ---------------------------------------------------------------------------------------------------- the counts

_SPREAD = 100.0  # noise counts vary as a gamma-Poisson mixture with this shape: 10 % beside Poisson's own spread
_WIDE = 4.0  # and branches of one cell with this one
_KINDS = ("spurious", "output", "trigger")
_MOST = 0.3  # rate of one kind of noise
_EVIDENCE = 10.0  # nats by which a kind of noise must explain the counts better before it is believed in at all


@dataclass(frozen=True, eq=False)
class _Verdict:
    """For each of K distinct slots whether its rows are true, and which kind of noise they are if not."""

    slot: Ints  # (K,) ascending
    count: Floats  # (K,)
    true: Bools  # (K,)
    kind: Ints  # (K,) index into (*_KINDS, "label"): the likeliest kind, if noise
    rates: dict[str, float]


def _log_gamma(x: Floats) -> Floats:
    return np.array([math.lgamma(v) for v in x.tolist()])


class _Slots:
    """The distinct slots of some rows with their counts, and where noise would put how many rows."""

    def __init__(self, rows: _Rows, use: Bools, label_rate: float) -> None:
        everything = rows.slots()
        self.slot, inverse = np.unique(everything[use], return_inverse=True)
        self.k = np.bincount(inverse, minlength=len(self.slot)).astype(float)
        p, x, n, o = rows.unslot(self.slot)
        self.self_loop = n == p
        _, self.state = np.unique(p, return_inverse=True)
        _, self.cell = np.unique(p * rows.triggers + x, return_inverse=True)
        _, self.no_output = np.unique(self.slot // rows.outputs, return_inverse=True)
        _, self.no_trigger = np.unique((p * rows.states + n) * rows.outputs + o, return_inverse=True)
        self.cells = int(self.cell.max()) + 1
        self.possible_cells = (int(self.state.max()) + 1) * rows.triggers
        self.rows, self.actions = rows, rows.triggers * rows.outputs
        self.total = np.bincount(self.cell, self.k)[self.cell]
        self.visits = np.bincount(self.state, self.k)[self.state]
        self.log_factorial = _log_gamma(self.k + 1)
        self.log_rising = {shape: _log_gamma(self.k + shape) - math.lgamma(shape) for shape in (_SPREAD, _WIDE)}
        # a wrong next state in the last row of a trace breaks no chain, so only a slot seen nowhere else can be it
        last = np.bincount(inverse, rows.last[use], len(self.slot))
        ends = np.bincount(self.cell, last)[self.cell] - last
        self.label = np.where(last == self.k, label_rate * ends / max(rows.states - 1, 1), 0.0)
        # were it true, it would not be seen at the ends of traces alone, unless traces end with that next state
        arrived = np.bincount(n, self.k)[n]
        self.only_last = np.where(self.label > 0, self.k * np.log((np.bincount(n, last)[n] + 1) / (arrived + 1)), 0.0)
        self.explicable = self.self_loop | (self.label > 0)
        # a cell's first slot is its most frequent one; one that noise can explain must be five times as frequent
        order = np.lexsort((-self.k * np.where(self.explicable, 1, 5), self.cell))
        self.top = np.zeros(len(self.slot), bool)
        self.top[order[np.diff(self.cell[order], prepend=-1) > 0]] = True
        self.flat = -np.log(self.k) - np.log1p(np.log(np.where(self.top, self.visits, self.total)))
        usual = np.full(self.cells, UNKNOWN)
        usual[self.cell[self.top]] = n[self.top]
        # two errors in a row may fake a move, but not in every fiftieth row of a cell
        self.moves = ~self.explicable & ~self.top & (n != usual[self.cell]) & (self.k >= 0.02 * self.total)

    def branches(self, kinds: tuple[str, ...]) -> tuple[float, Floats]:
        """(prior of a second slot in a cell, (K,) mean count of the cell's other branches, zero where it has none).

        A move that differs from its cell's usual one and that the chain confirms is a branch that stray rows
        and wrong outputs cannot fake: how many there are says how often cells branch at all.
        """
        branch = self.moves
        if "trigger" in kinds:
            branch = branch & (self.exposure("trigger", np.ones(len(self.k)))[0] == 0)
        # of two states one is the usual, and the other is a branch only if it is not the cell's own
        chances = self.cells if self.rows.states > 2 else int((self.top & self.self_loop).sum())
        second = min((float(branch.sum()) + 1) / (chances + 2), 0.9)
        others = np.bincount(self.cell, branch)[self.cell] - branch
        return second, (np.bincount(self.cell, branch * self.k)[self.cell] - branch * self.k) / np.maximum(others, 1)

    def spread(self, mean: Floats, shape: float = _SPREAD) -> Floats:
        """log probability of the counts, each gamma-Poisson with this mean; -inf where the mean is zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self.log_rising[shape] - self.log_factorial
            value += shape * np.log(shape / (shape + mean)) + self.k * np.log(mean / (shape + mean))
        return np.where(mean > 0, value, -np.inf)

    def exposure(self, kind: str, true: Floats) -> tuple[Floats, float]:
        """((K,), unseen): rows that a rate of one would put into each slot, and into all slots that were never seen."""
        k = self.k * true
        if kind == "spurious":  # any trigger and any output, the state stays
            rows = np.bincount(self.state, k)
            seen = np.bincount(self.state, self.self_loop)
            return np.where(self.self_loop, rows[self.state], 0) / self.actions, float(rows @ (1 - seen / self.actions))
        group, size = (self.no_output, self.rows.outputs) if kind == "output" else (self.no_trigger, self.rows.triggers)
        if size < 2:
            return np.zeros(len(k)), 0.0
        rows, seen = np.bincount(group, k), np.bincount(group)
        put = (rows[group] - k) / (size - 1)
        # what (state, trigger) usually does is not a slip of another trigger
        return np.where((kind == "trigger") & self.top, 0.0, put), float(rows @ (size - seen)) / (size - 1)

    def fit(self, kinds: tuple[str, ...], start: float) -> tuple[float, Floats, Floats, dict[str, float]]:
        """EM for the rates of these kinds from `start` on: (log likelihood, P(true), noise by kind, rates).

        P(true) is (K,); noise is (len(kinds) + 1, K) expected rows, the last line being wrong labels of last rows.

        Each slot is either true, its count then anything from one row to the whole cell (or like that of the cell's
        other branches), or holds noise alone. How many cells are defined at all is learned along with the rates.
        """
        true = np.where(self.explicable if kinds else False, 0.0, 1.0)
        shares = np.zeros((len(kinds) + 1, len(self.k)))
        rates = dict.fromkeys(kinds, start)
        second, mates = self.branches(kinds)
        likelihood = -np.inf
        for _ in range(40):
            unseen = 0.0
            for i, kind in enumerate(kinds):
                exposed, unseen_kind = self.exposure(kind, np.ones(len(true)) if likelihood == -np.inf else true)
                mass = (1 - true) * exposed
                if likelihood > -np.inf:
                    noise_rows = ((1 - true) * self.k * shares[i] / np.maximum(shares.sum(0), 1e-300)).sum()
                    rates[kind] = float(min(noise_rows / max(unseen_kind + mass.sum(), 1e-9), _MOST))
                shares[i] = rates[kind] * exposed
                unseen += rates[kind] * unseen_kind
            shares[-1] = self.label
            mean = shares.sum(0)
            defined = ((true * self.top).sum() + 1) / (self.possible_cells + 2)
            prior = np.where(self.top, defined, second)
            alone = self.spread(mean)
            # a true slot holds the noise too, so it cannot have fewer rows than noise alone would bring
            missing = np.where((self.k < mean) & (mean > 0), alone - self.spread_peak(mean), 0.0)
            # a true count is anything up to all there is, or like that of the cell's other branches
            like_mates = np.where(
                mates > 0, np.logaddexp(self.spread(mates + mean), self.spread(mates + mean, _WIDE)), -np.inf
            )
            log_true = np.log(prior) + np.logaddexp(self.flat, like_mates) - math.log(3) + self.only_last + missing
            log_noise = np.log1p(-prior) + alone
            both = np.logaddexp(log_true, log_noise)
            true = np.exp(log_true - both)
            unseen -= (self.possible_cells - self.cells) * math.log1p(-defined)
            likelihood, before = float(both.sum() - unseen), likelihood
            if abs(likelihood - before) < 1e-3:
                break
        return likelihood, true, shares, rates

    def spread_peak(self, mean: Floats) -> Floats:
        """log probability of the likeliest count under `mean`, roughly."""
        return -0.5 * np.log(2 * math.pi * np.maximum(mean + mean**2 / _SPREAD, 1 / (2 * math.pi)))


def _judge(rows: _Rows, use: Bools, label_rate: float) -> _Verdict:
    """Judge the distinct slots of the rows `use`; a kind of noise is believed in only where the counts ask for it."""
    slots = _Slots(rows, use, label_rate)
    kinds: tuple[str, ...] = ()
    best = slots.fit(kinds, 0.0)
    while True:
        offers = []
        for kind in _KINDS:
            if kind in kinds:
                continue
            offer = max((slots.fit((*kinds, kind), start) for start in (0.2, 0.05, 0.01)), key=lambda fit: fit[0])
            noise_rows = ((1 - offer[1]) * slots.k).sum()
            gain = offer[0] - best[0] - _EVIDENCE - 0.5 * math.log1p(noise_rows)
            shown, unseen = slots.exposure(kind, offer[1])
            corner = (shown @ (1 - offer[1]) + unseen) < 0.05 * (shown.sum() + unseen)
            if corner or offer[3][kind] >= _MOST:
                continue  # read off a corner of the machine, or so much that it is no noise
            offers.append((gain, kind, offer))
        if not offers or max(o[0] for o in offers) <= 0:
            break
        _, kind, best = max(offers, key=lambda o: o[0])
        kinds = (*kinds, kind)
    _, true, shares, rates = best
    index = np.array([*(_KINDS.index(kind) for kind in kinds), len(_KINDS)])
    return _Verdict(slots.slot, slots.k, true > 0.5, index[shares.argmax(0)], {k: rates.get(k, 0.0) for k in _KINDS})


# ---------------------------------------------------------------------------------------------------- the chain

_NEVER = -1e9  # log probability of what cannot be


class _Beliefs:
    """Probabilities of what a row says, from transitions that the chain confirms; all methods broadcast."""

    def __init__(self, rows: _Rows, verdict: _Verdict, starts: Ints) -> None:
        self.rows = rows
        keep = verdict.true
        self.slot, count = verdict.slot[keep], verdict.count[keep]
        self.count = np.append(count, 0.0)
        p, x, n, _ = rows.unslot(self.slot)
        self.cell, inverse = np.unique(p * rows.triggers + x, return_inverse=True)
        self.cell_count = np.append(np.bincount(inverse, count, len(self.cell)), 0.0)
        self.visits = np.bincount(p, count, rows.states)
        order = np.lexsort((-count, inverse))
        self.modal = np.append(n[order[np.diff(inverse[order], prepend=-1) > 0]], UNKNOWN)
        self.arc, inverse = np.unique(self.slot // rows.outputs, return_inverse=True)
        self.arc_count = np.append(np.bincount(inverse, count, len(self.arc)), 0.0)
        self.move, inverse = np.unique(p * rows.states + n, return_inverse=True)
        self.move_count = np.append(np.bincount(inverse, count, len(self.move)), 0.0)
        moving = float(self.move_count[:-1] @ (self.move // rows.states != self.move % rows.states))
        self.shows = (moving + 1) / (float(count.sum()) + 1)  # share of lost rows that break the chain
        self.start = (np.bincount(starts, minlength=rows.states) + 1 / rows.states) / (len(starts) + 1)

    @staticmethod
    def _find(keys: Ints, wanted: Ints) -> Ints:
        """Index of each wanted key, len(keys) where it is not there."""
        at = np.searchsorted(keys, wanted)
        return np.where(np.append(keys, UNKNOWN)[at] == wanted, at, len(keys))

    def seen(self, p: Ints, x: Ints, n: Ints, o: Ints) -> Floats:
        r = self.rows
        return self.count[self._find(self.slot, ((p * r.triggers + x) * r.states + n) * r.outputs + o)]

    def cell_rows(self, p: Ints, x: Ints) -> Floats:
        return self.cell_count[self._find(self.cell, p * self.rows.triggers + x)]

    def usual(self, p: Ints, x: Ints) -> Ints:
        """The most frequent next state, UNKNOWN where (state, trigger) was never seen."""
        return self.modal[self._find(self.cell, p * self.rows.triggers + x)]

    def row(self, p: Ints, x: Ints, n: Ints, o: Ints) -> Floats:
        """log P(trigger, next state, output | state), with a little left for what was never seen."""
        rows, cell = self.rows, self.cell_rows(p, x)
        action = (cell + 1 / rows.triggers) / (self.visits[p] + 1)
        return np.log(action * (self.seen(p, x, n, o) + 1 / (rows.states * rows.outputs)) / (cell + 1))

    def relabelled(self, p: Ints, x: Ints, n: Ints, o: Ints) -> Floats:
        """As `row` for a next state that was written wrong; with it the output may have been too."""
        rows, cell = self.rows, self.cell_rows(p, x)
        action = (cell + 1 / rows.triggers) / (self.visits[p] + 1)
        arc = self.arc_count[self._find(self.arc, (p * rows.triggers + x) * rows.states + n)]
        any_output = np.log(action * (arc + 1 / rows.states) / (cell + 1))
        return np.logaddexp(self.row(p, x, n, o), any_output - math.log(10 * rows.outputs))

    def jump(self, p: Ints, q: Ints) -> Floats:
        """log P(the state is q some lost rows after it was p)."""
        moves = self.move_count[self._find(self.move, p * self.rows.states + q)]
        return np.log((0.9 * moves + 1 / self.rows.states) / (0.9 * self.visits[p] + 1))


@dataclass(frozen=True, eq=False)
class _Story:
    """What happened around the broken junctions. N rows as read."""

    state: Ints  # (N,) true current state
    next: Ints  # (N,)
    what: Ints  # (N,) _TRUE, _LABEL, ...
    gap: Bools  # (N,) rows lost before this row
    swap: Bools  # (N,) this row and the one after it change places
    score: float = 0.0  # log probability, up to a constant


_TRUE, _LABEL, _CURRENT, _SPURIOUS = range(4)


def _read_chain(rows: _Rows, beliefs: _Beliefs, rates: dict[str, float]) -> _Story:
    """The likeliest story (Viterbi) of every stretch of rows with broken junctions, all stretches at once.

    Between two rows the machine is in one state, or in two if rows are lost there. A stretch begins and ends at
    a junction that is whole or at an end of the trace. Candidates for the state after a row: what it says, what the
    next row says, what usually follows, and what the row before says (rows swapped); before a row: what it says, what
    the row before says (or where traces begin), and what the next row says.
    """
    n = len(rows.state)
    story = _Story(rows.state.copy(), rows.next.copy(), np.zeros(n, np.int64), np.zeros(n, bool), np.zeros(n, bool))
    broken = rows.broken()
    odd_start = rows.first & (rows.state != beliefs.start.argmax())
    suspect = broken | odd_start
    suspect[:-1] |= broken[1:]
    # noisy neighbours hide each other's junctions, and the ends of a trace have only one
    for reach in (2, 3):
        near = np.flatnonzero(suspect[:-reach] & suspect[reach:])
        for inside in range(1, reach):
            suspect[near + inside] = True
    suspect[:-1] |= suspect[1:] & rows.first[:-1]
    suspect[1:] |= suspect[:-1] & rows.last[1:]
    at = np.flatnonzero(suspect)  # (M,) rows in doubt
    if not len(at):
        return story
    begins = np.flatnonzero(rows.first[at] | (np.diff(at, prepend=-2) > 1))
    length = np.diff(np.append(begins, len(at)))
    by_length = np.argsort(-length, kind="stable")
    begins, length = begins[by_length], length[by_length]
    p, x, q, o = rows.state[at], rows.trigger[at], rows.next[at], rows.output[at]
    none = np.int64(UNKNOWN)
    last_q = np.where(rows.first[at], beliefs.start.argmax(), rows.next[at - 1])
    next_p = np.where(rows.last[at], none, rows.state[np.minimum(at + 1, n - 1)])
    pre = np.stack([p, last_q, next_p], 1)  # (M, 3) candidates before each row
    post = np.stack([q, next_p, beliefs.usual(p, x), last_q], 1)  # (M, 4) and after it

    # what one row may be, for each pair of candidates
    log_rate = {k: math.log(v) for k, v in rates.items()}
    other = math.log(max(rows.states - 1, 1))
    plain = math.log(max(1 - sum(rates.values()), 0.1))
    known_pre, known_post = pre != none, post != none
    pre_code, post_code = np.where(known_pre, pre, 0), np.where(known_post, post, 0)
    as_read = beliefs.row(p, x, q, o)  # (M,)
    relabelled = beliefs.relabelled(p[:, None], x[:, None], post_code, o[:, None]) + log_rate["label"] - other  # (M, 4)
    elsewhere = beliefs.row(pre_code, x[:, None], q[:, None], o[:, None]) + log_rate["current"] - other  # (M, 3)
    spurious = log_rate["spurious"] - math.log(rows.triggers * rows.outputs)
    astray = log_rate["stray"] - math.log(rows.triggers * rows.outputs) - other  # the next state made up too
    stays = (p == q) & (spurious > as_read + plain)
    same_p, same_q = (pre == p[:, None])[:, :, None], (post == q[:, None])[:, None, :]
    edge = np.full((len(at), 3, 4), _NEVER)
    edge = np.where(same_p & same_q, np.where(stays, spurious, as_read + plain)[:, None, None], edge)
    blank = post == p[:, None]  # (M, 4) the row might as well not be there
    blank &= (p != q)[:, None] & (astray > relabelled)
    changed = np.where(blank, astray, relabelled)
    edge = np.where(same_p & ~same_q & known_post[:, None, :], changed[:, None, :], edge)
    edge = np.where(~same_p & same_q & known_pre[:, :, None], elsewhere[:, :, None], edge)
    what = np.where(same_p, np.where(blank, _SPURIOUS, _LABEL)[:, None, :], _CURRENT)
    what = np.where(same_p & same_q, np.where(stays, _SPURIOUS, _TRUE)[:, None, None], what)

    # row i and the one after it as a swapped pair
    pair = np.full(len(at), _NEVER)
    fits = (q[1:] == p[:-1]) & (np.diff(at) == 1) & ~rows.first[at[1:]]
    pair[:-1] = np.where(fits, log_rate["swap"] + as_read[:-1] + as_read[1:], _NEVER)

    # the junction after row i: one state, or rows lost in between
    follows = np.append(pre[1:], np.full((1, 3), none), 0)  # (M, 3) candidates before the next row
    both = known_post[:, :, None] & (follows != none)[:, None, :]
    lost = beliefs.jump(post_code[:, :, None], np.where(follows != none, follows, 0)[:, None, :]) + log_rate["drop"]
    joint = np.where(both, np.where(post[:, :, None] == follows[:, None, :], 0.0, lost), _NEVER)  # (M, 4, 3)

    before = np.full((len(at), 3), _NEVER)
    after = np.full((len(at), 4), _NEVER)
    from_pre = np.zeros((len(at), 4), np.int64)
    from_post = np.zeros((len(at), 3), np.int64)
    open_start = np.log(
        np.maximum(
            beliefs.start,
            rates["drop"] * np.exp(beliefs.jump(np.full(rows.states, beliefs.start.argmax()), np.arange(rows.states))),
        )
    )
    opening = np.where(
        rows.first[at[begins]][:, None] & known_pre[begins],
        open_start[pre_code[begins]],
        np.where(pre[begins] == p[begins][:, None], 0.0, _NEVER),
    )
    before[begins] = opening
    for step in range(int(length[0])):
        i = begins[: np.searchsorted(-length, -step)] + step
        if step:
            through = after[i - 1][:, :, None] + joint[i - 1]
            from_post[i] = through.argmax(1)
            before[i] = through.max(1)
        one = before[i][:, :, None] + edge[i]
        from_pre[i], after[i] = one.argmax(1), one.max(1)
        if step:
            enter = np.where(pre[i - 1] == p[i][:, None], before[i - 1], _NEVER)
            two = np.where(post[i] == q[i - 1][:, None], (enter.max(1) + pair[i - 1])[:, None], _NEVER)
            better = two > after[i]
            after[i] = np.where(better, two, after[i])
            from_pre[i] = np.where(better, 3 + enter.argmax(1)[:, None], from_pre[i])

    # walk every stretch back from its end
    i = begins + length - 1
    closing = np.where(rows.last[at[i]][:, None] | (post[i] == q[i][:, None]), after[i], _NEVER)
    b, score = closing.argmax(1), float(closing.max(1).sum())
    start = begins
    while len(i):
        came = from_pre[i, b]
        swapped = came >= 3
        j = i - swapped
        a = np.where(swapped, came - 3, came)
        row = at[i]
        single = ~swapped
        story.state[row[single]] = pre[i, a][single]
        story.next[row[single]] = post[i, b][single]
        story.what[row[single]] = what[i[single], a[single], b[single]]
        story.swap[at[j[swapped]]] = True
        inside = j > start
        here, i, a, start = j[inside], j[inside] - 1, a[inside], start[inside]
        b = from_post[here, a]
        story.gap[at[here]] = post[i, b] != pre[here, a]
    return dataclasses.replace(story, score=score)


def _least(n: int) -> float:
    """A rate of noise that was not seen in n rows."""
    return min(0.5 / (n + 1), 0.001)


def _chain_rates(rows: _Rows, beliefs: _Beliefs, spurious: float) -> dict[str, float]:
    """Rates of the kinds of noise in the chain, from broken junctions with whole ones on both sides (EM).

    Lost rows explain a broken junction without blaming anything that is written, so another kind is
    believed in only where the junctions ask for it.
    """
    n = len(rows.state)
    broken = rows.broken()
    alone = broken & ~rows.first
    alone[1:] &= ~broken[:-1]
    alone[:-1] &= ~broken[1:]
    i = np.flatnonzero(alone)  # (J,) the row after each junction
    names = ("drop", "label", "current", "stray")
    share = np.array([1.0, 0.0, 0.0, 0.0])
    if len(i):
        h = i - 1
        p, x, q, o = rows.state[h], rows.trigger[h], rows.next[h], rows.output[h]
        r, y, s, u = rows.state[i], rows.trigger[i], rows.next[i], rows.output[i]
        other = math.log(max(rows.states - 1, 1))
        left, right = beliefs.row(p, x, q, o), beliefs.row(r, y, s, u)
        lost = left + beliefs.jump(q, r) + right - math.log(beliefs.shows)
        label = beliefs.relabelled(p, x, r, o) + right - other
        current = left + beliefs.row(q, y, s, u) - other
        stray = np.where(r == p, right - other - math.log(rows.triggers * rows.outputs), _NEVER)
        score = np.stack([lost, label, current, stray])
        chance = np.exp(score - score.max(0))  # (4, J)

        def mix(kinds: list[int]) -> tuple[float, Floats]:
            part = np.zeros(len(names))
            part[kinds] = 1 / len(kinds)
            for _ in range(50):
                weight = part[:, None] * chance
                part = (weight / np.maximum(weight.sum(0), 1e-300)).mean(1)
            return float(np.log(np.maximum(part @ chance, 1e-300)).sum()), part

        kinds = [0]
        best, share = mix(kinds)
        while len(kinds) < len(names):
            level, offer, kind = max(
                ((*mix([*kinds, k]), k) for k in range(len(names)) if k not in kinds), key=lambda m: m[0]
            )
            # triggers are not drawn afresh at each row as `row` has it, so a small edge at each junction proves nothing
            if level - best < max(_EVIDENCE, offer[kind] * len(i)):
                break
            best, share, kinds = level, offer, [*kinds, kind]
    total, floor = max(int(broken.sum()) / n, 1 / n), _least(n)
    rates = {name: max(float(total * part), floor) for name, part in zip(names, share, strict=True)}
    rates["drop"] = min(rates["drop"] / beliefs.shows, 0.5)
    return rates | {"swap": max(total / 6, floor), "spurious": max(spurious, floor)}


def _settle(rows: _Rows, beliefs: _Beliefs, rates: dict[str, float], *, swaps: bool) -> _Story:
    """The story whose own rates of noise lead to it, from first rates on; without `swaps` theirs stays as it is."""
    least = _least(len(rows.state))
    for _ in range(3):
        story = _read_chain(rows, beliefs, rates)
        rates = rates | {
            "label": max(float((story.what == _LABEL).mean()), least),
            "current": max(float((story.what == _CURRENT).mean()), least),
            "stray": max(float(((story.what == _SPURIOUS) & (rows.state != rows.next)).mean()), least),
            "drop": min(max(float(story.gap.mean()), least) / beliefs.shows, 0.5),
        }
        if swaps:
            rates["swap"] = max(float(story.swap.mean()), least)
    return story


def _whole_chain(rows: _Rows) -> _Story:
    n = len(rows.state)
    return _Story(rows.state, rows.next, np.zeros(n, np.int64), rows.broken(), np.zeros(n, bool))


def denoise(log: Log) -> Denoised:
    """Judge every row of a visible-state log; other logs come back as they are, they cannot be judged row by row.

    A row is repaired where the log says what it should be, and dropped otherwise. Rows that the log gives
    no clear reason to doubt stay. Costs a few array passes over the N rows, and else grows with what is distinct.
    """
    n = len(log)
    if log.kind != "visible" or n == 0 or len(log.states) < 2:
        return Denoised(
            log, log, np.arange(n), np.zeros(n, bool), (), {"label": 0.0, "spurious": 0.0, "swap": 0.0, "drop": 0.0}
        )
    read = _codes(log)
    broken = read.broken()
    confirmed = ~broken
    confirmed[:-1] &= ~broken[1:]
    starts = np.bincount(read.state[read.first], minlength=read.states)
    if (
        2 * starts.max() > starts.sum()
    ):  # where traces begin in one state, a first row elsewhere is not confirmed either
        confirmed &= ~read.first | (read.state == starts.argmax())
    junctions = n - int(read.first.sum())
    story = _whole_chain(read)
    seen = _judge(read, confirmed, 0.0) if confirmed.any() else None
    # where most junctions are broken the log is no chain, and the chain no witness
    if seen is not None and 0 < broken.sum() <= junctions / 2:
        beliefs = _Beliefs(read, seen, read.state[read.first])
        rates = _chain_rates(read, beliefs, seen.rates["spurious"])
        story = _settle(read, beliefs, rates | {"swap": _least(n)}, swaps=False)
        swapped = _settle(read, beliefs, rates, swaps=True)
        # two gaps near each other may look like a swap by chance, so swaps must explain a good deal more
        if swapped.score - story.score > max(_EVIDENCE, 0.5 * int(swapped.swap.sum())):
            story = swapped
    return _clean(log, read, story, seen)


# ---------------------------------------------------------------------------------------------------- the clean log


def _partner(group: Ints, wanted: Ints, value: Ints, count: Floats) -> tuple[Ints, Bools]:
    """For each wanted group its most frequent value (UNKNOWN where there is none), and whether it is the only one."""
    if not len(group):
        return np.full(len(wanted), UNKNOWN), np.zeros(len(wanted), bool)
    order = np.lexsort((-count, group))
    keys, start, size = np.unique(group[order], return_index=True, return_counts=True)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    known = keys[at] == wanted
    return np.where(known, value[order][start[at]], UNKNOWN), known & (size[at] == 1)


def _clean(log: Log, read: _Rows, story: _Story, seen: _Verdict | None) -> Denoised:
    n = len(log)
    order = np.arange(n)
    pair = np.flatnonzero(story.swap)
    order[pair], order[pair + 1] = pair + 1, pair
    what = story.what[order]
    told = dataclasses.replace(
        read, state=story.state[order], next=story.next[order], trigger=read.trigger[order], output=read.output[order]
    )
    stray = what == _SPURIOUS
    fix = {"state": told.state, "trigger": told.trigger.copy(), "next": told.next.copy(), "output": told.output.copy()}
    drop = stray.copy()
    kind = np.full(n, -1)  # of noise by the counts
    kind[stray] = 0
    astray = float((stray & (read.state != read.next)[order]).mean())
    spurious_rate = seen.rates["spurious"] if seen else 0.0
    if seen is not None and not stray.all():
        verdict = _judge(told, ~stray, float((what == _LABEL).mean()))
        at = np.minimum(np.searchsorted(verdict.slot, told.slots()), len(verdict.slot) - 1)
        noise = ~verdict.true[at] & ~stray
        kind[noise] = verdict.kind[at[noise]]
        spurious_rate = verdict.rates["spurious"]
        p, x, q, o = told.unslot(verdict.slot[verdict.true])
        count = verdict.count[verdict.true]
        r = np.flatnonzero(kind == 0)
        drop[r] = True
        r = np.flatnonzero(kind == 1)
        wanted = told.slots()[r] // told.outputs
        better, _ = _partner((p * told.triggers + x) * told.states + q, wanted, o, count)
        fix["output"][r] = better
        drop[r[better == UNKNOWN]] = True
        r = np.flatnonzero(kind == 2)
        wanted = (told.state[r] * told.states + told.next[r]) * told.outputs + told.output[r]
        better, only = _partner((p * told.states + q) * told.outputs + o, wanted, x, count)
        fix["trigger"][r] = np.where(only, better, fix["trigger"][r])
        drop[r[~only]] = True
        r = np.flatnonzero(kind == 3)
        better, only = _partner(p * told.triggers + x, told.state[r] * told.triggers + told.trigger[r], q, count)
        fix["next"][r] = np.where(only, better, fix["next"][r])
        drop[r[~only]] = True
    kept = np.flatnonzero(~drop)
    lost = story.gap & ~told.first
    lost[1:] |= (drop & (kind > 0) & ~told.last)[:-1]  # a dropped row that the machine did take
    # a gap before a dropped row is a gap before the row after it
    gap = np.diff(np.cumsum(lost)[kept], prepend=0) > 0
    gap &= np.diff(np.searchsorted(log.offsets, kept, "right"), prepend=0) == 0  # no trace begins with a gap
    source = order[kept]

    def coded(codes: Ints, size: int) -> NDArray[np.int32]:
        return np.where(codes[kept] >= size, UNKNOWN, codes[kept]).astype(np.int32)

    clean = dataclasses.replace(
        log,
        offsets=np.append(0, np.cumsum(~drop))[log.offsets],
        file=log.file[source],
        line=log.line[source],
        step=log.step[kept],  # swapped rows take each other's step too
        state=coded(fix["state"], len(log.states)),
        trigger=fix["trigger"][kept].astype(np.int32),
        next_state=coded(fix["next"], len(log.states)),
        output=coded(fix["output"], len(log.outputs)),
    )
    return Denoised(
        source=log,
        log=clean,
        row=source,
        gap=gap,
        findings=_findings(log, read, order, what, kind, drop, fix, story.swap, spurious_rate),
        rates={
            "label": float(np.count_nonzero((what == _LABEL) | (what == _CURRENT) | (kind > 0)) / n),
            "spurious": spurious_rate + astray,
            "swap": 2 * len(pair) / n,
            "drop": float(np.count_nonzero(gap) / n),
        },
    )


def _moved(rows: _Rows, swap: Bools) -> Bools:
    """(N,) rows in the clean order that surely changed places, for swaps of row i (True) with the one after it.

    Where a row that stays in p was written between p -> q and q -> p, it may have come before the one or after
    the other; only that row is then sure to have moved.
    """
    moved = swap.copy()
    moved[1:] |= swap[:-1]
    p, q = rows.state, rows.next
    i = np.flatnonzero(
        (p[1:-1] == q[1:-1]) & (p[:-2] == p[1:-1]) & (q[2:] == p[1:-1]) & (q[:-2] == p[2:]) & (p[2:] != p[1:-1])
    )
    i = i[~rows.first[i + 1] & ~rows.first[i + 2]]
    taken = moved.copy()
    early, late = i[swap[i] & ~taken[i + 2]], i[swap[i + 1] & ~taken[i]]
    # in the clean order the middle row stands where its partner was written
    moved[early + 1] = False
    moved[late + 1] = False
    return moved


def _findings(
    log: Log,
    read: _Rows,
    order: Ints,
    what: Ints,
    kind: Ints,
    drop: Bools,
    fix: dict[str, Ints],
    swap: Bools,
    spurious_rate: float,
) -> tuple[Finding, ...]:
    """A finding for each row that is not in the clean log as it was read, at its place."""
    swapped = _moved(read, swap)
    odd = np.flatnonzero(swapped | drop | (what != _TRUE) | (kind >= 0))
    if not len(odd):
        return ()
    _, cell, cell_count = np.unique(read.state * read.triggers + read.trigger, return_inverse=True, return_counts=True)
    _, arc, arc_count = np.unique(cell * read.states + read.next, return_inverse=True, return_counts=True)
    _, slot, slot_count = np.unique(arc * read.outputs + read.output, return_inverse=True, return_counts=True)
    states, outputs, triggers = (*log.states, "(empty)"), (*log.outputs, "(empty)"), log.triggers
    findings = []
    for i in odd.tolist():
        row = int(order[i])
        p, x = states[read.state[row]], triggers[read.trigger[row]]
        q, o = states[read.next[row]], outputs[read.output[row]]
        rows = f"{cell_count[cell[row]]} rows"
        led = f"{p} + {x} led to {q} in {arc_count[arc[row]]} of {rows}"
        share = f"{slot_count[slot[row]]} of {rows}"
        with_output = f" with output {o}" if log.outputs else ""
        name: Literal["label", "spurious", "swap"] = "label"
        reasons = []
        if swapped[i]:
            name = "swap"
            which = (
                "one of its neighbours"
                if not (swapped[row] and swapped[i])
                else f"the row {'after' if row < i else 'before'} it"
            )
            reasons.append(f"changed places with {which}: only so do the states follow one another")
        if what[i] == _LABEL:
            true = states[fix["next"][i]]
            how = "this is the last row of its trace" if read.last[i] else f"the next row goes on from {true}"
            reasons.append(f"next state {q} -> {true}: {how}, and {led}")
        elif what[i] == _CURRENT:
            true = states[fix["state"][i]]
            how = f"traces begin in {true}" if read.first[i] else f"the row before led to {true}"
            reasons.append(f"current state {p} -> {true}: {how}, and {led}")
        if what[i] == _SPURIOUS and p != q:
            name = "spurious"
            reasons.append(f"the next row goes on from {p} as if this one were not there, and {led}")
        elif kind[i] == 0:
            name = "spurious"
            reasons.append(
                f"{p} + {x} changed nothing{with_output} in {share}, as often as stray rows would ({spurious_rate:.2%})"
            )
        elif kind[i] == 1:
            reasons.append(f"output {o} -> {outputs[fix['output'][i]]}: {p} + {x} gave {o} in {share}")
        elif kind[i] == 2:
            change = "trigger unknown" if drop[i] else f"trigger {x} -> {triggers[fix['trigger'][i]]}"
            reasons.append(f"{change}: {p} + {x} led to {q}{with_output} in {share}, and another trigger does that")
        elif kind[i] == 3:
            change = "next state unknown" if drop[i] else f"next state {q} -> {states[fix['next'][i]]}"
            reasons.append(f"{change}: {led}, and no row after it confirms it")
        findings.append(Finding(row, "dropped" if drop[i] else "repaired", name, "; ".join(reasons)))
    return tuple(sorted(findings, key=lambda f: f.row))
