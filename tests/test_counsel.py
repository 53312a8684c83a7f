"""What the log leaves open is settled by the network, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hidden import Hidden, hidden

from fsmlearn.counsel import HEARD, OPINION, SURE, answers, counsel, preferred
from fsmlearn.elman import Elman
from fsmlearn.evidence import fit
from fsmlearn.moves import elsewhere, led
from fsmlearn.oracle import Oracle
from fsmlearn.packing import Ints, Rows
from fsmlearn.products import FloatArray
from fsmlearn.standing import Standing, leading, stand
from fsmlearn.train import Model

DOUBT = np.log(50)  # of the teacher in every answer but its own, nats


@dataclass(frozen=True, eq=False)
class Teacher(Oracle):
    """A network that expects at every row what a machine answers there."""

    says: Ints  # (N, V)

    def believes(self, which: Ints, trigger: int) -> FloatArray:
        cell = self.rows.cell_trigger.tolist().index(trigger)
        believed = np.full((len(which), self.rows.answers), -DOUBT, np.float32)
        believed[np.arange(len(which)), self.says[which, cell]] = 0
        return believed


def teacher(rows: Rows, now: Standing) -> Teacher:
    return Teacher(
        Model(Elman(), {}), np.zeros((1, 1), np.float32), np.zeros(len(rows), int), rows, 0, np.ones((1, 9), bool),
        answers(rows, now.fit)[now.fit.states],
    )  # fmt: skip


def led_elsewhere(case: Hidden, least: float, most: float) -> list[Standing]:
    """The true machine with one transition led elsewhere, where the description gets longer by `least` to `most`."""
    true = case.true()
    tables = (
        replace(true.table, target=led(true.table.target, leading(case.rows, true.fit), offer))
        for _, offer in elsewhere(case.rows, true)
    )
    all_of_them = (stand(case.rows, table, true.found) for table in tables)
    return [each for each in all_of_them if least <= each.length - true.length <= most]


def open_cases() -> list[tuple[Hidden, Standing]]:
    """Small logs, and machines that explain them about as well as the true one."""
    cases = [hidden(seed, traces=12, length=6)[0] for seed in range(12)]
    return [(case, other) for case in cases for other in led_elsewhere(case, -4, 4)]


def worth(said: Teacher, one: Standing, other: Standing) -> float:
    """Nats that going over from one machine to the other gains, the teacher's opinion counted."""
    return one.length - other.length + OPINION * preferred(said, one.fit, other.fit)


@pytest.mark.slow
def test_between_machines_that_explain_a_log_alike_the_network_decides() -> None:
    tried = 0
    for case, other in open_cases():
        true = case.true()
        said = teacher(case.rows, true)
        settled = counsel(said, other)
        leads = leading(case.rows, settled.fit)
        for _, offer in elsewhere(case.rows, settled):  # and nothing better is one step away
            table = replace(settled.table, target=led(settled.table.target, leads, offer))
            trial = replace(settled, table=table, fit=fit(case.rows, table, settled.found))
            assert worth(said, settled, trial) <= 1e-5
        if worth(said, other, true) > 0.1 and len(other.table) == len(true.table):
            tried += 1
            assert settled.fit.length != other.fit.length
            assert preferred(said, other.fit, settled.fit) > 0 or settled.length < other.length
    assert tried >= 5


def test_what_the_log_decides_the_network_cannot_change() -> None:
    case, _ = hidden(1, traces=400, length=16)
    true = case.true()
    assert case.exact(case.rows, true)
    wrong = replace(true.table, target=np.roll(true.table.target, 1, axis=0))
    stubborn = teacher(case.rows, stand(case.rows, wrong, true.found))
    assert case.exact(case.rows, counsel(stubborn, true))


def test_a_network_without_an_opinion_leaves_what_is_shortest() -> None:
    class Silent(Teacher):
        def believes(self, which: Ints, trigger: int) -> FloatArray:
            return np.zeros((len(which), self.rows.answers), np.float32)

    for case, other in open_cases()[:20]:
        said = teacher(case.rows, other)
        silent = Silent(**{name: getattr(said, name) for name in said.__dataclass_fields__})
        assert counsel(silent, other).length <= other.length + 1e-6


def test_a_preference_is_bounded_and_changes_sign_with_the_sides() -> None:
    tried = 0
    for case, other in open_cases():
        true = case.true()
        if (other.fit.states == true.fit.states).all():
            continue
        tried += 1
        said = teacher(case.rows, true)
        there, back = preferred(said, other.fit, true.fit), preferred(said, true.fit, other.fit)
        assert there == pytest.approx(-back, abs=1e-5)
        assert there >= 0  # the teacher sides with itself
        pairs = np.unique(np.column_stack([other.fit.states, true.fit.states]), axis=0)
        assert there <= len(pairs) * len(case.rows.cell_trigger) * HEARD * min(SURE, DOUBT) + 1e-6
    assert tried
