"""A log is the same however it is divided: traces that go on in another file, words, empty states, what is odd."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmlearn import denoise, disk, filtered, streams, summary
from fsmlearn.columns import Variables
from fsmlearn.errors import LogError
from fsmlearn.logs import Log, Whole, gathering, read
from fsmlearn.parts import spanning
from fsmlearn.runs import Numerals, Runs
from fsmlearn.spread import Here


class Apart(Here):
    """Every file is a part."""

    def divide(self, files: Sequence[str]) -> list[list[str]]:
        return [[file] for file in files]


def whole(files: Sequence[Path], **wish: Any) -> Whole:
    *_, last = gathering(files, spread=Apart(), **wish)
    assert isinstance(last, Whole)
    return last


def rows(log: Log) -> list[tuple[object, ...]]:
    codes = (log.state, log.trigger, log.next_state, log.output)
    trace = [log.traces[r] for r in log.trace.tolist()]
    return list(
        zip(trace, log.file.tolist(), log.line.tolist(), log.step.tolist(), *map(np.ndarray.tolist, codes), strict=True)
    )


def check(files: Sequence[Path], **wish: Any) -> Whole:
    """What is read in parts is what is read at once."""
    log, found = read(files, **wish), whole(files, **wish)
    parts = list(found.spread.bring(found.parts))
    assert [row for part in parts for row in rows(part)] == rows(log)
    assert [str(name) for part in parts for name in part.traces] == [str(name) for name in log.traces]
    assert (found.states, found.triggers, found.outputs) == (log.states, log.triggers, log.outputs)
    for part in parts:
        alike = ("kind", "files", "columns", "unrecorded", "guessed", "clock", "grid")
        assert all(getattr(part, name) == getattr(log, name) for name in alike)
        assert (part.states, part.triggers, part.outputs) == (log.states, log.triggers, log.outputs)
        assert part.offsets[-1] == len(part) and len(part.offsets) == len(part.traces) + 1
    assert found.oddities == log.oddities
    assert (len(found), sum(found.traces)) == (len(log), len(log.traces))
    assert found.fingerprint() == log.fingerprint()
    return found


def written(folder: str, header: str, files: Sequence[Sequence[Sequence[object]]]) -> list[Path]:
    paths = []
    for number, lines in enumerate(files):
        paths.append(Path(folder) / f"{number}.csv")
        paths[-1].write_text(header + "\n" + "".join(",".join(map(str, line)) + "\n" for line in lines))
    return paths


state = st.sampled_from(["a", "b", "", "c", "(unknown)"])
NAMES = [["1", "2", "3", "10"], ["1", "2", "x", "07"], ["p", "q"]]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), names=st.sampled_from(NAMES), traced=st.booleans(), stepped=st.booleans())
def test_a_log_of_visible_states(data: st.DataObject, names: list[str], traced: bool, stepped: bool) -> None:
    row = st.tuples(st.sampled_from(names), st.integers(0, 6), state, st.sampled_from("xyz"), state)
    files = data.draw(st.lists(st.lists(row, min_size=1, max_size=9), min_size=1, max_size=4))
    columns = [0] * traced + [1] * stepped + [2, 3, 4]
    header = ",".join(["trace", "step", "current_state", "trigger", "next_state"][c] for c in columns)
    with tempfile.TemporaryDirectory() as folder:
        check(written(folder, header, [[[each[c] for c in columns] for each in file] for file in files]))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), names=st.sampled_from(NAMES), strings=st.booleans())
def test_a_log_that_hides_its_states(data: st.DataObject, names: list[str], strings: bool) -> None:
    row = st.tuples(st.sampled_from(names), st.integers(0, 6), st.sampled_from("xyz"), st.sampled_from(["0", "1", ""]))
    files = data.draw(st.lists(st.lists(row, min_size=1, max_size=9), min_size=1, max_size=4))
    if strings:  # nearly all are labelled at their ends
        last = {each[0]: (n, i) for n, file in enumerate(files) for i, each in enumerate(file)}
        files = [
            [(name, 9 * n + i, word, "1" if last[name] == (n, i) else "") for i, (name, _, word, _) in enumerate(file)]
            for n, file in enumerate(files)
        ]
    with tempfile.TemporaryDirectory() as folder:
        found = check(written(folder, "trace,step,trigger,output", files))
    assert not strings or found.outputs == ("1",)


def test_a_trace_may_go_on_in_the_next_file_and_end_in_the_last(tmp_path: Path) -> None:
    files = [
        [("1", 1, "a", "x", "b"), ("2", 1, "a", "x", "b")],
        [("2", 2, "b", "y", "c"), ("3", 1, "a", "x", "b")],
        [("2", 3, "c", "y", "a")],
        [("3", 2, "b", "z", "a"), ("1", 2, "b", "x", "a")],
    ]
    found = check(written(str(tmp_path), "trace,step,current_state,trigger,next_state", files))
    assert found.rows == (5, 2) and found.traces == (2, 1), "a file without a trace of its own is no part"


def test_times_and_other_formats_are_read_in_parts(tmp_path: Path) -> None:
    rows = [
        {"case": f"c{n // 3 % 6}", "time": f"2024-01-{1 + n % 9:02}", "from": one, "input": "x", "to": other}
        for n, (one, other) in enumerate([("a", "b"), ("b", "a")] * 10)
    ]
    files = []
    for number in range(4):
        part = rows[5 * number : 5 * number + 5]
        files.append(tmp_path / f"{number}.{'csv' if number % 2 else 'jsonl'}")
        lines = [",".join(part[0]), *(",".join(row.values()) for row in part)]
        files[-1].write_text("\n".join(lines if number % 2 else map(json.dumps, part)) + "\n")
    found = check(files)
    assert [part.clock for part in found.parts] == ["date"] * 4
    assert found.guessed == ("trace", "state", "trigger", "next_state", "step")


def test_a_log_that_has_to_be_known_whole_is_one_part(tmp_path: Path) -> None:
    header, rng = "step,current_state,trigger,next_state", np.random.default_rng(3)
    trace = [(n, *row[2:]) for n, row in enumerate(days(rng, 60))]
    files = written(str(tmp_path), header, [trace[:25], trace[25:]])
    found = check(files, start_state="Off")
    assert len(found.parts) == 1 and sum(found.traces) > 5
    values = [(n, n // 7 % 3, n // 5 % 2) for n in range(80)]
    files = written(str(tmp_path), "step,Level,Door", [values[:30], values[30:]])
    given = Variables(("Level", "Door"), levels={"Level": (0.5, 1.5)})
    assert len(check(files, variables=given).parts) == 1
    with disk.spooled() as place:
        place.most = 10
        *_, log = gathering(files, variables=given, spread=place)
    assert isinstance(log, Whole) and log.rows == (len(read(files, variables=given)),)


def test_which_traces_begin_in_which_part() -> None:
    numbers = [Numerals(Runs.of(np.array(each))) for each in ([1, 2, 5], [5, 6], [6, 9], [2, 10])]
    words = [tuple(each) for each in numbers]
    for parts in (numbers, words):
        homes = [{home: codes.tolist() for home, codes in each.items()} for each in spanning(parts)]
        assert homes == [{}, {0: [0]}, {1: [0]}, {0: [0]}]


def test_the_first_file_that_is_wrong_is_told(tmp_path: Path) -> None:
    header = "trace,step,current_state,trigger,next_state"
    good, short, empty = ("1", 1, "a", "x", "b"), ("1", 2, "a", "x"), ("1", 2, "a", "", "b")
    files = written(str(tmp_path), header, [[good], [good, empty], [short]])
    for each in (read, whole):
        with pytest.raises(LogError, match=r"1\.csv:3: trigger is empty"):
            each(files)
    other = written(str(tmp_path), "trigger,output", [[("x", 1)]])
    with pytest.raises(LogError, match=r"the columns are .*, but .*0\.csv has"):
        whole([*other, files[1]])


# --- parts of one reading, kept on disk ------------------------------------------------------------------------------

Line = tuple[str, int | str, str, str, str]


def on_disk(path: Path, most: int) -> tuple[str, str, int, list[str]]:
    """What is filtered of a log in a folder, and in how many parts it was."""
    with disk.spooled() as place, pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, "most", most)
        *_, log = gathering(path, spread=place)
        assert isinstance(log, Whole)
        return *printed(log), [str(odd) for odd in log.oddities]


def printed(log: Whole) -> tuple[str, str, int]:
    found = denoise.filtered(log)
    first, traced = [n == 0 for n in range(len(found.parts))], [True] * len(found.parts)
    clean = "".join(log.spread.text(filtered.clean, found.parts, first, traced))
    dropped = "".join(log.spread.text(filtered.dropped, found.parts, first))
    return clean, dropped + str(summary.of_noise(found)), len(found.parts)


def at_once(path: Path) -> tuple[str, str, int, list[str]]:
    *_, log = gathering(path)
    assert isinstance(log, Whole)
    return *printed(log), [str(odd) for odd in log.oddities]


def days(rng: np.random.Generator, length: int) -> list[Line]:
    """Rows of a small machine, a few of them wrong, in traces that end where it is off; steps count on in each."""
    after = {"Off": "Idle", "Idle": "Run", "Run": "Hot", "Hot": "Off"}
    rows, state, trace, step = list[Line](), "Off", 1, 1
    for _ in range(length):
        wrong = rng.random() < 0.04
        rows.append((str(trace), step, state, "go", str(rng.choice([*after])) if wrong else after[state]))
        state, step = after[state], step + 1 + int(rng.random() < 0.02)
        if state == "Off" and rng.random() < 0.3:
            trace, step = trace + 1, 1
    return rows


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    most=st.integers(5, 60),
    columns=st.sampled_from(["tscan", "scan", "can", "tcan"]),
    name=st.sampled_from(["number", "word"]),
    odd=st.sampled_from(["", "one trace", "late", "again", "empty", "dates"]),
)
def test_a_log_that_is_kept_on_disk_is_filtered_alike(seed: int, most: int, columns: str, name: str, odd: str) -> None:
    rng = np.random.default_rng(seed)
    rows = days(rng, 150)
    if odd == "one trace":
        rows = [("1", n, *row[2:]) for n, row in enumerate(rows)]
    elif odd == "late":
        row = rows.pop(int(rng.integers(100)))
        rows.insert(int(rng.integers(100, 149)), row)
    elif odd == "again":
        rows[-1] = (rows[0][0], *rows[-1][1:])
    elif odd == "dates":
        day = np.datetime64("2024-01-01T00:00")
        rows = [(row[0], str(day + np.timedelta64(int(row[1]), "m")), *row[2:]) for row in rows]
    elif odd == "empty":
        rows = [row if rng.random() < 0.95 else (*row[:4], "") for row in rows]
    if name == "word":
        rows = [(f"day {row[0]}", *row[1:]) for row in rows]
    every = {"t": 0, "s": 1, "c": 2, "a": 3, "n": 4}
    step = "time" if odd == "dates" else "step"
    header = ",".join(["trace", step, "current_state", "trigger", "next_state"][every[c]] for c in columns)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK", 128)
        [path] = written(folder, header, [[[row[every[c]] for c in columns] for row in rows]])
        one, other = at_once(path), on_disk(path, most)
    assert (one[0], one[1], one[3]) == (other[0], other[1], other[3])
    assert other[2] > 1 or odd in ("late", "again") or most > 30 or columns in ("can", "scan", "tcan")


def test_one_long_trace_is_in_many_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", 256)
    for columns in (slice(1, None), slice(2, None)):
        trace = [("1", n, *row[2:]) for n, row in enumerate(days(np.random.default_rng(1), 900))]
        rows: list[Sequence[object]] = [tuple[object, ...](row)[columns] for row in trace]
        header = ",".join(["trace", "step", "current_state", "trigger", "next_state"][columns])
        [path] = written(str(tmp_path), header, [rows])
        one, other = at_once(path), on_disk(path, 50)
        assert (one[0], one[1], one[3]) == (other[0], other[1], other[3]) and other[2] > 5


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    [path] = written(str(tmp_path), "trace,step,current_state,trigger,next_state", [days(np.random.default_rng(0), 50)])

    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fsmlearn.disk.pickle.dump", full)
    with pytest.raises(LogError, match="set TMPDIR to a roomier folder"):
        on_disk(path, 20)
