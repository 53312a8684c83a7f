"""Rows that a machine contradicts, in logs that hide their states: all of them and no others, repaired and told."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hidden import Hidden, hidden, mended
from hypothesis import given
from hypothesis import strategies as st
from machines import SAMPLES, Row, lamp, log_of, random_machine, truth, walk

from fsmlearn import extract, misfits, standing
from fsmlearn.config import Settings
from fsmlearn.denoise import Denoised
from fsmlearn.equivalence import equivalent
from fsmlearn.evidence import Table
from fsmlearn.extract import Extraction
from fsmlearn.histories import Histories, histories
from fsmlearn.logs import Log
from fsmlearn.machine import Machine
from fsmlearn.pipeline import learn
from fsmlearn.repair import exchanged


def known(log: Log, step: Sequence[dict[str, int]]) -> tuple[Histories, Extraction]:
    """An extraction of a machine that is known: from state q a trigger leads to step[q][trigger]."""
    data = histories(log)
    rows = extract.packed(log, data, np.zeros(len(log), np.bool_))
    triggers = [log.triggers[a] for a in rows.cell_trigger[rows.symbol_cell]]
    target = np.array([[row[trigger] for trigger in triggers] for row in step], np.int64)
    table = Table(np.zeros(len(step), np.int64), target, np.zeros(1, np.int64))
    now = standing.stand(rows, table, np.zeros(len(rows), np.int64))
    machine = extract.machine(log, data, rows, now)
    return data, Extraction(machine, extract.names(log, data, rows, now, machine), rows, now, 0, 0)


LAMP = [{"press": 1, "look": 0}, {"press": 0, "look": 1}]


def disturbed(log: Log, wrong: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Log:
    """The lamp's log with the other of its two outputs in the wrong rows."""
    output = log.output.copy()
    output[wrong] = 1 - output[wrong]
    return replace(log, output=output)


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.sampled_from([(20, 10), (100, 2)]))
def test_every_wrong_answer_is_found_and_no_true_row_is(seed: int, errors: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    log = lamp(rng, *size)  # of a hundred traces of two rows many are equal
    wrong = np.sort(rng.choice(len(log), errors, replace=False))
    read = disturbed(log, wrong)
    data, found = known(read, LAMP)
    judged = misfits.judge(read, data.like, misfits.answers(read, data, found))
    assert [finding.row for finding in judged.findings] == wrong.tolist()
    assert np.array_equal(judged.log.output, log.output)
    assert {(finding.action, finding.kind) for finding in judged.findings} <= {("repaired", "output")}
    assert judged.source is read
    assert len(judged.log) == len(log)
    compared = misfits.compare(read, data, found)
    assert sum(row.observed for row in compared) == len(log)
    assert sum(row.noise for row in compared) == errors
    assert sum(row.observed for row in compared if row.verdict == "learned") == len(log) - errors
    assert {(row.state, row.trigger, row.next_state, row.output) for row in compared if row.verdict == "learned"} == {
        (t.state, t.trigger, t.next_state, t.output) for t in found.machine.transitions
    }


def test_the_reason_is_in_the_words_of_the_log_and_the_state_is_the_machines() -> None:
    trace: list[Row] = [("press", "light"), ("look", "light"), ("press", "dark"), ("look", "dark")]
    odd: list[Row] = [("press", "light"), ("look", ""), ("press", "dark"), ("look", "dark")]
    log = log_of([*[trace] * 9, odd], "hidden")
    log = replace(log, outputs=(*log.outputs, ""), output=np.where(log.output < 0, 2, log.output))
    data, found = known(log, LAMP)
    [finding] = misfits.judge(log, data.like, misfits.answers(log, data, found)).findings
    assert log.where(finding.row) == "log.csv:39"
    assert finding.state == "S1"
    assert finding.reason == "output (empty) -> light: S1 + look answers light in 9 of 10 rows"
    [noise] = [row for row in misfits.compare(log, data, found) if row.verdict == "noise"]
    assert (noise.state, noise.trigger, noise.next_state, noise.output) == ("S1", "look", "S1", "")
    assert (noise.observed, noise.noise, noise.learned) == (1, 1, 0.0)


def judged(case: Hidden, found: Extraction) -> Denoised:
    return misfits.judge(case.log, case.data.like, misfits.answers(case.log, case.data, found))


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_changed_places_are_named_and_put_back(seed: int) -> None:
    case, _ = hidden(seed, swapped=0.02)
    found = mended(case)
    done = judged(case, found)
    log, clean = case.log, done.log
    named = [each for each in done.findings if each.kind == "swap"]
    early = np.array([each.row for each in named if "the row after it" in each.reason])
    late = [each.row for each in named if "the row before it" in each.reason]
    assert late == (early + 1).tolist(), "both rows of a pair are named"
    assert len(late) + len(early) == len(named)
    assert {each.action for each in named} == {"repaired"}
    right = early[np.isin(early, case.swapped)]
    assert len(right) > 0.75 * len(early) > 0.2 * len(case.swapped)
    beside = np.concatenate([case.swapped - 1, case.swapped, case.swapped + 1])
    assert np.isin(early, beside).mean() > 0.9, "a row that moved may seem to have come from its other side"
    at = np.append(right, right + 1)
    true = exchanged(np.arange(len(log)), case.swapped)  # which row of the log the walk had here
    assert np.array_equal(clean.trigger[at], log.trigger[true[at]])
    assert np.array_equal(clean.output[at], log.output[true[at]])
    assert np.array_equal(done.row[at], true[at])
    assert np.array_equal(clean.line[at], log.line[true[at]])
    assert np.array_equal(clean.step, log.step)
    others = np.setdiff1d(np.arange(len(log)), np.append(early, early + 1))
    assert np.array_equal(clean.trigger[others], log.trigger[others])
    walked = fits(case.machine, clean)
    assert walked.all(), "what is left of the log is what the machine does"
    assert not fits(case.machine, log).all()
    assert done.rates["swap"] == 2 * len(early) / len(log)
    assert done.rates["output"] == sum(each.kind == "output" for each in done.findings) / len(log)


@pytest.mark.parametrize("seed", range(4))
def test_the_state_of_a_row_that_changed_places_is_that_before_it_in_the_right_order(seed: int) -> None:
    case, _ = hidden(seed, swapped=0.02)
    found = mended(case)
    assert not found.rows.mended.any()
    done = judged(case, found)
    state = [step for trace in runs(found.machine, done.log) for step in trace]
    place = np.argsort(done.row)
    for each in done.findings:
        assert each.state == state[place[each.row]]
        trigger = case.log.triggers[case.log.trigger[each.row]]
        assert (f"with {each.state} before {trigger}" in each.reason) == (each.kind == "swap")


def test_a_row_may_have_changed_places_and_be_wrong_too() -> None:
    trace: list[Row] = [("press", "light"), ("look", "light"), ("press", "dark"), ("look", "dark")]
    mixed: list[Row] = [("press", "light"), ("press", "dark"), ("look", "dark"), ("look", "dark")]
    log = log_of([*[trace] * 9, mixed], "hidden")
    data, found = known(log, LAMP)
    answers = misfits.answers(log, data, found)
    assert not misfits.judge(log, data.like, answers).findings, "nothing says that rows changed places"
    moved = answers.moved.copy()
    moved[[37, 38]] = 2 * np.array([found.names.index("S1")]) + [0, 1]
    wrong = answers.wrong.copy()
    wrong[38] = 0
    output, reasons = np.array([log.outputs.index("light")]), (("as is told", "S1"),)
    kinds = replace(answers.kinds, output=output, reasons=reasons)
    done = misfits.judge(log, data.like, replace(answers, wrong=wrong, moved=moved, kinds=kinds))
    first, second = done.findings
    assert (first.row, first.kind, second.row, second.kind) == (37, "swap", 38, "swap")
    assert first.reason.endswith("the outputs follow, with S1 before press")
    assert second.reason.endswith("the outputs follow, with S1 before look; as is told")
    clean = [(log.triggers[a], log.outputs[o]) for a, o in zip(done.log.trigger, done.log.output, strict=True)]
    assert clean[36:] == trace


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(3))
def test_where_no_row_changed_places_none_is_named(seed: int, noise: float) -> None:
    case, _ = hidden(seed, noise)
    done = judged(case, mended(case))
    assert {each.kind for each in done.findings} <= {"output"}
    assert done.rates["swap"] == 0
    assert np.array_equal(done.log.trigger, case.log.trigger)
    assert np.array_equal(done.row, np.arange(len(case.log)))


