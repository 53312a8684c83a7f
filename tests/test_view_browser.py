"""The page of `fsmlearn view` in a real browser: what it shows, and what it does when it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, DRIVER, chromium, look
from machines import SAMPLES, WASH, visible
from pictured import sample_of
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from test_store import ABOUT
from test_view import HARD, hard_machine

from fsmlearn.about import Support
from fsmlearn.machine import Machine
from fsmlearn.view.data import described
from fsmlearn.view.page import page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Debian's chromium and chromium-driver are not installed"),
]
HAPPENED = ["Start", "Level", "Timer", "Level", "Timer", "Timer"]


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    with chromium() as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_odd(driver: webdriver.Chrome) -> Iterator[None]:
    """After each test: no error was logged, and nothing was asked of a network."""
    logged(driver, "performance")
    yield
    assert logged(driver, "browser") == []
    messages = [json.loads(each["message"])["message"] for each in logged(driver, "performance")]
    asked = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert {url for url in asked if url.startswith("file:")} == {driver.current_url}, "the page itself"


def logged(driver: webdriver.Chrome, what: str) -> list[dict[str, Any]]:
    """What came into a log of the browser since it was asked last."""
    return list(driver.get_log(what))  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def washing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a machine whose rows are known."""
    rows = visible(WASH, [list(WASH.run(HAPPENED)), list(WASH.run(HAPPENED[:2]))])
    rows[1].append(("Rinse", "Timer", "Off"))  # which the machine does not do
    support = (Support("Soak", None, None, None, 18, 1, "Soak·2", 7.5),)
    about = type(ABOUT).from_dict({**ABOUT.to_dict(), "support": []})
    data = described(WASH, about, sample_of(rows, "visible"), [], "no pictures")
    data["support"] = {"states": {1: {"rows": 18, "against": 1, "rival": support[0].rival, "nats": 7.5}}}
    data["support"]["transitions"] = {}
    return written(tmp_path_factory.mktemp("page") / "wash.html", data)


def written(path: Path, data: dict[str, Any]) -> Path:
    path.write_text(page(data, "a machine"), "utf-8")
    return path


def one(driver: webdriver.Chrome | WebElement, selector: str) -> WebElement:
    return driver.find_element(By.CSS_SELECTOR, selector)


def texts(driver: webdriver.Chrome, selector: str) -> list[str]:
    return [str(each.get_property("textContent")) for each in driver.find_elements(By.CSS_SELECTOR, selector)]


def courses(driver: webdriver.Chrome) -> list[str | None]:
    """How the lines of the graph go."""
    return [each.get_attribute("d") for each in driver.find_elements(By.CSS_SELECTOR, ".line")]


def press(driver: webdriver.Chrome, *keys: str) -> None:
    driver.switch_to.active_element.send_keys(*keys)


def state(driver: webdriver.Chrome, name: str) -> WebElement:
    return one(driver, f'[data-state="{list(WASH.labels).index(name)}"]')


def here(driver: webdriver.Chrome) -> list[str]:
    """The state that is marked as the place of a walk or a replay."""
    return texts(driver, ".state.here .title")


def button(driver: webdriver.Chrome, section: str, text: str) -> WebElement:
    (found,) = (each for each in driver.find_elements(By.CSS_SELECTOR, f"#{section} button") if each.text == text)
    return found


def test_the_graph_has_every_state_and_the_ways_between_them(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)
    assert texts(driver, ".state .title") == list(WASH.labels)
    assert sorted(texts(driver, ".label text")) == sorted(t.trigger for t in WASH.transitions)
    assert "6 states, 3 triggers, 6 transitions, starting in Off" in one(driver, "#size").text
    boxes = [each.rect for each in driver.find_elements(By.CSS_SELECTOR, ".state rect, .label .behind")]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart_x = a["x"] + a["width"] <= b["x"] + 1 or b["x"] + b["width"] <= a["x"] + 1
            apart_y = a["y"] + a["height"] <= b["y"] + 1 or b["y"] + b["height"] <= a["y"] + 1
            assert apart_x or apart_y, "nothing lies on anything else"
    paper = one(driver, "#paper").rect
    for box in boxes:
        assert paper["x"] <= box["x"] and box["x"] + box["width"] <= paper["x"] + paper["width"]
        assert paper["y"] <= box["y"] and box["y"] + box["height"] <= paper["y"] + paper["height"]


