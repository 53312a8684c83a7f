"""A big log is learned from an excerpt, but what is said of it is said of all of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pytest
from hidden import hidden, mended, swap
from machines import WASH, Row, log_of, random_machine, visible, walk, write

from fsmlearn import excerpt, misfits
from fsmlearn.alike import Distinct, distinct
from fsmlearn.census import Walker, census
from fsmlearn.census import answers as census_answers
from fsmlearn.diff import diff
from fsmlearn.equivalence import equivalent
from fsmlearn.extract import extract
from fsmlearn.findings import Finding
from fsmlearn.histories import histories
from fsmlearn.logs import Log
from fsmlearn.machine import Machine, Transition
from fsmlearn.misfits import judge, wrong
from fsmlearn.onward import Known
from fsmlearn.pipeline import Learned, learn
from fsmlearn.sought import outcome
from fsmlearn.train import Model, cell_of


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log is big that has more than 3,000 rows, and 2,000 are drawn."""
    monkeypatch.setattr(excerpt, "ENOUGH", {"visible": 3000, "hidden": 6000})
    monkeypatch.setattr(excerpt, "ROWS", {"visible": 2000, "hidden": 4000})


def shown(log: Log) -> Counter[tuple[str, str, str]]:
    """How often each transition comes in a log."""
    rows = zip(log.state.tolist(), log.trigger.tolist(), log.next_state.tolist(), strict=True)
    return Counter((log.states[s], log.triggers[a], log.states[n]) for s, a, n in rows)


def counted(machine: Machine) -> Counter[tuple[str, str, str]]:
    """How often a machine has it that each transition comes between visible states."""
    found = Counter[tuple[str, str, str]]()
    for t in machine.transitions:
        found[machine.visible(t.state), t.trigger, machine.visible(t.next_state)] += t.count
    return found


