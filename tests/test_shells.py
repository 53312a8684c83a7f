"""What a press of TAB puts on a line, asked of bash, zsh and fish themselves."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsmlearn import store
from fsmlearn.about import Origin
from fsmlearn.cli import shells, tab
from fsmlearn.machine import Machine

STATES = ["Off", "Program 1", "It's on", 'say "hi"', "a:b", "x=$y", "Rinse", "Rinse", "at@home", "back\\slash", "`id`"]
TRIGGERS = ["Level", "Start it", "a,b", "don't", "P:1"]
MACHINE = Machine.build(
    "moore",
    0,
    STATES,
    TRIGGERS,
    [(q, "Level", (q + 1) % len(STATES), None, 1) for q in range(len(STATES))]
    + [(a, trigger, 0, None, 1) for a, trigger in enumerate(TRIGGERS[1:])],
)
# What is typed before TAB is pressed, and the words that the program is then called with.
PRESSED = {
    "pre": ["predict"],
    "predict --sta": ["predict", "--state"],
    "predict --state Pro": ["predict", "--state", "Program 1"],
    "predict --state 'Pro": ["predict", "--state", "Program 1"],
    'predict --state "Pro': ["predict", "--state", "Program 1"],
    "predict --state Program\\ ": ["predict", "--state", "Program 1"],
    "predict --state It": ["predict", "--state", "It's on"],
    'predict --state "It': ["predict", "--state", "It's on"],
    "predict --state sa": ["predict", "--state", 'say "hi"'],
    "predict --state 'sa": ["predict", "--state", 'say "hi"'],
    "predict --state a:": ["predict", "--state", "a:b"],
    "predict --state at": ["predict", "--state", "at@home"],
    "predict --state ba": ["predict", "--state", "back\\slash"],
    "predict --state x": ["predict", "--state", "x=$y"],
    "predict --state \\`": ["predict", "--state", "`id`"],
    "predict --state=Pro": ["predict", "--state=Program 1"],
    "predict --state='Pro": ["predict", "--state=Program 1"],
    "predict --trigger don": ["predict", "--trigger", "don't"],
    "predict --history Lev": ["predict", "--history", "Level"],
    "predict --history Level,St": ["predict", "--history", "Level,Start it"],
    "predict --history 'Level,St": ["predict", "--history", "Level,Start it"],
    "predict --history=Level,St": ["predict", "--history=Level,Start it"],
    "predict --history P:": ["predict", "--history", "P:1"],
    "plan --avoid Off --to Pro": ["plan", "--avoid", "Off", "--to", "Program 1"],
    "plan --external Level,P": ["plan", "--external", "Level,P:1"],
    "predict --model other.fsm --state El": ["predict", "--model", "other.fsm", "--state", "Elsewhere"],
    "predict --model ~/home.fsm --state Ho": ["predict", "--model", "{home}/home.fsm", "--state", "Home"],
    "predict --state nothing": ["predict", "--state", "nothing"],
    "train lo": ["train", "log.csv"],
}
ONLY_OURS = {  # fish drops what does not begin with what was typed, and so a quote that a name needs among others
    "predict --history Level,a": ["predict", "--history", 'Level,"a,b"'],
}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A directory with models and a log, and a program that tells what it is called with."""
    for name, machine in (("model", MACHINE), ("other", one("Elsewhere")), ("home", one("Home"))):
        store.save_imported(tmp_path / f"{name}.fsm", machine, Origin("machine.dot", "1"))
    (tmp_path / "log.csv").write_text("")
    program = tmp_path / "bin" / "fsmlearn"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\n[ -z "$_FSMLEARN_COMPLETE" ] || exec "{sys.executable}" -m fsmlearn "$@"\n'
        "printf '<%s>' \"$@\"; echo\n"
    )
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FSMLEARN_")}
    path = os.pathsep.join([str(program.parent), kept["PATH"]])
    return {**kept, "PATH": path, "HOME": str(tmp_path), "TERM": "dumb", "PS1": "$ ", "LC_ALL": "C.UTF-8"}


def one(state: str) -> Machine:
    return Machine.build("moore", 0, [state], ["on"], [(0, "on", 0, None, 1)])


