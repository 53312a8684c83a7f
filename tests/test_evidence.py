"""Running a machine over a log against plain loops, and description lengths by hand."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hidden import hidden
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import log_of, random_machine, visible, walk
from test_packing import LABELS, SEEDS, random_rows

from fsmlearn import search, standing
from fsmlearn.alike import distinct
from fsmlearn.evidence import LOST, URNS, Table, fit, futures, highest, picked, run, urn
from fsmlearn.extract import packed
from fsmlearn.histories import histories
from fsmlearn.packing import Bools, Ints, Rows, pack

# nats of a second trigger that answers as the first does and stays, as that does: 7/9, and half of even odds by a law
SECOND = -math.log(3 / 5 * (1 / 2 + 2 * 7 / 9) / (1 / 2 + 2))


def random_table(rng: np.random.Generator, rows: Rows) -> Table:
    """A table of more states than labels that leads anywhere."""
    label = np.append(np.arange(rows.labels), rng.integers(rows.labels, size=int(rng.integers(0, 3))))
    start = np.array([rng.choice(np.flatnonzero(label == c)) for c in range(rows.labels)])
    return Table(label, rng.integers(len(label), size=(len(label), rows.symbols)), start)


def one_state(cells: Sequence[Sequence[int]]) -> tuple[Rows, Table]:
    """A log that hides its only state: cells[a][o] rows have trigger a and output o."""
    triggers = [a for a, counts in enumerate(cells) for n in counts for _ in range(n)]
    answers = [o for counts in cells for o, n in enumerate(counts) for _ in range(n)]
    n = len(triggers)
    rows = pack(
        np.zeros(n, int),
        np.array(triggers),
        np.array(answers),
        np.array([0, n]),
        np.zeros(n, np.bool_),
        labels=1,
        triggers=len(cells),
        answer_label=np.full(len(cells[0]), -1),
    )
    return rows, Table(np.zeros(1, int), np.zeros((1, rows.symbols), int), np.zeros(1, int))


@given(SEEDS, LABELS)
@settings(deadline=None)
def test_run_is_a_walk_that_starts_anew_where_it_is_lost(seed: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    rows, _ = random_rows(rng, labels)
    table = random_table(rng, rows)
    found = rng.integers(len(table), size=len(rows))
    states = run(rows, table, found)
    for at in np.flatnonzero(rows.preceding < 0).tolist():
        state = int(table.start[rows.label[at]])
        while at >= 0:
            if rows.broken[at] or (labels > 1 and table.label[state] != rows.label[at]):
                state = int(found[at])
            assert states[at] == state
            state, at = int(table.target[state, rows.symbol[at]]), int(rows.following[at])


def test_after_lost_rows_the_run_goes_on_from_where_the_rest_makes_sense() -> None:
    # a -x-> b -x-> a, all under one label; between the rows of the second trace one is lost
    label, answer = np.zeros(5, int), np.array([0, 1, 0, 0, 1])
    broken = np.array([False, False, False, True, False])
    rows = pack(
        label, label, answer, np.array([0, 2, 5]), broken, labels=1, triggers=1, answer_label=np.array([-1, -1])
    )
    table = Table(np.zeros(2, int), np.array([[1, 1], [0, 0]]), np.zeros(1, int))
    likelihood = np.log(np.array([[0.9, 0.1], [0.1, 0.9]]))
    found = futures(rows, table, likelihood).argmax(1)
    states = np.empty(5, int)
    states[rows.order] = run(rows, table, found)
    assert states.tolist() == [0, 1, 0, 0, 1]
    assert fit(rows, table, found).misfits == 0


@given(SEEDS, LABELS)
@settings(deadline=None)
def test_futures_are_a_plain_recursion(seed: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    rows, _ = random_rows(rng, labels)
    table = random_table(rng, rows)
    likelihood = np.log(rng.uniform(0.01, 1, size=(len(table), rows.symbols)))
    unknown = rng.random((len(table), rows.symbols)) < 0.2

    def rest(at: int, anywhere: Bools) -> list[float]:
        """For each state at this row."""
        u, after = int(rows.symbol[at]), int(rows.following[at])
        later = rest(after, anywhere) if after >= 0 else None
        values = []
        for q in range(len(table)):
            value = likelihood[q, u] if labels == 1 or table.label[q] == rows.label[at] else -1e4
            if later is not None and (rows.broken[after] or anywhere[q, u]):
                value += max(later)
            elif later is not None:
                value += max(later[table.target[q, u]], max(later) + LOST)
            values.append(float(value))
        return values

    for anywhere in (np.zeros_like(unknown), unknown):
        expected = [rest(at, anywhere) for at in range(len(rows))]
        found = futures(rows, table, likelihood, anywhere=anywhere if anywhere.any() else None)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-4)


@given(SEEDS, LABELS)
@settings(deadline=None)
def test_counts_and_misfits_are_tallies_of_the_run(seed: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    rows, _ = random_rows(rng, labels)
    table = random_table(rng, rows)
    result = fit(rows, table, rng.integers(len(table), size=len(rows)))
    tally = Counter(zip(result.states.tolist(), rows.symbol.tolist(), strict=True))
    for q, u in np.ndindex(result.counts.shape):
        assert result.counts[q, u] == tally[q, u]
    known = [pair for pair in tally.elements() if rows.symbol_answer[pair[1]] >= 0]
    assert result.misfits == sum(not result.believed[pair] for pair in known)
    assert not (result.believed & (result.counts == 0)).any()
    assert math.isfinite(result.length)
    # under every trigger that a state has met, its answers share out no more than certainty
    for q in range(len(table)):
        for cell in range(len(rows.cell_label)):
            mine = (rows.symbol_cell == cell) & (rows.symbol_answer >= 0)
            if result.counts[q, mine].any():
                assert np.exp(result.likelihood[q, mine]).sum() <= 1 + 1e-9


def test_a_clean_log_fits_the_machine_that_wrote_it() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        machine = random_machine(rng, states=5, labels=2, triggers=3)
        walks = walk(machine, rng, traces=60, length=12)
        log = log_of(visible(machine, walks))
        rows = packed(log, histories(log), np.zeros(len(log), np.bool_))
        names = [state.name for state in machine.states]
        symbol_name = [
            (log.states[rows.cell_label[cell]], log.triggers[rows.cell_trigger[cell]]) for cell in rows.symbol_cell
        ]
        target = np.zeros((5, rows.symbols), int)
        for q, name in enumerate(names):
            for u, (label, trigger) in enumerate(symbol_name):
                if machine.visible(name) == label:
                    target[q, u] = names.index(machine.successors(name, trigger)[0].next_state)
        label_of = np.array([log.states.index(machine.visible(name)) for name in names])
        start = np.zeros(rows.labels, int)
        start[log.states.index(machine.visible(machine.initial))] = names.index(machine.initial)
        result = fit(rows, Table(label_of, target, start), np.full(len(rows), -1))
        true = [names.index(step.state) for steps in walks for step in steps]
        assert result.states.tolist() == [true[row] for row in rows.order]
        assert result.misfits == 0


def test_description_length_of_noise_by_hand() -> None:
    # Nine rows answer 0, one answers 1: noise, at an estimated rate of (1 + 1) / (10 + 2). The machine is a state (the
    # name is one of at least two: log 2), and an answer (log 2) with its target (log 2) for its one trigger.
    rows, table = one_state([[9, 1]])
    result = fit(rows, table, np.zeros(10, int))
    assert result.counts.tolist() == [[9, 1]]
    assert result.believed.tolist() == [[True, False]]
    assert result.misfits == 1
    assert result.length == pytest.approx(3 * math.log(2) - 9 * math.log(5 / 6) - math.log(1 / 6))


def test_description_length_of_a_biased_coin_by_hand() -> None:
    # The first trigger always gives answer 0; the second gives 1 in ten rows of forty, far too often for noise beside
    # the first. It costs a further answer, target and share (log 2 + log 2 + log(40) / 2); the noise rate is 1 / 122.
    # That the second trigger answers 0 too is foretold from the first (3/5), and so is that it stays (SECOND).
    rows, table = one_state([[80, 0], [30, 10]])
    result = fit(rows, table, np.zeros(120, int))
    assert result.believed.tolist() == [[True, True, True]]
    assert result.misfits == 0
    clean = math.log(121 / 122)
    machine = 5 * math.log(2) + math.log(40) / 2 + SECOND
    assert result.length == pytest.approx(machine - 120 * clean - 30 * math.log(0.75) - 10 * math.log(0.25))


def test_rows_that_do_not_say_what_came_cost_nothing() -> None:
    lengths = []
    for answer in (np.array([0, 0, 0]), np.array([0, 0, 0, -1, -1, -1])):
        n, zero = len(answer), np.zeros(len(answer), int)
        none = np.array([-1, -1])
        rows = pack(zero, zero, answer, np.array([0, n]), zero > 0, labels=1, triggers=1, answer_label=none)
        result = fit(rows, Table(zero[:1], np.zeros((1, rows.symbols), int), zero[:1]), zero)
        assert result.misfits == 0
        assert not result.likelihood[:, rows.symbol_answer < 0].any()
        lengths.append(result.length)
    assert lengths[0] == pytest.approx(lengths[1])


def test_certain_answers_are_coded_by_hand() -> None:
    rows, table = one_state([[9, 1], [5, 0]])
    certain = fit(replace(rows, certain=True), table, np.zeros(len(rows), int))
    noise = 2 / 17  # one misfit and one more in fifteen rows and two
    structure = 3 * math.log(2) + SECOND
    assert certain.length == pytest.approx(structure - 14 * math.log(1 - noise) - math.log(noise))


def test_where_two_answers_are_as_frequent_one_is_believed() -> None:
    rows, table = one_state([[4, 4]])
    certain = fit(replace(rows, certain=True), table, np.zeros(len(rows), int))
    assert (certain.misfits, int(certain.believed.sum())) == (4, 1)


def hidden_rows(walks: Sequence[Sequence[tuple[int, int]]], triggers: int, answers: int) -> Rows:
    """Walks of (trigger, answer) as rows of a log that hides its states and is certain of its answers."""
    trigger, answer = (np.array([row[i] for walk in walks for row in walk]) for i in range(2))
    offsets = np.concatenate([[0], np.cumsum([len(walk) for walk in walks])])
    nothing = np.full(answers, -1)
    zero = np.zeros(len(trigger), int)
    rows = pack(zero, trigger, answer, offsets, zero > 0, labels=1, triggers=triggers, answer_label=nothing)
    return replace(rows, certain=True)


@given(SEEDS, st.sampled_from([1, 2]))
@settings(deadline=None, max_examples=30)
def test_equal_traces_count_as_often_as_there_are_of_them(seed: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 6, size=6)
    copies = rng.integers(1, 5, size=6)
    walks = [rng.integers([labels, 2, 2], size=(n, 3)) for n in lengths]
    parts = [walk for walk, n in zip(walks, copies, strict=True) for _ in range(n)]
    names = np.array([0, labels - 1]) if labels > 1 else np.full(2, -1)

    def rows_of(parts: list[Ints], copies: Ints | None) -> Rows:
        label, trigger, answer = np.concatenate(parts).T
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
        return pack(
            label,
            trigger,
            answer,
            offsets,
            np.zeros(len(label), np.bool_),
            labels=labels,
            triggers=2,
            answer_label=names,
            certain=labels == 1,
            copies=copies,
        )

    every, each = rows_of(parts, None), rows_of(walks, copies)
    assert each.total == len(every) == sum(map(len, parts))
    assert len(each) == lengths.sum()
    table = standing.from_groups(each, each.label * 2 + each.symbol % 2, 2 * labels)
    assert_same(standing.from_groups(every, every.label * 2 + every.symbol % 2, 2 * labels), table)
    one, other = (fit(rows, table, np.zeros(len(rows), int)) for rows in (every, each))
    assert np.array_equal(one.counts, other.counts)
    assert one.misfits == other.misfits
    assert one.length == pytest.approx(other.length)


@pytest.mark.parametrize("seed", range(6))
def test_the_search_finds_the_same_whether_equal_traces_stand_once_or_often(seed: int) -> None:
    case, _ = hidden(seed, noise=0.02, traces=2000, length=6)
    traces = distinct(case.log, np.zeros(len(case.log), np.bool_))
    each = packed(traces.log, histories(traces.log, like=traces.like), traces.gap)
    assert each.total == len(case.rows) > len(each)
    long, short = (search.descend(rows, case.table) for rows in (case.rows, each))
    assert long.length == pytest.approx(short.length)
    assert np.array_equal(long.fit.counts, short.fit.counts)


def assert_same(one: Table, other: Table) -> None:
    assert all(np.array_equal(getattr(one, part), getattr(other, part)) for part in ("label", "target", "start"))


@pytest.mark.parametrize(("n", "k", "m"), [(0, 3, 3), (1, 1, 1), (7, 4, 4), (30, 5, 2)])
def test_the_quick_ways_along_rows_are_those_of_numpy(n: int, k: int, m: int) -> None:
    rng = np.random.default_rng(n)
    values, columns = rng.standard_normal((n, k)).astype(np.float32), rng.integers(k, size=(n, m))
    np.testing.assert_array_equal(highest(values), values.max(1, keepdims=True))
    np.testing.assert_array_equal(picked(values, columns), np.take_along_axis(values, columns, 1))


def test_where_rows_are_chosen_is_told_place_by_place_by_hand() -> None:
    of, chosen = np.array([40, 0, 7, 25]), np.array([0, 0, 3, 1])
    n, m = 72, 4
    usual = (m + 0.5) / (n + 1)
    lengths = []
    for size in URNS:
        nats = math.log(3) + math.log(n + 1)
        for rows, some in zip(of.tolist(), chosen.tolist(), strict=True):
            for i in range(rows):  # one row after the other, the chosen ones first
                share = (size * usual + min(i, some)) / (size + i)
                nats -= math.log(share if i < some else 1 - share)
        lengths.append(nats)
    size, nats = urn(of, chosen)
    assert nats == pytest.approx(min(lengths), abs=1e-6)
    assert size == URNS[int(np.argmin(lengths))]


def test_all_choices_together_are_no_likelier_than_one() -> None:
    of = np.array([5, 3, 4])
    choices = [
        math.comb(5, a) * math.comb(3, b) * math.comb(4, c) * math.exp(-urn(of, np.array([a, b, c]))[1])
        for a, b, c in product(range(6), range(4), range(5))
    ]
    assert sum(choices) <= 1


def test_what_is_chosen_in_one_place_is_told_sooner_than_what_is_scattered() -> None:
    of = np.full(50, 200)
    scattered, together = np.arange(50) % 2, np.where(np.arange(50) == 7, 25, 0)
    assert urn(of, together)[1] < urn(of, scattered)[1] - 50
    assert urn(of, together)[0] < urn(of, scattered)[0]
