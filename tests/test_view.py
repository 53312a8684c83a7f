"""The page of `fsmlearn view` as text: what is in it, that words in it are harmless, and that it stands alone.

What it does in a browser is tested in test_view_browser.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from machines import WASH, visible
from pictured import LAMP, LAMP_ROWS, sample_of, stored
from test_store import ABOUT
from typer.testing import CliRunner, Result

from fsmlearn import store
from fsmlearn.about import Comparison, HeldOut, Origin, Score, Support
from fsmlearn.cli.program import app
from fsmlearn.machine import Machine
from fsmlearn.sample import Sample, SampledTrace
from fsmlearn.view.data import ROWS, described
from fsmlearn.view.page import PARTS, SCRIPTS, embedded, page
from fsmlearn.view.replay import NONE, OPEN, followed

HARD = ["</script><script>alert(1)</script>", "<!--", "-->", "<img src=x onerror=alert(1)>", "\u2028", "\u202e", "]]>"]
HARD += ["__proto__", "constructor", "&lt;", "%%data%%", "'", '"', "\\", "\ud800", "\x00", "$&", "${x}", "\n"]
words = st.sampled_from(HARD) | st.text(min_size=1, max_size=8)


class Parts(HTMLParser):
    """What a browser would make of a page: its elements with attributes, and the texts of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style", "title"):
            self.texts.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] in ("script", "style", "title") and self.texts:
            tag, attributes, text = self.texts[-1]
            self.texts[-1] = (tag, attributes, text + data)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", {}))

    @property
    def data(self) -> Any:
        (found,) = (text for _, attributes, text in self.texts if attributes.get("id") == "data")
        return json.loads(found)


def hard_machine(names: list[str]) -> Machine:
    """A ring of states with these names, each of which is its trigger as well."""
    rows = [(i, name, (i + 1) % len(names), name, i + 1) for i, name in enumerate(names)]
    return Machine.build("mealy", 0, list(names), names, rows)


def plain_page(machine: Machine) -> str:
    return page(described(machine), "a page")


@given(st.recursive(words | st.integers() | st.none(), lambda each: st.lists(each) | st.dictionaries(words, each)))
@example(HARD)
@settings(max_examples=40)
def test_json_in_the_page_is_read_back_and_has_no_letter_of_html(value: Any) -> None:
    text = embedded(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert not set("<>&") & set(text)


@given(st.lists(words, min_size=1, max_size=5, unique=True))
@example(HARD)
def test_the_machine_is_in_the_page_whatever_its_words_are(names: list[str]) -> None:
    machine = hard_machine(names)
    data = json.loads(embedded(described(machine)))
    assert Machine.from_dict(data["machine"]) == machine


def test_hard_words_change_nothing_of_the_page_but_its_data() -> None:
    hard, tame = (Parts(plain_page(hard_machine(names))) for names in (HARD, ["a", "b"]))
    assert hard.tags == tame.tags
    assert Machine.from_dict(hard.data["machine"]) == hard_machine(HARD)
    title = Parts(page({}, "<script>x</script>&")).texts[0]
    assert (title[0], title[2]) == ("title", "<script>x</script>&")


def test_the_page_runs_its_own_scripts_and_nothing_else() -> None:
    found = Parts(plain_page(WASH))
    (policy,) = (each["content"] for _, each in found.tags if each.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}

    def sums(tag: str) -> list[str]:
        scripts = [text for name, attributes, text in found.texts if name == tag and "type" not in attributes]
        return [f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts]

    assert rules == {
        "default-src": ["'none'"],
        "script-src": [*sums("script"), "'wasm-unsafe-eval'"],
        "style-src": sums("style"),
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }


def test_the_page_refers_to_nothing_outside() -> None:
    text = plain_page(WASH)
    for tag, attributes in Parts(text).tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "a") or attributes == {
            "class": "skip",
            "href": "#tables",
        }
        assert "src" not in attributes
    own = text.replace((PARTS / "viz.js").read_text("utf-8"), "").replace((PARTS / "viz.LICENSE.txt").read_text(), "")
    assert re.findall(r"https?:[^\"' ]*", own) == ["http://www.w3.org/2000/svg"]


