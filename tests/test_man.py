"""The man pages say what the commands say, and are sound roff."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

MAN = Path(__file__).resolve().parent.parent / "man"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("man_build", MAN / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = load()
PAGES: dict[Path, str] = build.pages()


def render(source: str) -> str:
    """The page as plain text on very long lines (overstrikes removed)."""
    command = ["mandoc", "-Tutf8", "-Owidth=1000"]
    shown = subprocess.run(command, input=source, capture_output=True, text=True, check=False).stdout
    return re.sub(".\b", "", shown)


def test_pages_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    status = build.main(["--check"])
    assert status == 0, capsys.readouterr().err


def test_check_names_a_page_that_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(MAN, tmp_path / "man")
    monkeypatch.setattr(build, "HERE", tmp_path / "man")
    page = tmp_path / "man" / "man1" / "fsmlearn-train.1"
    page.write_text(page.read_text().replace("model", "moddel"))
    (tmp_path / "man" / "man1" / "fsmlearn-gone.1").write_text("")

    assert build.main(["--check"]) == 1
    told = capsys.readouterr().err
    assert "fsmlearn-train.1" in told
    assert "fsmlearn-gone.1" in told
    assert "fsmlearn-filter.1" not in told

    assert build.main([]) == 0
    assert build.main(["--check"]) == 0
    assert not (tmp_path / "man" / "man1" / "fsmlearn-gone.1").exists()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_each_page_has_its_sections_in_order(path: Path) -> None:
    sections = [line[4:] for line in PAGES[path].splitlines() if line.startswith(".SH ")]
    order = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"]
    if path.suffix == ".5":
        order = ["NAME", "DESCRIPTION", "LOGS", "MODEL FILE", "SEE ALSO"]
    assert [name for name in sections if name in order] == order
    assert sections[-1] == "SEE ALSO"


def test_every_hand_written_text_is_used() -> None:
    assert {path.stem for path in (MAN / "text").iterdir()} == {path.stem for path in PAGES}


@given(st.text(alphabet=st.characters(codec="ascii")))
@example(".SH NOT A SECTION\n'br\n\\fB\\\\")
def test_escaped_text_never_becomes_a_request(text: str) -> None:
    escaped = build.escape(text)
    assert not any(line.startswith((".", "'")) for line in escaped.split("\n"))
    assert escaped.replace("\\&", "").replace("\\-", "-").replace("\\e", "\\") == text


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_words_survive_the_way_through_mandoc() -> None:
    body = "--model a\\b 'x' .dot \\fB Rinse\N{MIDDLE DOT}2 <path>"
    page = build.ascii_only(f'.TH X 1 "2026-01-01"\n.SH NAME\nx \\- y\n.SH BODY\n{build.escape(body)}\n')
    assert body in render(page)
