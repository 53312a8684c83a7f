"""Which files the words that name logs mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fsmlearn
from fsmlearn.config import Settings
from fsmlearn.errors import LogError
from fsmlearn.sources import expand, natural


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a folder of logs in it, to work in."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "logs/day10.csv",
        "logs/day2.csv",
        "logs/Day1.CSV.gz",
        "logs/late.tsv.zst",
        "logs/readme.txt",
        "logs/.day3.csv",
        "logs/old/day0.csv",
        "logs/folder.csv/x",
        "[1].csv",
        "empty/x",
        "other/a.jsonl",
        "other/b.NDJSON.xz",
        "other/c.xes.gz",
        "other/d.parquet",
        "other/truth.json",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ([], []),
        (["b.csv", "-", "a.csv"], ["b.csv", "-", "a.csv"]),
        (["logs"], ["logs/Day1.CSV.gz", "logs/day2.csv", "logs/day10.csv", "logs/late.tsv.zst"]),
        (["logs/"], ["logs/Day1.CSV.gz", "logs/day2.csv", "logs/day10.csv", "logs/late.tsv.zst"]),
        (["other"], ["other/a.jsonl", "other/b.NDJSON.xz", "other/c.xes.gz", "other/d.parquet"]),
        (["logs/*.csv"], ["logs/day2.csv", "logs/day10.csv"]),
        (["logs/day?.csv", "logs/late*"], ["logs/day2.csv", "logs/late.tsv.zst"]),
        (["logs/**/day*.csv"], ["logs/day2.csv", "logs/day10.csv", "logs/old/day0.csv"]),
        (["logs/readme.*"], ["logs/readme.txt"]),  # a pattern says itself what is a log
        (["[1].csv"], ["[1].csv"]),  # a file that is there is no pattern
        (["logs/day2.csv", "logs/*.csv"], ["logs/day2.csv", "logs/day2.csv", "logs/day10.csv"]),
    ],
)
def test_words_and_the_files_they_mean(words: list[str], files: list[str]) -> None:
    assert expand(words) == files
    assert expand([Path(word) for word in words]) == files
    assert expand(files) == files


def test_a_pattern_may_be_absolute(place: Path) -> None:
    assert expand([f"{place}/logs/*2.csv"]) == [f"{place}/logs/day2.csv"]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("lags/*.csv", "lags/*.csv: no file matches; check the pattern and the folder"),
        ("logs/o*", "logs/o*: no file matches"),  # it matches a folder
        (
            "empty",
            "empty: no log in this folder; a log's name ends in .csv, .tsv, .jsonl, .ndjson, .xes, .parquet, packed",
        ),
    ],
)
def test_what_has_nothing_to_offer_is_told(word: str, told: str) -> None:
    with pytest.raises(LogError) as caught:
        expand(["logs", word])
    assert str(caught.value).startswith(told)


def test_learning_takes_the_same_words() -> None:
    for name, row in (("2", "1,A,x,B"), ("10", "1,B,y,A")):
        Path(f"part{name}.csv").write_text("step,state,trigger,next_state\n" + f"{row}\n")
    learned = fsmlearn.learn("part*.csv", settings=Settings(epochs=1))
    assert learned.log.files == ("part2.csv", "part10.csv")


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.text(max_size=3))
def test_numbers_in_names_count(a: int, b: int, word: str) -> None:
    assert (natural(f"x{a}{word}") < natural(f"x{b}{word}")) == (a < b) or word[:1].isdigit()


@given(st.lists(st.text(alphabet="aB1²3._/"), unique=True))
def test_any_names_can_be_sorted_in_one_way(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(names, key=natural) == sorted(backwards, key=natural)
