"""Distinct traces: the same rows are one, in one log or in parts of it, and all are there again when asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import Row, log_of

from fsmlearn import alike
from fsmlearn.alike import distinct, together
from fsmlearn.logs import Log

Trace = list[tuple[Row, bool]]  # rows, and whether some are lost before each
ROW: st.SearchStrategy[Row] = st.tuples(st.sampled_from("AB"), st.just("x"), st.sampled_from("AB"))
TRACES: st.SearchStrategy[list[Trace]] = st.lists(
    st.lists(st.tuples(ROW, st.booleans()), min_size=1, max_size=4), min_size=1, max_size=20
)


def of(traces: list[Trace]) -> tuple[Log, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    log = log_of([[row for row, _ in trace] for trace in traces])
    return log, np.array([gap for trace in traces for _, gap in trace])


def words(log: Log, gap: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[Trace]:
    rows = zip(log.state.tolist(), log.trigger.tolist(), log.next_state.tolist(), gap.tolist(), strict=True)
    said: Trace = [((log.states[s], log.triggers[a], log.states[n]), lost) for s, a, n, lost in rows]
    return [said[begin:end] for begin, end in zip(log.offsets[:-1].tolist(), log.offsets[1:].tolist(), strict=True)]


@settings(max_examples=80, deadline=None)
@given(
    traces=TRACES,
    part=st.integers(1, 9),
    small=st.sampled_from([1, 8, 20, alike.SMALL]),
    cuts=st.lists(st.integers(1, 19), max_size=3),
)
def test_equal_traces_are_one(traces: list[Trace], part: int, small: int, cuts: list[int]) -> None:
    log, gap = of(traces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alike, "PART", part)
        patch.setattr(alike, "SMALL", small)  # above it columns are not made one
        found = distinct(log, gap)
        first = [list(each) for each in dict.fromkeys(map(tuple, traces))]
        assert words(found.log, found.gap) == first
        assert [first[k] for k in found.like] == traces
        assert found.copies.tolist() == [traces.count(each) for each in first]
        assert found.rows == len(log)

        some = np.arange(len(traces))[:: max(part % 3, 1)][::-1]
        fewer = found.of(some)
        assert words(fewer.log, fewer.gap) == [list(each) for each in dict.fromkeys(tuple(traces[n]) for n in some)]
        assert [words(fewer.log, fewer.gap)[k] for k in fewer.like] == [traces[n] for n in some]

        pieces = np.split(np.arange(len(traces)), sorted({c for c in cuts if c < len(traces)}))
        parts = [distinct(log.select_traces(some), gap[np.isin(log.trace, some)]) for some in pieces]
        again, whose = together(parts)
        assert words(again.log, again.gap) == first and again.like.tolist() == found.like.tolist()
        for its, mine in zip(parts, whose, strict=True):
            assert words(its.log, its.gap) == [first[k] for k in mine]


@pytest.mark.parametrize(("states", "triggers", "outputs"), [(3, 2, 0), (4, 3, 5), (11, 7, 9), (1, 130, 2)])
def test_all_that_a_row_can_say_is_told_apart(states: int, triggers: int, outputs: int) -> None:
    sizes = (states, triggers, states, outputs)
    codes = np.stack(np.meshgrid(*(np.arange(-1, size) for size in sizes), [0, 1], indexing="ij"), -1).reshape(-1, 5)
    *columns, gap = codes.T.astype(np.int16)
    log = log_of([[("A", "x", "B")]])
    words = tuple(map(str, range(max(sizes))))
    log = replace(log, states=words[:states], triggers=words[:triggers], outputs=words[:outputs])
    found = distinct(alike.bare(log, columns, np.arange(len(codes) + 1)), gap.astype(np.bool_))
    assert found.like.tolist() == list(range(len(codes)))


def test_a_trace_without_rows_is_no_trace() -> None:
    log = log_of([[("A", "x", "B")], [("A", "x", "B")]])
    log = replace(log, traces=tuple("0123"), offsets=np.array([0, 0, 1, 1, 2]))
    found = distinct(log, np.zeros(2, np.bool_))
    assert found.like.tolist() == [0, 0] and found.log.offsets.tolist() == [0, 1]


def test_sums_that_happen_to_be_equal_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fair = np.random.default_rng
    drawn = []

    class Constant:
        def integers(self, high: int, size: object = None, dtype: type = int) -> object:
            return np.uint64(0) if size is None else np.ones(size, dtype)  # type: ignore[call-overload]

    def unlucky(seed: int) -> object:
        drawn.append(seed)
        return Constant() if len(drawn) == 1 else fair(seed)

    monkeypatch.setattr(np.random, "default_rng", unlucky)
    found = distinct(log_of([[("A", "x", "B")], [("B", "x", "A")]]), np.zeros(2, np.bool_))
    assert drawn == [0, 1] and found.like.tolist() == [0, 1]
