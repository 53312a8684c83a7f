"""From a log file to its machine, all stages together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from machines import SAMPLES, Row, log_of, random_machine, truth, visible, walk, write

import fsmlearn
from fsmlearn import pipeline, store
from fsmlearn.config import Settings
from fsmlearn.denoise import Filtered
from fsmlearn.elman import Elman
from fsmlearn.equivalence import equivalent
from fsmlearn.gru import Gru
from fsmlearn.histories import histories
from fsmlearn.logs import Reading, Whole
from fsmlearn.lstm import Lstm
from fsmlearn.machine import Machine
from fsmlearn.pipeline import Learned, learn, learning
from fsmlearn.schedule import LEARNED, SETTLED, ended, planned
from fsmlearn.sought import Sought
from fsmlearn.train import Epoch, train

CYCLE = SAMPLES / "washing_cycle.csv"


def hiding(seed: int, states: int, folder: Path, noise: float = 0.0) -> tuple[Machine, Path]:
    """A random machine with more states than names, and a log of it, with a share of next states made up."""
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, states, labels=2 + (states > 4), triggers=2)
    words = sorted({machine.visible(state.name) for state in machine.states})

    def written(row: Row) -> Row:
        return (*row[:2], words[rng.integers(len(words))]) if rng.random() < noise else row

    walks = walk(machine, rng, traces=250, length=16)
    return machine, write(folder / "log.csv", [[written(row) for row in trace] for trace in visible(machine, walks)])


def seconds_aside(learned: Learned) -> Learned:
    """The same, without what the clock said."""
    about = learned.about
    training, extraction = replace(about.training, seconds=0.0), replace(about.extraction, seconds=0.0)
    return replace(learned, about=replace(about, training=training, extraction=extraction))


@pytest.mark.parametrize(("seed", "states"), [(0, 3), (1, 4), (3, 6)])
def test_a_machine_is_learned_from_its_walks(seed: int, states: int, tmp_path: Path) -> None:
    machine, log = hiding(seed, states, tmp_path)
    learned = learn(log)
    assert equivalent(machine, learned.machine) is None
    assert len(learned.machine.states) == states
    assert learned.denoised.findings == ()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_machine_is_learned_from_a_noisy_log(seed: int, tmp_path: Path) -> None:
    machine, log = hiding(seed, 5, tmp_path, noise=0.03)
    learned = learn(log)
    assert equivalent(machine, learned.machine) is None
    assert len(learned.machine.states) == 5


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_it_works_with_other_activations(activation: str, tmp_path: Path) -> None:
    machine, log = hiding(1, 4, tmp_path)
    learned = learn(log, settings=Settings(activation=activation, epochs=30))
    assert equivalent(machine, learned.machine) is None
    assert learned.model.cell == Elman(activation)
    assert learned.about.training.activation == activation


@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_it_works_with_other_cells_and_saves_which(name: str, tmp_path: Path) -> None:
    machine, log = hiding(1, 4, tmp_path)
    learned = learn(log, settings=Settings(cell=name))
    assert equivalent(machine, learned.machine) is None
    store.save(tmp_path / "model.fsm", learned.machine, learned.about, learned.model.params)
    loaded = store.load_model(tmp_path / "model.fsm")
    assert loaded.cell == learned.model.cell == {"gru": Gru(), "lstm": Lstm()}[name]
    assert all(np.array_equal(loaded.params[key], value) for key, value in learned.model.params.items())


@pytest.mark.parametrize("piece", [2048, 50])
def test_one_long_trace_is_enough(piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsmlearn.extract.PIECE", piece)
    rng = np.random.default_rng(4)
    machine = random_machine(rng, states=4, labels=2, triggers=2)
    trace: list[Row] = []
    state = machine.initial
    for a in rng.integers(2, size=1200).tolist():
        step = machine.successors(state, machine.triggers[a])[0]
        trace.append((machine.visible(state), step.trigger, machine.visible(step.next_state)))
        state = step.next_state
    learned = learn(write(tmp_path / "log.csv", [trace]), settings=Settings(epochs=30))
    assert equivalent(machine, learned.machine) is None
    assert sum(t.count for t in learned.machine.transitions) == len(trace)


def test_the_textbook_cycle_keeps_both_ways_out_of_rinse() -> None:
    machine = learn(CYCLE).machine
    assert [state.name for state in machine.states] == [
        "Off",
        "Idle",
        "Programmed",
        "Soak",
        "Rinse",
        "Drain",
        "Dry",
        "Stop",
    ]
    assert {(t.next_state, t.count, t.probability) for t in machine.successors("Rinse", "Timer")} == {
        ("Soak", 1, 0.5),
        ("Drain", 1, 0.5),
    }
    assert len(machine.transitions) == 8


@pytest.mark.parametrize(
    ("name", "states"), [("washing_machine", 14), pytest.param("door_lock", 6, marks=pytest.mark.slow)]
)
def test_a_sample_log_gives_its_true_machine(name: str, states: int) -> None:
    learned = learn(SAMPLES / f"{name}.csv")
    assert equivalent(truth(name), learned.machine) is None
    assert len(learned.machine.states) == states


def test_the_order_process_keeps_its_probabilities() -> None:
    learned = learn(SAMPLES / "order_process.csv").machine
    true = truth("order_process")  # its shares are of what was drawn: one case came 64 times only
    assert len(learned.states) == len(true.states)
    shares: dict[tuple[str, str, str], list[float]] = {}
    for machine, at in ((true, 0), (learned, 1)):
        for t in machine.transitions:
            key = machine.visible(t.state), t.trigger, machine.visible(t.next_state)
            shares.setdefault(key, [0.0, 0.0])[at] = t.probability
    for key, (expected, found) in shares.items():
        assert found == pytest.approx(expected, abs=0.05), key


def test_the_stages_come_in_order() -> None:
    stages = list(learning([CYCLE], Settings(epochs=7)))
    sought = [stage.states for stage in stages if isinstance(stage, Sought)]
    assert [type(stage) for stage in stages] == [
        *(Reading, Whole, Filtered),
        *[Epoch] * 7,
        *[Sought] * len(sought),
        Learned,
    ]
    _, whole, clean, *epochs, learned = stages
    assert isinstance(learned, Learned)
    assert sought[0] == 0
    assert all(sought[1:])
    assert sought[-2:] == [len(learned.machine.states)] * 2, "the last is found before it is told"
    assert (learned.read, learned.filtered) == (whole, clean)
    training = learned.about.training
    assert [epoch.index for epoch in epochs if isinstance(epoch, Epoch)] == [each.index for each in training.epochs]
    assert not training.interrupted


def test_the_best_epoch_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = [0.5, 0.2, 0.4, 0.3]
    epochs: list[Epoch] = []

    def uneven(*given: Any) -> Iterator[Epoch]:
        for epoch, loss in zip(train(*given), losses, strict=False):
            epochs.append(replace(epoch, held_out_loss=loss))
            yield epochs[-1]

    monkeypatch.setattr(pipeline, "train", uneven)
    learned = learn(CYCLE)
    assert learned.about.training.best == 2
    assert [each.held_out_loss for each in learned.about.training.epochs] == losses
    assert all(np.array_equal(learned.model.params[name], epochs[1].params[name]) for name in epochs[1].params)
    assert not np.array_equal(learned.model.params["W"], epochs[3].params["W"])


def epochs_of(losses: list[float], held_out: list[float], planned: int = 30) -> list[Epoch]:
    """Epochs with these losses."""
    return [
        Epoch(index, planned, loss, 1.0, held, 1.0, 0.0, 0.0, {})
        for index, (loss, held) in enumerate(zip(losses, held_out, strict=True), 1)
    ]


def test_training_ends_where_nothing_is_left_to_learn() -> None:
    falling = epochs_of([0.5] * SETTLED + [0.1], [0.5] * SETTLED + [LEARNED / 2])
    assert ended(falling) and not ended(falling[:-1])
    assert not ended(epochs_of([0.1] * SETTLED, [LEARNED / 2] * SETTLED)), "the first look may be a lucky one"


def test_training_ends_where_traces_are_only_learned_by_heart() -> None:
    held, rest = [0.5, 0.3, 0.2], [0.21] * 10  # a third of the epochs
    by_heart = epochs_of([0.6, 0.4, 0.3] + [0.1] * 10, held + rest)
    assert ended(by_heart) and not any(ended(by_heart[:n]) for n in range(1, len(by_heart)))
    assert not ended(epochs_of([0.6, 0.4, 0.3] + [0.2] * 10, held + rest)), "memory may be found yet"
    assert not ended(epochs_of([0.6, 0.4, 0.3] + [0.1] * 10, held + rest[1:] + [0.19])), "something was found"


def test_what_is_told_of_a_run_is_true(tmp_path: Path) -> None:
    machine, log = hiding(1, 4, tmp_path)
    learned = learn(log, settings=Settings(epochs=5, hidden=20, seed=3))
    about, rows = learned.about, len(learned.log)
    assert (about.log.rows, about.log.traces, about.log.states, about.log.triggers) == (rows, 250, 2, 2)
    assert (about.training.hidden, len(about.training.epochs)) == (20, 5)
    assert learned.model.params["W"].shape == (20, 20)
    assert about.training.parameters == sum(value.size for value in learned.model.params.values())
    traces = np.split(
        np.stack([learned.denoised.log.state, learned.denoised.log.trigger]), learned.denoised.log.offsets[1:-1], 1
    )
    assert about.extraction.vectors == sum(
        len(rows[0]) for rows in {trace.tobytes(): trace for trace in traces}.values()
    )
    assert about.extraction.states == len(learned.machine.states)
    assert about.extraction.misfits == 0
    assert about.settings["seed"] == 3
    seen = {(machine.visible(t.state), t.trigger, machine.visible(t.next_state)) for t in machine.transitions}
    assert {(each.state, each.trigger, each.next_state) for each in about.comparison} == seen
    assert {each.verdict for each in about.comparison} == {"learned"}
    assert sum(each.observed for each in about.comparison) == rows


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    _, log = hiding(0, 3, tmp_path)
    files = []
    for i, seed in enumerate((5, 5, 6)):
        learned = seconds_aside(learn(log, settings=Settings(seed=seed, epochs=6)))
        store.save(tmp_path / f"{i}.fsm", learned.machine, learned.about, learned.model.params)
        files.append((tmp_path / f"{i}.fsm").read_bytes())
    assert files[0] == files[1]
    assert files[0] != files[2]


@pytest.mark.parametrize(("cell", "epochs", "more"), [("elman", 60, 66), ("gru", 20, 62)])
def test_a_log_that_repeats_itself_is_trained_on_as_often_as_before(cell: str, epochs: int, more: int) -> None:
    letters = np.random.default_rng(0).permutation(5**6)[:300, None] // 5 ** np.arange(6) % 5
    words: list[list[Row]] = [[("abcde"[letter], "0") for letter in trace] for trace in letters.tolist()]
    plain, repeated = (planned(histories(log_of(words * times, "hidden")), cell, Settings()) for times in (1, 20))
    assert (plain.batch, plain.epochs) == (10, epochs)
    # 20 times the windows would make minibatches of 64 and more than 1,875 steps, of which 2,000 are enough
    assert (repeated.batch, repeated.epochs) == (10, more)


def test_ctrl_c_while_training_goes_on_with_the_best_network_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, log = hiding(0, 3, tmp_path)
    trained: list[Epoch] = []

    def interrupted(*given: Any) -> Iterator[Epoch]:
        for epoch in train(*given):
            trained.append(epoch)
            yield epoch
            if epoch.index == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "train", interrupted)
    learned = learn(log)
    assert learned.about.training.interrupted
    assert len(learned.about.training.epochs) == len(trained) == 3
    assert any(learned.model.params is epoch.params for epoch in trained)
    assert len(learned.machine.states) >= 2


def test_ctrl_c_before_there_is_anything_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: Any) -> Iterator[Epoch]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(pipeline, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn(CYCLE)


def test_the_package_itself_learns() -> None:
    learned = fsmlearn.learn(str(CYCLE), settings=Settings(epochs=2))
    assert isinstance(learned, fsmlearn.Learned)
    assert learned.machine.initial == "Off"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_bigger_machine_is_learned_from_its_walks(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, states=12, labels=6, triggers=3)
    learned = learn(write(tmp_path / "log.csv", visible(machine, walk(machine, rng, traces=500, length=20))))
    assert equivalent(machine, learned.machine) is None
    assert len(learned.machine.states) == 12


def test_a_log_of_one_row_and_one_of_single_rows_are_learned(tmp_path: Path) -> None:
    for traces in (1, 40):
        path = tmp_path / f"{traces}.csv"
        rows = "".join(f"{trace},1,Off,Power,Idle\n" for trace in range(traces))
        path.write_text("trace,step,current_state,trigger,next_state\n" + rows)
        machine = learn(path, settings=Settings(epochs=2)).machine
        assert [(t.state, t.trigger, t.next_state, t.count) for t in machine.transitions] == [
            ("Off", "Power", "Idle", traces)
        ]


def test_ctrl_c_between_two_epochs_ends_the_training_not_the_run(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,current_state,trigger,next_state\n1,Off,Power,Idle\n2,Idle,Power,Off\n")
    stages = learning([path], Settings(epochs=50))
    while not isinstance(next(stages), Epoch):
        pass
    assert stages.throw(KeyboardInterrupt) == Sought(0)
    *_, learned = stages
    assert isinstance(learned, Learned)
    assert learned.about.training.interrupted
    assert len(learned.about.training.epochs) == 1


def test_ctrl_c_while_the_machine_is_extracted_ends_the_run() -> None:
    stages = learning([CYCLE], Settings(epochs=1))
    while not (isinstance(stage := next(stages), Sought) and stage.states):
        pass
    with pytest.raises(KeyboardInterrupt):
        stages.throw(KeyboardInterrupt)
    assert not list(stages)
