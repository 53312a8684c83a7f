"""From a trained network and its log to the machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator

import numpy as np
import pytest
from hidden import hidden
from machines import Row, lamp, log_of, random_machine, visible, walk
from numpy.typing import NDArray

from fsmlearn import mending, search
from fsmlearn.alike import distinct
from fsmlearn.elman import Elman
from fsmlearn.equivalence import equivalent
from fsmlearn.extract import Extraction, doubted, extract
from fsmlearn.histories import Histories, histories
from fsmlearn.logs import Log
from fsmlearn.machine import Machine
from fsmlearn.mending import Mended
from fsmlearn.oracle import Oracle, first_answers
from fsmlearn.sought import Sought, outcome
from fsmlearn.standing import Standing, from_groups, settle
from fsmlearn.train import Model, Plan, train


def a_network(data: Histories, seed: int = 0) -> Model:
    """A small one that has learned a log for a short time."""
    plan = Plan(hidden=32, epochs=12, rate=0.02, batch=16)
    *_, last = train(data, Elman(), plan, np.random.default_rng(seed))
    return Model(Elman(), last.params)


def searching(
    log: Log, gap: NDArray[np.bool_] | None = None, states: int | None = None, seed: int = 0
) -> Generator[Sought, None, Extraction]:
    """The search for a machine by such a network."""
    traces = distinct(log, np.zeros(len(log), np.bool_) if gap is None else gap)
    data = histories(traces.log, like=traces.like)
    return extract(a_network(data, seed), traces.log, data, traces.gap, states)


def extracted(log: Log, gap: NDArray[np.bool_] | None = None, states: int | None = None, seed: int = 0) -> Extraction:
    """What comes of it."""
    return outcome(searching(log, gap, states, seed))


@pytest.fixture(scope="module")
def hiding() -> tuple[Machine, list[list[Row]]]:
    """A machine of four states under two names, and traces of it."""
    rng = np.random.default_rng(2)
    machine = random_machine(rng, states=4, labels=2, triggers=2)
    return machine, visible(machine, walk(machine, rng, traces=150, length=14))


def test_the_machine_behind_a_log_is_found_with_its_counts(hiding: tuple[Machine, list[list[Row]]]) -> None:
    truth, traces = hiding
    found = extracted(log_of(traces))
    assert equivalent(truth, found.machine) is None
    assert len(found.machine.states) == 4
    rows = Counter(row for trace in traces for row in trace)
    counts: Counter[Row] = Counter()
    for t in found.machine.transitions:
        counts[found.machine.visible(t.state), t.trigger, found.machine.visible(t.next_state)] += t.count
    assert counts == rows
    assert found.rows.total == sum(map(len, traces))
    assert found.vectors == sum(map(len, set(map(tuple, traces))))
    assert found.clusters >= 4


@pytest.mark.parametrize("hides", [False, True])
def test_the_search_tells_how_many_states_it_has_found(hiding: tuple[Machine, list[list[Row]]], hides: bool) -> None:
    search = searching(lamp(np.random.default_rng(0), traces=150, length=10) if hides else log_of(hiding[1]))
    sought = []
    while True:
        try:
            sought.append(next(search).states)
        except StopIteration as ended:
            found = ended.value
            break
    assert sought[-1] == len(found.standing.table) == len(found.machine.states)
    assert min(sought) >= 1


def test_a_log_that_hides_its_states_gives_a_mealy_machine() -> None:
    log = lamp(np.random.default_rng(0), traces=150, length=10)
    machine = extracted(log).machine
    lit = [
        (0, "press", 1, "light", 1),
        (0, "look", 0, "dark", 1),
        (1, "press", 0, "dark", 1),
        (1, "look", 1, "light", 1),
    ]
    assert machine.kind == "mealy"
    assert [state.name for state in machine.states] == ["S0", "S1"]
    assert equivalent(machine, Machine.build("mealy", 0, [None, None], ["press", "look"], lit)) is None
    assert {t.probability for t in machine.transitions} == {1}
    assert sum(t.count for t in machine.transitions) == len(log)


def test_a_machine_of_too_few_states_is_asked_about_as_long_as_it_promises_a_shorter_one() -> None:
    case, _ = hidden(1)
    oracle = Oracle.of(a_network(case.data), case.log, case.data, case.rows)
    nothing = np.zeros(len(case.rows), np.int64)
    bare = settle(case.rows, from_groups(case.rows, nothing, 1), nothing)
    *_, found = doubted(oracle, first_answers(oracle), 3, bare, bare.length)
    assert case.exact(found.rows, found.standing)
    assert not [*doubted(oracle, first_answers(oracle), 3, bare, found.length)]


def test_no_row_is_taken_for_lost_where_asking_once_more_explains_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    case, _ = hidden(1)
    oracle = Oracle.of(a_network(case.data), case.log, case.data, case.rows)
    nothing = np.zeros(len(case.rows), np.int64)
    bare = settle(case.rows, from_groups(case.rows, nothing, 1), nothing)
    refined: list[Mended] = []

    def refine(now: Mended) -> Mended:
        refined.append(now)
        return now

    monkeypatch.setattr(search, "attempt", lambda *_: bare)  # as if nothing had grown
    monkeypatch.setattr(mending, "refine", refine)
    *_, found = doubted(oracle, first_answers(oracle), 3, bare, np.inf)
    assert [case.exact(each.rows, each.standing) for each in refined] == [True]
    assert found is refined[0]


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_the_network_has_a_word_only_where_the_log_has_no_noise(noise: float, monkeypatch: pytest.MonkeyPatch) -> None:
    case, _ = hidden(1, noise=noise)
    asked = []

    def noted(_: Oracle, now: Standing) -> Standing:
        asked.append(now.fit.misfits)
        return now

    monkeypatch.setattr("fsmlearn.extract.counsel", noted)
    found = extracted(case.log)
    assert (found.standing.fit.misfits > 0) == (noise > 0)
    assert asked == ([] if noise else [0])


def test_lost_rows_that_are_known_of_do_not_bend_the_machine(hiding: tuple[Machine, list[list[Row]]]) -> None:
    truth, traces = hiding
    rng = np.random.default_rng(0)
    kept = [[0, *(i for i in range(1, len(trace)) if rng.random() > 0.1)] for trace in traces]
    left = [[trace[i] for i in rows] for trace, rows in zip(traces, kept, strict=True)]
    gap = np.concatenate([np.diff(rows, prepend=-1) > 1 for rows in kept])
    assert 0.05 < gap.mean() < 0.15
    found = extracted(log_of(left), gap)
    assert equivalent(truth, found.machine) is None
    assert found.standing.fit.misfits == 0


def test_every_transition_of_the_log_stands_in_the_table(hiding: tuple[Machine, list[list[Row]]]) -> None:
    """The filter has judged the rows before: what it kept is shown, with its small share, even if seen only once."""
    _, traces = hiding
    odd = ("A", "t0", "Odd")
    found = extracted(log_of([*traces, [odd]]))
    machine = found.machine
    shown = {(machine.visible(t.state), t.trigger, machine.visible(t.next_state)) for t in machine.transitions}
    assert shown == {odd, *(row for trace in traces for row in trace)}
    assert [t.count for t in machine.transitions if machine.visible(t.next_state) == "Odd"] == [1]


def test_rows_that_do_not_say_what_came_are_no_transitions() -> None:
    traces: list[list[Row]] = [[("A", "x", "B"), ("B", "y", "" if i % 2 else "A")] for i in range(40)]
    machine = extracted(log_of(traces)).machine
    assert [(t.state, t.trigger, t.next_state, t.count) for t in machine.transitions] == [
        ("A", "x", "B", 40),
        ("B", "y", "A", 20),
    ]


@pytest.mark.parametrize("states", [1, 2, 3, 4, 9])
def test_the_number_of_states_can_be_bounded(hiding: tuple[Machine, list[list[Row]]], states: int) -> None:
    truth, traces = hiding
    machine = extracted(log_of(traces), states=states).machine
    assert {machine.visible(state.name) for state in machine.states} == {"A", "B"}
    assert len(machine.states) <= max(states, 2)
    assert (equivalent(truth, machine) is None) == (states >= 4)


def test_a_coin_keeps_its_shares_and_gets_no_memory() -> None:
    rows = [(0, "flip", 1, None, 7), (0, "flip", 2, None, 3), (1, "flip", 0, None, 1), (2, "flip", 0, None, 1)]
    truth = Machine.build("moore", 0, ["Table", "Heads", "Tails"], ["flip"], rows)
    traces = visible(truth, walk(truth, np.random.default_rng(0), traces=150, length=14))
    machine = extracted(log_of(traces)).machine
    flips = Counter(row[2] for trace in traces for row in trace if row[0] == "Table")
    assert len(machine.states) == 3
    assert {t.next_state: t.probability for t in machine.successors("Table", "flip")} == pytest.approx(
        {side: n / flips.total() for side, n in flips.items()}
    )


@pytest.mark.slow
@pytest.mark.timeout(300)  # 80 s where nothing else runs
def test_answers_by_chance_keep_their_shares_where_the_log_hides_states() -> None:
    """A vending machine that jams in one of five sales until it is kicked, and a coin to toss beside it."""
    rows = [
        (0, "coin", 1, "ok", 1),
        (1, "coin", 1, "back", 1),
        (2, "coin", 2, "back", 1),
        (0, "button", 0, "nothing", 1),
        (1, "button", 0, "drink", 4),
        (1, "button", 2, "jam", 1),
        (2, "button", 2, "nothing", 1),
        (0, "kick", 0, "nothing", 1),
        (1, "kick", 1, "nothing", 1),
        (2, "kick", 0, "drink", 1),
        *((q, "toss", q, side, 1) for q in range(3) for side in ("heads", "tails")),
    ]
    truth = Machine.build("mealy", 0, [None] * 3, ["coin", "button", "kick", "toss"], rows)
    walks = walk(truth, np.random.default_rng(0), traces=300, length=15)
    log = log_of([[(t.trigger, t.output or "") for t in steps] for steps in walks], "hidden")
    machine = extracted(log).machine
    assert len(machine.states) == 3
    drawn = Counter((t.state, t.trigger, t.output, t.next_state) for steps in walks for t in steps)
    assert {(t.state, t.trigger, t.output, t.next_state): t.count for t in machine.transitions} == drawn
    tosses = Counter(t.output for steps in walks for t in steps if (t.state, t.trigger) == ("S0", "toss"))
    assert {t.output: t.probability for t in machine.successors("S0", "toss")} == pytest.approx(
        {side: n / tosses.total() for side, n in tosses.items()}
    )
