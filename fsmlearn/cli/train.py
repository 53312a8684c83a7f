"""`fsmlearn train`: from logs to a model file, with live progress and a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

from fsmlearn.cli import console, options, place, watch
from fsmlearn.cli.options import Option
from fsmlearn.errors import ModelError
from fsmlearn.formats import counted

if TYPE_CHECKING:
    from fsmlearn.machine import Machine
    from fsmlearn.train import Epoch


def run(
    logs: options.Logs,
    model: options.Model = options.MODEL,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    cell: Annotated[
        str | None,
        Option(
            "--cell",
            metavar="elman|gru|lstm",
            help="Of the network; unless given, gru for a log that hides its states, elman for others.",
        ),
    ] = None,
    activation: Annotated[
        str | None,
        Option(
            "--activation",
            metavar="tanh|sigmoid|relu",
            help="Of the Elman cell; tanh unless given.",
        ),
    ] = None,
    hidden: Annotated[
        str | None,
        Option("--hidden", metavar="N", help="Hidden units; chosen unless given."),
    ] = None,
    epochs: Annotated[
        str | None,
        Option("--epochs", metavar="N", help="Epochs at most; chosen unless given."),
    ] = None,
    states: Annotated[
        str | None,
        Option("--states", metavar="N", help="States of the machine; chosen unless given."),
    ] = None,
    seed: Annotated[
        str | None,
        Option("--seed", metavar="N", help="Start of the random numbers; 0 unless given."),
    ] = None,
    dask: options.Dask = None,
    known: Annotated[
        str | None,
        Option("--continue", metavar="MODEL", help="Go on from this model, and tell what the log changes in it."),
    ] = None,
    **log: Unpack[options.Reading],
) -> int:
    """Learn the machine behind a log.

    Reads the log, filters noise, trains a recurrent network on what is left, extracts the machine from the
    network, saves both, and prints a report. Everything can be left to the tool: fsmlearn train LOG.

    A log of events alone, or of --event-column alone, makes a machine that says which event comes next.

    With --continue the training goes on from a model: its network is where the weights start, and what its log showed
    and this one does not is kept. Where both show something, the new log is believed. What differs from the old machine
    stands below the report, as fsmlearn diff tells it.

    The first Ctrl-C during training stops it and goes on with the best network so far.
    """
    from fsmlearn import sources, store

    network = {"cell": cell, "activation": activation, "hidden": hidden}
    settings = options.settings(log, **network, epochs=epochs, states=states, seed=seed)
    logs = sources.expand(logs)
    for file in logs:
        if file != "-" and Path(file).exists() and Path(model).exists() and Path(file).samefile(model):
            raise ModelError(f"{model}: is the log itself; name another place with --model")
    store.check_writable(model)
    before = None if known is None else store.load_known(known)

    from fsmlearn import pipeline
    from fsmlearn.train import Epoch

    with place.spread(dask) as spread, watch.watched(quiet) as progress:
        progress.say(f"reading {', '.join(logs)}")
        stages = pipeline.learning(logs, settings, spread, before)
        learned = next(stages)
        while not isinstance(learned, pipeline.Learned):
            try:
                watch.show(progress, learned)
                if verbose and isinstance(learned, Epoch):
                    progress.line(_curve(learned))
                learned = next(stages)
            except KeyboardInterrupt:
                # Ctrl-C may come while the progress is drawn; what it means is for the stages to say.
                learned = stages.throw(KeyboardInterrupt)
    store.save(model, learned.machine, learned.about, learned.model.params, learned.sample, learned.normal)

    if not quiet:
        from fsmlearn import report, sequence_report

        if learned.machine.kind == "lts":
            console.show(sequence_report.whole(learned.machine, learned.about, full=verbose))
        else:
            console.show(report.whole(learned.machine, learned.about, console.width(), full=verbose))
        if before is not None:
            _show_new(str(known), before.machine, learned.machine)
        sys.stdout.flush()
    if learned.about.training.interrupted:
        console.note(f"interrupted; the best machine so far is saved as {model}")
        return console.INTERRUPTED
    if not quiet:
        console.aside(f"saved as {model}")
    return 0


def _show_new(name: str, old: Machine, new: Machine) -> None:
    """What the new log has changed in the machine that was gone on from."""
    from fsmlearn import diff
    from fsmlearn.cli import diff as told

    found = diff.diff(old, new)
    console.out(f"\nchanged    {counted(len(found.found), 'difference')} from {name}\n")
    if found.found:
        console.out("\n")
        told.show(found, (old, new))


def _curve(epoch: Epoch) -> str:
    return (
        f"epoch {epoch.index}/{epoch.planned}: loss {epoch.loss:.4f}, right {epoch.accuracy:.2%}; held out "
        f"{epoch.held_out_loss:.4f}, {epoch.held_out_accuracy:.2%}; gradient {epoch.gradient_norm:.3g}"
    )