def test_a_click_on_a_state_tells_what_is_known_of_it(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)
    state(driver, "Soak").click()
    told = one(driver, "#details").text
    assert "State Soak\n20 rows; initial state" not in told
    assert "20 rows; evidence: 7.5 nats over Soak·2, 1 row against." in told
    assert texts(driver, "#details tbody tr")[:2] == ["LevelRinse10100 %", "StartOff10100 %"]
    assert "line 3\tSoak + Level → Rinse".replace("\t", " ") in told
    assert texts(driver, ".state.selected .title") == ["Soak"]
    assert state(driver, "Soak").get_attribute("aria-pressed") == "true"
    one(driver, "#details td button").click()
    assert one(driver, "#details-title").text == "Trigger Level"
    assert texts(driver, ".edge.selected") == ["", ""]
    driver.find_elements(By.CSS_SELECTOR, ".label")[0].click()
    assert one(driver, "#details-title").text == "Off → Soak"


def test_a_walk_goes_from_the_initial_state_step_by_step(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)
    for trigger, reached in (("Start", "Soak"), ("Level", "Rinse"), ("Timer", "Soak·2")):
        assert texts(driver, "#ways button") == [trigger]
        button(driver, "walk", trigger).click()
        assert here(driver) == [reached]
        assert one(driver, "#told").get_property("textContent") == f"{trigger}, now in {reached}"
        assert driver.switch_to.active_element == one(driver, "#ways button"), "so that Enter goes on"
    assert texts(driver, "#steps li")[-1] == "Rinse — Timer → Soak·2"
    assert len(driver.find_elements(By.CSS_SELECTOR, ".edge.here")) == 1
    button(driver, "walk", "Back").click()
    assert here(driver) == ["Rinse"]
    button(driver, "walk", "Restart").click()
    assert here(driver) == ["Off"]
    assert texts(driver, "#steps li") == []


def test_where_a_trigger_has_several_ways_the_walk_asks_which(driver: webdriver.Chrome, tmp_path: Path) -> None:
    rows = [(0, "go", 1, "ok", 3), (0, "go", 0, "no", 1), (1, "back", 0, "ok", 1)]
    machine = Machine.build("mealy", 0, [None, None], ["go", "back"], rows)
    look(driver, written(tmp_path / "a.html", described(machine)))
    assert texts(driver, "#ways button") == ["go / ok → S1 75.0 %", "go / no → S0 25.0 %"]
    one(driver, "#ways button").click()
    assert here(driver) == ["S1"]
    assert driver.find_elements(By.CSS_SELECTOR, "#replay, #learning, #pictures") == [], "there is no log"


def test_a_trace_is_replayed_row_by_row(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)
    assert len(Select(one(driver, "#trace")).options) == 2
    ways = list(WASH.run(HAPPENED))
    for n, step in enumerate(ways, 1):
        one(driver, "#next").click()
        assert here(driver) == [step.next_state]
        assert f"Row {n} of 6: " in one(driver, "#position-text").text
    assert not one(driver, "#next").is_enabled()
    Select(one(driver, "#trace")).select_by_index(1)
    assert texts(driver, "#trace-rows tr.against td:last-child") == ["no such transition"]
    driver.find_elements(By.CSS_SELECTOR, "#trace-rows tr")[1].click()
    assert here(driver) == ["Rinse"]
    one(driver, "#position").send_keys(Keys.HOME)
    assert here(driver) == ["Off"]
    button(driver, "replay", "Play").click()
    driver.implicitly_wait(3)
    assert one(driver, ".edge.here") is not None
    driver.implicitly_wait(0)
    button(driver, "replay", "Stop").click()


def test_an_example_row_begins_its_replay(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)
    state(driver, "Rinse·2").click()
    button(driver, "details", "replay").click()
    assert "Row 5 of 6: Rinse + Timer → Drain; in Drain." in one(driver, "#position-text").text
    assert here(driver) == ["Drain"]


def test_states_and_triggers_are_found_by_a_part_of_their_names(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)
    one(driver, "#search").send_keys("RIN")
    assert texts(driver, "#found li") == ["state Rinse", "state Rinse·2"]
    assert texts(driver, ".state.found .title") == ["Rinse", "Rinse·2"]
    press(driver, Keys.ENTER)
    assert one(driver, "#details-title").text == "State Rinse"
    one(driver, "#search").clear()
    one(driver, "#search").send_keys("tim")
    assert texts(driver, "#found li") == ["trigger Timer"]
    one(driver, "#search").send_keys("xyz")
    assert texts(driver, "#found li") == ["nothing is called so"]


