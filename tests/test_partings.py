"""What is promised by telling states apart is no more than it brings, and ways that belong together go together."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from hidden import hidden, hiding_all

from fsmlearn import moves, standing
from fsmlearn.evidence import Table
from fsmlearn.packing import Ints, Rows
from fsmlearn.partings import apart, latches, partings
from fsmlearn.standing import Standing

SEEDS = range(4)


def rows_of(walks: list[list[tuple[int, int]]]) -> Rows:
    """The rows of a log of (trigger, answer) that hides its states."""
    triggers, answers = ([row[i] for walk in walks for row in walk] for i in range(2))
    return hiding_all(triggers, answers, [0, *accumulate(map(len, walks))])


def stood(rows: Rows, next_states: list[list[int]]) -> Standing:
    """A table of (state, trigger) -> next state over the rows."""
    target = np.array(next_states)[:, rows.cell_trigger[rows.symbol_cell]]
    return standing.stand(rows, Table(np.zeros(len(target), int), target, np.zeros(1, int)), np.zeros(len(rows), int))


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("seed", SEEDS)
def test_noise_promises_no_states(seed: int, noise: float) -> None:
    case, _ = hidden(seed, noise=noise)
    now = case.true()
    promised = [parting.gain for parting in partings(case.rows, now, 8)]
    assert max(promised, default=0) < 15  # nats, of some thousand that the log is long


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", SEEDS)
def test_states_that_were_taken_for_one_promise_more(seed: int, noise: float) -> None:
    case, _ = hidden(seed, noise=noise)
    true = case.true()
    pair = moves.nearest(case.rows, true)[-1]  # the two that are told apart best
    now = standing.settle(case.rows, *moves.redirected(true, [pair]))
    assert partings(case.rows, now, 1)[0].gain > 30
    found = moves.split(case.rows, now, 8, {})
    assert found is not None
    assert found.length < now.length - 30


@pytest.mark.parametrize("seed", SEEDS)
def test_a_parting_is_by_ways_that_the_machine_goes_and_makes_a_state(seed: int) -> None:
    """After a wrong answer the machine goes where it goes by the right one: that is no way of its own."""
    case, _ = hidden(seed, noise=0.2)
    now = case.true()
    some = partings(case.rows, now, 20)
    assert some
    leads = standing.leading(case.rows, now.fit).ravel()
    for parting in some:
        assert all(leads[way] == way % case.rows.symbols for way in parting.ways if way < now.table.target.size)
        made = standing.stand(case.rows, apart(now.table, [parting]), now.found)
        assert len(made.table) == len(now.table) + 1


def halls() -> tuple[Rows, Standing]:
    """Five doors, 0 to 4, lead from the street into two halls, the first two into one and the last three into the
    other, that differ in what the bell, 5, says; 6 leads out. The table takes both halls for one."""
    rng = np.random.default_rng(0)
    walks = []
    for _ in range(60):
        walk: list[tuple[int, int]] = []
        for door in rng.integers(5, size=3).tolist():
            walk += [(door, 0), *[(5, int(door > 1))] * int(rng.integers(3)), (6, 0)]
        walks.append(walk)
    rows = rows_of(walks)
    return rows, stood(rows, [[1] * 5 + [0, 0], [1] * 5 + [1, 0]])


def test_ways_that_belong_together_are_parted_together() -> None:
    rows, now = halls()
    cell, triggers = rows.symbol_cell, rows.cell_trigger
    came = [{int(triggers[cell[way % rows.symbols]]) for way in each.ways} for each in partings(rows, now, 8)]
    assert came[0] & {0, 1, 2, 3, 4} in ({0, 1}, {2, 3, 4})
    two = moves.split(rows, now, 1, {})
    assert two is not None
    assert len(two.table) == 3
    assert two.fit.misfits == 0


def bolts() -> tuple[Rows, Standing]:
    """A door, 0, leads into a room and out of it. There chatter, 1 and 2, changes nothing, nor does a bolt, 3, that is
    drawn once and for all, but the key, 4, is answered otherwise from then on. The table does not know of the bolt."""
    rng = np.random.default_rng(0)
    walks = []
    for _ in range(60):
        walk: list[tuple[int, int]] = []
        for _ in range(3):
            walk.append((0, 0))
            drawn = 0
            for trigger in rng.choice([1, 2, 3, 4], p=[0.4, 0.3, 0.15, 0.15], size=8).tolist():
                drawn |= trigger == 3
                walk.append((trigger, int(drawn and trigger == 4)))
            walk.append((0, 0))
        walks.append(walk)
    rows = rows_of(walks)
    return rows, stood(rows, [[1, 0, 0, 0, 0], [0, 1, 1, 1, 1]])


def test_what_a_state_remembers_while_it_stays_is_parted_by_what_it_took_there() -> None:
    rows, now = bolts()
    assert now.fit.misfits > 50
    first, *others = latches(rows, now, 8)
    state, symbol = divmod(first.ways[0], rows.symbols)
    assert (state, int(rows.cell_trigger[rows.symbol_cell[symbol]])) == (1, 3)
    assert all(other.gain < first.gain for other in others)
    found = standing.settle(rows, apart(now.table, [first]), now.found)
    assert len(found.table) == 3
    assert found.fit.misfits == 0
    assert latches(rows, found, 8) == []


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("seed", SEEDS)
def test_noise_promises_no_latches(seed: int, noise: float) -> None:
    case, _ = hidden(seed, noise=noise)
    assert max((parting.gain for parting in latches(case.rows, case.true(), 8)), default=0) < 15


def test_what_failed_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, now = halls()
    tried = []

    def in_vain(_: Rows, table: Table, __: Ints) -> Standing:
        tried.append(len(table))
        return now

    monkeypatch.setattr(moves, "settle", in_vain)
    some = len(partings(rows, now, 8))
    failed: dict[tuple[int, ...], float] = {}
    assert moves.split(rows, now, 8, failed) is None
    assert 0 < len(failed) == len(tried) <= some
    assert moves.split(rows, now, 8, failed) is None
    assert len(tried) == len(failed)
    for key in failed:
        failed[key] -= 2 * moves.MORE  # so that it promises more now
    assert moves.split(rows, now, 8, failed) is None
    assert len(tried) == 2 * len(failed)


def test_a_state_that_never_met_a_trigger_is_taken_to_do_as_its_like() -> None:
    # Triggers 0 and 1 lead from state 0 to 1 and 2; trigger 2 is answered 1 in both and leads nowhere, but 0 in the
    # first. Trigger 3 leads from state 1 back and is answered 2; state 2 never meets it.
    walks = [[(2, 0), (0, 0), (2, 1), (2, 1), (3, 2)], [(1, 0), (2, 1), (2, 1)]] * 20
    rows = rows_of(walks)
    now = stood(rows, [[1, 2, 0, 0], [1, 1, 1, 0], [2, 2, 2, 2]])
    assert len(now.table) == 3
    table, likelihood = standing.surmised(rows, now.table, now.fit)
    [back] = np.flatnonzero(rows.cell_trigger[rows.symbol_cell] == 3)
    assert now.fit.counts[:, back].tolist() == [0, 20, 0]
    assert table.target[2, back] == table.target[1, back] == 0
    half = (np.exp(now.fit.likelihood[1, back]) + 1 / 3) / 2
    assert likelihood[2, back] == pytest.approx(np.log(half))
    met = now.fit.counts > 0
    assert np.array_equal(likelihood[met], now.fit.likelihood[met])
    assert np.array_equal(table.target[met], now.table.target[met])
