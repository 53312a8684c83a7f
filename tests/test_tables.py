"""Logs in other formats: the same log however it is written, and every malformed one refused where it stands."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from xml.sax.saxutils import quoteattr

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_logs import refused

from fsmlearn import streams, xes
from fsmlearn.errors import LogError
from fsmlearn.logs import Log, Reading, read, reading

COLUMNS = ("trace", "step", "current_state", "trigger", "next_state")
Rows = Sequence[tuple[str, int, str, str, str]]


def as_csv(rows: Rows) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue().encode()


def as_json(rows: Rows) -> bytes:
    return "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in rows).encode()


def as_parquet(rows: Rows) -> bytes:
    file = io.BytesIO()
    columns = zip(*rows, strict=True)
    table = pa.table({name: list(column) for name, column in zip(COLUMNS, columns, strict=True)})
    pq.write_table(table, file, row_group_size=5)
    return file.getvalue()


def as_xes(rows: Rows) -> bytes:
    """The events of a trace stand together, as XES has it."""
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0" xmlns="http://www.xes-standard.org/">\n'
    text += '<global scope="event"><string key="concept:name" value="no event"/></global>\n'
    for trace in dict.fromkeys(row[0] for row in rows):
        text += f'<trace><string key="concept:name" value={attribute(trace)}/>\n'
        for _, step, state, trigger, then in (row for row in rows if row[0] == trace):
            text += f'<event><int key="step" value="{step}"/><string key="concept:name" value={attribute(trigger)}>'
            text += '<string key="current_state" value="nested, no attribute of the event"/></string>'
            text += f'<string key="current_state" value={attribute(state)}/>'
            text += f'<string key="next_state" value={attribute(then)}/></event>\n'
        text += "</trace>\n"
    return (text + "</log>\n").encode()


def attribute(word: str) -> str:
    return quoteattr(word, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


WAYS: dict[str, Callable[[Rows], bytes]] = {"csv": as_csv, "jsonl": as_json, "parquet": as_parquet, "xes": as_xes}

# what XML 1.0 can hold
letters = st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufffe\uffff")
odd = st.sampled_from(
    ["NA", "null", "true", "01", "1", "1.0", "Off", "a,b", 'a"b', "a\nb", "<b>&amp;", "{}", "é", "[x]"]
)
words = odd | st.text(letters, min_size=1, max_size=6).map(str.strip).filter(bool)
rows = st.lists(
    st.tuples(st.sampled_from(["A", "7", "B b"]), st.integers(0, 9), words, words, words), min_size=1, max_size=20
)


def write(folder: Path | str, name: str, data: bytes | str) -> Path:
    path = Path(folder) / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes) -> Log:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    return read("-")


# --- the same log -----------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(rows=rows, block=st.integers(1, 300))
def test_a_log_is_the_same_in_every_format(rows: Rows, block: int) -> None:
    in_order = [row for trace in dict.fromkeys(row[0] for row in rows) for row in rows if row[0] == trace]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        logs = {name: read(write(folder, f"log.{name}", way(in_order))) for name, way in WAYS.items()}
        patch.setattr(streams, "BLOCK", block)
        patch.setattr(xes, "BYTES", block)
        patch.setattr(xes, "EVENTS", 3)
        logs |= {f"{name} in pieces": read(write(folder, f"log.{name}", way(in_order))) for name, way in WAYS.items()}
    for name, log in logs.items():
        assert log.fingerprint() == logs["csv"].fingerprint(), name
        assert [odd.what for odd in log.oddities] == [odd.what for odd in logs["csv"].oddities], name
    assert logs["parquet"].line.tolist() == logs["jsonl"].line.tolist()
    assert sorted(logs["jsonl"].line.tolist()) == list(range(1, len(rows) + 1))
    elements = as_xes(in_order).decode().split("\n")
    assert all(elements[line - 1].startswith("<event>") for line in logs["xes"].line.tolist())


ROWS: Rows = [("A", 1, "Off", "Power", "On"), ("A", 2, "On", "Power", "Off"), ("B", 1, "Off", "Power", "On")]


def test_files_of_different_formats_are_one_log(tmp_path: Path) -> None:
    parts = [
        write(tmp_path, f"{n}.{name}", WAYS[name](ROWS[n : n + 1])) for n, name in enumerate(("csv", "jsonl", "xes"))
    ]
    log = read(parts)
    assert log.fingerprint() == read(write(tmp_path, "whole.csv", as_csv(ROWS))).fingerprint()
    assert [log.where(row).rpartition("/")[2] for row in range(3)] == ["0.csv:2", "1.jsonl:1", "2.xes:5"]


@pytest.mark.parametrize("name", WAYS)
def test_a_log_may_be_packed_or_come_from_a_pipe(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = WAYS[name](ROWS)
    expected = read(write(tmp_path, f"log.{name}", data)).fingerprint()
    assert read(write(tmp_path, f"log.{name}.gz", gzip.compress(data))).fingerprint() == expected
    assert piped(monkeypatch, data).fingerprint() == expected
    assert (
        read(write(tmp_path, "log.txt", b"\n \n" + data if name in ("csv", "jsonl") else data)).fingerprint()
        == expected
    )


@pytest.mark.parametrize("name", WAYS)
def test_reading_tells_how_far_it_is(name: str, tmp_path: Path) -> None:
    data = WAYS[name](ROWS)
    *told, log = reading(write(tmp_path, f"log.{name}", data))
    last = told[-1]
    assert isinstance(last, Reading) and isinstance(log, Log)
    assert (last.rows, last.bytes, last.size) == (3, len(data), len(data))


def test_values_of_json_are_the_words_that_are_written(tmp_path: Path) -> None:
    cells = ["01", "1.50", "1e3", "true", "null", "NaN", '" a "', "-0"]
    lines = "".join(
        f'{{"event": "x", "note": {{"a": [1]}}, "trace": {cell if cell != "01" else "1"}}}\n' for cell in cells
    )
    log = read(write(tmp_path, "log.jsonl", lines.replace("null", '"null"')))
    assert list(log.traces) == ["1", "1.50", "1e3", "true", "null", "NaN", "a", "-0"]


def test_a_missing_key_is_an_empty_cell(tmp_path: Path) -> None:
    text = '{"state": "a", "trigger": "x"}\n\n{"trigger": "x", "next_state": "c", "state": null}\n'
    log = read(write(tmp_path, "log.jsonl", text))
    assert [odd.what for odd in log.oddities] == ["unrecorded current_state", "unrecorded next_state"]
    assert log.line.tolist() == [1, 3]


def test_columns_of_parquet_may_be_of_any_plain_type(tmp_path: Path) -> None:
    table = pa.table(
        {
            "trace": pa.array([1, 1, 2]),
            "time": pa.array([0, 500_000, 0], pa.timestamp("us", "UTC")),
            "state": pa.array(["a", "b", "a"]).dictionary_encode(),
            "trigger": pa.array([True, False, True]),
            "next_state": pa.array(["b", None, "b"]),
            "output": pa.array([1.5, 2.0, None]),
            "nested": pa.array([[1], [2], [3]]),
        }
    )
    pq.write_table(table, tmp_path / "log.parquet")
    log = read(tmp_path / "log.parquet")
    assert (log.traces, log.clock, log.step.tolist()) == (("1", "2"), "date", [0, 500_000, 0])
    assert (log.triggers, log.outputs) == (("true", "false"), ("1.5", "2", ""))
    with pytest.raises(LogError, match=r"no column 'nested' for the trigger"):
        read(tmp_path / "log.parquet", columns={"trigger": "nested"})


def test_events_of_xes_have_the_attributes_of_their_trace(tmp_path: Path) -> None:
    text = """<log><trace><string key="machine" value="M1"/>