def test_tables_are_sorted_and_filtered(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)

    def column(n: int) -> list[str]:
        return texts(driver, f"#transitions tbody td:nth-child({n})")

    assert column(1) == [t.state for t in WASH.transitions]
    heads = driver.find_elements(By.CSS_SELECTOR, "#transitions th")
    one(heads[3], "button").click()
    assert column(4) == ["3", "3", "8", "9", "10", "10"]
    assert heads[3].get_attribute("aria-sort") == "ascending"
    one(heads[3], "button").click()
    assert column(4) == ["10", "10", "9", "8", "3", "3"]
    assert heads[3].get_attribute("aria-sort") == "descending"
    one(heads[0], "button").send_keys(Keys.ENTER)
    assert column(1) == sorted(column(1))
    assert heads[3].get_attribute("aria-sort") is None
    one(driver, "#filter-transitions").send_keys("rinse timer")
    assert one(driver, "#transitions .count").text == "2 of 6 rows"
    assert column(1) == ["Rinse", "Rinse·2"]
    one(driver, "#transitions td button").click()
    assert one(driver, "#details-title").text == "State Rinse"


def test_a_long_table_is_shown_part_by_part(driver: webdriver.Chrome, tmp_path: Path) -> None:
    rows = [(i, "go", (i + 1) % 250, None, i) for i in range(250)]
    machine = Machine.build("moore", 0, [f"s{i}" for i in range(250)], ["go"], rows)
    look(driver, written(tmp_path / "a.html", described(machine)))
    for shown in (100, 200, 250):
        assert len(texts(driver, "#transitions tbody tr")) == shown
        if shown < 250:
            one(driver, "#transitions .more").click()
    assert not one(driver, "#transitions .more").is_displayed()
    assert one(driver, "#omitted").text == "Not shown: 190 states with fewer rows than those shown"
    one(driver, "#search").send_keys("s100", Keys.ENTER)
    one(driver, "#around").click()
    assert texts(driver, ".state .title") == ["s99", "s100", "s101"]


def test_rare_transitions_are_hidden_when_asked(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)
    one(driver, "#least").send_keys(Keys.CONTROL + "a", Keys.NULL, "9", Keys.TAB)
    assert len(texts(driver, ".label")) == 3
    assert one(driver, "#omitted").text == "Not shown: 3 transitions of fewer than 9 rows"


def test_the_graph_is_moved_zoomed_and_dragged(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)

    def view() -> str:
        return str(one(driver, "#paper svg > g").get_attribute("transform"))

    fitted = view()
    one(driver, "#closer").click()
    assert view() != fitted
    one(driver, "#fit").click()
    assert view() == fitted
    soak = state(driver, "Soak")
    before = soak.rect
    lines = courses(driver)
    ActionChains(driver).drag_and_drop_by_offset(soak, 120, 10).perform()
    assert abs(soak.rect["x"] - before["x"] - 120) <= 2
    assert view() == fitted
    moved = sum(a != b for a, b in zip(lines, courses(driver), strict=True))
    assert moved == 4, "two halves of the way in, and of that out"
    assert texts(driver, ".state.selected") == [], "a drag is no click"
    ActionChains(driver).move_to_element_with_offset(one(driver, "#paper"), -200, 100).click_and_hold().move_by_offset(
        40, 30
    ).release().perform()
    assert view() != fitted
    state(driver, "Off").click()
    assert texts(driver, ".state.selected .title") == ["Off"], "and the click after it is one"


def test_the_keyboard_reaches_everything(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)
    one(driver, "body").send_keys(Keys.TAB)
    assert str(driver.switch_to.active_element.get_attribute("href")).endswith("#tables")
    order = []
    for _ in range(8):
        press(driver, Keys.TAB)
        active = driver.switch_to.active_element
        order.append(active.get_attribute("id") or active.get_attribute("aria-label"))
    assert order[:6] == ["search", "around", "least", "closer", "further", "fit"]
    assert order[6] == "state Off, 13 rows"
    state(driver, "Off").send_keys(Keys.ARROW_RIGHT)
    press(driver, Keys.ARROW_DOWN)
    press(driver, Keys.ENTER)
    assert one(driver, "#details-title").text == "State Rinse"
    press(driver, Keys.ARROW_LEFT)
    press(driver, " ")
    assert one(driver, "#details-title").text == "State Soak"
    press(driver, Keys.END)
    assert driver.switch_to.active_element == state(driver, "Drain")
    before = one(driver, "#paper svg > g").get_attribute("transform")
    press(driver, "+")
    assert one(driver, "#paper svg > g").get_attribute("transform") != before


