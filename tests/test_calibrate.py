"""What is measured of the training log: relations that are there, and as many false alarms as were asked for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from machines import WASH, log_of
from test_sequences import TEA, drawn, written

from fsmlearn.calibrate import _LeftOut, _Trace, _walked, calibrated
from fsmlearn.check import Checker, Whole
from fsmlearn.following import Words
from fsmlearn.judge import Judge
from fsmlearn.logs import Log, read
from fsmlearn.machine import Machine
from fsmlearn.normal import ALL, END, Normal
from fsmlearn.relations import of_events, of_lengths

RNG = np.random.default_rng(0)


def counted(machine: Machine, traces: Sequence[Sequence[str]]) -> Machine:
    """The machine with the counts of traces that it can make."""
    ways = {(t.state, t.trigger): t for t in machine.transitions}
    counts = dict.fromkeys(ways, 0)
    for trace in traces:
        state = machine.initial
        for event in (*trace, "End"):
            counts[state, event] += 1
            state = ways[state, event].next_state
    place = {name: i for i, name in enumerate(machine.labels)}
    rows = [(place[t.state], t.trigger, place[t.next_state], None, counts[key]) for key, t in ways.items()]
    return Machine.build("lts", 0, list(machine.labels.values()), machine.triggers, rows)


def wholes(machine: Machine, normal: Normal, traces: Sequence[Sequence[str]]) -> list[Whole]:
    """What each trace of events comes to."""
    found: dict[str, Whole] = {}
    checker = Checker(machine, normal, lambda _: None, lambda whole: found.update({whole.run: whole}))
    for i, trace in enumerate(traces):
        for line, event in enumerate(trace):
            checker.row(str(i), (event,), "log", line)
    checker.finish()
    return [found[str(i)] for i in range(len(traces))]


def test_as_many_normal_traces_are_called_anomalous_as_was_asked_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    known, fresh = drawn(TEA, rng, 1500), drawn(TEA, rng, 1500)
    machine = counted(TEA, known)
    normal = calibrated(machine, read(written(tmp_path, known)))
    assert normal.runs == 1500
    scores = np.array([whole.score for whole in wholes(machine, normal, fresh)])
    for share in (0.2, 0.05, 0.01):
        assert np.mean(scores > -math.log(share)) == pytest.approx(share, rel=0.5, abs=0.005)


def test_traces_that_are_wrong_score_higher_than_normal_ones(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    known = drawn(TEA, rng, 1500)
    machine = counted(TEA, known)
    normal = calibrated(machine, read(written(tmp_path, known)))
    wrong = [
        ["coin", "coin"],  # no end there
        ["coin", "coin", "tea"],  # a coin is missing
        ["coin", "coin", "coin", "coin", "tea"],
        ["coin", "coin", "coin", "coffee"],
        ["coin", *["shake"] * 60, "coin", "coin", "tea"],
    ]
    scored = wholes(machine, normal, wrong)
    assert min(whole.score for whole in scored) > -math.log(0.001)
    assert [whole.contradictions > 0 for whole in scored] == [True] * 4 + [False]
    long = scored[-1].reason
    assert long is not None
    assert "shake" in long.finding.came


def test_what_only_one_trace_did_is_new_when_that_one_is_left_out(tmp_path: Path) -> None:
    once = [["a", "c"]] + [["a", "b"]] * 199
    shares = [("a", 0, 1, 200), ("c", 1, 2, 1), ("b", 1, 2, 199), ("End", 2, 3, 200)]
    machine = Machine.build("lts", 0, [None, None, None, "End"], ["a", "b", "c", "End"], [
        (state, event, to, None, rows) for event, state, to, rows in shares
    ])  # fmt: skip
    normal = calibrated(machine, read(written(tmp_path, once)))
    # in 399 of 600 rows of the others nothing is surprising; the one that is new comes once in 600 rows
    assert normal.row.scores[0] < 0.2
    alone = wholes(machine, Normal(), [["a", "d"]])[0]
    assert alone.score > wholes(machine, normal, [["a", "b"]])[0].score


def test_the_tree_pairs_what_comes_in_equal_numbers() -> None:
    rng = np.random.default_rng(5)
    traces = [np.array([0, 1] * int(rng.integers(1, 5)) + [2] * int(rng.integers(1, 5))) for _ in range(300)]
    relations = of_events(traces, ["open", "close", "noise"])
    ends = {(each.given, each.counted) for each in relations if each.moment == END}
    assert ends & {("open", "close"), ("close", "open")}
    assert not ends & {("noise", "close"), ("noise", "open"), ("open", "noise"), ("close", "noise")}
    at_close = [each for each in relations if (each.moment, each.counted) == ("close", "open")]
    assert [each.times for each in at_close] == [
        tuple(n for i in range(4) for n in (i, i + 1, sum(len(t[t == 1]) > i for t in traces)))
    ]


def test_what_comes_in_no_trace_has_no_relation() -> None:
    traces = [np.array([0, 1, 0, 1]), np.array([1, 0])] * 20
    assert of_events(traces, ["a", "b"]) == of_events([2 * trace for trace in traces], ["a", "never", "b", "nor this"])


def test_lengths_are_kept() -> None:
    assert of_lengths(np.array([3, 3, 100])).times == (0, 3, 2, 0, 26, 1)
    assert of_lengths(np.array([3])).counted == ALL


def complete(days: int) -> Log:
    cycle = [
        ("Off", "Start", "Soak"),
        ("Soak", "Level", "Rinse"),
        ("Rinse", "Timer", "Soak"),
        ("Soak", "Level", "Rinse"),
    ]
    return log_of([[*cycle, ("Rinse", "Timer", "Drain"), ("Drain", "Timer", "Off")]] * days)


def test_a_visible_trace_that_stops_where_none_did_is_anomalous() -> None:
    normal = calibrated(WASH, complete(2000))
    assert normal.starts == {"Off": 2000}
    assert normal.ends["Off"] == (2000, 2000)
    found: list[Whole] = []
    checker = Checker(WASH, normal, lambda _: None, found.append)
    for run, rows in (("whole", complete(1)), ("part", complete(1).select(np.arange(3)))):
        for row in range(len(rows)):
            words = (rows.states[rows.state[row]], rows.triggers[rows.trigger[row]], rows.states[rows.next_state[row]])
            checker.row(run, words, "log", row)
    checker.finish()
    assert [(each.run, each.reason is not None, each.contradictions) for each in found] == [
        ("whole", False, 0),
        ("part", True, 0),
    ]
    reason = found[1].reason
    assert reason is not None
    assert reason.finding.kind in ("end", "count")


@pytest.mark.parametrize("traces", [1, 5])
def test_few_traces_say_little(traces: int) -> None:
    normal = calibrated(WASH, complete(traces))
    assert normal.worst.scores == ()
    assert normal.worst.rarity(3.0) == 3.0


def test_a_long_trace_is_left_out_stretch_by_stretch() -> None:
    rows = [
        ("Off", "Start", "Soak"),
        ("Soak", "Level", "Rinse"),
        ("Rinse", "Timer", "Soak"),
        ("Soak", "Level", "Rinse"),
    ]
    rows += [("Rinse", "Timer", "Drain"), ("Drain", "Timer", "Off")]
    log = log_of([rows * 500])
    machine = Machine.build("moore", 0, list(WASH.labels.values()), WASH.triggers, [
        (i, rows[i][1], (i + 1) % 6, None, 500) for i in range(6)
    ])  # fmt: skip
    assert calibrated(machine, log).row.scores[-1] < 0.1


def by_themselves(traces: Mapping[tuple[Words, ...], int]) -> Iterator[tuple[_Trace, list[float]]]:
    """Each trace, and the surprise of each of its rows, judged one by one without what the trace adds to the counts."""
    judge = Judge(WASH, {"Off": 60})
    for trace in _walked(judge, traces):
        judge.ways.leave_out(Counter(way for way in trace.path if way))
        belief, surprises = judge.start, []
        for words in trace.words:
            belief, judgement = judge.step(belief, words)
            surprises.append(judgement.surprise)
        judge.ways.leave_out({})
        yield trace, surprises


def test_rows_that_are_judged_once_are_judged_as_each_by_itself() -> None:
    rng = np.random.default_rng(11)
    states, triggers = [WASH.visible(name) for name in WASH.labels], WASH.triggers
    rows = [
        ("Off", "Start", "Soak"),
        ("Soak", "Level", "Rinse"),
        ("Rinse", "Timer", "Drain"),
        ("Drain", "Timer", "Off"),
    ]
    traces = [list(rows) * int(rng.integers(1, 4)) for _ in range(60)]
    for rows in traces[:40]:  # rows that the machine has not, hardly has, or has no words for
        made_up = (states[rng.integers(len(states))], triggers[rng.integers(len(triggers))], "Soak")
        odd = [made_up, made_up, ("Off", "Kick", "Odd"), ("Odd", "Level", "Rinse")]
        rows.insert(int(rng.integers(len(rows))), odd[rng.integers(len(odd))])
    alone = _LeftOut(Judge(WASH, {"Off": 60}))
    for trace, expected in by_themselves(Counter(map(tuple, traces))):
        assert list(alone.surprises(trace)) == expected


def test_what_a_row_of_unknown_words_comes_to_depends_on_all_that_is_left_out() -> None:
    begin = (("Off", "Start", "Soak"), ("Odd", "Level", "Rinse"))
    more = (("Rinse", "Timer", "Drain"), ("Drain", "Timer", "Off"))
    alone, told = _LeftOut(Judge(WASH, {"Off": 60})), list[float]()
    for trace, expected in by_themselves({begin: 1, (*begin, *more): 1}):
        assert trace.path[1] is not None, "the machine has it, from a state that the row does not name"
        told.append(expected[1])
        assert list(alone.surprises(trace)) == expected
    assert told[0] != told[1]
