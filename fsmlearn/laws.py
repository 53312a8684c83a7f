"""What triggers of a machine do together, and what that foretells of its transitions, for `prior`.

Machines are made of parts that mind their own business, of modes that one trigger enters and another leaves, of
beginnings anew. That shows in equations between short words, which hold in one state after another. Of two triggers a
and b these are looked at:

    a = b     both lead to one state
    ab = ba   both orders lead to one state, as where each trigger is for another part
    ab = b    where b leads a makes no difference, as where b begins anew
    ab = 1    b takes back what a did

In the more of the states told before an equation held, the surer it foretells a transition of the next.

Letters: k states, V triggers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fsmlearn.packing import Bools, Ints

Floats = NDArray[np.float64]

TRIGGERS = 32  # looked at, the commonest, for their pairs are many
TRUST = 0.5  # how much of its odds an equation is worth: those that foretell one transition say the same thing twice


def foretold(met: Bools, goes: Ints) -> tuple[Floats, Floats, Floats]:
    """(k, V) each: the odds on a transition to stay in its state, to leave it, and to leave it for where it does go.

    Triggers are `met` (k, V) and go to a state (k, V). A state is told after those before it, trigger by trigger; of
    the transitions of an equation it is the last one told that is foretold, by the states told before its own.
    """
    chosen = np.sort(np.argsort(-met.sum(0), kind="stable")[:TRIGGERS])
    met_all, met, goes = met, met[:, chosen], goes[:, chosen]
    k, v = met.shape
    q, a, b = np.arange(k)[:, None, None], np.arange(v)[:, None], np.arange(v)
    one, two = goes[:, :, None], goes[:, None]  # where a leads, and b
    other = goes[two, a]  # and ba
    by_a, by_b, by_then, by_other = q * v + a, q * v + b, one * v + b, two * v + a  # the last transition of each
    both, moves = met[:, :, None] & met[:, None] & (a != b), (one != q) | (two != q)
    goes_on = met[one, b]
    word = met[:, :, None] & goes_on & (one != q)
    same, anew = both & moves, both & word & (two != q)
    square = same & goes_on & met[two, a]
    early = np.maximum(by_a, by_b)
    said, edge, last = np.empty((3, 4, k, v, v), np.int64)  # which state it is, of which transition, and the last told
    said[0], said[1], said[2], said[3] = one, other, two, q
    edge[0], edge[1:] = by_b, by_then
    last[0], last[2:] = q, np.maximum(q, one)
    np.maximum(last[2], two, out=last[1])
    counts, foretells = np.empty((2, 4, k, v, v), np.bool_)
    counts[0], counts[1], counts[2], counts[3] = same, square, anew, word
    foretells[0], foretells[1:] = both & (a < b), counts[1:]
    foretells[1] &= by_then > np.maximum(early, by_other)
    foretells[2] &= by_then > early
    foretells[3] &= by_then > by_a
    last += np.arange(4 * v * v).reshape(4, 1, v, v) * k  # for each equation of each pair of triggers
    agrees = said == goes.ravel()[edge]
    size = 4 * v * v * k
    told = np.bincount((last + agrees * size)[counts], minlength=2 * size).reshape(-1, k)
    failed, held = (np.cumsum(told, 1) - told).reshape(2, size)  # of each with states told before
    last, said, edge, agrees = (each[foretells] for each in (last, said, edge, agrees))
    odds = TRUST * (held[last] + 0.5) / (failed[last] + 0.5)
    stays = said == edge // v
    found = np.zeros((3, *met_all.shape))
    for each, which in zip(found, (stays, ~stays, ~stays & agrees), strict=True):
        each[:, chosen] = np.bincount(edge[which], odds[which], k * v).reshape(k, v)
    return found[0], found[1], found[2]