<event><string key="concept:name" value="wake"/><date key="time:timestamp" value="2024-01-31T10:00:01+01:00"/></event>
<event><string key="concept:name" value="yawn"/><date key="time:timestamp" value="2024-01-31T08:00:00Z"/></event>
</trace><trace/><trace><string key="concept:name" value="two"/><string key="machine" value="M1"/>
<event><string key="concept:name" value="sleep"/><date key="time:timestamp" value="2024-01-31T12:00:00Z"/></event>
</trace></log>"""
    log = read(write(tmp_path, "log.xes", text))
    assert (log.kind, log.traces, log.guessed) == ("sequence", ("1", "two"), ("step",))
    assert [log.triggers[code] for code in log.trigger.tolist()] == ["yawn", "wake", "sleep"]  # by time
    assert read(tmp_path / "log.xes", columns={"trace": "case:machine"}).traces == ("M1",)


# --- what is refused --------------------------------------------------------------------------------------------------

EVENT = '<log>\n<trace>\n<event><string key="concept:name" value="a"/></event>\n'


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "l.jsonl",
            '{"event": "a"}\n{"event": \n',
            "l.jsonl:2: is not JSON (Expecting value at character 11); write one",
        ),
        ("l.jsonl", '{"event": "a"}\n\n["b"]\n', "l.jsonl:3: is no JSON object; write one object a line"),
        (
            "l.jsonl",
            '[{"event": "a"}]\n',
            "l.jsonl:1: is no JSON object; write one object a line, for example with: jq",
        ),
        ("l.jsonl", '{\n"event": "a"}\n', "l.jsonl:1: is not JSON"),
        ("l.jsonl", '{"event": "a"}\n{"event": {"b": 1}}\n', "l.jsonl:2: 'event' is an object or a list; give a word"),
        ("l.jsonl", '{"event": "a"}\n{"even": "b"}\n', "l.jsonl:2: event is empty; fill in column 'event'"),
        ("l.jsonl", '{"event": "a"}\n{"event": "\\ud800"}\n', "l.jsonl:2: '\\ud800' holds a NUL or half a character"),
        ("l.jsonl", '{"event": "a\\u0000"}\n', "l.jsonl:1: 'a\\x00' holds a NUL"),
        (
            "l.jsonl",
            '{"step": 1, "event": "a"}\n{"step": "x", "event": "b"}\n',
            "l.jsonl:2: step 'x' is no whole number",
        ),
        ("l.jsonl", '{"a": 1}\n', "l.jsonl:1: no column for the"),
        ("l.jsonl", b'{"event": "\xe4"}\n', "l.jsonl:1: byte 0xe4 is not UTF-8; convert the file"),
        ("l.jsonl", '{"event": "a"}\n' + "[" * 100_000, "l.jsonl:2: is "),
        ("l.jsonl", "", "l.jsonl: the file is empty; give a log with records"),
        ("l.jsonl", "\n \n", "l.jsonl: the file is empty"),
        ("l.xes", EVENT + "<event>\n</trace></log>", "l.xes:5: is not well-formed XML (mismatched tag); check"),
        ("l.xes", EVENT, "l.xes:4: is not well-formed XML (no element found)"),
        ("l.xes", "step,event\n1,a\n", "l.xes:1: is not well-formed XML"),
        ("l.xes", "", "l.xes:1: is not well-formed XML (no element found)"),
        ("l.xes", "<html></html>", "l.xes:1: the root is <html>, but that of XES is <log>; give a XES log"),
        ("l.xes", "<log>\n<event/></log>", "l.xes:2: an event outside a trace; put it into one"),
        (
            "l.xes",
            '<log><trace>\n<event><string value="a"/></event></trace></log>',
            "l.xes:2: a <string> without a key",
        ),
        ("l.xes", "<log><trace/></log>", "l.xes: no events in this log; give a log with traces of events"),
        ("l.xes", EVENT + "<event/></trace></log>", "l.xes:4: event is empty; fill in column 'concept:name'"),
        ("l.xes", '<!DOCTYPE log [<!ENTITY a "aaa">]>\n' + EVENT + "</trace></log>", "l.xes:1: declares an entity"),
        ("l.parquet", b"PAR1 and nothing else", "l.parquet: cannot be read ("),
        ("l.parquet", "step,event\n1,a\n", "l.parquet: cannot be read ("),
        ("l.parquet", as_parquet(ROWS)[:-20], "l.parquet: cannot be read ("),
        ("l.parquet", as_parquet([ROWS[0], ("A", 2, "On", " ", "Off")]), "l.parquet:2: trigger is empty; fill in"),
        ("l.parquet.gz", b"PAR1", "l.parquet.gz: cannot be read ("),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_remedy(tmp_path: Path, name: str, text: str | bytes, told: str) -> None:
    assert refused(write(tmp_path, name, text)).startswith(told)


def test_a_log_cut_short_in_its_data_is_refused(tmp_path: Path) -> None:
    data = bytearray(as_parquet(list(ROWS) * 50))
    data[20:200] = bytes(180)
    assert refused(write(tmp_path, "log.parquet", bytes(data))).startswith("log.parquet: ")
    assert "whole" in refused(write(tmp_path, "log.xes.gz", gzip.compress(as_xes(ROWS))[:-30]))


def test_parquet_without_its_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = refused(write(tmp_path, "log.parquet", as_parquet(ROWS)))
    assert (
        message
        == "log.parquet: reading Parquet needs the package pyarrow; install it with: pip install 'fsmlearn[parquet]'"
    )


def test_a_line_without_end_is_not_read_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsmlearn import records

    monkeypatch.setattr(streams, "BLOCK", 64)
    monkeypatch.setattr(records, "LONGEST_RECORD", 256)
    told = refused(write(tmp_path, "log.jsonl", '{"event": "a"}\n{"event": "' + "b" * 1000))
    assert told.startswith("log.jsonl:2: a line of more than")
