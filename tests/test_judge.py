"""One row against the machine: what it comes to, by hand, and how the machine is found again after it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import WASH, random_machine, visible, walk
from test_cli_events import SMALL

from fsmlearn.following import Belief, Words
from fsmlearn.judge import END_OF_RUN, EmptyWordError, Finding, Judge, Judgement
from fsmlearn.machine import Machine
from fsmlearn.ways import Ways

# a coin that falls on its edge once in a thousand times, and then shows it
COIN = Machine.build("mealy", 0, [None], ["toss"], [(0, "toss", 0, "heads", 999), (0, "toss", 0, "edge", 1)])
# three states in a ring, each with an answer of its own to look
RING = Machine.build(
    "mealy",
    0,
    [None] * 3,
    ["step", "look"],
    [(i, "step", (i + 1) % 3, "ok", 50) for i in range(3)] + [(i, "look", i, "abc"[i], 50) for i in range(3)],
)


def judged(machine: Machine, rows: Sequence[Words], **known: int) -> tuple[list[Judgement], Judge, Belief]:
    """The judgement of each row of a run, and where the run is then."""
    judge = Judge(machine, {}, **known)
    belief, found = judge.start, []
    for words in rows:
        belief, judgement = judge.step(belief, words)
        found.append(judgement)
    return found, judge, belief


def kinds(machine: Machine, rows: Sequence[Words], **known: int) -> list[str | None]:
    return [judgement.kind for judgement in judged(machine, rows, **known)[0]]


def told(machine: Machine, rows: Sequence[Words]) -> Finding:
    """The last row in words."""
    found, judge, _ = judged(machine, rows)
    return judge.told(found[-1])


# --- what a row comes to ----------------------------------------------------------------------------------------------


def test_each_kind_by_hand() -> None:
    begun = [("Off", "Start", "Soak")]
    assert kinds(WASH, [*begun, ("Soak", "Level", "Rinse")]) == [None, None]
    assert told(WASH, [*begun, ("Soak", "Level", "Off")]) == Finding(
        "contradicted", "Soak", "Level", (("Rinse", 1.0),), "Off"
    )
    assert told(WASH, [*begun, ("Soak", "Timer", "Rinse")]) == Finding(
        "unseen", "Soak", "Timer", (("Level", 1.0),), "Timer"
    )
    assert told(WASH, [*begun, ("Rinse", "Timer", "Soak")]) == Finding(
        "gap", "Rinse", "Timer", (("Soak", 1.0),), "Rinse"
    )
    assert told(WASH, [*begun, ("Soak", "Level", "Rinze")]) == Finding(
        "unknown", "Soak", "Level", (("Rinse", 1.0),), "Rinze"
    )
    assert told(WASH, [*begun, ("Soak", "Lever", "Rinse")]).came == "Lever"
    assert told(WASH, [*begun, ("Soap", "Level", "Rinse")]) == Finding(
        "unknown", "Soak", "Level", (("Soak", 1.0),), "Soap"
    )


def test_memory_that_the_log_does_not_show_counts() -> None:
    run = [("Off", "Start", "Soak"), ("Soak", "Level", "Rinse"), ("Rinse", "Timer", "Soak"), ("Soak", "Level", "Rinse")]
    assert kinds(WASH, [*run, ("Rinse", "Timer", "Drain")]) == [None] * 5
    assert told(WASH, [*run, ("Rinse", "Timer", "Soak")]) == Finding(
        "contradicted", "Rinse·2", "Timer", (("Drain", 1.0),), "Soak"
    )


def test_improbable_is_not_contradicted() -> None:
    assert kinds(COIN, [("toss", "edge"), ("toss", "heads"), ("toss", "tails")]) == [None, None, "unknown"]


def test_events_and_their_end() -> None:
    assert kinds(SMALL, [("a",), ("c",), ("b",), END_OF_RUN]) == [None] * 4
    assert told(SMALL, [("a",), ("b",)]) == Finding("contradicted", "S1", "", (("End", 4 / 6), ("c", 2 / 6)), "b")
    assert told(SMALL, [("a",), ("c",), END_OF_RUN]) == Finding("end", "S0", "", (("a", 0.6), ("b", 0.4)), "End")
    assert kinds(SMALL, [("End",)]) == ["unknown"], "the end is no event of a log"
    assert kinds(SMALL, [("x",), ("c",), ("a",)])[0] == "unknown"


def test_what_is_not_recorded_is_no_contradiction() -> None:
    run = [("Off", "Start", ""), ("", "Level", "Rinse"), ("Rinse", "Timer", "")]
    found, _, belief = judged(WASH, run)
    assert [each.kind for each in found] == [None] * 3
    assert belief == {"Soak·2": 1.0}
    assert kinds(RING, [("step", ""), ("look", "b")]) == [None, None]


def test_spaces_around_words_do_not_count() -> None:
    assert kinds(WASH, [(" Off", "Start ", " Soak ")]) == [None]


@pytest.mark.parametrize(("machine", "row"), [(WASH, ("Off", " ", "Soak")), (RING, ("", "ok")), (SMALL, ("",))])
def test_a_row_without_a_trigger_or_an_event_is_refused(machine: Machine, row: Words) -> None:
    with pytest.raises(EmptyWordError, match="event" if machine is SMALL else "trigger"):
        judged(machine, [row])


def test_a_run_may_begin_where_runs_of_the_training_log_began() -> None:
    row = ("Drain", "Timer", "Off")
    assert Judge(WASH, {}).step(Judge(WASH, {}).start, row)[1].kind == "gap"
    judge = Judge(WASH, {"Off": 9, "Drain": 1})
    assert judge.start == pytest.approx({"Off": 0.9, "Drain": 0.1}, abs=0.01)
    assert judge.step(judge.start, row)[1].kind is None


# --- how surprising it is ---------------------------------------------------------------------------------------------


def test_shares_by_hand() -> None:
    ways = Ways(SMALL)
    belief = {"S1": 1.0}
    # of the states S0, S1, S2 the events a, b, c are shown by one, the end by two: 5 in all
    # S1 showed 2 kinds in 6 rows, c in 2 of them
    assert ways.share(belief, "", ("c", None), known=True) == pytest.approx((2 + 2 * 1 / 5) / (6 + 2))
    assert ways.share(belief, "", ("a", None), known=True) == pytest.approx((0 + 2 * 1 / 5) / (6 + 2))
    # 20 rows showed 4 kinds of events: what is new to all of them keeps 4 of 24
    assert ways.share(belief, "", ("x", None), known=False) == pytest.approx((0 + 2 * 4 / 24) / (6 + 2))


def test_rows_that_are_left_out_do_not_count() -> None:
    ways = Ways(SMALL)
    ways.leave_out({("S1", "", ("c", None)): 2, ("S1", "", ("End", None)): 1})
    # c was shown by these rows alone, so it is new to all: 17 rows with 4 kinds are left
    assert ways.fitting({"S1": 1.0}, "", ("c", None)) == []
    assert ways.share({"S1": 1.0}, "", ("c", None), known=True) == pytest.approx((0 + 1 * 4 / 21) / (3 + 1))
    assert ways.share({"S1": 1.0}, "", ("End", None), known=True) == pytest.approx((3 + 1 * 2 / 5) / (3 + 1))
    ways.leave_out({})
    assert ways.share({"S1": 1.0}, "", ("c", None), known=True) == pytest.approx((2 + 2 * 1 / 5) / (6 + 2))


def test_no_more_rows_are_left_out_than_were_counted() -> None:
    ways = Ways(SMALL)
    shares = []
    for times in (1, 10):
        ways.leave_out({("S1", "", (word, None)): times * rows for word, rows in (("c", 2), ("End", 4))})
        shares.append([ways.share({"S1": 1.0}, "", (word, None), known=True) for word in ("a", "c", "End")])
    assert shares[0] == shares[1]
    assert all(0 < share <= 1 for share in shares[0])


def test_rows_are_left_out_once_of_an_answer_that_leads_to_several_states() -> None:
    ways = [
        (0, "a", 1, None, 30),
        (0, "a", 2, None, 20),
        (0, "a", 0, None, 10),
        (1, "a", 0, None, 5),
        (2, "a", 1, None, 5),
    ]
    machine = Machine.build("moore", 0, ["off", "on", "on"], ["a"], ways)
    off, *_ = machine.labels
    told = Ways(machine)
    told.leave_out({(off, "a", ("on", None)): 4})
    # under their triggers two states show "on", two "off"; of this one's 60 rows 56 are left, 46 of them with "on"
    assert told.share({off: 1.0}, "a", ("on", None), known=True) == pytest.approx((46 + 2 * 2 / 4) / (56 + 2))


def test_the_more_rows_a_row_contradicts_the_more_surprising_it_is() -> None:
    def surprise(rows: int) -> float:
        machine = Machine.build("mealy", 0, [None], ["a", "b"], [(0, "a", 0, "x", rows), (0, "b", 0, "y", 10)])
        return judged(machine, [("a", "y")])[0][0].surprise

    assert surprise(10) < surprise(100) < surprise(1000)
    assert surprise(1000) > math.log(1000)


# --- how the machine is found again -----------------------------------------------------------------------------------


def test_a_wrong_word_leaves_a_visible_run_where_its_next_row_says() -> None:
    run = [
        ("Off", "Start", "Drain"),
        ("Soak", "Level", "Rinse"),
        ("Rinse", "Timer", "Soak"),
        ("Soak", "Level", "Rinse"),
    ]
    assert kinds(WASH, run) == ["contradicted", None, None, None]
    # as the row says after all, and nothing happened after all
    assert kinds(WASH, [run[0], ("Drain", "Timer", "Off")]) == ["contradicted", None]
    assert kinds(WASH, [run[0], ("Off", "Start", "Soak")]) == ["contradicted", None]


def test_a_wrong_output_does_not_stop_a_hidden_run() -> None:
    assert kinds(RING, [("step", "a"), ("look", "b"), ("step", "ok"), ("look", "c")]) == ["contradicted"] + [None] * 3


def test_a_row_of_nothing_or_a_lost_row_is_called_wrong_once() -> None:
    ring = ["step", "ok"], ["look", "b"], ["step", "ok"], ["look", "c"], ["step", "ok"], ["look", "a"]
    rows = [tuple(row) for row in ring] * 3
    made_up = [*rows[:4], ("look", "a"), *rows[4:]]
    assert [i for i, kind in enumerate(kinds(RING, made_up)) if kind] == [4]
    lost = rows[:4] + rows[5:]
    assert [i for i, kind in enumerate(kinds(RING, lost)) if kind] == [4]


def test_events_go_on_from_where_they_lead() -> None:
    assert kinds(SMALL, [("b",), ("c",), ("a",), ("c",), ("b",), END_OF_RUN]) == [None, "contradicted"] + [None] * 4


@given(st.integers(0, 2**32 - 1), st.data())
@settings(deadline=None, max_examples=60)
def test_one_wrong_word_in_a_visible_run_is_found_and_nothing_else(seed: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, states=6, labels=4, triggers=2)
    rows = visible(machine, walk(machine, rng, 1, 20))[0]
    at = data.draw(st.integers(0, len(rows) - 1))
    state, trigger, following = rows[at]
    wrong = data.draw(st.sampled_from([label for label in "ABCD" if label != following]))
    rows[at] = (state, trigger, wrong)
    found = kinds(machine, rows)
    assert found[at] == "contradicted"
    assert set(found[:at]) <= {None}
    if at + 1 < len(rows) and wrong != rows[at + 1][0]:
        assert set(found[at + 1 :]) <= {None}


@given(st.integers(0, 2**32 - 1), st.data())
@settings(deadline=None, max_examples=60)
def test_one_wrong_output_in_a_hidden_run_is_found_and_nothing_else(seed: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    shown = random_machine(rng, states=5, labels=3, triggers=2)
    place = {state.name: i for i, state in enumerate(shown.states)}
    edges = [
        (place[t.state], t.trigger, place[t.next_state], shown.visible(t.next_state)[0], 30) for t in shown.transitions
    ]
    machine = Machine.build("mealy", 0, [None] * 5, shown.triggers, edges)
    rows = [(t.trigger, t.output or "") for t in walk(machine, rng, 1, 25)[0]]
    at = data.draw(st.integers(0, len(rows) - 1))
    rows[at] = (rows[at][0], data.draw(st.sampled_from([x for x in "ABC" if x != rows[at][1]])))
    assert [i for i, kind in enumerate(kinds(machine, rows, wrong=100)) if kind] == [at]


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_what_the_machine_makes_is_never_odd(seed: int) -> None:
    rng = np.random.default_rng(seed)
    machine = random_machine(rng, states=6, labels=3, triggers=3)
    for rows in visible(machine, walk(machine, rng, 3, 20)):
        assert set(kinds(machine, rows)) == {None}
