"""The picture of a machine as the programs draw it: its elements, read back from the SVG, and its words."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sysconfig
from collections import Counter
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest
from machines import WASH, random_machine
from test_diagram import noise, star

from fsmlearn.errors import PictureError
from fsmlearn.machine import Machine
from fsmlearn.plots import graphviz
from fsmlearn.plots.diagram import diagram
from fsmlearn.plots.styled import caption, dot

SVG = "{http://www.w3.org/2000/svg}"
Draw = Callable[[str, str], bytes]


@pytest.fixture(params=["dot", graphviz.PORT])
def draw(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Drawing by each program that this can be done with."""
    found = shutil.which(request.param) or shutil.which(request.param, path=sysconfig.get_path("scripts"))
    if found is None:
        pytest.skip(f"Graphviz: {request.param} is not installed")
    monkeypatch.setattr(graphviz, "program", lambda: found)
    return graphviz.draw


class Drawn:
    """The nodes and edges of an SVG, by the names that the text for Graphviz gives them."""

    def __init__(self, svg: bytes) -> None:
        root = ElementTree.fromstring(svg)
        self.words: dict[str, list[str]] = {}
        self.lines: list[tuple[str, str]] = []
        self.dashed: set[str] = set()
        for group in root.iter(f"{SVG}g"):
            title = group.findtext(f"{SVG}title") or ""
            if group.get("class") == "node":
                self.words[title] = ["".join(text.itertext()) for text in group.iter(f"{SVG}text")]
            elif group.get("class") == "edge":
                start, end = title.split("->")
                self.lines.append((start, end))
                if any(path.get("stroke-dasharray") for path in group.iter(f"{SVG}path")):
                    self.dashed |= {start, end}
        self.text = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
        self.tips = [value for element in root.iter() for key, value in element.attrib.items() if key.endswith("title")]


def test_every_transition_is_a_line_with_its_words_or_stands_in_its_state(draw: Draw) -> None:
    for seed in range(4):
        machine = random_machine(np.random.default_rng(seed), 7, 3, 3)
        text = dot(diagram(machine))
        drawn = Drawn(draw(text, "svg"))
        back = {name for name, _ in re.findall(r"-> (e\d+) \[([^\n]*dir=\"back\")", text)}
        expected: Counter[tuple[str, str]] = Counter()
        for t in machine.transitions:
            if t.state != t.next_state:
                expected[t.state, t.next_state] += 1
        found: Counter[tuple[str, str]] = Counter()
        names = list(machine.labels)
        for label in (name for name in drawn.words if name.startswith("e")):
            (before,) = (start for start, end in drawn.lines if end == label)
            (after,) = (end for start, end in drawn.lines if start == label)
            ends = (after, before) if label in back else (before, after)
            start, end = (names[int(each[1:])] for each in ends)
            triggers = re.split(r", *", " ".join(drawn.words[label]))
            assert triggers == [t.trigger for t in machine.transitions if (t.state, t.next_state) == (start, end)]
            found[start, end] += len(triggers)
        assert found == expected
        for i, name in enumerate(names):
            inside = [t.trigger for t in machine.transitions if t.state == t.next_state == name]
            assert drawn.words[f"s{i}"] == [name, *([", ".join(inside)] if inside else [])]
        assert ("start", "s0") in drawn.lines


def test_the_line_of_a_way_back_has_its_head_where_it_leads(draw: Draw) -> None:
    machine = Machine.build("moore", 0, ["a", "b"], ["go", "back"], [(0, "go", 1, None, 1), (1, "back", 0, None, 1)])
    drawn = ElementTree.fromstring(draw(dot(diagram(machine)), "svg"))
    heads = {}
    for group in drawn.iter(f"{SVG}g"):
        polygon = group.find(f".//{SVG}polygon")
        if group.get("class") == "edge" and polygon is not None:
            heads[group.findtext(f"{SVG}title")] = float(polygon.attrib["points"].split()[0].split(",")[1])
    assert {"s0->e1", "e0->s1"} < heads.keys()  # back's head is at a, go's at b, and b is below a
    assert heads["s0->e1"] < heads["e0->s1"]


HOSTILE = [
    "<b>&amp;</b>",
    r"\N\l\"",
    'a"]; evil [label="x',
    "&lt;&#x41;",
    "</svg><script>",
    "-->",
    "}",
    "ü→鳴る",
    "%s{}",
    "'",
]


