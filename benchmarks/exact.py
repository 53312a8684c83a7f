#!/usr/bin/env python3
"""How many machines of known systems are learned exactly: `python benchmarks/exact.py [--only 1,5] [--out FILE]`.

Lines 1 to 4 are run by score.py in `--bench FOLDER`, which writes logs of known machines, trains on each and compares;
what counts as exact stands there. Line 5 is benchmarks/tomita.py. Line 7 sets machines of events beside n-grams on
held-out traces: there a run is won, not exact, if the machine's perplexity is the lowest. The result is a Markdown
table.

*Merging alone* is what the same logs give without the network: state merging, search and mending. Under the table are
the runs that were not exact. Where the log hides its states, the true machine is run over the log as well: if machine
and log together are described in no fewer nats by the true machine than by the one found, the log decides too little,
and no better search would help; if the true one is shorter, the search missed it. States of the true machine that the
log does not tell apart are merged before it is measured.

The whole takes hours, `--quick` some minutes. Seconds and MiB are those of `fsmlearn train` as a whole process.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import tomita

from fsmlearn import extract, logs, mending, merging, moves, standing
from fsmlearn.config import Settings
from fsmlearn.evidence import Table
from fsmlearn.histories import Histories, histories
from fsmlearn.logs import Log
from fsmlearn.machine import Machine
from fsmlearn.packing import Rows
from fsmlearn.pipeline import learn
from fsmlearn.standing import Standing

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT.parent / "shared" / "bench"
LARGE = ("gearboxFaultModel", "tcp_server_ubuntu_trans")
SCORED = {
    1: ("hidden, label noise 0 to 10 %", ["--noise", "0,0.01,0.05,0.1", "--kind", "label", "--seeds", "1,2,3"]),
    2: ("hidden, mixed noise 2 and 5 %", ["--noise", "0.02,0.05", "--kind", "mixed"]),
    3: ("hidden, 400 traces of 25 rows, label noise 1 %", ["--traces", "400", "--length", "25", "--noise", "0.01"]),
    4: ("visible, 3 names for all states, label noise 0 and 5 %", ["--visible", "--alias", "3", "--noise", "0,0.05"]),
}
QUICK = ["--models", "coffee,tomita", "--noise", "0.05", "--seeds", "1"]
EVENTS = ["washing_machine", "order_process", "door_lock"]  # sample logs whose triggers are taken as events


@dataclass(frozen=True)
class Run:
    """One log and what was learned from it."""

    name: str
    exact: bool
    facts: str = ""  # more about it, for the list of those that are not exact
    seconds: float = 0.0
    mebibytes: float = 0.0
    alone: bool | None = None  # exact by merging alone; None where that is not tried


@dataclass(frozen=True, eq=False)
class Case:
    """A log that hides its states, as the search sees it."""

    log: Log
    data: Histories
    rows: Rows

    @classmethod
    def read(cls, path: Path) -> Case:
        log = logs.read(path)
        data = histories(log)
        return cls(log, data, extract.packed(log, data, np.zeros(len(log), np.bool_)))

    def merged(self) -> Machine:
        """The machine that is learned without the network."""
        found = mending.onward(min(mending.merge(self.rows, merging.proposals(self.rows)), key=attrgetter("length")))
        return extract.machine(self.log, self.data, found.rows, found.standing)

    def standing(self, machine: Any, tidy: bool = False) -> Standing:
        """A machine (`step` and `initial` as in score.py) over the log, lost rows found as far as it shows them; `tidy`
        merges states that the log does not tell apart."""
        rows, step = self.rows, machine.step
        names = sorted({machine.initial} | {q for q, _ in step} | {q for q, _ in step.values()})
        number = {name: i for i, name in enumerate(names)}
        triggers = [self.log.triggers[trigger] for trigger in rows.cell_trigger.tolist()]
        target = np.array([[number[step.get((q, a), (q, ""))[0]] for a in triggers] for q in names])
        start = np.array([number[machine.initial]])
        table = Table(np.zeros(len(names), np.int64), target[:, rows.symbol_cell], start)
        now = standing.stand(rows, table, np.zeros(len(rows), np.int64))
        broken, found = mending.mend(rows, now)
        mended = standing.stand(broken, now.table, found)
        if mended.length < now.length:
            rows, now = broken, mended
        while tidy and (fewer := moves.merge(rows, now, 0.5, 40)) is not None:
            now = fewer
        return now

    def blame(self, learned: Any, truth: Any) -> str:
        """Whether the log or the search is to blame for another machine than the true one."""
        found, true = self.standing(learned), self.standing(truth, tidy=True)
        who = "the log decides too little" if found.length <= true.length + 1e-6 else "the search missed it"
        return (
            f"found {found.length:,.1f} nats, {found.fit.misfits:,} misfits; "
            f"true {true.length:,.1f} nats, {true.fit.misfits:,} misfits: {who}"
        )


def scored(bench: Path, options: list[str], score: Any) -> Iterator[Run]:
    """Run score.py and read what it wrote."""
    with tempfile.TemporaryDirectory() as scratch:
        kept, table = Path(scratch) / "kept", Path(scratch) / "runs.csv"
        tool = f"{sys.executable} -m fsmlearn"
        call = [sys.executable, str(bench / "score.py"), *options]
        call += ["--out", str(table), "--keep", str(kept), "--fsmlearn", tool]
        done = subprocess.run(call, stdout=sys.stderr, check=False)
        if not table.exists():
            sys.exit(f"exact.py: score.py ended with exit status {done.returncode} and wrote nothing")
        with table.open(newline="") as stream:
            for row in csv.DictReader(stream):
                yield _run(row, kept / f"{row['model']}.{row['noise']}.{row['seed']}", "--visible" in options, score)


def _run(row: dict[str, str], kept: Path, visible: bool, score: Any) -> Run:
    """One line of score.py's table; `kept` is the path of its files without their suffixes."""
    name = f"{row['model']}, noise {float(row['noise']):.0%}, seed {row['seed']}"
    exact, facts, alone = row["exact"] == "True", "", None
    if not row["got"]:
        facts = "training failed"
    elif not exact:
        facts = f"{row['got']} of {row['true']} states, {row['wrong']} wrong, walk {row['walk']}"
    if not visible:
        case = Case.read(Path(f"{kept}.csv"))
        known_facts = json.loads(Path(f"{kept}.truth.json").read_text())
        truth, known = score.Truth(known_facts), score.visited(known_facts, 10)
        without = score.Learned(case.merged().to_dict())
        alone = score.compare(truth, without, known) == 0 and len(without.states) <= int(row["true"])
        if not exact and row["got"]:
            learned = score.Learned(json.loads(Path(f"{kept}.json").read_text()))
            facts += f"; {case.blame(learned, truth)}"
    return Run(name, exact, facts, float(row["s"]), float(row["MiB"]), alone)


