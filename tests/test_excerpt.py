"""What is learned from of a big log: drawn by lot, the same however the log is divided, with everything rare in it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from machines import Row, log_of, random_machine, visible, walk

from fsmlearn import excerpt
from fsmlearn.alike import Distinct
from fsmlearn.denoise import Denoised, Filtered
from fsmlearn.excerpt import Excerpt, Ints
from fsmlearn.findings import nothing
from fsmlearn.logs import Log, alone
from fsmlearn.runs import Runs
from fsmlearn.spread import HERE

Words = tuple[tuple[Row, bool], ...]  # of a trace: rows, and whether some are lost before each


def words(traces: Distinct) -> list[Words]:
    log = traces.log
    rows = zip(log.state.tolist(), log.trigger.tolist(), log.next_state.tolist(), traces.gap.tolist(), strict=True)
    said = [((log.states[s], log.triggers[a], log.states[n]), lost) for s, a, n, lost in rows]
    return [tuple(said[lo:hi]) for lo, hi in pairwise(log.offsets.tolist())]


def clean(log: Log) -> Denoised:
    """A log in which nothing is wrong."""
    return Denoised(log, log, Runs.count(0, len(log)), np.zeros(len(log), np.bool_), nothing(), {})


def filtered(parts: list[Denoised]) -> Filtered:
    """The parts of one log."""
    rows, traces = (
        tuple(map(len, each)) for each in zip(*((part.log, part.log.traces) for part in parts), strict=True)
    )
    source = replace(alone(parts[0].log), parts=[part.log for part in parts], rows=rows, traces=traces)
    return Filtered(source, list(parts), {}, rows, 0, (), 0)


def taken(parts: list[Denoised], seed: int = 0) -> Excerpt:
    kept = [excerpt.pieces(part) for part in parts]
    return excerpt.taken(HERE, kept, excerpt.drawn(filtered(parts), seed), excerpt.kinds(HERE, kept))


def copied(found: Excerpt) -> list[tuple[Words, int]]:
    """The distinct traces, and how often each is there."""
    return list(zip(words(found.traces), found.traces.copies.tolist(), strict=True))


def walked(seed: int, traces: int, length: int = 12) -> list[list[Row]]:
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, 6, 4, 3)
    return visible(machine, walk(machine, rng, traces, length))


@pytest.mark.parametrize("piece", [3, 128])
@pytest.mark.parametrize("seed", range(4))
def test_it_does_not_depend_on_the_parts(seed: int, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpt, "PIECE", piece)
    monkeypatch.setattr(excerpt, "ROWS", {"visible": 300})
    log = log_of(walked(seed, 500))
    whole = taken([clean(log)], seed)
    for parts in (2, 3, 7):
        again = taken([clean(log.select_traces(some)) for some in np.array_split(np.arange(500), parts)], seed)
        assert words(again.traces) == words(whole.traces)
        assert again.traces.copies.tolist() == whole.traces.copies.tolist()
        assert again.lots.number.tolist() == whole.lots.number.tolist()
    assert words(taken([clean(log)], seed + 1).traces) != words(whole.traces)


def test_traces_are_drawn_as_often_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpt, "ROWS", {"visible": 4000})
    often: list[Row] = [("A", "x", "B"), ("B", "x", "A")]
    seldom: list[Row] = [("A", "y", "B"), ("B", "x", "A")]
    found = taken([clean(log_of([often if n % 10 else seldom for n in range(20_000)]))])
    assert found.traces.rows == pytest.approx(4000, rel=0.1)
    copies = {tuple(row for row, _ in said): n for said, n in copied(found)}
    assert copies[tuple(often)] / copies[tuple(seldom)] == pytest.approx(9, rel=0.2)


def test_every_kind_of_row_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpt, "ROWS", {"visible": 50})
    rare: list[list[Row]] = [[("A", "t0", "Z"), ("Z", "t0", "A"), ("A", f"t{n % 3}", "Z")] for n in range(30)]
    begun: list[list[Row]] = [[("Z", "t0", "A"), ("A", "odd", "A")]] * 2
    traces = [*walked(1, 3000), *begun, *rare]
    log = log_of(traces)
    found = taken([clean(log)])
    assert len(found.traces.log) < 0.2 * len(log)
    there = [({row for row, _ in said}, n) for said, n in copied(found)]
    for kind in {row for trace in traces for row in trace}:
        assert sum(n for rows, n in there if kind in rows) >= min(excerpt.LEAST, sum(kind in trace for trace in traces))
    assert sum(said[0][0][0] == "Z" for said in words(found.traces)) >= 1  # and every state that traces begin in


def test_what_may_be_noise_that_is_left_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpt, "ROWS", {"visible": 50})
    odd: list[list[Row]] = [[("A", "x", "B"), ("B", "x", after)] for after in "CCCDDDDDD"]
    common: list[list[Row]] = [[("A", "x", "B"), ("B", "x", "A")]] * 20_000
    found = taken([clean(log_of([*common, *odd]))])
    there = {said[1][0][2]: n for said, n in copied(found)}
    assert (there["C"], there["D"]) == (1, 1)


def test_a_long_trace_is_cut_and_what_led_to_a_piece_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpt, "PIECE", 5)
    monkeypatch.setattr(excerpt, "ROWS", {"visible": 10**6})
    trace = next(trace for trace in walked(2, 200, 40) if len(trace) == 33)
    found = taken([clean(log_of([trace, trace[:10]]))])
    pieces = words(found.traces)
    rows = sorted((tuple(row for row, _ in said) for said in pieces), key=len)
    cut = {tuple(trace[at : at + 5]) for at in range(0, 33, 5)}
    assert set(rows) == {*cut, tuple(trace[:10])}
    assert all(not any(lost for _, lost in said[1:]) for said in pieces)
    assert {said[0][1] for said in pieces if [row for row, _ in said] == trace[:5]} == {False}
    assert sum(said[0][1] for said in pieces) >= len(cut) - 1
    begin = found.beginning()
    begun = [[row for row, _ in said] for said in words(begin.traces)]
    assert {n: begun[kind] for n, kind in zip(begin.lots.number.tolist(), begin.traces.like, strict=True)} == {
        0: trace[:5],
        1: trace[:10],
    }


def test_what_is_wanted_comes_beside_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(excerpt, "ROWS", {"visible": 60})
    traces = walked(3, 2000)
    part = clean(log_of(traces))
    kept = [excerpt.pieces(part)]
    lots = excerpt.drawn(filtered([part]), 0)
    known = excerpt.taken(HERE, kept, lots, excerpt.kinds(HERE, kept))

    def having(rows: int, traces: Distinct) -> tuple[Ints, Ints, Ints]:
        long = np.flatnonzero(np.diff(traces.log.offsets) == rows)
        return long, np.zeros(len(long), np.int64), np.array([25])

    found = excerpt.taken(HERE, kept, lots, partial(having, 12), known)
    before, after = known.lots.number.tolist(), found.lots.number.tolist()
    assert set(before) < set(after) and len(after) == len(set(after))
    assert sum(n for said, n in copied(found) if len(said) == 12) == 25
    assert sorted(found.lots.lot.tolist()) == found.lots.lot.tolist()
    rows = [[row for row, _ in said] for said in words(found.traces)]
    assert [rows[kind] for kind in found.traces.like] == [traces[n] for n in after]
