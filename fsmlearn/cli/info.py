"""`fsmlearn info`: what is in a log or in a model, and what is odd about it."""

from __future__ import annotations

from typing import Annotated, Unpack

from fsmlearn.cli import console, options, place, watch
from fsmlearn.cli.options import Argument


def run(
    files: Annotated[
        list[str],
        Argument(
            metavar="LOG|MODEL",
            help="Log files, patterns or folders as for train, or one model file; - is a log on standard input.",
        ),
    ],
    dask: options.Dask = None,
    **log: Unpack[options.Reading],
) -> None:
    """Tell what is in a log or in a model.

    For a log: its size, its columns, its words, and what is odd about it. For a model: the log and the
    settings that it comes from, and the size of its network and its machine.
    """
    from fsmlearn import report, sequence_report, store

    if len(files) == 1 and store.is_model(files[0]):
        machine, origin = store.load_machine(files[0]), store.load_origin(files[0])
        page = sequence_report if machine.kind == "lts" else report
        if origin is not None:
            console.show(report.imported(origin, page.states(machine)))
        else:
            console.show(page.model(machine, store.load_about(files[0])))
        return

    from fsmlearn import sources, summary
    from fsmlearn.logs import Whole, gathering

    settings = options.settings(log)
    with place.spread(dask) as spread:
        with watch.watched(quiet=False) as progress:
            for value in gathering(sources.expand(files), **settings.reading, spread=spread):
                if not isinstance(value, Whole):
                    progress.reading(value)
        assert isinstance(value, Whole)
        contents = report.contents(summary.of_log(value), summary.frequencies(value), summary.of_grid(value))
    watch.tell_guesses(progress, value)
    console.show(contents)
