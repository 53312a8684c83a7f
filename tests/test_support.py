"""How well a log bears out a machine, computed by hand on a lamp whose state the log hides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import log as ln
from pathlib import Path

import numpy as np
import pytest
from machines import WASH, Row, lamp, log_of, visible, write
from test_misfits import LAMP, known

from fsmlearn.about import Support
from fsmlearn.config import Settings
from fsmlearn.logs import Log
from fsmlearn.pipeline import learn
from fsmlearn.support import support


def supported(log: Log, step: Sequence[dict[str, int]] = LAMP) -> dict[tuple[str, str | None], Support]:
    """By state and trigger, None for the state itself. The lamp is known: S0 is dark, S1 is light."""
    data, found = known(log, step)
    claims = support(log, data, found)
    assert [claim.state for claim in claims if claim.trigger is None] == [state.name for state in found.machine.states]
    assert [(c.state, c.trigger, c.next_state, c.output, c.rows) for c in claims if c.trigger is not None] == [
        (t.state, t.trigger, t.next_state, t.output, t.count) for t in found.machine.transitions
    ]
    return {(claim.state, claim.trigger): claim for claim in claims}


def test_nats_and_rows_are_as_computed_by_hand() -> None:
    on: list[Row] = [("press", "light"), ("look", "light")]
    found = supported(log_of([*[on] * 8, *[[("look", "dark")]] * 8], "hidden"))
    # no row of 24 is wrong, so noise is taken for 1 in 26; the other of two answers is 25 times less likely
    press, state = found["S0", "press"], found["S1", None]
    assert (press.rows, press.against, press.rival) == (8, 0, "S0")
    assert press.nats == pytest.approx(8 * ln(25), abs=1e-3)
    assert (state.rows, state.against, state.rival) == (8, 0, "S0")
    assert state.nats == pytest.approx(8 * ln(25), abs=1e-3)
    # in S1 nobody ever pressed, so there either answer is as likely, and either state may be the next
    dark = found["S0", None]
    assert (dark.rows, dark.rival) == (16, "S1")
    assert dark.nats == pytest.approx(8 * ln(25) + 8 * (ln(25 / 26) + ln(2)), abs=1e-3)


def test_where_a_trigger_that_was_never_met_would_lead_says_nothing() -> None:
    """The search leaves some target there, and which one can hang on the last bit of a weight."""
    on: list[Row] = [("press", "light"), ("look", "light")]
    log = log_of([*[on] * 8, *[[("look", "dark")]] * 8], "hidden")
    either, other = (supported(log, [LAMP[0], {"press": state, "look": 1}]) for state in (0, 1))
    assert {key: repr(claim) for key, claim in either.items()} == {key: repr(claim) for key, claim in other.items()}


def test_a_transition_that_only_ends_traces_is_not_known_to_lead_anywhere() -> None:
    on: list[Row] = [("press", "light"), ("look", "light")]
    look = supported(log_of([[("look", "dark"), *on]] * 5, "hidden"))["S1", "look"]
    assert (look.rows, look.rival, look.nats) == (5, None, 0.0)


def test_rows_that_contradict_stand_against_their_state_and_their_transition() -> None:
    trace: list[Row] = [("press", "light"), ("look", "light"), ("press", "dark"), ("look", "dark")]
    odd: list[Row] = [("press", "light"), ("look", "dark"), ("press", "dark"), ("look", "dark")]
    found = supported(log_of([*[trace] * 9, odd], "hidden"))
    assert (found["S1", "look"].rows, found["S1", "look"].against) == (9, 1)
    assert (found["S1", None].rows, found["S1", None].against) == (20, 1)
    assert found["S1", "press"].against == found["S0", None].against == 0


def test_more_rows_make_it_surer() -> None:
    few, many = (supported(lamp(np.random.default_rng(0), traces, 10)) for traces in (5, 50))
    assert all(many[key].nats > few[key].nats > 0 for key in few)


def test_what_a_visible_log_shows_has_no_rival_and_what_it_hides_has_one(tmp_path: Path) -> None:
    """Rinse leads to Soak·2 the first time and to Drain the second; Drain is told by its name."""
    twice = ["Start", "Level", "Timer", "Level", "Timer", "Timer"] * 2
    log = write(tmp_path / "log.csv", visible(WASH, [list(WASH.run(twice))] * 60))
    learned = learn(log, settings=Settings(epochs=30))
    assert len(learned.machine.states) == len(WASH.states)
    found = {(claim.state, claim.trigger): claim for claim in learned.about.support}
    for certain in (found["Drain", None], found["Rinse·2", "Timer"]):
        assert certain.rival is None
        assert math.isnan(certain.nats)
    assert found["Soak", None].rival == "Soak·2"
    assert found["Rinse", "Timer"].rival == "Soak"
    assert found["Rinse", "Timer"].nats > 100
