"""Random machines seen through logs that hide their states."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from machines import Row, log_of, random_machine, walk

from fsmlearn import extract, mending, standing
from fsmlearn.equivalence import equivalent
from fsmlearn.evidence import Table
from fsmlearn.extract import Extraction
from fsmlearn.histories import Histories, histories
from fsmlearn.logs import Log
from fsmlearn.machine import Machine
from fsmlearn.packing import Ints, Rows, pack
from fsmlearn.standing import Standing


def hiding_all(triggers: list[int], answers: list[int], offsets: list[int]) -> Rows:
    """The rows of a log that hides its states, in which a state gives one answer to a trigger."""
    n = len(triggers)
    return pack(
        np.zeros(n, int),
        np.array(triggers),
        np.array(answers),
        np.array(offsets),
        np.zeros(n, np.bool_),
        labels=1,
        triggers=max(triggers) + 1,
        answer_label=np.full(max(answers) + 1, -1),
        certain=True,
    )


@dataclass(frozen=True, eq=False)
class Hidden:
    """A machine, minimal and with answers for every trigger everywhere, and a log of it."""

    machine: Machine
    log: Log
    data: Histories
    rows: Rows
    # rows of the log that stand before the one that they came after
    swapped: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def table(self) -> Table:
        """The true machine over the rows."""
        names = list(self.machine.labels)
        triggers = [self.log.triggers[a] for a in self.rows.cell_trigger[self.rows.symbol_cell].tolist()]
        to = [[names.index(self.machine.successors(q, a)[0].next_state) for a in triggers] for q in names]
        return Table(np.zeros(len(names), int), np.array(to), np.zeros(1, int))

    def true(self) -> Standing:
        return standing.stand(self.rows, self.table, np.zeros(len(self.rows), int))

    def exact(self, rows: Rows, now: Standing) -> bool:
        """Whether a machine answers as the true one and has no more states."""
        found = extract.machine(self.log, self.data, rows, now)
        return equivalent(found, self.machine) is None and len(found.states) == len(self.machine.states)


def hidden(
    seed: int,
    noise: float = 0.0,
    lost: float = 0.0,
    made_up: float = 0.0,
    swapped: float = 0.0,
    traces: int = 400,
    length: int = 16,
) -> tuple[Hidden, set[int]]:
    """A case of four to six states with two answers, a share `noise` of the answers being the wrong one, a share `lost`
    of the rows missing, as many as a share `made_up` put in at random, and a share `swapped` in the place of the row
    after them; and the traces of the log in which rows are missing before others or were put in."""
    rng = np.random.default_rng(seed)
    machine = mealy(rng, 4 + seed % 3)
    shown: list[list[Row]] = []
    shifted = set()
    for steps in walk(machine, rng, traces, length):
        kept = [step for step in steps if rng.random() >= lost]
        if kept:
            if kept != steps[: len(kept)]:
                shifted.add(len(shown))
            wrong = (rng.random(len(kept)) < noise).tolist()
            rows: list[Row] = []
            for step, w in zip(kept, wrong, strict=True):
                if rng.random() < made_up:
                    rows.append((str(rng.choice(machine.triggers)), str(rng.choice(["A", "B"]))))
                    shifted.add(len(shown))
                rows.append((step.trigger, "AB".replace(str(step.output), "") if w else str(step.output)))
            shown.append(rows)
    pairs = swap(rng, shown, swapped)
    log = log_of(shown, "hidden")
    data = histories(log)
    return Hidden(machine, log, data, extract.packed(log, data, np.zeros(len(log), np.bool_)), pairs), shifted


def mended(case: Hidden) -> Extraction:
    """An extraction of the true machine."""
    now = case.true()
    rows, found = mending.mend(case.rows, now)
    done = mending.agreed(mending.Mended(rows, standing.stand(rows, now.table, found)))
    rows, now = done.rows, done.standing
    machine = extract.machine(case.log, case.data, rows, now)
    return Extraction(machine, extract.names(case.log, case.data, rows, now, machine), rows, now, 0, 0)


def swap(rng: np.random.Generator, traces: list[list[Row]], share: float) -> Ints:
    """Let a share of the rows change places with those after them, none twice: which rows of the log come too early."""
    early, begin = list[int](), 0
    for rows in traces:
        i = 0
        while i < len(rows) - 1:
            if rng.random() < share:
                rows[i : i + 2] = rows[i + 1], rows[i]
                early.append(begin + i)
                i += 1
            i += 1
        begin += len(rows)
    return np.array(early, np.int64)


def mealy(rng: np.random.Generator, states: int) -> Machine:
    """A minimal machine that answers with what a random Moore machine shows next."""
    while True:
        moore = random_machine(rng, states, 2, 3)
        names = list(moore.labels)
        ways = [
            (names.index(t.state), t.trigger, names.index(t.next_state), moore.visible(t.next_state), 1)
            for t in moore.transitions
        ]
        machine = Machine.build("mealy", 0, [None] * states, moore.triggers, ways).minimise()
        if len(machine.states) == states:
            return machine
