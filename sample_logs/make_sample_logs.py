"""Writes the sample logs and the truth behind each: machines, people who use them, and loggers that err.

    python sample_logs/make_sample_logs.py [FOLDER]

Each log comes from a small world: a machine whose states are known, a user who picks triggers, and a share of
noise. Beside NAME.csv stands NAME.truth.json: the machine, and every row of the file that is not what happened.
Standard library only; the same bytes every time.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

Item = TypeVar("Item")

KINDS = ("label", "spurious", "drop", "swap")
HIDDEN_KINDS = ("output",)  # where the log hides the states


class Row(NamedTuple):
    """One thing that happened, in the words of the log."""

    current_state: str
    trigger: str
    next_state: str
    output: str | None


class Branch(NamedTuple):
    """One way on from a state and a trigger."""

    next_state: str
    output: str | None
    probability: float


@dataclass(frozen=True)
class World:
    """A machine with hidden memory or chance, and somebody who uses it.

    States are named LABEL or LABEL_SUFFIX; the log shows the label alone. `user` picks the next trigger in a
    state, or None to end the trace there.
    """

    name: str
    seed: int
    traces: int
    noise: float  # share of rows that something happens to
    initial: str
    machine: dict[tuple[str, str], tuple[Branch, ...]]
    user: Callable[[random.Random, str, int], str | None]  # (rng, state, rows so far) -> trigger
    hides_states: bool = False  # the log shows triggers and outputs alone

    @property
    def states(self) -> list[str]:
        """All states, the initial one first."""
        named = [self.initial]
        for (state, _), branches in self.machine.items():
            named += [state, *(branch.next_state for branch in branches)]
        return list(dict.fromkeys(named))


@dataclass
class Noise:
    """What stands in the log but did not happen, and what happened but does not stand there."""

    rows: list[dict[str, Any]] = field(default_factory=list)  # line, kind, what the line should say (None: nothing)
    lost: list[dict[str, Any]] = field(
        default_factory=list
    )  # the trace, the line that it should stand before, and the row


def pick(rng: random.Random, items: Sequence[Item], weights: Sequence[float] | None = None) -> Item:
    """One item at random. Made from random() alone, whose numbers Python promises to keep."""
    weights = weights or [1.0] * len(items)
    point = rng.random() * sum(weights)
    for item, weight in zip(items, weights, strict=True):
        point -= weight
        if point < 0:
            return item
    return items[-1]


def label(state: str) -> str:
    """What the log calls a state."""
    return state.partition("_")[0]


def walk(world: World, rng: random.Random, counts: Counter[tuple[str, str, Branch]]) -> list[Row]:
    """One trace as it truly happened."""
    state, rows = world.initial, list[Row]()
    while (trigger := world.user(rng, state, len(rows))) is not None:
        branches = world.machine[state, trigger]
        branch = pick(rng, branches, [b.probability for b in branches])
        counts[state, trigger, branch] += 1
        rows.append(Row(label(state), trigger, label(branch.next_state), branch.output))
        state = branch.next_state
    return rows


def disturb(world: World, rng: random.Random, rows: list[Row], trace: int, line: int, noise: Noise) -> list[Row]:
    """What a poor logger makes of a trace that it begins on `line`; each row is hit with the same chance."""
    labels = list(dict.fromkeys(map(label, world.states)))
    triggers = list(dict.fromkeys(trigger for _, trigger in world.machine))
    outputs = list(dict.fromkeys(b.output for branches in world.machine.values() for b in branches))
    accepted = {(label(state), trigger) for state, trigger in world.machine}
    written: list[Row] = []

    def note(kind: str, true: Row | None, row: Row) -> None:
        noise.rows.append({"line": line + len(written), "kind": kind, "true": true and shown(world, true)})
        written.append(row)

    i = 0
    while i < len(rows):
        row = rows[i]
        kind = pick(rng, HIDDEN_KINDS if world.hides_states else KINDS) if rng.random() < world.noise else None
        if kind == "swap" and (i + 1 == len(rows) or rows[i + 1] == row):
            kind = None  # nothing to change places with
        if kind == "label":
            note(kind, row, row._replace(next_state=pick(rng, [w for w in labels if w != row.next_state])))
        elif kind == "output":
            note(kind, row, row._replace(output=pick(rng, [w for w in outputs if w != row.output])))
        elif kind == "drop":
            noise.lost.append({"trace": trace, "before_line": line + len(written), "true": shown(world, row)})
        elif kind == "swap":
            note(kind, row, rows[i + 1])
            note(kind, rows[i + 1], row)
            i += 1
        else:
            ignored = [trigger for trigger in triggers if (row.current_state, trigger) not in accepted]
            if kind == "spurious" and ignored:
                made_up = pick(rng, [w for w in labels if w != row.current_state])
                note(kind, None, Row(row.current_state, pick(rng, ignored), made_up, pick(rng, outputs)))
            written.append(row)
        i += 1
    return written


def shown(world: World, row: Row) -> dict[str, str]:
    """A row as the columns of the log; a world without outputs has no output column."""
    columns = ("trigger", "output") if world.hides_states else row._fields
    return {name: cell for name, cell in row._asdict().items() if name in columns and cell is not None}


def make(world: World) -> tuple[str, str]:
    """The CSV and the truth of a world, as text."""
    rng = random.Random(world.seed)
    counts: Counter[tuple[str, str, Branch]] = Counter()
    noise = Noise()
    log = io.StringIO()
    writer = csv.writer(log, lineterminator="\n")
    line = 2
    for trace in range(1, world.traces + 1):
        rows = disturb(world, rng, walk(world, rng, counts), trace, line, noise)
        for step, row in enumerate(rows, start=1):
            cells = shown(world, row)
            if line == 2:
                writer.writerow(["trace", "step", *cells])
            writer.writerow([trace, step, *cells.values()])
            line += 1
    transitions = [
        {"state": state, "trigger": trigger, **branch._asdict(), "count": counts[state, trigger, branch]}
        for (state, trigger), branches in world.machine.items()
        for branch in branches
    ]
    return log.getvalue(), truth(world.name, world.initial, world.states, transitions, line - 2, noise)


def truth(
    name: str,
    initial: str,
    states: Sequence[str],
    transitions: Sequence[dict[str, Any]],
    rows: int,
    noise: Noise,
    shown: Mapping[str, str] | None = None,
) -> str:
    """The truth file: a JSON object with one state, transition or noisy row a line; `shown` is what the log calls a
    state where that is not its label."""
    lists = {
        "states": [{"name": state, "label": shown[state] if shown else label(state)} for state in states],
        "transitions": transitions,
        "noise": noise.rows,
        "lost": noise.lost,
    }
    parts = [f'"log": {json.dumps(name + ".csv")}', f'"rows": {rows}', f'"initial": {json.dumps(initial)}']
    for key, entries in lists.items():
        lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in entries)
        parts.append(f'"{key}": [\n{lines}\n ]' if entries else f'"{key}": []')
    return "{\n " + ",\n ".join(parts) + "\n}\n"


# --- the worlds -------------------------------------------------------------------------------------------------


def sure(next_state: str, output: str | None = None) -> tuple[Branch, ...]:
    """The one way on where nothing is left to chance."""
    return (Branch(next_state, output, 1.0),)


def washing_machine() -> World:
    """A fully automatic washing machine: the programme decides how often it soaks and rinses before it drains.

    The suffix of Soak and Rinse counts the rinses still to come, and nobody outside sees it.
    """
    machine = {("Off", "Power"): sure("Idle"), ("Idle", "Power"): sure("Off")}
    for n in (1, 2, 3):
        machine["Idle", f"Program {n}"] = sure(f"Programmed_{n}")
    for n in (1, 2, 3):
        for other in (1, 2, 3):
            machine[f"Programmed_{n}", f"Program {other}"] = sure(f"Programmed_{other}")
        machine[f"Programmed_{n}", "Start"] = sure(f"Soak_{n}")
        machine[f"Soak_{n}", "Level"] = sure(f"Rinse_{n}")
        machine[f"Rinse_{n}", "Timer"] = sure(f"Soak_{n - 1}" if n > 1 else "Drain")
        for state in (f"Programmed_{n}", f"Soak_{n}", f"Rinse_{n}"):
            machine[state, "Power"] = sure("Off")
    machine |= {("Drain", "Timer"): sure("Dry"), ("Dry", "Timer"): sure("Stop")}
    machine |= {(state, "Power"): sure("Off") for state in ("Drain", "Dry", "Stop")}
    programmes = ("Program 1", "Program 2", "Program 3")

    def person(rng: random.Random, state: str, rows: int) -> str | None:
        if state == "Off":
            return None if rows and rng.random() < 0.7 else "Power"  # some days see a second wash
        if state == "Stop" or rng.random() < 0.06:  # a power cut, or a change of mind
            return "Power"
        if state == "Idle" or (label(state) == "Programmed" and rng.random() < 0.25):
            return pick(rng, programmes, (0.36, 0.32, 0.32))
        return {"Programmed": "Start", "Soak": "Level"}.get(label(state), "Timer")

    return World("washing_machine", 14, 800, 0.03, "Off", machine, person)


def door_lock() -> World:
    """A keypad lock that counts wrong codes: the third in a row sets off the alarm. The suffix is that count."""
    machine = {}
    for wrong in (0, 1, 2):
        machine[f"Locked_{wrong}", "Right code"] = sure("Unlocked", "click")
        machine[f"Locked_{wrong}", "Wrong code"] = sure(f"Locked_{wrong + 1}", "buzz")
        machine[f"Locked_{wrong}", "Handle"] = sure(f"Locked_{wrong}", "rattle")
    machine["Locked_2", "Wrong code"] = sure("Alarm", "siren")
    machine |= {
        ("Unlocked", "Handle"): sure("Open", "creak"),
        ("Unlocked", "Timer"): sure("Locked_0", "click"),
        ("Open", "Push"): sure("Unlocked", "thud"),
        ("Open", "Timer"): sure("Open", "beep"),
        ("Alarm", "Right code"): sure("Alarm", "siren"),
        ("Alarm", "Wrong code"): sure("Alarm", "siren"),
        ("Alarm", "Master key"): sure("Locked_0", "beep"),
    }

    def person(rng: random.Random, state: str, rows: int) -> str | None:
        if rows >= 6 and rng.random() < 0.12:
            return None
        if label(state) == "Locked":
            return pick(rng, ("Right code", "Wrong code", "Handle"), (0.45, 0.4, 0.15))
        if state == "Unlocked":
            return pick(rng, ("Handle", "Timer"), (0.55, 0.45))
        if state == "Open":
            return pick(rng, ("Push", "Timer"), (0.8, 0.2))
        return pick(rng, ("Master key", "Right code", "Wrong code"), (0.6, 0.25, 0.15))

    return World("door_lock", 3, 400, 0.02, "Locked_0", machine, person)


def order_process() -> World:
    """A shop's orders. Payment, parcels and claims are up to chance, and nothing in the past tells how they end."""
    machine = {
        ("New", "Place"): sure("Placed"),
        ("Placed", "Cancel"): sure("Cancelled"),
        ("Placed", "Pay"): (Branch("Paid", None, 0.8), Branch("Declined", None, 0.2)),
        ("Declined", "Pay"): (Branch("Paid", None, 0.6), Branch("Declined", None, 0.4)),
        ("Declined", "Cancel"): sure("Cancelled"),
        ("Paid", "Ship"): sure("Shipped"),
        ("Shipped", "Track"): (Branch("Delivered", None, 0.95), Branch("Lost", None, 0.05)),
        ("Lost", "Claim"): (Branch("Shipped", None, 0.7), Branch("Refunded", None, 0.3)),
        ("Delivered", "Return"): sure("Refunded"),
        ("Delivered", "Accept"): sure("Closed"),
    }

    def customer(rng: random.Random, state: str, _rows: int) -> str | None:
        choices = {
            "Placed": (("Pay", "Cancel"), (0.93, 0.07)),
            "Declined": (("Pay", "Cancel"), (0.7, 0.3)),
            "Delivered": (("Accept", "Return"), (0.88, 0.12)),
        }
        if state in choices:
            return pick(rng, *choices[state])
        return {"New": "Place", "Paid": "Ship", "Shipped": "Track", "Lost": "Claim"}.get(state)

    return World("order_process", 5, 1200, 0.02, "New", machine, customer)