def as_one(learned: Learned) -> None:
    """What is told of the log is told of all of it."""
    about, clean = learned.about, learned.denoised.log
    assert counted(learned.machine) == shown(clean)
    assert sum(each.rows for each in about.support if each.trigger is None) == len(clean)
    assert [each.rows for each in about.support if each.trigger] == [t.count for t in learned.machine.transitions]
    assert sum(each.observed for each in about.comparison) == about.log.rows


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("seed", range(2))
def test_counts_are_those_of_the_whole_log(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    truth = random_machine(rng, 6, 4, 3)
    traces = visible(truth, walk(truth, rng, 2500, 12))
    learned = learn(write(tmp_path / "log.csv", traces))
    assert learned.about.training.rows < 0.4 * learned.about.log.rows
    assert not diff(truth, learned.machine).found
    as_one(learned)
    assert counted(learned.machine) == Counter(row for trace in traces for row in trace)


@pytest.mark.usefixtures("small")
def test_a_log_that_comes_ten_times_gives_the_same_machine_with_ten_times_the_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    truth = random_machine(rng, 5, 3, 3)
    traces = visible(truth, walk(truth, rng, 350, 12))
    one = learn(write(tmp_path / "one.csv", traces))
    ten = learn(write(tmp_path / "ten.csv", traces * 10))
    assert one.about.training.rows == one.about.log.rows and ten.about.training.rows < ten.about.log.rows

    assert not diff(one.machine, ten.machine).found
    assert sorted(t.count * 10 for t in one.machine.transitions) == sorted(t.count for t in ten.machine.transitions)


@pytest.mark.usefixtures("small")
def test_noise_is_dropped_and_counted_as_ever(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    traces = visible(WASH, walk_on(WASH, rng, 1500))
    for n in rng.choice(len(traces), 60, replace=False):
        row = int(rng.integers(1, len(traces[n]) - 1))
        traces[n][row] = (*traces[n][row][:2], "Off" if traces[n][row][2] != "Off" else "Soak")
    learned = learn(write(tmp_path / "log.csv", traces))
    assert not diff(WASH, learned.machine).found
    as_one(learned)
    assert learned.about.noise.repaired + learned.about.noise.dropped == 60


def walk_on(machine: Machine, rng: np.random.Generator, traces: int) -> list[list[Transition]]:
    """Walks through a machine that goes one way only, till it is where it began."""
    walks = []
    for _ in range(traces):
        state, steps = machine.initial, list[Transition]()
        while not steps or state != machine.initial:
            ways = [t for t in machine.transitions if t.state == state]
            steps.append(ways[rng.integers(len(ways))])
            state = steps[-1].next_state
        walks.append(steps)
    return walks


@pytest.mark.usefixtures("small")
def test_what_only_a_few_traces_of_many_show_is_in_the_machine(tmp_path: Path) -> None:
    common: list[Row] = [("Off", "power", "On"), ("On", "run", "Busy"), ("Busy", "done", "On"), ("On", "power", "Off")]
    rare: list[Row] = [*common[:2], ("Busy", "stop", "Halt"), ("Halt", "reset", "Off")]
    traces = [common] * 5000
    for n in (7, 1234, 4321):
        traces[n] = rare
    learned = learn(write(tmp_path / "log.csv", traces))
    counts = counted(learned.machine)
    assert counts["Busy", "stop", "Halt"] == counts["Halt", "reset", "Off"] == 3
    assert counts["Busy", "done", "On"] == 4997
    as_one(learned)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("every", [401, 4001])
def test_memory_that_shows_too_seldom_to_be_drawn_is_found(every: int, tmp_path: Path) -> None:
    """Who waits twice, which is rare, comes to a state whose answers are all common elsewhere."""
    answers = [("Standby", "Standby"), ("Off", "Off"), ("Standby", "Off")]

    def trace(waits: int, pressed: int) -> list[Row]:
        last = ("Idle", ("power", "lamp")[pressed], answers[waits][pressed])
        return [("Off", "power", "Idle"), *[("Idle", "wait", "Idle")] * waits, last]

    traces = [trace(n % 2, n // 2 % 2) for n in range(40_000)]
    for n in range(0, len(traces), every):
        traces[n] = trace(2, n % 2)
    learned = learn(write(tmp_path / "log.csv", traces))
    assert Counter(learned.machine.labels.values()) == {"Off": 1, "Idle": 3, "Standby": 1}
    assert all(t.probability == 1 for t in learned.machine.transitions)
    assert learned.about.training.rows < 6000
    as_one(learned)


@pytest.mark.usefixtures("small")
def test_one_long_trace_is_learned_from_pieces(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    truth = random_machine(rng, 6, 4, 3)
    [trace] = visible(truth, [walked for walked in walk(truth, rng, 3, 20_000) if len(walked) > 5000][:1])
    learned = learn(write(tmp_path / "log.csv", [trace]))
    assert learned.about.training.rows < len(trace) / 2
    assert not diff(truth, learned.machine).found
    as_one(learned)


def test_the_census_of_parts_is_that_of_the_whole() -> None:
    rng = np.random.default_rng(7)
    truth = random_machine(rng, 6, 3, 3)
    log = log_of(visible(truth, walk(truth, rng, 400, 10)))
    gap = rng.random(len(log)) < 0.05
    gap[log.offsets[:-1]] = False
    data = histories(log)
    cell = cell_of("elman")
    model = Model(cell, cell.initial(data.words, 16, len(data.answers), rng))
    found = outcome(extract(model, log, data, gap))
    walker = Walker.of(found, data.answers)
    whole = census(walker, distinct(log, gap))
    assert whole is not None
    assert whole.counts.sum() == len(log)
    assert whole.counts.sum(0).tolist() == found.rows.counted(found.rows.symbol).tolist()
    for parts in (2, 5):
        some: list[Distinct] = []
        for traces in np.array_split(rng.permutation(400), parts):
            mask = np.isin(log.trace, traces)
            some.append(distinct(log.select_traces(np.sort(traces)), gap[mask]))
        again = reduce(add, [each for each in (census(walker, part) for part in some) if each is not None])
        for name in ("counts", "moves", "times"):
            assert np.array_equal(getattr(again, name), getattr(whole, name))
        assert np.array_equal(again.votes.keys, whole.votes.keys)
        assert np.array_equal(again.votes.nats, whole.votes.nats)  # to the last bit


@pytest.mark.parametrize("seed", range(4))
def test_pieces_cut_where_a_state_shows_say_what_whole_traces_say(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    rows: list[list[Row]] = [[] for _ in range(500)]
    for trace in rows:  # Off is one state, On are two
        for _ in range(rng.integers(1, 5)):
            one = rng.integers(2)
            trace += [
                ("Off", "ab"[one], "On"),
                *[("On", "wait", "On")] * rng.integers(4),
                ("On", "go", ("Off", "Up")[one]),
            ]
            trace += [("Up", "down", "Off")] * one
    log = log_of(rows)
    log.next_state[rng.random(len(log)) < 0.02] = 0  # wrong words, and rows before which others are lost
    gap = rng.random(len(log)) < 0.05
    gap[log.offsets[:-1]] = False
    data, cell = histories(log), cell_of("elman")
    found = outcome(extract(Model(cell, cell.initial(data.words, 16, len(data.answers), rng)), log, data, gap))
    labels = Counter(found.standing.table.label.tolist())
    assert min(labels.values()) == 1 < max(labels.values())
    walker, traces = Walker.of(found, data.answers), distinct(log, gap)
    pieces, twice = walker.cut(traces)
    assert len(pieces.log) < len(traces.log) / 2
    assert pieces.rows == traces.rows + twice.sum()
    ours = census(walker, traces)
    monkeypatch.setattr(Walker, "cut", lambda self, traces: (traces, np.zeros_like(twice)))
    theirs = census(walker, traces)
    assert ours is not None and theirs is not None
    for name in ("counts", "moves", "times"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name))
    assert np.array_equal(ours.votes.keys, theirs.votes.keys)
    for one, other in zip(ours.votes.nats, theirs.votes.nats, strict=True):  # which differ by what follows a piece
        likely = other > other.max() - 1000
        assert np.allclose((one - one.max())[likely], (other - other.max())[likely], atol=0.01)


def hiding(rng: np.random.Generator, traces: int, length: int) -> tuple[Machine, list[list[Row]]]:
    """A machine and its walks in a log that hides its states."""
    truth = random_machine(rng, states=5, labels=3, triggers=3)
    walks = walk(truth, rng, traces, length)
    rows = [(t.state, t.trigger, t.next_state, truth.visible(t.next_state)) for steps in walks for t in steps]
    number = {name: n for n, name in enumerate(truth.labels)}
    ways = [(number[q], a, number[n], o, count) for (q, a, n, o), count in Counter(rows).items()]
    mealy = Machine.build("mealy", number[truth.initial], [None] * len(number), truth.triggers, ways)
    return mealy.minimise(), [[(t.trigger, truth.visible(t.next_state)) for t in steps] for steps in walks]


def write_hidden(path: Path, traces: list[list[Row]]) -> Path:
    lines = [f"{n},{step},{','.join(row)}\n" for n, trace in enumerate(traces) for step, row in enumerate(trace)]
    path.write_text("trace,step,trigger,output\n" + "".join(lines))
    return path


@pytest.mark.usefixtures("small")
def test_a_big_log_is_gone_on_with(tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    truth = random_machine(rng, 6, 4, 3)
    traces = visible(truth, walk(truth, rng, 2600, 12))
    few, many = (write(tmp_path / name, some) for name, some in (("few.csv", traces[:100]), ("many.csv", traces[100:])))
    one = learn(few)
    grown = learn(many, known=Known(one.machine, one.model, "elman", "tanh", one.sample))
    assert grown.about.training.rows < 0.4 * grown.about.log.rows
    assert not diff(truth, grown.machine).found
    assert counted(grown.machine) == Counter(row for trace in traces for row in trace)
    assert sum(each.rows for each in grown.about.support if each.trigger is None) == grown.about.log.rows


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_big_log_that_hides_its_states_is_gone_on_with(tmp_path: Path) -> None:
    truth, traces = hiding(np.random.default_rng(6), 1000, 20)
    one = learn(write_hidden(tmp_path / "few.csv", traces[:200]))
    many = write_hidden(tmp_path / "many.csv", traces[200:])
    grown = learn(many, known=Known(one.machine, one.model, "gru", "tanh", one.sample))
    assert grown.about.training.rows < 0.6 * grown.about.log.rows
    assert equivalent(truth, grown.machine) is None and len(grown.machine.states) == len(truth.states)
    assert sum(t.count for t in grown.machine.transitions) == sum(map(len, traces))


@pytest.mark.slow
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("pieces", [False, True])
def test_a_log_that_hides_its_states_is_judged_as_a_whole(
    pieces: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    truth, clean = hiding(rng, *((6, 8000) if pieces else (1500, 20)))
    noisy, wrong, line = [], [], 1
    for trace in clean:
        noisy.append(list[Row]())
        for trigger, output in trace:
            line += 1
            if rng.random() < 0.03:
                output = str(rng.choice([word for word in "ABC" if word != output]))
                wrong.append(line)
            noisy[-1].append((trigger, output))
    learned = learn(write_hidden(tmp_path / "log.csv", noisy))
    about, judged = learned.about, learned.denoised
    assert about.training.rows < 0.6 * about.log.rows
    assert equivalent(truth, learned.machine) is None
    found = {int(judged.source.line[finding.row]) for finding in judged.findings}
    assert len(found ^ set(wrong)) <= (0.01 if pieces else 0) * len(wrong)  # before some pieces nothing is known
    assert about.extraction.misfits == about.noise.repaired == sum(each.noise for each in about.comparison)
    assert sum(each.observed for each in about.comparison) == about.log.rows
    if not pieces:  # else rows may be in a state that nothing known leads to
        assert sum(t.count for t in learned.machine.transitions) == about.log.rows - about.extraction.misfits


@pytest.mark.parametrize("seed", range(3))
def test_rows_in_wrong_order_are_named_alike_part_by_part(seed: int) -> None:
    case, _ = hidden(seed, swapped=0.02, length=6)
    found = mended(case)
    kinds = wrong(case.log, case.data, found)
    walker = Walker.of(found, case.data.answers)
    whole = judge(case.log, case.data.like, misfits.answers(case.log, case.data, found))
    assert any(each.kind == "swap" for each in whole.findings)
    named, begin = list[Finding](), 0
    for traces in np.array_split(np.arange(len(case.log.traces)), 3):
        part = case.log.select_traces(traces)
        some = distinct(part, np.zeros(len(part), np.bool_))
        assert len(some.log) < len(part), "some traces are alike"
        done = judge(part, some.like, census_answers(walker, kinds, some))
        named += [replace(each, row=each.row + begin) for each in done.findings]
        begin += len(part)
    assert named == list(whole.findings)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_the_rows_of_a_big_log_are_put_in_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    truth, clean = hiding(rng, 1500, 20)
    noisy = [list(trace) for trace in clean]
    early = swap(rng, noisy, 0.01)
    learned = learn(write_hidden(tmp_path / "log.csv", noisy))
    judged = learned.denoised
    assert learned.about.training.rows < 0.6 * learned.about.log.rows
    assert equivalent(truth, learned.machine) is None
    named = [each.row for each in judged.findings if each.kind == "swap" and "the row after it" in each.reason]
    assert len(named) > len(early) / 4
    assert np.isin(named, early).mean() > 0.8
    assert learned.about.noise.counts["swap"] == 2 * len(named)
    assert learned.about.noise.rates["swap"] == 2 * len(named) / len(judged.source)
    assert learned.normal.wrong == learned.about.noise.counts.get("output", 0)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_where_rows_are_lost_the_whole_log_is_mended_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    truth, clean = hiding(rng, 1500, 20)
    lossy = [[row for row in trace if rng.random() > 0.02] for trace in clean]
    lost = sum(map(len, clean)) - sum(map(len, lossy))
    learned = learn(write_hidden(tmp_path / "log.csv", [trace for trace in lossy if trace]))
    assert equivalent(truth, learned.machine) is None
    assert 0.3 * lost < learned.normal.broken < lost  # some lead nowhere else, some end a trace
    assert learned.about.extraction.misfits < 0.3 * lost
