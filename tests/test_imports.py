"""Which module may import which, and what the light commands load."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from test_store import ABOUT, MACHINE, NETWORK

from fsmlearn import store
from fsmlearn.export import export

PACKAGE = Path(__file__).resolve().parent.parent / "fsmlearn"

# Each module imports only from those before it; those on one line do not import each other.
ORDER = [
    ["errors", "formats"],
    ["machine", "remote"],
    ["equivalence"],
    ["likeness", "sought"],
    ["growth"],
    ["about"],
    ["sample"],
    ["runs", "fields", "columns", "sources", "levels", "misreadings", "spread", "values"],
    ["streams", "steps", "traces", "sheets", "fingerprint"],
    ["records", "arrivals"],
    ["jsonlines", "xes", "parquet", "readings", "parsed", "plain", "ngrams", "contexts", "forecast"],
    ["tables", "variables", "cells"],
    ["log", "parts"],
    ["assembly"],
    ["logs", "automata", "votes"],
    ["rows"],
    ["counts", "findings", "stretches"],
    ["junctions"],
    ["chain", "repair"],
    ["denoise"],
    ["alike"],
    ["excerpt"],
    ["summary"],
    ["project"],
    ["histories"],
    ["sampling", "products"],
    ["rnn"],
    ["elman", "gru", "lstm", "forest"],
    ["train"],
    ["reach"],
    ["cluster"],
    ["sequences", "packing"],
    ["laws"],
    ["prior"],
    ["evidence"],
    ["oracle", "residuals"],
    ["standing", "merging"],
    ["partings"],
    ["moves", "viterbi"],
    ["search"],
    ["mending", "counsel"],
    ["extract"],
    ["misfits"],
    ["support"],
    ["census"],
    ["predict", "following"],
    ["ways", "normal"],
    ["judge", "relations"],
    ["check", "calibrate", "moving"],
    ["feed"],
    ["config"],
    ["onward", "schedule"],
    ["pipeline"],
    ["dynamics"],
    ["opinion"],
    ["plane"],
    ["files"],
    ["store"],
    ["export.names", "export.picture", "imports.draft"],
    ["export.dot", "export.mermaid", "export.plantuml", "export.xstate", "export.python", "export.transitions"],
    ["export.json", "export.yaml", "export.csv", "export.python_statemachine", "export.vocabulary", "imports.tokens"],
    ["export.scxml", "export.smv", "export.prism", "export.aalpy", "export.kiss2", "imports.graphviz"],
    ["imports.dot", "imports.json", "imports.scxml"],
    ["export.__init__", "imports.__init__"],
    ["plots.__init__", "plots.diagram", "plots.graphviz"],
    ["plots.styled", "plots.outline", "plots.paper"],
    ["plots.labels", "plots.curves", "plots.heat"],
    ["plots.space"],
    ["plots.flow"],
    ["plots.figures"],
    ["view.__init__", "view.page", "view.replay"],
    ["view.data", "view.pictures"],
    ["plan", "simulate", "conformance"],
    ["diff", "tour"],
    ["workers", "disk", "filtered"],
    ["renderables"],
    ["report"],
    ["sequence_report"],
    ["__init__"],
    ["cli.__init__", "cli.console"],
    ["cli.options", "cli.progress"],
    ["cli.words", "cli.stream"],
    ["cli.commands"],
    ["cli.tab", "cli.help"],
    ["cli.shells"],
    ["cli.watch", "cli.place"],
    ["cli.diff"],
    ["cli.train", "cli.extract_table", "cli.predict", "cli.report", "cli.filter", "cli.info", "cli.init", "cli.plot"],
    ["cli.check", "cli.view", "cli.export", "cli.import_"],
    ["cli.plan", "cli.simulate"],
    ["cli.program"],
    ["cli.app"],
    ["__main__"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
STANDARD_ONLY = {
    "errors",
    "machine",
    "equivalence",
    "sought",
    "about",
    "columns",
    "following",
    "predict",
    "formats",
    "sources",
    "streams",
    "spread",
    "remote",
    "__main__",
}
STANDARD_ONLY |= {
    "files",
    "sample",
    "plots.__init__",
    "plots.diagram",
    "plots.styled",
    "plots.graphviz",
    "plots.outline",
    "view.__init__",
    "view.data",
    "view.page",
    "view.replay",
}
STANDARD_ONLY |= {"arrivals", "ways", "normal", "judge", "check", "values", "moving", "feed"}
STANDARD_ONLY |= {"likeness", "growth", "diff", "plan", "simulate", "tour", "conformance"}
HEAVY = {"pandas": {"parsed"}, "pyarrow": {"parquet"}, "yaml": {"config"}}
HEAVY["rich"] = {"renderables", "report", "sequence_report", "cli.console", "cli.progress"}
HEAVY["matplotlib"] = {f"plots.{name}" for name in ("paper", "labels", "curves", "heat", "space", "flow", "figures")}
HEAVY["matplotlib"] |= {"cli.plot", "view.pictures"}  # for its types


@cache
def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in PACKAGE.rglob("*.py")
        if "__pycache__" not in path.parts
    }


@cache
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
    if name in STANDARD_ONLY or name.startswith(("export.", "imports.")):
        assert not foreign
    assert "click" not in foreign, "Typer carries its own"
    for package, places in HEAVY.items():
        assert package not in foreign or name in places


def test_the_order_is_tested_where_an_import_hides_in_a_function() -> None:
    source = "def f():\n    from fsmlearn import logs\n    import fsmlearn.store\n    from fsmlearn.train import Epoch"
    assert inner(imported(source)) == {"logs", "store", "train"}


TYPER = {"typer", "shellingham", "annotated_doc"}
PYDANTIC = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}
# Command lines, and of the packages that are not Python's own the most that each may load.
LIGHT: list[tuple[list[str], set[str]]] = [
    (["extract-table", "--format", "csv"], set()),
    (["extract-table", "--format", "json"], set()),
    (["predict", "--state", "Off", "--trigger", "Power"], set()),
    (["predict", "--history", ", ", "--trigger=Power", "--format", "yaml"], set()),
    (["predict", "-", "--line-buffered"], set()),
    (["predict", "--trigger", "Power", "--top", "1", "--from-start"], set()),
    (["check", "-", "--state-column", "state"], set()),
    (["check", "-", "--trace-scores", "--line-buffered", "--quiet"], set()),
    (["report", "--format", "csv"], set()),
    (["export", "--to", "dot"], set()),
    (["export", "--to", "yaml"], set()),
    (["import", "machine.dot", "--model", "imported.fsm"], set()),
    (["plot", "machine", "--collapse"], set()),
    (["plot", "machine", "--noise", "-o", "machine.svg"], set()),
    (["view", "--help"], set()),
    (["diff", "model.fsm", "model.fsm"], set()),
    (["plan", "--to", "Off"], set()),
    (["simulate", "--traces", "2"], set()),
    (["simulate", "--cover", "transitions"], set()),
    (["simulate", "--tests"], set()),
    (["--help"], set()),
    (["--version"], TYPER | PYDANTIC),
    (["train", "--help"], set()),
    (["filter", "-h"], set()),
    (["info", "--help"], set()),
    (["predict", "--help"], set()),
    (["import", "--help"], set()),
    (["init", "--help"], set()),
    (["check", "--help"], set()),
]
TAB = {"_FSMLEARN_COMPLETE": "complete_bash"}


def loaded(directory: Path, arguments: list[str], **environment: str) -> tuple[int, set[str]]:
    """The exit status of the program, and the modules that it has loaded when it ends."""
    code = """
