"""Which module may import which, and what the light commands load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from test_store import ABOUT, MACHINE, NETWORK

from fsmlearn import store

PACKAGE = Path(__file__).resolve().parent.parent / "fsmlearn"

# Each module imports only from those before it; those on one line do not import each other.
ORDER = [
    ["errors"],
    ["machine"],
    ["about"],
    ["columns", "records", "traces"],
    ["cells", "ngrams", "contexts", "forecast"],
    ["logs", "automata", "votes"],
    ["rows"],
    ["counts", "findings"],
    ["junctions"],
    ["chain"],
    ["denoise"],
    ["summary"],
    ["histories"],
    ["rnn"],
    ["elman", "gru", "lstm", "forest"],
    ["train"],
    ["reach"],
    ["cluster"],
    ["sequences"],
    ["evidence"],
    ["search", "merging"],
    ["mending"],
    ["extract"],
    ["misfits"],
    ["support"],
    ["predict"],
    ["config"],
    ["pipeline"],
    ["store"],
    ["formats"],
    ["report"],
    ["sequence_report"],
    ["__init__"],
    ["cli.__init__", "cli.console"],
    ["cli.options", "cli.progress"],
    ["cli.train", "cli.extract_table", "cli.predict", "cli.report", "cli.filter", "cli.info"],
    ["cli.app"],
    ["__main__"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
STANDARD_ONLY = {"errors", "machine", "about", "columns", "predict", "formats", "__main__"}
HEAVY = {"pandas": {"cells"}, "rich": {"report", "sequence_report", "cli.console", "cli.progress"}, "yaml": {"config"}}


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
        if "__pycache__" not in path.parts
    }


def imported(source: str) -> set[str]:
    """Every module that a source imports, anywhere in it: `fsmlearn.logs`, `numpy`."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inner(names: set[str]) -> set[str]:
    """The modules of this package among the names."""
    known = modules()
    return {
        short for name in names if name.startswith("fsmlearn.") and (short := name.removeprefix("fsmlearn.")) in known
    }


@pytest.mark.parametrize("name", modules())
def test_each_module_imports_only_from_those_before_it(name: str) -> None:
    assert name in RANK, f"{name} has no place in the order of modules yet"
    late = {each for each in inner(imported(modules()[name].read_text("utf-8"))) if RANK[each] >= RANK[name]}
    assert not late


@pytest.mark.parametrize("name", modules())
def test_each_package_is_imported_where_it_belongs(name: str) -> None:
    tops = {each.split(".")[0] for each in imported(modules()[name].read_text("utf-8"))}
    foreign = tops - set(sys.stdlib_module_names) - {"fsmlearn"}
    if name in STANDARD_ONLY:
        assert not foreign
    assert "click" not in foreign, "Typer carries its own"
    for package, places in HEAVY.items():
        assert package not in foreign or name in places


def test_the_order_is_tested_where_an_import_hides_in_a_function() -> None:
    source = "def f():\n    from fsmlearn import logs\n    import fsmlearn.store\n    from fsmlearn.train import Epoch"
    assert inner(imported(source)) == {"logs", "store", "train"}


LIGHT = [
    ["--help"],
    ["--version"],
    ["train", "--help"],
    ["filter", "--help"],
    ["info", "--help"],
    ["extract-table", "--format", "csv"],
    ["extract-table", "--format", "json"],
    ["predict", "--state", "Off", "--trigger", "Power"],
    ["predict", "--state", "Off", "--trigger", "Power", "--format", "yaml"],
    ["predict", "-"],
    ["report", "--format", "csv"],
]


def test_light_commands_load_nothing_heavy(tmp_path: Path) -> None:
    store.save(tmp_path / "model.fsm", MACHINE, ABOUT, NETWORK)
    code = f"""
import sys
import typer.main
from fsmlearn.cli.app import app
sys.stdout = sys.stderr
for arguments in {LIGHT!r}:
    try:
        typer.main.get_command(app)(arguments, prog_name="fsmlearn")
    except SystemExit as end:
        status = end.code
    heavy = [name for name in ("numpy", "pandas", "yaml", "rich") if name in sys.modules]
    print(*arguments, status or 0, *heavy, file=sys.__stdout__)
"""
    rows = "state,trigger\nOff,Power\n"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, input=rows, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [" ".join([*arguments, "0"]) for arguments in LIGHT], done.stderr
