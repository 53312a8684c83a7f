"""Settles by the network what the log leaves open: `Oracle` + `Standing` -> `Standing`, the last step of extraction.

Where a transition leads shows only as far as the log goes on from there with triggers that tell states apart. Where it
does not, machines that lead it to different states explain the log equally well, and which of them is the shortest to
describe says little. The network has learned from all the rest of the log and expects an answer to every trigger at
every row; so it is asked at the rows of which such machines think differently. Where a log has noise the network has
learned some of that too, and is wrong as often as the shortest machine: its word counts only where all rows fit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fsmlearn.evidence import Fit, fit
from fsmlearn.moves import elsewhere, led
from fsmlearn.oracle import Oracle
from fsmlearn.packing import Ints, Rows
from fsmlearn.standing import Standing, leading, stand

OPINION = 0.25  # nats of description length that one nat of the network's belief is worth
SURE = 4.6  # nats at most that it believes one answer sooner than another: nobody is surer than a hundred to one
HEARD = 20  # rows whose word counts where both machines are in one state each: what errs alike errs for one reason
ROUNDS = 50  # transitions at most that are led elsewhere


def counsel(oracle: Oracle, now: Standing) -> Standing:
    """The same machine of a log of hidden states with transitions led where the network wants them, wherever that is
    worth more than what it costs in description length; one by one, the worthiest first."""
    rows = oracle.rows
    been = {now.table.target.tobytes()}  # preferences may go round in a circle
    for _ in range(ROUNDS):
        worth, table, leads = 1e-6, None, leading(rows, now.fit)
        for _, offer in elsewhere(rows, now):
            other = replace(now.table, target=led(now.table.target, leads, offer))
            if other.target.tobytes() in been:
                continue
            trial = fit(rows, other, now.found)
            gain = now.length - trial.length + OPINION * preferred(oracle, now.fit, trial)
            if gain > worth:
                worth, table = gain, other
        if table is None:
            break
        now = stand(rows, table, now.found)
        been.add(now.table.target.tobytes())
    return now


def preferred(oracle: Oracle, one: Fit, other: Fit) -> float:
    """Nats by which the network believes the answers of the other of two machines sooner than those of the one, at the
    rows before which they are in different states."""
    rows, nats = oracle.rows, 0.0
    says, also = answers(rows, one), answers(rows, other)
    apart = np.flatnonzero(one.states != other.states)
    pairs, pair = np.unique(one.states[apart] * len(also) + other.states[apart], return_inverse=True)
    for number, (q, r) in enumerate(zip(*(each.tolist() for each in np.divmod(pairs, len(also))), strict=True)):
        cells = np.flatnonzero((says[q] != also[r]) & (says[q] >= 0) & (also[r] >= 0))
        mine = apart[pair == number]
        heard = min(int(rows.weight[mine].sum()), HEARD)
        some = mine[np.linspace(0, len(mine) - 1, min(len(mine), HEARD)).astype(np.int64)]
        for cell in cells.tolist():
            believed = oracle.believes(some, int(rows.cell_trigger[cell]))
            margin = believed[:, also[r, cell]] - believed[:, says[q, cell]]
            nats += heard * float(np.clip(margin, -SURE, SURE).mean())
    return nats


def answers(rows: Rows, now: Fit) -> Ints:
    """(k, V) the answer that each state gives to the trigger of each cell, -1 where the log shows none."""
    given = np.full((len(now.counts), len(rows.cell_trigger)), -1)
    state, symbol = np.nonzero(now.believed & (now.counts > 0))
    given[state, rows.symbol_cell[symbol]] = rows.symbol_answer[symbol]
    return given
