"""What the network is asked, all at once, is what it answers to each question by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from machines import log_of, random_machine, visible, walk

from fsmlearn.extract import packed
from fsmlearn.histories import histories
from fsmlearn.logs import Log
from fsmlearn.oracle import Oracle, Word, first_answers
from fsmlearn.train import Model, cell_of

CELLS = ("elman", "gru", "lstm")


def a_log(rng: np.random.Generator, hides: bool) -> Log:
    machine = random_machine(rng, states=4, labels=3, triggers=3)
    rows = visible(machine, walk(machine, rng, traces=12, length=8))
    return log_of([[row[1:] for row in trace] for trace in rows], "hidden") if hides else log_of(rows)


def an_oracle(name: str, hides: bool) -> Oracle:
    """A network that has learned nothing, asked about a log of which one trigger is taken to be missing in a state."""
    rng = np.random.default_rng(5)
    log = a_log(rng, hides)
    data, cell = histories(log), cell_of(name)
    params = cell.initial(data.words, 8, len(data.answers), rng)
    params["U"] *= 2  # so that the answers depend on the trigger
    params["V"] -= params["V"].mean(1, keepdims=True)
    rows = packed(log, data, np.zeros(len(log), np.bool_))
    met = np.ones((max(len(log.states), 1), len(log.triggers)), np.bool_)
    met[-1, 1] = hides
    return replace(Oracle.of(Model(cell, params), log, data, rows), met=met)


def alone(oracle: Oracle, row: int, word: Word) -> int:
    """The answer to one word at one row, step by step."""
    cell, params = oracle.model.cell, oracle.model.params
    memory, label, answer = oracle.memory[oracle.before[[row]]], int(oracle.rows.label[row]), 0
    for trigger in word:
        if not oracle.met[label, trigger]:
            return -1
        words = [label, oracle.labels + trigger] if oracle.labels else [trigger]
        memory = cell.step(params, memory, np.array([words]))
        answer = int(cell.logits(params, memory).argmax())
        label = int(oracle.rows.answer_label[answer]) if oracle.labels else label
    return answer


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_answers_to_all_triggers_are_those_to_each(name: str, hides: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle = an_oracle(name, hides)
    n, a = len(oracle.rows), oracle.met.shape[1]
    expected = [[alone(oracle, row, (trigger,)) for trigger in range(a)] for row in range(n)]
    assert len(np.unique(expected, axis=0)) > 1
    assert len(np.unique(expected, axis=1)[0]) > 1
    assert (np.min(expected) < 0) != hides
    for asked, block in ((1 << 15, 1024), (7, 1024), (40, 5), (1, 1)):
        monkeypatch.setattr("fsmlearn.oracle.ASKED", asked)
        monkeypatch.setattr("fsmlearn.rnn.BLOCK", block)
        np.testing.assert_array_equal(first_answers(oracle), expected)


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_answers_to_several_words_are_those_to_each(name: str, hides: bool) -> None:
    oracle = an_oracle(name, hides)
    which = np.random.default_rng(0).permutation(len(oracle.rows))[:20]
    for words in ([(0, 1), (1, 1), (1, 0)], [(0, 0, 1), (1, 0, 0)]):
        expected = [[alone(oracle, row, word) for word in words] for row in which.tolist()]
        np.testing.assert_array_equal(oracle.answers(which, words), expected)


def test_beliefs_are_the_logarithms_of_what_the_network_expects() -> None:
    asked = an_oracle("elman", hides=True)
    which = np.arange(0, len(asked.rows), 3)
    for trigger in range(asked.met.shape[1]):
        believed = asked.believes(which, trigger)
        np.testing.assert_allclose(np.exp(believed).sum(1), 1, rtol=1e-5)
        np.testing.assert_array_equal(believed.argmax(1), asked.answers(which, [(trigger,)])[:, 0])


def test_rows_with_one_history_are_asked_together_and_answered_each() -> None:
    asked = an_oracle("elman", hides=True)
    assert len(np.unique(asked.before)) < len(asked.before)
    which = np.random.default_rng(0).permutation(len(asked.rows))[: len(asked.rows) // 2]
    for word in ((0,), (1, 0), (1, 1, 0)):
        one_by_one = [asked.answers(which[[n]], [word])[0] for n in range(len(which))]
        np.testing.assert_array_equal(asked.answers(which, [word]), one_by_one)
