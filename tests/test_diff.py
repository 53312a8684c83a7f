"""Differences against enumeration of all that machines can show, and against hand-made changes."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from machines import WASH, truth
from test_machine import machines, shown

from fsmlearn.diff import Difference, Side, diff
from fsmlearn.equivalence import equivalent
from fsmlearn.errors import ModelError
from fsmlearn.likeness import likeness, relabelled, renamed
from fsmlearn.machine import Machine, State, Transition

PLACES = {"other answer", "unseen in old", "unseen in new", "leads elsewhere"}
VENDING = truth("vending_machine")
WASHING = truth("washing_machine")


def changed(machine: Machine, state: str, trigger: str, **what: object) -> Machine:
    """The machine with one transition changed, or without it where nothing is said."""
    ways = [
        replace(t, **what) if (t.state, t.trigger) == (state, trigger) else t  # type: ignore[arg-type]
        for t in machine.transitions
        if what or (t.state, t.trigger) != (state, trigger)
    ]
    return replace(machine, transitions=tuple(ways))


def brief(old: Machine, new: Machine) -> list[tuple[str, str | None, str, str]]:
    return [(each.kind, each.trigger, " ".join(each.old.word), " ".join(each.then)) for each in diff(old, new).found]


def called(machine: Machine, prefix: str) -> Machine:
    """The machine with other names for its states inside."""

    def name(state: str) -> str:
        return prefix + state

    return Machine(
        machine.kind,
        name(machine.initial),
        tuple(State(name(state.name), state.label) for state in machine.states[::-1]),
        machine.triggers[::-1],
        tuple(replace(t, state=name(t.state), next_state=name(t.next_state)) for t in machine.transitions),
    )


@settings(max_examples=50)
@given(machines())
def test_names_inside_do_not_matter(machine: Machine) -> None:
    assert diff(machine, called(machine, "q")).found == ()
    assert diff(called(machine, "q"), machine).found == ()


@given(machines(), machines())
def test_there_are_differences_where_the_machines_are_not_equivalent(a: Machine, b: Machine) -> None:
    assume(a.kind == b.kind)
    found = diff(a, b)
    kinds = {each.kind for each in found.found}
    assert found.witness == equivalent(a, b)
    assert (found.witness is None) == (kinds <= {"other shares"})
    if found.witness is not None:  # it is where the first one shows
        first = found.found[0]
        assert first.old.word == first.new.word
        assert len(first.old.word) + (first.trigger is not None) + len(first.then) == len(found.witness)


@settings(max_examples=60)
@given(machines(), machines())
def test_each_place_is_one_where_they_differ(a: Machine, b: Machine) -> None:
    assume(a.kind == b.kind)
    found = diff(a, b)
    b = relabelled(b, renamed(a, b))  # visible states that are called otherwise differ in nothing else
    shortest = equivalent(a, b)
    for each in found.found:
        if each.kind in PLACES and each.old.word == each.new.word:
            word = (*each.old.word, str(each.trigger), *each.then)
            assert shortest is not None
            assert len(word) >= len(shortest)
            if len(word) < 7:
                assert shown(a, word) != shown(b, word)
        for side, machine in ((each.old, a), (each.new, b)):
            if side.states and len(side.word) < 7:
                assert {seen[-1] for seen in shown(machine, side.word)} >= {
                    machine.labels[each] for each in side.states
                }
            assert all(t.state in side.states and t.trigger == each.trigger for t in side.ways)


@settings(max_examples=60)
@given(machines(deterministic=True), machines(deterministic=True))
def test_the_other_way_round_the_same_is_told_the_other_way_round(a: Machine, b: Machine) -> None:
    assume(a.kind == b.kind)
    assume(a.labels[a.initial] == b.labels[b.initial])  # else matches may be equally good
    swap = {"old": "new", "new": "old"}

    def mirrored(each: Difference) -> tuple[object, ...]:
        words = [swap.get(word, word) for word in each.kind.split(" ")]
        return " ".join(words), each.trigger, each.new, each.old, each.then

    there = {mirrored(each) for each in diff(a, b).found}
    back = {(each.kind, each.trigger, each.old, each.new, each.then) for each in diff(b, a).found}
    assert there == back


def test_another_visible_state_is_told_with_what_leads_there() -> None:
    found = diff(WASH, changed(WASH, "Rinse·2", "Timer", next_state="Soak·2"))
    word = ("Start", "Level", "Timer", "Level")
    assert found.witness == (*word, "Timer")
    place, alone = found.found
    assert place.kind == "other answer"
    assert place.old == Side(word, ("Rinse·2",), WASH.successors("Rinse·2", "Timer"))
    assert [t.next_state for t in place.new.ways] == ["Soak·2"]
    assert place.old.rows == place.new.rows == 3
    assert alone == Difference("state only in old", None, Side((*word, "Timer"), ("Drain",)), Side())


def test_what_one_log_never_showed_is_a_kind_of_its_own() -> None:
    less = changed(VENDING, "S0", "Return")
    assert brief(VENDING, less) == [("unseen in new", "Return", "", "")]
    assert brief(less, VENDING) == [("unseen in old", "Return", "", "")]


def test_the_same_answer_that_leads_elsewhere_is_told_with_what_shows_it() -> None:
    # S1 has one coin, S3 two, S4 three; the second coin counts for two, so that there are never two
    found = diff(VENDING, changed(VENDING, "S1", "Coin", next_state="S4"))
    place, alone = found.found
    assert found.witness == (*place.old.word, "Coin", *place.then)
    assert (place.kind, place.old.word, place.then) == ("leads elsewhere", ("Coin",), ("Cocoa",))
    assert [t.output for t in (*place.old.ways, *place.new.ways)] == ["clink", "clink"]
    assert [t.output for t in (*place.old.then, *place.new.then)] == ["beep", "cocoa"]
    assert alone == Difference("state only in old", None, Side(("Coin", "Coin"), ("S3",)), Side())


def test_all_places_that_lead_elsewhere_are_told() -> None:
    # Return gives the coins back, but the machine forgets that it did, from one coin and from two
    other = changed(changed(VENDING, "S1", "Return", next_state="S4"), "S3", "Return", next_state="S4")
    assert [each[:3] for each in brief(VENDING, other)] == [
        ("leads elsewhere", "Return", "Coin"),
        ("leads elsewhere", "Return", "Coin Coin"),
    ]


def test_one_change_is_told_as_one_wherever_it_is() -> None:
    """Programmes 1 to 3 rinse once to three times by the states Soak·3 -> Rinse·3 -> Drain and so on."""
    for t in VENDING.transitions:
        other = changed(VENDING, t.state, t.trigger, output="smoke")
        assert [(each.kind, each.trigger) for each in diff(VENDING, other).found] == [("other answer", t.trigger)]
    for t in WASHING.transitions:
        other = changed(WASHING, t.state, t.trigger, next_state="Off" if t.next_state != "Off" else "Stop")
        found = [each for each in diff(WASHING, other).found if each.trigger is not None]
        assert [(each.kind, each.old.states, each.trigger) for each in found] == [
            ("other answer", (t.state,), t.trigger)
        ]


def test_a_state_put_between_is_told_and_the_rest_is_compared() -> None:
    spin = Transition("Spin", "Timer", "Dry", None, 5, 1.0)
    other = replace(WASHING, states=(*WASHING.states, State("Spin", "Spin")), transitions=(*WASHING.transitions, spin))
    other = changed(other, "Drain", "Timer", next_state="Spin")
    assert [each[:2] for each in brief(WASHING, other)] == [("other answer", "Timer"), ("state only in new", None)]
    # Dry is compared though no word leads both machines there, and then the words are two
    found = diff(WASHING, changed(other, "Dry", "Timer", next_state="Off")).found
    assert [(each.kind, each.trigger) for each in found][:2] == [("other answer", "Timer")] * 2
    assert [len(side.word) for side in (found[1].old, found[1].new)] == [6, 7]
    assert found[1].old.states == found[1].new.states == ("Dry",)


def test_a_visible_state_called_otherwise_is_told_once() -> None:
    names = {"Dry": "Trocken", "Soak": "Einweichen"}
    other = relabelled(WASHING, names)
    assert renamed(WASHING, other) == {new: old for old, new in names.items()}
    found = diff(WASHING, other).found
    assert [each.kind for each in found] == ["called otherwise"] * 2
    assert [len(each.old.word) for each in found] == [3, 6]
    # one that comes and goes on otherwise is another state
    word = ("Start", "Level", "Timer", "Level", "Timer")
    elsewhere = changed(relabelled(WASH, {"Drain": "Spin"}), "Drain", "Timer", next_state="Soak")
    assert brief(WASH, elsewhere) == [
        ("other answer", "Timer", " ".join(word[:-1]), ""),
        ("state only in old", None, " ".join(word), ""),
        ("state only in new", None, "", ""),
    ]


def test_machines_that_start_elsewhere_are_compared_where_they_meet() -> None:
    other = replace(WASHING, initial="Idle")
    assert brief(WASHING, other) == [("starts elsewhere", None, "", "")]
    assert diff(WASHING, other).witness == ()
    found = diff(WASHING, changed(other, "Dry", "Timer")).found
    assert [each.kind for each in found] == ["starts elsewhere", "unseen in new", "state only in old"]  # Stop


def test_a_trigger_of_one_machine_is_told_once() -> None:
    kick = [Transition(state, "Kick", state, "ouch", 4, 1.0) for state in ("S1", "S3")]
    other = replace(VENDING, triggers=(*VENDING.triggers, "Kick"), transitions=(*VENDING.transitions, *kick))
    assert brief(VENDING, other) == [("trigger only in new", "Kick", "Coin", "")]
    assert brief(other, VENDING) == [("trigger only in old", "Kick", "Coin", "")]
    assert diff(VENDING, other).witness == ("Coin", "Kick")


def test_machines_without_a_common_trigger_share_nothing() -> None:
    there, back = (Machine.build("mealy", 0, [None, None], [x], [(0, x, 1, "1", 1), (1, x, 0, "2", 1)]) for x in "ab")
    assert brief(there, back) == [
        ("trigger only in old", "a", "", ""),
        ("trigger only in new", "b", "", ""),
        ("state only in old", None, "a", ""),
        ("state only in new", None, "", ""),
    ]


def test_machines_of_different_kinds_are_not_compared() -> None:
    with pytest.raises(ModelError, match="a Moore machine and a Mealy machine cannot be compared"):
        diff(WASH, VENDING)


def test_events_that_one_log_never_showed() -> None:
    rows = [(0, "a", 1, None, 9), (1, "b", 1, None, 8), (1, "End", 2, None, 9)]
    machine = Machine.build("lts", 0, [None, None, "End"], ["a", "b", "End"], rows)
    more = Machine.build("lts", 0, [None, None, "End"], ["a", "b", "End"], [*rows, (1, "a", 0, None, 1)])
    assert brief(machine, more) == [("unseen in old", "a", "a", "")]


def coin(heads: int, tails: int) -> Machine:
    return Machine.build("mealy", 0, [None], ["toss"], [(0, "toss", 0, "heads", heads), (0, "toss", 0, "tails", tails)])


@pytest.mark.parametrize(
    ("old", "new", "differ"),
    [
        ((500, 500), (500, 500), False),
        ((50, 50), (70, 30), False),  # z = 2.89, which chance brings about in 4 of 1000
        ((50, 50), (75, 25), True),  # z = 3.65, in 3 of 10,000
        ((900, 100), (830, 170), True),
        ((2, 2), (100, 1), False),  # fewer than five are to be expected
        ((0, 0), (100, 1), False),  # a machine that nothing was counted for
    ],
)
def test_other_shares_are_told_where_chance_does_not_explain_them(
    old: tuple[int, int], new: tuple[int, int], differ: bool
) -> None:
    found = diff(coin(*old), coin(*new))
    assert found.witness is None
    assert [each.kind for each in found.found] == ["other shares"] * differ


def test_shares_of_events_are_those_of_the_state() -> None:
    def machine(a: int) -> Machine:
        rows = [(0, "a", 0, None, a), (0, "b", 0, None, 400), (0, "End", 1, None, 100)]
        return Machine.build("lts", 0, [None, "End"], ["a", "b", "End"], rows)

    assert diff(machine(500), machine(520)).found == ()
    assert [each.trigger for each in diff(machine(500), machine(900)).found] == [
        "a",
        "b",
    ]  # 10 % against 7 % is no news


def test_equal_shares_are_hardly_ever_called_different() -> None:
    random = Random(1)
    alarms = 0
    for _ in range(400):
        heads = [sum(random.random() < 0.3 for _ in range(300)) for _ in range(2)]
        alarms += bool(diff(*(coin(n, 300 - n) for n in heads)).found)
    assert alarms <= 3  # expected: fewer than one


def test_likeness_by_hand() -> None:
    # left: X -a-> X; right: X -a-> Y -a-> Y, Y having another answer to a
    one = Machine.build("mealy", 0, [None], ["a", "b"], [(0, "a", 0, "1", 1), (0, "b", 0, "2", 1)])
    rows = [(0, "a", 1, "1", 1), (1, "a", 1, "3", 1), (0, "b", 0, "2", 1), (1, "b", 1, "2", 1)]
    other = Machine.build("mealy", 0, [None, None], ["a", "b"], rows)
    found = likeness(one, other)
    # of S1: three answers, one in common, which leads back: l = (0.4 + 0.6 l) / 3
    second = 0.4 / 2.4
    # of S0: two answers, both in common, that lead to S1 and to S0: l = (0.4 + 0.6 second + 0.4 + 0.6 l) / 2
    first = (0.8 + 0.6 * second) / 1.4
    assert found["S0", "S1"] == pytest.approx(second, abs=0.01)
    assert found["S0", "S0"] == pytest.approx(first, abs=0.01)


@given(machines())
def test_every_state_is_like_itself(machine: Machine) -> None:
    found = likeness(machine, machine)
    assert all(found[state, state] == pytest.approx(1) for state in machine.labels)
    assert all(0 <= how <= 1 + 1e-9 for how in found.values())
    assert renamed(machine, machine) == {}
