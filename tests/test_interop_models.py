"""As `test_interop`, for model checkers, learners and synthesis: NuSMV, Storm (for PRISM), AALpy and ABC."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from exported import MACHINES, assert_walks, words
from foreign import HERE, TOOLS, Meaning, program, run
from test_export import every

from fsmlearn.export import aalpy, export
from fsmlearn.export.prism import TAKEN
from fsmlearn.machine import Machine, Transition

pytestmark = pytest.mark.slow

NUSMV = TOOLS / "libnusmv.so"


def nusmv(*arguments: str | Path) -> str:
    """What NuSMV prints."""
    if not NUSMV.exists():
        pytest.skip("NuSMV is not installed; .ci/tools does it")
    return run(sys.executable, HERE / "nusmv.py", NUSMV, *arguments)


@pytest.mark.parametrize("name", [name for name in MACHINES if name not in ("orders", "presses")])
def test_nusmv_walks(name: str, tmp_path: Path) -> None:
    machine = MACHINES[name]()
    model, script, traces = (tmp_path / each for each in ("machine.smv", "script", "traces"))
    model.write_text(export(machine, "smv"))
    meaning = Meaning(machine, model.read_text(), "--")
    walks = list(words(machine))
    commands = ["set default_trace_plugin 1", f"read_model -i {model}", "go"]
    for walk in walks:
        commands.append("pick_state")
        for t in walk:
            said = f"trigger = {meaning.name('trigger', t.trigger)}"
            said += "" if t.output is None else f" & output = {meaning.name('output', t.output)}"
            commands.append(f'simulate -k 1 -c "{said}"')
    script.write_text("\n".join([*commands, f"show_traces -a -o {traces}", "quit", ""]))
    nusmv("-int", "-source", script)

    seen = traces.read_text().split("Trace number: ")[1:]
    for walk, trace in zip(walks, seen, strict=True):
        states = [machine.initial, *(t.next_state for t in walk)]
        assert re.findall(r"^ +state = (\w+)$", trace, re.MULTILINE) == [meaning.name("state", each) for each in states]


@pytest.mark.parametrize("name", ["wash", "door lock", "orders", "presses", "one state"])
def test_nusmv_finds_every_way_possible_and_no_other(name: str, tmp_path: Path) -> None:
    machine = MACHINES[name]()
    text = export(machine, "smv")
    meaning = Meaning(machine, text, "--")

    def given(state: str, trigger: str) -> str:
        return f"(state = {meaning.name('state', state)} & trigger = {meaning.name('trigger', trigger)})"

    def after(way: Transition) -> str:
        output = "" if way.output is None else f"output = {meaning.name('output', way.output)} & "
        return f"({output}X state = {meaning.name('state', way.next_state)})"

    possible = [f"G !({given(t.state, t.trigger)} & {after(t)})" for t in machine.transitions]
    bound = [
        f"G ({given(state, trigger)} -> ({' | '.join(map(after, machine.successors(state, trigger))) or 'FALSE'}))"
        for state in machine.labels
        for trigger in machine.triggers
    ]
    model = tmp_path / "machine.smv"
    model.write_text(text + "".join(f"LTLSPEC {each}\n" for each in [*possible, *bound]) + "CTLSPEC AG EX TRUE\n")
    total, *answers = re.findall(r"^-- specification .* is (true|false)$", nusmv("-dcx", model), re.MULTILINE)
    assert answers == ["false"] * len(possible) + ["true"] * len(bound)
    assert total == "true", "a state has no next one"


@every
def test_storm_walks_with_all_probabilities(machine: Machine, tmp_path: Path) -> None:
    stormpy = pytest.importorskip("stormpy")
    path = tmp_path / "machine.prism"
    path.write_text(export(machine, "prism"))
    meaning = Meaning(machine, path.read_text(), "//")
    program = stormpy.parse_prism_program(str(path))
    model = stormpy.build_model(program, options=stormpy.BuilderOptions(build_full=True))

    numbers = [re.findall(r"const int (\w+) = (\d+);", part) for part in path.read_text().split("none = 0;")]
    states = {int(number): meaning.word("state", name) for name, number in numbers[0]}
    chain = machine.kind == "lts"
    last = "trigger" if chain else "output"
    said = {int(number): meaning.word(last, name) for name, number in numbers[-1]} if len(numbers) > 1 else {}

    def values(storm: Any) -> dict[str, int]:
        return {"state": 0} | {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", storm.valuations)}

    known = {each.id: values(each) for each in model.states}
    ways: dict[int, dict[tuple[str, str, str | None], float]] = {}
    to: dict[tuple[int, str], tuple[float, int]] = {}
    for storm in model.states:
        ways[storm.id] = {}
        for action in storm.actions:
            for entry in action.transitions:
                there = known[entry.column]
                word = said.get(there.get("event" if chain else "output", 0))
                named = [meaning.word("trigger", name) for name in action.labels]
                trigger = word if chain else named[0] if named else None
                if trigger is None or (chain and not machine.ways(states[known[storm.id]["state"]])):
                    assert not machine.ways(states[known[storm.id]["state"]])  # it rests, as nothing follows
                    continue
                way = (trigger, states[there["state"]], None if chain else word)
                ways[storm.id][way] = entry.value
                to[storm.id, trigger] = max(to.get((storm.id, trigger), (0.0, 0)), (entry.value, entry.column))
    for number, found in ways.items():
        state = states[known[number]["state"]]
        expected = [t for t in machine.transitions if t.state == state]
        assert found == {(t.trigger, t.next_state, t.output): pytest.approx(t.probability) for t in expected}
    (initial,) = model.initial_states
    for walk in words(machine):
        place = initial
        for t in walk:
            assert states[known[place]["state"]] == t.state
            place = to[place, t.trigger][1]
            assert states[known[place]["state"]] == t.next_state
    for label in model.labeling.get_labels() - {"init", "deadlock"}:
        members = {states[known[storm]["state"]] for storm in model.labeling.get_states(label)}
        (shown,) = {machine.labels[state] for state in members}
        assert members == {state for state, seen in machine.labels.items() if seen == shown}
    plain = {label for label in machine.labels.values() if label and label.isascii() and label.isalpha()}
    assert plain - TAKEN <= set(model.labeling.get_labels())


class Remarks(Meaning):
    """Words as the comments of AALpy's DOT spell them."""

    @staticmethod
    def spelt(word: str) -> str:
        return aalpy._remark(word)


