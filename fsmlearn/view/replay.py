"""A trace of the sample -> its way through the machine, row by row. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator

from fsmlearn.machine import Machine
from fsmlearn.predict import Follower
from fsmlearn.sample import Sample, SampledTrace

OPEN, NONE = -1, -2  # there are several; there is none


def followed(machine: Machine, sample: Sample, trace: SampledTrace) -> Iterator[tuple[int, int]]:
    """For each row the number of the state before it (OPEN where the rows so far allow several), and of the transition
    that it is (NONE where the machine has no place for it)."""
    number = {name: i for i, name in enumerate(machine.labels)}
    way = {t: i for i, t in enumerate(machine.transitions)}
    visible = {machine.visible(name) for name in machine.labels}
    follower = Follower(machine)
    columns = (trace.state, trace.trigger, trace.next_state, trace.output)
    for state, trigger, following, output in zip(*columns, strict=True):
        before, event, after, said = (
            words[code] if code >= 0 else None
            for words, code in (
                (sample.states, state),
                (sample.triggers, trigger),
                (sample.states, following),
                (sample.outputs, output),
            )
        )
        if event not in machine.triggers or (before is not None and before not in visible):
            yield _only([number[name] for name in follower.belief]), NONE
            continue
        if machine.kind == "lts":
            belief = follower.belief
            follower.outlook(event)
        else:
            follower.answer(before, event)
            belief = follower.belief
            follower.move(event, said)
        ways = [
            way[t]
            for name in belief
            for t in machine.successors(name, event)
            if (said is None or t.output == said) and (after is None or machine.visible(t.next_state) == after)
        ]
        yield _only([number[name] for name in belief]), _only(ways) if ways else NONE


def _only(numbers: list[int]) -> int:
    return numbers[0] if len(numbers) == 1 else OPEN