def test_our_scripts_never_make_markup_of_words() -> None:
    own = "".join((PARTS / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
    assert not re.search(r"(inner|outer)HTML|insertAdjacent|document\.write|\beval\b|Function\(|DOMParser|srcdoc", own)
    assert {path.stem for path in PARTS.glob("*.js")} == {*SCRIPTS, "viz"}


@pytest.mark.parametrize("path", sorted(PARTS.iterdir()), ids=lambda path: path.name)
def test_no_part_ends_or_hides_what_it_stands_in(path: Path) -> None:
    text = path.read_bytes()
    assert b"\r" not in text
    assert b"\0" not in text, "a browser would replace it, and the hash would be another's"
    if path.suffix == ".js":
        assert not re.search(rb"</?script|<!--", text, re.IGNORECASE)
    if path.suffix == ".txt":
        assert b"--" not in text


def test_the_library_is_the_one_that_is_fetched() -> None:
    script = (Path(__file__).parent.parent / "vendor" / "viz.sh").read_text()
    assert f"sum={hashlib.sha256((PARTS / 'viz.js').read_bytes()).hexdigest()}\n" in script
    version = re.search(r"version=(\S+)", script)
    assert version is not None
    assert f"version {version[1]}, unchanged" in (PARTS / "viz.LICENSE.txt").read_text()
    assert f"Viz.js {version[1]}" in (PARTS / "viz.js").read_text("utf-8")[:100]


def test_a_page_of_twenty_states_is_smaller_than_two_megabytes() -> None:
    triggers = [f"a trigger of some length {i}" for i in range(20)]
    names = [f"a state of some length {i}" for i in range(20)]
    rows = [(q, each, (q * 7 + i) % 20, None, 9) for q in range(20) for i, each in enumerate(triggers)]
    machine = Machine.build("moore", 0, names, triggers, rows)
    trace = SampledTrace("1", 1, *((3,) * 5000,) * 4, (0,) * 5000, tuple(range(5000)))
    sample = Sample("visible", ("log.csv",), tuple(names), tuple(triggers), ("",) * 4, (), (trace,))
    comparison = tuple(Comparison("a state", "a trigger", f"{i}", None, 1, 1, 0.0, "noise") for i in range(9999))
    examples = tuple((f"log.csv:{i}", "dropped", "label", "a reason as long as they are" * 3) for i in range(9999))
    support = tuple(Support(t.state, t.trigger, t.next_state, None, 9, 0, names[0], 4.5) for t in machine.transitions)
    about = replace(
        ABOUT, comparison=comparison, noise=replace(ABOUT.noise, examples=examples, dropped=9999), support=support
    )
    assert len(page(described(machine, about, sample), "large").encode()) < 1_900_000


def test_long_tables_are_cut_and_say_so() -> None:
    many = tuple((f"a.csv:{i}", "dropped", "label", "why") for i in range(ROWS + 1))
    data = described(WASH, replace(ABOUT, noise=replace(ABOUT.noise, examples=many)))
    tables = {table["name"]: table for table in data["tables"]}
    assert len(tables["noise"]["rows"]) == ROWS
    assert "first 1,000 of 1,001 rows; fsmlearn report --noise prints all" in tables["noise"]["note"]
    assert "first" not in tables["transitions"]["note"]


def test_tables_are_rectangular_and_their_kinds_are_true() -> None:
    about = replace(ABOUT, held_out=HeldOut(1, 5, 2, (Score("machine", 0.5, 0.75),)))
    data = described(LAMP, about, sample_of([LAMP_ROWS], "hidden"))
    names = [table["name"] for table in data["tables"]]
    assert names == ["transitions", "compared", "heldout", "support", "noise", "odd", "unseen"]
    for table in data["tables"]:
        for row in table["rows"]:
            assert len(row) == len(table["columns"])
            for cell, column in zip(row, table["columns"], strict=True):
                numeric = isinstance(cell, int | float)
                assert cell is None or numeric == (column["kind"] != "word")


def test_without_a_log_there_is_the_machine_alone() -> None:
    data = described(WASH)
    assert [table["name"] for table in data["tables"]] == ["transitions", "unseen"]
    assert (data["facts"], data["epochs"], data["pictures"], data["traces"]["traces"]) == ([], [], [], [])
    assert "support" not in data


def test_evidence_is_found_by_the_numbers_of_the_machine() -> None:
    support = (
        Support("Soak", None, None, None, 18, 1, "Soak·2", 7.5),
        Support("Rinse", "Timer", "Soak·2", None, 9, 0, None, float("nan")),
    )
    found = described(WASH, replace(ABOUT, support=support))["support"]
    soak = list(WASH.labels).index("Soak")
    assert found["states"] == {soak: {"rows": 18, "against": 1, "rival": "Soak·2", "nats": 7.5}}
    (number,) = found["transitions"]
    assert (WASH.transitions[number].state, WASH.transitions[number].trigger) == ("Rinse", "Timer")
    assert found["transitions"][number]["nats"] is None


def test_an_lts_has_no_pairs_that_were_never_seen() -> None:
    rows = [(0, "a", 1, None, 1), (0, "b", 0, None, 2), (1, "a", 0, None, 1)]
    machine = Machine.build("lts", 0, [None, None], ["a", "b"], rows)
    data = described(machine)
    assert [table["name"] for table in data["tables"]] == ["transitions"]
    assert data["tables"][0]["columns"][1]["name"] == "event"


def test_a_walk_of_the_machine_is_replayed_as_it_was() -> None:
    word = ["Start", "Level", "Timer", "Level", "Timer", "Timer", "Start"]
    steps = list(WASH.run(word))
    sample = sample_of(visible(WASH, [steps]), "visible")
    order = list(WASH.labels)
    expected = [(order.index(t.state), WASH.transitions.index(t)) for t in steps]
    assert list(followed(WASH, sample, sample.traces[0])) == expected


def test_a_row_that_the_machine_has_not_is_told_and_the_rows_after_it_are_followed() -> None:
    rows = [("Off", "Start", "Soak"), ("Soak", "Level", "Off"), ("Rinse", "Timer", "Soak"), ("Soak", "Kick", "Off")]
    sample = sample_of([rows], "visible")
    order = list(WASH.labels)
    found = list(followed(WASH, sample, sample.traces[0]))
    assert [at for at, _ in found] == [order.index(name) for name in ("Off", "Soak", "Rinse", "Soak·2")]
    assert [way == NONE for _, way in found] == [False, True, False, True]


def test_where_the_rows_leave_the_state_open_the_replay_does_too() -> None:
    sample = sample_of([[("Rinse", "Level", "Drain"), ("Rinse", "Timer", "Drain")]], "visible")
    (first, way), (second, last) = followed(WASH, sample, sample.traces[0])
    assert (first, way) == (OPEN, NONE)
    assert second == OPEN
    assert WASH.transitions[last].next_state == "Drain", "only one of the two leads there"


def test_hidden_states_and_events_are_replayed_too() -> None:
    sample = sample_of([LAMP_ROWS], "hidden")
    found = list(followed(LAMP, sample, sample.traces[0]))
    assert [at for at, _ in found] == [0, 0, 1, 1, 1, 0]
    assert all(way >= 0 for _, way in found)
    lts = Machine.build("lts", 0, [None] * 2, ["a", "b"], [(0, "a", 1, None, 1), (1, "b", 0, None, 1)])
    events = Sample("sequence", ("f",), triggers=("a", "b"), traces=(_events(0, 1, 1, 0),))
    assert list(followed(lts, events, events.traces[0])) == [(0, 0), (1, 1), (0, NONE), (0, 0)]


def _events(*codes: int) -> SampledTrace:
    none = (-1,) * len(codes)
    return SampledTrace("1", 1, none, codes, none, none, (0,) * len(codes), tuple(range(2, len(codes) + 2)))


def test_what_is_drawn_is_what_plot_draws() -> None:
    names = [str(i) for i in range(100)]
    rows = [(i, "go", i + 1, None, i + 1) for i in range(99)] + [(i, "off", 0, None, 1) for i in range(1, 100)]
    machine = Machine.build("moore", 0, names, ["go", "off"], rows)
    drawn = described(machine)["drawn"]
    assert len(drawn["states"]) == 60
    assert drawn["hubs"] == [0]
    assert drawn["omitted"] == ["40 states with fewer rows than those shown"]
    kept = set(drawn["states"])
    order = list(machine.labels)
    for i in drawn["transitions"]:
        assert {order.index(machine.transitions[i].state), order.index(machine.transitions[i].next_state)} <= kept


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a model that has learned nothing."""
    monkeypatch.chdir(tmp_path)
    word = ["Start", "Level", "Timer", "Level", "Timer", "Timer"] * 2
    stored(tmp_path / "model.fsm", WASH, visible(WASH, [list(WASH.run(word[:n])) for n in (3, 7, 12)]), "visible")
    return tmp_path


def view(*line: str) -> Result:
    return CliRunner().invoke(app, ["view", *line])


def test_the_command_writes_a_page_with_pictures(directory: Path) -> None:
    done = view()
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "saved as machine.html\n")
    data = Parts((directory / "machine.html").read_text("utf-8")).data
    assert Machine.from_dict(data["machine"]) == WASH
    assert [len(trace["rows"]) for trace in data["traces"]["traces"]] == [3, 7, 12]
    assert len(data["pictures"]) == 4
    assert all(each["src"].startswith("data:image/svg+xml;base64,") for each in data["pictures"])
    assert data["missing"] == ""


def test_an_imported_machine_has_a_page_too(directory: Path) -> None:
    store.save_imported(directory / "imported.fsm", unseen := uncounted(WASH), Origin("lamps/wash.dot", "1"))
    assert view("--model", "imported.fsm").exit_code == 0
    found = Parts((directory / "machine.html").read_text("utf-8"))
    assert found.texts[0][2] == "wash.dot"
    assert Machine.from_dict(found.data["machine"]) == unseen
    assert found.data["drawn"]["transitions"] == list(range(6)), "though no row is behind any"


def uncounted(machine: Machine) -> Machine:
    """The machine with nothing counted."""
    return replace(machine, transitions=tuple(replace(t, count=0) for t in machine.transitions))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["--model", "gone.fsm"], "gone.fsm: no such model"),
        (["-o", "nowhere/a.html"], "nowhere/a.html: cannot be written"),
        (["-o", "model.fsm"], "model.fsm: is the model itself; name another place with -o"),
        (["-o", "."], ".: is not a file"),
        (["-o", "-"], "-: standard output does not take this; name a file with -o"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(directory: Path, line: list[str], told: str) -> None:
    before = (directory / "model.fsm").read_bytes()
    done = view(*line)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert told in done.stderr
    assert [path.name for path in directory.iterdir()] == ["model.fsm"]
    assert (directory / "model.fsm").read_bytes() == before


def test_without_matplotlib_the_page_says_how_to_get_the_pictures(directory: Path) -> None:
    code = "import sys; sys.modules['matplotlib'] = None; from fsmlearn.cli.app import main; main()"
    subprocess.run([sys.executable, "-c", code, "view", "-q"], check=True)
    data = Parts((directory / "machine.html").read_text("utf-8")).data
    assert data["pictures"] == []
    assert "pip install 'fsmlearn[plots]'" in data["missing"]
