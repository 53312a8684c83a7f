"""`fsmlearn simulate`: traces of a machine as a log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

from fsmlearn.cli import console, options
from fsmlearn.cli.options import Option
from fsmlearn.errors import SettingsError
from fsmlearn.formats import counted

if TYPE_CHECKING:
    from fsmlearn.machine import Machine, Transition

    Traces = Iterable[Iterable[Transition]]

LENGTH = 50  # of traces that nothing else ends


def run(
    traces: Annotated[
        str | None, Option("--traces", metavar="N", help="How many traces to draw; 100 unless given.")
    ] = None,
    length: Annotated[
        str | None,
        Option(
            "--length",
            metavar="N",
            help="Rows of a trace at most; 50 unless given, and no limit to traces of events, which end by themselves.",
        ),
    ] = None,
    seed: Annotated[
        str | None, Option("--seed", metavar="N", help="Another seed draws other traces; 0 unless given.")
    ] = None,
    uniform: Annotated[
        bool, Option("--uniform", help="Draw each trigger that a state knows as often as any other.")
    ] = False,
    cover: Annotated[
        str | None,
        Option("--cover", metavar="transitions", help="Instead, take every transition in as few rows as possible."),
    ] = None,
    tests: Annotated[
        bool, Option("--tests", help="Instead, test an implementation: triggers and the answers expected.")
    ] = False,
    extra_states: Annotated[
        str | None,
        Option(
            "--extra-states",
            metavar="N",
            help="With --tests: how many states more than the machine an implementation may have; 0 unless given.",
        ),
    ] = None,
    model: options.Model = options.MODEL,
    quiet: options.Quiet = False,
) -> None:
    """Write traces of the machine as a log, which fsmlearn train reads back.

    Traces are drawn from the initial state: a trigger as often as the log has it in that state, and where it leads by
    the probabilities of the machine. A trace ends where nothing follows. The same seed draws the same traces.

    With --cover transitions the traces take every transition, and no others do so in fewer rows.

    With --tests they are tests by the W-method, of a machine that leaves no answer to chance: what it answers is what
    an implementation must answer. If it knows every trigger in every state, an implementation that passes, and has no
    more states than the machine and the extra ones, does the same in everything. Otherwise what the machine
    does not know is not tested.
    """
    drawing = {"--traces": traces, "--length": length, "--seed": seed, "--uniform": uniform or None}
    drawn = [name for name, value in drawing.items() if value is not None]
    if cover not in (None, "transitions"):
        raise SettingsError(f"--cover: {cover!r} cannot be covered; say --cover transitions")
    if cover is not None and tests:
        raise SettingsError("simulate writes one thing at a time; choose --cover or --tests")
    if drawn and (cover is not None or tests):
        raise SettingsError(f"{drawn[0]}: is for traces that are drawn; leave it out, or leave out --cover and --tests")
    if extra_states is not None and not tests:
        raise SettingsError("--extra-states: is for tests; give --tests as well")
    numbers = (
        options.whole("--traces", traces or "100", 1),
        None if length is None else options.whole("--length", length, 1),
        options.whole("--seed", seed or "0", 0),
    )
    extra = options.whole("--extra-states", extra_states or "0", 0)

    from fsmlearn import simulate, store

    machine = store.load_machine(model)
    found: Traces
    if tests:
        found = _tests(machine, extra, quiet)
    elif cover is not None:
        found = _cover(machine, quiet)
    else:
        found = _drawn(machine, *numbers, uniform)
    for block in simulate.as_log(machine, found):
        console.out(block)


def _drawn(machine: Machine, traces: int, length: int | None, seed: int, uniform: bool) -> Traces:
    from random import Random

    from fsmlearn import simulate

    most = length if length is not None or machine.kind == "lts" else LENGTH
    return simulate.draw(machine, traces, most, Random(seed), uniform=uniform)


def _cover(machine: Machine, quiet: bool) -> Traces:
    from fsmlearn.tour import tour

    found = tour(machine)
    if not quiet:
        taken = len({id(t) for trace in found for t in trace})
        console.aside(
            f"{counted(len(found), 'trace')} that take{'s' * (len(found) == 1)} {counted(taken, 'transition')}"
        )
    return found


def _tests(machine: Machine, extra: int, quiet: bool) -> Traces:
    from fsmlearn import conformance

    found = list(conformance.suite(machine, extra))
    alike = conformance.characterising(machine).alike
    if not quiet:
        console.aside(counted(len(found), "test"))
        if unknown := len(machine.unseen()):
            console.aside(f"{counted(unknown, 'pair')} of state and trigger that the log never showed are not tested")
        if alike:
            several = counted(len(alike), "pair")
            console.aside(f"{several} of states cannot be told apart by what the log shows: {' and '.join(alike[0])}")
    return found
