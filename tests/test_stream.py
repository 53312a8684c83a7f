"""Rows through a real pipe: answered as they come, each as it would be alone, in memory that does not grow."""

from __future__ import annotations

import csv
import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machines import WASH
from test_cli import run, workplace
from test_cli_events import SMALL
from test_store import ABOUT, NETWORK

from fsmlearn import arrivals, store
from fsmlearn.cli import stream
from fsmlearn.errors import UnknownNameError
from fsmlearn.predict import Follower

__all__ = ["workplace"]  # a fixture, which leaves the washing machine as wash.fsm

CYCLE = [
    ("Off", "Start"),
    ("Soak", "Level"),
    ("Rinse", "Timer"),
    ("Soak", "Level"),
    ("Rinse", "Timer"),
    ("Drain", "Timer"),
]


class Dribble(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read1(self, size: int | None = -1, /) -> bytes:
        return self.read(self._size)


@contextmanager
def running(command: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the program that reads rows from a pipe."""
    line = [sys.executable, "-m", "fsmlearn", command, "-", "--model", "wash.fsm", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def sent(process: subprocess.Popen[bytes], text: str, lines: int | None = None) -> str:
    """What comes back within a while of what is sent: so many lines, or as many as were sent."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(text.encode())
    process.stdin.flush()
    back, lines = b"", text.count("\n") if lines is None else lines
    while back.count(b"\n") < lines and select.select([process.stdout], [], [], 30)[0]:
        back += os.read(process.stdout.fileno(), 65536)
    return back.decode()


@pytest.mark.parametrize("options", [[], ["--line-buffered"]])
def test_what_has_come_is_answered_before_more_is_waited_for(options: list[str]) -> None:
    with running("predict", *options) as process:
        assert sent(process, "trace,state,trigger\n") == "trace,state,trigger,next_state,probability\n"
        assert sent(process, "1,Off,Start\n2,Off,Start\n") == "1,Off,Start,Soak,1\n2,Off,Start,Soak,1\n"
        assert sent(process, "1,Soak,Level\n1,Rinse,Timer\n") == "1,Soak,Level,Rinse,1\n1,Rinse,Timer,Soak,1\n"
        process.communicate()
        assert process.returncode == 0


def test_line_by_line_each_row_is_written_by_itself() -> None:
    rows = "state,trigger\n" + "Off,Start\n" * 50
    trace = Path("writes.txt")
    code = f"""
import os, sys
from fsmlearn.cli import app, console
def out(text):
    with open({str(trace)!r}, "a") as file:
        file.write(f"{{text.count(chr(10))}}\\n")
console.out = out
app.main()
"""
    for options, writes in (([], ["51"]), (["--line-buffered"], ["1"] * 51)):
        trace.unlink(missing_ok=True)
        command = [sys.executable, "-c", code, "predict", "-", "--model", "wash.fsm", *options]
        subprocess.run(command, input=rows.encode(), check=True)
        assert trace.read_text().split() == writes


def test_it_is_for_rows_alone() -> None:
    result = run("predict", "--state", "Off", "--trigger", "Start", "--line-buffered", "--model", "wash.fsm")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--line-buffered: is for rows on standard input" in result.stderr


@pytest.mark.parametrize(
    ("garbage", "told"),
    [
        (b"Off\n", ":4: has 1 fields where the header has 2"),
        (b'"Off,Start\n', ":4: is not CSV"),
        (b"Off,St\xffart\n", ":4: byte 0xff is not UTF-8; convert the file, for example: iconv"),
        (b"\x80\x00\x01", ":4: a NUL byte, so this is a binary file, not UTF-8; give it as text"),
        (b"x" * (arrivals.LONGEST + 1), ": has a line of more than 16 MiB"),
    ],
)
def test_what_came_before_garbage_is_answered(garbage: bytes, told: str) -> None:
    with running("predict") as process:
        out, error = process.communicate(b"state,trigger\nOff,Start\nDrain,Timer\n" + garbage)
    assert out.decode() == "state,trigger,next_state,probability\nOff,Start,Soak,1\nDrain,Timer,Off,1\n"
    assert error.decode().startswith(f"fsmlearn: <stdin>{told}")
    assert error.count(b"\n") == 1
    assert process.returncode == 2


def test_what_is_no_table_from_the_start_is_told() -> None:
    utf16 = "state,trigger\n".encode("utf-16")
    for text, told in (
        ("x" * 200_000 + "\n", "<stdin>:1: is not CSV"),
        ("\n", "<stdin>: is empty"),
        (utf16, "<stdin>:1: the file is UTF-16, not UTF-8; convert it: iconv"),
    ):
        result = run("predict", "-", "--model", "wash.fsm", stdin=text)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert f"fsmlearn: {told}" in result.stderr
    command = [sys.executable, "-m", "fsmlearn", "predict", "-", "--model", "wash.fsm"]
    with Path("unreadable").open("wb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "fsmlearn: <stdin>: cannot be read (Bad file descriptor); give rows as CSV\n"
    done = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "fsmlearn: <stdin>: is closed; give it rows, or name a file\n"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    with running("predict") as process:
        assert process.stdout is not None
        assert sent(process, "state,trigger\n")
        process.stdout.close()
        process.stdout = None
        _, error = process.communicate(b"Off,Start\n" * 50_000)
    assert (process.returncode, error) == (0, b"")


def test_an_interrupted_stream_ends_with_130() -> None:
    with running("predict") as process:
        sent(process, "state,trigger\nOff,Start\n")
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
    assert process.returncode == 130
    assert error.count(b"\n") == 1


def alone(rows: list[dict[str, str]]) -> list[list[str]]:
    """The cells that each row is given, by one follower for each trace."""
    followers: dict[str, Follower] = {}
    cells = []
    for row in rows:
        follower = followers.setdefault(row["trace"], Follower(WASH))
        try:
            found = follower.answer(row["state"] or None, row["trigger"]).predictions
            follower.move(row["trigger"])
        except UnknownNameError:
            found = ()
        cells.append([found[0].next_state, f"{found[0].probability:.6g}"] if found else ["", ""])
    return cells


# Python's writer leaves a carriage return unquoted where lines end otherwise
WORD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=4) | st.just("a\r\n,b")
ROW = st.fixed_dictionaries(
    {
        "note": WORD,
        "trace": st.sampled_from(["1", "2", "ü,"]),
        "state": st.sampled_from(["Off", "Soak", "Rinse", "Drain", "", "?"]),
        "trigger": st.sampled_from(["Start", "Level", "Timer", "?"]),
    }
)


@given(st.lists(ROW, max_size=12), st.sampled_from(["\n", "\r\n"]), st.sampled_from(",;\t"), st.integers(1, 40))
@settings(deadline=None)
def test_a_stream_is_answered_row_by_row(rows: list[dict[str, str]], end: str, delimiter: str, size: int) -> None:
    text = io.StringIO(newline="")
    columns = ["note", "trace", "state", "trigger"]
    writer = csv.DictWriter(text, columns, delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    out = io.StringIO(newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(Dribble(text.getvalue().encode(), size)))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", io.StringIO())
        status = stream.next_states(WASH, False)
    expected = alone(rows)
    assert status == int(["", ""] in expected)
    answered = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert answered[1:] == [
        [*(row[column] for column in columns), *cells] for row, cells in zip(rows, expected, strict=True)
    ]


def test_events_are_answered_in_bounded_memory_too() -> None:
    store.save("wash.fsm", SMALL, ABOUT, NETWORK)
    with running("predict") as process:
        assert sent(process, "trace,event\n1,a\n") == "trace,event,next_event,probability\n1,a,End,0.666667\n"
        assert sent(process, "2,b\n1,c\n") == "2,b,End,1\n1,c,a,0.6\n"


def peak(process: subprocess.Popen[bytes]) -> int:
    """KiB of memory that the process has held at most."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what a process holds")
@pytest.mark.parametrize("names", ["one trace", "a new trace every row", "no trace", "words that nobody knows"])
def test_a_million_rows_take_the_memory_of_a_few(names: str) -> None:
    def row(i: int) -> str:
        state, trigger = CYCLE[i % 6]
        if names == "words that nobody knows":
            return f"{i},{state}{i},{trigger}{i}\n"
        return f"{i if names == 'a new trace every row' else 1},{state},{trigger}\n"

    with running("predict") as process:
        sent(process, f"{'note' if names == 'no trace' else 'trace'},state,trigger\n")
        seen = []
        for start in range(0, 1_000_000, 1000):
            sent(process, "".join(map(row, range(start, start + 1000))))
            if start in (299_000, 999_000):
                seen.append(peak(process))
    assert seen[1] < seen[0] * 1.1, seen