@every
def test_aalpy_walks(machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    utils = pytest.importorskip("aalpy.utils")
    path = tmp_path / "machine.dot"
    path.write_text(export(machine, "aalpy"), encoding="utf-8")
    meaning = Remarks(machine, path.read_text("utf-8"), "//")
    kind = path.read_text("utf-8").split("\n")[0].removeprefix("// ")
    loaded = utils.load_automaton_from_file(path, kind)
    states = {id(state): name for state, name in zip(loaded.states, machine.labels, strict=True)}

    found: dict[tuple[str, str], dict[tuple[str, str | None], float]] = {}
    for state in loaded.states:
        for key, ways in state.transitions.items():
            if kind == "moore":
                ways = [(ways, None, 1.0)]
            elif kind == "mealy":
                ways = [(ways, state.output_fun[key], 1.0)]
            elif kind == "mdp":
                ways = [(to, None, share) for to, share in ways]
            for to, output, share in ways:
                word = None if output in (None, "") else str(output)
                trigger, word = (word, None) if machine.kind == "lts" else (str(key), word)
                assert trigger is not None
                pair = (states[id(state)], meaning.word("trigger", trigger))
                output = None if word is None else meaning.word("output", word)
                found.setdefault(pair, {})[states[id(to)], output] = share
    for (state, trigger), shares in found.items():
        expected = machine.successors(state, trigger)
        assert shares == {(t.next_state, t.output): pytest.approx(t.probability) for t in expected}
    graph = {pair: max(shares, key=lambda way: shares[way]) for pair, shares in found.items()}
    assert_walks(machine, states[id(loaded.initial_state)], graph)
    if kind == "moore" and machine is MACHINES["washing machine"]():
        loaded.reset_to_initial()
        assert [loaded.step(trigger) for trigger in ("Power", "Program 2", "Start", "Level", "Timer")] == [
            *("Idle", "Programmed", "Soak", "Rinse", "Soak"),
        ]


def test_abc_synthesises_what_walks(tmp_path: Path) -> None:
    """ABC wants states to be numbers, and begins in the first of them; its circuit gives the outputs of the machine."""
    machine = MACHINES["vending machine"]()
    number = {state: str(i) for i, state in enumerate(machine.labels)}
    machine = Machine.arrange(
        "mealy",
        "0",
        dict.fromkeys(number.values()),
        machine.triggers,
        [replace(t, state=number[t.state], next_state=number[t.next_state]) for t in machine.transitions],
    )
    (tmp_path / "machine.kiss2").write_text(export(machine, "kiss2"))
    command = f"&read_stg {tmp_path}/machine.kiss2; &put; write_blif {tmp_path}/machine.blif"
    run(program("berkeley-abc"), "-q", command)
    circuit = Circuit((tmp_path / "machine.blif").read_text())
    comments = re.findall(r"^# (input|output) (\d+) is (.*)$", export(machine, "kiss2"), re.MULTILINE)
    inputs = {word: bits for what, bits, word in comments if what == "input"}
    outputs = {bits: word for what, bits, word in comments if what == "output"}
    for walk in words(machine):
        circuit.reset()
        assert [outputs[circuit.step(inputs[t.trigger])] for t in walk] == [t.output for t in walk]


class Circuit:
    """Simulates BLIF of latches and gates in topological order, as ABC writes it."""

    def __init__(self, text: str) -> None:
        self.inputs, self.outputs = (
            re.findall(rf"^\.{what} (.*)$", text, re.MULTILINE)[0].split() for what in ("inputs", "outputs")
        )
        self.latches = re.findall(r"^\.latch +(\S+) +(\S+) +0$", text, re.MULTILINE)
        gates = re.findall(r"^\.names (.*)\n((?:[01-]* ?[01]\n)*)", text, re.MULTILINE)
        self.gates = [(names.split(), [row.rpartition(" ")[::2] for row in rows.splitlines()]) for names, rows in gates]
        self.reset()

    def reset(self) -> None:
        self.held = {output: "0" for _, output in self.latches}

    def step(self, bits: str) -> str:
        """The output bits for input bits, each the highest first; ABC numbers them from the lowest."""
        values = {**self.held, **dict(zip(self.inputs, reversed(bits), strict=True))}
        for (*given, name), rows in self.gates:
            seen = [values[each] for each in given]
            hit = any(all(c in ("-", v) for c, v in zip(cube, seen, strict=True)) for cube, _ in rows)
            values[name] = "0" if not rows else rows[0][1] if hit else "01"[rows[0][1] == "0"]
        self.held = {output: values[source] for source, output in self.latches}
        return "".join(values[name] for name in reversed(self.outputs))