def refrigerated_lorry() -> World:
    """A lorry's tracker. What was loaded shows when it is unloaded, after 40 to 60 rows that say nothing of it."""
    machine = {("Empty", "Weigh"): sure("Empty", "light")}
    for cargo, place in (("Frozen", "freezer"), ("Chilled", "fridge")):
        machine["Empty", f"Load {cargo.lower()}"] = sure(cargo, "doors closed")
        machine[cargo, "Drive"] = sure(cargo, "moving")
        machine[cargo, "Stop"] = sure(cargo, "parked")
        machine[cargo, "Refuel"] = sure(cargo, "paid")
        machine[cargo, "Weigh"] = sure(cargo, "heavy")
        machine[cargo, "Unload"] = sure("Empty", f"to the {place}")

    def driver(rng: random.Random, state: str, rows: int) -> str | None:
        if state == "Empty" and rows == 1:
            return pick(rng, ("Load frozen", "Load chilled"))
        if state == "Empty":
            return "Weigh" if rows == 0 or (rows < 64 and rng.random() < 0.5) else None
        if rows >= 42 and rng.random() < 1 / (63 - rows):  # any row from the 43rd to the 63rd, all alike
            return "Unload"
        return pick(rng, ("Drive", "Stop", "Refuel", "Weigh"), (0.55, 0.3, 0.1, 0.05))

    return World("refrigerated_lorry", 8, 360, 0.0, "Empty", machine, driver, hides_states=True)


