"""Reading: every word and line as written, every malformed input refused where it stands."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmlearn import records, streams
from fsmlearn.errors import LogError
from fsmlearn.logs import UNKNOWN, Log, Oddity, Reading, read, reading, write_rows

HEADER = "trace,step,current_state,trigger,next_state\n"
TRICKY = [
    "NA",
    "None",
    "null",
    "nan",
    "On",
    "Off",
    "01",
    "1",
    "1.0",
    "[red]",
    "true",
    "a,b",
    'a"b',
    '"',
    "a\nb",
    "a\r\nb",
    "é",
    "(unknown)",
]

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
calm = settings(max_examples=60, deadline=None)  # a busy machine is no failure

words = st.one_of(st.sampled_from(TRICKY), st.text(characters, max_size=8).map(str.strip).filter(bool))


def write(folder: Path, text: str | bytes, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path) -> str:
    """The line that a user reads, without the folder: what is wrong; what to do."""
    with pytest.raises(LogError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert ";" in message
    return message.replace(f"{path.parent}/", "")


def table(log: Log) -> list[tuple[str, int, str, str, str]]:
    """The rows of a visible log in words."""
    return [
        (log.traces[r], s, log.states[q], log.triggers[a], log.states[p])
        for r, s, q, a, p in zip(
            log.trace.tolist(),
            log.step.tolist(),
            log.state.tolist(),
            log.trigger.tolist(),
            log.next_state.tolist(),
            strict=True,
        )
    ]


def written(log: Log) -> str:
    stream = io.StringIO()
    write_rows(log, stream)
    return stream.getvalue()


def oddities(log: Log) -> dict[str, tuple[int, int]]:
    """What -> how often, and the line of the first."""
    return {odd.what: (odd.count, int(odd.where.rpartition(":")[2])) for odd in log.oddities}


# --- round trips ------------------------------------------------------------------------------------------------

rows_of_words = st.lists(st.tuples(words, words, words), min_size=1, max_size=12)


@calm
@given(
    rows=rows_of_words,
    delimiter=st.sampled_from(",\t;|"),
    ending=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    head=st.sampled_from(["", "\ufeff", "\n \n", "\ufeff\r\n"]),
    tail=st.sampled_from(["", "\n", "\r\n \n\n"]),
    block=st.integers(1, 200),
)
def test_words_and_lines_are_read_as_written(
    rows: list[tuple[str, str, str]], delimiter: str, ending: str, quoting: int, head: str, tail: str, block: int
) -> None:
    text, lines = head, []
    for row in [("state", "trigger", "next state"), *rows]:
        lines.append(1 + text.count("\n"))
        record = io.StringIO()
        csv.writer(record, delimiter=delimiter, lineterminator=ending, quoting=quoting).writerow(row)  # type: ignore[arg-type]
        text += record.getvalue()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK", block)
        log = read(write(Path(folder), text + tail))
    assert table(log) == [("1", i, *row) for i, row in enumerate(rows)]
    assert log.line.tolist() == lines[1:]
    assert list(log.states) == list(dict.fromkeys(word for state, _, then in rows for word in (state, then)))
    assert list(log.triggers) == list(dict.fromkeys(trigger for _, trigger, _ in rows))


maybe_words = st.one_of(st.just(""), words)
rows_with_gaps = st.lists(
    st.tuples(st.sampled_from(["A", "B", "C,D"]), st.integers(-3, 9), maybe_words, words, maybe_words),
    min_size=1,
    max_size=25,
)


@calm
@given(rows=rows_with_gaps)
def test_rows_stand_by_trace_and_step_and_survive_writing(rows: list[tuple[str, int, str, str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADER.strip().split(","), *rows])
    with tempfile.TemporaryDirectory() as folder:
        log = read(write(Path(folder), text.getvalue()))
        again = read(write(Path(folder), written(log), "again.csv"))
    traces = list(dict.fromkeys(row[0] for row in rows))
    expected = sorted(rows, key=lambda row: (traces.index(row[0]), row[1]))  # stable
    assert [(row[0], row[1], row[3]) for row in table(log)] == [(row[0], row[1], row[3]) for row in expected]
    for got, put in zip(table(log), expected, strict=True):
        assert put[2] in ("", got[2]) and put[4] in ("", got[4])
    assert again.fingerprint() == log.fingerprint()
    assert table(again) == table(log)


@calm
@given(rows=rows_of_words, data=st.data())
def test_a_malformed_row_is_found_on_its_line_in_every_block(
    rows: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    bad, said = data.draw(
        st.sampled_from(
            [
                ("9,a,b\n", "3 fields, but the header has 4"),
                ("9,a,b,c,d\n", "5 fields"),
                ("9,a, ,c\n", "trigger is empty"),
                ("x,a,b,c\n", "step 'x' is no whole number"),
                ("1.5,a,b,c\n", "step '1.5'"),
                (",a,b,c\n", "step ''"),
                ('9,a"b,c,d\n', "a quote"),
                ('9,"a"b,c,d\n', "a quoted field"),
            ]
        )
    )
    place = data.draw(st.integers(0, len(rows)))
    text, line = "step,state,trigger,next state\n", 0
    for i in range(len(rows) + 1):
        if i == place:
            line = 1 + text.count("\n")
            text += bad
        if i < len(rows):
            record = io.StringIO()
            csv.writer(record, lineterminator="\n").writerow([i, *rows[i]])
            text += record.getvalue()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK", data.draw(st.integers(1, 200)))
        message = refused(write(Path(folder), text))
    assert message.startswith(f"log.csv:{line}: ") and said in message


# --- what a log may look like -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "trace,step,current_state,trigger,next_state",
        "Trace;STEP;Current State;Trigger;Next-State",
        "case id\tindex\tfrom\taction\tto",
        " run |step|state|input|next state",
        "Case_ID,Step,Source,Event,Target",
    ],
)
def test_headers_are_known_by_their_names(tmp_path: Path, header: str) -> None:
    delimiter = next(c for c in ",;\t|" if c in header)
    log = read(write(tmp_path, f"{header}\n" + delimiter.join(["A", "1", "Off", "Power", "Idle"]) + "\n"))
    assert log.kind == "visible"
    assert table(log) == [("A", 1, "Off", "Power", "Idle")]
    names = [name.strip() for name in header.split(delimiter)]
    assert log.columns == dict(zip(["trace", "step", "state", "trigger", "next_state"], names, strict=True))


def test_columns_may_stand_anywhere_among_others(tmp_path: Path) -> None:
    log = read(
        write(tmp_path, "note,next_state,colour,trigger,current_state,source\nx,Idle,2020-01-01,Power,Off,panel\n")
    )
    assert table(log) == [("1", 0, "Off", "Power", "Idle")]


def test_an_output_at_the_end_of_every_trace_labels_it(tmp_path: Path) -> None:
    text = "trace,step,trigger,output\nA,0,x,\nA,1,y,no\nB,0,y,yes\nC,0,x,\nC,1,x,\nC,2,x,yes\n"
    log = read(write(tmp_path, text))
    assert log.outputs == ("no", "yes") and log.output.tolist() == [-1, 0, 1, -1, -1, 1]
    [oddity] = log.oddities
    assert (oddity.what, oddity.count, oddity.where) == ("unrecorded output", 3, f"{tmp_path / 'log.csv'}:2")
    assert written(log) == text


@pytest.mark.parametrize(
    "rows",
    [
        "A,0,x,\nA,1,y,no\nB,0,y,\n",  # a trace without a label
        "A,0,x,\nA,1,x,yes\nA,2,y,no\n",  # an output before the end
        "A,0,x,yes\nB,0,y,\n",
    ],
)
def test_an_empty_output_is_a_word_elsewhere(tmp_path: Path, rows: str) -> None:
    text = "trace,step,trigger,output\n" + rows
    log = read(write(tmp_path, text))
    assert "" in log.outputs and log.output.min() == 0 and not log.oddities
    assert written(log) == text


def test_outputs_of_a_visible_log(tmp_path: Path) -> None:
    log = read(write(tmp_path, "state,trigger,next_state,output\na,x,b,beep\nb,x,a,\n"))
    assert log.outputs == ("beep", "") and log.output.tolist() == [0, 1]
    assert written(log) == "step,current_state,trigger,next_state,output\n0,a,x,b,beep\n1,b,x,a,\n"


def test_hidden_and_sequence_logs(tmp_path: Path) -> None:
    hidden = read(write(tmp_path, "run,input,output\nA,x,0\nB,x,0\nA,y,1\n"))
    assert (hidden.kind, hidden.triggers, hidden.outputs, hidden.states) == ("hidden", ("x", "y"), ("0", "1"), ())
    assert hidden.trigger.tolist() == hidden.output.tolist() == [0, 1, 0]
    assert set(hidden.state.tolist()) == {UNKNOWN} == set(hidden.next_state.tolist())
    assert written(hidden) == "trace,step,trigger,output\nA,0,x,0\nA,1,y,1\nB,0,x,0\n"
    sequence = read(write(tmp_path, "activity\nwake\n\nsleep\nwake\n"))
    assert (sequence.kind, sequence.triggers, sequence.outputs) == ("sequence", ("wake", "sleep"), ())
    assert sequence.trigger.tolist() == [0, 1, 0] and sequence.line.tolist() == [2, 4, 5]
    assert written(sequence) == "step,event\n0,wake\n1,sleep\n2,wake\n"


def test_columns_can_be_told(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b,c,state\n1,2,3,4\n")
    log = read(path, columns={"state": "a", "trigger": "b", "next_state": "C"})
    assert table(log) == [("1", 0, "1", "2", "3")]
    assert read(path, columns={"event": "state"}).kind == "sequence"
    assert read(path, columns={"trigger": "a", "output": "b"}).kind == "hidden"
    replied = read(
        write(tmp_path, "state,trigger,next_state,reply\na,x,b,beep\n", "r.csv"), columns={"output": "reply"}
    )
    assert (replied.kind, replied.outputs) == ("visible", ("beep",))
    with pytest.raises(LogError, match=r"no column 'bb' for the trigger; .* did you mean 'b'"):
        read(path, columns={"trigger": "bb"})
    with pytest.raises(LogError, match="'colour' is no role"):
        read(path, columns={"colour": "a"})


def check_packed(folder: Path, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    data = compress(f"{HEADER}A,1,Off,Power,Idle\n".encode())
    assert table(read(write(folder, data, f"log.csv.{suffix}"))) == [("A", 1, "Off", "Power", "Idle")]
    for broken in (data[: len(data) // 2], b"no such format"):
        message = refused(write(folder, broken, f"bad.csv.{suffix}"))
        assert message.startswith(f"bad.csv.{suffix}: ") and "whole" in message


@pytest.mark.parametrize("pack", [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_packed_logs(tmp_path: Path, pack: tuple[str, Callable[[bytes], bytes]]) -> None:
    check_packed(tmp_path, *pack)


def test_zstandard_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    with monkeypatch.context() as patch:
        patch.setattr(streams, "import_module", absent)
        assert "install it, or unpack the file" in refused(write(tmp_path, b"", "log.csv.zst"))
    check_packed(tmp_path, "zst", pytest.importorskip("backports.zstd").compress)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(f"{HEADER}A,1,Off,Power,Idle\n".encode())))
    log = read("-")
    assert table(log) == [("A", 1, "Off", "Power", "Idle")]
    assert log.where(0) == "<stdin>:2"


def test_several_files_are_one_log(tmp_path: Path) -> None:
    one = write(tmp_path, f"{HEADER}A,1,a,x,b\nB,1,a,x,a\n", "one.csv")
    two = write(tmp_path, "Next State;Trigger;State;Step;Trace\nc;y;b;2;A\nc;y;b;1;C\n", "two.csv")
    log = read([one, two])
    assert table(log) == [
        ("A", 1, "a", "x", "b"),
        ("A", 2, "b", "y", "c"),
        ("B", 1, "a", "x", "a"),
        ("C", 1, "b", "y", "c"),
    ]
    assert [log.where(row) for row in range(4)] == [f"{one}:2", f"{two}:2", f"{one}:3", f"{two}:3"]
    assert log.files == (str(one), str(two))


def test_without_a_trace_column_each_file_begins_a_trace(tmp_path: Path) -> None:
    one = write(tmp_path, "step,state,trigger,next_state\n1,a,x,b\n", "one.csv")
    two = write(tmp_path, "step,state,trigger,next_state\n2,b,x,a\n", "two.csv")
    log = read([one, two])
    assert log.traces == ("1", "2") and log.offsets.tolist() == [0, 1, 2]
    assert written(log).splitlines()[1:] == ["1,1,a,x,b", "2,2,b,x,a"]


@pytest.mark.parametrize(
    ("steps", "lengths"),
    [
        ([1, 2, 3, 1, 2, 3], [3, 3]),  # back to the first step
        ([0, 1, 0, 1], [2, 2]),
        ([5, 6, 7, 2, 3], [3, 2]),  # below the first step
        ([1, 2, 3, 4, 5, 2, 3], [5, 2]),  # falls by more than two
        ([1, 3, 2, 4], [4]),  # a fall of one or two is disorder
        ([1, 2, 5, 3, 4], [5]),
        ([1, 1, 2, 2], [4]),  # no fall, no new trace
        ([3, 1, 2, 3, 1], [1, 3, 1]),
    ],
)
def test_where_traces_begin_without_a_trace_column(tmp_path: Path, steps: Sequence[int], lengths: list[int]) -> None:
    log = read(write(tmp_path, "step,state,trigger,next_state\n" + "".join(f"{step},a,x,a\n" for step in steps)))
    assert np.diff(log.offsets).tolist() == lengths
    assert log.traces == tuple(str(i + 1) for i in range(len(lengths)))


def test_steps_may_be_whole_numbers_of_any_kind(tmp_path: Path) -> None:
    log = read(
        write(tmp_path, "step,state,trigger,next_state\n-1,a,x,a\n+0,a,x,a\n1.0,a,x,a\n 2.,a,x,a\n\u00a03,a,x,a\n")
    )
    assert log.step.tolist() == [-1, 0, 1, 2, 3]


@calm
@given(
    states=st.lists(st.sampled_from("abc"), min_size=2, max_size=30),
    names=st.sampled_from([None, "AAB", "A A.2 B"]),
    start=st.sampled_from("abc"),
)
def test_a_long_trace_is_cut_where_the_machine_is_back(states: list[str], names: str | None, start: str) -> None:
    moves = list(pairwise(states))
    columns = ["state,trigger,next_state\n", *(f"{one},x,{other}\n" for one, other in moves)]
    if names:
        known = names.split() if " " in names else list(names)
        columns = ["trace," + columns[0], *(f"{known[n * 3 // len(moves)]},{row}" for n, row in enumerate(columns[1:]))]
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), "".join(columns))
        whole = read(path)
        if start not in states[:-1]:
            with pytest.raises(LogError, match=f"no row is in the start state '{start}'; "):
                read(path, start_state=start)
            return
        log = read(path, start_state=start)
    assert [row[2:] for row in table(log)] == [row[2:] for row in table(whole)]
    begins = set(whole.offsets[:-1].tolist())
    back = {n for n, (one, _) in enumerate(moves) if one == start and (n == 0 or moves[n - 1][0] != start)}
    assert set(log.offsets[:-1].tolist()) == begins | back
    assert len(set(log.traces)) == len(log.traces)
    if names is None:
        assert log.traces == tuple(str(n + 1) for n in range(len(log.traces)))


def test_a_log_without_states_has_no_start_state(tmp_path: Path) -> None:
    path = write(tmp_path, "event\na\n")
    with pytest.raises(LogError, match="a start state cuts traces, but this log shows no states; leave it out"):
        read(path, start_state="a")
    path = write(tmp_path, HEADER + "A,1,Off,x,On\n")
    with pytest.raises(LogError, match="no row is in the start state 'Of'; did you mean 'Off'"):
        read(path, start_state="Of")


# --- what is odd ------------------------------------------------------------------------------------------------


def test_oddities_are_counted_and_placed(tmp_path: Path) -> None:
    text = HEADER + (
        "A,1,a,x,b\n"
        "A,3,c,x,d\n"  # line 3: out of order with the next, which closes the gap
        "A,2,b,x,c\n"
        "A,3,c,x,d\n"  # line 5: a row twice
        "A,3,d,y,a\n"  # line 6: another row of the same step
        "A,6,b,x,c\n"  # line 7: after a gap; a break there is explained by it
        "A,7,a,x,a\n"  # line 8: c is not a
    )
    log = read(write(tmp_path, text))
    assert oddities(log) == {
        "row out of order": (1, 4),
        "broken chain": (2, 3),  # row 3 shows d and then c again (line 5), and line 7 shows c and then a
        "repeated row": (1, 5),
        "duplicated step": (1, 6),
        "gap in steps": (1, 7),
    }
    assert log.line.tolist() == [2, 4, 3, 5, 6, 7, 8]
    assert all(isinstance(odd, Oddity) and odd.done for odd in log.oddities)


def test_a_sound_log_has_no_oddities(tmp_path: Path) -> None:
    assert read(write(tmp_path, HEADER + "A,10,a,x,b\nB,10,a,x,b\nA,11,b,y,a\n")).oddities == ()
    steps_of_ten = "".join(f"A,{step},a,x,a\n" for step in range(0, 100, 10))
    assert read(write(tmp_path, HEADER + steps_of_ten)).oddities == ()


def test_an_empty_state_takes_the_word_across_the_junction(tmp_path: Path) -> None:
    log = read(write(tmp_path, HEADER + "A,1,a,x,\nA,2,b,x,c\nA,3,,x,d\n"))
    assert table(log) == [("A", 1, "a", "x", "b"), ("A", 2, "b", "x", "c"), ("A", 3, "c", "x", "d")]
    assert oddities(log) == {"empty next_state": (1, 2), "empty current_state": (1, 4)}
    assert log.unrecorded == UNKNOWN


def test_a_state_that_nobody_recorded_is_a_state(tmp_path: Path) -> None:
    log = read(write(tmp_path, HEADER + "A,1,a,x,\nA,2,,y,b\nB,1,a,x,\nC,5,b,x,\nC,7,a,x,b\nC,8,b,x,b\nC,9,b,x,b\n"))
    assert log.states[log.unrecorded] == "(unknown)"
    assert [(row[2], row[4]) for row in table(log)] == [
        ("a", "(unknown)"),
        ("(unknown)", "b"),
        ("a", "(unknown)"),  # the next row is of another trace
        ("b", "(unknown)"),  # rows are missing before the next
        ("a", "b"),
        ("b", "b"),
        ("b", "b"),
    ]
    assert {"unrecorded next_state": (3, 2), "unrecorded current_state": (1, 3)}.items() <= oddities(log).items()
    assert "A,1,a,x,\nA,2,,y,b\n" in written(log)


def test_the_word_for_unrecorded_is_none_of_the_log(tmp_path: Path) -> None:
    log = read(write(tmp_path, HEADER + "A,1,(unknown),x,\nB,1,(unknown 2),x,a\n"))
    assert log.states[log.unrecorded] == "(unknown 3)"
    assert written(log) == HEADER + "A,1,(unknown),x,\nB,1,(unknown 2),x,a\n"


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "start", "part"),
    [
        (b"", "log.csv: ", "empty"),
        (b"\xef\xbb\xbf\n \n", "log.csv: ", "empty"),
        (HEADER, "log.csv:1: ", "no rows"),
        (HEADER + "\n\n", "log.csv:1: ", "no rows"),
        ("\n\n" + HEADER, "log.csv:3: ", "no rows"),
        ("event\n", "log.csv:1: ", "no rows"),
        ("event\ra\rb\r", "log.csv:1: ", "carriage return"),
        ("\n" + HEADER.replace("\n", "\r") + "A,1,a,x,b\rA,2,b,x,c", "log.csv:2: ", "carriage return"),
        (HEADER.encode() + b"A,1,a,x,b\nA,2,\0,x,b\n", "log.csv:3: ", "binary"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "log.csv:3: ", "binary"),
        (HEADER.encode("utf-16"), "log.csv:1: ", "UTF-16"),
        (HEADER.encode() + "A,1,a,x,b\nA,2,ä,x,b\n".encode("latin-1"), "log.csv:3: ", "byte 0xe4 is not UTF-8"),
        ("tr\xe4ce,event\n".encode("latin-1"), "log.csv:1: ", "byte 0xe4 is not UTF-8"),
        (HEADER + 'A,1,"a\n\n",x,b\nA,2,"a,x,b\nA,3,a,x,b\n', "log.csv:5: ", "quoted field"),
        (HEADER + 'A,1,a,x,b"c\n', "log.csv:2: ", "quote the whole field"),
        (HEADER + ",1,a,x,b\n", "log.csv:2: ", "trace is empty; fill in column 'trace'"),
        (HEADER + 'A,1,"a\nb",x,c\nA,2,a," ",b\n', "log.csv:4: ", "trigger is empty; fill in column 'trigger'"),
        ("step,event\n1,a\n2,\n", "log.csv:3: ", "event is empty"),
        (HEADER + "A,2020-01-01,a,x,b\n", "log.csv:2: ", "step '2020-01-01' is no whole number"),
        (HEADER + "A,1,a,x,b\nA,True,a,x,b\n", "log.csv:3: ", "step 'True'"),
        (HEADER + "A,inf,a,x,b\n", "log.csv:2: ", "step 'inf'"),
        (HEADER + "A,99999999999999999999,a,x,b\n", "log.csv:2: ", "step '99999999999999999999'"),
        ("state,trigger,next_stat\na,b,c\n", "log.csv:1: ", "rename 'next_stat' to next_state"),
        ("state,trigger\na,b\n", "log.csv:1: ", "no column for the next_state in 'state', 'trigger'"),
        ("a,b,c\n1,2,3\n", "log.csv:1: ", "no column for the current_state"),
        ('{"trace": 1}\n{"trace": 2}\n', "log.csv:1: ", ""),
        (
            "state,from_state,trigger,next_state\na,b,c,d\n",
            "log.csv:1: ",
            "'state', 'from_state' could all be the current_state",
        ),
        ("step,Step,event\n1,2,a\n", "log.csv:1: ", "'step', 'Step' could all be the step"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_remedy(tmp_path: Path, text: str | bytes, start: str, part: str) -> None:
    message = refused(write(tmp_path, text))
    assert message.startswith(start) and part in message


def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LogError, match=r"none.csv: no such file; "):
        read(tmp_path / "none.csv")
    with pytest.raises(LogError, match="is a directory; "):
        read(tmp_path)
    with pytest.raises(LogError, match="no log given; "):
        read([])

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)  # the superuser may open everything
    with pytest.raises(LogError, match="permission denied; "):
        read(tmp_path / "secret.csv")


def test_logs_of_two_kinds_are_no_one_log(tmp_path: Path) -> None:
    one = write(tmp_path, f"{HEADER}A,1,a,x,b\n", "one.csv")
    two = write(tmp_path, "trace,event\nA,x\n", "two.csv")
    with pytest.raises(LogError, match=r"two.csv:1: the columns are .*one.csv has .*; give logs"):
        read([one, two])


def test_a_quote_that_never_closes_is_not_read_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", 64)
    monkeypatch.setattr(records, "LONGEST_RECORD", 256)
    path = write(tmp_path, HEADER + 'A,1,a,x,b\nA,2,"a,x,b\n' + "A,3,a,x,b\n" * 1000)
    with pytest.raises(LogError, match=r"log.csv:3: a quoted field"):
        read(path)
    with pytest.raises(LogError, match=r"log.csv:1: a line that ends in a carriage return alone, or never; "):
        read(write(tmp_path, "A,1,a,x,b\r" * 100))


# --- Log --------------------------------------------------------------------------------------------------------


@calm
@given(rows=rows_with_gaps, data=st.data())
def test_selecting_keeps_rows_words_and_places(rows: list[tuple[str, int, str, str, str]], data: st.DataObject) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADER.strip().split(","), *rows])
    with tempfile.TemporaryDirectory() as folder:
        log = read(write(Path(folder), text.getvalue()))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(log), max_size=len(log))))
    part = log.select(mask)
    assert table(part) == [row for row, kept in zip(table(log), mask, strict=True) if kept]
    assert table(log.select(np.flatnonzero(mask))) == table(part)
    assert [part.where(i) for i in range(len(part))] == [log.where(int(i)) for i in np.flatnonzero(mask)]
    assert part.states == log.states and part.triggers == log.triggers
    assert np.diff(part.offsets).min(initial=1) > 0 and part.offsets[-1] == len(part)
    assert (part.fingerprint() == log.fingerprint()) == bool(mask.all())
    traces = data.draw(st.sets(st.integers(0, len(log.traces) - 1)))
    chosen = log.select_traces(np.array(sorted(traces), np.int64))
    assert table(chosen) == [row for row in table(log) if log.traces.index(row[0]) in traces]


def test_rows_may_change_places_inside_a_trace_only(tmp_path: Path) -> None:
    log = read(write(tmp_path, HEADER + "A,1,a,x,b\nA,2,b,x,c\nB,1,a,x,b\n"))
    assert log.select(np.array([1, 0, 2])).line.tolist() == [3, 2, 4]
    with pytest.raises(ValueError, match="trace by trace"):
        log.select(np.array([0, 2, 1]))


def test_the_fingerprint_tells_logs_apart_and_knows_equals(tmp_path: Path) -> None:
    prints = [
        read(write(tmp_path, text, f"{i}.csv")).fingerprint()
        for i, text in enumerate(
            [
                HEADER + "A,1,a,x,b\nA,2,b,y,a\n",
                "note;trace;step;state;input;next state\n\n;A;1.0;a;x;b\n;A;2.0;b;y;a\n",  # the same, written otherwise
                HEADER + "A,1,a,x,b\nA,3,b,y,a\n",
                HEADER + "A,1,a,x,b\nA,2,b,z,a\n",
                HEADER + "B,1,a,x,b\nB,2,b,y,a\n",
                HEADER + "A,1,a,x,b\nB,2,b,y,a\n",
                HEADER + "A,1,a,x,b\nA,2,b,x,a\n",
            ]
        )
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == len(prints) - 1


# --- two ways through the bytes, and how far one is --------------------------------------------------------------

plain_words = st.sampled_from(["a", "Off", "a state of many letters", "é", "NA", "7", " b"])
plain_rows = st.lists(
    st.tuples(st.sampled_from(["1", "2", "3", "10", "07", "A"]), st.integers(0, 12), *[plain_words] * 3),
    min_size=1,
    max_size=30,
)


@calm
@given(rows=plain_rows, block=st.integers(1, 300), column=st.booleans())
def test_quoted_or_not_and_wherever_blocks_end_a_log_is_the_same(
    rows: list[tuple[str, int, str, str, str]], block: int, column: bool
) -> None:
    logs = []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for quoting, size in ((csv.QUOTE_MINIMAL, 1 << 20), (csv.QUOTE_MINIMAL, block), (csv.QUOTE_ALL, block)):
            text = io.StringIO()
            written_rows = [HEADER.strip().split(","), *rows]
            csv.writer(text, lineterminator="\n", quoting=quoting).writerows(  # type: ignore[arg-type]
                row if column else row[1:] for row in written_rows
            )
            patch.setattr(streams, "BLOCK", size)
            logs.append(read(write(Path(folder), text.getvalue())))
    first, *others = logs
    for log in others:
        assert log.fingerprint() == first.fingerprint()
        assert log.line.tolist() == first.line.tolist() and log.oddities == first.oddities


def test_more_words_than_a_byte_can_number(tmp_path: Path) -> None:
    rows = [("1", i, f"s{i}", f"t{i % 200}", f"s{i + 1}") for i in range(300)]
    text = HEADER + "".join(",".join(map(str, row)) + "\n" for row in rows)
    for each in (text, text.replace("s299", '"s299"')):
        log = read(write(tmp_path, each))
        assert table(log) == rows
        assert log.state.max() == 299 and log.next_state.max() == 300


def test_traces_that_stop_counting_keep_their_names(tmp_path: Path) -> None:
    names = ["1", "2", "9", "10", "A", "9", "2", "11"]
    log = read(write(tmp_path, HEADER + "".join(f"{name},{i},a,x,a\n" for i, name in enumerate(names))))
    assert log.traces == ("1", "2", "9", "10", "A", "11")
    assert log.step.tolist() == [0, 1, 6, 2, 5, 3, 4, 7]


def test_reading_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK", 64)
    text = HEADER + "A,1,a,x,b\n" * 40
    one, two = write(tmp_path, text, "one.csv"), write(tmp_path, gzip.compress(text.encode()), "two.csv.gz")
    *seen, log = reading([one, two])
    assert isinstance(log, Log) and len(log) == 80
    told = [each for each in seen if isinstance(each, Reading)]
    assert len(told) == len(seen) > 10
    assert [each.rows for each in told] == sorted({each.rows for each in told}) and told[-1].rows == 80
    assert {(each.name, each.size) for each in told} == {(str(one), len(text)), (str(two), None)}
    assert max(each.bytes for each in told if each.size) == len(text)


@pytest.mark.slow
def test_memory_follows_what_differs_not_the_rows(tmp_path: Path) -> None:
    day = "Off,Power,Idle\nIdle,Start,Run\nRun,Timer,Idle\nIdle,Power,Off\n".splitlines()
    path = tmp_path / "log.csv"
    with path.open("w") as file:
        file.write(HEADER)
        for start in range(0, 1_000_000, 10_000):
            file.write("".join([f"{n},{i},{row}\n" for n in range(start, start + 10_000) for i, row in enumerate(day)]))
    program = (
        "import sys\nfrom fsmlearn.denoise import denoise\nfrom fsmlearn.logs import read\n"
        "denoise(read(sys.argv[1]))\nprint(open('/proc/self/status').read())"
    )
    used = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=True, text=True)
    # getrusage would count what this process held when it started the other
    peak = int(used.stdout.split("VmHWM:")[1].split()[0]) // 1024
    assert peak < 220  # MiB for four million rows; arrays of eight bytes would take 32 each
