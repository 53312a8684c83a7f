"""Renderables at several widths: everything is there, nothing is markup, long lists are cut and say so."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from test_store import ABOUT

from fsmlearn import formats, report
from fsmlearn.about import About, Comparison, GridSummary, Moved, Support, VariableSummary, Verdict
from fsmlearn.formats import printable
from fsmlearn.machine import Machine
from fsmlearn.renderables import rows_table, sparkline


def shown(renderable: Any, width: int = 10_000) -> str:
    paper = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    paper.print(renderable)
    file = paper.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def ring(states: int, triggers: int) -> Machine:
    """A machine in which each trigger leads some states further."""
    words = [f"Trigger {a}" for a in range(triggers)]
    rows = [(s, w, (s + 1 + a) % states, None, 5) for s in range(states) for a, w in enumerate(words)]
    return Machine.build("moore", 0, [f"State {s}" for s in range(states)], words, rows)


@pytest.mark.parametrize(("states", "triggers"), [(3, 2), (14, 7), (57, 12)])
@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_whole_report_keeps_to_the_width_and_loses_no_word(states: int, triggers: int, width: int) -> None:
    machine = ring(states, triggers)
    text = shown(report.whole(machine, ABOUT, width, full=True), width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    for word in (*machine.labels, "a.csv", "Elman", "seen once", "learned"):
        assert word in text


def test_a_matrix_where_it_fits_and_a_list_where_it_does_not() -> None:
    machine = ring(4, 3)
    wide, narrow = (shown(report.transitions(machine, width), width) for width in (200, 30))
    assert len(wide.splitlines()) == 1 + 4
    assert wide.splitlines()[0].split() == ["Trigger", "0", "Trigger", "1", "Trigger", "2"]
    assert wide.splitlines()[1].split() == ["State", "0", "State", "1", "State", "2", "State", "3"]
    assert len(narrow.splitlines()) >= 1 + 4 * 3


def test_triggers_that_lead_to_one_place_share_a_line() -> None:
    rows = [(0, "a", 1, None, 1), (0, "b", 1, None, 1), (1, "a", 0, None, 3), (1, "a", 1, None, 1)]
    machine = Machine.build("moore", 0, ["X", "Y"], ["a", "b"], rows)
    lines = shown(report.transitions(machine, 1)).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["X", "a,", "b", "Y"],
        ["Y", "a", "X", "75.0", "%"],
        ["a", "Y", "25.0", "%"],
    ]


def test_triggers_that_change_nothing_are_told_last_and_in_short_where_nothing_is_left_out() -> None:
    rows = [(0, "a", 1, None, 1), *((0, trigger, 0, None, 1) for trigger in "bcd"), (1, "b", 1, None, 1)]
    rows += [(1, "c", 1, None, 1), (1, "d", 1, None, 1)]
    machine = Machine.build("moore", 0, ["X", "Y"], ["b", "a", "c", "d"], rows)
    lines = [line.split() for line in shown(report.transitions(machine, 1)).splitlines()[1:]]
    assert lines == [["X", "a", "Y"], ["all", "others", "X"], ["Y", "b,", "c,", "d", "Y"]]


def test_outputs_are_shown_and_states_that_lead_nowhere() -> None:
    machine = Machine.build("mealy", 0, [None, None], ["a"], [(0, "a", 1, "ok", 1)])
    assert "S1 / ok" in shown(report.transitions(machine, 100))
    assert "nothing follows" in shown(report.transitions(machine, 1))
    assert "ok" in shown(report.transition_table(machine))


def test_long_machines_are_cut_and_say_so() -> None:
    text = shown(report.transitions(ring(57, 2), 80, most=10))
    assert "and 47 more states" in text
    assert "State 9" in text
    assert "State 12" not in text
    assert "more state" not in shown(report.transitions(ring(10, 2), 80, most=10))


HOSTILE = ["[red]", "[/closed]", "\x1b]0;title\x07", "\u202eabc", "a\nb", "{task}", ":smile:", "\x9b31m"]


@pytest.mark.parametrize("word", HOSTILE)
def test_words_of_a_log_are_shown_and_never_obeyed(word: str) -> None:
    machine = Machine.build("moore", 0, [word, "Y"], [word + "t"], [(0, word + "t", 1, word + "o", 1)])
    row = Comparison(word, word + "t", word, word + "o", 3, 1, 1.0, "only seen")
    about = replace(ABOUT, comparison=(row,), log=replace(ABOUT.log, files=(word,), columns={"state": word}))
    for renderable in (
        report.whole(machine, about, 200, full=True),
        report.transitions(machine, 1),
        report.transition_table(machine),
        report.model(machine, about),
        report.contents(about.log, {"states": [(word, 1)]}),
        rows_table(["state"], [{"state": word}]),
        report.grid(grid_of(word)),
    ):
        text = shown(renderable)
        assert all(c.isprintable() for c in text.replace("\n", ""))
        assert printable(word) in text


def grid_of(word: str) -> GridSummary:
    variables = (
        VariableSummary(word, (word, "on"), False, (), (), False, 0),
        VariableSummary("L", ("any",), True, (), (), False, 0),
    )
    return GridSummary(9, "before", variables, (), (Moved(word, 4, (3, 0)),))


def test_variables_are_shown_with_what_moves_them() -> None:
    text = shown(report.grid(grid_of("Lamp")))
    assert "9 rows, each saying how things stand; its trigger is what had led to it" in text
    assert "Lamp  Lamp, on  " in text and "L     any: cut at nowhere, as found" in text
    assert text.splitlines()[-1].split() == ["Lamp", "4", "75.0", "%", "·"]
    many = replace(grid_of("x"), trigger="", moves=tuple(Moved(f"t{n}", 1, (1, 1)) for n in range(99)))
    assert "... and 79 more triggers" in shown(report.grid(many)) and "its trigger" not in shown(report.grid(many))
    about = replace(ABOUT, grid=grid_of("Lamp"))
    assert About.from_dict(about.to_dict()).grid == about.grid
    machine = Machine.build("moore", 0, ["X"], ["t"], [(0, "t", 0, None, 1)])
    assert "its trigger is what had led to it" in shown(report.whole(machine, about, 100, full=False))


def compared(verdict: Verdict, times: int) -> list[Comparison]:
    return [Comparison("X", f"{verdict} {i}", "Y", None, i, 0, 0.0, verdict) for i in range(times)]


def test_learned_against_observed_shows_what_differs_first() -> None:
    rows = [*compared("learned", 30), *compared("noise", 20), *compared("only seen", 2), *compared("only learned", 1)]
    brief, full = (shown(report.comparison(rows, full=full)) for full in (False, True))
    assert "53 transitions" in brief
    assert "30 learned, 20 noise, 1 only learned, 2 only seen" in brief
    assert "learned 7" not in brief
    assert brief.index("only seen 1") < brief.index("only learned 0") < brief.index("noise 19")
    assert f"and {23 - report.DIFFERENCES} more" in brief
    assert "more;" not in full
    assert all(row.trigger in full for row in rows)


def test_noise_lists_some_and_counts_the_rest() -> None:
    noise = replace(
        ABOUT.noise, dropped=40, repaired=3, examples=tuple((f"a.csv:{i}", "dropped", "label", "why") for i in range(9))
    )
    text = shown(report.noise(noise, 430, examples=2))
    assert "40 rows dropped, 3 repaired (10.0 %)" in text
    assert "a.csv:1:" in text
    assert "a.csv:2:" not in text
    assert "and 41 more; `fsmlearn filter LOG --dropped FILE`" in text
    every = shown(report.noise(replace(noise, dropped=6), 430, examples=2))
    assert "and 7 more; `fsmlearn report --noise`" in every
    assert "0 %" in shown(report.noise(replace(noise, dropped=0, repaired=0, examples=(), rates={}, counts={}), 0))


def test_a_machine_is_summed_up() -> None:
    rows = [(0, "a", 1, None, 3), (0, "a", 2, None, 1), (1, "a", 0, None, 1), (2, "b", 0, None, 1)]
    machine = Machine.build("moore", 0, ["X", "Y", "Y"], ["a", "b"], rows)
    text = shown(report.states(machine, replace(ABOUT, extraction=replace(ABOUT.extraction, misfits=1))))
    assert "3 states under 2 names, 4 transitions, starting in X" in text
    assert "Y (2)" in text
    assert "1 state and trigger with more than one way on" in text
    assert "3 of 6 states and triggers never seen together" in text
    assert "1 clean row without a place" in text


def test_what_is_in_doubt_is_named_and_why() -> None:
    claims = [
        Support("S1", None, None, None, 40, 0, "S0", 90.0),
        Support("S2", None, None, None, 7, 0, "S0", 1.25),
        Support("End", None, None, None, 0, 0, None, math.nan),
        Support("S0", "a", "S1", "ok", 2, 0, "S2", 16.0),
        Support("S0", "b", "S1", None, 1, 0, "S2", 2.0),
        Support("S1", "a", "S0", None, 5, 0, None, 0.0),
        Support("S1", "b", "S0", None, 50, 3, "S2", 300.0),
        Support("S2", "a", "End", None, 3, 0, None, math.nan),
    ]
    lines = [" ".join(line.split()) for line in shown(report.doubts(claims)[0]).splitlines()]
    assert lines == [
        "in doubt S0 + b → S1 rests on 1 row, which favour it over S2 by 2.0 nats",
        "S0 + a → S1 / ok rests on 2 rows",
        "S1 + a → S0 rests on 5 rows, and no row after it tells where it leads",
        "S2 rests on 7 rows, which favour it over S0 by 1.2 nats",
    ]
    assert report.doubts([claims[0], claims[-1]]) == []
    many = shown(report.doubts([replace(claims[3], trigger=f"t{i}") for i in range(9)])[0])
    assert "and 4 more; `fsmlearn report --support`" in many


def test_training_without_a_held_out_part_or_without_epochs_is_no_trouble() -> None:
    assert "1 epoch in" in shown(report.training(ABOUT.training))
    assert "epoch" not in shown(report.training(replace(ABOUT.training, epochs=())))


def test_an_excerpt_is_called_one() -> None:
    few = replace(ABOUT.training, rows=16_000)
    assert "16,000 rows, an excerpt of 992,000," in shown(report.training(few, 992_000))
    assert "excerpt" not in shown(report.training(few, 16_000)) + shown(report.training(few))


@given(st.floats(0, 1))
def test_shares_are_never_rounded_to_none_or_all(share: float) -> None:
    text = formats.percent(share)
    assert (text == "0 %") == (share == 0)
    assert (text == "100 %") == (share == 1)
    assert text.endswith(" %")
    if text[0] not in "<>":
        assert abs(float(text[:-2]) / 100 - share) <= 0.00051


def test_shares_and_counts_read_well() -> None:
    assert [formats.percent(x) for x in (0, 0.0004, 0.25, 0.9996, 1)] == ["0 %", "<0.1 %", "25.0 %", ">99.9 %", "100 %"]
    assert formats.counted(1, "row") == "1 row"
    assert formats.counted(1204, "row") == "1,204 rows"
    assert formats.counted(2, "history", "histories") == "2 histories"


@given(st.lists(st.floats(0, 10) | st.just(math.nan), max_size=60))
def test_a_curve_fits_its_place(values: list[float]) -> None:
    curve = sparkline(values, 10)
    finite = [value for value in values if not math.isnan(value)]
    assert len(curve) == min(len(finite), 10)


def test_a_falling_curve_falls() -> None:
    assert sparkline([3, 2, 1, 0.0]) == "█▆▃▁"
    assert sparkline([1, 1]) == "▁▁"
