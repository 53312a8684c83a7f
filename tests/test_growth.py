"""What both logs show is in the machine that goes on from another, and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from machines import SAMPLES, WASH, random_machine, visible, walk, write

from fsmlearn import logs, pipeline, store
from fsmlearn.config import Settings
from fsmlearn.diff import diff
from fsmlearn.equivalence import equivalent
from fsmlearn.errors import ModelError, SettingsError
from fsmlearn.growth import Walk, grow
from fsmlearn.histories import histories
from fsmlearn.log import alone
from fsmlearn.machine import Machine, Transition
from fsmlearn.onward import Known


def taken(machine: Machine, words: Sequence[Sequence[str]], copies: int = 1) -> list[Walk]:
    """Walks of a machine along words."""
    walks = [list(machine.run(word)) for word in words]
    return [Walk(steps, [True] * len(steps), copies) for steps in walks]


def counted(machine: Machine, walks: Sequence[Sequence[Transition]]) -> Machine:
    """The part of a machine that walks show, with their counts."""
    rows = Counter((t.state, t.trigger, t.next_state, t.output) for steps in walks for t in steps)
    names = list(machine.labels)
    ways = [(names.index(p), a, names.index(q), o, n) for (p, a, q, o), n in rows.items()]
    return Machine.build(machine.kind, names.index(machine.initial), [*machine.labels.values()], machine.triggers, ways)


def facts(machine: Machine) -> set[tuple[str, str, str, str | None, int]]:
    return {(t.state, t.trigger, t.next_state, t.output, t.count) for t in machine.transitions}


# --- two machines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_halves_of_walks_make_the_whole(seed: int) -> None:
    """Each half may lack transitions and states."""
    rng = np.random.default_rng(seed)
    truth = random_machine(rng, 6, 3, 3)
    walks = walk(truth, rng, 120, 15)
    old, new = counted(truth, walks[:60]), counted(truth, walks[60:])
    grown = grow(old, new, taken(new, [[t.trigger for t in steps] for steps in walks[60:]]))
    whole = counted(truth, walks)
    assert equivalent(grown, whole) is None
    assert Counter(t.count for t in grown.transitions) == Counter(t.count for t in whole.transitions)


def test_what_the_new_log_lacks_is_kept() -> None:
    new = counted(WASH, [list(WASH.run(["Start", "Level"]))] * 4)
    grown = grow(WASH, new, taken(new, [["Start", "Level"]], 4))
    assert facts(grown) == {
        ("Off", "Start", "Soak", None, 14),
        ("Soak", "Level", "Rinse", None, 14),
        ("Rinse", "Timer", "Soak·2", None, 9),
        ("Soak·2", "Level", "Rinse·2", None, 8),
        ("Rinse·2", "Timer", "Drain", None, 3),
        ("Drain", "Timer", "Off", None, 3),
    }


def test_a_new_trigger_and_a_new_state_join_the_old_ones() -> None:
    ways = [(0, "Start", 1, None, 5), (1, "Stop", 2, None, 5), (2, "Start", 1, None, 2)]
    new = Machine.build("moore", 0, ["Off", "Soak", "Broken"], ["Start", "Stop"], ways)
    grown = grow(WASH, new, taken(new, [["Start", "Stop", "Start"]], 2))
    assert {("Soak", "Stop", "Broken", None, 2), ("Broken", "Start", "Soak", None, 2)} < facts(grown)
    assert len(grown.states) == len(WASH.states) + 1
    assert [each.kind for each in diff(WASH, grown).found] == ["trigger only in new", "state only in new"]


def test_the_new_log_is_believed_where_it_contradicts() -> None:
    new = Machine.build("moore", 0, ["Off", "Drain"], ["Start"], [(0, "Start", 1, None, 1)])
    grown = grow(WASH, new, taken(new, [["Start"]]))
    assert grown.successors("Off", "Start") == (Transition("Off", "Start", "Drain", None, 1, 1.0),)
    assert diff(WASH, grown).found[0].kind == "other answer"


@pytest.mark.parametrize(("rows", "kept"), [(3, True), (12, True), (60, False)])
def test_an_answer_by_chance_is_gone_once_it_should_have_come(rows: int, kept: bool) -> None:
    def pay(paid: int, declined: int) -> Machine:
        ways = [(0, "Pay", 1, None, paid), (0, "Pay", 2, None, declined)][: 1 + (declined > 0)]
        return Machine.build("moore", 0, ["Placed", "Paid", "Declined"], ["Pay"], ways)

    grown = grow(pay(80, 20), pay(rows, 0), taken(pay(rows, 0), [["Pay"]], rows))
    declined = [t for t in grown.transitions if t.next_state == "Declined"]
    assert [(t.count, t.probability) for t in declined] == [(20, 20 / (100 + rows))] * kept


def test_one_row_of_an_old_answer_does_not_bring_its_rows_back() -> None:
    def drain(dry: int, spin: int) -> Machine:
        ways = [(0, "Timer", 1, None, dry), (0, "Timer", 2, None, spin)]
        return Machine.build("moore", 0, ["Drain", "Dry", "Spin"], ["Timer"], ways)

    def walks(machine: Machine) -> list[Walk]:
        return [Walk([t], [True], t.count) for t in machine.transitions]

    new, noisy = drain(1, 367), drain(367, 1)
    assert {(t.next_state, t.count) for t in grow(drain(367, 0), new, walks(new)).transitions} == {
        ("Spin", 367),
        ("Dry", 1),
    }
    assert {(t.next_state, t.count) for t in grow(drain(367, 0), noisy, walks(noisy)).transitions} == {
        ("Spin", 1),
        ("Dry", 734),
    }


def test_a_machine_of_events_keeps_its_states_and_takes_new_events_in() -> None:
    ways = [(0, "a", 1, None, 8), (1, "b", 0, None, 4), (1, "End", 2, None, 4)]
    old = Machine.build("lts", 0, [None, None, "End"], ["a", "b", "End"], ways)
    ways = [(0, "a", 1, None, 2), (1, "b", 0, None, 1), (1, "c", 1, None, 3), (1, "End", 2, None, 1)]
    new = Machine.build("lts", 0, [None, None, "End"], ["a", "b", "c", "End"], ways)
    walks = [Walk(list(new.run(["a", "c", "c", "b", "a", "c", "End"])), [True] * 7)]
    grown = grow(old, new, walks)
    assert grown.triggers == ("a", "b", "c", "End")
    assert facts(grown) == {
        ("S0", "a", "S1", None, 10),
        ("S1", "b", "S0", None, 5),
        ("S1", "c", "S1", None, 3),
        ("S1", "End", "End", None, 5),
    }


def test_a_machine_without_counts_keeps_its_probabilities() -> None:
    ways = [Transition("A", "go", "B", None, 0, 0.75), Transition("A", "go", "A", None, 0, 0.25)]
    ways += [Transition("A", "on", "B", None, 0, 1.0), Transition("B", "on", "A", None, 0, 1.0)]
    old = Machine.arrange("moore", "A", {"A": "A", "B": "B"}, ["go", "on"], ways)
    new = Machine.build("moore", 0, ["A", "B"], ["on"], [(0, "on", 1, None, 2), (1, "on", 0, None, 1)])
    grown = grow(old, new, taken(new, [["on", "on"], ["on"]]))
    assert [t.probability for t in grown.successors("A", "go")] == [0.75, 0.25]
    assert {("A", "on", "B", None, 2), ("B", "on", "A", None, 1)} < facts(grown)


def test_a_log_that_begins_in_the_middle_leaves_the_initial_state() -> None:
    new = Machine.build("moore", 0, ["Rinse", "Soak"], ["Timer", "Level"], [(0, "Timer", 1, None, 1)])
    assert grow(WASH, new, taken(new, [["Timer"]])).initial == "Off"


def test_memory_that_a_short_log_does_not_show_is_kept() -> None:
    """A machine that takes both Rinses for one does not undo that they were told apart."""
    ways = [(0, "Start", 1, None, 3), (1, "Level", 2, None, 6), (2, "Timer", 1, None, 3), (2, "Timer", 3, None, 3)]
    new = Machine.build("moore", 0, ["Off", "Soak", "Rinse", "Drain"], ["Start", "Level", "Timer"], ways)
    labels = {state.label: state.name for state in new.states}
    shown = ["Off", "Soak", "Rinse", "Soak", "Rinse", "Drain"]
    steps = [
        next(t for t in new.transitions if (t.state, t.next_state) == (labels[p], labels[q]))
        for p, q in pairwise(shown)
    ]
    assert equivalent(grow(WASH, new, [Walk(steps, [True] * len(steps), 3)]), WASH) is None


# --- from logs --------------------------------------------------------------------------------------------------------

QUICK = Settings(epochs=8, hidden=16)


def known(path: Path, learned: pipeline.Learned) -> Known:
    store.save(path, learned.machine, learned.about, learned.model.params, learned.sample)
    return store.load_known(path)


def test_training_goes_on_with_new_words(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", [[("Off", "Power", "On"), ("On", "Power", "Off")]] * 30)
    more = [("Off", "Power", "On"), ("On", "Kick", "Broken"), ("Broken", "Power", "Broken")]
    second = write(tmp_path / "b.csv", [more] * 30)
    model = known(tmp_path / "a.fsm", pipeline.learn(first, settings=QUICK))
    learned = pipeline.learn(second, settings=Settings(epochs=8), known=model)
    assert facts(learned.machine) == {
        ("Off", "Power", "On", None, 60),
        ("On", "Power", "Off", None, 30),
        ("On", "Kick", "Broken", None, 30),
        ("Broken", "Power", "Broken", None, 30),
    }
    assert learned.model.params["V"].shape == (16, 3)
    assert learned.sample.states[:2] == ("Off", "On")  # the words of the model come first
    again = pipeline.learn(first, settings=Settings(epochs=8), known=known(tmp_path / "b.fsm", learned))
    assert facts(again.machine) >= {("On", "Power", "Off", None, 60), ("On", "Kick", "Broken", None, 30)}
    assert again.about.comparison


def test_the_weights_are_where_training_begins(tmp_path: Path) -> None:
    log = write(tmp_path / "a.csv", [[("Off", "Power", "On"), ("On", "Power", "Off")]] * 30)
    more = write(tmp_path / "b.csv", [[("Off", "Kick", "Off"), ("Off", "Power", "New")]] * 30)
    learned = pipeline.learn(log, settings=QUICK)
    model = known(tmp_path / "a.fsm", learned)
    coded = model.coded(alone(logs.read(more))).log
    data = histories(coded, answers=model.sample.answers)
    fresh = learned.model.cell.initial(data.words, 16, len(data.answers), np.random.default_rng(0))
    grown, old = model.weights(coded, data, fresh), learned.model.params
    assert coded.states == ("Off", "On", "New")
    assert coded.triggers == ("Power", "Kick")
    np.testing.assert_array_equal(grown["U"][[0, 1, 3]], old["U"])  # Off, On, Power
    np.testing.assert_array_equal(grown["U"][[2, 4]], fresh["U"][[2, 4]])  # New, Kick
    np.testing.assert_array_equal(grown["V"][:, :2], old["V"])
    np.testing.assert_array_equal(grown["V"][:, 2:], fresh["V"][:, 2:])
    np.testing.assert_array_equal(grown["W"], old["W"])


def test_a_machine_without_a_network_is_gone_on_with(tmp_path: Path) -> None:
    log = write(tmp_path / "a.csv", visible(WASH, [list(WASH.run(["Start", "Level"]))] * 30))
    learned = pipeline.learn(log, settings=QUICK, known=Known(WASH))
    assert equivalent(learned.machine, WASH) is None
    assert learned.machine.successors("Off", "Start")[0].count == 40


def test_what_does_not_fit_the_model_is_refused(tmp_path: Path) -> None:
    log = write(tmp_path / "a.csv", visible(WASH, [list(WASH.run(["Start", "Level"]))] * 3))
    model = known(tmp_path / "a.fsm", pipeline.learn(log, settings=QUICK))
    with pytest.raises(ModelError, match="shows its states, this one has events alone"):
        pipeline.learn(log, settings=Settings(columns={"event": "trigger"}), known=model)
    for settings in (Settings(cell="gru"), Settings(hidden=8), Settings(activation="relu")):
        with pytest.raises(SettingsError, match="but the model goes on with"):
            pipeline.learn(log, settings=settings, known=model)


def halves(name: str, directory: Path) -> tuple[Path, Path]:
    """The traces of a sample log in two files."""
    header, *rows = (SAMPLES / f"{name}.csv").read_text("utf-8").splitlines(keepends=True)
    column = [each.strip().casefold() for each in header.split(",")].index("trace")
    traces = list(dict.fromkeys(row.split(",")[column] for row in rows))
    first = set(traces[: len(traces) // 2])
    paths = directory / "first.csv", directory / "second.csv"
    for path, of_first in zip(paths, (True, False), strict=True):
        path.write_text(header + "".join(row for row in rows if (row.split(",")[column] in first) == of_first))
    return paths


@pytest.mark.slow
@pytest.mark.parametrize("name", ["washing_machine", "door_lock", "vending_machine"])
def test_two_halves_of_a_log_are_learned_as_the_whole(name: str, tmp_path: Path) -> None:
    first, second = halves(name, tmp_path)
    model = known(tmp_path / "first.fsm", pipeline.learn(first))
    grown, whole = pipeline.learn(second, known=model).machine, pipeline.learn(SAMPLES / f"{name}.csv").machine
    assert equivalent(grown, whole) is None
    assert len(grown.states) == len(whole.states)
    rows = [sum(t.count for t in machine.transitions) for machine in (grown, whole)]
    assert rows[0] == pytest.approx(rows[1], rel=0.002)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_two_logs_of_a_random_machine_are_learned_as_one(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    truth = random_machine(rng, 6, 3, 3)
    files = [write(tmp_path / f"{i}.csv", visible(truth, walk(truth, rng, 200, 12))) for i in range(2)]
    model = known(tmp_path / "a.fsm", pipeline.learn(files[0]))
    learned = pipeline.learn(files[1], known=model)
    assert equivalent(learned.machine, truth) is None
    assert len(learned.machine.states) == len(truth.states)