def vending_machine() -> World:
    """Coffee for two coins, cocoa for three; a key opens the door. The log does not show how many coins are in."""
    machine = {}
    for coins in range(4):
        after = {"Coffee": coins - 2, "Cocoa": coins - 3}
        machine[f"{coins} coins", "Coin"] = sure(f"{min(coins + 1, 3)} coins", "clink" if coins < 3 else "coin back")
        for drink, left in after.items():
            machine[f"{coins} coins", drink] = sure(
                f"{left if left >= 0 else coins} coins", drink.lower() if left >= 0 else "beep"
            )
        machine[f"{coins} coins", "Return"] = sure("0 coins", "coins back" if coins else "beep")
    machine |= {
        ("0 coins", "Key"): sure("Open", "door opens"),
        ("Open", "Key"): sure("0 coins", "door closes"),
        ("Open", "Coffee"): sure("Open", "coffee"),
        ("Open", "Cocoa"): sure("Open", "cocoa"),
    }

    def person(rng: random.Random, state: str, rows: int) -> str | None:
        if rows >= 8 and rng.random() < 0.12:
            return None
        if state == "Open":
            return pick(rng, ("Key", "Coffee", "Cocoa"), (0.5, 0.25, 0.25))
        if state == "0 coins" and rng.random() < 0.1:
            return "Key"
        return pick(rng, ("Coin", "Coffee", "Cocoa", "Return"), (0.55, 0.2, 0.17, 0.08))

    return World("vending_machine", 21, 300, 0.03, "0 coins", machine, person, hides_states=True)