def runs(machine: Machine, log: Log) -> list[list[str]]:
    """The states of a machine before the rows of a log."""
    found = []
    for begin, end in pairwise(log.offsets.tolist()):
        states = [machine.initial]
        for code in log.trigger[begin:end].tolist():
            states.append(machine.successors(states[-1], log.triggers[code])[0].next_state)
        found.append(states[:-1])
    return found


def fits(machine: Machine, log: Log) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """(N,) whether a machine gives the output of each row."""
    states = [state for trace in runs(machine, log) for state in trace]
    rows = zip(states, log.trigger.tolist(), log.output.tolist(), strict=True)
    return np.array([machine.successors(q, log.triggers[a])[0].output == log.outputs[o] for q, a, o in rows])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_vending_machine_is_learned_and_its_wrong_rows_are_named(seed: int) -> None:
    true = truth("vending_machine")
    learned = learn(SAMPLES / "vending_machine.csv", settings=Settings(seed=seed))
    assert equivalent(true, learned.machine) is None
    assert len(learned.machine.states) == len(true.states)
    facts = json.loads((SAMPLES / "vending_machine.truth.json").read_text())
    judged = learned.denoised
    assert [int(judged.source.line[f.row]) for f in judged.findings] == [row["line"] for row in facts["noise"]]
    repaired = [judged.log.outputs[judged.log.output[f.row]] for f in judged.findings]
    assert repaired == [row["true"]["output"] for row in facts["noise"]]
    noise = learned.about.noise
    assert (noise.dropped, noise.repaired, noise.counts) == (0, len(facts["noise"]), {"output": len(facts["noise"])})
    assert noise.repaired == learned.about.extraction.misfits == sum(row.noise for row in learned.about.comparison)
    seen = {(t.state, t.trigger) for t in learned.machine.transitions}
    pairs = {(state.name, trigger) for state in learned.machine.states for trigger in learned.machine.triggers}
    assert seen.isdisjoint(learned.machine.unseen())
    assert seen | set(learned.machine.unseen()) == pairs


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_log_of_a_machine_at_random_comes_back_without_its_noise(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, states=5, labels=3, triggers=3)
    clean = [[(t.trigger, machine.visible(t.next_state)) for t in steps] for steps in walk(machine, rng, 400, 20)]
    rows, wrong = list[list[object]](), list[int]()
    for name, trace in enumerate(clean):
        for step, (trigger, output) in enumerate(trace):
            noisy = rng.random() < 0.05
            wrong += [len(rows) + 2] * noisy
            others = [word for word in "ABC" if word != output]
            rows.append([name, step, trigger, rng.choice(others) if noisy else output])
    with (tmp_path / "log.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["trace", "step", "trigger", "output"], *rows])
    learned = learn(tmp_path / "log.csv", settings=Settings(seed=seed))
    judged = learned.denoised
    assert [int(judged.source.line[finding.row]) for finding in judged.findings] == wrong
    written = [
        (judged.log.triggers[a], judged.log.outputs[o])
        for a, o in zip(judged.log.trigger, judged.log.output, strict=True)
    ]
    assert written == [row for trace in clean for row in trace]


def test_a_trigger_that_the_log_never_answers_moves_the_machine_all_the_same(tmp_path: Path) -> None:
    # whether b came an even number of times; a run that ends in x or a has no label, for there is none
    words = ["xabab", "xaab", "xbb", "xb", "xab", "xbab", "xbbb", "xbbab"] * 10
    lines = ["trace,step,trigger,output"]
    for trace, word in enumerate(words):
        label = "odd" if word.count("b") % 2 else "even"
        lines += [f"{trace},{i},{a},{label if i == len(word) - 1 else ''}" for i, a in enumerate(word)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    learned = learn(path)
    assert {(t.state, t.trigger, t.next_state, t.output, t.count) for t in learned.machine.transitions} == {
        ("S0", "x", "S0", None, 80),
        ("S0", "a", "S0", None, 50),
        ("S0", "b", "S1", "odd", 50),
        ("S1", "a", "S1", None, 20),
        ("S1", "b", "S0", "even", 30),
    }
    assert not learned.denoised.findings
    assert {row.verdict for row in learned.about.comparison} == {"learned"}