def typed(shell: list[str], lines: list[str], environment: dict[str, str]) -> list[str]:
    """What a shell on a terminal prints of the program's words, for lines typed one after the other."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(environment["HOME"])
        os.execvpe(shell[0], shell, environment)
    seen = ""
    for number, line in enumerate([*lines, ""]):
        # what is typed while TAB is answered waits; only the next line must not come before the prompt
        os.write(terminal, f"{line}\necho do''ne {number}.\n".encode())
        until = time.monotonic() + 20
        while f"\ndone {number}." not in seen.replace("\r", "") and time.monotonic() < until:
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 65536).decode(errors="replace")
    os.close(terminal)
    os.waitpid(child, 0)
    return re.findall(r"^(<.*>)\r*$", seen, re.MULTILINE)


@pytest.mark.parametrize(
    ("shell", "setup"),
    [
        (["bash", "--norc", "--noprofile", "-i"], 'eval "$(_FSMLEARN_COMPLETE=source_bash fsmlearn)"'),
        (
            ["zsh", "-f", "-i"],
            'autoload -U compinit; compinit -u -D; eval "$(_FSMLEARN_COMPLETE=source_zsh fsmlearn)"',
        ),
    ],
    ids=["bash", "zsh"],
)
@pytest.mark.slow
def test_tab_completes_what_is_typed(shell: list[str], setup: str, environment: dict[str, str]) -> None:
    cases = PRESSED | ONLY_OURS
    found = typed(shell, [setup, *(f"fsmlearn {line}\t" for line in cases)], environment)
    home = environment["HOME"]
    wanted = {line: "".join(f"<{word.format(home=home)}>" for word in words) for line, words in cases.items()}
    assert dict(zip(cases, found, strict=True)) == wanted


@pytest.mark.slow
def test_tab_completes_in_fish(environment: dict[str, str]) -> None:
    script = """
_FSMLEARN_COMPLETE=source_fish fsmlearn | source
for line in $argv
    complete --escape -C "fsmlearn $line"
    echo .
end
"""
    done = subprocess.run(
        ["fish", "--no-config", "-c", script, *PRESSED],
        cwd=environment["HOME"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [part.split("\n") for part in done.stdout.split(".\n")]
    wrong = {}
    for (line, words), answer in zip(PRESSED.items(), answers, strict=False):
        completed = answer[0].split("\t")[0] or line.split(" ")[-1]
        found = shlex.split(completed)[-1]
        if found != words[-1]:
            wrong[line] = answer
    assert not wrong


@given(st.text(st.characters(exclude_characters="\n\0`$", exclude_categories=["Cs", "Cc"]), min_size=1))
def test_words_quoted_for_bash_are_the_same_words(word: str) -> None:
    # shlex is a POSIX shell but for $ and `
    for line in [quote + shells.quoted(word, quote) + quote for quote in ("", "'", '"')]:
        assert shlex.split(line) == [word]
        assert shells.unquoted(line)[:2] == (word, "")


def test_bash_takes_quoted_words_for_the_same(tmp_path: Path) -> None:
    words = [*STATES, *TRIGGERS, "~", "#no", "a!b", "*?[x]", "{a,b}", "é·2", "(;&|<>)", "tab\there"]
    line = "printf '%s\\n' " + " ".join(shells.quoted(word) for word in words)
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == words


def test_a_list_is_completed_name_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.save_imported(tmp_path / "list.fsm", MACHINE, Origin("machine.dot", "1"))
    named = {"FSMLEARN_MODEL": str(tmp_path / "list.fsm")}
    assert tab.answers(["predict", "--history"], "Level, St", named) == ["Level, Start it"]
    assert tab.answers(["predict", "--history"], '"a,b",do', named) == ['"a,b",don\'t']
    assert tab.answers(["predict", "--history"], '"a,', named) == ['"a,b"']
    assert tab.answers(["predict", "--history"], "", named) == ["Level", "Start it", '"a,b"', "don't", "P:1"]
    assert tab.answers(["predict", "--state"], "Ri", named) == ["Rinse", "Rinse·2"]
    monkeypatch.chdir(tmp_path)
    assert tab.answers(["predict", "--state"], "Ri", {}) == []  # no model
    assert tab.answers(["predict", "--model", "list.fsm", "--state"], "Ri", {}) == ["Rinse", "Rinse·2"]
    Path("model.fsm").write_text("nonsense")
    assert tab.answers(["predict", "--state"], "", {}) == []