def test_words_are_words_whatever_is_in_them(draw: Draw) -> None:
    size = len(HOSTILE)
    rows = [(i, HOSTILE[i], (i + 1) % size, HOSTILE[-i - 1], 3) for i in range(size)]
    rows += [(i, HOSTILE[-i - 1], i, HOSTILE[i], 2) for i in range(size) if HOSTILE[i] != HOSTILE[-i - 1]]
    machine = Machine.build("mealy", 0, HOSTILE, HOSTILE, rows)
    drawn = Drawn(draw(dot(diagram(machine, unseen=True)), "svg"))
    assert [drawn.words[f"s{i}"][0] for i in range(size)] == list(machine.labels)
    ways = [f"{t.trigger} / {t.output}" for t in machine.transitions]
    lines = [words if name[0] == "e" else words[1:] for name, words in drawn.words.items() if re.match(r"[es]\d", name)]
    assert sorted(word for words in lines for word in words) == sorted(ways)
    assert any(r"\N\l\"" in tip for tip in drawn.tips)
    assert len(drawn.lines) == 2 * size + 1 + size


def test_noise_is_dashed_and_what_was_never_seen_dotted(draw: Draw) -> None:
    of = diagram(WASH, noise=[noise("Rinse", "Level", "Off", 2), noise("Rinse", "Level", "Rinse", 1)], unseen=True)
    drawn = Drawn(draw(dot(of), "svg"))
    assert drawn.words["n6"] == ["Level ×2"]
    assert ["Rinse", "Level ×1"] in drawn.words.values()
    assert {name for name in drawn.dashed if name[0] == "n"} == {"n6", *(f"never_s{i}" for i in range(6))}
    assert drawn.words["never_s0"] == ["Level, Timer"]
    assert "dashed: in the log, but not believed" in caption(of)
    assert any("not believed" in tip for tip in drawn.tips)


def test_much_on_one_way_is_cut_and_says_so(draw: Draw) -> None:
    triggers = [f"a rather long trigger number {i}" for i in range(30)]
    machine = Machine.build("moore", 0, ["a" * 90, "b"], triggers, [(0, each, 1, None, 1) for each in triggers])
    drawn = Drawn(draw(dot(diagram(machine)), "svg"))
    assert len(drawn.words["e0"]) == 8
    assert drawn.words["e0"][-1] == "+ 23 more lines"
    assert drawn.words["s0"] == ["a" * 39 + "…"]
    assert any(triggers[-1] in tip for tip in drawn.tips), "the tooltip has it all"


def test_what_is_written_instead_of_drawn_is_told_at_both_ends(draw: Draw) -> None:
    drawn = Drawn(draw(dot(diagram(star(9))), "svg"))
    assert drawn.words["s0"] == ["q0", "← from 8 states"]
    assert all(drawn.words[f"s{i}"] == [f"q{i}", "back → q0"] for i in range(1, 9))
    assert len(drawn.lines) == 2 * 8 + 1


def test_triggers_that_do_the_same_share_a_line_and_shares_do_not() -> None:
    rows: list[tuple[int, str, int, str | None, int]] = [(0, each, 1, "ok", 5) for each in "abc"]
    rows.append((0, "d", 1, "no", 1))
    rows += [(0, each, to, None, 1) for each in ("x", "y") for to in (1, 2)]
    machine = Machine.build("mealy", 0, [None] * 3, [*"abcdxy"], rows)
    assert 'label="a, b, c / ok\\nd / no\\nx 50.0 %\\ny 50.0 %"' in dot(diagram(machine))


def test_what_is_left_out_is_said_under_the_picture(draw: Draw) -> None:
    of = diagram(star(9), states=4)
    drawn = Drawn(draw(dot(of), "svg"))
    assert any(text.endswith("not shown: 5 states with fewer rows than those shown") for text in drawn.text)


def test_no_word_lies_on_another(draw: Draw) -> None:
    machine = random_machine(np.random.default_rng(5), 14, 5, 4)
    plain = draw(dot(diagram(machine)), "plain").decode()
    boxes = []
    for name, *numbers in re.findall(r"^node (\S+) (\S+) (\S+) (\S+) (\S+)", plain, re.MULTILINE):
        x, y, width, height = map(float, numbers)
        boxes.append((name, x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    assert len(boxes) > 40
    for (_, *one), (_, *other) in itertools.combinations(boxes, 2):
        assert (
            one[2] <= other[0] + 1e-6
            or other[2] <= one[0] + 1e-6
            or one[3] <= other[1] + 1e-6
            or other[3] <= one[1] + 1e-6
        )


def test_pictures_come_as_png_and_pdf_too(draw: Draw) -> None:
    text = dot(diagram(WASH))
    assert draw(text, "png").startswith(b"\x89PNG")
    try:
        assert draw(text, "pdf").startswith(b"%PDF")
    except PictureError as error:
        assert "does not write PDF; install Graphviz" in str(error)


def test_without_a_program_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(PictureError, match=r"install Graphviz.*fsmlearn\[graphviz\]"):
        graphviz.draw("digraph {}", "svg")


def test_a_program_that_fails_is_quoted_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphviz, "program", lambda: "/bin/false")
    done = subprocess.CompletedProcess([], 1, b"", b"Error: bad\nthing\x1b[31m")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(PictureError, match="could not lay out the machine") as caught:
        graphviz.draw("digraph {", "svg")
    assert "\n" not in str(caught.value)
