"""What README shows is what happens: its `console` and `pycon` blocks are run, in order, in one fresh directory.

A line that begins with `$ ` is typed into a shell, the lines under it are what it must print. In them `...` stands for
anything (alone on a line, for any lines). How training went may differ; what was read, filtered and learned may not.
"""

from __future__ import annotations

import difflib
import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # the examples train

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
# What differs from processor to processor: how long training took and the last digits of how it went.
TRAINING = "|".join(
    [
        r"[\d.]+(?= s\b| epochs\b| nats\b| % of the (?:held-out rows|others)\b)",
        r"(?<= loss )[\d.]+",
        r"(?<= epoch )\d+",
        "[▁-█]+",
        r"(?<=  )[\d.]+ +[\d.]+ +[\d.]+ %$",  # of held-out traces
        r"(?<= has )\d+(?= states; )",
    ]
)


def blocks(kind: str) -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return [body for language, body in BLOCK.findall(readme) if language == kind]


def calls(block: str) -> list[tuple[str, str]]:
    """(command, what it must print) for each command of a console block."""
    return CALL.findall(block)


def pattern(shown: str) -> re.Pattern[str]:
    """What README shows as a pattern for what is printed; space at the ends of lines does not count."""
    lines = []
    for line in shown.rstrip().split("\n"):
        parts = re.split(rf"({TRAINING}|\.\.\.)", line.rstrip())  # every other one is loose
        free = [".*" if part == "..." or " " in part else r"\S+" for part in parts[1::2]]
        loose = [re.escape(part) if i % 2 == 0 else free[i // 2] for i, part in enumerate(parts)]
        lines.append(r"(?:.*\n)*?" if line.strip() == "..." else "".join(loose) + r" *\n")
    return re.compile("".join(lines))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that holds the sample logs and nothing else."""
    directory = tmp_path_factory.mktemp("readme")
    (directory / "sample_logs").symlink_to(ROOT / "sample_logs", target_is_directory=True)
    return directory


def environment() -> dict[str, str]:
    """The shell of a newcomer: the installed program on the path, nothing set, a terminal of ordinary width."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FSMLEARN_", "PYTEST_"))}
    unset = ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS")
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    kept.update(PATH=path, NO_COLOR="1", COLUMNS="100", LC_ALL="C.UTF-8")
    return {name: value for name, value in kept.items() if name not in unset}


@pytest.mark.timeout(600)  # 110 s beside other work
def test_console_examples_print_what_the_readme_shows(workplace: Path) -> None:
    examples = [call for block in blocks("console") for call in calls(block)]
    assert examples
    for command, shown in examples:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=workplace,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        printed = done.stdout.rstrip() + "\n"
        if not pattern(shown).fullmatch(printed):
            changes = difflib.unified_diff(
                shown.splitlines(), printed.splitlines(), "README.md", "printed", lineterm=""
            )
            pytest.fail("\n".join([f"$ {command}", *changes, f"exit status {done.returncode}"]), pytrace=False)


def test_python_examples_print_what_the_readme_shows(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    source = "\n".join(blocks("pycon"))
    test = doctest.DocTestParser().get_doctest(source, {}, "README.md", "README.md", 0)
    assert test.examples
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert result.failed == 0


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("Idle\n", "Idle  \n", True),
        ("Idle\n", "Off\n", False),
        ("", "\n", True),
        ("", "Off\n", False),
        ("50 epochs in 1.6 s\n", "47 epochs in 12 s\n", True),
        ("held-out loss 1.9 █▂▁ 0.1 nats a row\n", "held-out loss 2.1 █▁▁ 0.2 nats a row\n", True),
        ("kept epoch 4: right on 99 % of the others\n", "kept epoch 5: right on 100 % of the others\n", True),
        ("  machine  0.602  1.827  79.0 %\n", "  machine  0.61   1.84   100 %\n", True),
        ("  machine  0.602  1.827  79.0 %\n", "  network  0.602  1.827  79.0 %\n", False),
        ("50 states in 1 file\n", "47 states in 1 file\n", False),
        ("2 rows dropped (1.6 %)\n", "2 rows dropped (1.7 %)\n", False),
        ("a\n...\nz\n", "a\nb\nc\nz\n", True),
        ("a\n...\nz\n", "a\nb\nc\n", False),
        ("[a] x...y (b)\n", "[a] x and y (b)\n", True),
        ("x...y\n", "x\ny\n", False),
    ],
)
def test_what_counts_as_the_same_output(shown: str, printed: str, same: bool) -> None:
    assert (pattern(shown).fullmatch(printed) is not None) is same


def test_commands_are_told_from_their_output() -> None:
    assert calls("$ a |\\\n  b\n1\n\n2\n$ c\n") == [("a |\\\n  b", "1\n\n2\n"), ("c", "")]
