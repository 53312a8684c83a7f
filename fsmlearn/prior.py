"""What it takes to write down a machine of a log of hidden states, before its log is looked at.

`evidence` adds to it the log, told with the machine's help. It decides what few rows bear out, so what matters is not
that machines are short, but that of a machine known but for one transition the rest tells where this one leads.

Letters: k states of the machine, V cells (a trigger in a visible state, of which there is one here), U symbols (an
answer in a cell), all as in `packing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import lgamma, log

import numpy as np
from numpy.typing import NDArray

from fsmlearn.laws import foretold
from fsmlearn.packing import Bools, Ints, Rows

Floats = NDArray[np.float64]

STAYS = 2.0  # states' worth of what is usual, where the question is whether an answer leaves a state alone
LEADS = 4.0  # transitions to each state that are taken for granted, where the question is which one another leads to
OWN = 2.0  # triggers' worth of what other states do, where the question is what a state does
SAYS = 4.0  # triggers' worth of any answer, where the question is which one a state gives


def described(rows: Rows, target: Ints, main: Bools, counts: Ints) -> float:
    """Nats to describe a machine, given its targets (k, U), its main answers (k, U) and its counts (k, U), state by
    state, the commonest first: in full, or as an earlier one with exceptions.

    The numbering of the states is arbitrary, so log (k - 1)! is given back. States that behave alike are described
    once, or it would pay to have two of a kind.
    """
    total = np.add.reduceat(counts, rows.begins, axis=1)
    symbol = np.zeros(total.shape, np.int64)
    at, u = np.nonzero(main)
    symbol[at, rows.symbol_cell[u]] = u
    met, size = total > 0, total.sum(1)
    goes = np.where(met, np.take_along_axis(target, symbol, 1), 0)
    kind = kinds(np.where(met, symbol, -1), goes)
    first = np.unique(kind, return_index=True)[1]
    if len(first) < len(kind):
        met, symbol, goes, size = met[first], symbol[first], kind[goes[first]], np.bincount(kind, size)
    k, cells = met.shape
    place, order = np.empty(k, np.int64), np.argsort(-size, kind="stable")
    place[order] = np.arange(k)
    met, symbol, goes = met[order], symbol[order], place[goes[order]]
    lead, answer = _foretold(rows, met, symbol, goes)
    goes = np.where(goes == np.arange(k)[:, None], k, goes)  # staying is staying, for twins too
    says = met[:, None] & (~met[None] | (symbol[:, None] != symbol[None]))
    differs = says | (met[:, None] & (goes[:, None] != goes[None]))
    twin = np.einsum("ijv,iv->ij", differs, lead) + np.einsum("ijv,iv->ij", says, answer)
    twin += _log_choose(cells)[differs.sum(2)] + np.log(np.maximum(np.arange(k), 1))[:, None]
    twin[~np.tri(k, k=-1, dtype=np.bool_)] = np.inf
    full = np.where(met, lead + answer, 0).sum(1, keepdims=True)
    either = np.logaddexp.reduce(-np.concatenate([full, twin], axis=1), axis=1)
    return float(len(kind) * log(2) - either.sum() - lgamma(k))


def _foretold(rows: Rows, met: Bools, symbol: Ints, goes: Ints) -> tuple[Floats, Floats]:
    """Nats to say where each transition leads and what it answers (k, V), state by state and trigger by trigger, where
    triggers are `met` (k, V), and have a symbol and a state that they lead to (k, V).

    Both, and whether a transition leaves its state, are foretold from the triggers of the same state that come before,
    those with the same answer above all: a state has an answer for whatever it does not expect, and a state to go to
    with it. Beside that they are foretold from the states that come before: from how often the same answer to the same
    trigger left them alone, and, by half, from how often each state was led to. And what triggers do
    together in those states they will do together here (`laws`).
    """
    k, each = len(met), np.arange(len(met))[:, None]
    stays, answers = goes == each, max(rows.answers, 2)
    alike = (each * (answers + 1) + rows.symbol_answer[symbol] + 1).ravel()  # no answer is one too
    by_state, by_answer = Before.of(np.repeat(each.ravel(), met.shape[1])), Before.of(alike)
    by_goal = Before.of(alike * k + goes.ravel())

    def elsewhere(which: Bools, what: Ints, things: int) -> Floats:
        """(k, things) how often the states before each one have, where `which` (k, V) holds, each of some things."""
        counts = np.bincount((each * things + what)[which], minlength=k * things).reshape(k, things)
        before: Floats = np.cumsum(counts, 0, dtype=np.float64) - counts
        return before

    told, told_alike, stayed_alike = by_state.count(met), by_answer.count(met), by_answer.count(met & stays)
    met_before, stayed = elsewhere(met, symbol, rows.symbols), elsewhere(met & stays, symbol, rows.symbols)
    staying = ((stayed.sum(1) + 0.5) / (met_before.sum(1) + 1))[:, None]
    staying = (by_state.count(met & stays) + OWN * staying) / (told + OWN)
    staying = (stayed_alike + OWN * staying) / (told_alike + OWN)
    staying = (stayed[each, symbol] + STAYS * staying) / (met_before[each, symbol] + STAYS)
    led_to = elsewhere(met & ~stays, goes, k)
    popular = (led_to[each, goes] + LEADS) / (led_to.sum(1) + k * LEADS)[:, None]
    leading = (popular + 1 / k) / 2
    leading = (by_goal.count(met & ~stays) + OWN * leading) / (told_alike - stayed_alike + OWN)
    stay, leave, there = foretold(met, goes)
    staying = (stay + OWN * staying) / (stay + leave + OWN)
    leading = (there + OWN * leading) / (leave + OWN)
    said = (told_alike + SAYS / answers) / (told + SAYS)
    return -np.log(np.where(stays, staying, (1 - staying) * leading)), -np.log(said)


def kinds(symbol: Ints, goes: Ints) -> Ints:
    """(k,) the kind of each state: of one kind are those that answer alike (k, V), and go to states of one kind (k, V).

    Moore's partition refinement, on numbers drawn for what a state does: that two kinds draw the same is out of all
    likelihood.
    """
    weight = _drawn(symbol.shape[1])
    said = _drawn(symbol.max() + 2)[symbol] @ weight
    drawn, many = said, 0
    for _ in range(len(symbol)):
        drawn = said + (drawn ^ (drawn >> 29))[goes] @ weight
        now = len(np.unique(drawn))
        if now in (many, len(drawn)):
            break
        many = now
    kind: Ints = np.unique(drawn, return_inverse=True)[1]
    return kind


@dataclass(frozen=True, eq=False)
class Before:
    """Things in a row, each of a kind: how many before each one are of its kind."""

    order: Ints  # (n,) the things by kind, those of a kind as they come
    begins: Ints  # (m,) where kinds begin in `order`
    sizes: Ints  # (m,) how many things are of each kind

    @classmethod
    def of(cls, kind: Ints) -> Before:
        order = np.argsort(kind, kind="stable")
        first = np.ones(len(kind), np.bool_)
        first[1:] = np.diff(kind[order]) > 0
        begins = np.flatnonzero(first)
        return cls(order, begins, np.diff(np.append(begins, len(kind))))

    def count(self, which: Bools) -> Ints:
        """Of those, the ones that `which` holds for, in its shape."""
        counted = which.ravel()[self.order]
        count: Ints = np.cumsum(counted) - counted
        before = np.empty(len(count), np.int64)
        before[self.order] = count - np.repeat(count[self.begins], self.sizes)
        return before.reshape(which.shape)


@cache
def _drawn(n: int) -> Ints:
    """n odd numbers, the same ones each time."""
    numbers: Ints = np.random.default_rng(n).integers(1 << 62, size=n) | 1
    return numbers


def _log_choose(n: int) -> Floats:
    """log(n over m) for m = 0..n."""
    steps = np.log(np.arange(n, 0, -1)) - np.log(np.arange(1, n + 1))
    return np.concatenate([[0.0], np.cumsum(steps)])
