"""The search finds the machine again that it was led away from, and invents no memory where there is chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from operator import attrgetter

import numpy as np
import pytest
from hidden import hidden, hiding_all
from machines import Row, log_of, random_machine, visible, walk

from fsmlearn import moves, partings, search, standing
from fsmlearn.evidence import Table, fit
from fsmlearn.extract import packed
from fsmlearn.histories import histories
from fsmlearn.machine import Machine
from fsmlearn.packing import Bools, Ints, Rows
from fsmlearn.standing import Standing

SEEDS = range(4)


@dataclass(frozen=True, eq=False)
class Case:
    """A machine and a log of it; N packed rows."""

    machine: Machine
    rows: Rows
    state: Ints  # (N,) true state before each row
    after: Ints  # (N,) and after it
    noisy: Bools  # (N,) rows that show another next state than the true one

    @property
    def table(self) -> Table:
        return standing.from_groups(self.rows, self.state, len(self.machine.states))


def case_of(machine: Machine, rng: np.random.Generator, noise: float = 0.0, traces: int = 150) -> Case:
    """A log of random walks; a share `noise` of its rows shows a next state at random, wherever the machine went."""
    walks = walk(machine, rng, traces, length=16)
    words = sorted({machine.visible(state.name) for state in machine.states})

    def written(row: Row) -> Row:
        return (*row[:2], words[rng.integers(len(words))]) if rng.random() < noise else row

    true = visible(machine, walks)
    shown = [[written(row) for row in trace] for trace in true]
    log = log_of(shown)
    rows = packed(log, histories(log), np.zeros(len(log), np.bool_))
    names = [state.name for state in machine.states]
    return Case(
        machine,
        rows,
        np.array([names.index(step.state) for steps in walks for step in steps])[rows.order],
        np.array([names.index(step.next_state) for steps in walks for step in steps])[rows.order],
        np.array([a != b for x, y in zip(true, shown, strict=True) for a, b in zip(x, y, strict=True)])[rows.order],
    )


def hiding(seed: int, noise: float = 0.0) -> Case:
    """A case of a random deterministic machine that shows two labels for its four to six states."""
    rng = np.random.default_rng(seed)
    return case_of(random_machine(rng, states=4 + seed % 3, labels=2, triggers=3), rng, noise)


def coin(seed: int, share: float) -> Case:
    """A case of a machine of three states with no memory beyond what it shows: `flip` is a biased coin."""
    flips = round(100 * share)
    rows = [(0, "flip", 1, None, flips), (0, "flip", 2, None, 100 - flips)]
    rows += [(q, "flip", q - 1, None, 100) for q in (1, 2)] + [(q, "reset", 0, None, 100) for q in range(3)]
    machine = Machine.build("moore", 0, ["Table", "Heads", "Tails"], ["flip", "reset"], rows)
    return case_of(machine, np.random.default_rng(seed), traces=200)


def oversplit(case: Case, seed: int) -> Table:
    """A table from groups that cut every true state at random into two or three."""
    rng = np.random.default_rng(seed)
    parts = rng.integers(2, 4, size=len(case.machine.states))
    group = case.state * 3 + rng.integers(parts[case.state])
    _, group = np.unique(group, return_inverse=True)
    return standing.from_groups(case.rows, group, int(group.max()) + 1)


def assert_true(now: Standing, case: Case) -> None:
    """The table is the true machine: a state for each true one, every clean row leads where it truly led, and what is
    not clean is not believed."""
    k = len(case.machine.states)
    together = np.zeros((k, len(now.table)), int)
    np.add.at(together, (case.state, now.fit.states), 1)
    to = together.argmax(1)
    assert len(now.table) == k
    assert sorted(to.tolist()) == list(range(k))
    rows, clean = case.rows, ~case.noisy
    led = now.table.target[to[case.state], rows.symbol]
    assert np.array_equal(led[clean], to[case.after[clean]])
    home = now.fit.states == to[case.state]
    assert np.array_equal(now.fit.believed[now.fit.states[home], rows.symbol[home]], clean[home])
    first = rows.first
    assert np.array_equal(now.table.start[rows.label[first]], to[case.state[first]])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_true_groups_give_the_true_machine(seed: int) -> None:
    case = hiding(seed)
    now = search.descend(case.rows, case.table)
    assert_true(now, case)
    assert now.fit.misfits == 0


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.05])
@pytest.mark.parametrize("seed", SEEDS)
def test_states_that_were_split_at_random_are_joined_again(seed: int, noise: float) -> None:
    case = hiding(seed, noise)
    assert_true(search.descend(case.rows, oversplit(case, seed)), case)


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", SEEDS)
def test_transitions_that_lead_elsewhere_are_led_back(seed: int, noise: float) -> None:
    case = hiding(seed, noise)
    rng = np.random.default_rng(seed)
    table, target = case.table, case.table.target.copy()
    met = np.unique(np.column_stack([case.state, case.rows.symbol])[~case.noisy], axis=0)
    for q, u in rng.permutation(met)[:3].tolist():
        target[q, u] = rng.choice(np.flatnonzero(table.label == table.label[target[q, u]]))
    assert_true(search.descend(case.rows, replace(table, target=target)), case)


def test_an_attempt_is_given_up_where_no_growth_gets_far_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PATIENCE", 2)
    case, _ = hidden(2, lost=0.2, traces=800)
    rows, anywhere = case.rows, np.zeros(len(case.rows), int)
    one = Table(np.zeros(1, int), np.zeros((1, rows.symbols), int), np.zeros(1, int))
    grown = search.descend(rows, one, anywhere)
    assert len(grown.table) > len(case.machine.states), "what is lost looks like memory"
    found = search.attempt(rows, one, anywhere, grown.length + 1, attrgetter("length"))
    assert found is not None
    assert found.length == grown.length
    assert search.attempt(rows, one, anywhere, -1e6, attrgetter("length")) is None


@pytest.mark.parametrize("seed", SEEDS)
def test_settling_leads_a_transition_back_and_makes_no_states(seed: int) -> None:
    case = hiding(seed)
    table = case.table
    anywhere = np.array([int(np.flatnonzero(table.label == c)[0]) for c in case.rows.label])
    pairs, often = np.unique(np.column_stack([case.state, case.rows.symbol]), axis=0, return_counts=True)
    q, u = pairs[often.argmin()].tolist()  # so rare that no state is left without a way in
    others = np.flatnonzero(table.label == table.label[table.target[q, u]])
    target = table.target.copy()
    target[q, u] = others[others != target[q, u]][0]
    assert_true(standing.settle(case.rows, replace(table, target=target), anywhere), case)


@pytest.mark.parametrize("seed", SEEDS)
def test_states_that_were_taken_for_one_are_told_apart(seed: int) -> None:
    case = hiding(seed)
    labels = standing.from_groups(case.rows, case.rows.label, case.rows.labels)
    assert_true(search.descend(case.rows, labels), case)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_a_coin_is_not_given_memory(seed: int, share: float) -> None:
    case = coin(seed, share)
    for start in (case.table, oversplit(case, seed)):
        now = search.descend(case.rows, start)
        assert_true(now, case)
        assert now.fit.misfits == 0, "both sides of the coin belong to the machine"


@pytest.mark.parametrize("seed", range(3))
def test_every_step_down_makes_the_description_shorter(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case = hiding(seed, noise=0.1)
    steps: list[tuple[float, float]] = []

    def watched(move: Callable[..., Standing | None]) -> Callable[..., Standing | None]:
        def watching(rows: Rows, now: Standing, *limits: float) -> Standing | None:
            after = move(rows, now, *limits)
            if after is not None:
                steps.append((now.length, after.length))
            return after

        return watching

    for name in ("merge", "split", "join"):
        monkeypatch.setattr(search, name, watched(getattr(search, name)))
    rng = np.random.default_rng(seed)
    group = rng.integers(6, size=len(case.rows)) * case.rows.labels + case.rows.label  # no guess at all
    ended = search.descend(case.rows, standing.from_groups(case.rows, group, 6 * case.rows.labels))
    assert steps
    assert all(after < before for before, after in steps)
    assert all(after == before for (_, after), (before, _) in pairwise(steps))
    assert ended.length == steps[-1][1]
    assert search.descend(case.rows, ended.table).length <= ended.length + 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_shrink_forces_the_number_of_states(seed: int) -> None:
    case = hiding(seed)
    now = search.descend(case.rows, case.table)
    k = len(now.table)
    assert search.shrink(case.rows, now, k) is now
    assert search.shrink(case.rows, now, k + 5) is now
    fewer = search.shrink(case.rows, now, k - 1)
    assert case.rows.labels <= len(fewer.table) <= k - 1
    fewest = search.shrink(case.rows, now, 1)
    assert sorted(fewest.table.label.tolist()) == list(range(case.rows.labels)), "one for every label must stay"


def test_a_label_in_which_traces_only_end_has_a_state() -> None:
    log = log_of([[("A", "x", "B"), ("B", "x", "End")]] * 5 + [[("A", "x", "B"), ("B", "x", "A")]] * 5)
    rows = packed(log, histories(log), np.zeros(len(log), np.bool_))
    table = standing.from_groups(rows, rows.label, len(log.states))
    now = search.descend(rows, table)
    assert sorted(now.table.label.tolist()) == [0, 1, 2]
    for at in range(len(rows)):
        answer = rows.symbol_answer[rows.symbol[at]]
        led = now.table.target[now.fit.states[at], rows.symbol[at]]
        assert now.table.label[led] == rows.answer_label[answer]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 103))
def test_bigger_machines_are_found_again(seed: int) -> None:
    """From the better of two starts: cut at random, about one in ten of these machines keeps a state too many."""
    rng = np.random.default_rng(seed)
    case = case_of(random_machine(rng, states=12, labels=4, triggers=4), rng, noise=0.05, traces=800)
    found = [search.descend(case.rows, oversplit(case, start)) for start in (seed, seed + 1)]
    assert_true(min(found, key=lambda now: now.length), case)


def test_a_choice_long_before_is_remembered() -> None:
    """Two corridors of five rooms that look the same; only the door taken at the start decides what the last shows."""
    rng = np.random.default_rng(0)
    triggers, answers, offsets = [], [], [0]
    for _ in range(300):
        door, room = int(rng.integers(2)), 0
        triggers.append(door)
        answers.append(0)
        for _ in range(int(rng.integers(6, 14))):
            trigger = int(rng.integers(2, 4))  # 2 walks on, 3 asks
            triggers.append(trigger)
            answers.append(1 + door if trigger == 3 and room == 5 else 0)
            room = min(room + (trigger == 2), 5)
        offsets.append(len(triggers))
    n, rows = len(triggers), hiding_all(triggers, answers, offsets)
    rooms = np.zeros(n, int)  # as a table sees it that does not know of the doors
    for lo, hi in pairwise(offsets):
        room = -1
        for row in range(lo, hi):
            rooms[row] = room + 1
            room = min(room + (triggers[row] == 2), 5) if room >= 0 else 0
    forgetful = standing.settle(rows, standing.from_groups(rows, rooms[rows.order], 7), np.zeros(n, int))
    assert forgetful.fit.misfits > 20
    remembering = moves.recall(rows, forgetful, 4)
    assert remembering is not None
    assert remembering.fit.misfits == 0
    assert remembering.length < forgetful.length
    assert search.descend(rows, forgetful.table).fit.misfits == 0


def test_a_state_is_told_apart_by_the_way_that_its_stay_began_with() -> None:
    """Two rooms alike but for what the door out does; it is never taken before some rows were spent inside."""
    rng = np.random.default_rng(0)
    triggers, answers, room, offsets = [], [], [], [0]
    for _ in range(200):
        for way in rng.integers(2, size=2).tolist():  # 0 and 1 lead into the rooms, 2 to 4 change nothing, 5 leads out
            idle = rng.integers(2, 5, size=rng.integers(4, 9)).tolist()
            triggers += [way, *idle, 5]
            answers += [0, *(a - 2 for a in idle), way]
            room += [0, *[1 for _ in idle], 1]
        offsets.append(len(triggers))
    n, rows = len(triggers), hiding_all(triggers, answers, offsets)
    one = standing.settle(rows, standing.from_groups(rows, np.array(room)[rows.order], 2), np.zeros(n, int))
    assert one.fit.misfits > 100
    two = moves.split(rows, one, 8, {})
    assert two is not None
    assert len(two.table) == 3
    assert two.fit.misfits == 0


@pytest.mark.parametrize("growth", [0, 1, 2])
def test_states_are_split_no_more_often_than_is_allowed(growth: int) -> None:
    case, _ = hidden(1, noise=0.05)
    nothing = np.zeros(len(case.rows), int)
    one = standing.from_groups(case.rows, nothing, 1)
    assert len(search.descend(case.rows, one, nothing, growth=growth).table) == growth + 1
    assert len(search.descend(case.rows, one, nothing).table) > 3


def test_a_search_ends_where_it_comes_back_to_a_known_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    case, _ = hidden(1, noise=0.05)
    found = search.descend(case.rows, case.table)
    monkeypatch.setattr(search, "recall", lambda *_: pytest.fail("the known machine is searched on"))
    again = search.descend(case.rows, found.table, found.found, known=[found.length])
    assert again.length == pytest.approx(found.length)


def test_a_state_goes_where_its_like_goes_if_the_log_does_not_mind() -> None:
    # Triggers 0 to 5 are answered alike in all three states and change nothing; 6 and 7 lead from the first state to
    # the others and are answered otherwise there. After a 0 to 5 in the second state the log never asks for them.
    rng = np.random.default_rng(0)
    walks = []
    for _ in range(200):
        before, after = ([(int(a), int(a) % 2) for a in rng.integers(6, size=n)] for n in (3, 2))
        way = int(rng.integers(6, 8))
        walks += [[*before, (way, 0), *after], [*before, (way, 0), (way, 1), (way, 0)]]
    triggers, answers = ([row[i] for walk in walks for row in walk] for i in range(2))
    rows = hiding_all(triggers, answers, [0, *accumulate(map(len, walks))])
    zero = np.zeros(len(triggers), int)
    trigger = rows.cell_trigger[rows.symbol_cell]
    true = np.array([np.where(trigger == 6, 1, np.where(trigger == 7, 2, 0)), np.where(trigger == 6, 0, 1)])
    true = np.vstack([true, np.where(trigger == 7, 0, 2)])
    target = true.copy()
    target[1, trigger < 6] = trigger[trigger < 6] % 2 * 2  # led astray to the first and the third
    start = standing.stand(rows, Table(np.zeros(3, int), target, np.zeros(1, int)), zero)
    best = standing.stand(rows, Table(np.zeros(3, int), true, np.zeros(1, int)), zero)
    assert start.fit.misfits == best.fit.misfits == 0
    aligned = moves.align(rows, start)
    assert aligned is not None
    assert aligned.length == pytest.approx(best.length)
    assert moves.align(rows, best) is None
    assert moves.reroute(rows, best) is None
    now = start
    while (step := moves.reroute(rows, now)) is not None:
        changed = np.argwhere((step.table.target != now.table.target) & (now.fit.counts > 0))
        assert {q for q, _ in changed.tolist()} == {1}
        assert 1 < len(changed) <= moves.JOINT
        assert step.length < now.length
        now = step
    assert now is not start
    aligned = moves.align(rows, now)
    assert aligned is not None
    assert aligned.length == pytest.approx(best.length)


def two_rings(seed: int) -> Rows:
    """A short noisy log of two rings of four states that differ in one answer: triggers 0 and 1 go on and begin anew, 2
    changes to the other ring, and 5 goes back to the second place from the last one of the second ring."""
    rng = np.random.default_rng(seed)
    walks, answers = rng.choice(6, p=[0.3, 0.1, 0.1, 0.2, 0.15, 0.15], size=(int(rng.integers(20, 60)), 10)), []
    for triggers in walks:
        ring = place = 0
        for trigger in triggers:
            said = {0: place % 2, 3: place == 2, 4: (ring, place) == (1, 1)}.get(int(trigger), 0)
            answers.append(said ^ (rng.random() < 0.03))
            if trigger == 5 and (ring, place) == (1, 3):
                place = 1
            ring ^= trigger == 2
            place = (place + 1) % 4 if trigger == 0 else 0 if trigger == 1 else place
    return hiding_all(walks.ravel().tolist(), [int(each) for each in answers], [*range(0, walks.size + 1, 10)])


def test_a_split_that_falls_short_pays_once_transitions_are_led_anew() -> None:
    shorter = 0
    for seed in range(90, 94):
        rows = two_rings(seed)
        one = Table(np.zeros(1, int), np.zeros((1, rows.symbols), int), np.zeros(1, int))
        found = search.descend(rows, one)
        assert moves.split(rows, found, moves.SPLITS, {}) is None
        step = moves.parted(rows, found)
        if step is not None:
            shorter += 1
            assert step.length < found.length
            assert len(step.table) == len(found.table) + 1
    assert shorter > 0


def test_pairs_are_merged_together_then_by_halves_then_alone() -> None:
    pairs = [(1, 0), (2, 0), (4, 3), (6, 5), (8, 7)]
    assert list(moves.together(pairs, 3)) == [
        [(1, 0), (4, 3), (6, 5), (8, 7)],  # without (2, 0), for 0 is busy
        [(1, 0), (4, 3)],
        [(1, 0)],
        [(2, 0)],
        [(4, 3)],
    ]


@pytest.mark.parametrize("seed", range(4))
def test_shaking_leads_elsewhere_what_the_log_hardly_minds_and_nothing_else(seed: int) -> None:
    case, _ = hidden(seed, noise=0.05, traces=40)
    rows, now = case.rows, case.true()
    state, symbol, votes = standing.voted(rows, now, standing.leading(rows, now.fit))
    each, before = np.arange(len(state)), now.table.target[state, symbol]
    loss = votes[each, before][:, None] - votes
    loss[each, before] = np.inf
    limit = float(np.median(loss.min(1)))  # so that half of the transitions might lead elsewhere
    shaken = [moves.shaken(rows, now, limit, np.random.default_rng(draw)) for draw in range(5)]
    tables = [start[0] for start in shaken if start is not None]
    assert len(tables) == 5
    for table in tables:
        to = table.target[state, symbol]
        led = to != before
        assert (loss[each, to][led] < limit).all()
        assert not led[loss.min(1) >= limit].any()
    assert len({table.target.tobytes() for table in tables}) > 1


def test_nothing_is_shaken_where_the_log_decides() -> None:
    case, _ = hidden(0, traces=800)
    assert moves.shaken(case.rows, case.true(), 10.0, np.random.default_rng(0)) is None


@pytest.mark.parametrize("seed", range(4))
def test_states_that_are_torn_apart_for_nothing_are_put_together_again(seed: int) -> None:
    case, _ = hidden(seed, noise=0.05, traces=100)
    now = case.true()
    start = moves.torn(case.rows, now, 3, np.random.default_rng(seed))
    assert start is not None
    assert len(now.table) < len(start[0]) <= len(now.table) + 3
    assert search.descend(case.rows, *start).length == pytest.approx(search.descend(case.rows, now.table).length)


def test_several_states_are_parted_at_once() -> None:
    case, _ = hidden(2, noise=0.05)
    anywhere = np.zeros(len(case.rows), int)
    one = standing.stand(
        case.rows, Table(np.zeros(1, int), np.zeros((1, case.rows.symbols), int), anywhere[:1]), anywhere
    )
    several = partings.partings(case.rows, one, 8)[:2]
    both = partings.apart(one.table, several)
    assert len(both) == 3
    size = one.table.target.size
    for way in several[0].ways:
        led = both.target.ravel()[way] if way < size else both.start[way - size]
        assert led == (2 if way in several[1].ways else 1)
    assert standing.settle(case.rows, both, one.found).length < one.length


def test_a_state_is_merged_that_the_log_leaves_in_doubt() -> None:
    case, _ = hidden(1)
    now = case.true()
    assert moves.merged(case.rows, now, 0, np.random.default_rng(0)) is None
    torn = moves.torn(case.rows, now, 1, np.random.default_rng(0))
    assert torn is not None
    more = standing.stand(case.rows, *torn)
    assert len(more.table) > len(now.table)
    merged = moves.merged(case.rows, more, 0, np.random.default_rng(0))
    assert merged is not None
    assert search.descend(case.rows, *merged).length == pytest.approx(now.length)


def test_each_state_is_merged_with_the_one_that_it_can_do_with_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moves, "LIGHT", np.inf)
    case, _ = hidden(1)
    now, rng = case.true(), np.random.default_rng(0)
    k, lengths = len(now.table), []
    for n in range(k):
        start = moves.merged(case.rows, now, n, rng)
        assert start is not None
        lengths.append(fit(case.rows, *start).length)
        assert len(np.unique(start[0].target)) < k
    assert min(lengths) > now.length
    assert moves.merged(case.rows, now, k, rng) is None


def test_states_that_are_merged_one_into_the_other_are_one() -> None:
    case, _ = hidden(1)
    now = case.true()
    n = len(now.table)
    for pairs, one in [([(0, 1), (1, 2)], {0, 1, 2}), ([(1, 2), (0, 1)], {0, 1, 2}), ([(0, 1), (1, 0)], {0, 1})]:
        table, found = moves.redirected(now, pairs)
        to = np.array([table.target[now.table.target == q][0] for q in range(n)])
        assert {q for q in range(n) if to[q] == to[0]} == one
        assert len(np.unique(to)) == n + 1 - len(one)
        assert np.array_equal(found, to[now.found])


@pytest.mark.parametrize("seed", range(3))
def test_states_that_are_merged_at_once_are_told_apart_again(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    case, _ = hidden(seed)
    now, rng = case.true(), np.random.default_rng(0)
    assert moves.melted(case.rows, now, 2, rng) is None
    monkeypatch.setattr(moves, "LIGHT", np.inf)
    start = moves.melted(case.rows, now, 2, rng)
    assert start is not None
    fewer = standing.settle(case.rows, *start)
    assert len(fewer.table) < len(now.table)
    assert fewer.length > now.length + 10
    assert search.descend(case.rows, *start).length == pytest.approx(now.length)


@pytest.mark.parametrize("often", [False, True])
def test_sums_by_key_are_those_of_plain_loops(often: bool) -> None:
    rng = np.random.default_rng(0)
    case, _ = hidden(3, traces=60)
    rows = replace(case.rows, weight=rng.integers(1, 4, len(case.rows))) if often else case.rows
    assert rows.repeats == often
    for keys, n, k in ((1, 1, 1), (3, 400, 2), (1000, 90, 7), (40, len(rows), 5)):
        key, ahead = rng.integers(keys, size=n) * 5, rng.standard_normal((len(rows), k)).astype(np.float32)
        which, after = rng.integers(len(rows), size=n), rng.integers(-1, len(rows), n)
        values = np.where(after < 0, 0, rows.weight[which])[:, None].astype(np.float32) * ahead[after]
        for found, sums in (standing.summed(rows, which, key, ahead, after), standing.added(key, values.astype(float))):
            assert found.tolist() == sorted(set(key.tolist()))
            plain = [values[key == each].sum(0, dtype=np.float64) for each in found.tolist()]
            np.testing.assert_allclose(sums, plain, rtol=1e-12, atol=1e-12)
