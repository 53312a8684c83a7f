"""Every name a user types is documented: commands and options in `--help`, README and man pages, and no others."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from fsmlearn.cli.program import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GALLERY = ROOT / "docs" / "gallery.md"
PROGRAM: Any = typer.main.get_command(app)
CONTEXT = PROGRAM.make_context("fsmlearn", [], resilient_parsing=True)
COMMANDS: dict[str, Any] = {name: each for name, each in PROGRAM.commands.items() if not each.hidden}


def options(command: Any) -> set[str]:
    context = command.make_context("x", [], parent=CONTEXT, resilient_parsing=True)
    shown = [p for p in command.get_params(context) if p.param_type_name == "option"]
    return {spelling for p in shown for spelling in (*p.opts, *p.secondary_opts)}


def documented() -> Iterator[tuple[str, str]]:
    """(place, command line) of each fsmlearn call that the documents show as typed by a user."""
    texts = {"README.md": README, "gallery.md": GALLERY.read_text(encoding="utf-8")}
    for path in sorted((ROOT / "man" / "text").glob("*.roff")):
        texts[path.name] = path.read_text(encoding="utf-8").replace("\\-", "-").replace("\\(aq", "'")
    for place, text in texts.items():
        for line in re.findall(r"^\$ (.*)$", text.replace("\\\n", " "), flags=re.MULTILINE):
            for piece in re.split(r"\||&&|;", line):
                if piece.strip().startswith("fsmlearn "):
                    yield place, piece.strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_does(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, f"{name} is missing its help"
    context = command.make_context(name, [], parent=CONTEXT, resilient_parsing=True)
    for parameter in command.get_params(context):
        assert parameter.help or parameter.hidden, f"{name} {parameter.opts[0]} is missing its help"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_shown_in_the_readme_and_in_its_man_page(name: str) -> None:
    shown = [(place, shlex.split(line)[1]) for place, line in documented()]
    assert ("README.md", name) in shown
    assert (f"fsmlearn-{name}.roff", name) in shown


def test_documents_show_only_commands_and_options_that_exist() -> None:
    for place, line in documented():
        name, *rest = shlex.split(line, comments=True)[1:]
        if name.startswith("-"):
            assert name in options(PROGRAM), f"{place}: {line}"
            continue
        assert name in COMMANDS, f"{place}: {line}"
        for word in rest:
            if re.match(r"--?[a-z]", word):
                assert word.split("=")[0] in options(COMMANDS[name]), f"{place}: {line}: {word}"


@pytest.mark.parametrize("page", [ROOT / "README.md", GALLERY], ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_gallery_shows_all_its_pictures_and_they_are_small() -> None:
    pictures = sorted(GALLERY.with_suffix("").iterdir())
    text = GALLERY.read_text(encoding="utf-8")
    assert [path.name for path in pictures if f"](gallery/{path.name})" not in text] == []
    assert sum(path.stat().st_size for path in pictures) < 1_500_000