WASHING_CYCLE = """\
Step,Current State,Trigger,Next State
1,Off,Power,Idle
2,Idle,Program Select,Programmed
3,Programmed,Start,Soak
4,Soak,Level,Rinse
5,Rinse,Timer,Soak
6,Rinse,Timer,Drain
7,Drain,Timer,Dry
8,Dry,Timer,Stop
"""


def washing_cycle() -> tuple[str, str]:
    """The textbook's eight rows, and the machine that they show: a rinse goes on in either of two ways."""
    rows = [row[1:] for row in list(csv.reader(io.StringIO(WASHING_CYCLE)))[1:]]
    ways = Counter((state, trigger) for state, trigger, _ in rows)
    transitions = [
        {**Branch(next_state, None, 1 / ways[state, trigger])._asdict(), "state": state, "trigger": trigger, "count": 1}
        for state, trigger, next_state in rows
    ]
    states = list(dict.fromkeys(word for state, _, next_state in rows for word in (state, next_state)))
    return WASHING_CYCLE, truth("washing_cycle", "Off", states, transitions, len(rows), Noise())


VARIABLES = ("Power", "Program", "Program Start", "Timer", "Water Pump", "Water Level", "Outlet", "Spin")
FULL = 40.0  # litres in the drum when the pump stops
SLOSH = 1.5  # litres by which the level that is read may differ, one standard deviation
SPIN = 1200  # turns a minute
READ = {"Power": (0, 1), "Program": (0, 1, 2, 3), "Program Start": (0, 1), "Water Pump": (0, 1), "Outlet": (0, 1)}
READ |= {"Spin": (0, SPIN)}  # what may be misread, and as what


