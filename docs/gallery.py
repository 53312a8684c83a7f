#!/usr/bin/env python3
"""Writes docs/gallery.md and its pictures: `python docs/gallery.py`. Every picture is what the command above it writes.

The models are trained anew, as the page says, so that the pictures of networks differ a little from processor to
processor; the machines do not.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEAD = """# Gallery

Made from the sample logs by `docs/gallery.py`: every picture here is what the command above it writes. Pictures of
machines need Graphviz or `pip install 'fsmlearn[graphviz]'`, those of networks `pip install 'fsmlearn[plots]'`.
"""
TRAINED = """
$ fsmlearn train sample_logs/washing_machine.csv --model washing.fsm
$ fsmlearn train sample_logs/vending_machine.csv --model vending.fsm
$ fsmlearn train sample_logs/order_process.csv --model orders.fsm
$ fsmlearn train sample_logs/door_lock.csv --model door.fsm
$ fsmlearn train sample_logs/refrigerated_lorry.csv --model lorry.fsm
$ fsmlearn train sample_logs/refrigerated_lorry.csv --cell elman --model lorry-elman.fsm
$ fsmlearn train sample_logs/refrigerated_lorry.csv --cell lstm --model lorry-lstm.fsm
"""


@dataclass(frozen=True)
class Entry:
    """One command of the page, and what there is to see."""

    title: str
    command: str  # without -o
    picture: str | None  # a file in docs/gallery; None: the command prints text
    text: str


ENTRIES = [
    Entry(
        "A washing machine",
        "plot machine --model washing.fsm",
        "washing-machine.svg",
        "Its log knows eight states; those that share a name share a colour. The programme decides how often the "
        "machine soaks and rinses: `Programmed·3` comes to `Rinse·3`, and so to `Drain`, at once, `Programmed` the "
        "second time round, `Programmed·2` the third. What leaves a state as it is stands inside of it, and so does "
        "what leads to `Off`, because every other state does.",
    ),
    Entry(
        "The same in a terminal",
        "plot machine --model washing.fsm",
        None,
        "Graphs drawn in letters are hard to read. A matrix says where everything leads, and a tree how each state is "
        "reached soonest. What does not fit side by side comes below; a wider terminal has it all in one.",
    ),
    Entry(
        "Its neighbours",
        "plot machine --around Rinse --model washing.fsm",
        "washing-machine-rinse.svg",
        "One name, three states: of a large machine `--around` shows a corner.",
    ),
    Entry(
        "The noise",
        "plot machine --collapse --noise --min-count 2 --model washing.fsm",
        "washing-machine-noise.svg",
        "Dashed is what two rows or more of the log say and the filter did not believe. With `--collapse` the states "
        "are the eight of the log, and `Timer` leads from `Rinse` to two of them, because what tells is not shown.",
    ),
    Entry(
        "A vending machine",
        "plot machine --unseen --model vending.fsm",
        "vending-machine.svg",
        "Its log hides the states; what stands behind a trigger is the machine's output. Dotted is what nobody tried: "
        "the key with a coin inside.",
    ),
    Entry(
        "Orders",
        "plot machine --model orders.fsm",
        "orders.svg",
        "What is random has its share. The thinnest line rests on two rows of the log, which are wrong.",
    ),
    Entry(
        "The washing machine's network",
        "plot state-space --model washing.fsm",
        "state-space.png",
        "Each dot is the memory of the network, 64 numbers, somewhere between two rows of the log; its colour is the "
        "state of the machine. Each star is where the network settles when what keeps the state is repeated: one "
        "trigger (filled) or a sequence that leads round to it (empty). All 14 states have one. The plane shows "
        "them from one side only: `Soak·2` and `Soak·3`, which lie on each other here, are apart in other dimensions "
        "(`--components 1,3`).",
    ),
    Entry(
        "A wash day in it",
        "plot state-space --trace 3 --components 1,3 --model washing.fsm",
        "state-space-trace.png",
        "The third trace of the log as a way from star to star, its steps numbered: programmes are chosen and changed, "
        "power is cut, and two washes come to their end.",
    ),
    Entry(
        "What a trigger does",
        "plot vector-field --trigger Handle --model door.fsm",
        "vector-field.png",
        "Where `Handle` moves the memory of the door lock's network: it leaves a locked door locked and opens one that "
        "is unlocked. The stars, where the arrows end in all dimensions, lie off the plane, so the arrows of the plane "
        "do not run into them. Pale arrows start where the network takes the door to be in a state in which the log "
        "never shows the handle.",
    ),
    Entry(
        "Where it ends",
        "plot basins --trigger Handle --model door.fsm",
        "basins.png",
        "The same, a hundred times over: each point has the colour of the state that it ends in.",
    ),
    Entry(
        "What is forgotten",
        "plot state-space --model lorry-elman.fsm",
        "lorry-elman.png",
        "What the lorry was loaded with shows when it is unloaded, after 40 to 60 rows that say nothing of it: `S2` "
        "and `S3` are on the way with the one load or the other. The Elman network mixes them in every clump: it has "
        "forgotten the load, and the machine that tells them apart was found without its help. A clump is what the "
        "latest trigger was, and so is the attractor in it.",
    ),
    Entry(
        "What is kept",
        "plot state-space --model lorry.fsm",
        "lorry-gru.png",
        "The GRU keeps them apart, `S1` from `S2` for each of the latest triggers. It has no attractor that would hold "
        "the load for ever: its gates forget so slowly that within 500 repetitions nothing comes to rest.",
    ),
    Entry(
        "Why",
        "plot gradients --trigger Unload --model lorry-elman.fsm --beside lorry.fsm --beside lorry-lstm.fsm",
        "gradients.svg",
        "How much the loss of the unloading says of the memory so many rows before. The Elman network's gradient "
        "vanishes, by more than twenty orders of magnitude over 50 rows; that of cells with gates hardly fades.",
    ),
    Entry(
        "How it was learned",
        "plot learning --model washing.fsm",
        "learning.svg",
        "Training ends when nothing is left to learn. Rows held out are answered without the noise that training adds "
        "to the network, and so better.",
    ),
    Entry(
        "Learned against observed",
        "plot transitions --model washing.fsm",
        "transitions.png",
        "On the left the log with all its noise, on the right what was learned from it. In brackets the rows of each "
        "pair: what looks certain there may rest on one of them.",
    ),
]


def fsmlearn(arguments: str, place: str) -> str:
    """What a command prints, run where the sample logs and the models are."""
    environment = {**os.environ, "COLUMNS": "80", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "fsmlearn", *shlex.split(arguments)]
    return subprocess.run(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    pictures = HERE / "gallery"
    pictures.mkdir(exist_ok=True)
    parts = [HEAD, f"```console{TRAINED}```\n"]
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "sample_logs").symlink_to(HERE.parent / "sample_logs")
        for line in TRAINED.strip().splitlines():
            fsmlearn(line.removeprefix("$ fsmlearn ") + " --quiet", place)
        for entry in ENTRIES:
            command = entry.command if entry.picture is None else f"{entry.command} -o {entry.picture}"
            printed = fsmlearn(f"{command} --quiet", place)
            text = textwrap.fill(entry.text, 120, break_long_words=False, break_on_hyphens=False)
            parts.append(f"## {entry.title}\n\n{text}\n\n```console\n$ fsmlearn {command}\n{printed}```\n")
            if entry.picture is not None:
                (pictures / entry.picture).write_bytes((Path(place) / entry.picture).read_bytes())
                parts.append(f"![{entry.title}](gallery/{entry.picture})\n")
            print(entry.title)
    (HERE / "gallery.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
