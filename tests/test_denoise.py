"""The filter names the noise that was put in, and leaves a clean log alone, whatever machine wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import machines
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machines import Row, chosen

from fsmlearn import chain
from fsmlearn.denoise import Denoised, denoise, filtered
from fsmlearn.logs import UNKNOWN, Log, alone
from fsmlearn.rows import Rows
from fsmlearn.stretches import Kinds, Stretches, stretches


def log_of(*traces: Sequence[Row]) -> Log:
    return machines.log_of(traces)


def rows_of(log: Log) -> list[Row]:
    def word(names: tuple[str, ...], code: int) -> str:
        return "" if code == UNKNOWN else names[code]

    rows: list[Row] = []
    for i in range(len(log)):
        row = (
            word(log.states, int(log.state[i])),
            log.triggers[int(log.trigger[i])],
            word(log.states, int(log.next_state[i])),
        )
        rows.append((*row, word(log.outputs, int(log.output[i]))) if log.outputs else row)
    return rows


def found(result: Denoised) -> list[tuple[int, str, str]]:
    return [(f.row, f.action, f.kind) for f in result.findings]


# a washing machine that hides its memory: Rinse + Timer leads to Soak first and to Drain then
WASH: list[Row] = [
    ("Off", "Power", "Idle"),
    ("Idle", "Program", "Programmed"),
    ("Programmed", "Start", "Soak"),
    ("Soak", "Level", "Rinse"),
    ("Rinse", "Timer", "Soak"),
    ("Soak", "Level", "Rinse"),
    ("Rinse", "Timer", "Drain"),
    ("Drain", "Timer", "Dry"),
    ("Dry", "Timer", "Off"),
]


def washes(days: int, **changed: list[Row]) -> Log:
    """`days` traces of WASH; the last ones are those given instead."""
    return log_of(*[WASH] * (days - len(changed)), *changed.values())


def test_the_eight_rows_of_the_textbook_all_survive() -> None:
    cycle = [*WASH[:5], *WASH[6:8], ("Dry", "Timer", "Stop")]
    result = denoise(log_of(cycle))
    assert result.findings == ()
    assert rows_of(result.log) == cycle
    assert result.gap.tolist() == [False] * 5 + [True] + [False] * 2


def test_a_wrong_next_state_is_repaired_to_what_the_next_row_says() -> None:
    for place in range(len(WASH) - 1):
        day = list(WASH)
        day[place] = (*WASH[place][:2], "Idle" if WASH[place][2] != "Idle" else "Dry")
        result = denoise(washes(40, last=day))
        assert found(result) == [(39 * 9 + place, "repaired", "label")]
        assert rows_of(result.log) == WASH * 40
        assert not result.gap.any()


def test_the_reason_speaks_the_words_of_the_log() -> None:
    day = [*WASH[:3], ("Soak", "Level", "Idle"), *WASH[4:]]
    (finding,) = denoise(washes(40, last=day)).findings
    assert finding.reason == (
        "next state Idle -> Rinse: the next row goes on from Rinse, and Soak + Level led to Idle in 1 of 80 rows"
    )


def test_a_wrong_current_state_is_repaired_even_in_the_first_row() -> None:
    def day(place: int, state: str) -> list[Row]:
        return [*WASH[:place], (state, *WASH[place][1:]), *WASH[place + 1 :]]

    wrong = [(3, "Dry"), (7, "Programmed"), (1, "Rinse"), (0, "Programmed")]
    for places in (wrong[:1], wrong[1:2], wrong):
        result = denoise(log_of(*[WASH] * 40, *[day(*place) for place in places]))
        assert found(result) == [(9 * (40 + i) + place, "repaired", "label") for i, (place, _) in enumerate(places)]
        assert rows_of(result.log) == WASH * (40 + len(places))


def test_swapped_rows_are_put_back_and_take_each_others_step() -> None:
    for place in range(len(WASH) - 1):
        if place == 4:  # Soak, Rinse, Soak: read as Rinse, Soak it may be another pair that was swapped
            continue
        day = list(WASH)
        day[place : place + 2] = day[place + 1], day[place]
        result = denoise(washes(40, last=day, other=day, third=day))
        expected = [(first + place + i, "repaired", "swap") for first in (37 * 9, 38 * 9, 39 * 9) for i in (0, 1)]
        assert found(result) == expected
        assert rows_of(result.log) == WASH * 40
        assert result.log.step.tolist() == list(range(9)) * 40
        assert result.row[37 * 9 + place] == 37 * 9 + place + 1
        assert result.log.line[37 * 9 + place] == 37 * 9 + place + 3


def test_only_the_row_between_is_listed_where_either_neighbour_may_have_been_its_partner() -> None:
    a, stay, b = ("Off", "On", "Run"), ("Off", "Look", "Off"), ("Run", "Stop", "Off")
    day = [a, b, a, b, stay, a, b, a, b]
    moved = [a, b, a, stay, b, a, b, a, b]  # did `stay` come before its `a` or after its `b`?
    result = denoise(log_of(*[day] * 40, *[moved] * 3))
    assert found(result) == [(40 * 9 + 9 * i + 3, "repaired", "swap") for i in range(3)]
    assert not result.gap.any()


def test_lost_rows_make_no_neighbour_a_suspect() -> None:
    for place in range(1, len(WASH) - 1):
        day = WASH[:place] + WASH[place + 1 :]
        result = denoise(washes(40, last=day))
        assert result.findings == ()
        assert np.flatnonzero(result.gap).tolist() == [39 * 9 + place]
        assert rows_of(result.log) == WASH * 39 + day


def test_a_rare_transition_that_its_neighbours_confirm_is_true() -> None:
    day = [*WASH[:3], ("Soak", "Power", "Off"), *WASH]
    result = denoise(washes(300, last=day))
    assert result.findings == ()
    assert len(result.log) == 300 * 9 + 4


def test_rows_that_stay_are_true_while_nothing_hints_at_stray_rows() -> None:
    day = [*WASH[:3], ("Soak", "Timer", "Soak"), *WASH[3:]]
    result = denoise(washes(300, last=day))
    assert result.findings == ()


def test_a_log_whose_chain_is_mostly_broken_is_no_chain() -> None:
    rng = np.random.default_rng(1)
    names = ["A", "B", "C", "D"]
    rows: list[Row] = [(names[rng.integers(4)], "x", names[rng.integers(4)]) for _ in range(300)]
    result = denoise(log_of(rows))
    assert result.findings == ()
    assert rows_of(result.log) == rows


def test_an_unknown_state_fits_anything_and_is_no_error() -> None:
    day: list[Row] = [("New", "Release", ""), ("", "Bill", "Billed"), ("Billed", "Close", "")]
    half: list[Row] = [("New", "Release", ""), ("Released", "Bill", "Billed")]
    result = denoise(log_of(*[day] * 20, *[half] * 3))
    assert result.findings == ()
    assert not result.gap.any()
    assert rows_of(result.log) == day * 20 + half * 3


def test_logs_that_cannot_be_judged_come_back_as_they_are() -> None:
    empty = log_of()
    assert len(denoise(empty).log) == 0
    single = log_of([("A", "x", "A")])
    assert rows_of(denoise(single).log) == [("A", "x", "A")]
    lone = log_of([("A", "x", "B")])
    assert denoise(lone).findings == ()
    no_chain = log_of([("A", "x", "B"), ("A", "x", "B")])
    assert denoise(no_chain).findings == ()


# ------------------------------------------------------------------------------------------- machines at random

Table = dict[tuple[int, int], list[tuple[float, int, int]]]  # (state, trigger) -> [(probability, next state, output)]


def machine(rng: np.random.Generator, states: int, triggers: int, outputs: int, branches: int, defined: float) -> Table:
    table: Table = {}
    for state in range(states):
        for trigger in range(triggers):
            if trigger == 0 or rng.random() < defined:
                several = int(rng.integers(1, branches + 1))
                share = rng.dirichlet(np.ones(several))
                following = [(state + 1) % states if trigger == 0 else int(rng.integers(states))]
                following += [int(rng.integers(states)) for _ in range(several - 1)]
                table[state, trigger] = [
                    (float(p), n, int(rng.integers(outputs))) for p, n in zip(share, following, strict=True)
                ]
    return table


def walks(
    rng: np.random.Generator, table: Table, traces: int, length: int, alias: int, output: bool
) -> list[list[Row]]:
    """Clean walks from state 0; states are named by their number modulo `alias`."""
    allowed: dict[int, list[int]] = {}
    for state, trigger in table:
        allowed.setdefault(state, []).append(trigger)
    result = []
    for _ in range(traces):
        state, rows = 0, []
        for _ in range(length):
            trigger = allowed[state][int(rng.integers(len(allowed[state])))]
            options = table[state, trigger]
            _, following, said = options[chosen(rng, [option[0] for option in options])]
            row: Row = (f"s{state % alias}", f"t{trigger}", f"s{following % alias}")
            rows.append((*row, f"o{said}") if output else row)
            state = following
        result.append(rows)
    return result


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    states=st.integers(2, 8),
    triggers=st.integers(1, 5),
    outputs=st.integers(0, 3),
    kind=st.sampled_from(["deterministic", "aliased", "random"]),
    defined=st.sampled_from([1.0, 0.5]),
    shape=st.sampled_from([(1, 6), (1, 300), (20, 15), (60, 20)]),
)
def test_a_clean_walk_of_any_machine_loses_nothing(
    seed: int, states: int, triggers: int, outputs: int, kind: str, defined: float, shape: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    table = machine(rng, states, triggers, max(outputs, 1), 3 if kind == "random" else 1, defined)
    alias = max(states // 2, 1) if kind == "aliased" else states
    log = log_of(*walks(rng, table, *shape, alias, outputs > 0))
    result = denoise(log)
    assert result.findings == ()
    assert not result.gap.any()
    assert rows_of(result.log) == rows_of(log)
    assert result.row.tolist() == list(range(len(log)))


def spoil(
    rng: np.random.Generator, traces: list[list[Row]], kind: str, rate: float, triggers: int
) -> tuple[list[list[Row]], list[Row], set[int]]:
    """(noisy traces, the rows that a perfect filter would keep, numbers of the noisy rows)."""
    states = sorted({row[0] for trace in traces for row in trace} | {row[2] for trace in traces for row in trace})
    noisy: list[list[Row]] = []
    truth: list[Row] = []
    bad: set[int] = set()
    count = 0
    for trace in traces:
        rows: list[Row] = []
        i = 0
        while i < len(trace):
            row = trace[i]
            if rng.random() >= rate:
                rows.append(row)
                truth.append(row)
            elif kind == "label":
                others = [state for state in states if state != row[2]]
                bad.add(count + len(rows))
                rows.append((*row[:2], others[int(rng.integers(len(others)))], *row[3:]))
                truth.append(row)
            elif kind == "spurious":
                stray: Row = (row[0], f"t{rng.integers(triggers)}", row[0], f"o{rng.integers(3)}")
                bad.add(count + len(rows))
                rows += [stray, row]
                truth.append(row)
            elif kind == "swap" and i + 1 < len(trace):
                bad |= {count + len(rows), count + len(rows) + 1}
                rows += [trace[i + 1], row]
                truth += [row, trace[i + 1]]
                i += 1
            elif kind == "swap":
                rows.append(row)
                truth.append(row)
            i += 1  # and "drop" writes nothing
        noisy.append(rows)
        count += len(rows)
    return noisy, truth, bad


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.2])
@pytest.mark.parametrize("kind", ["label", "spurious", "swap", "drop"])
def test_noise_put_into_a_deterministic_machine_is_named(kind: str, rate: float) -> None:
    rng = np.random.default_rng([int(1000 * rate), len(kind)])
    table = machine(rng, 6, 4, 3, 1, 1.0)
    clean = walks(rng, table, 200, 30, 6, True)
    noisy, _, bad = spoil(rng, clean, kind, rate, 4)
    result = denoise(log_of(*noisy))
    rows = [row for trace in noisy for row in trace]
    listed = {finding.row for finding in result.findings}
    if kind == "drop":
        assert len(listed) <= (0.005 if rate < 0.2 else 0.01) * len(rows)
    else:
        assert len(listed & bad) >= 0.99 * len(listed)
    true = {(f"s{p}", f"t{x}"): (f"s{q}", f"o{o}") for (p, x), [(_, q, o)] in table.items()}
    if kind in ("label", "spurious"):
        harmful = {i for i in bad if true[rows[i][0], rows[i][1]] != (rows[i][2], rows[i][3])}
        assert len(listed & harmful) >= 0.97 * len(harmful)
        assert {finding.kind for finding in result.findings} == {kind}
        assert result.rates[kind] == pytest.approx(len(bad) / len(rows), rel=0.2)
    if kind == "swap":
        broken = {
            i for i in bad if any(0 < j < len(rows) and rows[j][0] != rows[j - 1][2] for j in (i - 1, i, i + 1, i + 2))
        }
        assert len(listed & broken) >= 0.8 * len(broken)
    # what is kept is the machine
    kept = rows_of(result.log)
    assert sum(true[row[0], row[1]] != (row[2], row[3]) for row in kept) <= 0.002 * len(kept)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["deterministic", "aliased", "random"]))
def test_wrong_next_states_are_found_in_any_machine(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    states = int(rng.integers(4, 10))
    table = machine(rng, states, 3, 2, 2 if kind == "random" else 1, 1.0)
    clean = walks(rng, table, 150, 30, states - 1 if kind == "aliased" else states, False)
    noisy, truth, bad = spoil(rng, clean, "label", 0.05, 3)
    result = denoise(log_of(*noisy))
    listed = {finding.row for finding in result.findings}
    assert len(listed & bad) >= 0.97 * len(listed)
    assert len(listed & bad) >= 0.75 * len(bad)
    if len(result.log) == len(truth):
        kept = rows_of(result.log)
        inside = [i for i in sorted(listed & bad) if i % 30 != 29]  # the last row of a trace has no witness
        right = sum(kept[i] == truth[i] for i in inside)
        assert right >= 0.97 * len(inside)


def test_a_gap_is_kept_when_the_row_after_it_is_dropped_and_no_trace_begins_with_one() -> None:
    rng = np.random.default_rng(5)
    table = machine(rng, 6, 4, 3, 1, 1.0)
    noisy, _, _ = spoil(rng, walks(rng, table, 300, 30, 6, True), "drop", 0.1, 4)
    noisy, _, _ = spoil(rng, noisy, "spurious", 0.1, 4)
    result = denoise(log_of(*noisy))
    log = result.log
    assert not result.gap[log.offsets[:-1]].any()
    whole = log.next_state[:-1] == log.state[1:]
    whole[log.offsets[1:-1] - 1] = True
    assert (result.gap[1:] == ~whole).mean() > 0.995
    assert log.offsets[-1] == len(log) == len(result.row) == len(result.gap)


def test_stretches_that_are_alike_have_one_story(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(7)
    table = machine(rng, 6, 4, 3, 1, 1.0)
    noisy, _, _ = spoil(rng, walks(rng, table, 400, 12, 6, True), "label", 0.05, 4)
    noisy, _, _ = spoil(rng, noisy, "swap", 0.05, 4)
    log = log_of(*noisy * 3)
    together = denoise(log)

    def apart(rows: Rows, start: int) -> Stretches:
        found = stretches(rows, start)
        assert 3 * len(found.kinds) <= len(found.every) == found.kinds.often.sum()
        each = np.arange(len(found.every))
        columns = {field.name: getattr(found.kinds, field.name)[found.like] for field in fields(Kinds)}
        kinds = Kinds(**columns | {"often": np.ones(len(each), np.int64)})
        return Stretches(found.every, found.begins, each, kinds)

    monkeypatch.setattr("fsmlearn.stretches.stretches", apart)
    one_by_one = denoise(log)
    assert one_by_one.findings == together.findings and len(together.findings) > 300
    assert rows_of(one_by_one.log) == rows_of(together.log)
    assert one_by_one.gap.tolist() == together.gap.tolist()
    assert one_by_one.rates == pytest.approx(together.rates)

    monkeypatch.setattr("fsmlearn.stretches.stretches", stretches)
    monkeypatch.setattr(chain, "MANY", 300)  # and a sample tells the rates
    sampled = {(finding.row, finding.kind) for finding in denoise(log).findings}
    whole = {(finding.row, finding.kind) for finding in together.findings}
    assert len(sampled ^ whole) <= 0.02 * len(whole)


def test_findings_are_a_tuple_whose_words_come_when_asked_for() -> None:
    day = [*WASH[:3], ("Soak", "Level", "Idle"), *WASH[4:]]
    findings = denoise(washes(40, last=day, other=[WASH[0], *day[1:]])).findings
    assert len(findings) == 2 and tuple(findings) == findings[:] == findings
    assert [findings[i] for i in (-1, 0)] == [findings[1], findings[0]]
    assert [finding.row for finding in findings] == findings.row.tolist()
    with pytest.raises(IndexError):
        findings[2]


@pytest.mark.parametrize("kind", ["label", "swap", "spurious", "drop"])
@pytest.mark.parametrize("many", [50_000, 100])
def test_a_log_is_judged_alike_however_it_is_divided(kind: str, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "MANY", many)
    rng = np.random.default_rng(3)
    noisy, _, _ = spoil(rng, walks(rng, machine(rng, 5, 3, 2, 1, 1.0), 300, 9, 5, True), kind, 0.08, 3)
    log = log_of(*noisy)
    together = denoise(log)
    cuts = np.sort(rng.integers(1, len(log.traces), 4))
    traces = np.split(np.arange(len(log.traces)), np.unique(cuts))
    whole = replace(alone(log), parts=[log.select_traces(some) for some in traces])
    found = filtered(whole)
    parts: list[Denoised] = found.parts
    assert found.rates == together.rates and len(found) == len(together.log) and found.gaps == together.gap.sum()
    assert np.sum(found.counts) == len(together.findings) and len(together.findings) + found.gaps > 20
    assert [row for part in parts for row in rows_of(part.log)] == rows_of(together.log)
    assert np.array_equal(np.concatenate([part.gap for part in parts]), together.gap)
    begins = [int(log.offsets[some[0]]) for some in traces]
    findings = [replace(f, row=f.row + begin) for part, begin in zip(parts, begins, strict=True) for f in part.findings]
    assert findings == list(together.findings)