def test_everything_has_a_name_for_a_screen_reader(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing)
    driver.execute_cdp_cmd("Accessibility.enable", {})
    nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    roles: dict[str, list[str]] = {}
    for node in nodes:
        if not node["ignored"]:
            name = node.get("name", {}).get("value", "")
            roles.setdefault(node["role"]["value"], []).append(name)
    for role in ("button", "searchbox", "checkbox", "spinbutton", "combobox", "slider", "region", "heading", "image"):
        assert all(roles.get(role, [role])), role
    assert [name for name in roles["button"] if name.startswith("state ")] == [
        f"state {name}, {rows} rows" for name, rows in zip(WASH.labels, (13, 20, 19, 17, 11, 6), strict=True)
    ]
    assert {"Transitions", "Graph", "Walk", "Replay"} <= set(roles["heading"])


def test_hard_words_are_shown_as_words(driver: webdriver.Chrome, tmp_path: Path) -> None:
    machine = hard_machine(HARD)
    look(driver, written(tmp_path / "a.html", described(machine, missing=HARD[0])))
    shown = [each.name if each.name.isprintable() else None for each in machine.states]
    for selector in (".state .title", "#transitions td:first-child"):
        for text, name in zip(texts(driver, selector), shown, strict=True):
            assert name in (None, text)
    assert "\\u{202e}" in texts(driver, ".state .title")
    for i in range(len(HARD)):
        driver.execute_script("arguments[0].dispatchEvent(new Event('click'))", one(driver, f'[data-state="{i}"]'))
        assert one(driver, "#details .name").get_property("textContent") in texts(driver, ".state .title")
        one(driver, "#ways button").click()
    one(driver, "#search").send_keys("<")
    assert len(driver.find_elements(By.TAG_NAME, "script")) == 3
    assert driver.find_elements(By.CSS_SELECTOR, "img") == []


def test_it_fits_a_phone_in_the_dark(driver: webdriver.Chrome, washing: Path) -> None:
    look(driver, washing, 375, 800, "dark")
    state(driver, "Soak").click()
    button(driver, "walk", "Start").click()
    one(driver, "#next").click()
    assert driver.execute_script("return document.documentElement.scrollWidth") == 375
    back, ink = (
        driver.execute_script(f"return getComputedStyle(document.body).{what}") for what in ("backgroundColor", "color")
    )
    assert brightness(back) < 40 < 200 < brightness(ink)
    look(driver, washing, 375, 800, "light")
    assert brightness(driver.execute_script("return getComputedStyle(document.body).backgroundColor")) > 200


def brightness(colour: str) -> float:
    """The mean of rgb(1, 2, 3)."""
    parts = [float(each) for each in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return sum(parts) / 3


@pytest.mark.parametrize("name", ["washing_machine", "vending_machine", "brown_fox"])
def test_a_learned_machine_from_log_to_page(driver: webdriver.Chrome, tmp_path: Path, name: str) -> None:
    """Of all three kinds: pictures, curves, facts; no wider than a phone; the same bytes each time, below 2 MB."""
    log = str(SAMPLES / f"{name}.csv")
    for line in (["train", log, "-q"], ["view", "-o", "a.html", "-q"], ["view", "-o", "b.html", "-q"]):
        subprocess.run([sys.executable, "-m", "fsmlearn", *line], cwd=tmp_path, check=True)
    text = (tmp_path / "a.html").read_bytes()
    assert text == (tmp_path / "b.html").read_bytes()
    assert len(text) < 2_000_000
    look(driver, tmp_path / "a.html", 375, 800)
    assert driver.execute_script("return document.documentElement.scrollWidth") == 375
    assert len(driver.find_elements(By.CSS_SELECTOR, "#learning svg")) == 4
    for picture in driver.find_elements(By.CSS_SELECTOR, "#pictures img"):
        driver.execute_script("arguments[0].scrollIntoView()", picture)
        assert driver.execute_async_script(
            "const done = arguments[1]; arguments[0].decode().then(() => done(arguments[0].naturalWidth))", picture
        )
    assert [each.text for each in driver.find_elements(By.CSS_SELECTOR, "#facts h2")] == [
        "Log",
        "Noise",
        "Training",
        "Settings",
    ]
