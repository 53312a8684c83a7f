"""The sample logs are what their script makes, and differ from their truth only where the truth says so."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent.parent / "sample_logs"
NAMES = ("washing_machine", "door_lock", "order_process")
COLUMNS = ("current_state", "trigger", "next_state", "output")


def truth(name: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((FOLDER / f"{name}.truth.json").read_text())
    return facts


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def as_it_happened(name: str) -> dict[str, list[dict[str, str]]]:
    """The traces, with every noisy row replaced by what the truth says and every lost row put back."""
    facts = truth(name)
    true = {row["line"]: row["true"] for row in facts["noise"]}
    lost = sorted(facts["lost"], key=lambda row: row["before_line"], reverse=True)
    traces: dict[str, list[dict[str, str]]] = {}

    def put_back(until: float) -> None:
        while lost and lost[-1]["before_line"] <= until:
            row = lost.pop()
            traces.setdefault(str(row["trace"]), []).append(row["true"])

    for line, row in enumerate(rows(name), start=2):
        put_back(line)
        shown = {column: row[column] for column in COLUMNS if column in row}
        if (what := true.get(line, shown)) is not None:
            traces.setdefault(row["trace"], []).append(what)
    put_back(float("inf"))
    return traces


def test_the_script_writes_these_bytes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, FOLDER / "make_sample_logs.py", tmp_path], check=True)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (FOLDER / path.name).read_bytes(), path.name
    shipped = {path.name for path in FOLDER.glob("*.csv")} | {path.name for path in FOLDER.glob("*.json")}
    assert shipped == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("name", NAMES)
def test_without_its_noise_a_log_is_a_walk_of_the_true_machine(name: str) -> None:
    facts = truth(name)
    label = {state["name"]: state["label"] for state in facts["states"]}
    counts: Counter[tuple[str, str, str]] = Counter()
    for trace in as_it_happened(name).values():
        state = facts["initial"]
        for row in trace:
            assert row["current_state"] == label[state]
            # within one (state, trigger) no two ways on show the same, so the log tells which was taken
            [taken] = [
                way
                for way in facts["transitions"]
                if (way["state"], way["trigger"]) == (state, row["trigger"])
                and (label[way["next_state"]], way["output"]) == (row["next_state"], row.get("output"))
            ]
            counts[taken["state"], taken["trigger"], taken["next_state"]] += 1
            state = taken["next_state"]
    assert counts == {(w["state"], w["trigger"], w["next_state"]): w["count"] for w in facts["transitions"]}
    assert min(counts.values()) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_what_the_truth_calls_noise_is_noise(name: str) -> None:
    facts = truth(name)
    label = {state["name"]: state["label"] for state in facts["states"]}
    accepted = {(label[way["state"]], way["trigger"]) for way in facts["transitions"]}
    table = rows(name)
    for noisy in facts["noise"]:
        row = table[noisy["line"] - 2]
        shown = {column: row[column] for column in COLUMNS if column in row}
        if noisy["kind"] == "spurious":
            assert noisy["true"] is None
            assert (row["current_state"], row["trigger"]) not in accepted
        else:
            differs = {column for column in shown if shown[column] != noisy["true"][column]}
            assert differs == {"next_state"} if noisy["kind"] == "label" else differs


@pytest.mark.parametrize(("name", "share"), [("washing_machine", 0.03), ("door_lock", 0.02), ("order_process", 0.02)])
def test_the_share_of_noise_is_as_said(name: str, share: float) -> None:
    facts = truth(name)
    kinds = Counter(row["kind"] for row in facts["noise"])
    kinds["swap"] //= 2
    kinds["drop"] = len(facts["lost"])
    assert set(kinds) == {"label", "spurious", "drop", "swap"}
    happened = sum(len(trace) for trace in as_it_happened(name).values())
    assert sum(kinds.values()) / happened == pytest.approx(share, rel=0.2)
    assert min(kinds.values()) / sum(kinds.values()) > 0.1  # no kind is neglected


@pytest.mark.parametrize(
    "name", [*NAMES, "washing_cycle", "washing_variables", "refrigerated_lorry", "vending_machine"]
)
def test_probabilities_add_up_and_files_stay_small(name: str) -> None:
    facts = truth(name)
    sums: Counter[tuple[str, str]] = Counter()
    for way in facts["transitions"]:
        sums[way["state"], way["trigger"]] += way["probability"]
    assert all(total == pytest.approx(1) for total in sums.values())
    assert {way["next_state"] for way in facts["transitions"]} <= {state["name"] for state in facts["states"]}
    assert facts["rows"] == len(rows(name))
    assert (FOLDER / f"{name}.csv").stat().st_size < 400_000


def test_steps_are_numbered_in_file_order() -> None:
    for name in NAMES:
        count: Counter[str] = Counter()
        for row in rows(name):
            count[row["trace"]] += 1
            assert int(row["step"]) == count[row["trace"]]


def test_the_order_process_is_random_and_the_others_are_not() -> None:
    chances = {name: {way["probability"] for way in truth(name)["transitions"]} for name in NAMES}
    assert chances["washing_machine"] == chances["door_lock"] == {1.0}
    assert {0.8, 0.05} <= chances["order_process"]


def test_only_what_the_lorry_loaded_40_to_60_rows_before_tells_where_it_is_unloaded() -> None:
    facts = truth("refrigerated_lorry")
    way = {(each["state"], each["trigger"]): each for each in facts["transitions"]}
    traces: dict[str, list[dict[str, str]]] = {}
    for row in rows("refrigerated_lorry"):
        assert set(row) == {"trace", "step", "trigger", "output"}, "the states are hidden"
        traces.setdefault(row["trace"], []).append(row)
    places: Counter[str] = Counter()
    distances = set()
    for trace in traces.values():
        state = facts["initial"]
        for row in trace:
            assert way[state, row["trigger"]]["output"] == row["output"]
            state = way[state, row["trigger"]]["next_state"]
        triggers = [row["trigger"] for row in trace]
        at = triggers.index("Unload")
        assert triggers[1] == f"Load {({'to the freezer': 'frozen', 'to the fridge': 'chilled'})[trace[at]['output']]}"
        places[trace[at]["output"]] += 1
        distances.add(at - 2)
        assert len(trace) <= 64, "the gradient reaches no further"
    assert (min(distances), max(distances)) == (40, 60)
    assert min(places.values()) > 150
    between = {(each["state"], each["trigger"], each["output"]) for each in facts["transitions"]}
    for trigger in ("Drive", "Stop", "Refuel", "Weigh"):
        [told] = {output for state, name, output in between if name == trigger and state != "Empty"}
        assert told


def test_the_vending_machine_hides_its_coins_and_gives_a_wrong_output_in_three_of_a_hundred_rows() -> None:
    facts = truth("vending_machine")
    way = {(each["state"], each["trigger"]): each for each in facts["transitions"]}
    table = rows("vending_machine")
    wrong = {row["line"]: row["true"] for row in facts["noise"]}
    assert {row["kind"] for row in facts["noise"]} == {"output"}
    assert len(wrong) / len(table) == pytest.approx(0.03, rel=0.2)
    counts: Counter[tuple[str, str]] = Counter()
    state = ""
    for line, row in enumerate(table, start=2):
        assert set(row) == {"trace", "step", "trigger", "output"}, "the states are hidden"
        state = facts["initial"] if row["step"] == "1" else state
        taken = way[state, row["trigger"]]
        assert (row["output"] != taken["output"]) == (line in wrong)
        assert wrong.get(line, taken)["output"] == taken["output"]
        counts[state, row["trigger"]] += 1
        state = taken["next_state"]
    assert counts == {key: each["count"] for key, each in way.items()}
    assert min(counts.values()) >= 10


def test_the_washing_machine_as_variables_is_a_walk_of_the_true_machine() -> None:
    facts = truth("washing_variables")
    shown: dict[str, list[Any]] = {}
    way = {(each["state"], each["trigger"]): each for each in facts["transitions"]}
    misread = {row["line"]: row["true"] for row in facts["noise"]}
    counts: Counter[tuple[str, str]] = Counter()
    state = ""
    for line, row in enumerate(rows("washing_variables"), start=2):
        if row["step"] == "1":
            state = facts["initial"]
            assert row["trigger"] == ""
        else:
            counts[state, row["trigger"]] += 1
            state = way[state, row["trigger"]]["next_state"]
        assert row["Timer"] == str(int(row["trigger"] == "Timer"))
        level = float(row.pop("Water Level"))
        values = [level > 20, *(row[name] for name in list(row)[3:] if name != "Timer")]
        if line in misread:
            [(name, true)] = misread[line].items()
            assert row[name] != str(true)
        else:
            assert shown.setdefault(state, values) == values
            assert abs(level - 40 * (level > 20)) < 7
    assert counts == {key: each["count"] for key, each in way.items()} and min(counts.values()) >= 5
    assert len(misread) / facts["rows"] == pytest.approx(0.005, rel=0.2)
    # the same machine as that of the other log, state by state
    other = truth("washing_machine")
    keys = ("state", "trigger", "next_state", "output")
    assert [[t[key] for key in keys] for t in facts["transitions"]] == [
        [t[key] for key in keys] for t in other["transitions"]
    ]


def test_the_washing_cycle_is_the_textbook() -> None:
    assert [tuple(row.values()) for row in rows("washing_cycle")] == [
        ("1", "Off", "Power", "Idle"),
        ("2", "Idle", "Program Select", "Programmed"),
        ("3", "Programmed", "Start", "Soak"),
        ("4", "Soak", "Level", "Rinse"),
        ("5", "Rinse", "Timer", "Soak"),
        ("6", "Rinse", "Timer", "Drain"),
        ("7", "Drain", "Timer", "Dry"),
        ("8", "Dry", "Timer", "Stop"),
    ]
    assert list(rows("washing_cycle")[0]) == ["Step", "Current State", "Trigger", "Next State"]