import sys
before = set(sys.modules)
from fsmlearn.cli.app import main
try:
    main()
finally:
    print(*(set(sys.modules) - before), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=directory,
        env={**os.environ, **environment},
        input="state,trigger,next_state\nOff,Power,On\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, set(done.stderr.splitlines()[-1].split())


def foreign(names: set[str]) -> set[str]:
    """The packages among the modules that are neither Python's own nor ours."""
    tops = {name.split(".")[0] for name in names if not name.startswith("_sysconfigdata_")}  # named after the machine
    return tops - set(sys.stdlib_module_names) - {"fsmlearn"}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("light")
    store.save(directory / "model.fsm", MACHINE, ABOUT, NETWORK)
    (directory / "machine.dot").write_text(export(MACHINE, "dot"))
    return directory


@pytest.mark.parametrize(("arguments", "packages"), LIGHT, ids=[" ".join(each) for each, _ in LIGHT])
def test_light_commands_load_nothing_heavy(workplace: Path, arguments: list[str], packages: set[str]) -> None:
    status, names = loaded(workplace, arguments)
    assert status == 0
    assert foreign(names) <= packages


def test_a_question_loads_only_what_answers_it(workplace: Path) -> None:
    _, names = loaded(workplace, ["predict", "--state", "Off", "--trigger", "Power"])
    ours = {name.removeprefix("fsmlearn.") for name in names if name.startswith("fsmlearn.")}
    light = {"errors", "formats", "machine", "predict", "store"}
    assert ours == light | {"cli"} | {
        f"cli.{each}" for each in ("app", "commands", "console", "options", "predict", "words")
    }


@pytest.mark.parametrize(
    "line", ["fsmlearn pre", "fsmlearn predict --state O", "fsmlearn predict --", "fsmlearn train "]
)
def test_a_press_of_tab_loads_nothing_but_the_command(workplace: Path, line: str) -> None:
    status, names = loaded(workplace, [], COMP_WORDS=line.replace(" ", "\n"), COMP_CWORD=str(line.count(" ")), **TAB)
    assert status == 0
    assert not foreign(names)
