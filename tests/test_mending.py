"""Lost rows are found where the machine loses its way, and nowhere else; two machines make a better one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from operator import attrgetter

import numpy as np
import pytest
from hidden import Hidden, hidden

from fsmlearn import mending, merging, moves, search, standing
from fsmlearn.evidence import Table, astray
from fsmlearn.mending import Mended
from fsmlearn.packing import Ints, Rows
from fsmlearn.viterbi import Prices, likeliest

LEARNED = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]  # seeds of what takes seconds


def _merged(rows: Rows) -> Mended:
    """What is learned without a network."""
    return mending.onward(min(mending.merge(rows, merging.proposals(rows)), key=attrgetter("length")))


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_a_whole_log_has_no_breaks(seed: int, noise: float) -> None:
    case, _ = hidden(seed, noise)
    broken, _ = mending.mend(case.rows, case.true())
    assert not broken.mended.any()


@pytest.mark.parametrize("seed", range(3))
def test_breaks_are_where_rows_are_lost(seed: int) -> None:
    case, shifted = hidden(seed, lost=0.02)
    now = case.true()
    broken, found = mending.mend(case.rows, now)
    traces = set(case.log.trace[case.rows.order[broken.mended]].tolist())
    assert traces <= shifted
    assert len(traces) > len(shifted) / 8, "some change nothing, and some show too late in their trace"
    mended = standing.stand(broken, now.table, found)
    assert mended.fit.misfits < now.fit.misfits / 2
    assert mended.length < now.length


@pytest.mark.parametrize("seed", LEARNED)
def test_a_made_up_row_leaves_the_machine_where_it_was(seed: int) -> None:
    case, strange = hidden(seed, made_up=0.02)
    now = case.true()
    broken, found = mending.mend(case.rows, now)
    at = np.flatnonzero(broken.mended)
    assert set(case.log.trace[case.rows.order[at]].tolist()) <= strange
    mended = standing.stand(broken, now.table, found)
    before = case.rows.preceding[at]
    wrong = astray(broken, mended.fit.states, mended.fit.believed)[at]  # half of the made-up rows answer wrongly
    assert wrong.any()
    stays = mended.fit.states[at[wrong]] == mended.fit.states[before[wrong]]
    assert stays.mean() > 0.75, "what another made-up row, which answered rightly, led to may show after a wrong answer"
    assert mended.fit.misfits < now.fit.misfits / 2
    learned = _merged(case.rows)
    assert case.exact(learned.rows, learned.standing)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4))])
def test_the_likeliest_run_is_found(seed: int) -> None:
    """Against all runs of short traces, breaks and exchanges in all places, each pair of cells with its price."""
    case, _ = hidden(seed, noise=0.1, lost=0.1, made_up=0.1, traces=30, length=5)
    rows, now = case.rows, case.true()
    k, rng = len(now.table), np.random.default_rng(seed)
    known = rows.pairs[2][::2]  # the others have a price in common
    prices = Prices(2.5, 3.5, known, rng.uniform(1.5, 4.5, len(known) + 1).astype(np.float32))
    lost = likeliest(rows, now, prices)
    share = np.maximum(now.fit.counts.sum(1), 0.5) / rows.total
    usual, again = np.log(share), np.log((1 + share) / 2)
    emit, target = now.fit.likelihood, now.table.target
    wrong = ~now.fit.believed
    number = {int(pair): i for i, pair in enumerate(known)}

    def cross(symbols: Sequence[int], i: int) -> float:
        """Nats of exchanging two rows of a trace, the last of all where they have no price of their own."""
        one, other = rows.symbol_cell[symbols[i]], rows.symbol_cell[symbols[i + 1]]
        return float(prices.crossed[number.get(int(one * len(rows.cell_label) + other), -1)])

    def best(symbols: Sequence[int], i: int, at: int, was: int, misfit: bool) -> float:
        """Nats of the likeliest run over a trace from row i on, in state `at` after a row from state `was`."""
        if i == len(symbols):
            return 0.0
        price = prices.astray if misfit else prices.lost
        starts = [(0.0, at)] + [(usual[q] - price - np.log(2) * misfit, q) for q in range(k)]
        if misfit:
            starts.append((again[was] - price, was))
        u, runs = symbols[i], []
        for nats, q in starts:
            runs.append(nats + emit[q, u] + best(symbols, i + 1, target[q, u], q, wrong[q, u]))
            if i + 1 < len(symbols) and symbols[i + 1] != u:
                v, via = symbols[i + 1], target[q, symbols[i + 1]]
                over = emit[q, v] + emit[via, u] - cross(symbols, i)
                runs.append(nats + over + best(symbols, i + 2, target[via, u], via, wrong[via, u]))
        return float(max(runs))

    after = rows.exchanged(lost.swapped)
    repaired = replace(after, broken=lost.mended, mended=lost.mended)
    states = standing.stand(repaired, now.table, lost.found).fit.states
    astray_ = astray(repaired, states, now.fit.believed)
    for lane in range(int(rows.offsets[1])):
        path = [lane]
        while rows.following[path[-1]] >= 0:
            path.append(int(rows.following[path[-1]]))
        symbols = rows.symbol[path].tolist()
        start = int(now.table.start[0])
        nats = 0.0
        for place, i in enumerate(path):
            q, u = int(states[i]), int(after.symbol[i])
            was = int(states[path[place - 1]]) if place else start
            if lost.mended[i] and astray_[i]:
                nats += (again[q] if q == was else usual[q] - np.log(2)) - prices.astray
            elif lost.mended[i]:
                nats += usual[q] - prices.lost
            nats += emit[q, u]
            if lost.swapped[i]:
                nats -= cross(symbols, place)
        assert nats == pytest.approx(best(symbols, 0, start, start, False), abs=0.02)


@pytest.mark.parametrize("seed", LEARNED)
def test_the_machine_is_found_in_spite_of_lost_rows(seed: int) -> None:
    case, _ = hidden(seed, lost=0.02)
    learned = _merged(case.rows)
    assert case.exact(learned.rows, learned.standing)
    assert learned.rows.mended.any()


def _early(rows: Rows) -> Ints:
    """The rows of the log that are read before the one that they come after."""
    return np.sort(rows.order[rows.following[rows.swapped]])


@pytest.mark.parametrize("seed", range(3))
def test_exchanged_rows_are_found_in_the_run_of_the_true_machine(seed: int) -> None:
    case, _ = hidden(seed, swapped=0.02)
    now = case.true()
    rows, found = mending.mend(case.rows, now)
    early = _early(rows)
    assert set(case.log.trace[early].tolist()) <= set(case.log.trace[case.swapped].tolist())
    right = np.isin(early, case.swapped)
    assert right.mean() > 0.8, "a row that moved may seem to have come from its other side"
    assert right.sum() > len(case.swapped) / 4, "some change nothing, and some show too late in their trace"
    mended = standing.stand(rows, now.table, found)
    assert mended.fit.misfits < now.fit.misfits / 2
    assert mended.length < now.length
    whole = mending.whole(rows)
    assert np.array_equal(whole.order, case.rows.order)
    assert np.array_equal(whole.symbol, case.rows.symbol)


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_where_no_row_was_exchanged_none_is_found(seed: int, noise: float) -> None:
    case, _ = hidden(seed, noise)
    rows, _ = mending.mend(case.rows, case.true())
    assert not rows.swapped.any()


@pytest.mark.parametrize("seed", LEARNED)
def test_the_machine_is_found_in_spite_of_exchanged_rows(seed: int) -> None:
    case, _ = hidden(seed, swapped=0.02)
    learned = _merged(case.rows)
    assert case.exact(learned.rows, learned.standing)
    early = _early(learned.rows)
    assert len(early) > 0
    beside = np.concatenate([case.swapped - 1, case.swapped, case.swapped + 1])
    assert np.isin(early, beside).mean() > 0.9, "a row that moved may seem to have come from its other side"
    assert np.isin(early, case.swapped).mean() > 0.7


@pytest.mark.parametrize("seed", range(3))
def test_states_that_only_breaks_lead_to_are_none(seed: int) -> None:
    case, _ = hidden(seed, lost=0.02)
    true = case.true()
    k = len(true.table)
    twice = Table(np.tile(true.table.label, 2), np.vstack([true.table.target, true.table.target + k]), true.table.start)
    broken, found = mending.mend(case.rows, true)
    now = standing.stand(broken, twice, np.where(broken.mended, found + k, found))
    assert len(now.table) > k, "after a break the run is in the copy of the machine, which nothing else leads to"
    kept = mending.reached(Mended(broken, now))
    assert len(kept.standing.table) == k
    assert kept.length < now.length
    assert case.exact(kept.rows, kept.standing)
    assert mending.reached(kept) is kept


def test_breaks_that_a_log_has_itself_stay() -> None:
    case, _ = hidden(0)
    given = np.zeros(len(case.rows), np.bool_)
    given[case.rows.following[:5]] = True
    broken, _ = mending.mend(replace(case.rows, broken=given), case.true())
    assert np.array_equal(broken.broken, given)
    assert not broken.mended.any()


@pytest.mark.parametrize("seed", range(4))
def test_two_machines_that_take_different_states_for_one_make_the_true_one(seed: int) -> None:
    case, _ = hidden(seed, traces=800)
    rows, true = case.rows, case.true()
    halves = [standing.stand(rows, *moves.redirected(true, [pair])) for pair in ((1, 0), (3, 2))]
    assert all(half.fit.misfits > 0 for half in halves)
    groups, k = mending.pairs(rows, halves[0].fit.states, halves[1].fit.states, 3)
    assert k > max(len(half.table) for half in halves)
    one, other = (Mended(rows, half) for half in halves)
    machines = list(mending.best([one, other], 3))
    assert all(after.length < before.length for before, after in pairwise(machines))
    found = machines[-1]
    assert case.exact(found.rows, found.standing)
    assert found.length == pytest.approx(true.length)
    assert len(np.unique(groups)) == k


def _needlessly(case: Hidden, rows_mended: list[int]) -> Rows:
    """The rows of a case with breaks before some of them."""
    broken = np.zeros(len(case.rows), bool)
    broken[np.flatnonzero(case.rows.preceding >= 0)[rows_mended]] = True
    return replace(case.rows, broken=broken, mended=broken)


def test_breaks_that_nothing_needs_are_given_up() -> None:
    case, _ = hidden(1)
    true = case.true()
    rows = _needlessly(case, [40, 800, 2000])
    now = mending.Mended(rows, standing.stand(rows, true.table, true.found))
    assert now.length > true.length
    plain = mending.unbroken(now)
    assert not plain.rows.mended.any()
    assert plain.length == pytest.approx(true.length)
    assert case.exact(plain.rows, plain.standing)


@pytest.mark.parametrize("seed", range(4))
def test_a_few_breaks_do_not_keep_a_machine_from_being_shaken(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case, _ = hidden(seed, noise=0.05, traces=800)
    rows, true = _needlessly(case, [40, 800, 2000]), case.true()
    now = Mended(rows, standing.settle(rows, *moves.redirected(true, moves.nearest(case.rows, true)[:1])))
    assert now.seldom_mended
    kicked = mending.kicked
    kicks: list[object] = []

    def noted(start: Mended, some: list[tuple[mending.Kick, int]], rng: np.random.Generator) -> Mended:
        kicks.extend(kick for kick, _ in some)
        return kicked(start, some, rng)

    monkeypatch.setattr(mending, "kicked", noted)
    found = mending.shaken_up(now)
    assert moves.torn in kicks
    assert not found.rows.repairs
    assert case.exact(found.rows, found.standing)


@pytest.mark.parametrize("explains", [False, True])
@pytest.mark.parametrize(("gains", "rounds"), [(0, 1), (1, 2), (2, 3), (9, 3)])
def test_a_machine_is_shaken_again_while_it_gets_shorter(
    gains: int, rounds: int, explains: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, _ = hidden(0)
    now = Mended(case.rows, case.true())
    monkeypatch.setattr(Mended, "explains", explains)
    kicks: list[list[tuple[mending.Kick, int]]] = []

    def shorter(start: Mended, some: list[tuple[mending.Kick, int]], _: np.random.Generator) -> Mended:
        kicks.append(some)
        return replace(start) if len(kicks) <= gains else start

    monkeypatch.setattr(mending, "kicked", shorter)
    mending.shake(now)
    assert kicks == [mending.FEW if explains else mending.KNOCKS] * rounds
    assert all(shake in kicks[0] for shake in mending.SHAKES)


@pytest.mark.slow
def test_shaking_ends_in_nothing_longer_and_now_and_then_in_something_shorter() -> None:
    shorter = 0
    for seed in range(8):
        case, _ = hidden(seed, noise=0.05, traces=60)
        now = Mended(case.rows, search.descend(case.rows, _astray(case, seed), None, growth=0))
        shaken = mending.shake(now)
        assert shaken.length <= now.length
        shorter += shaken.length < now.length - 1
    assert shorter


def _astray(case: Hidden, seed: int) -> Table:
    """The true table with half of its transitions leading anywhere."""
    rng = np.random.default_rng(seed)
    target = case.table.target.copy()
    some = rng.random(target.shape) < 0.5
    target[some] = rng.integers(len(target), size=int(some.sum()))
    return replace(case.table, target=target)
