"""Programs of others that read exports, and what exports say in comments of the words behind names."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fsmlearn.formats import printable
from fsmlearn.machine import Machine

HERE = Path(__file__).resolve().parent
TOOLS = HERE / "tools"  # where `.ci/tools` puts what Debian and PyPI do not install


def run(*command: str | Path, given: str | None = None) -> str:
    """What a program prints; it must end well."""
    done = subprocess.run(list(map(str, command)), input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def program(name: str) -> str:
    """Where a program is; the test is skipped where it is not."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; .ci/tools does it")
    return found


class Meaning:
    """The words behind the names in an export, by its comments: `-- state Rinse_2: Rinse·2`."""

    def __init__(self, machine: Machine, text: str, mark: str) -> None:
        comments = re.findall(rf"^{mark} (state|trigger|output) (.+?)(?:: | is )(.*)$", text, re.MULTILINE)
        self._printed: dict[tuple[str, str], str] = {(what, name): word for what, name, word in comments}
        outputs = {t.output for t in machine.transitions if t.output is not None}
        groups = {"state": machine.labels, "trigger": machine.triggers, "output": outputs}
        self._words = {(what, self.spelt(word)): word for what, group in groups.items() for word in group}
        self._names = {(what, word): name for (what, name), word in self._printed.items()}

    @staticmethod
    def spelt(word: str) -> str:
        """The word as a comment shows it."""
        return printable(word)

    def word(self, what: str, name: str) -> str:
        """The word that a name stands for."""
        return self._words[what, self._printed[what, name]] if (what, name) in self._printed else name

    def name(self, what: str, word: str) -> str:
        """The name that stands for a word."""
        return self._names.get((what, self.spelt(word)), word)