def strings(seeds: int) -> Iterator[Run]:
    """Tomita's grammars."""
    with tempfile.TemporaryDirectory() as scratch:
        for grammar in tomita.GRAMMARS:
            for seed in range(seeds):
                result = tomita.learned(grammar, 300, seed, Path(scratch))
                case = Case.read(Path(scratch) / f"tomita_{grammar}.{seed}.csv")
                alone = tomita.judged(grammar, case.merged(), seed, 0.0).exact
                facts = f"{result.states} of {result.fewest} states, right {result.right:.1%}"
                yield Run(f"Tomita {grammar}, seed {seed}", result.exact, facts, result.seconds, alone=alone)


def events(seeds: int) -> Iterator[Run]:
    """Held-out perplexity of machines of events against the best n-gram."""
    for name in EVENTS:
        for seed in range(seeds):
            settings = Settings(seed=seed, columns={"event": "trigger"})
            scores = learn(ROOT / "sample_logs" / f"{name}.csv", settings=settings).about.held_out.scores
            machine = next(s.perplexity for s in scores if s.predictor == "machine")
            best = min((s.perplexity, s.predictor) for s in scores if s.predictor not in ("machine", "network"))
            facts = f"perplexity {machine:.4f}, that of the {best[1]} {best[0]:.4f}"
            yield Run(f"{name}, seed {seed}", machine <= best[0], facts)


def lines(only: list[int], quick: bool, bench: Path) -> Iterator[tuple[str, list[Run]]]:
    """(title, runs) of every line asked for."""
    score: Any = None
    if set(only) & set(SCORED):
        if not (bench / "score.py").exists():
            sys.exit(f"exact.py: there is no score.py in {bench}; name its folder with --bench, or give --only 5,7")
        sys.path.insert(0, str(bench))
        import score  # type: ignore[import-not-found,no-redef]
    for number in only:
        if number in SCORED:
            title, options = SCORED[number]
            runs = list(scored(bench, [*options, *QUICK] if quick else options, score))
            if number != 1:
                yield f"{number}. {title}", runs
                continue
            large = [run for run in runs if run.name.startswith(LARGE)]
            yield f"1. {title}, models up to 25 states", [run for run in runs if run not in large]
            if large:
                yield f"1. {title}, gearbox and tcp_server_ubuntu", large
        elif number == 5:
            yield "5. Tomita 1 to 7 from 300 labelled strings", list(strings(1 if quick else 10))
        elif number == 7:
            yield "7. events, won against the best n-gram", list(events(1 if quick else 5))


def shown(title: str, runs: list[Run]) -> str:
    """A line of the table."""
    alone = [run.alone for run in runs if run.alone is not None]
    seconds, size = [run.seconds for run in runs], max(run.mebibytes for run in runs)
    cells = [
        title,
        f"{sum(run.exact for run in runs)}/{len(runs)}",
        f"{sum(alone)}/{len(alone)}" if alone else "·",
        f"{median(seconds):.1f}" if any(seconds) else "·",
        f"{max(seconds):.1f}" if any(seconds) else "·",
        f"{size:.0f}" if size else "·",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=BENCH, help="the folder of score.py")
    parser.add_argument("--only", default="1,2,3,4,5,7", help="the lines to run")
    parser.add_argument("--quick", action="store_true", help="few models, one seed")
    parser.add_argument("--out", type=Path, help="write the result to this file as well")
    args = parser.parse_args()
    text = ["| | exact | merging alone: exact | median s | max s | max MiB |", "|---|--:|--:|--:|--:|--:|"]
    print(*text, sep="\n", flush=True)
    missed = []
    for title, runs in lines([int(number) for number in args.only.split(",")], args.quick, args.bench):
        text.append(shown(title, runs))
        print(text[-1], flush=True)
        missed += [f"- {title.split('.')[0]}. {run.name}: {run.facts}" for run in runs if not run.exact]
    rest = ["", "Not exact:", "", *missed] if missed else ["", "All are exact."]
    print(*rest, sep="\n")
    if args.out:
        args.out.write_text("\n".join([*text, *rest]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
