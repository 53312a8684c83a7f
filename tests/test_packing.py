"""Packed rows against the log that they were packed from."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fsmlearn.packing import Rows, pack

TRIGGERS, ANSWERS = 2, 4
SEEDS = st.integers(0, 10_000)
LABELS = st.sampled_from([1, 3])  # hidden and visible states


def random_rows(rng: np.random.Generator, labels: int) -> tuple[Rows, dict[str, list[int]]]:
    """A small log without rhyme or reason, packed, and as it was before."""
    offsets = np.cumsum([0, *rng.integers(0, 6, size=int(rng.integers(1, 5))), 2])
    n = int(offsets[-1])
    first = np.isin(np.arange(n), offsets)
    log = {
        "label": rng.integers(labels, size=n),
        "trigger": rng.integers(TRIGGERS, size=n),
        "answer": rng.integers(-1, ANSWERS, size=n),
        "broken": ((rng.random(n) < 0.2) & ~first).astype(int),
    }
    answer_label = rng.integers(labels, size=ANSWERS) if labels > 1 else np.full(ANSWERS, -1)
    rows = pack(
        log["label"],
        log["trigger"],
        log["answer"],
        offsets,
        log["broken"].astype(np.bool_),
        labels=labels,
        triggers=TRIGGERS,
        answer_label=answer_label,
    )
    return rows, {**{name: column.tolist() for name, column in log.items()}, "offsets": offsets.tolist()}


@given(SEEDS, LABELS)
@settings(deadline=None)
def test_packed_rows_are_the_rows_of_the_log(seed: int, labels: int) -> None:
    rows, log = random_rows(np.random.default_rng(seed), labels)
    n = len(log["label"])
    assert sorted(rows.order.tolist()) == list(range(n))
    assert rows.offsets[0] == 0
    assert rows.offsets[-1] == n
    place = {row: at for at, row in enumerate(rows.order.tolist())}
    bounds = list(zip(log["offsets"], log["offsets"][1:], strict=False))
    assert {rows.order[at] for at in range(n)[rows.first]} == {lo for lo, hi in bounds if hi > lo}
    for lo, hi in bounds:
        for row in range(lo, hi):
            at = place[row]
            cell = rows.symbol_cell[rows.symbol[at]]
            assert rows.label[at] == rows.cell_label[cell] == log["label"][row]
            assert rows.cell_trigger[cell] == log["trigger"][row]
            assert rows.symbol_answer[rows.symbol[at]] == log["answer"][row]
            assert rows.broken[at] == log["broken"][row]
            assert rows.offsets[row - lo] <= at < rows.offsets[row - lo + 1], "it stands among the rows of its step"
            assert rows.following[at] == (place[row + 1] if row + 1 < hi else -1)
            assert rows.preceding[at] == (place[row - 1] if row > lo else -1)
    assert rows.symbol_cell.tolist() == sorted(rows.symbol_cell.tolist())
