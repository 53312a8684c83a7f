"""The sample of the log in a model file: bounded, telling, and coded as the network knows it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import SAMPLES, log_of
from test_store import ABOUT, MACHINE, NETWORK, refuse, rewrite

from fsmlearn import store
from fsmlearn.alike import distinct
from fsmlearn.histories import histories
from fsmlearn.logs import Log, LogKind, alone, read
from fsmlearn.sample import Sample
from fsmlearn.sampling import LONGEST, ROWS, TRACES, histories_of, sampled

words = st.sampled_from("abc")
logs: st.SearchStrategy[tuple[LogKind, list[list[tuple[str, ...]]]]] = st.one_of(
    st.tuples(
        st.just("visible"), st.lists(st.lists(st.tuples(words, words, words), min_size=1, max_size=6), min_size=1)
    ),
    st.tuples(st.just("hidden"), st.lists(st.lists(st.tuples(words, words), min_size=1, max_size=6), min_size=1)),
)


def moves(log: Log) -> set[tuple[int, ...]]:
    columns = (log.state, log.trigger, log.next_state, log.output)
    return set(zip(*(column.tolist() for column in columns), strict=True))


@given(logs)
@settings(max_examples=60, deadline=None)
def test_of_a_small_log_every_move_is_kept_and_read_back(
    log_words: tuple[LogKind, list[list[tuple[str, ...]]]],
) -> None:
    log = log_of(log_words[1], log_words[0])
    data = histories(log)
    sample = Sample.from_dict(json.loads(json.dumps(sampled(alone(log), data).to_dict())))
    assert sample.words == data.words
    found = {
        move
        for trace in sample.traces
        for move in zip(trace.state, trace.trigger, trace.next_state, trace.output, strict=True)
    }
    assert found == moves(log)
    names = list(log.traces)
    again = histories_of(sample)
    assert again.answers == data.answers
    at = 0
    for trace in sample.traces:
        start, stop = log.offsets[names.index(trace.name) :][:2]
        assert len(trace) == stop - start
        np.testing.assert_array_equal(again.inputs[at : at + len(trace)], data.inputs[start:stop])
        np.testing.assert_array_equal(again.targets[at : at + len(trace)], data.targets[start:stop])
        assert trace.line == tuple(log.line[start:stop].tolist())
        at += len(trace)
    assert at == len(again)


@given(logs, st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_it_is_the_same_of_distinct_traces_and_in_parts(
    log_words: tuple[LogKind, list[list[tuple[str, ...]]]], many: int
) -> None:
    log = log_of(log_words[1], log_words[0])
    cuts = np.array_split(np.arange(len(log.traces)), many)
    parts = [log.select_traces(cut) for cut in cuts if len(cut)]
    found = distinct(log, np.zeros(len(log), np.bool_))
    data = histories(found.log, like=found.like)
    assert sampled(replace(alone(log), parts=parts), data, found.first) == sampled(alone(log), histories(log))


def test_traces_that_are_alike_are_counted_and_what_is_rare_is_there() -> None:
    usual, rare = [("go", "yes")] * 3, [("go", "yes"), ("stop", "no")]
    log = log_of([usual] * 500 + [rare] + [usual] * 2, "hidden")
    sample = sampled(alone(log), histories(log))
    assert [(trace.name, trace.alike) for trace in sample.traces] == [("0", 502), ("500", 1)]


@pytest.mark.parametrize(("traces", "rows"), [(1, 20_000), (4, 3_000), (3, 600), (1_000, 40), (9_000, 1)])
def test_it_is_bounded_whatever_the_log(traces: int, rows: int) -> None:
    rng = np.random.default_rng(0)
    draw = rng.integers(30, size=(traces, rows)).tolist()
    log = log_of([[(str(word), "x") for word in trace] for trace in draw], "hidden")
    sample = sampled(alone(log), histories(log))
    lengths = [len(trace) for trace in sample.traces]
    assert 0 < len(lengths) <= TRACES
    assert sum(lengths) <= ROWS
    assert max(lengths) == min(rows, max(ROWS // traces, LONGEST))


def test_events_are_kept_with_the_start_that_the_network_reads() -> None:
    log = read([SAMPLES / "brown_fox.csv"])
    data = histories(log)
    sample = sampled(alone(log), data)
    again = histories_of(sample)
    assert sample.words == data.words
    np.testing.assert_array_equal(again.inputs, data.inputs)
    np.testing.assert_array_equal(again.targets, data.targets)


def test_it_is_stored_and_small(tmp_path: Path) -> None:
    log = read([SAMPLES / "washing_machine.csv"])
    sample = sampled(alone(log), histories(log))
    for name, kept in (("with.fsm", sample), ("without.fsm", None)):
        store.save(tmp_path / name, MACHINE, ABOUT, NETWORK, kept)
        assert store.load_sample(tmp_path / name) == (kept or Sample())
    assert (tmp_path / "with.fsm").stat().st_size - (tmp_path / "without.fsm").stat().st_size < 100_000


def change(sample: Sample, *path: Any, to: Any) -> bytes:
    data: Any = json.loads(json.dumps(sample.to_dict()))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("kind",), "seen"),
        (("answers", 0), [9, -1]),
        (("answers", 0), [0]),
        (("traces", 0, "trigger"), [0, 7]),
        (("traces", 0, "trigger"), [0]),
        (("traces", 0, "state"), [0, -1]),
        (("traces", 0, "output"), [0, 0]),
        (("traces", 0, "file"), [-1, 0]),
        (("traces", 0, "line"), [2, "3"]),
        (("traces", 0, "name"), None),
        (("traces",), {}),
        (("states",), "ab"),
    ],
)
def test_a_hostile_sample_is_refused(tmp_path: Path, path: tuple[Any, ...], to: Any) -> None:
    log = log_of([[("a", "x", "b"), ("b", "y", "a")]])
    sample = sampled(alone(log), histories(log))
    store.save(tmp_path / "model.fsm", MACHINE, ABOUT, NETWORK, sample)
    rewrite(tmp_path / "model.fsm", {"sample.json": change(sample, *path, to=to)})
    assert "damaged (sample" in refuse(tmp_path / "model.fsm", store.load_sample)
    assert store.load_machine(tmp_path / "model.fsm") == MACHINE