def variables(state: str, trigger: str) -> dict[str, float]:
    """How things stand in a state of the washing machine that a trigger has led to; the level without its noise.

    The knob shows the programme until the start and springs back then. The timer gives a pulse.
    """
    name, _, suffix = state.partition("_")
    running = name not in ("Off", "Idle", "Programmed")
    values = (
        name != "Off",
        int(suffix) if name == "Programmed" else 0,
        running,
        trigger == "Timer",
        name == "Soak",
        FULL if name in ("Rinse", "Drain") else 0.0,
        name in ("Drain", "Dry"),
        SPIN if name == "Dry" else 0,
    )
    return {key: float(value) for key, value in zip(VARIABLES, values, strict=True)}


def washing_variables(seed: int = 23) -> tuple[str, str]:
    """The washing machine as a grid of variables over time: a row when something happens, with how things stand then.

    In one row of two hundred a variable is misread.
    """
    world, rng, noise = washing_machine(), random.Random(seed), Noise()
    counts: Counter[tuple[str, str, Branch]] = Counter()
    log = io.StringIO()
    writer = csv.writer(log, lineterminator="\n")
    writer.writerow(["trace", "step", "trigger", *VARIABLES])
    line = 1
    for trace in range(1, world.traces + 1):
        state, step, chosen = world.initial, 0, ""
        while chosen is not None:
            step, line = step + 1, line + 1
            values = variables(state, chosen)
            values["Water Level"] = max(0.0, values["Water Level"] + SLOSH * (sum(rng.random() for _ in range(12)) - 6))
            if rng.random() < 0.005:
                name = pick(rng, list(READ))
                noise.rows.append({"line": line, "kind": "reading", "true": {name: int(values[name])}})
                values[name] = pick(rng, [value for value in READ[name] if value != values[name]])
            cells = [f"{value:.1f}" if name == "Water Level" else int(value) for name, value in values.items()]
            writer.writerow([trace, step, chosen, *cells])
            chosen = world.user(rng, state, step - 1)
            if chosen is not None:
                [branch] = world.machine[state, chosen]
                counts[state, chosen, branch] += 1
                state = branch.next_state
    transitions = [
        {"state": state, "trigger": trigger, **branch._asdict(), "count": counts[state, trigger, branch]}
        for (state, trigger), [branch] in world.machine.items()
    ]
    shown = {state: shown_as(state) for state in world.states}
    return log.getvalue(), truth("washing_variables", world.initial, world.states, transitions, line - 1, noise, shown)


def shown_as(state: str) -> str:
    """The visible state that the variables make, without the timer's pulse: what is not 0 or low in it."""
    values = {name: value for name, value in variables(state, "").items() if value}
    return " ".join(f"{k}={'high' if k == 'Water Level' else int(v)}" for k, v in values.items()) or "Power=0"


BROWN_FOX = """\
step,event
1,The
2,little
3,brown
4,fox
"""


def samples() -> Iterator[tuple[str, str, str]]:
    """Name, CSV and truth of each sample log of a machine."""
    for world in (washing_machine(), door_lock(), order_process(), refrigerated_lorry(), vending_machine()):
        yield world.name, *make(world)
    yield "washing_cycle", *washing_cycle()
    yield "washing_variables", *washing_variables()


def main(folder: Path) -> None:
    """Write all files into a folder."""
    for name, log, facts in samples():
        (folder / f"{name}.csv").write_bytes(log.encode())
        (folder / f"{name}.truth.json").write_bytes(facts.encode())
    (folder / "brown_fox.csv").write_bytes(BROWN_FOX.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
