"""Steps and times: what is read as which, and that what is written is read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn import streams
from fsmlearn.errors import LogError
from fsmlearn.logs import Log, read, write_rows
from fsmlearn.steps import clock, numbers, shown

MICROSECONDS = st.integers(-(10**14), 10**16)


@given(st.lists(MICROSECONDS, min_size=1), st.sampled_from(["number", "date"]))
def test_times_are_read_as_they_are_shown(times: list[int], kind: str) -> None:
    words = shown(np.array(times), kind)  # type: ignore[arg-type]
    assert np.array_equal(numbers(words, kind), times)  # type: ignore[arg-type]
    assert clock(words) in (kind, "")  # seconds may all be whole


@given(st.lists(st.integers(-(10**17), 10**17), min_size=1))
def test_whole_numbers_are_whole_numbers(steps: list[int]) -> None:
    words = shown(np.array(steps), "")
    assert clock(words) == ""
    assert np.array_equal(numbers(words, ""), steps)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), st.integers(-23, 23), st.sampled_from("T "))
def test_a_date_is_a_moment_wherever_it_is_told(moment: datetime, hours: int, between: str) -> None:
    east = moment.isoformat(between) + f"{hours:+03d}:00"
    [found] = shown(numbers([east], "date"), "date")  # type: ignore[arg-type]
    assert datetime.fromisoformat(found) == moment.replace(tzinfo=UTC) - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["1", "+2", "-3", "4.0"], ""),
        (["0", "0.5"], "number"),
        (["1.", "1.25"], "number"),
        (["2024-01-31"], "date"),
        (["2024-01-31 10:00", "2024-01-31T10:00:00.123+02:00", "2024-01-31T10:00:00Z"], "date"),
        (["31/01/2024"], None),
        (["10:00:00"], None),
        (["1", "2024-01-31"], None),
        (["1e3"], None),
        (["", "1"], None),
        (["٣"], None),
    ],
)
def test_what_words_are_taken_for(words: list[str], kind: str | None) -> None:
    assert clock(words) == kind


def test_words_that_are_none_are_named() -> None:
    assert numbers(["1", "2", "x", "y"], "") == [2, 3]
    assert numbers(["0.5", ""], "number") == [1]
    assert np.array_equal(numbers(["0.5", "-0.25", "3"], "number"), [500_000, -250_000, 3_000_000])
    assert np.array_equal(numbers(["1970-01-01T00:00:01Z"], "date"), [1_000_000])


# --- in a log ---------------------------------------------------------------------------------------------------------

HEADER = "time,state,trigger,next_state\n"


def log_of(folder: Path, text: str, **chosen: str) -> Log:
    (folder / "log.csv").write_text(text)
    return read(folder / "log.csv", columns=chosen)


def test_rows_stand_by_time_and_are_written_with_it(tmp_path: Path) -> None:
    text = HEADER + "2024-01-31T10:00:02Z,b,x,a\n2024-01-31T10:00:01.500000Z,a,x,b\n2024-01-31T10:00:02Z,a,y,a\n"
    log = log_of(tmp_path, text)
    assert (log.clock, log.guessed, log.line.tolist()) == ("date", ("step",), [3, 2, 4])
    assert [odd.what for odd in log.oddities] == ["row out of order"]  # two things may happen at one time
    with (tmp_path / "again.csv").open("w") as file:
        write_rows(log, file)
    again = read(tmp_path / "again.csv")
    assert (again.fingerprint(), again.clock) == (log.fingerprint(), "date")


def test_times_restart_where_they_fall_to_the_first_of_their_trace(tmp_path: Path) -> None:
    times = ["0", "0.5", "0.25", "7.5", "3", "0", "1.5"]  # 0.25 and 3 came late
    log = log_of(tmp_path, HEADER + "".join(f"{time},a,x,a\n" for time in times))
    assert np.diff(log.offsets).tolist() == [5, 2]


def test_a_step_is_preferred_to_a_time(tmp_path: Path) -> None:
    log = log_of(tmp_path, "time,step,event\n9,1,a\n8,2,b\n")
    assert (log.columns["step"], log.clock, log.guessed) == ("step", "", ())


def test_times_that_nobody_can_read_are_told_and_left_out(tmp_path: Path) -> None:
    log = log_of(tmp_path, HEADER + "31/01/2024,a,x,b\n30/01/2024,b,x,a\n")
    assert "step" not in log.columns and log.line.tolist() == [2, 3]
    assert [(odd.what, odd.count) for odd in log.oddities] == [("unread time", 2)]
    assert "'time' holds neither dates" in log.oddities[0].done


def test_a_column_that_somebody_names_must_be_read(tmp_path: Path) -> None:
    text = "when,event\n2024-01-31,a\n2024-01-30,b\n"
    assert log_of(tmp_path, text, step="when").line.tolist() == [3, 2]
    with pytest.raises(LogError, match=r":2: step '31/01/2024' is neither a whole number nor a time"):
        log_of(tmp_path, text.replace("2024-01-31", "31/01/2024"), step="when")
    with pytest.raises(LogError, match=r":3: time '30/01/2024' is no date and time"):
        log_of(tmp_path, text.replace("2024-01-30", "30/01/2024"), step="when")


@pytest.mark.parametrize(
    ("first", "wrong", "told"),
    [
        ("2024-01-31", "yesterday", "time 'yesterday' is no date and time such as 2024-01-31T09:30:00"),
        ("0.5", "now", "time 'now' is no number of seconds"),
        ("1", "x", "step 'x' is neither a whole number nor a time"),
    ],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_wrong_time_is_told_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, wrong: str, told: str, quote: str
) -> None:
    monkeypatch.setattr(streams, "BLOCK", 1024)
    many = f"{first},a,x,{quote}a{quote}\n" * 500  # more than a first look
    with pytest.raises(LogError) as caught:
        log_of(tmp_path, HEADER + many + f"{wrong},a,x,a\n")
    assert f"log.csv:502: {told}" in str(caught.value)
